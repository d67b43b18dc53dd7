//! The host: one engine for all adapters, the clock that interrupts them, and what they share.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use adapter_spec::{Ended, Function};
use tokio::sync::Semaphore;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ProfilingStrategy, component::Linker,
};

use crate::{
    cache::CodeCache,
    compiler::Compiler,
    imports,
    instance::CallState,
    limits::{Limits, TICK, Usage},
    load_error::LoadError,
    long_calls::LongCalls,
    pool::Pool,
    reserve::{Reserve, share},
};

/// How a host is set up.
#[derive(Clone)]
pub struct HostConfig {
    /// Instances of all adapters and applications together; each has a slot of the engine's pool. Default 1,000.
    pub instances: u32,
    /// How long an instance may lie idle before it is dropped. Default 10 s.
    pub idle: Duration,
    /// Folder of the cache of compiled code, private to this host's user; none compiles on every load.
    pub cache: Option<PathBuf>,
    /// The most bytes that a component may have. Default 16 MiB.
    pub component_bytes: usize,
    /// Where components are compiled. Default in this process; a node compiles in a child.
    pub compiler: Compiler,
    /// Writes the names of the adapters' functions to `/tmp/perf-<process>.map`, so that `perf` shows where an adapter
    /// spends its time. Off by default.
    pub perf_map: bool,
    /// How instances are reserved for applications whose load stays high.
    pub reserve: Reserve,
    /// Whether calls that compute for long go on aside, on threads of a lower priority, so that they take none from everything else:
    /// for nodes. By default they are polled where they are awaited, so that the order of all that happens repeats.
    pub long_calls_aside: bool,
    /// Hears of every call that ended; none by default.
    pub observer: Option<Arc<dyn CallObserver>>,
}

impl Default for HostConfig {
    fn default() -> Self {
        HostConfig {
            instances: 1_000,
            idle: Duration::from_secs(10),
            cache: None,
            component_bytes: 16 << 20,
            compiler: Compiler::default(),
            perf_map: false,
            reserve: Reserve::default(),
            long_calls_aside: false,
            observer: None,
        }
    }
}

impl fmt::Debug for HostConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostConfig")
            .field("instances", &self.instances)
            .field("idle", &self.idle)
            .field("cache", &self.cache)
            .field("component_bytes", &self.component_bytes)
            .field("compiler", &self.compiler)
            .field("perf_map", &self.perf_map)
            .field("reserve", &self.reserve)
            .field("long_calls_aside", &self.long_calls_aside)
            .field("observer", &self.observer.is_some())
            .finish()
    }
}

/// Hears of every call of a component that ended; for metering and for showing what a call cost.
pub trait CallObserver: Send + Sync {
    /// A call ended. Called on the call's own task: be quick.
    fn call_ended(&self, record: &CallRecord<'_>);

    /// An application has so many instances to itself from now on, which was another number before.
    fn reserved(&self, application: &str, instances: usize) {
        let _ = (application, instances);
    }
}

/// A call that ended.
#[derive(Debug)]
pub struct CallRecord<'a> {
    /// The application that it was for.
    pub application: &'a str,
    /// The adapter's name.
    pub adapter: &'a str,
    /// What was called.
    pub function: Function,
    /// What it used.
    pub usage: &'a Usage,
    /// Why the host ended it, if it did.
    pub ended: Option<&'a Ended>,
}

/// Runs components. Cheap to share; lives as long as an adapter that it loaded.
#[derive(Clone)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
}

/// What all adapters of a host share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CallState>,
    pub(crate) config: HostConfig,
    pub(crate) cache: Option<CodeCache>,
    /// One permit for each instance that exists.
    pub(crate) slots: Arc<Semaphore>,
    /// Turns of calls that compute for long.
    pub(crate) long_calls: LongCalls,
    pools: Mutex<Vec<Weak<Pool>>>,
    /// What was told of each application's reserved instances; none of an application that has none.
    told: Mutex<BTreeMap<String, usize>>,
    stopped: Arc<AtomicBool>,
}

