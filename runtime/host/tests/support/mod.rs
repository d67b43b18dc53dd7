//! What the host's tests share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

use adapter_spec::types::{Call, CallOptions, NativeCall, Step};
use berth_lending::ScriptedLender;

/// The bytes of a component that `cargo xtask components` made.
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("BERTH_COMPONENTS").map(PathBuf::from).unwrap_or_else(|| {
        // Beside the test program: <target>/debug/deps/<program>.
        let program = std::env::current_exe().unwrap();
        program.ancestors().nth(3).unwrap().join("components")
    });
    let path = folder.join(format!("{name}.component.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{} is not there ({error}); make it with: cargo xtask components", path.display())
    })
}

/// A call of an operation of the adapter's own.
pub fn native(name: &str, json: &str) -> Call {
    Call::Native(NativeCall { name: name.into(), json: json.into() })
}

/// Options with nothing in them.
pub fn options() -> CallOptions {
    CallOptions::default()
}

/// The text of an answer.
pub fn text(step: Step) -> String {
    match step {
        Step::Answer(output) => String::from_utf8(output.raw).unwrap(),
        other => panic!("not an answer: {other:?}"),
    }
}

/// Lends a node that answers every request alike.
pub fn lender(application: &str) -> ScriptedLender {
    answering(application, "\"read\"")
}

/// Lends a node that answers every request with this JSON.
pub fn answering(application: &str, answer: &str) -> ScriptedLender {
    let answer = answer.to_owned();
    ScriptedLender::new(application, move |_| Some(Ok(answer.clone())))
}

/// Lends a node that never answers.
pub fn silent(application: &str) -> ScriptedLender {
    ScriptedLender::new(application, |_| None)
}
