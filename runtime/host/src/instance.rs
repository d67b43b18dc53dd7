//! One instance of a component, with the one ledger that it has open.

use std::{any::Any, sync::Arc};

use adapter_spec::{CallError, Ended, Function, Imports, Limit, async_trait, types::Error};
use berth_crypto::NothingLent;
use wasmtime::{
    AsContextMut, ResourceLimiterAsync, Store, Trap, UpdateDeadline,
    component::{
        ComponentNamedList, Instance, InstancePre, Lift, Lower, ResourceAny, ResourceTable, TypedFunc,
    },
};

use crate::{
    exports::Exports,
    limits::{LimitReached, Limits, Meter, Usage},
    long_calls::{LongCalls, Turns},
};

/// What an instance's store holds: all that belongs to the call that runs.
pub(crate) struct CallState {
    pub(crate) imports: Arc<dyn Imports>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) meter: Meter,
    pub(crate) streams: ResourceTable,
    pub(crate) turns: Arc<Turns>,
    memory_used: usize,
}

impl CallState {
    /// It has computed until now, but not while it waited for its turn.
    pub(crate) fn computed(&mut self) {
        if let Some(began) = self.turns.began() {
            self.meter.computes_since(began);
        }
    }

    /// It has computed for long, or is about to: the wait for its next turn.
    fn take_turn(&mut self) -> Result<impl Future<Output = ()> + Send + 'static, LimitReached> {
        self.computed();
        let limits = self.limits.clone();
        self.meter.tick(&limits)?;
        Ok(self.turns.clone().next())
    }
}

/// Bytes that a memory may grow by at once without a turn. What it grows by is filled soon, which is one long instruction.
const SMALL_GROWTH: usize = 2 << 20;

#[async_trait]
impl ResourceLimiterAsync for CallState {
    async fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _max: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        // All memories of the instance together.
        let total = self.memory_used.saturating_add(growth);
        if total > self.limits.memory {
            return Err(LimitReached::new(Limit::Memory, self.limits.memory, "bytes").into());
        }
        self.memory_used = total;
        if growth > SMALL_GROWTH && current > 0 {
            self.take_turn()?.await;
        }
        Ok(true)
    }

    async fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _max: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.limits.table_elements {
            return Err(LimitReached::new(Limit::Table, self.limits.table_elements, "elements").into());
        }
        Ok(true)
    }
}

/// How many functions the standard has: one more than the number of the last.
const FUNCTIONS: usize = Function::Verify as usize + 1;

/// An instance. Whatever ends a call badly ends the instance too: it is dropped, not used again.
pub(crate) struct ComponentInstance {
    store: Store<CallState>,
    instance: Instance,
    ledger: Option<ResourceAny>,
    /// Functions whose types were checked already, each a `TypedFunc` of its own types, at the function's number.
    checked: [Option<Box<dyn Any + Send + Sync>>; FUNCTIONS],
    /// Calls that it served.
    pub(crate) served: u32,
}

/// What a function of an instance came to, and what it used.
pub(crate) struct Finished<R> {
    pub(crate) result: Result<R, Ended>,
    pub(crate) usage: Usage,
}

