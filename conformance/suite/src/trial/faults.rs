//! What goes wrong at a lent endpoint.

use std::collections::BTreeMap;

use adapter_spec::{
    Function,
    types::transport::{Failure, JsonRpcError},
};
use serde_json::Value;

use super::garble;

/// One way for a node to misbehave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The request does not leave.
    Unreachable,
    /// The request does not leave, since the lender's budget is used up.
    Exhausted,
    /// The request is carried out, and no whole answer comes back.
    Lost,
    /// The request is lost on its way, which nobody can tell.
    LostBefore,
    /// The request is carried out, and no answer comes in time.
    Slow,
    /// The request is carried out, and its answer is longer than the lender's cap.
    TooLarge,
    /// The answer ends after this share of its bytes, in percent.
    CutOff(u8),
    /// Every bit of the answer's byte at this share of its length, in percent, is turned.
    Turned(u8),
    /// No bytes at all.
    Empty,
    /// These bytes instead of the answer.
    Instead(Vec<u8>),
    /// Arrays within arrays, this many.
    Nested(usize),
    /// The node's own error object; JSON-RPC only.
    RpcError(JsonRpcError),
    /// The node's own error, as a test bed writes it: of JSON-RPC the error object, of gRPC the status, of HTTP an object
    /// with `status` and `body`.
    Native(Value),
    /// A page for people, as proxies give one; over HTTP also with their content type.
    Page,
    /// Every value of the answer has another type: texts are objects, objects are lists, and so on. What is no JSON has
    /// every bit turned.
    Retyped,
    /// One value of the answer has another type: the one with this number, counted round.
    RetypedOne(usize),
    /// Every number of the answer that can be a length is huge; in bytes, four of them at this share, in percent.
    Huge(u8),
    /// These bytes of the answer, also where they are written in hexadecimal, are others.
    Replaced(Vec<u8>, Vec<u8>),
    /// The answer to the request before, of the same method.
    Duplicated,
    /// What the very same question was answered when it was first asked, since
    /// [`remember`](super::Application::remember) was called. Other questions are answered truly.
    Stale,
}

impl Disturbance {
    /// Whether the request leaves.
    pub(crate) fn leaves(&self) -> bool {
        use Disturbance as D;
        match self {
            D::Unreachable
            | D::Exhausted
            | D::LostBefore
            | D::Instead(_)
            | D::Nested(_)
            | D::Empty
            | D::Page
            | D::RpcError(_)
            | D::Native(_) => false,
            D::Lost
            | D::Slow
            | D::TooLarge
            | D::CutOff(_)
            | D::Turned(_)
            | D::Retyped
            | D::RetypedOne(_)
            | D::Huge(_)
            | D::Replaced(..)
            | D::Duplicated
            | D::Stale => true,
        }
    }

    /// Whether the node's own error is replaced as well.
    pub(crate) fn hides_errors(&self) -> bool {
        use Disturbance as D;
        !matches!(
            self,
            D::Duplicated
                | D::Stale
                | D::CutOff(_)
                | D::Turned(_)
                | D::Retyped
                | D::RetypedOne(_)
                | D::Huge(_)
                | D::Replaced(..)
        )
    }
}

/// What was asked of an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The endpoint's name.
    pub endpoint: &'a str,
    /// JSON-RPC and gRPC: the method. HTTP: method, a space, and the path.
    pub method: &'a str,
}

/// Which requests are disturbed.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Only those of this function.
    pub function: Option<Function>,
    /// Only those of methods that begin with this.
    pub method: Option<String>,
    /// Only those to this endpoint.
    pub endpoint: Option<String>,
    /// Only from this one on, counted from 0 among those that fit.
    pub from: u32,
    /// At most this many; none: all.
    pub count: Option<u32>,
}

impl Which {
    /// Every request.
    #[must_use]
    pub fn all() -> Self {
        Which::default()
    }

    /// The requests of one function of the standard.
    #[must_use]
    pub fn of(function: Function) -> Self {
        Which { function: Some(function), ..Which::default() }
    }

    /// Only the one with this number, from 0.
    #[must_use]
    pub fn nth(self, number: u32) -> Self {
        Which { from: number, count: Some(1), ..self }
    }

    fn fits(&self, function: Function, asked: Asked<'_>) -> bool {
        self.function.is_none_or(|of| of == function)
            && self.method.as_ref().is_none_or(|method| asked.method.starts_with(method.as_str()))
            && self.endpoint.as_ref().is_none_or(|endpoint| asked.endpoint == endpoint)
    }
}

