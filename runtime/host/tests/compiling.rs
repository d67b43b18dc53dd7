//! Components that nobody vouches for are compiled in a child with limits of its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use berth_host::{Compiler, CompilerChild, ComponentAdapter, Host, HostConfig, Limits, LoadError};
use support::component;

fn child() -> CompilerChild {
    CompilerChild::new(env!("CARGO_BIN_EXE_berth-compile").into(), Vec::new())
}

async fn load(child: CompilerChild, bytes: &[u8]) -> Result<ComponentAdapter, LoadError> {
    let compiler = Compiler::Child(child);
    let host = Host::new(HostConfig { instances: 4, compiler, ..HostConfig::default() }).unwrap();
    host.load(bytes, Limits::default()).await
}

#[tokio::test]
async fn a_component_that_a_child_compiled_runs() {
    let bytes = component("notebook");
    let adapter = load(child(), &bytes).await.unwrap();
    assert_eq!(adapter.facts().descriptor.name, "notebook");
    assert!(!adapter.facts().from_cache);
}

#[tokio::test]
async fn what_is_no_component_is_told_in_the_compilers_words() {
    let mut bytes = component("notebook");
    bytes.truncate(bytes.len() / 2);
    let error = load(child(), &bytes).await.err().unwrap();
    assert!(matches!(error, LoadError::Invalid { .. }), "{error}");
    assert!(error.to_string().len() > 40, "{error}");
}

#[tokio::test]
async fn a_child_that_wants_more_memory_than_is_allowed_ends_and_the_host_goes_on() {
    let bytes = component("notebook");
    let error = load(CompilerChild { memory: 4 << 20, ..child() }, &bytes).await.err().unwrap();
    assert!(matches!(error, LoadError::CompileLimit { .. }), "{error}");
    assert!(load(child(), &bytes).await.is_ok());
}

#[tokio::test]
async fn a_child_that_computes_too_long_is_ended() {
    // No program of this project computes for long; this one ignores what it is given.
    let looping = CompilerChild {
        program: "/bin/sh".into(),
        arguments: ["-c", "ulimit -t 1; while :; do :; done"].map(Into::into).to_vec(),
        ..child()
    };
    let error = load(looping, &component("notebook")).await.err().unwrap();
    assert!(matches!(error, LoadError::CompileLimit { .. }), "{error}");
}

#[tokio::test]
async fn a_child_that_does_not_end_is_ended() {
    let sleeping = CompilerChild {
        program: "/bin/sleep".into(),
        arguments: vec!["600".into()],
        wall_time: Duration::from_millis(300),
        ..child()
    };
    let error = load(sleeping, &component("notebook")).await.err().unwrap();
    assert!(matches!(error, LoadError::CompileLimit { .. }), "{error}");
}

#[tokio::test]
async fn a_compiler_that_is_not_there_is_named() {
    let missing = CompilerChild { program: "/nonexistent/berth-compile".into(), ..child() };
    let error = load(missing, &component("notebook")).await.err().unwrap();
    assert!(error.to_string().contains("/nonexistent/berth-compile"), "{error}");
}
