//! Failures as the user meets them: who failed, why, and what to do next.

use std::{error::Error as StdError, fmt, process::ExitCode};

use adapter_spec::{
    CallError, Ended,
    types::{self, Effect, ErrorCode, SendFailure},
};
use serde_json::json;

use crate::{
    flow::FlowError,
    show::{self, plain},
};

/// Whose fault it is; the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The adapter or the ledger answered with an error: 1.
    Answered,
    /// What was typed: 2.
    Usage,
    /// A file, the machine, or the host ended the call: 3.
    Host,
    /// A run of the suite came to nothing, whatever the cause: 3. Its 1 and 2 say something of the adapter.
    Harness,
}

/// Why the command did not do what it was asked to.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// Who failed and why, a sentence without its full stop.
    pub(crate) why: String,
    /// What to do about it, a sentence.
    pub(crate) next: Option<String>,
    /// The adapter's own answer, for programs.
    pub(crate) answer: Option<Box<types::Error>>,
    /// Whether a transaction can still take effect.
    pub(crate) effect: Option<Effect>,
}

impl Failure {
    pub(crate) fn usage(why: impl Into<String>) -> Self {
        Failure { kind: Kind::Usage, why: why.into(), next: None, answer: None, effect: None }
    }

    /// `what` failed because of `cause`, with the causes below it.
    pub(crate) fn host(what: impl fmt::Display, cause: &dyn StdError) -> Self {
        let mut why = format!("{what}: {cause}");
        let mut source = cause.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !why.contains(&text) {
                why.push_str(&format!(": {text}"));
            }
            source = cause.source();
        }
        Failure { kind: Kind::Host, ..Failure::usage(why) }
    }

    /// The same, of a run of the suite.
    pub(crate) fn of_suite(self) -> Self {
        Failure { kind: Kind::Harness, ..self }
    }

    pub(crate) fn next(self, next: impl Into<String>) -> Self {
        Failure { next: Some(next.into()), ..self }
    }

    /// The adapter's answer to `function`.
    pub(crate) fn answered(adapter: &str, function: &str, error: types::Error) -> Self {
        let next = advice(&error);
        let why = format!("the adapter \"{adapter}\" answered {function} with {}", show::error(&error));
        let answer = Some(Box::new(error));
        Failure { kind: Kind::Answered, why, next: Some(next.into()), answer, effect: None }
    }

    /// How a call of `function` failed.
    pub(crate) fn call(adapter: &str, function: &str, error: CallError) -> Self {
        match error {
            CallError::Answered(error) => Self::answered(adapter, function, error),
            CallError::Ended(ended) => Self::ended(adapter, function, &ended),
        }
    }

    fn ended(adapter: &str, function: &str, ended: &Ended) -> Self {
        let next = match ended {
            Ended::Trapped { .. } => {
                "This is a fault in the adapter: tell its vendor, with a recording (--record FILE)."
            }
            Ended::LimitReached { .. } => {
                "Allow more with --max-memory or --max-time if the call is worth it; otherwise ask for less at once."
            }
            Ended::Withdrawn { .. } => "Ask the operator for a version that is still admitted.",
            Ended::Overloaded { .. } => "Try again.",
            Ended::Host { .. } => "Look at the machine: memory, disk, the state's folder.",
        };
        let why = format!("the host ended {function} of the adapter \"{adapter}\": {ended}");
        Failure { kind: Kind::Host, ..Failure::usage(why) }.next(next)
    }

    /// How a send failed.
    pub(crate) fn send(adapter: &str, error: CallError<SendFailure>) -> Self {
        match error {
            CallError::Ended(ended) => {
                let failure = Self::ended(adapter, "send", &ended);
                let why = format!("{}; the transaction may still take effect", failure.why);
                Failure { why, effect: Some(Effect::Unknown), ..failure }
            }
            CallError::Answered(SendFailure { error, effect }) => {
                let failure = Self::answered(adapter, "send", error);
                let (what, next) = match effect {
                    Effect::Never => ("the transaction has no effect", failure.next.clone()),
                    Effect::Unknown => (
                        "the transaction may still take effect",
                        Some("Look at its receipt before trying anything else; sending the same envelope again is safe.".into()),
                    ),
                };
                let why = format!("{}; {what}", failure.why);
                Failure { why, next, effect: Some(effect), ..failure }
            }
        }
    }

    /// How a call from begin to send failed.
    pub(crate) fn flow(adapter: &str, error: FlowError) -> Self {
        match error {
            FlowError::Call { function, source } => Self::call(adapter, function, source),
            FlowError::Send(source) => Self::send(adapter, source),
            FlowError::OtherKey => Failure {
                kind: Kind::Answered,
                ..Failure::usage(format!(
                    "the adapter \"{adapter}\" asks for a signature by a key that is not the given one"
                ))
            }
            .next("For calls that several keys sign, use begin and resume."),
            FlowError::UndeclaredDigest => Failure {
                kind: Kind::Answered,
                ..Failure::usage(format!(
                    "the adapter \"{adapter}\" asks to sign a bare digest, and its descriptor does not say that it ever does; \
                     nothing was signed"
                ))
            }
            .next("Do not use this adapter with keys that matter; tell its vendor."),
            FlowError::Sign(_) => Failure::usage(format!("nothing was signed: {error}"))
                .next("Give a key of the scheme that the descriptor names (--scheme)."),
            FlowError::Endless => Failure {
                kind: Kind::Answered,
                ..Failure::usage(format!("the adapter \"{adapter}\" asks for signatures without end"))
            }
            .next("This is a fault in the adapter: tell its vendor."),
        }
    }

    /// One paragraph on standard error; with `json` the same as one document on standard output.
    pub(crate) fn report(&self, json: bool) {
        eprintln!("{}", self.paragraph());
        if json {
            println!("{:#}", self.document());
        }
    }

    fn paragraph(&self) -> String {
        let mut text = format!("berth: {}", plain(&self.why));
        if !text.ends_with(['.', '!', '?']) {
            text.push('.');
        }
        if let Some(next) = &self.next {
            text.push(' ');
            text.push_str(&plain(next));
        }
        text
    }

    fn document(&self) -> serde_json::Value {
        json!({"error": {
            "who": match self.kind { Kind::Answered => "adapter", Kind::Usage => "usage", Kind::Host => "host", Kind::Harness => "harness" },
            "why": self.why,
            "next": self.next,
            "answer": self.answer,
            "effect": self.effect,
        }})
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Answered => 1,
            Kind::Usage => 2,
            Kind::Host | Kind::Harness => 3,
        })
    }
}

