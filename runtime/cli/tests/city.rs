//! The demonstration of a node of several frameworks, without certificates: on local ledgers, with the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::{env, path::Path, process::Command};

/// What the demonstration says with these options more; none where something that it needs is not here.
fn city(options: &[&str]) -> Option<String> {
    let component = support::component("fabric")?;
    let Some(anvil) = env::var_os("BERTH_ANVIL") else {
        eprintln!("NOT RUN: BERTH_ANVIL names no Anvil; `cargo xtask test` does");
        return None;
    };
    let program = Path::new(env!("CARGO_BIN_EXE_berth")).parent().unwrap().join("examples/city");
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .arg("--components")
        .arg(Path::new(&component).parent().unwrap())
        .arg("--anvil")
        .arg(anvil)
        .arg("--root")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .arg("--folder")
        .arg(folder.path().join("city"))
        .arg("--uncertified")
        .args(options)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(said)
}

#[test]
fn one_participant_writes_and_reads_alike_on_ledgers_of_three_frameworks() {
    let Some(said) = city(&[]) else { return };
    for words in ["shop on ", "registry on ", "bonds on ", "No such application", "refused: "] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert_eq!(said.matches("asked for twice and done once").count(), 3, "{said}");
}

/// `BERTH_KILLS` sets how often.
#[test]
fn on_ledgers_of_three_frameworks_every_write_happens_once_though_the_node_is_killed() {
    let kills = env::var("BERTH_KILLS").unwrap_or_else(|_| "4".into());
    let Some(said) = city(&["--kills", &kills]) else { return };
    assert_eq!(said.matches(" writes, each in the ledger once").count(), 6, "{said}");
    let end = said.lines().find(|line| line.contains("none is lost, and none is there twice"));
    eprintln!("{}", end.expect("it counts"));
}
