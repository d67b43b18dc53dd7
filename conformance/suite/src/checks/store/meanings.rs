//! What each operation means.

use adapter_spec::types::{ErrorCode, StoreVersion};

use super::{answers, refused};
use crate::{
    check::{Checked, ensure, same},
    trial::{Store, Trial},
};

pub(super) async fn insert_of_what_is_there(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    let (key, value, other) = (trial.name(), trial.bytes(12), trial.bytes(12));
    answers(&(), "insert of a new key", store.insert(&key, &value).await?)?;
    for _ in 0..2 {
        let came = store.insert(&key, &other).await?;
        refused(ErrorCode::AlreadyExists, "insert of a key that has a value", came)?;
        answers(&value, "the value after an insert that failed", store.get(&key).await?)?;
    }
    versions(trial, &store, &key, &[Some(value)]).await
}

pub(super) async fn what_is_not_there(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    let key = trial.name();
    missing(&store, &key, "a key never written").await?;
    answers(&(), "insert after an update that failed", store.insert(&key, b"there").await?)?;
    answers(&(), "delete of a key that has a value", store.delete(&key).await?)?;
    missing(&store, &key, "a deleted key").await?;
    versions(trial, &store, &key, &[Some(b"there".to_vec()), None]).await
}

/// Everything but insert finds nothing, and leaves nothing.
async fn missing(store: &Store, key: &str, which: &str) -> Checked {
    let code = ErrorCode::NotFound;
    refused(code, &format!("get of {which}"), store.get(key).await?)?;
    refused(code, &format!("update of {which}"), store.update(key, b"new").await?)?;
    refused(code, &format!("get of {which} after update"), store.get(key).await?)?;
    refused(code, &format!("delete of {which}"), store.delete(key).await?)?;
    refused(code, &format!("get of {which} after delete"), store.get(key).await?)
}

pub(super) async fn empty_is_not_missing(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    let key = trial.name();
    let nothing = Vec::new();
    answers(&(), "insert of an empty value", store.insert(&key, &[]).await?)?;
    answers(&nothing, "get of an empty value", store.get(&key).await?)?;
    let came = store.insert(&key, b"x").await?;
    refused(ErrorCode::AlreadyExists, "insert of a key whose value is empty", came)?;
    answers(&(), "update of a key whose value is empty", store.update(&key, b"y").await?)?;
    answers(&(), "update to an empty value", store.update(&key, &[]).await?)?;
    answers(&nothing, "get after an update to an empty value", store.get(&key).await?)?;
    answers(&(), "delete of a key whose value is empty", store.delete(&key).await?)?;
    refused(ErrorCode::NotFound, "get of a deleted key whose value was empty", store.get(&key).await?)?;
    versions(trial, &store, &key, &[Some(vec![]), Some(b"y".to_vec()), Some(vec![]), None]).await
}

pub(super) async fn deleted_is_gone(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    let (key, value, other) = (trial.name(), trial.bytes(40), trial.bytes(3));
    answers(&(), "insert of a new key", store.insert(&key, &value).await?)?;
    answers(&(), "delete of a key that has a value", store.delete(&key).await?)?;
    refused(ErrorCode::NotFound, "get of a deleted key", store.get(&key).await?)?;
    answers(&(), "insert of a deleted key", store.insert(&key, &other).await?)?;
    answers(&other, "the value after delete and insert", store.get(&key).await?)?;
    answers(&(), "a second delete", store.delete(&key).await?)?;
    refused(ErrorCode::NotFound, "get after a second delete", store.get(&key).await?)
}

/// A fault unless the key's history, where it is kept, has just these values.
async fn versions(trial: &Trial, store: &Store, key: &str, expected: &[Option<Vec<u8>>]) -> Checked {
    if !trial.facts.descriptor.capabilities.iter().any(|name| name == "preset-history") {
        return Ok(());
    }
    let values = store.history(key).await?.map(values);
    answers(&expected.to_vec(), "the history", values)
}

fn values(versions: Vec<StoreVersion>) -> Vec<Option<Vec<u8>>> {
    versions.into_iter().map(|version| version.value).collect()
}

pub(super) async fn history_has_every_version(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    let (key, other) = (trial.name(), trial.name());
    refused(ErrorCode::NotFound, "the history of a key never written", store.history(&key).await?)?;
    let (first, second, third) = (trial.bytes(7), trial.bytes(300), trial.bytes(1));
    answers(&(), "insert of a new key", store.insert(&key, &first).await?)?;
    answers(&(), "insert of another key", store.insert(&other, &second).await?)?;
    answers(&(), "update", store.update(&key, &second).await?)?;
    // The same value again is a version too.
    answers(&(), "update to the same value", store.update(&key, &second).await?)?;
    answers(&(), "delete", store.delete(&key).await?)?;
    refused(ErrorCode::NotFound, "get of a deleted key", store.get(&key).await?)?;
    answers(&(), "insert of a deleted key", store.insert(&key, &third).await?)?;
    let expected = [Some(first), Some(second.clone()), Some(second), None, Some(third)];
    let versions = store.history(&key).await?;
    answers(&expected.to_vec(), "the history, oldest first", versions.clone().map(values))?;
    let versions = versions.unwrap_or_default();
    let writes = written(&store, &key);
    same(&writes.len(), &versions.len(), "one version for each write that succeeded")?;
    for (version, (transaction, block)) in versions.iter().zip(&writes) {
        same(transaction, &version.transaction, "a version's transaction")?;
        same(block, &Some(version.block.clone()), "a version's block")?;
    }
    let restarted = store.restarted(trial).await?;
    answers(&versions, "the history on a ledger opened anew", restarted.history(&key).await?)?;
    let numbers = versions.iter().map(|version| version.block.number);
    ensure(numbers.is_sorted(), "versions oldest first", || format!("{versions:.400?}"))
}

/// The transactions of this key's successful writes with their blocks, as receipts told them, in order.
fn written(store: &Store, key: &str) -> Vec<(String, Option<adapter_spec::types::BlockRef>)> {
    use adapter_spec::{
        Function,
        types::{Receipt, StoreAnswer, StoreOperation},
    };
    let mut last: Option<Receipt> = None;
    let mut written = Vec::new();
    for call in store.application.calls() {
        match call.function {
            Function::Receipt => last = call.success(),
            Function::FromOutcome if call.success() == Some(StoreAnswer::Done) => {
                let of_key = match call.argument(0) {
                    Some(StoreOperation::Insert(entry) | StoreOperation::Update(entry)) => entry.key == key,
                    Some(StoreOperation::Delete(deleted)) => deleted == key,
                    _ => false,
                };
                if let (true, Some(receipt)) = (of_key, &last) {
                    written.push((receipt.transaction.clone(), receipt.block.clone()));
                }
            }
            _ => {}
        }
    }
    written
}
