//! Questions to the lent nodes, and their answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use adapter_sdk::{
    Imports,
    types::{
        Error, ErrorCode,
        transport::{JsonRpcFailure, JsonRpcRequest},
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    NEED,
    errors::{self, Asked, corrupt},
    settings::Settings,
};
use crate::wire::{Hash, question};

/// The one method that does more than read.
pub(super) const SUBMIT: &str = "ledger_submit";
/// The most requests in one list.
const SIDE_BY_SIDE: usize = 64;

/// One question.
#[derive(Clone)]
pub(super) struct Ask {
    method: &'static str,
    params: Value,
    sensitive: bool,
}

impl Ask {
    /// A question about the settings' space.
    pub(super) fn new(settings: &Settings, method: &'static str, mut params: Value) -> Self {
        if let Some(params) = params.as_object_mut() {
            params.insert("space".into(), json!(settings.space));
        }
        Ask { method, params, sensitive: false }
    }

    /// The same, sealed in recordings.
    pub(super) fn sensitive(self, sensitive: bool) -> Self {
        Ask { sensitive, ..self }
    }

    fn request(&self, endpoint: &str) -> JsonRpcRequest {
        JsonRpcRequest {
            endpoint: endpoint.to_owned(),
            method: self.method.into(),
            params: self.params.to_string(),
            sensitive: self.sensitive,
        }
    }

    /// What the node says, if it says it to this question.
    fn answer(&self, answer: &str) -> Result<Value, Error> {
        #[derive(Deserialize)]
        struct Answer {
            question: String,
            answer: Value,
        }
        let answer: Answer = serde_json::from_str(answer).map_err(|_| corrupt("it does not decode"))?;
        if answer.question != question(self.method, &self.params) {
            return Err(corrupt("it answers another question"));
        }
        Ok(answer.answer)
    }
}

/// The lent nodes.
pub(super) struct Nodes<'a> {
    host: &'a dyn Imports,
    endpoints: Vec<String>,
    /// The one that answered last.
    current: AtomicUsize,
}

impl<'a> Nodes<'a> {
    pub(super) fn lent(host: &'a dyn Imports) -> Result<Self, Error> {
        let endpoints: Vec<_> = host.lent_as(NEED).into_iter().map(|lent| lent.endpoint).collect();
        if endpoints.is_empty() {
            return Err(Error::new(
                ErrorCode::Unavailable,
                format!("no endpoint is lent under the name `{NEED}`"),
            ));
        }
        Ok(Nodes { host, endpoints, current: AtomicUsize::new(0) })
    }

    pub(super) fn count(&self) -> usize {
        self.endpoints.len()
    }

    /// From now on asks the next one first.
    pub(super) fn turn(&self) {
        let next = self.current.load(Ordering::Relaxed) + 1;
        self.current.store(next % self.endpoints.len().max(1), Ordering::Relaxed);
    }

    /// Asks side by side; as many answers as questions. What one node cannot answer the next one is asked.
    pub(super) async fn ask(&self, asked: &[Ask]) -> Vec<Result<Value, Error>> {
        let mut answers: Vec<Option<Result<Value, Error>>> = vec![None; asked.len()];
        for _ in 0..self.endpoints.len() {
            let open = asked.iter().zip(&mut answers);
            let open: Vec<_> = open.filter(|(_, answer)| answer.as_ref().is_none_or(is_open)).collect();
            if open.is_empty() {
                break;
            }
            let endpoint = self.endpoints.get(self.current.load(Ordering::Relaxed));
            let endpoint = endpoint.map_or("", String::as_str);
            let mut failed = false;
            let mut open = open.into_iter();
            loop {
                let part: Vec<_> = open.by_ref().take(SIDE_BY_SIDE).collect();
                if part.is_empty() {
                    break;
                }
                let requests = part.iter().map(|(ask, _)| ask.request(endpoint)).collect();
                let mut answered = self.host.json_rpc(requests).await.into_iter();
                for (ask, answer) in part {
                    let new = match answered.next() {
                        Some(Ok(text)) => ask.answer(&text),
                        Some(Err(failure)) => Err(errors::from_failure(Asked::Read, &failure)),
                        None => Err(corrupt("there is none")),
                    };
                    failed |= is_open(&new);
                    // A node's own word says more than that another one was down.
                    if !matches!((&*answer, &new), (Some(Err(old)), Err(new)) if old.native.is_some() || new.native.is_none())
                    {
                        *answer = Some(new);
                    }
                }
            }
            if failed {
                self.turn();
            }
        }
        answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(corrupt("there is none")))).collect()
    }

    /// Asks one question.
    pub(super) async fn one<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Error> {
        decode(self.ask(&[ask]).await.into_iter().next().unwrap_or_else(|| Err(corrupt("there is none")))?)
    }

    /// Hands a transaction to the endpoint at this place.
    pub(super) async fn submit(&self, place: usize, ask: &Ask) -> Result<Value, SubmitFailure> {
        let endpoint = self.endpoints.get(place).map_or("", String::as_str);
        let answers = self.host.json_rpc(vec![ask.request(endpoint)]).await;
        match answers.into_iter().next() {
            Some(Ok(text)) => ask.answer(&text).map_err(SubmitFailure::Corrupt),
            Some(Err(failure)) => Err(SubmitFailure::Failed(failure)),
            None => Err(SubmitFailure::Corrupt(corrupt("there is none"))),
        }
    }
}

/// Why a transaction was not acknowledged.
pub(super) enum SubmitFailure {
    /// By the node's or the host's word.
    Failed(JsonRpcFailure),
    /// The node's answer is none.
    Corrupt(Error),
}

/// Whether another node may answer what this one did not.
fn is_open(answer: &Result<Value, Error>) -> bool {
    answer.as_ref().is_err_and(|error| {
        matches!(
            error.code,
            ErrorCode::Unavailable
                | ErrorCode::Timeout
                | ErrorCode::CorruptResponse
                | ErrorCode::Pruned
                | ErrorCode::QuotaExceeded
                | ErrorCode::TooLarge
        )
    })
}

/// What an answer says, in the form that it must have.
pub(super) fn decode<T: DeserializeOwned>(answer: Value) -> Result<T, Error> {
    serde_json::from_value(answer).map_err(|_| corrupt("it has another form"))
}

/// Bytes in hexadecimal.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Error> {
    hex::decode(text).map_err(|_| corrupt("bytes are not hexadecimal"))
}

/// A hash in hexadecimal.
pub(super) fn hash(text: &str) -> Result<Hash, Error> {
    bytes(text)?.try_into().map_err(|_| corrupt("a hash has not 32 bytes"))
}
