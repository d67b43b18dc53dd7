//! Whether the answers of concurrent operations on one key can all be explained by carrying the operations out one after
//! the other, each at some moment between its call and its answer.
//!
//! The search is Wing and Gong's (Testing and Verifying Concurrent Objects, 1993) with Lowe's memory of visited states
//! (Testing for Linearizability, 2017). Keys do not influence each other, so a history of many keys is checked key by key.
//!
//! It is own code because the libraries lack what decides here: `todc-utils` takes only histories in which every operation
//! was answered, `stateright`'s tester keeps no memory of visited states, and neither has a budget or says what cannot be
//! explained.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use thiserror::Error;

/// An operation on the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Gives the key this value if it has none; otherwise answers [`Answer::AlreadyExists`].
    Insert(Vec<u8>),
    /// Gives the key another value if it has one; otherwise answers [`Answer::NotFound`].
    Update(Vec<u8>),
    /// Takes the key's value away if it has one; otherwise answers [`Answer::NotFound`].
    Delete,
    /// Answers the key's value if it has one, otherwise [`Answer::NotFound`].
    Get,
}

/// What an operation answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was carried out.
    Done,
    /// The key's value.
    Value(Vec<u8>),
    /// The key has a value.
    AlreadyExists,
    /// The key has no value.
    NotFound,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this answer, at this moment.
    Answered {
        /// When, by the clock of [`Recorded::called`], and after it.
        at: u64,
        /// What.
        answer: Answer,
    },
    /// Nobody knows: it may take effect at any moment after its call, or never. An operation that certainly had no effect
    /// does not belong in a history.
    Unknown,
}

/// One operation as its caller saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What was asked.
    pub operation: Operation,
    /// When it was called: a count that grows with every call and answer. An operation that was answered before another was
    /// called, by this count, came before it.
    pub called: u64,
    /// How it ended.
    pub ending: Ending,
}

/// What the checker found. Operations are named by their place in the history, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The history is explained.
    Linearizable {
        /// By this order. Operations with unknown effect are in it only where they took effect.
        order: Vec<usize>,
    },
    /// No order explains the history.
    NotLinearizable(Box<Explanation>),
    /// The budget was used up before the answer was found. This is not a pass.
    Unknown {
        /// States visited.
        visited: u64,
    },
}

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The operation whose answer no order explains together with all answers before it.
    pub culprit: usize,
    /// What it asked.
    pub operation: Operation,
    /// What it answered.
    pub answer: Answer,
    /// All operations that were called until then: the shortest beginning of the history that is not linearizable.
    pub history: Vec<usize>,
    /// An order that explains all answers before the culprit's. None where the budget did not suffice to find it; then the
    /// beginning may not be the shortest either.
    pub before: Option<Vec<usize>>,
    /// What the culprit would have answered at the end of `before`. None where `before` is, or holds the culprit itself.
    pub instead: Option<Answer>,
}

/// A history that cannot have been.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("operation {operation} was answered at {answered} and called at {called}, which is not before")]
pub struct Malformed {
    /// Its place in the history.
    pub operation: usize,
    /// When it was called.
    pub called: u64,
    /// When it was answered.
    pub answered: u64,
}

/// Decides whether a history is linearizable, where the key has the value `initial` at its start.
///
/// `budget` bounds the states (which operations are done, and the key's value) of one search, each of which takes a few
/// bytes and one more for every eight operations. An explanation takes a few more searches.
///
/// # Errors
/// When an operation was answered before or when it was called.
pub fn check(history: &[Recorded], initial: Option<&[u8]>, budget: u64) -> Result<Verdict, Malformed> {
    let history = History::read(history, initial)?;
    Ok(match history.search(&history.all(), budget) {
        Found::Order(order) => Verdict::Linearizable { order },
        Found::TooMany => Verdict::Unknown { visited: budget },
        Found::Nothing => match history.explain(budget) {
            Some(explanation) => Verdict::NotLinearizable(Box::new(explanation)),
            // Cannot be: without an answer there is nothing that no order explains. It would be no pass.
            None => Verdict::Unknown { visited: budget },
        },
    })
}

/// A value by number: comparing and hashing take no time. None: no value.
type Value = Option<usize>;

#[derive(Clone, Copy)]
enum Action {
    Insert(usize),
    Update(usize),
    Delete,
    Get,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reply {
    Done,
    Value(usize),
    AlreadyExists,
    NotFound,
}

/// What an action answers, and the value that it leaves.
fn carry_out(action: Action, value: Value) -> (Reply, Value) {
    match (action, value) {
        (Action::Insert(new), None) | (Action::Update(new), Some(_)) => (Reply::Done, Some(new)),
        (Action::Insert(_), Some(_)) => (Reply::AlreadyExists, value),
        (Action::Delete, Some(_)) => (Reply::Done, None),
        (Action::Get, Some(number)) => (Reply::Value(number), value),
        (Action::Update(_) | Action::Delete | Action::Get, None) => (Reply::NotFound, None),
    }
}

/// An operation of a search.
#[derive(Clone, Copy)]
struct Step {
    /// Its place in the history.
    place: usize,
    action: Action,
    called: u64,
    /// When and what; none where its effect is unknown.
    answered: Option<(u64, Reply)>,
}

struct History<'a> {
    recorded: &'a [Recorded],
    steps: Vec<Step>,
    initial: Value,
    /// Each value by its number.
    values: Vec<&'a [u8]>,
}

