//! A component as an adapter: loaded, checked against the standard, ready for any number of applications.

use std::sync::Arc;

use adapter_spec::{
    Adapter, CallError, Ended, Function, Interfaces, Ledger, Lender, async_trait,
    types::{Descriptor, Error, Proof},
};
use berth_crypto::NothingLent;
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::{
    compiler::Compiler,
    descriptor,
    exports::{self, Exports},
    host::{CallRecord, Host, Shared},
    instance::{CallState, ComponentInstance},
    ledger::ComponentLedger,
    limits::{Limits, Usage},
    load_error::LoadError,
    pool::Pool,
    signatures,
    trace::CallSpan,
};

/// What a host lends: the only imports that a component may have, besides the words they are written in.
const LENT: [&str; 7] = ["endpoints", "service-keys", "crypto", "state", "environment", "types", "transport"];

/// A loaded component.
#[derive(Clone)]
pub struct ComponentAdapter {
    loaded: Arc<Loaded>,
    /// Instances for `describe` and `verify`, which belong to no application.
    pool: Arc<Pool>,
}

/// What every ledger of a component needs.
pub(crate) struct Loaded {
    pub(crate) host: Arc<Shared>,
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) exports: Exports,
    pub(crate) limits: Arc<Limits>,
    pub(crate) facts: Facts,
}

/// What is known of a loaded component.
#[derive(Clone, Debug)]
pub struct Facts {
    /// SHA-256 of the component file.
    pub digest: [u8; 32],
    /// Bytes of the component file.
    pub bytes: usize,
    /// Bytes of its compiled code, as the cache keeps it.
    pub compiled_bytes: usize,
    /// Its imports, in its own order.
    pub imports: Vec<String>,
    /// Its exports, in its own order.
    pub exports: Vec<String>,
    /// Whether its code came from the cache.
    pub from_cache: bool,
    /// What it says of itself.
    pub descriptor: Descriptor,
}

impl Host {
    /// Loads a component from bytes that are already in memory: checks its imports and exports against the standard,
    /// compiles it or takes its code from the cache, and has it describe itself.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes; see [`LoadError`].
    pub async fn load(&self, bytes: &[u8], limits: Limits) -> Result<ComponentAdapter, LoadError> {
        let shared = self.shared.clone();
        let allowed = shared.config.component_bytes;
        if bytes.len() > allowed {
            return Err(LoadError::TooLarge { bytes: bytes.len(), allowed });
        }
        check_preamble(bytes)?;
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let (component, from_cache) = compile(&shared, bytes, digest).await?;
        let (imports, exported) = names(&component);
        check_imports(&imports)?;
        let exports = Exports::find(&component)?;
        let other_types = |source| LoadError::OtherTypes { version: exports::VERSION, source };
        let pre = shared.linker.instantiate_pre(&component).map_err(other_types)?;

        let limits = Arc::new(Limits {
            memory: limits.memory.min(Limits::MAX_MEMORY),
            table_elements: limits.table_elements.min(Limits::MAX_TABLE_ELEMENTS),
            ..limits
        });
        let pool = Pool::new(&shared.long_calls, &limits, None);
        shared.watch(&pool);
        let undescribed = |source| LoadError::Undescribed { source };
        let first = {
            let (pre, exports, limits, long_calls) =
                (pre.clone(), exports.clone(), limits.clone(), pool.long_calls.clone());
            async move {
                let mut first = ComponentInstance::new(&pre, &limits, &long_calls)
                    .await
                    .map_err(|ended| undescribed(ended.into()))?;
                signatures::check(&mut first, &exports).map_err(|source| LoadError::OtherTypes {
                    version: exports::VERSION,
                    source: source.into(),
                })?;
                describe(&mut first, &exports).await.result.map_err(|ended| undescribed(ended.into()))
            }
        };
        let (descriptor,) = pool.long_calls.run(first).await?;
        descriptor::check(&descriptor).map_err(|reason| LoadError::BadDescriptor { reason })?;
        let facts = Facts {
            digest,
            bytes: bytes.len(),
            compiled_bytes: compiled_bytes(&component),
            imports,
            exports: exported,
            from_cache,
            descriptor,
        };
        Ok(ComponentAdapter { loaded: Arc::new(Loaded { host: shared, pre, exports, limits, facts }), pool })
    }
}

/// `\0asm`, then version and layer: 1 and 0 for a core module, 13 and 1 for a component (Component Model, binary
/// format).
fn check_preamble(bytes: &[u8]) -> Result<(), LoadError> {
    match bytes.first_chunk::<8>() {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => Err(LoadError::CoreModule),
        Some([0, b'a', b's', b'm', ..]) => Ok(()),
        _ => Err(LoadError::NotWasm),
    }
}

