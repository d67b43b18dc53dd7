//! `berth certify run`, `berth certify replay` and `berth adapter check`, without a node and, where the environment variable
//! `BERTH_ANVIL` names one, with it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs;

use anvil_process::Anvil;
use serde_json::Value as Json;
use support::{Berth, Shown, component};

/// A test bed whose node nobody runs.
const NOBODY: &str = r#"
name = "nobody's"
[node]
version = "none"
[probe]
"#;

fn berth() -> Berth {
    let berth = Berth::new();
    fs::write(berth.folder.path().join("nobody.toml"), NOBODY).unwrap();
    fs::write(berth.folder.path().join("garbage"), b"garbage").unwrap();
    berth
}

fn run(berth: &Berth, line: &str) -> Shown {
    berth.run(&line.split(' ').collect::<Vec<_>>())
}

#[track_caller]
fn fails(berth: &Berth, line: &str, words: &[&str]) {
    let shown = run(berth, line);
    assert_eq!(shown.code, 3, "{line}: {}", shown.stderr);
    for word in words {
        assert!(shown.stderr.contains(word), "{line}: {word} is not in {}", shown.stderr);
    }
}

#[test]
fn wrong_usage_is_no_verdict_on_an_adapter() {
    let berth = berth();
    fails(&berth, "certify run", &["COMPONENT"]);
    fails(&berth, "certify run garbage", &["--testbed"]);
    fails(&berth, "certify run --wrong", &["--wrong"]);
    fails(&berth, "certify replay garbage", &["EVIDENCE"]);
    fails(&berth, "adapter check", &["COMPONENT"]);
    fails(&berth, "certify run garbage --testbed nobody.toml --only NONE-1", &["NONE-1", "--list"]);
    fails(&berth, "certify run garbage --testbed nobody.toml --waive FIN-1", &["CLAUSE=REASON"]);
    fails(&berth, "certify run garbage --testbed nobody.toml --waive NONE-1=x", &["no clause NONE-1"]);
    fails(&berth, "certify run garbage --testbed nobody.toml --waive ONCE-1=x", &["ONCE-1 cannot be waived"]);
    assert_eq!(run(&berth, "certify sign --wrong").code, 2);
    assert_eq!(run(&berth, "certify run --help").code, 0);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_next_step() {
    let berth = berth();
    let folder = berth.folder.path();
    fs::write(folder.join("malformed.toml"), "name = 1").unwrap();
    fs::write(folder.join("open.toml"), NOBODY.replace("none", "${version}")).unwrap();
    fails(&berth, "certify run garbage --testbed absent.toml", &["absent.toml", "--testbed"]);
    fails(&berth, "certify run garbage --testbed malformed.toml", &["test bed", "name"]);
    fails(&berth, "certify run garbage --testbed open.toml", &["${version}", "--set version="]);
    fails(&berth, "certify run garbage --testbed nobody.toml", &["garbage was not loaded"]);
    fails(&berth, "certify run absent --testbed nobody.toml", &["absent cannot be read"]);
    fails(&berth, "certify run garbage --testbed nobody.toml --report garbage", &["folder garbage"]);
    fails(&berth, "certify replay garbage absent.berth", &["absent.berth"]);
    fails(&berth, "certify replay garbage garbage", &["garbage cannot be replayed", "evidence.berth"]);
}

#[test]
fn the_checks_are_listed_without_a_component() {
    let berth = berth();
    let all = run(&berth, "certify run --list");
    assert_eq!(all.code, 0, "{}", all.stderr);
    assert!(all.stdout.contains("ONCE-3"), "{}", all.stdout);
    assert!(all.stdout.lines().all(|line| line.chars().count() <= 80), "{}", all.stdout);
    let some = run(&berth, "certify run --list --only ONCE --json");
    let some: Vec<Json> = serde_json::from_str(&some.stdout).unwrap();
    assert!(!some.is_empty());
    assert!(some.iter().all(|check| check["clause"].as_str().unwrap().starts_with("ONCE-")));
    let check = some[0]["check"].as_str().unwrap();
    let one = run(&berth, &format!("adapter check --list --json --only {check}"));
    assert_eq!(serde_json::from_str::<Vec<Json>>(&one.stdout).unwrap().len(), 1);
}

#[test]
fn a_run_without_a_node_certifies_nothing_and_still_leaves_its_files() {
    let Some(file) = component("notebook") else { return };
    let berth = berth();
    let line = format!("certify run {file} --testbed nobody.toml --quick --seed 7 --report out");
    let shown = run(&berth, &line);
    assert!((1..=3).contains(&shown.code), "{} {}", shown.stdout, shown.stderr);
    assert!(shown.stdout.contains("NOT CERTIFIABLE"), "{}", shown.stdout);
    assert!(!shown.stdout.contains('\u{1b}'), "no colour where there is no terminal");
    for name in ["verdict.json", "junit.xml", "report.html", "evidence.berth"] {
        assert!(fs::metadata(berth.folder.path().join("out").join(name)).unwrap().len() > 0, "{name}");
    }
    let json = run(&berth, &line.replace("--report out", "--json"));
    let json: Json = serde_json::from_str(&json.stdout).unwrap();
    assert_ne!(json["conclusion"], "conformant");
    assert_eq!(json["verdict"]["seed"], 7);
    assert!(shown.stdout.contains(json["digest"].as_str().unwrap()), "the same seed, the same verdict");
    let page = fs::read_to_string(berth.folder.path().join("out/report.html")).unwrap();
    assert!(!page.contains(&file), "a published page names no path of this machine");
}

struct OnAnvil {
    berth: Berth,
    node: Anvil,
    file: String,
}

impl OnAnvil {
    fn new() -> Option<Self> {
        let file = component("ethereum")?;
        Some(OnAnvil { berth: berth(), node: Anvil::of_environment(&["--slots-in-an-epoch", "1"])?, file })
    }

    fn run(&self, command: &str, rest: &str) -> Shown {
        let testbed =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../adapters/ethereum/conformance/testbed.toml");
        let Self { file, node, .. } = self;
        let program = std::env::var("BERTH_ANVIL").unwrap();
        let set = format!("--set node={} --set version=anvil --set program={program}", node.url());
        run(&self.berth, &format!("{command} {file} --testbed {testbed} {set} {rest}"))
    }
}

#[test]
fn a_run_is_repeated_from_its_evidence_without_the_node() {
    let Some(mut on) = OnAnvil::new() else { return };
    let run_shown = on.run("certify run", "--only ONCE-3 --seed 5 --report out");
    assert_eq!(run_shown.code, 0, "{} {}", run_shown.stdout, run_shown.stderr);
    assert!(run_shown.stdout.contains("NOT CERTIFIABLE: a filter left checks out"), "{}", run_shown.stdout);
    on.node.stop();

    let line = format!("certify replay {} out/evidence.berth", on.file);
    let replayed = run(&on.berth, &line);
    assert_eq!(replayed.code, 0, "{} {}", replayed.stdout, replayed.stderr);
    assert!(replayed.stdout.contains("the very verdict of the evidence"), "{}", replayed.stdout);
    let json: Json = serde_json::from_str(&run(&on.berth, &format!("{line} --json")).stdout).unwrap();
    assert_eq!(json["same"], true);
    let digest = json["recorded_digest"].as_str().unwrap();
    assert!(run_shown.stdout.contains(digest));
    let verdict = fs::read(on.berth.folder.path().join("out/verdict.json")).unwrap();
    let of_file = berth_crypto::hash(adapter_spec::types::HashAlgorithm::Sha256, &verdict);
    assert_eq!(hex::encode(of_file), digest, "the file's own digest is the verdict's");
}

#[test]
fn a_replay_with_another_component_says_so() {
    let Some(on) = OnAnvil::new() else { return };
    let Some(other) = component("notebook") else { return };
    let shown = on.run("certify run", "--only ONCE-3 --seed 5 --report out");
    assert_eq!(shown.code, 0, "{} {}", shown.stdout, shown.stderr);
    let replayed = run(&on.berth, &format!("certify replay {other} out/evidence.berth"));
    assert_eq!(replayed.code, 3, "{} {}", replayed.stdout, replayed.stderr);
    assert!(replayed.stdout.contains("another component"), "{}", replayed.stdout);
}

#[test]
fn a_vendors_check_never_says_that_it_is_certifiable() {
    let Some(on) = OnAnvil::new() else { return };
    let shown = on.run("adapter check", "--only ONCE-3 --seed 5");
    assert_eq!(shown.code, 0, "{} {}", shown.stdout, shown.stderr);
    assert!(shown.stdout.contains("NOT CERTIFIABLE"), "{}", shown.stdout);
}
