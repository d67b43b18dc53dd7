//! README's commands for a node, as they stand there: this takes the ports from them, and does what their comments leave to the operator.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anvil_process::Anvil;
use serde_json::Value;

const README: &str = include_str!("../../../README.md");
/// The programs that the commands use.
const PROGRAMS: [&str; 4] = ["bash", "openssl", "curl", "jq"];

/// The first block of commands of a section.
fn commands(section: &str) -> &'static str {
    let (_, section) = README.split_once(&format!("\n## {section}\n")).expect("the section is there");
    let (_, block) = section.split_once("```sh\n").expect("it has commands");
    block.split_once("```").expect("they end").0
}

/// The text with something else in its place, which has to be there.
fn with(text: &str, what: &str, instead: &str) -> String {
    assert!(text.contains(what), "{what:?} is not in README's commands any more: {text}");
    text.replace(what, instead)
}

/// Runs a script in the folder, with the built command on the path. The first command that fails ends it.
fn run(folder: &Path, script: &str) {
    let built = Path::new(env!("CARGO_BIN_EXE_berth")).parent().unwrap();
    let path = env::join_paths(
        [PathBuf::from(built)].into_iter().chain(env::var_os("PATH").iter().flat_map(env::split_paths)),
    );
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}\n{}\n{}", said(&output.stdout), said(&output.stderr));
}

#[test]
fn a_node_is_set_up_used_and_backed_up_by_the_commands_that_are_shown() {
    let missing = |name: &&str| Command::new(name).arg("--version").output().is_err();
    if let Some(missing) = PROGRAMS.iter().find(|name| missing(name)) {
        eprintln!("NOT RUN: there is no {missing} on this machine");
        return;
    }
    let Some(component) = support::component("ethereum") else { return };
    let Some(ledger) = Anvil::of_environment(&["--slots-in-an-epoch", "1"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();

    let commands = commands("Run a node");
    let (first, rest) = commands.split_once("berth node serve").expect("the node is started");
    run(folder, first);
    // "name an admission policy and an adapter in node.toml"
    let file = folder.join("city/node.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = with(&text, "127.0.0.1:8443", "127.0.0.1:0");
    let text = with(&text, "127.0.0.1:9464", "127.0.0.1:0");
    let text = with(&text, "# policy = ", "policy = ");
    fs::write(&file, format!("{text}\n[[adapters]]\nfile = {component:?}\n")).unwrap();
    fs::write(folder.join("city/policy.toml"), "version = 1\nmode = \"off\"\n").unwrap();

    let rest = format!("berth node serve{rest}");
    // Its first line names the port.
    let serve = "mkfifo said\nberth node serve --config city/node.toml > said & serves=$!\n\
                 trap 'kill -9 $serves 2>/dev/null || true' EXIT\n\
                 exec 3< said; read -r said <&3; [[ $said == *listens* ]]; port=${said##*:}\n";
    let rest = with(&rest, "berth node serve --config city/node.toml &\n", serve);
    let rest = with(&rest, "localhost:8443", "localhost:$port");
    let rest = with(&rest, "http://127.0.0.1:8545", ledger.url());
    // "give it currency"
    let fund = format!(
        "$node/account | jq '{{jsonrpc: \"2.0\", id: 1, method: \"anvil_setBalance\", params: [.accounts[0], \"0x56bc75e2d63100000\"]}}' \
         | curl -sS --fail -H 'Content-Type: application/json' -d @- {}\njson=",
        ledger.url()
    );
    let rest = with(&rest, "json=", &fund);
    let rest =
        with(&rest, "$node/calls/order-17?until=included", "$node/calls/order-17?until=included > call");
    let rest = with(
        &rest,
        "berth node usage shop --config city/node.toml",
        "berth node usage shop --json --config city/node.toml > usage",
    );
    // "of a stopped node"
    let rest = with(&rest, "berth node restore", "kill $serves; wait $serves\nberth node restore");
    run(folder, &rest);

    let shown = |name: &str| -> Value {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"))
    };
    let call = shown("call");
    assert!(call["receipt"]["outcome"].to_string().contains("ok") && call["trouble"].is_null(), "{call}");
    let usage = shown("usage");
    assert!(usage.to_string().contains("\"transactions\":2"), "{usage}");
    // What was there before the restoring, and what is there now.
    assert!(folder.join("city/state/store").is_dir());
    let beside: Vec<_> =
        fs::read_dir(folder.join("city")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(
        beside.iter().any(|name| name.to_string_lossy().starts_with("state") && name != "state"),
        "{beside:?}"
    );
}
