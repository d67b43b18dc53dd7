//! The OpenAPI document: what is in it, that it is what the gateway does, and that it is served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{collections::BTreeSet, fs, path::Path};

use axum::http::Method;
use berth_gateway::http::openapi_document;
use serde_json::Value;
use support::{World, document};

const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];

/// Every operation of the document, with its method and the template of its path.
fn operations() -> Vec<(Method, String, Value)> {
    let document = openapi_document();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().iter();
        let named = operations.map(|(method, operation)| {
            (method.to_uppercase().parse().unwrap(), path.clone(), operation.clone())
        });
        named.collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Every string value of these fields, anywhere.
fn collect(value: &Value, field: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == field => drop(found.insert(text.clone())),
                    other => collect(other, field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, field, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document = openapi_document();
    if std::env::var_os("BLESS").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap();
        fs::write(&path, format!("{text}\n")).unwrap();
    }
    let reviewed: Value = serde_json::from_slice(&fs::read(&path).unwrap_or_default()).unwrap_or_default();
    assert!(
        reviewed == document,
        "runtime/gateway/openapi.json is not what the code says: \
         BLESS=1 cargo test --workspace --test openapi writes it, and the difference is for review"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = openapi_document();
    let mut references = BTreeSet::new();
    collect(&document, "$ref", &mut references);
    for reference in &references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "nobody uses {name}");
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    let mut examples = 0;
    for (method, path, operation) in operations() {
        let content = &operation["requestBody"]["content"]["application/json"];
        for (name, example) in content["examples"].as_object().into_iter().flatten() {
            let validator = document::validator(&content["schema"]);
            let errors: Vec<_> =
                validator.iter_errors(&example["value"]).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{method} {path}, example {name}: {errors:?}");
            examples += 1;
        }
    }
    assert!(examples > 10, "{examples}");
}

#[test]
fn operations_have_names_of_their_own_and_say_what_they_and_their_parameters_are() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let described = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{method} {path}: nobody says what {} is", parameter["name"]);
        }
    }
}

#[tokio::test]
async fn what_is_described_is_there_and_what_is_not_is_not() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let described = operations();
    let paths: BTreeSet<_> = described.iter().map(|(_, path, _)| path.clone()).collect();
    for path in paths {
        let concrete = path.replace("{application}", "shop").replace(['{', '}'], "");
        for method in METHODS {
            let is_described = described.iter().any(|(of, at, _)| *of == method && *at == path);
            // Nobody's request: an answer is a refusal, and nothing is written, streamed or waited for.
            let by = if path.starts_with("/v1/applications") && is_described { None } else { Some(&alice) };
            let answer = world.send(by, method.clone(), &concrete, &[], None).await;
            let is_there = answer.body["code"] != "method" && answer.body["code"] != "no-resource";
            assert_eq!(is_there, is_described, "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let world = World::new().await;
    let answer = world.send(None, Method::GET, "/v1/openapi.json", &[], None).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &openapi_document()));
}
