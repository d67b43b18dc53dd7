//! State in sled.

use std::path::Path;

use adapter_spec::async_trait;
use berth_backup::Database;
use sled::{
    Tree,
    transaction::{ConflictableTransactionError, TransactionError, Transactional as _, TransactionalTree},
};

use super::{StateError, StateLimits, StateStore};

/// Bytes that a database which nobody else uses may keep in memory.
const MEMORY: u64 = 64 << 20;
const VALUES: &str = "state";
const USAGE: &str = "state-usage";

/// State in a sled database. A swap returns once it is on disk.
///
/// Two trees: `state` has the values under the application's name and the key, `state-usage` the bytes of each
/// application, both changed in one transaction.
pub struct SledState {
    limits: StateLimits,
    database: Database,
    values: Tree,
    usage: Tree,
}

impl SledState {
    /// Opens the database at `path`, or makes it.
    ///
    /// # Errors
    /// When the folder cannot be used or what is in it is broken.
    pub fn open(path: &Path, limits: StateLimits) -> Result<Self, StateError> {
        Self::in_database(Database::open(path, MEMORY).map_err(store)?, limits)
    }

    /// Uses two trees of a database that is open already.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub fn in_database(database: Database, limits: StateLimits) -> Result<Self, StateError> {
        let values = database.tree(VALUES).map_err(store)?;
        let usage = database.tree(USAGE).map_err(store)?;
        Ok(SledState { limits, database, values, usage })
    }

    fn usage_now(&self, application: &str) -> Result<u64, StateError> {
        number(self.usage.get(application).map_err(store)?.as_deref())
    }
}

#[async_trait]
impl StateStore for SledState {
    async fn get(&self, application: &str, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.limits.check_key(key)?;
        let value = self.values.get(full_key(application, key)).map_err(store)?;
        Ok(value.map(|value| value.to_vec()))
    }

    async fn swap(
        &self,
        application: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StateError> {
        let full_key = full_key(application, key);
        let write = |(values, usage): &(TransactionalTree, TransactionalTree)| {
            let abort = ConflictableTransactionError::Abort;
            let old = values.get(&full_key)?;
            let before = number(usage.get(application)?.as_deref()).map_err(abort)?;
            let after = self
                .limits
                .usage_after(before, key, old.as_deref().map(<[u8]>::len), new)
                .map_err(ConflictableTransactionError::Abort)?;
            if old.as_deref() != expected {
                return Ok(false);
            }
            match new {
                Some(new) => values.insert(full_key.as_slice(), new)?,
                None => values.remove(full_key.as_slice())?,
            };
            usage.insert(application.as_bytes(), &after.to_be_bytes())?;
            Ok(true)
        };
        let swapped = {
            let pass = self.database.pass();
            pass.will_change(VALUES, &full_key);
            pass.will_change(USAGE, application.as_bytes());
            (&self.values, &self.usage).transaction(write).map_err(|error| match error {
                TransactionError::Abort(error) => error,
                TransactionError::Storage(error) => store(error),
            })?
        };
        if swapped {
            let database = self.database.clone();
            let flushed = tokio::task::spawn_blocking(move || database.flush()).await;
            flushed.map_err(|error| StateError::Store(error.to_string()))?.map_err(store)?;
        }
        Ok(swapped)
    }

    async fn usage(&self, application: &str) -> Result<u64, StateError> {
        self.usage_now(application)
    }

    async fn check(&self, application: &str, key: &str, new: Option<&[u8]>) -> Result<(), StateError> {
        self.limits.check_key(key)?;
        let old = self.values.get(full_key(application, key)).map_err(store)?;
        let usage = self.usage_now(application)?;
        self.limits.usage_after(usage, key, old.as_deref().map(<[u8]>::len), new).map(drop)
    }

    async fn forget(&self, application: &str) -> Result<(), StateError> {
        let (database, values, usage) = (self.database.clone(), self.values.clone(), self.usage.clone());
        let application = application.to_owned();
        let forgotten = tokio::task::spawn_blocking(move || {
            for key in values.scan_prefix(full_key(&application, "")).keys() {
                let key = key?;
                let pass = database.pass();
                pass.will_change(VALUES, &key);
                values.remove(key)?;
            }
            {
                let pass = database.pass();
                pass.will_change(USAGE, application.as_bytes());
                usage.remove(application)?;
            }
            database.flush()
        })
        .await;
        forgotten.map_err(|error| StateError::Store(error.to_string()))?.map_err(store)
    }
}

/// The application's length (8 bytes, big-endian) and name, then the key: no name is the beginning of another's.
fn full_key(application: &str, key: &str) -> Vec<u8> {
    let length = (application.len() as u64).to_be_bytes();
    [&length, application.as_bytes(), key.as_bytes()].concat()
}

fn number(bytes: Option<&[u8]>) -> Result<u64, StateError> {
    let Some(bytes) = bytes else { return Ok(0) };
    let bytes = bytes.try_into().map_err(|_| StateError::Store("a count of bytes is malformed".into()))?;
    Ok(u64::from_be_bytes(bytes))
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn store(error: sled::Error) -> StateError {
    StateError::Store(error.to_string())
}
