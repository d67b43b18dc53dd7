//! Modules that are as they should be, and modules that are not.

#![expect(clippy::unwrap_used, reason = "the tests' own helpers")]

use std::error::Error as _;

use adapter_componentize::{Error, componentize};
use proptest::prelude::*;

const CORE: &str = "bsn:framework/core@0.1.0";

/// The functions of a module that exports `core` whole, each with the type that the component model's rules give
/// it and a body that never returns.
fn core_exports() -> String {
    let function = |name: &str, parameters: &str| {
        format!(r#"(func (export "{CORE}#{name}") {parameters} (result i32) unreachable)"#)
    };
    [
        function("describe", ""),
        function("[static]ledger.open", "(param i32 i32)"),
        function("[method]ledger.status", "(param i32)"),
        function("[method]ledger.accounts", "(param i32 i32 i32 i32 i32 i32 i32)"),
        function("[method]ledger.begin", "(param i32)"),
        function("[method]ledger.resume", "(param i32 i32 i32 i32 i32)"),
        function("[method]ledger.abandon", "(param i32 i32 i32)"),
        function("[method]ledger.send", "(param i32 i32 i32 i32 i32 i32 i64 i32 i32)"),
        function("[method]ledger.replace", "(param i32)"),
        function("[method]ledger.receipt", "(param i32 i32 i32 i32 i32)"),
        function("[method]ledger.estimate", "(param i32)"),
        function("[method]ledger.plan", &format!("(param {})", "i32 ".repeat(13))),
        function("[method]ledger.contract-abi", "(param i32 i32 i32)"),
    ]
    .join("\n")
}

/// A module with a memory, an allocator, `core`, and what else is given: imports and further exports.
fn module(imports: &str, exports: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {imports}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            {} {exports})"#,
        core_exports()
    );
    wat::parse_str(text).unwrap()
}

const BLOCKS: &str =
    r#"(func (export "bsn:framework/blocks@0.1.0#get") (param i32 i32 i64 i32) (result i32) unreachable)"#;

/// The names of a component's exports, in order.
fn exported(component: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            wasmparser::Payload::ModuleSection { .. } | wasmparser::Payload::ComponentSection { .. } => {
                depth += 1
            }
            wasmparser::Payload::End(_) => depth -= 1,
            wasmparser::Payload::ComponentExportSection(exports) if depth == 0 => {
                names.extend(exports.into_iter().map(|export| export.unwrap().name.name.to_string()));
            }
            _ => {}
        }
    }
    names
}

#[test]
fn a_component_exports_exactly_what_the_module_does() {
    assert_eq!(exported(&componentize(&module("", "")).unwrap()), [CORE]);
    assert_eq!(exported(&componentize(&module("", BLOCKS)).unwrap()), [CORE, "bsn:framework/blocks@0.1.0"]);
}

#[test]
fn the_same_module_gives_the_same_bytes() {
    let module = module("", BLOCKS);
    assert_eq!(componentize(&module).unwrap(), componentize(&module).unwrap());
}

#[test]
fn a_foreign_import_is_named() {
    let module = module(
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
        "",
    );
    let error = componentize(&module).unwrap_err();
    assert!(
        matches!(&error, Error::ForeignImport { module, name } if module == "wasi_snapshot_preview1" && name == "fd_write"),
        "{error}"
    );
}

#[test]
fn a_module_without_core_is_refused() {
    let only_blocks = wat::parse_str(format!("(module {BLOCKS})")).unwrap();
    assert!(matches!(componentize(&only_blocks), Err(Error::MissingCore)));
    let empty = wat::parse_str("(module)").unwrap();
    assert!(matches!(componentize(&empty), Err(Error::MissingCore)));
}

#[test]
fn an_interface_of_another_version_is_named() {
    let later = r#"(func (export "bsn:framework/blocks@0.2.0#get") (param i32) unreachable)"#;
    let error = componentize(&module("", later)).unwrap_err();
    assert!(
        matches!(&error, Error::UnknownInterface(name) if name == "bsn:framework/blocks@0.2.0"),
        "{error}"
    );
}

#[test]
fn a_function_of_the_wrong_type_is_a_mismatch_that_names_it() {
    let wrong = r#"(func (export "bsn:framework/blocks@0.1.0#get") (param i32) (result i32) unreachable)"#;
    let error = componentize(&module("", wrong)).unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(causes.contains("get"), "{causes}");
}

#[test]
fn a_missing_function_is_a_mismatch() {
    let text = core_exports().replace("#describe", "#not-described");
    let module = wat::parse_str(format!(r#"(module (memory (export "memory") 1) {text})"#)).unwrap();
    assert!(matches!(componentize(&module), Err(Error::Mismatch(_))));
}

#[test]
fn a_component_is_not_taken_for_a_module() {
    let component = componentize(&module("", "")).unwrap();
    assert!(matches!(componentize(&component), Err(Error::AlreadyComponent)));
}

#[test]
fn a_module_cut_off_anywhere_is_an_error() {
    let module = module("", BLOCKS);
    for length in 0..module.len() {
        assert!(componentize(&module[..length]).is_err(), "cut at {length}");
    }
}

proptest! {
    #[test]
    fn random_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(componentize(&bytes).is_err());
    }

    #[test]
    fn random_bytes_behind_a_modules_header_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 1..512)) {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.extend(bytes);
        prop_assert!(componentize(&module).is_err());
    }

    #[test]
    fn a_changed_byte_is_an_answer_and_never_a_panic(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut module = module("", BLOCKS);
        let at = at.index(module.len());
        module[at] = byte;
        if let Ok(component) = componentize(&module) {
            prop_assert!(exported(&component).contains(&CORE.to_string()));
        }
    }
}
