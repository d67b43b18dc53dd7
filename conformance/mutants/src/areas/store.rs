//! STORE: the preset store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use adapter_spec::{
    CallError, async_trait,
    types::{
        Call, Descriptor, Error, ErrorCode, Output, Receipt, StoreAnswer, StoreEntry, StoreOperation as Op,
        StoreVersion,
    },
};

use crate::{Honest, Mutant, Mutation, change_store::ChangeStore};

/// The operation with another key.
fn with_key(operation: Op, change: fn(String) -> String) -> Op {
    let entry = |entry: StoreEntry| StoreEntry { key: change(entry.key), ..entry };
    match operation {
        Op::Insert(inserted) => Op::Insert(entry(inserted)),
        Op::Update(updated) => Op::Update(entry(updated)),
        Op::Delete(key) => Op::Delete(change(key)),
        Op::Get(key) => Op::Get(change(key)),
        Op::History(key) => Op::History(change(key)),
    }
}

/// The operation with another value.
fn with_value(operation: Op, change: fn(Vec<u8>) -> Vec<u8>) -> Op {
    let entry = |entry: StoreEntry| StoreEntry { value: change(entry.value), ..entry };
    match operation {
        Op::Insert(inserted) => Op::Insert(entry(inserted)),
        Op::Update(updated) => Op::Update(entry(updated)),
        other => other,
    }
}

fn asked(asked: fn(Op) -> Op) -> Box<dyn Mutation> {
    Box::new(ChangeStore { asked, ..ChangeStore::default() })
}

fn called(called: fn(&Op, Call) -> Call) -> Box<dyn Mutation> {
    Box::new(ChangeStore { called, ..ChangeStore::default() })
}

type Meant = Result<StoreAnswer, Error>;

fn meant(meant: fn(&Op, Meant) -> Meant) -> Box<dyn Mutation> {
    Box::new(ChangeStore { meant, ..ChangeStore::default() })
}

fn is(meant: &Meant, code: ErrorCode) -> bool {
    matches!(meant, Err(error) if error.code == code)
}