impl ComponentInstance {
    /// A fresh instance, with nothing open.
    pub(crate) async fn new(
        pre: &InstancePre<CallState>,
        limits: &Arc<Limits>,
        long_calls: &LongCalls,
    ) -> Result<Self, Ended> {
        let mut streams = ResourceTable::new();
        streams.set_max_capacity(limits.handles);
        let state = CallState {
            imports: NothingLent::shared(),
            limits: limits.clone(),
            meter: Meter::start(),
            streams,
            turns: long_calls.turns(),
            memory_used: 0,
        };
        let mut store = Store::new(pre.engine(), state);
        store.limiter_async(|state| state);
        store.set_max_component_handles(limits.handles);
        store.set_hostcall_fuel(limits.result_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            let turn = store.data_mut().take_turn()?;
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn)))
        });
        let instance = pre.instantiate_async(&mut store).await.map_err(|error| ended(&error, limits))?;
        store.data().turns.end();
        Ok(ComponentInstance {
            store,
            instance,
            ledger: None,
            checked: [const { None }; FUNCTIONS],
            served: 0,
        })
    }

    /// A fresh instance with the application's ledger open.
    pub(crate) async fn open(
        pre: &InstancePre<CallState>,
        exports: &Exports,
        limits: &Arc<Limits>,
        long_calls: &LongCalls,
        imports: Arc<dyn Imports>,
        settings: &str,
    ) -> Result<Self, CallError> {
        let mut this = Self::new(pre, limits, long_calls).await?;
        let settings = settings.to_owned();
        let finished = this
            .call::<(String,), (Result<ResourceAny, Error>,)>(exports, Function::Open, imports, |_| {
                Ok((settings,))
            })
            .await;
        let (opened,) = finished.result?;
        this.ledger = Some(opened.map_err(CallError::Answered)?);
        Ok(this)
    }

    /// Calls a function with what is lent for it. After an error this instance must be dropped.
    pub(crate) async fn call<P, R>(
        &mut self,
        exports: &Exports,
        function: Function,
        imports: Arc<dyn Imports>,
        parameters: impl FnOnce(&Self) -> Result<P, Ended>,
    ) -> Finished<R>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        self.served += 1;
        let state = self.store.data_mut();
        state.imports = imports;
        state.meter = Meter::start();
        self.store.set_epoch_deadline(1);
        let result = match (self.typed::<P, R>(exports, function), parameters(self)) {
            (Ok(typed), Ok(parameters)) => typed
                .call_async(self.store.as_context_mut(), parameters)
                .await
                .map_err(|error| ended(&error, &self.store.data().limits)),
            (Err(ended), _) | (_, Err(ended)) => Err(ended),
        };
        let state = self.store.data_mut();
        // What one call was lent is not there for the next one.
        state.imports = NothingLent::shared();
        state.computed();
        state.turns.end();
        let usage = state.meter.finish(result.is_err());
        Finished { result, usage }
    }

    /// The ledger that was opened.
    pub(crate) fn ledger(&self) -> Result<ResourceAny, Ended> {
        self.ledger.ok_or_else(|| Ended::Host { message: "the instance has no ledger open".into() })
    }

    /// The function, with its types checked; the check is made once.
    pub(crate) fn typed<P, R>(
        &mut self,
        exports: &Exports,
        function: Function,
    ) -> Result<TypedFunc<P, R>, Ended>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let checked = self.checked.get_mut(function as usize);
        if let Some(Some(typed)) = &checked
            && let Some(typed) = typed.downcast_ref::<TypedFunc<P, R>>()
        {
            return Ok(*typed);
        }
        let index = exports.index(function).ok_or_else(|| Ended::Host {
            message: format!("{function} was called, and the component does not export it"),
        })?;
        let typed = self
            .instance
            .get_typed_func::<P, R>(&mut self.store, index)
            .map_err(|error| Ended::Host { message: format!("{function}: {error:#}") })?;
        if let Some(checked) = checked {
            *checked = Some(Box::new(typed));
        }
        Ok(typed)
    }
}

/// What wasmtime says when a result or argument has more bytes than `set_hostcall_fuel` allows.
const FUEL_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";
/// What wasmtime says when there are more handles than `set_max_component_handles` allows.
const HANDLES_EXHAUSTED: &str = "store handle limit exceeded";