enum Found {
    Order(Vec<usize>),
    Nothing,
    TooMany,
}

impl<'a> History<'a> {
    fn read(recorded: &'a [Recorded], initial: Option<&'a [u8]>) -> Result<Self, Malformed> {
        let (mut values, mut numbers) = (Vec::new(), HashMap::new());
        let mut number = |value: &'a [u8]| {
            *numbers.entry(value).or_insert_with(|| {
                values.push(value);
                values.len() - 1
            })
        };
        let initial = initial.map(&mut number);
        let mut steps = Vec::new();
        for (place, Recorded { operation, called, ending }) in recorded.iter().enumerate() {
            let action = match operation {
                Operation::Insert(value) => Action::Insert(number(value)),
                Operation::Update(value) => Action::Update(number(value)),
                Operation::Delete => Action::Delete,
                Operation::Get => Action::Get,
            };
            let answered = match ending {
                Ending::Unknown => None,
                Ending::Answered { at, .. } if at <= called => {
                    return Err(Malformed { operation: place, called: *called, answered: *at });
                }
                Ending::Answered { at, answer } => Some((
                    *at,
                    match answer {
                        Answer::Done => Reply::Done,
                        Answer::Value(value) => Reply::Value(number(value)),
                        Answer::AlreadyExists => Reply::AlreadyExists,
                        Answer::NotFound => Reply::NotFound,
                    },
                )),
            };
            steps.push(Step { place, action, called: *called, answered });
        }
        Ok(History { recorded, steps, initial, values })
    }

    /// All operations, those with an unknown effect last: they are tried where nothing else helps.
    fn all(&self) -> Vec<Step> {
        let mut steps = self.steps.clone();
        steps.sort_by_key(|step| (step.answered.is_none(), step.called));
        steps
    }

    /// Tries orders, depth first, until one explains all answers.
    fn search(&self, steps: &[Step], budget: u64) -> Found {
        let mut position = Position { steps, done: vec![0; steps.len().div_ceil(64)], value: self.initial };
        let mut seen = HashSet::from([position.state()]);
        if budget == 0 {
            return Found::TooMany;
        }
        // The way here: what was done, and what else could be done at that moment.
        let mut way = Vec::new();
        let mut choices = position.choices();
        loop {
            if position.is_explained() {
                return Found::Order(way.iter().map(|level: &Level| level.step.place).collect());
            }
            match choices.pop() {
                Some((number, step)) => {
                    let value = position.value;
                    position.place(number, step);
                    if !seen.insert(position.state()) {
                        position.take_back(number, value);
                        continue;
                    }
                    if seen.len() as u64 > budget {
                        return Found::TooMany;
                    }
                    let others = std::mem::replace(&mut choices, position.choices());
                    way.push(Level { number, step, value, others });
                }
                None => match way.pop() {
                    Some(level) => {
                        position.take_back(level.number, level.value);
                        choices = level.others;
                    }
                    None => return Found::Nothing,
                },
            }
        }
    }

    /// Looks for the first answer that cannot be explained. A beginning of a linearizable history is linearizable, so it is
    /// found by halving.
    fn explain(&self, budget: u64) -> Option<Explanation> {
        let answer_of = |step: &Step| step.answered.map(|(at, _)| (at, step.place));
        let mut answers: Vec<_> = self.steps.iter().filter_map(answer_of).collect();
        answers.sort_unstable();
        // With so many answers there is an order; with so many there is none.
        let (mut explained, mut unexplained) = (0, answers.len());
        let mut before = Some(Vec::new());
        while explained + 1 < unexplained {
            let middle = explained.midpoint(unexplained);
            match self.search(&self.until(&answers, middle), budget) {
                Found::Nothing => unexplained = middle,
                Found::Order(order) => (explained, before) = (middle, Some(order)),
                Found::TooMany => (explained, before) = (middle, None),
            }
        }
        let (_, culprit) = *answers.get(unexplained.checked_sub(1)?)?;
        let Recorded { operation, ending: Ending::Answered { answer, .. }, .. } =
            self.recorded.get(culprit)?
        else {
            return None;
        };
        let history = self.until(&answers, unexplained).into_iter().map(|step| step.place);
        let mut history: Vec<_> = history.collect();
        history.sort_unstable();
        let instead = before.as_ref().and_then(|before| self.at_the_end_of(before, culprit));
        let (operation, answer) = (operation.clone(), answer.clone());
        Some(Explanation { culprit, operation, answer, history, before, instead })
    }

    /// The history as it was when so many answers had come.
    fn until(&self, answers: &[(u64, usize)], count: usize) -> Vec<Step> {
        let known: HashSet<_> = answers.iter().take(count).map(|(_, place)| *place).collect();
        let last = answers.iter().take(count).next_back().map_or(0, |(at, _)| *at);
        let until = |step: Step| {
            let answered = step.answered.filter(|_| known.contains(&step.place));
            (step.called <= last).then_some(Step { answered, ..step })
        };
        let mut steps: Vec<_> = self.steps.iter().copied().filter_map(until).collect();
        steps.sort_by_key(|step| (step.answered.is_none(), step.called));
        steps
    }

    /// What an operation answers after an order that does not hold it.
    fn at_the_end_of(&self, order: &[usize], operation: usize) -> Option<Answer> {
        if order.contains(&operation) {
            return None;
        }
        let mut value = self.initial;
        for place in order {
            value = carry_out(self.steps.get(*place)?.action, value).1;
        }
        let (reply, _) = carry_out(self.steps.get(operation)?.action, value);
        Some(match reply {
            Reply::Done => Answer::Done,
            Reply::Value(number) => Answer::Value(self.values.get(number)?.to_vec()),
            Reply::AlreadyExists => Answer::AlreadyExists,
            Reply::NotFound => Answer::NotFound,
        })
    }
}