fn versions(meant: Meant, change: fn(Vec<StoreVersion>) -> Vec<StoreVersion>) -> Meant {
    match meant {
        Ok(StoreAnswer::History(versions)) => Ok(StoreAnswer::History(change(versions))),
        other => other,
    }
}

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("STORE-1", "reads-are-invoked", "get is an evaluate", || {
            called(|_, call| match call {
                Call::Evaluate(call) => Call::Invoke(call),
                other => other,
            })
        }),
        Mutant::new("STORE-1", "to-call-asks-the-node", "to-call reaches no endpoint", || {
            Box::new(AsksTheNode)
        }),
        Mutant::new("STORE-1", "calls-are-counted", "the same call for the same operation", || {
            Box::new(Counts::default())
        }),
        Mutant::new("STORE-2", "from-outcome-asks-the-node", "from-outcome reaches no endpoint", || {
            Box::new(AsksTheNode)
        }),
        Mutant::new("STORE-2", "failed-writes-are-done", "an error for insert whose call failed", || {
            meant(|operation, meant| match operation {
                Op::Get(_) | Op::History(_) => meant,
                _ => Ok(StoreAnswer::Done),
            })
        }),
        Mutant::new("STORE-2", "a-written-value-is-answered", "done for insert", || {
            meant(|operation, meant| match (operation, meant) {
                (Op::Insert(entry), Ok(_)) => Ok(StoreAnswer::Value(entry.value.clone())),
                (_, meant) => meant,
            })
        }),
        Mutant::new("STORE-3", "insert-overwrites", "insert of a key that has a value", || {
            Box::new(Upserts::default())
        }),
        Mutant::new("STORE-3", "insert-of-what-is-there-is-done", "insert of a key that has a value", || {
            meant(|_, meant| if is(&meant, ErrorCode::AlreadyExists) { Ok(StoreAnswer::Done) } else { meant })
        }),
        Mutant::new("STORE-3", "the-error-is-a-conflict", "already-exists", || {
            meant(|_, meant| match meant {
                Err(error) if error.code == ErrorCode::AlreadyExists => {
                    Err(Error { code: ErrorCode::Conflict, ..error })
                }
                other => other,
            })
        }),
        Mutant::new("STORE-4", "missing-is-empty", "get of a key never written: not-found", || {
            meant(|operation, meant| match operation {
                Op::Get(_) if is(&meant, ErrorCode::NotFound) => Ok(StoreAnswer::Value(Vec::new())),
                _ => meant,
            })
        }),
        Mutant::new(
            "STORE-4",
            "delete-of-nothing-is-done",
            "delete of a key never written: not-found",
            || {
                meant(|operation, meant| match operation {
                    Op::Delete(_) if is(&meant, ErrorCode::NotFound) => Ok(StoreAnswer::Done),
                    _ => meant,
                })
            },
        ),
        Mutant::new("STORE-4", "update-inserts", "update of a key never written: not-found", || {
            asked(|operation| match operation {
                Op::Update(entry) => Op::Insert(entry),
                other => other,
            })
        }),
        Mutant::new("STORE-5", "empty-is-missing", "get of an empty value", || {
            meant(|_, meant| match meant {
                Ok(StoreAnswer::Value(value)) if value.is_empty() => {
                    Err(Error::new(ErrorCode::NotFound, "the key has no value"))
                }
                other => other,
            })
        }),
        Mutant::new("STORE-5", "empty-is-deleted-in-history", "the history", || {
            meant(|_, meant| {
                versions(meant, |mut versions| {
                    for version in &mut versions {
                        version.value = version.value.take().filter(|value| !value.is_empty());
                    }
                    versions
                })
            })
        }),
        Mutant::new("STORE-6", "delete-writes-an-empty-value", "get of a deleted key: not-found", || {
            asked(|operation| match operation {
                Op::Delete(key) => Op::Update(StoreEntry { key, value: Vec::new() }),
                other => other,
            })
        }),
        Mutant::new("STORE-7", "keys-are-folded", "which was never written", || {
            asked(|operation| with_key(operation, |key| key.to_lowercase()))
        }),
        Mutant::new("STORE-7", "keys-are-trimmed", "which was never written", || {
            asked(|operation| with_key(operation, |key| key.trim_end().to_owned()))
        }),
        Mutant::new("STORE-7", "keys-end-at-nul", "which was never written", || {
            asked(|operation| {
                with_key(operation, |key| key.split('\0').next().unwrap_or_default().to_owned())
            })
        }),
        Mutant::new("STORE-7", "keys-are-composed", "which was never written", || {
            asked(|operation| with_key(operation, |key| key.replace("e\u{301}", "\u{e9}")))
        }),
        Mutant::new(
            "STORE-7",
            "an-empty-key-is-a-key",
            "insert of a key of 0 bytes: invalid-argument",
            || {
                asked(|operation| {
                    with_key(operation, |key| if key.is_empty() { "empty".to_owned() } else { key })
                })
            },
        ),
        Mutant::new("STORE-7", "long-keys-are-cut", "insert of a key of 256 bytes: too-large", || {
            asked(|operation| {
                with_key(operation, |key| {
                    key.get(..key.floor_char_boundary(255)).unwrap_or_default().to_owned()
                })
            })
        }),
        Mutant::new("STORE-8", "long-values-are-cut", "a value of 4096 bytes", || {
            asked(|operation| {
                with_value(operation, |mut value| {
                    value.truncate(4000);
                    value
                })
            })
        }),
        Mutant::new("STORE-8", "longer-values-are-cut", "bytes that was taken", || {
            asked(|operation| {
                with_value(operation, |mut value| {
                    value.truncate(4096);
                    value
                })
            })
        }),
        Mutant::new("STORE-8", "values-are-text", "a value of 6 bytes", || {
            asked(|operation| {
                with_value(operation, |value| String::from_utf8_lossy(&value).into_owned().into_bytes())
            })
        }),
        Mutant::new("STORE-8", "zeros-at-the-end-are-cut", "a value of", || {
            asked(|operation| {
                with_value(operation, |mut value| {
                    let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                    value.truncate(end);
                    value
                })
            })
        }),
        Mutant::new("STORE-9", "newest-first", "the history, oldest first", || {
            meant(|_, meant| {
                versions(meant, |mut versions| {
                    versions.reverse();
                    versions
                })
            })
        }),
        Mutant::new("STORE-9", "deletions-are-left-out", "the history, oldest first", || {
            meant(|_, meant| {
                versions(meant, |versions| {
                    versions.into_iter().filter(|version| version.value.is_some()).collect()
                })
            })
        }),
        Mutant::new("STORE-9", "what-changes-nothing-is-left-out", "the history, oldest first", || {
            meant(|_, meant| {
                versions(meant, |mut versions| {
                    versions.dedup_by(|a, b| a.value == b.value);
                    versions
                })
            })
        }),
        Mutant::new("STORE-9", "one-transaction-for-all", "a version's transaction", || {
            meant(|_, meant| {
                versions(meant, |mut versions| {
                    let last = versions.last().map(|version| version.transaction.clone()).unwrap_or_default();
                    for version in &mut versions {
                        version.transaction.clone_from(&last);
                    }
                    versions
                })
            })
        }),
        Mutant::new(
            "STORE-9",
            "never-written-is-empty",
            "the history of a key never written: not-found",
            || {
                meant(|operation, meant| match operation {
                    Op::History(_) if is(&meant, ErrorCode::NotFound) => Ok(StoreAnswer::History(Vec::new())),
                    _ => meant,
                })
            },
        ),
        Mutant::new(
            "STORE-10",
            "history-that-is-not-declared",
            "where preset-history is not declared",
            || Box::new(HidesHistory),
        ),
        Mutant::new("STORE-11", "writes-that-are-not-made", "after insert", || Box::new(ForgetsUpdates)),
        Mutant::new("STORE-11", "reads-from-its-own-memory", "some order of the operations explains", || {
            Box::new(Remembers::default())
        }),
        Mutant::new(
            "STORE-12",
            "what-is-in-a-block-is-done",
            "exactly one of the two writes succeeds",
            || Box::new(InABlockIsDone),
        ),
    ]
}

