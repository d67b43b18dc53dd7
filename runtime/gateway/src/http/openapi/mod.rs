//! The gateway's OpenAPI document (3.1), made of its routes.
//!
//! - `operation`: what is said of a route, where the route is.
//! - `routes`: routes that cannot be added without it.
//! - `schemas`: the types, from their serde forms.

mod operation;
mod routes;
mod schemas;

use axum::http::StatusCode;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

pub(super) use self::{operation::Operation, routes::Routes};
use self::{
    operation::{Content, IdempotencyKey, Success},
    schemas::{Schemas, unmark},
};
use crate::{
    application::MAX_IDEMPOTENCY_KEY,
    problem::{Problem, TYPE_PREFIX, codes},
};

/// What participants and their programs read first.
const ABOUT: &str = "\
What participants of a node reach: applications, their calls on a ledger, events, grants between applications, webhooks.

**Who asks.** Everything below `/v1/applications` is for enrolled participants, who show a certificate of the node's authority \
(mutual TLS) or sign each request (RFC 9421). An application in which somebody has no role is answered like one that does not exist.

**Writes happen once.** A write has an `Idempotency-Key`, which is bound to the request. Whoever got no answer sends the same \
request again with the same key: it goes on where it was. Another request under a used key is a `conflict`.

**Problems** are those of RFC 9457 as `application/problem+json`. `code` is one of the standard's error codes where an adapter \
answered, or one of the gateway's own; `type` is `urn:berth:problem:` and the code; `retryable` says whether the same request may \
succeed later; `effect` of a write that failed says whether it may still have one.

**Bytes** are hexadecimal with `0x` unless a field says otherwise, amounts are decimal texts in the smallest unit, and times are RFC 3339 \
in UTC.";

/// The document.
pub(super) fn document(operations: Vec<Operation>) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    let mut statuses = std::collections::BTreeSet::new();
    let problem = schemas.output(SchemaGenerator::subschema_for::<Problem>);
    for operation in operations {
        statuses.extend(&operation.problems);
        let item = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(operation.method.as_str().to_lowercase(), described(&operation, &mut schemas));
        }
    }
    let responses: Map<String, Value> =
        statuses.iter().map(|status| (problem_name(*status), problem_response(*status, &problem))).collect();
    let (schemas, twice) = schemas.end();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Berth gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{
            "url": "https://{node}",
            "variables": {"node": {"default": "localhost:8443", "description": "The node's address"}},
        }],
        "security": [{"mutualTLS": []}, {"signature": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "securitySchemes": {
                "mutualTLS": {
                    "type": "mutualTLS",
                    "description": "A certificate that the node's authority made for the participant",
                },
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Signature",
                    "description": SIGNATURE,
                },
            },
        },
    });
    unmark(&mut document, &twice);
    document
}

/// How a request is signed.
const SIGNATURE: &str = "\
HTTP Message Signatures (RFC 9421): the headers `Signature-Input` and `Signature` with exactly one signature, `ecdsa-p256-sha256`. It covers \
`@method`, `@authority`, `@path` and `@query`, the `content-digest` (RFC 9530, `sha-256`) of a body, and the `idempotency-key` where \
there is one; and it has the parameters `created`, `keyid` (SHA-256 of the participant's certificate, hexadecimal) and `nonce` (8 to 64 \
characters, another for each request).";

fn described(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.area],
        "summary": operation.summary,
        "responses": responses(operation, schemas),
    });
    let mut parameters = path_parameters(&operation.path);
    if let Some(query) = operation.query {
        parameters.extend(query_parameters(&schemas.input(query)));
    }
    parameters.extend(idempotency_key(operation.idempotency_key));
    if operation.last_event_id {
        parameters.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The last position that was heard; the stream goes on after it",
            "schema": {"type": "string", "pattern": "^([0-9a-fA-F]{2})*$"},
        }));
    }
    let mut add = |field: &str, value: Value| {
        if let Value::Object(described) = &mut described {
            described.insert(field.to_owned(), value);
        }
    };
    if !parameters.is_empty() {
        add("parameters", Value::Array(parameters));
    }
    if let Some(text) = operation.text {
        add("description", json!(text));
    }
    if let Some(body) = operation.body {
        let mut content = json!({"schema": schemas.input(body)});
        if let (Value::Object(content), false) = (&mut content, operation.examples.is_empty()) {
            let examples = operation
                .examples
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!({ "value": value })));
            content.insert("examples".to_owned(), Value::Object(examples.collect()));
        }
        add("requestBody", json!({"required": true, "content": {"application/json": content}}));
    }
    if !operation.authenticated {
        add("security", json!([]));
    }
    described
}