/// The component's code, from the cache if it is there.
async fn compile(
    shared: &Arc<Shared>,
    bytes: &[u8],
    digest: [u8; 32],
) -> Result<(Component, bool), LoadError> {
    let cached = shared.cache.as_ref().and_then(|cache| cache.load(&shared.engine, digest));
    if let Some(component) = cached {
        return Ok((component, true));
    }
    let component = match &shared.config.compiler {
        Compiler::Child(child) => child.compile(&shared.engine, bytes).await?,
        Compiler::InProcess => {
            let engine = shared.engine.clone();
            let bytes = bytes.to_vec();
            let compiled = tokio::task::spawn_blocking(move || Component::from_binary(&engine, &bytes)).await;
            match compiled {
                Ok(component) => component.map_err(|source| LoadError::Invalid { source })?,
                Err(join) => return Err(LoadError::Invalid { source: join.into() }),
            }
        }
    };
    if let Some(cache) = &shared.cache {
        // A cache that cannot be written costs time on the next load, nothing else.
        if let Err(error) = cache.store(digest, &component) {
            tracing::warn!(%error, "compiled code was not cached");
        }
    }
    Ok((component, false))
}

/// Bytes of the image that the component was compiled to.
fn compiled_bytes(component: &Component) -> usize {
    let image = component.image_range();
    image.end.addr().saturating_sub(image.start.addr())
}

/// The names of a component's imports and exports.
fn names(component: &Component) -> (Vec<String>, Vec<String>) {
    let engine = component.engine();
    let ty = component.component_type();
    let imports = ty.imports(engine).map(|(name, _)| name.to_owned()).collect();
    let exports = ty.exports(engine).map(|(name, _)| name.to_owned()).collect();
    (imports, exports)
}

/// Refuses whatever the standard does not lend.
fn check_imports(imports: &[String]) -> Result<(), LoadError> {
    let allowed = LENT.map(exports::interface_name);
    match imports.iter().find(|import| !allowed.contains(import)) {
        None => Ok(()),
        Some(foreign) => {
            Err(LoadError::ForeignImport { import: foreign.clone(), allowed: allowed.join(", ") })
        }
    }
}

/// Calls `describe`.
async fn describe(
    instance: &mut ComponentInstance,
    exports: &Exports,
) -> crate::instance::Finished<(Descriptor,)> {
    instance.call::<(), (Descriptor,)>(exports, Function::Describe, NothingLent::shared(), |_| Ok(())).await
}

impl Loaded {
    /// Tells the observer of a call that ended.
    pub(crate) fn report(&self, application: &str, function: Function, usage: &Usage, ended: Option<&Ended>) {
        if let Some(ended) = ended {
            tracing::warn!(application, adapter = %self.facts.descriptor.name, %function, %ended, "a call was ended");
        }
        if let Some(observer) = &self.host.config.observer {
            let adapter = &self.facts.descriptor.name;
            observer.call_ended(&CallRecord { application, adapter, function, usage, ended });
        }
    }
}

impl ComponentAdapter {
    /// What is known of it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.loaded.facts
    }

    /// A turn's instance, or a fresh one.
    async fn instance(&self, idle: Option<ComponentInstance>) -> Result<ComponentInstance, Ended> {
        match idle {
            Some(instance) => Ok(instance),
            None => {
                ComponentInstance::new(&self.loaded.pre, &self.loaded.limits, &self.pool.long_calls).await
            }
        }
    }
}

#[async_trait]
impl Adapter for ComponentAdapter {
    fn interfaces(&self) -> Interfaces {
        self.loaded.exports.interfaces
    }

    async fn describe(&self) -> Result<Descriptor, CallError> {
        let this = self.clone();
        let described = async move {
            let loaded = &*this.loaded;
            let mut turn = this.pool.turn(&loaded.host, loaded.limits.wall_time).await?;
            let mut instance = this.instance(turn.take()).await?;
            let finished = describe(&mut instance, &loaded.exports).await;
            if finished.result.is_ok() {
                turn.give_back(instance, &loaded.limits);
            }
            loaded.report("", Function::Describe, &finished.usage, finished.result.as_ref().err());
            Ok(finished.result?.0)
        };
        self.pool.long_calls.run(described).await
    }

    async fn open(&self, lender: Arc<dyn Lender>, settings: &str) -> Result<Arc<dyn Ledger>, CallError> {
        Ok(Arc::new(ComponentLedger::open(self.loaded.clone(), lender, settings).await?))
    }

    async fn verify(&self, lender: Arc<dyn Lender>, anchor: Vec<u8>, proof: Proof) -> Result<(), CallError> {
        if !self.interfaces().proofs {
            return Err(CallError::Answered(Error::unsupported(Function::Verify.name())));
        }
        let span = CallSpan::new(&self.loaded.facts, Function::Verify);
        let (this, own) = (self.clone(), span.clone());
        let verified = span.around(async move {
            let loaded = &*this.loaded;
            // Fresh every time: what one application proves must not be seen by another.
            let _turn = this.pool.turn(&loaded.host, loaded.limits.wall_time).await?;
            own.instance(false);
            let mut instance =
                ComponentInstance::new(&loaded.pre, &loaded.limits, &this.pool.long_calls).await?;
            let imports = lender.imports(Function::Verify);
            let finished = instance
                .call::<_, (Result<(), Error>,)>(&loaded.exports, Function::Verify, imports, |_| {
                    Ok((anchor, proof))
                })
                .await;
            own.used(&finished.usage);
            let ended = finished.result.as_ref().err();
            loaded.report(lender.application(), Function::Verify, &finished.usage, ended);
            finished.result?.0.map_err(CallError::Answered)
        });
        self.pool.long_calls.run(verified).await.inspect_err(|error| span.failed(error))
    }
}
