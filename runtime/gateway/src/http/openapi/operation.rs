//! One operation, as it is described where its route is.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// Writes the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What succeeds.
pub(super) struct Success {
    pub(super) meaning: &'static str,
    pub(super) content: Content,
}

/// The body of an answer.
pub(super) enum Content {
    None,
    /// The document itself, of which there is no description here.
    Object,
    Json(SchemaOf),
    Text,
    /// Server-sent events: each kind with its data.
    Events(Vec<(&'static str, SchemaOf)>),
}

/// Whether there has to be an idempotency key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IdempotencyKey {
    No,
    /// Where the request writes.
    OfWrites,
    Always,
}

/// A request, and how it may be answered.
pub(in crate::http) struct Operation {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) id: &'static str,
    pub(super) area: &'static str,
    pub(super) summary: &'static str,
    pub(super) text: Option<&'static str>,
    pub(super) authenticated: bool,
    pub(super) query: Option<SchemaOf>,
    pub(super) idempotency_key: IdempotencyKey,
    pub(super) last_event_id: bool,
    pub(super) body: Option<SchemaOf>,
    pub(super) examples: Vec<(&'static str, Value)>,
    pub(super) successes: BTreeMap<u16, Success>,
    pub(super) problems: BTreeSet<u16>,
}

/// Problems of whatever asks an adapter: it answers one of the standard's codes, or the node ends its call.
const OF_ADAPTERS: [u16; 12] = [400, 403, 404, 409, 410, 413, 422, 429, 501, 502, 503, 504];
/// Problems of whatever is for members of an application: not theirs, suspended, a quota, the node's store.
const OF_APPLICATIONS: [u16; 4] = [403, 404, 429, 503];
/// Problems of whatever has to be authenticated: by nobody known, too long a body or one that breaks off.
const OF_EVERYBODY: [u16; 3] = [400, 401, 413];

impl Operation {
    fn new(method: Method, path: &str, area: &'static str, id: &'static str, summary: &'static str) -> Self {
        Operation {
            method,
            path: path.to_owned(),
            id,
            area,
            summary,
            text: None,
            authenticated: false,
            query: None,
            idempotency_key: IdempotencyKey::No,
            last_event_id: false,
            body: None,
            examples: Vec::new(),
            successes: BTreeMap::new(),
            problems: BTreeSet::new(),
        }
    }

    /// A read: its path, the area that it belongs to, its id, and one line.
    pub(in crate::http) fn get(
        path: &str,
        area: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self::new(Method::GET, path, area, id, summary)
    }

    /// The same with POST,
    pub(in crate::http) fn post(
        path: &str,
        area: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self::new(Method::POST, path, area, id, summary)
    }

    /// with PUT,
    pub(in crate::http) fn put(
        path: &str,
        area: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self::new(Method::PUT, path, area, id, summary)
    }

    /// and with DELETE.
    pub(in crate::http) fn delete(
        path: &str,
        area: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self::new(Method::DELETE, path, area, id, summary)
    }

    /// More than the one line.
    pub(in crate::http) fn text(self, text: &'static str) -> Self {
        Operation { text: Some(text), ..self }
    }

    /// The query's parameters are the fields of `T`.
    pub(in crate::http) fn query<T: JsonSchema>(self) -> Self {
        Operation { query: Some(T::json_schema), ..self }.problems(&[400])
    }

    /// A JSON body.
    pub(in crate::http) fn body<T: JsonSchema>(self) -> Self {
        Operation { body: Some(SchemaGenerator::subschema_for::<T>), ..self }.problems(&[400, 413, 415])
    }

    /// An example of the body.
    pub(in crate::http) fn example(mut self, name: &'static str, body: Value) -> Self {
        self.examples.push((name, body));
        self
    }

    /// It writes, so it needs an idempotency key.
    pub(in crate::http) fn writes(self) -> Self {
        Operation { idempotency_key: IdempotencyKey::Always, ..self }.problems(&[400])
    }

    /// It may write, and needs an idempotency key then.
    pub(in crate::http) fn may_write(self) -> Self {
        Operation { idempotency_key: IdempotencyKey::OfWrites, ..self }.problems(&[400])
    }

    /// Only where the node holds the keys, or only where it does not.
    pub(in crate::http) fn of_one_key_mode(self) -> Self {
        self.problems(&[409])
    }

    /// It asks the application's adapter, and with it the ledger.
    pub(in crate::http) fn asks_adapter(self) -> Self {
        self.problems(&OF_ADAPTERS)
    }

    /// It is for members of an application.
    pub(in crate::http) fn of_application(self) -> Self {
        self.problems(&OF_APPLICATIONS)
    }

    /// Its sender has to be an enrolled participant.
    pub(in crate::http) fn authenticated(self) -> Self {
        Operation { authenticated: true, ..self }.problems(&OF_EVERYBODY)
    }

    /// It may be answered with problems of these statuses.
    pub(in crate::http) fn problems(mut self, statuses: &[u16]) -> Self {
        self.problems.extend(statuses);
        self
    }

    fn success(mut self, status: u16, meaning: &'static str, content: Content) -> Self {
        self.successes.insert(status, Success { meaning, content });
        self
    }

    /// Success is a 200 with this as JSON.
    pub(in crate::http) fn answer<T: JsonSchema>(self, meaning: &'static str) -> Self {
        self.success(200, meaning, Content::Json(SchemaGenerator::subschema_for::<T>))
    }

    /// Success is a 201 with this as JSON.
    pub(in crate::http) fn made<T: JsonSchema>(self, meaning: &'static str) -> Self {
        self.success(201, meaning, Content::Json(SchemaGenerator::subschema_for::<T>))
    }

    /// Success is a 204.
    pub(in crate::http) fn done(self, meaning: &'static str) -> Self {
        self.success(204, meaning, Content::None)
    }

    /// Success is a line of text.
    pub(in crate::http) fn line(self, meaning: &'static str) -> Self {
        self.success(200, meaning, Content::Text)
    }

    /// Success is an OpenAPI document.
    pub(in crate::http) fn document(self, meaning: &'static str) -> Self {
        self.success(200, meaning, Content::Object)
    }

    /// Success is a stream that goes on after the header `Last-Event-ID`; follow with its [`event`](Self::event)s.
    pub(in crate::http) fn stream(self, meaning: &'static str) -> Self {
        Operation { last_event_id: true, ..self }.success(200, meaning, Content::Events(Vec::new()))
    }

    /// A kind of event in the stream.
    pub(in crate::http) fn event<T: JsonSchema>(mut self, kind: &'static str) -> Self {
        if let Some(Success { content: Content::Events(kinds), .. }) = self.successes.get_mut(&200) {
            kinds.push((kind, SchemaGenerator::subschema_for::<T>));
        }
        self
    }
}
