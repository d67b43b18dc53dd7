//! A made-up verdict with every outcome.

use std::time::Duration;

use adapter_spec::Interfaces;
use berth_suite::{
    CallReport, CheckResult, ExchangeReport, FaultReport, Outcome, Subject, Verdict, Versioned,
    report::{Outline, Report, Ties},
    ties::{Shown, Tie},
};

/// Tries to leave a page, to clear a terminal, to forge a line, to end CDATA, and to turn text around.
const HOSTILE: &str =
    "<script>alert(1)</script>\u{1b}[2J\r\nforged line ]]> \u{202e}txet\u{200b} \"quoted\" & more";

pub fn report(verdict: &Verdict) -> Report<'_> {
    let ties = Ties::from([
        ("FIN-3".into(), Tie::Checks(vec!["FIN-3/slow-one".into()])),
        ("FIN-4".into(), Tie::Reason("only the future shows it")),
        ("LIM-1".into(), Tie::Host(Shown::By("host/tests/limits.rs", "an_endless_loop_ends"))),
        ("LIM-2".into(), Tie::Host(Shown::NotYet("no limit is set on it"))),
    ]);
    Report {
        verdict,
        outline: Outline::new(verdict, include_str!("standard.md"), &ties),
        command: "berth certify run harbour.component.wasm --testbed devnet.toml".into(),
        ended: Some("2026-03-01T12:00:00Z".parse().unwrap()),
    }
}

pub fn result(clause: &str, name: &str, outcome: Outcome, reason: Option<&str>) -> CheckResult {
    CheckResult {
        clause: clause.into(),
        check: format!("{clause}/{name}"),
        outcome,
        reason: reason.map(String::from),
        fault: None,
        calls: 3,
        took: Duration::from_millis(1_234),
    }
}

fn fault(expected: &str, actual: &str) -> Option<FaultReport> {
    let exchange = |import: &str, request: &str, answer: Option<&str>| ExchangeReport {
        import: import.into(),
        request: request.into(),
        answer: answer.map(String::from),
    };
    let calls = vec![
        CallReport {
            application: "quay".into(),
            function: "core.ledger.begin".into(),
            arguments: "[{\"invoke\":{\"contract\":\"0x5fbd\"}}]".into(),
            result: "{\"envelope\":\"0xf86b\"}".into(),
            exchanges: vec![exchange("json-rpc", "{\"method\":\"nonce\"}", Some("{\"ok\":\"0x7\"}"))],
        },
        CallReport {
            application: "quay".into(),
            function: "core.ledger.send".into(),
            arguments: "[\"0xf86b\"]".into(),
            result: HOSTILE.into(),
            exchanges: vec![
                exchange("json-rpc", "{\"method\":\"submit\"}", Some(HOSTILE)),
                exchange("json-rpc", &"{\"method\":\"submit again\"}".repeat(20), None),
            ],
        },
    ];
    Some(FaultReport { expected: expected.into(), actual: actual.into(), calls })
}

/// A verdict with every outcome.
pub fn verdict() -> Verdict {
    let sha256 = |digit: &str| digit.repeat(64);
    Verdict {
        version: 1,
        adapter: Subject {
            name: "harbour".into(),
            version: "1.2.3".into(),
            framework: "harbour-chain".into(),
            framework_versions: vec!["7.0".into(), "7.1".into()],
            component_sha256: Some(sha256("a")),
            program_sha256: None,
            imports: Some(vec!["berth:adapter/clock@0.1.0".into(), "berth:adapter/json-rpc@0.1.0".into()]),
            interfaces: Interfaces { events: true, blocks: true, ..Interfaces::default() },
        },
        standard: Versioned { version: "0.1.0".into(), digest: sha256("b") },
        suite: Versioned { version: "0.1.0".into(), digest: sha256("c") },
        node: berth_suite::Node {
            version: format!("harbour-node 7.1 {HOSTILE}"),
            program_sha256: Some(sha256("d")),
            genesis: Some("0x1234".into()),
        },
        testbed: "devnet".into(),
        seed: 42,
        quick: true,
        filtered: false,
        results: vec![
            result("ONCE-1", "only-send-writes", Outcome::Pass, None),
            result("ONCE-1", "estimate-writes-nothing", Outcome::Pass, None),
            CheckResult {
                fault: fault("one transaction", &format!("two transactions; the node said {HOSTILE}")),
                ..result("ONCE-2", "many-sends-make-one-transaction", Outcome::Fail, None)
            },
            result("ONCE-2", "unchanged", Outcome::Pass, None),
            CheckResult {
                fault: fault("at most one request", "2 requests"),
                ..result("ONCE-3", "second-send-is-cheap", Outcome::Warn, None)
            },
            result(
                "FIN-1",
                "never-goes-back",
                Outcome::Unknown,
                Some("the test bed has no control \"reorganise\""),
            ),
            result("FIN-1", "is-bound", Outcome::Waived, Some("the node's fault 17, until version 8")),
            result("FIN-2", "reverted-is-failed", Outcome::Error, Some(HOSTILE)),
            result("EVT-1", "in-order", Outcome::NotApplicable, Some("the adapter does not declare events")),
        ],
        evidence: sha256("e"),
    }
}

/// A verdict with a check for most clauses of the real standard, of which a few are not kept.
pub fn of_the_whole_standard() -> Verdict {
    let mut made = verdict();
    made.node.version = "harbour-node 7.1".into();
    made.quick = false;
    made.results.clear();
    for (number, clause) in adapter_spec::standard::clauses().iter().enumerate() {
        if clause.bound == adapter_spec::standard::Bound::Host || number % 31 == 30 {
            continue;
        }
        let id = &clause.id;
        made.results.push(match number % 29 {
            3 => result(id, "applies", Outcome::NotApplicable, Some("the adapter does not declare proofs")),
            _ => result(id, "is-kept-on-every-path", Outcome::Pass, None),
        });
        if number == 50 || number == 90 {
            let actual = "two transactions took effect: 0x1f0c and 0x77ab";
            let fault = fault("one transaction for one envelope", actual);
            made.results
                .push(CheckResult { fault, ..result(id, "many-sends-make-one", Outcome::Fail, None) });
        }
    }
    made
}

/// A verdict that a certificate can be made of.
pub fn conformant() -> Verdict {
    let made = verdict();
    let good = |result: &&CheckResult| matches!(result.outcome, Outcome::Pass | Outcome::NotApplicable);
    let results = made.results.iter().filter(good).cloned().collect();
    Verdict { quick: false, results, ..made }
}