/// All that goes wrong for one application.
#[derive(Default)]
pub(crate) struct Disturbances {
    planned: Vec<(Which, Disturbance, u32)>,
    /// Whether answers of one list come in the opposite order.
    pub(crate) reorders: &'static [Function],
    pub(crate) reordered: u32,
    /// How many requests were disturbed.
    pub(crate) done: u32,
    last: BTreeMap<String, Vec<u8>>,
    /// What each question was first answered; none where nobody wants to know.
    first: Option<BTreeMap<Question, Vec<u8>>>,
}

/// One question: its endpoint's method, and all that is asked with it.
pub(crate) type Question = (String, Vec<u8>);

impl Disturbances {
    pub(crate) fn plan(&mut self, which: Which, disturbance: Disturbance) {
        self.planned.push((which, disturbance, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
        self.reorders = &[];
    }

    /// Remembers from now on what each question is first answered.
    pub(crate) fn remember(&mut self) {
        self.first = Some(BTreeMap::new());
    }

    /// A question got its true answer.
    pub(crate) fn saw(&mut self, question: &Question, answer: &[u8]) {
        if let Some(first) = &mut self.first {
            first.entry(question.clone()).or_insert_with(|| answer.to_vec());
        }
    }

    pub(crate) fn next(&mut self, function: Function, asked: Asked<'_>) -> Option<Disturbance> {
        for (which, disturbance, seen) in &mut self.planned {
            if !which.fits(function, asked) {
                continue;
            }
            let number = *seen;
            *seen += 1;
            if number >= which.from && which.count.is_none_or(|count| number - which.from < count) {
                self.done += 1;
                return Some(disturbance.clone());
            }
        }
        None
    }

    /// What comes instead of `answer`, which is none where the request did not leave.
    pub(crate) fn answer(
        &mut self,
        disturbance: &Disturbance,
        question: &Question,
        answer: Option<Result<Vec<u8>, Failure>>,
    ) -> Result<Vec<u8>, Failure> {
        use Disturbance as D;
        let answer = answer.unwrap_or_else(|| Ok(Vec::new()));
        match disturbance {
            D::Unreachable => Err(Failure::Unreachable("no connection".into())),
            D::Exhausted => Err(Failure::Exhausted),
            D::Lost | D::LostBefore => Err(Failure::Interrupted("the connection ended".into())),
            D::Slow => Err(Failure::Timeout),
            D::TooLarge => Err(Failure::TooLarge(1 << 24)),
            D::CutOff(percent) => answer.map(|mut body| {
                body.truncate(share(body.len(), *percent));
                body
            }),
            D::Turned(percent) => answer.map(|mut body| {
                let at = share(body.len(), *percent).min(body.len().saturating_sub(1));
                if let Some(byte) = body.get_mut(at) {
                    *byte = !*byte;
                }
                body
            }),
            D::Empty => Ok(Vec::new()),
            D::Instead(bytes) => Ok(bytes.clone()),
            D::Nested(depth) => Ok([vec![b'['; *depth], vec![b']'; *depth]].concat()),
            D::Page => Ok(garble::PAGE.to_vec()),
            // Each transport has its own form of these.
            D::RpcError(_) | D::Native(_) => Err(Failure::Interrupted("no such error here".into())),
            D::Retyped => answer.map(garble::retyped),
            D::RetypedOne(number) => answer.map(|body| garble::retyped_one(body, *number)),
            D::Huge(percent) => answer.map(|body| garble::huge(body, *percent)),
            D::Replaced(from, to) => answer.map(|body| garble::replaced(&body, from, to)),
            D::Duplicated => {
                let answer = answer?;
                Ok(self.last.insert(question.0.clone(), answer.clone()).unwrap_or(answer))
            }
            D::Stale => {
                let answer = answer?;
                let first = self.first.as_ref().and_then(|first| first.get(question));
                Ok(first.cloned().unwrap_or(answer))
            }
        }
    }

    pub(crate) fn reorder<T>(&mut self, function: Function, answers: &mut [T]) {
        if self.reorders.contains(&function) && answers.len() > 1 {
            answers.reverse();
            self.reordered += 1;
        }
    }
}

fn share(length: usize, percent: u8) -> usize {
    length.saturating_mul(usize::from(percent.min(100))) / 100
}
