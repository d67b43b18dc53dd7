//! The demonstration of a node of several frameworks, without certificates: on local ledgers, with the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::{env, path::Path, process::Command};

#[test]
fn one_participant_writes_and_reads_alike_on_ledgers_of_three_frameworks() {
    let Some(component) = support::component("fabric") else { return };
    let Some(anvil) = env::var_os("BERTH_ANVIL") else {
        eprintln!("NOT RUN: BERTH_ANVIL names no Anvil; `cargo xtask test` does");
        return;
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
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for words in ["shop on ", "registry on ", "bonds on ", "No such application", "refused: "] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert_eq!(said.matches("asked for twice and done once").count(), 3, "{said}");
}
