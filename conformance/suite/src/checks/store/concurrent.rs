//! Several writers of one key.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
};

use adapter_spec::types::{Error, ErrorCode, StoreAnswer, StoreEntry, StoreOperation};

use super::{answers, shown};
use crate::{
    check::{Checked, Stop, ensure, fail},
    linearizable::{self, Answer, Ending, Operation, Recorded, Verdict},
    trial::{Begun, Came, Store, Trial},
};

/// The most states that the checker visits before it gives up.
const BUDGET: u64 = 200_000;
const CLIENTS: usize = 3;
const OPERATIONS: usize = 4;

pub(super) async fn clients_at_once(trial: &mut Trial) -> Checked {
    // Accounts that are shared would have to take turns, which hosts do and the suite does not.
    let testbed = &trial.facts.testbed;
    let clients = if testbed.makes_accounts() { CLIENTS } else { CLIENTS.min(testbed.parties.len()) };
    let mut stores = Vec::new();
    for _ in 0..clients {
        stores.push(trial.store().await?);
    }
    let key = trial.name();
    let mut plans = Vec::new();
    for client in 0..clients {
        let plan: Vec<_> =
            (0..OPERATIONS).map(|number| operation(trial, &key, client * 10 + number)).collect();
        plans.push(plan);
    }
    let clock = AtomicU64::new(0);
    let running: Vec<Running<'_>> = stores
        .iter()
        .zip(&plans)
        .map(|(store, plan)| Box::pin(client(store, plan, &clock)) as Running<'_>)
        .collect();
    let mut history = Vec::new();
    for recorded in trial.interleave(running).await {
        history.extend(recorded?);
    }
    // Whoever comes after all of them sees the end of it.
    if let Some(store) = stores.first() {
        history.extend(client(store, &[StoreOperation::Get(key)], &clock).await?);
    }
    let what = "answers that some order of the operations explains";
    match linearizable::check(&history, None, BUDGET) {
        Ok(Verdict::Linearizable { .. }) => Ok(()),
        Ok(Verdict::NotLinearizable(explanation)) => fail(what, explanation.to_string()),
        Ok(Verdict::Unknown { visited }) => {
            Err(Stop::Unknown(format!("the checker gave up after {visited} states")))
        }
        Err(malformed) => Err(Stop::Harness(malformed.to_string())),
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Vec<Recorded>, Stop>> + Send + 'a>>;

fn operation(trial: &mut Trial, key: &str, number: usize) -> StoreOperation {
    let entry = || StoreEntry { key: key.into(), value: number.to_string().into_bytes() };
    match trial.below(6) {
        0 | 1 => StoreOperation::Insert(entry()),
        2 => StoreOperation::Update(entry()),
        3 => StoreOperation::Delete(key.into()),
        _ => StoreOperation::Get(key.into()),
    }
}

async fn client(store: &Store, plan: &[StoreOperation], clock: &AtomicU64) -> Result<Vec<Recorded>, Stop> {
    let now = || clock.fetch_add(1, Ordering::SeqCst);
    let mut history = Vec::new();
    for asked in plan {
        let called = now();
        let begun = store.begin(asked).await?;
        let came = store.end(asked, begun).await?;
        let ending = match came {
            Came::NobodyKnows => Ending::Unknown,
            Came::Answer(Ok(StoreAnswer::Done)) => answered(now(), Answer::Done),
            Came::Answer(Ok(StoreAnswer::Value(value))) => answered(now(), Answer::Value(value)),
            Came::Answer(Err(error)) => match error.code {
                ErrorCode::AlreadyExists => answered(now(), Answer::AlreadyExists),
                ErrorCode::NotFound => answered(now(), Answer::NotFound),
                // It lost, and says so: it certainly had no effect.
                ErrorCode::Conflict | ErrorCode::Expired => continue,
                _ => return fail("an answer of the store", shown::<()>(&Err(error))),
            },
            Came::Answer(Ok(other)) => {
                return fail("an answer that fits the operation", format!("{other:?}"));
            }
        };
        let operation = match asked {
            StoreOperation::Insert(entry) => Operation::Insert(entry.value.clone()),
            StoreOperation::Update(entry) => Operation::Update(entry.value.clone()),
            StoreOperation::Delete(_) => Operation::Delete,
            StoreOperation::Get(_) | StoreOperation::History(_) => Operation::Get,
        };
        history.push(Recorded { operation, called, ending });
    }
    Ok(history)
}

fn answered(at: u64, answer: Answer) -> Ending {
    Ending::Answered { at, answer }
}

pub(super) async fn two_inserts(trial: &mut Trial) -> Checked {
    let (one, other) = (trial.store().await?, trial.store().await?);
    let key = trial.name();
    let entry = |value: &[u8]| StoreOperation::Insert(StoreEntry { key: key.clone(), value: value.into() });
    let (first, second) = (entry(b"first"), entry(b"second"));
    let came = race(&one, &first, &other, &second, ErrorCode::AlreadyExists).await?;
    let value = one.get(&key).await?;
    match came {
        Some(is_first) => {
            let written: &[u8] = if is_first { b"first" } else { b"second" };
            answers(&written.to_vec(), "the value of the insert that succeeded", value)
        }
        None => Ok(()),
    }
}

pub(super) async fn two_deletes(trial: &mut Trial) -> Checked {
    let (one, other) = (trial.store().await?, trial.store().await?);
    let key = trial.name();
    answers(&(), "insert of a new key", one.insert(&key, b"there").await?)?;
    let delete = StoreOperation::Delete(key.clone());
    race(&one, &delete, &other, &delete, ErrorCode::NotFound).await?;
    super::refused(ErrorCode::NotFound, "get after two deletes", one.get(&key).await?)
}

/// Signs both before either is sent. Exactly one may succeed; gives whether it was the first, where both were sent.
async fn race(
    one: &Store,
    first: &StoreOperation,
    other: &Store,
    second: &StoreOperation,
    lost: ErrorCode,
) -> Result<Option<bool>, Stop> {
    if one.actor.party == other.actor.party {
        return Err(Stop::Unknown("the test bed has one party, and this takes two".into()));
    }
    let (begun, also_begun) = (one.begin(first).await?, other.begin(second).await?);
    let (Begun::Signed(_), Begun::Signed(_)) = (&begun, &also_begun) else {
        return fail("both writes are signed, since neither was sent", format!("{begun:?}, {also_begun:?}"));
    };
    let (came, also_came) = (one.end(first, begun).await?, other.end(second, also_begun).await?);
    let (Came::Answer(came), Came::Answer(also_came)) = (came, also_came) else {
        return fail("both transactions get into a block", "one does not");
    };
    let successes = usize::from(came.is_ok()) + usize::from(also_came.is_ok());
    ensure(successes == 1, "exactly one of the two writes succeeds", || {
        format!("{} and {}", shown(&came), shown(&also_came))
    })?;
    let is_first = came.is_ok();
    let loser: Result<StoreAnswer, Error> = if is_first { also_came } else { came };
    // A ledger that compares what a transaction read sees the same as a conflict.
    let is_right = matches!(&loser, Err(error) if error.code == lost || error.code == ErrorCode::Conflict);
    let expected = format!("the write that came second: {} by the state that it met", lost.name());
    ensure(is_right, expected, || shown(&loser))?;
    Ok(Some(is_first))
}
