//! The run as JUnit XML, which build servers read.

use std::{fmt::Write as _, time::Duration};

use quick_junit::{
    NonSuccessKind, Property, Report as Document, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::{Area, Report, words};
use crate::{
    report::words::plain,
    verdict::{CheckResult, FaultReport, Outcome},
};

/// One test case for each check, one suite for each area. What is not applicable or waived is skipped; what is unknown, and
/// what broke the suite, is an error; a warning passes and says so in its output.
///
/// # Errors
/// When XML cannot be written, which is not known to happen.
pub fn junit(report: &Report<'_>) -> Result<String, SerializeError> {
    let verdict = report.verdict;
    let mut document = Document::new(plain(&format!("{} {}", verdict.adapter.name, verdict.adapter.version)));
    document.set_time(verdict.results.iter().map(|result| result.took).sum());
    let with_results = |area: &&Area<'_>| area.entries.iter().any(|entry| !entry.results.is_empty());
    for area in report.outline.areas.iter().filter(with_results) {
        let mut suite = TestSuite::new(format!("{}: {}", plain(&area.name), plain(&area.title)));
        let properties = [
            ("standard", plain(&verdict.standard.version)),
            ("suite", plain(&verdict.suite.version)),
            ("seed", verdict.seed.to_string()),
            ("evidence", plain(&verdict.evidence)),
            ("verdict", verdict.digest()),
        ];
        suite.add_properties(properties.map(|(name, value)| Property::new(name, value)));
        let mut took = Duration::ZERO;
        for entry in &area.entries {
            for result in &entry.results {
                took += result.took;
                suite.add_test_case(case(report, &area.name, &entry.clause.text, result));
            }
        }
        suite.set_time(took);
        document.add_test_suite(suite);
    }
    document.to_string()
}

fn case(report: &Report<'_>, area: &str, clause: &str, result: &CheckResult) -> TestCase {
    let mut status = match result.outcome {
        Outcome::Pass | Outcome::Warn => TestCaseStatus::success(),
        Outcome::NotApplicable | Outcome::Waived => TestCaseStatus::skipped(),
        Outcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Unknown | Outcome::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let told = told(report, clause, result);
    let actual = result.fault.as_ref().map(|fault| &fault.actual);
    if let Some(message) = result.reason.as_ref().or(actual) {
        status.set_message(plain(message));
    }
    status.set_type(words::word(result.outcome));
    if matches!(result.outcome, Outcome::Fail | Outcome::Unknown | Outcome::Error) {
        status.set_description(told.clone());
    }
    let mut case = TestCase::new(plain(&result.check), status);
    case.set_classname(plain(area)).set_time(result.took);
    if result.outcome == Outcome::Warn {
        case.set_system_out(format!("warning\n{told}"));
    }
    case
}

/// The result in full, one line for one thing.
fn told(report: &Report<'_>, clause: &str, result: &CheckResult) -> String {
    let mut text = format!("clause: {}\n", plain(clause));
    // Writing to a string cannot fail.
    if let Some(reason) = &result.reason {
        let _ = writeln!(text, "{}: {}", words::word(result.outcome), plain(reason));
    }
    if let Some(FaultReport { expected, actual, calls }) = &result.fault {
        let _ = writeln!(text, "expected: {}\nactual: {}", plain(expected), plain(actual));
        for call in calls {
            let (application, function) = (plain(&call.application), plain(&call.function));
            let _ = writeln!(text, "call: {application}: {function} {}", plain(&call.arguments));
            for exchange in &call.exchanges {
                let answer = exchange.answer.as_deref().unwrap_or("no answer before the call ended");
                let _ = writeln!(text, "  -> {} {}", plain(&exchange.import), plain(&exchange.request));
                let _ = writeln!(text, "  <- {}", plain(answer));
            }
            let _ = writeln!(text, "  = {}", plain(&call.result));
        }
    }
    let _ = write!(text, "repeat: {}", report.repeat(result));
    text
}