/// What to do about an answer of the adapter's.
fn advice(error: &types::Error) -> &'static str {
    let is_plain = !matches!(error.code, ErrorCode::Unavailable | ErrorCode::Timeout);
    if error.retryable && is_plain {
        return "The same call may succeed later: try again.";
    }
    match error.code {
        ErrorCode::Unsupported => "`berth adapter inspect FILE` shows what the adapter declares.",
        ErrorCode::InvalidArgument => {
            "Check the arguments, --settings and the key; `berth adapter inspect FILE` shows which settings there are."
        }
        ErrorCode::NotFound => "Check the name, and that the endpoint is a node of the chain that you mean.",
        ErrorCode::AlreadyExists => "Update it instead, or choose another name.",
        ErrorCode::Conflict => "Begin the call again.",
        ErrorCode::PermissionDenied => "Use a key that the ledger allows to do this (--key, --account).",
        ErrorCode::QuotaExceeded => "Wait, or ask whoever runs the node for more.",
        ErrorCode::InsufficientFunds => "Give the account currency, or send less.",
        ErrorCode::Underpriced => "Allow a higher fee (--max-fee).",
        ErrorCode::TooLarge => "Send less at once.",
        ErrorCode::Rejected => "The node says why; the call cannot go through as it is.",
        ErrorCode::Reverted => "The contract says why; check its arguments and its state.",
        ErrorCode::Expired => "Begin the call again.",
        ErrorCode::Pruned => "Ask a node that keeps the whole history.",
        ErrorCode::OutOfRange => "Ask for a block that exists; status shows the newest.",
        ErrorCode::Unavailable => "Check the address in --endpoint and that the node runs, then try again.",
        ErrorCode::Timeout => "Try again, or ask a faster node.",
        ErrorCode::CorruptResponse => {
            "Check that the endpoint is a node of this framework; if it is, try another one."
        }
        ErrorCode::Internal => {
            "This is a fault in the adapter: tell its vendor, with a recording (--record FILE)."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_who_failed_why_and_what_next() {
        let error = types::Error::new(ErrorCode::NotFound, "there is no such contract").with_native("-3");
        let failure = Failure::answered("notebook", "begin", error);
        assert_eq!(
            failure.paragraph(),
            "berth: the adapter \"notebook\" answered begin with not-found: there is no such contract (the framework's \
             code: -3). Check the name, and that the endpoint is a node of the chain that you mean."
        );
        assert_eq!(failure.document()["error"]["answer"]["code"], "not-found");
    }

    #[test]
    fn a_send_of_unknown_effect_is_never_answered_with_try_again() {
        let error = types::Error::retryable(ErrorCode::Timeout, "no answer");
        let failure = Failure::send("a", CallError::Answered(SendFailure { error, effect: Effect::Unknown }));
        let paragraph = failure.paragraph();
        assert!(paragraph.contains("may still take effect") && paragraph.contains("receipt"), "{paragraph}");
        assert!(!paragraph.contains("try again"), "{paragraph}");
    }

    #[test]
    fn an_adapters_words_cannot_steer_the_terminal() {
        let failure =
            Failure::answered("a", "b", types::Error::new(ErrorCode::Internal, "x\u{1b}[2Jy\nberth: done"));
        assert!(!failure.paragraph().contains(['\u{1b}', '\n']));
    }
}
