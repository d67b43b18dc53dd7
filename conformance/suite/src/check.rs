//! What a check is, and how it ends.

use adapter_spec::{CallError, Interfaces};
use adapter_spec::{
    Ended,
    types::{Descriptor, Finality, SignatureScheme},
};
use futures_util::future::BoxFuture;

use crate::{
    testbed::Testbed,
    trial::{Observed, Trial},
};

/// One check of one clause.
#[derive(Clone, Copy)]
pub struct Check {
    /// The clause's id, e.g. `ONCE-1`.
    pub clause: &'static str,
    /// What it looks for, in lower-case words joined by hyphens; unique in its clause.
    pub name: &'static str,
    /// Left out of a quick run.
    pub slow: bool,
    /// Without these the check does not apply.
    pub needs: &'static [Need],
    /// How it looks.
    pub run: Run,
}

/// How a check looks.
#[derive(Clone, Copy)]
pub enum Run {
    /// It drives the adapter itself.
    Scenario(Scenario),
    /// It watches every call of the run, whoever makes it. `None`: the call does not concern it.
    Rule(Rule),
}

/// Drives the adapter.
pub type Scenario = for<'a> fn(&'a mut Trial) -> BoxFuture<'a, Checked>;

/// Looks at one call that has ended.
pub type Rule = fn(&Observed, &Facts) -> Option<Result<(), Fault>>;

/// How a scenario ends.
pub type Checked = Result<(), Stop>;

impl Check {
    /// The check's id: clause and name.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.clause, self.name)
    }

    /// Left out of a quick run: it makes some 250 import calls or more with the first adapter that was measured, or hundreds of
    /// blocks. That adapter's conformance test holds all others to it.
    #[must_use]
    pub const fn slow(self) -> Self {
        Check { slow: true, ..self }
    }
}

/// A scenario that needs nothing in particular.
#[must_use]
pub const fn scenario(
    clause: &'static str,
    name: &'static str,
    needs: &'static [Need],
    run: Scenario,
) -> Check {
    Check { clause, name, slow: false, needs, run: Run::Scenario(run) }
}

/// A rule that every call of the run is held to.
#[must_use]
pub const fn rule(clause: &'static str, name: &'static str, needs: &'static [Need], run: Rule) -> Check {
    Check { clause, name, slow: false, needs, run: Run::Rule(run) }
}

/// Makes an `async fn(&mut Trial) -> Checked` a [`Scenario`].
#[macro_export]
macro_rules! boxed {
    ($scenario:path) => {
        |trial| Box::pin($scenario(trial))
    };
}

/// What is known before anything runs.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What the adapter says of itself.
    pub descriptor: Descriptor,
    /// What it exports.
    pub interfaces: Interfaces,
    /// What the suite was given.
    pub testbed: Testbed,
    /// Of a component file: its imports. None for a native plug-in.
    pub imports: Option<Vec<String>>,
}

