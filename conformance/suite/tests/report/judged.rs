//! What results come to together.

use berth_suite::{CheckResult, Conclusion, Outcome, Verdict, standard_version};
use sha2::{Digest as _, Sha256};

use crate::made;

/// A whole run with these results.
fn verdict(results: &[(&str, Outcome)]) -> Verdict {
    let result = |(clause, outcome): &(&str, Outcome)| made::result(clause, "looks", *outcome, None);
    Verdict { quick: false, results: results.iter().map(result).collect(), ..made::verdict() }
}

fn concluded(outcomes: &[Outcome]) -> Conclusion {
    let results: Vec<_> = outcomes.iter().map(|outcome| ("ONCE-1", *outcome)).collect();
    verdict(&results).conclusion()
}

#[test]
fn a_run_is_broken_before_it_is_failed_and_failed_before_it_is_unknown() {
    use Outcome::{Error, Fail, NotApplicable, Pass, Unknown, Waived, Warn};
    for (outcomes, expected) in [
        (&[][..], Conclusion::HarnessError),
        (&[NotApplicable, Waived], Conclusion::HarnessError),
        (&[Pass], Conclusion::Conformant),
        (&[Warn], Conclusion::Conformant),
        (&[Pass, Warn, NotApplicable, Waived], Conclusion::Conformant),
        (&[Fail], Conclusion::NotConformant),
        (&[Pass, Unknown, Fail], Conclusion::NotConformant),
        (&[Unknown], Conclusion::Unknown),
        (&[Pass, Unknown], Conclusion::Unknown),
        (&[Error], Conclusion::HarnessError),
        (&[Pass, Fail, Warn, Unknown, Error], Conclusion::HarnessError),
    ] {
        assert_eq!(concluded(outcomes), expected, "{outcomes:?}");
    }
}

#[test]
fn each_conclusion_has_its_exit_code_and_its_name() {
    let all =
        [Conclusion::Conformant, Conclusion::NotConformant, Conclusion::Unknown, Conclusion::HarnessError];
    assert_eq!(all.map(Conclusion::exit_code), [0, 1, 2, 3]);
    assert_eq!(all.map(Conclusion::name), ["conformant", "not-conformant", "unknown", "harness-error"]);
}

#[test]
fn a_clause_comes_to_the_outcome_that_matters_most() {
    use Outcome::{Error, Fail, NotApplicable, Pass, Unknown, Waived, Warn};
    let by_weight = [NotApplicable, Pass, Waived, Warn, Unknown, Fail, Error];
    for pair in by_weight.windows(2) {
        let (light, heavy) = (pair[0], pair[1]);
        let verdict = verdict(&[("ONCE-1", heavy), ("ONCE-1", light), ("ONCE-2", Pass)]);
        assert_eq!(verdict.clause("ONCE-1"), Some(heavy));
        assert_eq!(verdict.clause("ONCE-2"), Some(Pass));
        assert_eq!(verdict.clause("ONCE-3"), None);
    }
    let certifiable = by_weight.map(Outcome::is_certifiable);
    assert_eq!(certifiable, [true, true, true, true, false, false, false]);
}

#[test]
fn a_profile_is_passed_where_all_its_checks_are_certifiable_and_one_has_passed() {
    use Outcome::{Fail, NotApplicable, Pass, Unknown, Warn};
    for (results, expected) in [
        (&[][..], &[][..]),
        (&[("EVT-1", Pass)], &["events"]),
        (&[("EVT-1", Pass), ("EVT-2", NotApplicable), ("EVT-3", Warn)], &["events"]),
        (&[("EVT-1", Pass), ("EVT-2", Fail)], &[]),
        (&[("EVT-1", Fail), ("EVT-2", Pass)], &[]),
        (&[("EVT-1", Pass), ("EVT-2", Unknown)], &[]),
        (&[("EVT-1", NotApplicable), ("EVT-2", Warn)], &[]),
        (&[("ONCE-1", Pass), ("KEYS-1", Fail), ("STORE-1", Pass), ("BLK-1", Pass)], &["store", "blocks"]),
        (&[("ONCE-1", Pass), ("KEYS-1", Warn), ("PROOF-1", Pass)], &["core", "proofs"]),
    ] {
        assert_eq!(verdict(results).levels(), expected, "{results:?}");
    }
}

#[test]
fn what_stands_in_the_way_of_a_certificate_is_said() {
    let whole = verdict(&[("ONCE-1", Outcome::Pass)]);
    assert_eq!(whole.obstacle(), None);
    for (spoilt, says) in [
        (Verdict { filtered: true, ..whole.clone() }, "filter"),
        (Verdict { quick: true, ..whole.clone() }, "quick"),
        (verdict(&[("ONCE-1", Outcome::Fail)]), "does not keep"),
        (verdict(&[("ONCE-1", Outcome::Unknown)]), "could be checked"),
        (verdict(&[]), "broken"),
    ] {
        let obstacle = spoilt.obstacle().unwrap();
        assert!(obstacle.contains(says), "{obstacle}");
    }
}

#[test]
fn outcomes_are_counted_and_each_has_its_name() {
    let counts = verdict(&[("A-1", Outcome::Pass), ("A-2", Outcome::Fail), ("A-3", Outcome::Pass)]).counts();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(Outcome::Pass, 2), (Outcome::Fail, 1)]);
    for outcome in made::verdict().results.iter().map(|result| result.outcome) {
        // As the verdict's JSON writes it.
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
    }
}

#[test]
fn a_check_is_named_after_its_clause_and_what_comes_before_all_checks_is_none() {
    let check = made::result("ONCE-1", "looks", Outcome::Pass, None);
    assert_eq!((check.name(), check.is_preparation()), ("looks", false));
    let preparation = CheckResult { check: "preparation".into(), ..check };
    assert_eq!((preparation.name(), preparation.is_preparation()), ("preparation", true));
}

#[test]
fn the_standard_is_named_by_the_digest_of_its_text() {
    let standard = standard_version();
    assert_eq!(standard.digest, hex::encode(Sha256::digest(adapter_spec::standard::TEXT)));
    let verdict = made::verdict();
    assert_eq!(verdict.digest(), hex::encode(Sha256::digest(verdict.canonical_json())));
}