/// One operation of the order that is being tried.
struct Level {
    number: usize,
    step: Step,
    /// The key's value before it.
    value: Value,
    /// What else could come here.
    others: Vec<(usize, Step)>,
}

/// Some operations are done, the others are not.
struct Position<'a> {
    steps: &'a [Step],
    /// A bit for each step.
    done: Vec<u64>,
    value: Value,
}

impl Position<'_> {
    /// What is remembered of it.
    fn state(&self) -> (Vec<u64>, Value) {
        (self.done.clone(), self.value)
    }

    fn is_done(&self, number: usize) -> bool {
        self.done.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn flip(&mut self, number: usize) {
        if let Some(word) = self.done.get_mut(number / 64) {
            *word ^= 1 << (number % 64);
        }
    }

    fn place(&mut self, number: usize, step: Step) {
        self.flip(number);
        self.value = carry_out(step.action, self.value).1;
    }

    fn take_back(&mut self, number: usize, value: Value) {
        self.flip(number);
        self.value = value;
    }

    fn left(&self) -> impl Iterator<Item = (usize, Step)> {
        self.steps.iter().copied().enumerate().filter(|(number, _)| !self.is_done(*number))
    }

    fn is_explained(&self) -> bool {
        self.left().all(|(_, step)| step.answered.is_none())
    }

    /// What may come next, the best last.
    fn choices(&self) -> Vec<(usize, Step)> {
        // Whatever was called after an answer comes after it.
        let first_answer = self.left().filter_map(|(_, step)| step.answered).map(|(at, _)| at).min();
        let mut choices = Vec::new();
        for (number, step) in self.left().filter(|(_, step)| first_answer.is_none_or(|at| step.called <= at))
        {
            let (reply, value) = carry_out(step.action, self.value);
            match step.answered {
                // Whatever is not answered with `done` changes nothing wherever it comes, and is in nobody's way here:
                // nothing else need be tried.
                Some((_, answered)) if answered == reply && reply != Reply::Done => {
                    return vec![(number, step)];
                }
                Some((_, answered)) if answered == reply => choices.push((number, step)),
                // Where it would change nothing it may as well take effect later, or never.
                None if value != self.value => choices.push((number, step)),
                Some(_) | None => {}
            }
        }
        choices.reverse();
        choices
    }
}

/// A value in hexadecimal, long ones cut.
fn shown(value: &[u8]) -> String {
    const LONGEST: usize = 32;
    let cut = if value.len() > LONGEST { "…" } else { "" };
    format!("0x{}{cut} ({} bytes)", hex::encode(value.get(..LONGEST).unwrap_or(value)), value.len())
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Insert(value) => write!(f, "insert {}", shown(value)),
            Operation::Update(value) => write!(f, "update {}", shown(value)),
            Operation::Delete => f.write_str("delete"),
            Operation::Get => f.write_str("get"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Done => f.write_str("done"),
            Answer::Value(value) => write!(f, "value {}", shown(value)),
            Answer::AlreadyExists => f.write_str("already-exists"),
            Answer::NotFound => f.write_str("not-found"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { culprit, operation, answer, history, before, instead } = self;
        write!(f, "operation {culprit} ({operation}) answered {answer}, which no order of the ")?;
        write!(f, "{} operations called until then explains", history.len())?;
        if let Some(before) = before {
            let order: Vec<_> = before.iter().map(usize::to_string).collect();
            let order = if order.is_empty() { "none".to_string() } else { order.join(", ") };
            write!(f, "; the answers before it are explained by the order: {order}")?;
        }
        if let Some(instead) = instead {
            write!(f, "; after it the answer would be {instead}")?;
        }
        Ok(())
    }
}