impl Facts {
    /// The schemes of keys that the test bed's ledger takes: those that the adapter declares, but for those that the test bed
    /// calls absent by their names. Some frameworks' ledgers are made with one of several.
    #[must_use]
    pub fn schemes(&self) -> Vec<SignatureScheme> {
        let name = |scheme: &SignatureScheme| {
            serde_json::to_value(scheme)
                .ok()
                .and_then(|name| name.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let is_there = |scheme: &SignatureScheme| !self.testbed.absent.contains_key(&name(scheme));
        self.descriptor.schemes.iter().copied().filter(is_there).collect()
    }
}

/// What a check cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The adapter exports `blocks`.
    Blocks,
    /// It exports `events`.
    Events,
    /// It exports `store`.
    Store,
    /// It exports `proofs`.
    Proofs,
    /// It declares this capability.
    Capability(&'static str),
    /// Its blocks can leave the chain.
    Forks,
    /// It orders the transactions of an account.
    OrderedAccounts,
    /// It declares a service key.
    ServiceKeys,
    /// It runs as a component.
    Component,
    /// The test bed can do this. Without it nobody knows: the outcome is `unknown`, unless the test bed says that the
    /// framework has no such thing.
    Control(&'static str),
    /// The test bed's probe contract has this function; `unknown` as for a control.
    Probe(&'static str),
    /// The test bed has this entry; `unknown` as for a control.
    Entry(&'static str),
}

/// Why a check does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// The adapter does not declare what the clause is about.
    NotApplicable(String),
    /// The test bed cannot show it.
    Unknown(String),
}

impl Need {
    /// Whether it is met.
    ///
    /// # Errors
    /// Why not.
    pub fn check(self, facts: &Facts) -> Result<(), Unmet> {
        let declared = |yes: bool, what: &str| {
            if yes {
                Ok(())
            } else {
                Err(Unmet::NotApplicable(format!("the adapter does not declare {what}")))
            }
        };
        let descriptor = &facts.descriptor;
        match self {
            Need::Blocks => declared(facts.interfaces.blocks, "blocks"),
            Need::Events => declared(facts.interfaces.events, "events"),
            Need::Store => declared(facts.interfaces.store, "store"),
            Need::Proofs => declared(facts.interfaces.proofs, "proofs"),
            Need::Capability(name) => {
                declared(descriptor.capabilities.iter().any(|declared| declared == name), name)
            }
            Need::Forks => declared(
                descriptor.finality != Finality::Immediate,
                "a ledger whose blocks can leave the chain",
            ),
            Need::OrderedAccounts => declared(descriptor.ordered_accounts, "ordered accounts"),
            Need::ServiceKeys => declared(!descriptor.service_keys.is_empty(), "a service key"),
            Need::Component if facts.imports.is_some() => Ok(()),
            Need::Component => Err(Unmet::NotApplicable("this is a native plug-in".into())),
            Need::Control(name) => {
                facts.testbed.offers("control", name, facts.testbed.controls.contains_key(name))
            }
            Need::Probe(name) => {
                facts.testbed.offers("probe function", name, facts.testbed.probe.functions.contains_key(name))
            }
            Need::Entry(name) => facts.testbed.offers("entry", name, facts.testbed.has_entry(name)),
        }
    }
}

/// What is wrong with an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the clause asks for, here.
    pub expected: String,
    /// What came instead.
    pub actual: String,
}

impl Fault {
    /// Something else came than what the clause asks for.
    pub fn new(expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Fault { expected: expected.into(), actual: actual.into() }
    }
}

/// Why a scenario went no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The adapter does not keep the clause.
    Fail(Fault),
    /// What the clause is about turned out not to be declared.
    NotApplicable(String),
    /// It could not be found out.
    Unknown(String),
    /// The suite or the test bed is broken.
    Harness(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fail(fault)
    }
}

impl From<Unmet> for Stop {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::NotApplicable(reason) => Stop::NotApplicable(reason),
            Unmet::Unknown(reason) => Stop::Unknown(reason),
        }
    }
}

/// A fault: this was expected, that came.
pub fn fail<T>(expected: impl Into<String>, actual: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(Fault::new(expected, actual)))
}

/// A fault unless `holds`.
pub fn ensure(holds: bool, expected: impl Into<String>, actual: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { fail(expected, actual()) }
}

/// A fault unless the two are equal.
pub fn same<T: PartialEq + std::fmt::Debug>(expected: &T, actual: &T, what: &str) -> Checked {
    ensure(expected == actual, format!("{what}: {expected:?}"), || format!("{actual:?}"))
}

/// Reads results of calls in scenarios.
pub trait Expect<T, E> {
    /// The success; otherwise a fault that says that `what` was expected.
    fn expected(self, what: &str) -> Result<T, Stop>;

    /// The adapter's own error; otherwise a fault. A call that the host had to end is a fault too.
    fn refused(self, what: &str) -> Result<E, Stop>;
}

impl<T: std::fmt::Debug, E> Expect<T, E> for Result<T, CallError<E>>
where
    E: std::fmt::Debug + std::fmt::Display + std::error::Error + 'static,
{
    fn expected(self, what: &str) -> Result<T, Stop> {
        self.or_else(|error| fail(what, error.to_string()))
    }

    fn refused(self, what: &str) -> Result<E, Stop> {
        match self {
            Ok(value) => fail(what, format!("success: {value:.400?}")),
            Err(CallError::Answered(error)) => Ok(error),
            Err(CallError::Ended(ended @ Ended::Trapped { .. })) => fail(what, ended.to_string()),
            Err(CallError::Ended(ended)) => fail(what, format!("no answer: {ended}")),
        }
    }
}
