//! JSON-RPC 2.0: requests, and the errors that answer them.

use async_trait::async_trait;
use hyper_tungstenite::HyperWebsocketStream;
use serde_json::{Map, Value, json};

/// The most requests of a batch.
const MAX_BATCH: usize = 1000;

/// An error that a method answers.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    /// The framework's code.
    pub code: i64,
    /// The framework's text.
    pub message: String,
    /// More, where the framework gives it; `Value::Null` is written as null.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without data.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        RpcError { code, message: message.into(), data: None }
    }

    /// The same with data.
    #[must_use]
    pub fn with_data(self, data: Value) -> Self {
        RpcError { data: Some(data), ..self }
    }
}

/// What a method answers.
pub type Answer = Result<Value, RpcError>;

/// Something that answers methods.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// The answer to one method.
    async fn answer(&self, method: &str, params: &Value) -> Answer;

    /// What this framework answers to what is not JSON.
    fn not_json(&self) -> RpcError {
        RpcError::new(-32700, "Parse error")
    }

    /// What this framework answers to JSON that is no request.
    fn no_request(&self) -> RpcError {
        RpcError::new(-32600, "Invalid request")
    }

    /// Whether this framework's nodes let a client turn its connection into a websocket.
    fn has_websockets(&self) -> bool {
        false
    }

    /// Speaks with a client over one, to the end.
    async fn speak(&self, _socket: HyperWebsocketStream) {}
}

/// The answer to the body of a request, as text: to a batch, an array.
pub async fn answer_text(service: &dyn Service, body: &[u8]) -> String {
    let asked = match serde_json::from_slice::<Value>(body) {
        Ok(asked) => asked,
        Err(_) => return failed(&Value::Null, service.not_json()).to_string(),
    };
    match asked {
        Value::Array(batch) if !batch.is_empty() && batch.len() <= MAX_BATCH => {
            let mut answers = Vec::with_capacity(batch.len());
            for one in &batch {
                answers.push(answer_one(service, one).await);
            }
            Value::Array(answers).to_string()
        }
        one => answer_one(service, &one).await.to_string(),
    }
}

async fn answer_one(service: &dyn Service, asked: &Value) -> Value {
    let id = asked.get("id").cloned().unwrap_or(Value::Null);
    let Some(method) = asked.get("method").and_then(Value::as_str) else {
        return failed(&id, service.no_request());
    };
    if asked.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return failed(&id, service.no_request());
    }
    let none = Value::Array(Vec::new());
    match service.answer(method, asked.get("params").unwrap_or(&none)).await {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => failed(&id, error),
    }
}

fn failed(id: &Value, error: RpcError) -> Value {
    let mut object = Map::new();
    object.insert("code".into(), error.code.into());
    object.insert("message".into(), error.message.into());
    if let Some(data) = error.data {
        object.insert("data".into(), data);
    }
    json!({"jsonrpc": "2.0", "id": id, "error": object})
}
