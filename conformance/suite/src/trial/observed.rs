//! What is known of a call that has ended.

use std::sync::{Arc, OnceLock};

use adapter_spec::{CallError, Ended, Function, types::Error};
use berth_lending::recording::{Content, Exchange, Import};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// One call of an adapter's function, with all that it asked of its imports.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The application.
    pub application: String,
    /// The function.
    pub function: Function,
    /// Its arguments as JSON, an array in their order.
    pub arguments: Value,
    /// How it ended.
    pub ending: Ending,
    /// What it asked of its imports and got, in order.
    pub exchanges: Arc<[Exchange]>,
    /// The same as requests to endpoints, once somebody has wanted to know: every rule looks at every call.
    pub(crate) requests: Arc<OnceLock<Arc<[Request]>>>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With this, as JSON.
    Success(Value),
    /// With an error of the standard.
    Error(Error),
    /// With a failure of `send`, as JSON; and its error.
    SendFailure(Value, Error),
    /// The host ended it.
    Ended(Ended),
    /// The suite dropped it on the way.
    Dropped,
}

/// A request to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The endpoint's name.
    pub endpoint: String,
    /// JSON-RPC and gRPC: the method. HTTP: method, a space, and the path.
    pub method: String,
    /// Parameters, body or message.
    pub content: Vec<u8>,
    /// Whether the adapter called it sensitive.
    pub is_sensitive: bool,
    /// Its number among the call's exchanges.
    pub exchange: usize,
    /// The answer as JSON: `Ok` or `Err` of the transport's own types. None where the call ended before.
    pub answer: Option<Value>,
}

impl Observed {
    /// The success as its type.
    #[must_use]
    pub fn success<T: DeserializeOwned>(&self) -> Option<T> {
        match &self.ending {
            Ending::Success(value) => serde_json::from_value(value.clone()).ok(),
            _ => None,
        }
    }

    /// The error that the adapter answered, of `send` too.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match &self.ending {
            Ending::Error(error) | Ending::SendFailure(_, error) => Some(error),
            _ => None,
        }
    }

    /// The argument with this number, from 0, as its type.
    #[must_use]
    pub fn argument<T: DeserializeOwned>(&self, number: usize) -> Option<T> {
        serde_json::from_value(self.arguments.get(number)?.clone()).ok()
    }

    /// The requests to endpoints, in order; those of one list one after another.
    #[must_use]
    pub fn requests(&self) -> Arc<[Request]> {
        self.requests.get_or_init(|| self.read_requests().into()).clone()
    }

    fn read_requests(&self) -> Vec<Request> {
        let mut requests = Vec::new();
        for (number, exchange) in self.exchanges.iter().enumerate() {
            let listed = matches!(exchange.import, Import::Http | Import::JsonRpc | Import::Grpc);
            if !listed && exchange.import != Import::GrpcStream {
                continue;
            }
            let asked = json(&exchange.request);
            let asked = if listed { asked.as_array().cloned().unwrap_or_default() } else { vec![asked] };
            let answers = exchange.answer.as_ref().map(json);
            for (index, request) in asked.iter().enumerate() {
                let text =
                    |field: &str| request.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
                let (method, content) = match exchange.import {
                    Import::Http => (format!("{} {}", text("method"), text("path")), bytes(&text("body"))),
                    Import::JsonRpc => (text("method"), text("params").into_bytes()),
                    _ => (text("method"), bytes(&text("message"))),
                };
                let answer = answers.as_ref().map(|answers| {
                    if listed { answers.get(index).cloned().unwrap_or_default() } else { answers.clone() }
                });
                requests.push(Request {
                    endpoint: text("endpoint"),
                    method,
                    content,
                    is_sensitive: request.get("sensitive").and_then(Value::as_bool).unwrap_or_default(),
                    exchange: number,
                    answer,
                });
            }
        }
        requests
    }

    /// The number of lists, streams and messages that were asked of endpoints.
    #[must_use]
    pub fn count(&self, import: Import) -> usize {
        self.exchanges.iter().filter(|exchange| exchange.import == import).count()
    }

    /// All texts that leave the adapter in this call besides requests to endpoints: what it answered, its log lines and
    /// what it wrote to its state, as JSON.
    #[must_use]
    pub fn said(&self) -> Vec<(&'static str, String)> {
        let mut said = vec![match &self.ending {
            Ending::Success(value) => ("answer", value.to_string()),
            Ending::Error(error) => ("error", json_text(error)),
            Ending::SendFailure(value, _) => ("error", value.to_string()),
            Ending::Ended(ended) => ("trap", ended.to_string()),
            Ending::Dropped => ("answer", String::new()),
        }];
        for exchange in self.exchanges.iter() {
            match exchange.import {
                Import::Log => said.push(("log", json(&exchange.request).to_string())),
                Import::StateSwap => said.push(("state", json(&exchange.request).to_string())),
                _ => {}
            }
        }
        said
    }
}

/// What is recorded in clear, which is all that the suite records.
#[must_use]
pub fn json(content: &Content) -> Value {
    match content {
        Content::Clear(raw) => serde_json::from_str(raw.get()).unwrap_or_default(),
        Content::Sealed { .. } => Value::Null,
    }
}

/// Hexadecimal text with `0x`, as the standard's types write bytes.
fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).unwrap_or_default()
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

impl<T: Serialize> From<&Result<T, CallError>> for Ending {
    fn from(result: &Result<T, CallError>) -> Self {
        match result {
            Ok(success) => Ending::Success(value(success)),
            Err(CallError::Answered(error)) => Ending::Error(error.clone()),
            Err(CallError::Ended(ended)) => Ending::Ended(ended.clone()),
        }
    }
}

impl From<&Result<(), CallError<adapter_spec::types::SendFailure>>> for Ending {
    fn from(result: &Result<(), CallError<adapter_spec::types::SendFailure>>) -> Self {
        match result {
            Ok(()) => Ending::Success(Value::Null),
            Err(CallError::Answered(failure)) => Ending::SendFailure(value(failure), failure.error.clone()),
            Err(CallError::Ended(ended)) => Ending::Ended(ended.clone()),
        }
    }
}