/// Looks whether the node is there, before it translates anything.
struct AsksTheNode;

#[async_trait]
impl Mutation for AsksTheNode {
    async fn to_call(&self, honest: &Honest, contract: &str, operation: Op) -> Result<Call, CallError> {
        honest.ledger.status().await?;
        honest.ledger.to_call(contract, operation).await
    }

    async fn from_outcome(
        &self,
        honest: &Honest,
        operation: Op,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        honest.ledger.status().await?;
        honest.ledger.from_outcome(operation, outcome).await
    }
}

/// Every call has a number of its own.
#[derive(Default)]
struct Counts(AtomicU64);

#[async_trait]
impl Mutation for Counts {
    async fn to_call(&self, honest: &Honest, contract: &str, operation: Op) -> Result<Call, CallError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(match honest.ledger.to_call(contract, operation).await? {
            Call::Evaluate(call) => Call::Evaluate(adapter_spec::types::ContractCall {
                abi: Some(format!("{{\"functions\": [], \"number\": {number}}}")),
                ..call
            }),
            other => other,
        })
    }
}

/// Inserts what it inserted before by an update.
#[derive(Default)]
struct Upserts(Mutex<BTreeSet<String>>);

#[async_trait]
impl Mutation for Upserts {
    async fn to_call(&self, honest: &Honest, contract: &str, operation: Op) -> Result<Call, CallError> {
        let operation = match operation {
            Op::Insert(entry) => {
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if known.insert(entry.key.clone()) { Op::Insert(entry) } else { Op::Update(entry) }
            }
            Op::Delete(key) => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                Op::Delete(key)
            }
            other => other,
        };
        honest.ledger.to_call(contract, operation).await
    }
}

/// Reads histories and does not declare it.
struct HidesHistory;

#[async_trait]
impl Mutation for HidesHistory {
    fn describe(&self, mut honest: Descriptor) -> Descriptor {
        honest.capabilities.retain(|name| name != "preset-history");
        honest
    }
}

/// Writes an older value where an update has an even number of bytes.
struct ForgetsUpdates;

#[async_trait]
impl Mutation for ForgetsUpdates {
    async fn to_call(&self, honest: &Honest, contract: &str, operation: Op) -> Result<Call, CallError> {
        let operation = match operation {
            Op::Update(entry) if entry.value.len() % 2 == 0 => {
                Op::Update(StoreEntry { value: b"old".to_vec(), ..entry })
            }
            other => other,
        };
        honest.ledger.to_call(contract, operation).await
    }
}

/// Each application reads a key once, and then knows only what it writes itself.
#[derive(Default)]
struct Remembers(Mutex<BTreeMap<(String, String), Vec<u8>>>);

#[async_trait]
impl Mutation for Remembers {
    async fn from_outcome(
        &self,
        honest: &Honest,
        operation: Op,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        let meant = honest.ledger.from_outcome(operation.clone(), outcome).await;
        let application = honest.lender.application().to_owned();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (operation, &meant) {
            (Op::Insert(entry) | Op::Update(entry), Ok(_)) => {
                known.insert((application, entry.key), entry.value);
            }
            (Op::Delete(key), Ok(_)) => {
                known.remove(&(application, key));
            }
            (Op::Get(key), answer) => {
                if let Some(value) = known.get(&(application.clone(), key.clone())) {
                    return Ok(StoreAnswer::Value(value.clone()));
                }
                if let Ok(StoreAnswer::Value(value)) = answer {
                    known.insert((application, key), value.clone());
                }
            }
            _ => {}
        }
        meant
    }
}

/// Takes being in a block for success.
struct InABlockIsDone;

#[async_trait]
impl Mutation for InABlockIsDone {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let mut receipt = honest.ledger.receipt(transaction, tracking).await?;
        if let Some(Err(_)) = receipt.outcome {
            receipt.outcome = Some(Ok(Output { raw: Vec::new(), json: None }));
        }
        Ok(receipt)
    }
}
