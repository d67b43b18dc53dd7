//! The preset store: the same key-value operations on every framework.

use adapter_spec::types::{StoreAnswer, StoreEntry, StoreOperation, StoreVersion};
use berth_api::Stored;
use serde::Serialize;

use crate::{application::Application, error::ClientError, key::IdempotencyKey, transport::Ask};

/// The preset store of one contract.
#[derive(Clone)]
pub struct Store {
    application: Application,
    contract: String,
}

#[derive(Serialize)]
struct Operate<'a> {
    contract: &'a str,
    operation: &'a StoreOperation,
}

impl Store {
    pub(crate) fn new(application: Application, contract: String) -> Self {
        Store { application, contract }
    }

    /// Writes a value under a new key, and waits until it is in a block; `already-exists` where there is one.
    ///
    /// # Errors
    /// [`ClientError`]; where the node was not reached, the same with the same idempotency key is safe.
    pub async fn insert(
        &self,
        call: &IdempotencyKey,
        key: &str,
        value: &[u8],
    ) -> Result<Stored, ClientError> {
        self.operate(Some(call), &StoreOperation::Insert(entry(key, value))).await
    }

    /// Writes another value under a key, and waits until it is in a block; `not-found` where there is none.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub async fn update(
        &self,
        call: &IdempotencyKey,
        key: &str,
        value: &[u8],
    ) -> Result<Stored, ClientError> {
        self.operate(Some(call), &StoreOperation::Update(entry(key, value))).await
    }

    /// Takes a key away, and waits until that is in a block; `not-found` where there is none.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub async fn delete(&self, call: &IdempotencyKey, key: &str) -> Result<Stored, ClientError> {
        self.operate(Some(call), &StoreOperation::Delete(key.to_owned())).await
    }

    /// The value under a key; none where there is none.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ClientError> {
        match self.read(StoreOperation::Get(key.to_owned())).await? {
            None => Ok(None),
            Some(StoreAnswer::Value(value)) => Ok(Some(value)),
            Some(_) => Err(ClientError::Answer { status: 200, source: None }),
        }
    }

    /// All that a key held, oldest first, deletions included; none where there never was anything.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn history(&self, key: &str) -> Result<Vec<StoreVersion>, ClientError> {
        match self.read(StoreOperation::History(key.to_owned())).await? {
            None => Ok(Vec::new()),
            Some(StoreAnswer::History(versions)) => Ok(versions),
            Some(_) => Err(ClientError::Answer { status: 200, source: None }),
        }
    }

    async fn read(&self, operation: StoreOperation) -> Result<Option<StoreAnswer>, ClientError> {
        match self.operate(None, &operation).await {
            Ok(stored) => Ok(stored.answer),
            Err(ClientError::Problem(problem)) if problem.code == "not-found" => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn operate(
        &self,
        call: Option<&IdempotencyKey>,
        operation: &StoreOperation,
    ) -> Result<Stored, ClientError> {
        let query = if call.is_some() { "?until=included" } else { "" };
        let operate = Operate { contract: &self.contract, operation };
        let ask = Ask::post(self.application.below(&format!("/store{query}")), &operate)?.with_key(call);
        self.application.transport().json(ask).await
    }
}

fn entry(key: &str, value: &[u8]) -> StoreEntry {
    StoreEntry { key: key.to_owned(), value: value.to_vec() }
}