/// Why wasmtime ended a call.
fn ended(error: &wasmtime::Error, limits: &Limits) -> Ended {
    if let Some(reached) = error.downcast_ref::<LimitReached>() {
        return reached.clone().into();
    }
    if let Some(ended) = error.downcast_ref::<Ended>() {
        return ended.clone();
    }
    let root = error.root_cause().to_string();
    if root.contains(FUEL_EXHAUSTED) {
        return LimitReached::new(Limit::ResultSize, limits.result_bytes, "bytes at once").into();
    }
    if error.downcast_ref::<Trap>().is_none() && root.contains(HANDLES_EXHAUSTED) {
        return LimitReached::new(Limit::Handles, limits.handles, "handles").into();
    }
    // The first line says what; the rest is a backtrace of the guest's functions.
    let message = root.lines().next().unwrap_or("no message").to_owned();
    Ended::Trapped { message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Host, HostConfig};

    /// What instantiating a component that has these core modules comes to.
    async fn instantiate(modules: &[&str], limits: Limits) -> Result<(), Ended> {
        let modules = modules.iter().enumerate();
        let modules =
            modules.map(|(n, m)| format!("(core module $m{n} {m}) (core instance (instantiate $m{n}))"));
        run(&format!("(component {})", modules.collect::<String>()), limits).await
    }

    /// What instantiating this component comes to.
    async fn run(text: &str, limits: Limits) -> Result<(), Ended> {
        let host = Host::new(HostConfig { instances: 2, ..HostConfig::default() }).unwrap();
        let bytes = wat::parse_str(text).unwrap();
        let component = wasmtime::component::Component::from_binary(&host.shared.engine, &bytes).unwrap();
        let pre = host.shared.linker.instantiate_pre(&component).unwrap();
        ComponentInstance::new(&pre, &Arc::new(limits), &LongCalls::of_host(false)).await.map(|_| ())
    }

    fn limit(ended: Result<(), Ended>) -> Limit {
        match ended {
            Err(Ended::LimitReached { limit, .. }) => limit,
            other => panic!("no limit was reached: {other:?}"),
        }
    }

    const GROWING_TABLE: &str = "(table 1 funcref)
        (func $start (drop (table.grow 0 (ref.null func) (i32.const 1000)))) (start $start)";

    #[tokio::test]
    async fn a_table_that_grows_past_its_limit_ends_the_call() {
        let limits = Limits { table_elements: 1_000, ..Limits::default() };
        assert_eq!(limit(instantiate(&[GROWING_TABLE], limits).await), Limit::Table);
        let limits = Limits { table_elements: 1_001, ..Limits::default() };
        assert_eq!(instantiate(&[GROWING_TABLE], limits).await, Ok(()));
    }

    #[tokio::test]
    async fn two_memories_count_together() {
        let modules = ["(memory 10)", "(memory 10)"];
        let limits = Limits { memory: 15 << 16, ..Limits::default() };
        assert_eq!(limit(instantiate(&modules, limits).await), Limit::Memory);
        let limits = Limits { memory: 20 << 16, ..Limits::default() };
        assert_eq!(instantiate(&modules, limits).await, Ok(()));
    }

    #[tokio::test]
    async fn handles_that_a_guest_makes_itself_are_limited_and_a_wrong_handle_is_a_trap() {
        let guest = |body: &str| {
            format!(
                r#"(component (type $r (resource (rep i32)))
                (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))
                (core module $m (import "" "new" (func $new (param i32) (result i32)))
                    (import "" "drop" (func $drop (param i32))) (func $start {body}) (start $start))
                (core instance (instantiate $m (with "" (instance
                    (export "new" (func $new)) (export "drop" (func $drop)))))))"#
            )
        };
        let limits = || Limits { handles: 5, ..Limits::default() };
        let six = "(drop (call $new (i32.const 1)))".repeat(6);
        assert_eq!(limit(run(&guest(&six), limits()).await), Limit::Handles);
        let five = "(drop (call $new (i32.const 1)))".repeat(5);
        assert_eq!(run(&guest(&five), limits()).await, Ok(()));
        let wrong = run(&guest("(call $drop (i32.const 77))"), limits()).await;
        assert!(matches!(wrong, Err(Ended::Trapped { .. })), "{wrong:?}");
    }
}
