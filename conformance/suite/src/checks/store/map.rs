//! Sequences of operations, beside a model: what the store answers is what a map from keys to values answers.
//!
//! Sequences come from the seed. One that goes wrong is shrunk: operations are left out and made simpler, each time on
//! keys that were never used, until nothing simpler goes wrong; the message shows what is left.

use std::{collections::BTreeMap, fmt};

use adapter_spec::types::{Error, ErrorCode};
use proptest::{
    strategy::{Strategy, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::keys::{ENDS, LONGEST_KEY, LONGEST_VALUE, key};
use crate::{
    check::{Checked, Stop, fail},
    trial::{Store, Trial},
};

/// The most sequences that are tried to make one simpler.
const MOST_ATTEMPTS: usize = 80;
/// How many keys a sequence has.
const KEYS: usize = 4;
/// The sizes of values, bytes.
const SIZES: [usize; 6] = [0, 1, 2, 32, 33, LONGEST_VALUE];

/// An operation on one of the sequence's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Insert(usize, Content),
    Update(usize, Content),
    Delete(usize),
    Get(usize),
    History(usize),
}

/// A value: this many bytes, from a number on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Content {
    size: usize,
    from: u8,
}

impl Content {
    fn bytes(self) -> Vec<u8> {
        // Each byte differs from the one before, and pages of 256 differ too.
        (0..self.size).map(|at| self.from.wrapping_add(at.wrapping_add(at >> 8).to_le_bytes()[0])).collect()
    }
}

/// What an operation answered, as far as the model knows it.
#[derive(Clone, PartialEq, Eq)]
enum Answer {
    Done,
    Value(Vec<u8>),
    History(Vec<Option<Vec<u8>>>),
    Refused(ErrorCode),
}

/// A key of a sequence: it stays of the same kind while the sequence is shrunk.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// With one of the [`ENDS`].
    End(usize),
    /// The longest that there may be.
    Longest,
    Empty,
    TooLong,
}

impl Kind {
    fn key(self, fresh: &str) -> String {
        let long = |length: usize| format!("{fresh}{}", "x".repeat(length.saturating_sub(fresh.len())));
        match self {
            Kind::End(end) => key(fresh, end),
            Kind::Longest => long(LONGEST_KEY),
            Kind::Empty => String::new(),
            Kind::TooLong => long(LONGEST_KEY + 1),
        }
    }

    fn refused(self) -> Option<ErrorCode> {
        match self {
            Kind::End(_) | Kind::Longest => None,
            Kind::Empty => Some(ErrorCode::InvalidArgument),
            Kind::TooLong => Some(ErrorCode::TooLarge),
        }
    }
}

/// What a store must answer.
#[derive(Default)]
struct Model {
    values: BTreeMap<usize, Vec<u8>>,
    history: BTreeMap<usize, Vec<Option<Vec<u8>>>>,
}

impl Model {
    fn carry_out(&mut self, kinds: &[Kind], step: &Step) -> Answer {
        if let Some(code) = kinds.get(step.key()).and_then(|kind| kind.refused()) {
            return Answer::Refused(code);
        }
        let missing = Answer::Refused(ErrorCode::NotFound);
        let is_there = self.values.contains_key(&step.key());
        match step {
            Step::Insert(..) if is_there => Answer::Refused(ErrorCode::AlreadyExists),
            Step::Update(..) | Step::Delete(_) if !is_there => missing,
            Step::Insert(key, content) | Step::Update(key, content) => {
                self.write(*key, Some(content.bytes()));
                Answer::Done
            }
            Step::Delete(key) => {
                self.write(*key, None);
                Answer::Done
            }
            Step::Get(key) => self.values.get(key).cloned().map_or(missing, Answer::Value),
            Step::History(key) => self.history.get(key).cloned().map_or(missing, Answer::History),
        }
    }

