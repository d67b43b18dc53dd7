//! Certificates that are genuine, and say too little.

use berth_admission::{
    Denial, Digest,
    admit::OpenError,
    certificate::{CertificateFault, Counts, Tier, Waiver},
    dsse::ThresholdNotMet,
    evidence::{EvidenceFault, Outcome as TestOutcome},
    policy::PolicyError,
    statement::StatementError,
};
use serde_json::json;

use crate::{
    Attack, denied,
    world::{self, Attempt, Outcome},
};

fn waive(attempt: &mut Attempt, clause: &str) {
    attempt.certificate.waivers.push(Waiver {
        clause: clause.into(),
        reason: "mended in the next version".into(),
        until: world::time("2026-12-31T00:00:00Z"),
    });
    attempt.certificate.counts.waived += 1;
}

fn never_waived(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Denied(Denial::Certificate(CertificateFault::NeverWaived(_))))
}

fn no_clause(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Denied(Denial::Certificate(CertificateFault::WaiverClause(_))))
}

fn not_conformant(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Denied(Denial::Certificate(CertificateFault::NotConformant { .. })))
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "a critical field that this verifier does not know",
        why: "The issuer says that the certificate cannot be judged without it.",
        mutate: |attempt| attempt.certificate.critical.push("onlyOnTuesdays".into()),
        right: denied!(Denial::Certificate(CertificateFault::UnknownCritical(_))),
    },
    Attack {
        name: "a critical field that is there, and unknown",
        why: "That a field is there does not mean that it is understood.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| {
                statement["predicate"]["onlyOnTuesdays"] = json!(true);
                statement["predicate"]["critical"] = json!(["onlyOnTuesdays"]);
            };
        },
        right: denied!(Denial::Certificate(CertificateFault::UnknownCritical(_))),
    },
    Attack {
        name: "a critical field in another spelling",
        why: "Names are compared byte for byte.",
        mutate: |attempt| attempt.certificate.critical = vec!["Limits".into()],
        right: denied!(Denial::Certificate(CertificateFault::UnknownCritical(_))),
    },
    Attack {
        name: "one failed check",
        why: "A certificate says that the standard is kept.",
        mutate: |attempt| attempt.certificate.counts.fail = 1,
        right: not_conformant,
    },
    Attack {
        name: "one check that ended in an error of the suite",
        why: "Harness errors are never green.",
        mutate: |attempt| attempt.certificate.counts.error = 1,
        right: not_conformant,
    },
    Attack {
        name: "one check that was not decided",
        why: "Unknown is not a pass.",
        mutate: |attempt| attempt.certificate.counts.unknown = 1,
        right: not_conformant,
    },
    Attack {
        name: "no check ran at all",
        why: "Suites that tested nothing have counted as success before.",
        mutate: |attempt| attempt.certificate.counts = Counts::default(),
        right: denied!(Denial::Certificate(CertificateFault::NothingPassed)),
    },
    Attack {
        name: "every check was not applicable",
        why: "Whoever declares nothing is not tested by anything.",
        mutate: |attempt| {
            attempt.certificate.counts = Counts { not_applicable: 90, ..Counts::default() };
        },
        right: denied!(Denial::Certificate(CertificateFault::NothingPassed)),
    },
    Attack {
        name: "a certificate without a level",
        why: "It says that no part of the standard is kept.",
        mutate: |attempt| attempt.certificate.levels.clear(),
        right: denied!(Denial::Certificate(CertificateFault::Form("levels"))),
    },
    Attack {
        name: "an adapter name that imitates a path",
        why: "Names end up in file names, logs and policies; the standard says what they may be.",
        mutate: |attempt| attempt.certificate.adapter.name = "../notebook".into(),
        right: denied!(Denial::Certificate(CertificateFault::Form("adapter name"))),
    },
    Attack {
        name: "a recorder's name with an escape sequence in it",
        why: "What operators read on a terminal must not be able to rewrite it.",
        mutate: |attempt| attempt.certificate.recorded_by = "nobody\u{1b}[2J".into(),
        right: denied!(Denial::Certificate(CertificateFault::Form("recorder"))),
    },
    Attack {
        name: "a level that the policy demands is missing",
        why: "The operator needs what it stands for.",
        mutate: |attempt| {
            attempt.policy.levels.insert("events".into());
        },
        right: denied!(Denial::LevelMissing(_)),
    },
    Attack {
        name: "a release of the standard that is not accepted",
        why: "What it promised may not be what the host relies on.",
        mutate: |attempt| attempt.certificate.standard.version = "0.2.0".parse().unwrap(),
        right: denied!(Denial::ReleaseNotAccepted { what: "the standard", .. }),
    },
    Attack {
        name: "an accepted version of the standard with another text",
        why: "A version is a name; the digest is the text.",
        mutate: |attempt| attempt.certificate.standard.digest = Digest::of(b"easier").into(),
        right: denied!(Denial::ReleaseNotAccepted { what: "the standard", .. }),
    },
    Attack {
        name: "a release of the suite that is not accepted",
        why: "An older suite looked for less.",
        mutate: |attempt| attempt.certificate.suite.version = "0.0.9".parse().unwrap(),
        right: denied!(Denial::ReleaseNotAccepted { what: "the suite", .. }),
    },
    Attack {
        name: "an accepted version of the suite with another program",
        why: "A suite that was changed can be made to pass anything.",
        mutate: |attempt| attempt.certificate.suite.digest = Digest::of(b"lenient").into(),
        right: denied!(Denial::ReleaseNotAccepted { what: "the suite", .. }),
    },
    Attack {
        name: "a version of the suite that differs in its build alone",
        why: "Versions are compared whole.",
        mutate: |attempt| attempt.certificate.suite.version = "0.1.0+lenient".parse().unwrap(),
        right: denied!(Denial::ReleaseNotAccepted { what: "the suite", .. }),
    },
    Attack {
        name: "tested in another configuration of the engine",
        why: "What the sandbox holds depends on how it is set up.",
        mutate: |attempt| attempt.policy.engines = Some([Digest::of(b"hardened")].into()),
        right: denied!(Denial::EngineNotAccepted(_)),
    },
    Attack {
        name: "a native plug-in under a policy of components",
        why: "No sandbox holds native code; an operator has to name the tier.",
        mutate: |attempt| {
            attempt.certificate.tier = Tier::Native;
            attempt.tier = Tier::Native;
        },
        right: denied!(Denial::TierNotAllowed(Tier::Native)),
    },
    Attack {
        name: "an adapter that the policy does not name",
        why: "Certified is not yet wanted.",
        mutate: |attempt| attempt.policy.adapters = Some(["ledgerbook".into()].into()),
        right: denied!(Denial::AdapterNotAllowed(_)),
    },
    Attack {
        name: "a framework that the policy does not name",
        why: "Certified is not yet wanted.",
        mutate: |attempt| attempt.policy.frameworks = Some(["parchment".into()].into()),
        right: denied!(Denial::FrameworkNotAllowed(_)),
    },
    Attack {
        name: "a waived clause of isolation",
        why: "Isolation is what lets one machine serve many.",
        mutate: |attempt| waive(attempt, "ISO-1"),
        right: never_waived,
    },
    Attack {
        name: "a waived clause of limits",
        why: "Without limits one adapter takes the machine from all.",
        mutate: |attempt| waive(attempt, "LIM-3"),
        right: never_waived,
    },
    Attack {
        name: "a waived clause of keys",
        why: "Nobody can forgive what happens to somebody else's keys.",
        mutate: |attempt| waive(attempt, "KEYS-2"),
        right: never_waived,
    },
    Attack {
        name: "a waived clause of exactly once",
        why: "A payment made twice cannot be forgiven beforehand.",
        mutate: |attempt| waive(attempt, "ONCE-1"),
        right: never_waived,
    },
    Attack {
        name: "a waiver of an unwaivable clause in small letters",
        why: "Another spelling of a clause must not slip past the list.",
        mutate: |attempt| waive(attempt, "iso-1"),
        right: no_clause,
    },
    Attack {
        name: "a waiver of an unwaivable clause with a space before it",
        why: "Another spelling of a clause must not slip past the list.",
        mutate: |attempt| waive(attempt, " ISO-1"),
        right: no_clause,
    },
    Attack {
        name: "a waiver of an unwaivable clause with a zero before its number",
        why: "A clause has one id.",
        mutate: |attempt| waive(attempt, "ISO-01"),
        right: no_clause,
    },
    Attack {
        name: "a waiver of a whole area",
        why: "Clauses are forgiven one by one.",
        mutate: |attempt| waive(attempt, "EVT-*"),
        right: no_clause,
    },
    Attack {
        name: "the same clause waived twice",
        why: "Two dates for one clause: the later would win by accident.",
        mutate: |attempt| {
            attempt.policy.waivers.maximum = 2;
            waive(attempt, "EVT-4");
            waive(attempt, "EVT-4");
        },
        right: denied!(Denial::Certificate(CertificateFault::WaiverTwice(_))),
    },
    Attack {
        name: "a waiver without a reason",
        why: "Whoever forgives says why.",
        mutate: |attempt| {
            waive(attempt, "EVT-4");
            attempt.certificate.waivers[0].reason.clear();
        },
        right: denied!(Denial::Certificate(CertificateFault::Form("waiver's reason"))),
    },
    Attack {
        name: "waived checks without a waiver",
        why: "Nobody said what was forgiven.",
        mutate: |attempt| attempt.certificate.counts.waived = 1,
        right: denied!(Denial::Certificate(CertificateFault::WaiversUncounted { .. })),
    },
    Attack {
        name: "a waiver without a waived check",
        why: "A waiver in store could cover what is found later.",
        mutate: |attempt| {
            waive(attempt, "EVT-4");
            attempt.certificate.counts.waived = 0;
        },
        right: denied!(Denial::Certificate(CertificateFault::WaiversUncounted { .. })),
    },
    Attack {
        name: "more waivers than the policy forgives",
        why: "How much is forgiven is the operator's to say.",
        mutate: |attempt| {
            waive(attempt, "EVT-4");
            waive(attempt, "EVT-5");
        },
        right: denied!(Denial::TooManyWaivers { waivers: 2, allowed: 1 }),
    },
    Attack {
        name: "a waiver of a clause that the policy does not forgive",
        why: "What is forgiven is the operator's to say.",
        mutate: |attempt| {
            attempt.policy.waivers.clauses = Some(["ERR-1".into()].into());
            waive(attempt, "EVT-4");
        },
        right: denied!(Denial::WaiverNotAllowed(_)),
    },
    Attack {
        name: "a waiver that is over",
        why: "Waivers end so that faults get mended.",
        mutate: |attempt| {
            waive(attempt, "EVT-4");
            attempt.certificate.waivers[0].until = attempt.now;
        },
        right: denied!(Denial::WaiverExpired { .. }),
    },
    Attack {
        name: "evidence that nobody signed",
        why: "Anybody could have written it.",
        mutate: |attempt| attempt.evidence_signers = Vec::new(),
        right: denied!(Denial::EvidenceSignatures(ThresholdNotMet { valid: 0, .. })),
    },
    Attack {
        name: "evidence signed by strangers",
        why: "Whoever signs the certificate has to stand for the evidence too.",
        mutate: |attempt| attempt.evidence_signers = world::STRANGERS.to_vec(),
        right: denied!(Denial::EvidenceSignatures(ThresholdNotMet { valid: 0, .. })),
    },
    Attack {
        name: "evidence of another run",
        why: "The certificate names the one statement that it rests on.",
        mutate: |attempt| {
            attempt.edit_bundle = |bundle| {
                let mut other = Attempt::default();
                other.certificate.evidence.digest = Digest::of(b"another recording").into();
                let other = berth_admission::Bundle::from_json(&other.issue().json).unwrap();
                bundle.evidence = other.evidence;
            };
        },
        right: denied!(Denial::OtherEvidence { .. }),
    },
    Attack {
        name: "the certificate itself as its evidence",
        why: "A claim does not bear itself out.",
        mutate: |attempt| attempt.edit_bundle = |bundle| bundle.evidence = bundle.certificate.clone(),
        right: denied!(Denial::EvidenceTypes(StatementError::PredicateType { .. })),
    },
    Attack {
        name: "evidence about another file",
        why: "Somebody else's good result is no result of this file.",
        mutate: |attempt| {
            attempt.edit_evidence = |statement| {
                statement["subject"][0]["digest"]["sha256"] = json!(Digest::of(b"other").to_string());
            };
        },
        right: denied!(Denial::EvidenceOfOtherFile(_)),
    },
    Attack {
        name: "evidence that says the test failed",
        why: "The certificate says the opposite of what it rests on.",
        mutate: |attempt| {
            let mut test = world::test_result(&attempt.certificate);
            test.result = TestOutcome::Failed;
            attempt.test = Some(test);
        },
        right: denied!(Denial::Evidence(EvidenceFault::Failed)),
    },
    Attack {
        name: "evidence that lists a failed check and calls itself passed",
        why: "What is listed counts, whatever the summary says.",
        mutate: |attempt| {
            let mut test = world::test_result(&attempt.certificate);
            test.failed_tests = vec!["ISO-1".into()];
            attempt.test = Some(test);
        },
        right: denied!(Denial::Evidence(EvidenceFault::Failed)),
    },
    Attack {
        name: "more passed checks counted than listed",
        why: "Counts that nothing bears out are made up.",
        mutate: |attempt| {
            attempt.test = Some(world::test_result(&attempt.certificate));
            attempt.certificate.counts.pass = 300;
        },
        right: denied!(Denial::Evidence(EvidenceFault::OtherCount { outcome: "passed", .. })),
    },
    Attack {
        name: "fewer warnings counted than listed",
        why: "Warnings are not to be swept under the carpet.",
        mutate: |attempt| {
            attempt.test = Some(world::test_result(&attempt.certificate));
            attempt.certificate.counts.warn = 0;
        },
        right: denied!(Denial::Evidence(EvidenceFault::OtherCount { outcome: "warned", .. })),
    },
    Attack {
        name: "the same check listed again and again",
        why: "Ten times the easiest check is one check.",
        mutate: |attempt| {
            let mut test = world::test_result(&attempt.certificate);
            test.passed_tests = vec!["DESC-1".into(); 3];
            attempt.test = Some(test);
        },
        right: denied!(Denial::Evidence(EvidenceFault::Twice(_))),
    },
    Attack {
        name: "evidence by another suite",
        why: "The certificate names the suite that decided.",
        mutate: |attempt| {
            let mut test = world::test_result(&attempt.certificate);
            test.configuration[0].digest = Digest::of(b"lenient").into();
            attempt.test = Some(test);
        },
        right: denied!(Denial::Evidence(EvidenceFault::OtherConfiguration("suite"))),
    },
    Attack {
        name: "evidence that names another recording",
        why: "Whoever replays it would replay something else.",
        mutate: |attempt| {
            let mut test = world::test_result(&attempt.certificate);
            test.configuration[1].digest = Digest::of(b"another recording").into();
            attempt.test = Some(test);
        },
        right: denied!(Denial::Evidence(EvidenceFault::OtherConfiguration("evidence"))),
    },
    Attack {
        name: "evidence that names two recordings",
        why: "Which of them is meant would depend on the reader.",
        mutate: |attempt| {
            let mut test = world::test_result(&attempt.certificate);
            let mut other = test.configuration[1].clone();
            other.digest = Digest::of(b"another recording").into();
            test.configuration.push(other);
            attempt.test = Some(test);
        },
        right: denied!(Denial::Evidence(EvidenceFault::OtherConfiguration("evidence"))),
    },
    Attack {
        name: "a policy that forgives clauses of isolation",
        why: "Not even the operator can: other tenants pay for it.",
        mutate: |attempt| attempt.policy.waivers.clauses = Some(["ISO-1".into()].into()),
        right: |outcome| {
            matches!(outcome, Outcome::NotOpened(OpenError::Policy(PolicyError::NeverWaived(_))))
        },
    },
    Attack {
        name: "a policy with a threshold of zero",
        why: "Nobody's signature would be enough for everything.",
        mutate: |attempt| attempt.policy.certifiers.threshold = 0,
        right: |outcome| {
            matches!(outcome, Outcome::NotOpened(OpenError::Policy(PolicyError::Threshold { .. })))
        },
    },
    Attack {
        name: "a policy with the same certifier twice",
        why: "A threshold of two would be met by one.",
        mutate: |attempt| {
            let first = attempt.policy.certifiers.keys[0].clone();
            attempt.policy.certifiers.keys.push(first);
        },
        right: |outcome| {
            matches!(outcome, Outcome::NotOpened(OpenError::Policy(PolicyError::DuplicateKey { .. })))
        },
    },
];
