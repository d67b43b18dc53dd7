//! Answers, held to the gateway's OpenAPI document: every test that sends a request is a test of the document too.

use std::{collections::HashMap, sync::LazyLock};

use axum::http::{HeaderMap, Method, StatusCode, header};
use berth_gateway::http::openapi_document;
use jsonschema::Validator;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi_document);

/// Validators of answers' bodies, by operation, status and content type.
static VALIDATORS: LazyLock<HashMap<(String, String, String), Validator>> = LazyLock::new(|| {
    let mut validators = HashMap::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                for (kind, content) in resolved(response)["content"].as_object().into_iter().flatten() {
                    let name = (format!("{method} {path}"), status.clone(), kind.clone());
                    validators.insert(name, validator(&content["schema"]));
                }
            }
        }
    }
    validators
});

/// The response itself, where there is a reference to one.
fn resolved(response: &Value) -> &Value {
    match response["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).expect(reference),
        None => response,
    }
}

/// What checks values against a schema of the document.
pub fn validator(schema: &Value) -> Validator {
    let whole = json!({"allOf": [schema], "components": DOCUMENT["components"]});
    jsonschema::draft202012::new(&whole).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

/// The path's template and what is said of the method there; none where there is nothing.
pub fn operation(method: &Method, path: &str) -> Option<(String, &'static Value)> {
    let parts: Vec<_> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        template.len() == parts.len()
            && template.iter().zip(&parts).all(|(wanted, part)| wanted == part || wanted.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // A path that is there as such goes before one with parameters.
    let found = paths.get_key_value(path).or_else(|| paths.iter().find(|(template, _)| fits(template)));
    let (template, item) = found?;
    let operation = item.get(method.as_str().to_lowercase())?;
    Some((template.clone(), operation))
}

/// Fails where an answer is not in the document: its status, its content type, or its body.
pub fn check(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
    let Some((template, operation)) = operation(method, path) else {
        assert!(
            matches!(status.as_u16(), 401 | 404 | 405),
            "{method} {path} is not described, and answers {status}"
        );
        return;
    };
    let shown = String::from_utf8_lossy(body);
    let response = &operation["responses"][status.as_str()];
    assert!(!response.is_null(), "{method} {template} does not say that it answers {status}: {shown}");
    if resolved(response)["content"].is_null() {
        assert!(body.is_empty(), "{method} {template} {status} has a body: {shown}");
        return;
    }
    let kind = headers[header::CONTENT_TYPE].to_str().unwrap();
    let kind = kind.split(';').next().unwrap();
    let name = (
        format!("{} {template}", method.as_str().to_lowercase()),
        status.as_str().to_owned(),
        kind.to_owned(),
    );
    let validator =
        VALIDATORS.get(&name).unwrap_or_else(|| panic!("{method} {template} {status} is not {kind}"));
    if kind.ends_with("json") {
        let value: Value = serde_json::from_slice(body).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{method} {template} {status}: {errors:?} in {shown}");
    }
}