/// A part of a path: what it is, its schema, and an example; none where nobody wrote it down here.
fn part_of_path(name: &str) -> Option<(&'static str, Value, &'static str)> {
    let name_of = || json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9.-]+$"});
    let id = || json!({"type": "string", "pattern": "^[0-9a-f]{32}$"});
    Some(match name {
        "application" => ("The application's name", name_of(), "shop"),
        "participant" => ("A participant's name", name_of(), "bob"),
        "subscription" => ("The participant's own name for a subscription", name_of(), "orders"),
        "grant" => ("A grant's id", id(), "5f0c8a6e2b7d4e19a3c6f8d20b9e7a41"),
        "webhook" => ("A webhook's id", id(), "c3a1f0e9d8b7465584930211aabbccdd"),
        "key" => ("The idempotency key that the call was made with", key_schema(), "order-17"),
        "block" => (
            "A height, a hash that begins with 0x, or latest, safe or final",
            json!({"type": "string", "pattern": "^(latest|safe|final|[0-9]+|0x([0-9a-fA-F]{2})+)$"}),
            "latest",
        ),
        _ => return None,
    })
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| match part_of_path(name) {
        Some((description, schema, example)) => json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": description,
            "schema": schema,
            "example": example,
        }),
        // A test asks for a description of each.
        None => json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}),
    };
    names.map(parameter).collect()
}

/// The fields of a structure as parameters of a query.
fn query_parameters(schema: &Value) -> Vec<Value> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({
            "name": name,
            "in": "query",
            "required": required.contains(&name.as_str()),
            "schema": present(schema),
        });
        if let (Some(description), Value::Object(parameter)) = (description, &mut parameter) {
            parameter.insert("description".to_owned(), description);
        }
        parameter
    };
    schema["properties"].as_object().into_iter().flatten().map(parameter).collect()
}

/// A schema without null: what a query has not is left out.
fn present(mut schema: Value) -> Value {
    let Value::Object(fields) = &mut schema else { return schema };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = choices.as_slice() {
            return only.clone();
        }
    }
    schema
}

fn key_schema() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY, "pattern": "^[!-~]+$"})
}

fn idempotency_key(needed: IdempotencyKey) -> Option<Value> {
    let (required, description) = match needed {
        IdempotencyKey::No => return None,
        IdempotencyKey::OfWrites => {
            (false, "The caller's own name for this write, another for each; needed where the request writes")
        }
        IdempotencyKey::Always => (true, "The caller's own name for this write, another for each"),
    };
    Some(json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": description,
        "schema": key_schema(),
        "example": "order-17",
    }))
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    for (status, Success { meaning, content }) in &operation.successes {
        let mut response = json!({ "description": meaning });
        let content = match content {
            Content::None => None,
            Content::Object => Some(json!({"application/json": {"schema": {"type": "object"}}})),
            Content::Text => Some(json!({"text/plain": {"schema": {"type": "string"}}})),
            Content::Json(schema) => Some(json!({"application/json": {"schema": schemas.output(*schema)}})),
            Content::Events(kinds) => {
                let kinds = kinds.iter().map(|(kind, schema)| ((*kind).to_owned(), schemas.output(*schema)));
                let kinds: Map<String, Value> = kinds.collect();
                // The data of each kind of event, for which OpenAPI 3.1 has no word.
                Some(json!({"text/event-stream": {"schema": {"type": "string"}, "x-events": kinds}}))
            }
        };
        if let (Some(content), Value::Object(response)) = (content, &mut response) {
            response.insert("content".to_owned(), content);
        }
        responses.insert(status.to_string(), response);
    }
    for status in &operation.problems {
        let reference = format!("#/components/responses/{}", problem_name(*status));
        responses.insert(status.to_string(), json!({ "$ref": reference }));
    }
    Value::Object(responses)
}

/// The name of the answers of this status among the components.
fn problem_name(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.unwrap_or("Problem").split([' ', '-']).collect()
}

fn problem_response(status: u16, problem: &Value) -> Value {
    let codes = codes(status);
    let types: Vec<String> = codes.iter().map(|code| format!("{TYPE_PREFIX}{code}")).collect();
    let mut response = json!({
        "description": format!("A problem: {}", codes.iter().copied().collect::<Vec<_>>().join(", ")),
        "content": {"application/problem+json": {"schema": {
            "allOf": [problem],
            "properties": {
                "status": {"const": status},
                "code": {"enum": codes},
                "type": {"enum": types},
            },
        }}},
    });
    if let (429, Value::Object(response)) = (status, &mut response) {
        let retry = json!({"Retry-After": {"description": "Seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}});
        response.insert("headers".to_owned(), retry);
    }
    response
}