impl Host {
    /// A host with this configuration. Starts the thread of its clock, which ends with the host.
    ///
    /// # Errors
    /// [`LoadError::Engine`] when the machine does not allow such an engine, [`LoadError::Cache`] when the cache's
    /// folder cannot be used.
    pub fn new(config: HostConfig) -> Result<Self, LoadError> {
        let engine_error = |source| LoadError::Engine { source };
        let engine = Engine::new(&engine_config(&config)).map_err(engine_error)?;
        let mut linker = Linker::new(&engine);
        imports::add_to_linker(&mut linker).map_err(engine_error)?;
        let cache = match &config.cache {
            Some(folder) => {
                Some(CodeCache::open(folder, &engine).map_err(|source| LoadError::Cache { source })?)
            }
            None => None,
        };
        let long_calls = LongCalls::of_host(config.long_calls_aside);
        let slots = Arc::new(Semaphore::new(usize::try_from(config.instances).unwrap_or(usize::MAX >> 4)));
        let stopped = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            engine,
            linker,
            config,
            cache,
            slots,
            long_calls,
            pools: Mutex::new(Vec::new()),
            told: Mutex::default(),
            stopped: stopped.clone(),
        });
        let clock = Arc::downgrade(&shared);
        let engine = shared.engine.clone();
        let spawned = std::thread::Builder::new()
            .name("berth-clock".into())
            .spawn(move || run_clock(&engine, &clock, &stopped));
        spawned.map_err(|source| LoadError::Engine { source: source.into() })?;
        Ok(Host { shared })
    }

    /// Instances that exist now, busy and idle.
    #[must_use]
    pub fn instances(&self) -> usize {
        let all = usize::try_from(self.shared.config.instances).unwrap_or(usize::MAX >> 4);
        all.saturating_sub(self.shared.slots.available_permits())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Has this pool's idle instances dropped in time.
    pub(crate) fn watch(&self, pool: &Arc<Pool>) {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(pool));
    }

    fn live(&self) -> Vec<Arc<Pool>> {
        let mut live = Vec::new();
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).retain(|pool| match pool.upgrade() {
            Some(pool) => {
                live.push(pool);
                true
            }
            None => false,
        });
        live
    }

    /// Drops instances that nobody has used since `since`.
    pub(crate) fn drop_idle(&self, since: Instant) {
        for pool in self.live() {
            pool.drop_idle(since);
        }
    }

    /// Looks at the load of every application, and shares out reserved instances anew.
    fn reserve(&self) {
        let live: Vec<_> = self.live().into_iter().filter(|pool| pool.application.is_some()).collect();
        let have: Vec<_> = live.iter().map(|pool| pool.reserved()).collect();
        let wanted: Vec<_> = live.iter().map(|pool| pool.look()).collect();
        let shares = share(&self.config.reserve, self.config.instances, &have, &wanted);
        let mut now = BTreeMap::<String, usize>::new();
        for (pool, slots) in live.iter().zip(shares) {
            pool.reserve(slots);
            if let (Some(application), 1..) = (&pool.application, slots) {
                *now.entry(application.clone()).or_default() += slots;
            }
        }
        let before = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *told, now.clone())
        };
        let Some(observer) = &self.config.observer else { return };
        for (application, slots) in &now {
            if before.get(application) != Some(slots) {
                observer.reserved(application, *slots);
            }
        }
        for application in before.keys().filter(|application| !now.contains_key(*application)) {
            observer.reserved(application, 0);
        }
    }
}

/// Ticks until the host is gone, and now and then drops idle instances.
fn run_clock(engine: &Engine, shared: &Weak<Shared>, stopped: &AtomicBool) {
    const BETWEEN_SWEEPS: Duration = Duration::from_millis(500);
    let Some(look) = shared.upgrade().map(|shared| shared.config.reserve.look) else { return };
    let mut swept = Instant::now();
    let mut looked = Instant::now();
    while !stopped.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        engine.increment_epoch();
        if swept.elapsed() >= BETWEEN_SWEEPS {
            swept = Instant::now();
            let Some(shared) = shared.upgrade() else { return };
            if let Some(since) = swept.checked_sub(shared.config.idle) {
                shared.drop_idle(since);
            }
        }
        if looked.elapsed() >= look {
            looked = Instant::now();
            let Some(shared) = shared.upgrade() else { return };
            shared.reserve();
        }
    }
}

/// The engine for untrusted components.
fn engine_config(config: &HostConfig) -> Config {
    // A component made by wit-component has its own module, a shim and a fix-up module, each an instance.
    const CORE_INSTANCES: u32 = 8;
    const TABLES: u32 = 8;
    let slots = config.instances;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES))
        .total_memories(slots.saturating_mul(2))
        .total_tables(slots.saturating_mul(TABLES))
        .total_stacks(slots)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(2)
        .max_tables_per_component(TABLES)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_memory_size(Limits::MAX_MEMORY)
        .table_elements(Limits::MAX_TABLE_ELEMENTS)
        // Slots of adapters that are not used now are given to others before cold ones are touched, so that memory
        // follows the number of instances at once, not the number of adapters.
        .max_unused_warm_slots(16);
    let mut engine = compile_config();
    engine.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    if config.perf_map {
        engine.profiler(ProfilingStrategy::PerfMap);
    }
    engine
}

/// Digest of the engine's configuration: what compiled code depends on, wasmtime's version and the processor among it.
/// Certificates name it. Zeros on a machine that cannot compile.
#[must_use]
pub fn engine_digest() -> [u8; 32] {
    Engine::new(&compile_config()).map_or([0; 32], |engine| crate::cache::fingerprint(&engine))
}

/// What compiled code depends on. How instances are allocated is no part of it.
pub(crate) fn compile_config() -> Config {
    let mut engine = Config::new();
    engine
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        // What differs between machines must not differ in a replay.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Half of the compiled code's bytes, and only good for line numbers in backtraces.
        .generate_address_map(false)
        .wasm_threads(false)
        .wasm_memory64(false);
    engine
}
