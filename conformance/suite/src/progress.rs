//! How a run gets on.

use crate::verdict::{CheckResult, Outcome};

/// Hears how a run gets on.
pub trait Progress: Send + Sync {
    /// A check begins; so many are to come, this one included.
    fn begins(&self, _check: &str, _left: usize) {}
    /// A check has ended.
    fn ended(&self, _result: &CheckResult) {}
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {}

/// Prints the checks that have not passed as they end, each with its newest calls: for test programs, whose output is shown
/// where they fail.
pub struct Printed {
    /// Those that have passed, too.
    pub all: bool,
}

/// Calls that are printed of a fault.
const CALLS_PRINTED: usize = 3;
/// Characters of each text of theirs.
const CHARACTERS_PRINTED: usize = 600;

impl Progress for Printed {
    fn ended(&self, result: &CheckResult) {
        if result.outcome == Outcome::Pass && !self.all {
            return;
        }
        println!("{:15} {} {:.2?} {:?}", result.outcome.name(), result.check, result.took, result.reason);
        let Some(fault) = &result.fault else { return };
        println!("    expected: {}\n    actual:   {}", fault.expected, fault.actual);
        for call in fault.calls.iter().rev().take(CALLS_PRINTED) {
            let (arguments, result) = (&call.arguments, &call.result);
            println!(
                "    {} {arguments:.CHARACTERS_PRINTED$} -> {result:.CHARACTERS_PRINTED$}",
                call.function
            );
        }
    }
}
