//! Files that are no adapters are refused, with an error that says what is wrong; the host goes on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use adapter_spec::Adapter;
use berth_host::{Host, HostConfig, Limits, LoadError};
use proptest::prelude::*;
use support::component;

fn host() -> Host {
    Host::new(HostConfig { instances: 4, ..HostConfig::default() }).unwrap()
}

async fn refusal(bytes: &[u8]) -> LoadError {
    match host().load(bytes, Limits::default()).await {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error,
    }
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn a_file_that_is_no_webassembly_is_refused() {
    for bytes in [&b""[..], b"\0as", b"#!/bin/sh\n", b"\x7fELF\x02\x01\x01\0\0\0"] {
        assert!(matches!(refusal(bytes).await, LoadError::NotWasm), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_core_module_is_refused_with_a_hint() {
    let error = refusal(&wat("(module)")).await;
    assert!(matches!(error, LoadError::CoreModule));
    assert!(error.to_string().contains("cargo xtask components"), "{error}");
}

#[tokio::test]
async fn a_component_of_another_world_is_refused_by_the_export_that_it_lacks() {
    let error = refusal(&wat("(component)")).await;
    assert!(error.to_string().contains("bsn:framework/core@0.1.0"), "{error}");
}

#[tokio::test]
async fn a_component_of_another_version_of_the_standard_is_no_adapter_of_this_one() {
    let error =
        refusal(&wat(r#"(component (instance $i) (export "bsn:framework/core@0.2.0" (instance $i)))"#)).await;
    assert!(matches!(error, LoadError::NotAnAdapter { .. }), "{error}");
}

#[tokio::test]
async fn a_foreign_import_is_refused_by_its_name() {
    let text = r#"(component (import "wasi:filesystem/types@0.2.0" (instance)))"#;
    let error = refusal(&wat(text)).await;
    assert!(matches!(error, LoadError::ForeignImport { .. }));
    assert!(error.to_string().contains("wasi:filesystem/types@0.2.0"), "{error}");
}

#[tokio::test]
async fn an_import_of_the_standard_with_other_types_is_refused() {
    let text = r#"(component
        (import "bsn:framework/environment@0.1.0" (instance (export "now-millis" (func (result string)))))
        (instance $i) (export "bsn:framework/core@0.1.0" (instance $i)))"#;
    let error = refusal(&wat(text)).await;
    assert!(matches!(error, LoadError::MissingExport { .. } | LoadError::OtherTypes { .. }), "{error}");
}

#[tokio::test]
async fn an_interface_without_one_of_its_functions_is_refused_by_that_function() {
    let text = r#"(component (instance $i) (export "bsn:framework/core@0.1.0" (instance $i)))"#;
    let error = refusal(&wat(text)).await;
    assert!(error.to_string().contains("describe"), "{error}");
}

#[tokio::test]
async fn a_component_that_is_too_large_is_refused_before_it_is_looked_at() {
    let host =
        Host::new(HostConfig { component_bytes: 1_000, instances: 4, ..HostConfig::default() }).unwrap();
    let error = host.load(&component("hostile"), Limits::default()).await.err().unwrap();
    assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn what_is_known_of_a_component_is_told() {
    let bytes = component("hostile");
    let adapter = host().load(&bytes, Limits::default()).await.unwrap();
    let facts = adapter.facts();
    assert_eq!(facts.bytes, bytes.len());
    assert_eq!(facts.descriptor.name, "hostile");
    assert!(facts.imports.iter().all(|import| import.starts_with("bsn:framework/")), "{:?}", facts.imports);
    assert_eq!(adapter.describe().await.unwrap(), facts.descriptor);
}

#[tokio::test]
async fn cached_code_is_used_again_and_code_that_somebody_else_wrote_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = HostConfig { cache: Some(folder.path().to_owned()), instances: 4, ..HostConfig::default() };
    let bytes = component("hostile");
    let load = async || {
        let host = Host::new(config.clone()).unwrap();
        let adapter = host.load(&bytes, Limits::default()).await.unwrap();
        adapter.describe().await.unwrap();
        adapter.facts().from_cache
    };
    assert!(!load().await, "nothing is cached yet");
    assert!(load().await, "the second load compiled again");
    let cached = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "code"))
        .unwrap();
    let good = std::fs::read(&cached).unwrap();
    for position in [8, 20, 40, good.len() / 2, good.len() - 1] {
        let mut changed = good.clone();
        changed[position] ^= 1;
        std::fs::write(&cached, &changed).unwrap();
        assert!(!load().await, "changed at byte {position}, and used");
    }
    std::fs::write(&cached, &good[..good.len() / 2]).unwrap();
    assert!(!load().await, "half a file was used");
    assert!(load().await, "the file was not written anew");
    // A host with another key does not take this one's code.
    std::fs::write(folder.path().join("key"), [7; 32]).unwrap();
    assert!(!load().await, "code under another key was used");
}

#[tokio::test]
async fn a_cache_entry_of_one_component_cannot_stand_in_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let config = HostConfig { cache: Some(folder.path().to_owned()), instances: 4, ..HostConfig::default() };
    let host = Host::new(config).unwrap();
    host.load(&component("hostile"), Limits::default()).await.unwrap();
    let entries = || -> Vec<_> {
        let all = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.extension().is_some_and(|extension| extension == "code")).collect()
    };
    let hostile = entries().pop().unwrap();
    host.load(&component("notebook"), Limits::default()).await.unwrap();
    let notebook = entries().into_iter().find(|path| *path != hostile).unwrap();
    std::fs::copy(&hostile, &notebook).unwrap();
    let adapter = host.load(&component("notebook"), Limits::default()).await.unwrap();
    assert!(!adapter.facts().from_cache);
    assert_eq!(adapter.facts().descriptor.name, "notebook");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_component_cut_short_or_with_changed_bytes_never_harms_the_host(
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        truncate in any::<bool>(),
    ) {
        let mut bytes = component("hostile");
        for (position, value) in changes {
            let position = position.index(bytes.len());
            bytes[position] = value;
        }
        if truncate {
            bytes.truncate(cut.index(bytes.len()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let host = host();
            let _ = host.load(&bytes, Limits::default()).await;
            host.load(&component("notebook"), Limits::default()).await.unwrap();
        });
    }
}