    fn write(&mut self, key: usize, value: Option<Vec<u8>>) {
        match value.clone() {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
        self.history.entry(key).or_default().push(value);
    }
}

impl Step {
    fn key(&self) -> usize {
        match self {
            Step::Insert(key, _) | Step::Update(key, _) => *key,
            Step::Delete(key) | Step::Get(key) | Step::History(key) => *key,
        }
    }
}

/// Sequences of at most so many operations; `with_history`: some of them read histories.
fn sequences(longest: usize, with_history: bool) -> impl Strategy<Value = Vec<Step>, Tree: Send> {
    let kinds: u8 = if with_history { 8 } else { 7 };
    let step =
        (0..kinds, 0..KEYS, 0..SIZES.len(), proptest::num::u8::ANY).prop_map(|(kind, key, size, from)| {
            let content = Content { size: SIZES.get(size).copied().unwrap_or_default(), from };
            match kind {
                0 | 1 => Step::Get(key),
                2 | 3 => Step::Insert(key, content),
                4 | 5 => Step::Update(key, content),
                6 => Step::Delete(key),
                _ => Step::History(key),
            }
        });
    proptest::collection::vec(step, longest / 2..=longest)
}

pub(super) async fn a_few_operations(trial: &mut Trial) -> Checked {
    like_a_map(trial, 1, 16).await
}

pub(super) async fn many_operations(trial: &mut Trial) -> Checked {
    like_a_map(trial, 6, 30).await
}

async fn like_a_map(trial: &mut Trial, sequences_tried: usize, longest: usize) -> Checked {
    let store = trial.store().await?;
    let with_history = trial.facts.descriptor.capabilities.iter().any(|name| name == "preset-history");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &trial.bytes(32));
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let strategy = sequences(longest, with_history);
    for _ in 0..sequences_tried {
        let end = Kind::End(trial.below(ENDS.len()));
        let near = Kind::End(trial.below(ENDS.len()));
        let odd = [Kind::Empty, Kind::TooLong, Kind::Longest, Kind::Longest];
        let kinds = [Kind::End(0), end, near, odd.get(trial.below(4)).copied().unwrap_or(Kind::Longest)];
        let tree = strategy.new_tree(&mut runner);
        let mut tree = tree.map_err(|reason| Stop::Harness(format!("no sequence: {reason}")))?;
        let Some(mut worst) = wrong(trial, &store, &kinds, &tree.current()).await? else { continue };
        for _ in 0..MOST_ATTEMPTS {
            // One step simpler; back by half a step where that went well.
            if !(if worst.is_latest { tree.simplify() } else { tree.complicate() }) {
                break;
            }
            match wrong(trial, &store, &kinds, &tree.current()).await? {
                Some(simpler) => worst = simpler,
                None => worst.is_latest = false,
            }
        }
        return fail(worst.expected, worst.actual);
    }
    Ok(())
}

/// A sequence that went wrong.
struct Wrong {
    expected: String,
    actual: String,
    /// No simpler one was tried since that went well.
    is_latest: bool,
}

/// Carries the sequence out on keys that were never used; where the store answers something else than the model, says so.
async fn wrong(
    trial: &mut Trial,
    store: &Store,
    kinds: &[Kind],
    sequence: &[Step],
) -> Result<Option<Wrong>, Stop> {
    let fresh = format!("{}{}", trial.name(), trial.name());
    let mut keys: Vec<String> = kinds.iter().map(|kind| kind.key(&fresh)).collect();
    // Two that are alike by chance must not be one key.
    for number in 1..keys.len() {
        let (before, after) = keys.split_at_mut(number);
        if let Some(key) = after.first_mut()
            && before.contains(key)
        {
            *key = format!("{number}{key}");
        }
    }
    let mut model = Model::default();
    for (number, step) in sequence.iter().enumerate() {
        let wanted = model.carry_out(kinds, step);
        let key = keys.get(step.key()).cloned().unwrap_or_default();
        let came = carry_out(store, &key, step).await?;
        if came == wanted {
            continue;
        }
        let done: Vec<_> =
            sequence.iter().take(number + 1).map(|step| shown(step, keys.get(step.key()))).collect();
        let expected = format!("after {}: {wanted}", done.join(", "));
        return Ok(Some(Wrong { expected, actual: came.to_string(), is_latest: true }));
    }
    Ok(None)
}

async fn carry_out(store: &Store, key: &str, step: &Step) -> Result<Answer, Stop> {
    fn answer<T>(came: Result<T, Error>, of: impl FnOnce(T) -> Answer) -> Answer {
        came.map_or_else(|error| Answer::Refused(error.code), of)
    }
    Ok(match step {
        Step::Insert(_, content) => answer(store.insert(key, &content.bytes()).await?, |()| Answer::Done),
        Step::Update(_, content) => answer(store.update(key, &content.bytes()).await?, |()| Answer::Done),
        Step::Delete(_) => answer(store.delete(key).await?, |()| Answer::Done),
        Step::Get(_) => answer(store.get(key).await?, Answer::Value),
        Step::History(_) => answer(store.history(key).await?, |versions| {
            Answer::History(versions.into_iter().map(|version| version.value).collect())
        }),
    })
}

/// A key, long ones cut.
fn shown(step: &Step, key: Option<&String>) -> String {
    let key = key.map(String::as_str).unwrap_or_default();
    let cut: String = key.chars().take(40).collect();
    let cut =
        if cut.len() < key.len() { format!("{cut:?}… ({} bytes)", key.len()) } else { format!("{cut:?}") };
    match step {
        Step::Insert(_, content) => format!("insert {cut} = {} bytes", content.size),
        Step::Update(_, content) => format!("update {cut} = {} bytes", content.size),
        Step::Delete(_) => format!("delete {cut}"),
        Step::Get(_) => format!("get {cut}"),
        Step::History(_) => format!("history {cut}"),
    }
}

fn value(bytes: &[u8]) -> String {
    let start: String = hex::encode(bytes).chars().take(32).collect();
    format!("{} bytes 0x{start}", bytes.len())
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Done => f.write_str("done"),
            Answer::Value(bytes) => write!(f, "a value of {}", value(bytes)),
            Answer::History(versions) => {
                let versions =
                    versions.iter().map(|version| version.as_deref().map_or("deleted".into(), value));
                write!(f, "a history of [{}]", versions.collect::<Vec<_>>().join("; "))
            }
            Answer::Refused(code) => f.write_str(code.name()),
        }
    }
}
