//! The compiled contracts that are checked in are what their source compiles to.

#![allow(clippy::expect_used, reason = "tests")]

use std::process::Command;

#[test]
fn the_checked_in_bytecode_is_what_the_source_compiles_to() {
    let Ok(tools) = std::env::var("BERTH_NODE_TOOLS") else {
        eprintln!("NOT RUN: BERTH_NODE_TOOLS does not name a folder with node_modules that have solc 0.8.30");
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/compile.mjs");
    let output = Command::new("node").args([script, &tools, "--check"]).output().expect("node starts");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
