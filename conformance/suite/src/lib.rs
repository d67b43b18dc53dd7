//! The conformance suite: decides whether an adapter keeps the standard.
//!
//! It knows the traits of `adapter-spec` and nothing of frameworks: a [`Testbed`] file tells it what to call. A run is a
//! list of [`Check`]s, each tied to one clause of the standard; every import call is recorded, so that a run can be
//! repeated from its recording without a network and must come to the same verdict.

pub mod check;
pub mod checks;
mod evidence;
mod ground;
pub mod linearizable;
mod progress;
pub mod report;
mod run;
mod testbed;
pub mod ties;
pub mod trial;
mod verdict;

pub use check::{Check, Checked, Facts, Fault, Need, Stop};
pub use evidence::{Evidence, EvidenceError, MostRecorded};
pub use ground::{Ground, NetworkGround};
pub use progress::{Printed, Progress, Silent};
pub use run::{Plan, Replay, RunError, chosen, is_waivable, replay, run};
pub use testbed::{Node, OtherAnchor, ProofVector, Proofs, TestParty, Testbed, TestbedError};
pub use trial::{Application, Trial};
pub use verdict::{
    CallReport, CheckResult, Conclusion, ExchangeReport, FaultReport, LEVELS, Outcome, Subject, Verdict,
    Versioned, standard_version,
};
