//! ERR: errors.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use adapter_spec::{
    CallError, Ended, Function, Imports, Lender, async_trait,
    types::{
        Block, BlockSelector, Error, ErrorCode, LedgerStatus, Signature, Step, transport::JsonRpcRequest,
    },
};

use crate::{
    Honest, Mutant, Mutation,
    change_errors::ChangeErrors,
    change_imports::{Answers, ImportChange, changed},
};

use CallError::Answered;
use ErrorCode as E;

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new(
            "ERR-1",
            "unfit-arguments-are-rejected",
            "arguments that do not fit the function",
            || Box::new(ChangeErrors(|_, error| coded(error, E::InvalidArgument, E::Rejected))),
        ),
        Mutant::new("ERR-1", "a-missing-contract-is-unavailable", "a contract that is not there", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::NotFound, E::Unavailable)))
        }),
        Mutant::new("ERR-1", "a-failed-contract-is-rejected", "a contract that fails: reverted", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::Reverted, E::Rejected)))
        }),
        Mutant::new("ERR-1", "forbidden-is-reverted", "what the ledger refuses to this account", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::PermissionDenied, E::Reverted)))
        }),
        Mutant::new("ERR-1", "a-future-block-is-not-found", "a block beyond the head", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::OutOfRange, E::NotFound)))
        }),
        Mutant::new("ERR-1", "an-unknown-hash-is-out-of-range", "a hash that no block has", || {
            Box::new(ChangeErrors(|function, error| match function {
                Function::Block => coded(error, E::NotFound, E::OutOfRange),
                _ => Answered(error),
            }))
        }),
        Mutant::new("ERR-1", "too-much-is-invalid", "a payload beyond max-payload", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::TooLarge, E::InvalidArgument)))
        }),
        Mutant::new(
            "ERR-1",
            "a-malformed-id-is-unavailable",
            "asked no node and answered unavailable",
            || {
                Box::new(ChangeErrors(|function, error| match function {
                    Function::Receipt => coded(error, E::InvalidArgument, E::Unavailable),
                    _ => Answered(error),
                }))
            },
        ),
        Mutant::new("ERR-2", "a-native-code-is-missing-from-the-table", "1004", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::Underpriced, E::Rejected)))
        }),
        Mutant::new("ERR-2", "a-full-pool-is-for-good", "retryable false", || {
            Box::new(ChangeErrors(|_, error| {
                let retryable = error.retryable && error.code != E::QuotaExceeded;
                Answered(Error { retryable, ..error })
            }))
        }),
        Mutant::new("ERR-2", "an-unknown-code-is-internal", "when a node answers", || {
            Box::new(ChangeErrors(|_, error| match is_unheard_of(&error) {
                true => Answered(Error { code: E::Internal, ..error }),
                false => Answered(error),
            }))
        }),
        Mutant::new("ERR-2", "an-unknown-refusal-of-a-submission-is-unavailable", "core.ledger.send", || {
            Box::new(ChangeErrors(|function, error| match (function, is_unheard_of(&error)) {
                (Function::Send, true) => Answered(Error { code: E::Unavailable, ..error }),
                _ => Answered(error),
            }))
        }),
        Mutant::new("ERR-3", "words-of-its-own", "native is the node's code", || {
            Box::new(ChangeErrors(|_, error| {
                let native = error.native.as_ref().map(|_| "MODEL_NODE_ERROR".to_owned());
                Answered(Error { native, ..error })
            }))
        }),
        Mutant::new(
            "ERR-3",
            "native-without-a-node",
            "native is none where the error is not the framework's",
            || {
                Box::new(ChangeErrors(|_, error| {
                    let native = error.native.clone().or_else(|| Some("E_ARGUMENT".into()));
                    Answered(Error { native, ..error })
                }))
            },
        ),
        Mutant::new("ERR-3", "native-without-end", "native has at most 1024 bytes", || {
            Box::new(ChangeErrors(|_, error| {
                let native =
                    error.native.as_ref().map(|native| format!("{native}: {}", "trace ".repeat(200)));
                Answered(Error { native, ..error })
            }))
        }),
        Mutant::new(
            "ERR-4",
            "what-is-invalid-may-be-tried-again",
            "invalid-argument with retryable true",
            || {
                Box::new(ChangeErrors(|_, error| {
                    Answered(Error {
                        retryable: error.retryable || error.code == E::InvalidArgument,
                        ..error
                    })
                }))
            },
        ),
        Mutant::new("ERR-4", "a-time-out-is-for-good", "timeout with retryable false", || {
            Box::new(ChangeErrors(|_, error| {
                Answered(Error { retryable: error.retryable && error.code != E::Timeout, ..error })
            }))
        }),
        Mutant::new(
            "ERR-4",
            "a-connection-that-never-comes-back",
            "what is answered as retryable succeeds later",
            || Box::new(NeverBack(AtomicBool::new(false))),
        ),
        Mutant::new("ERR-5", "the-reason-is-dropped", "with the contract's reason", || {
            Box::new(ChangeErrors(|_, error| match error.code {
                E::Reverted => Answered(Error { message: "the contract failed".into(), ..error }),
                _ => Answered(error),
            }))
        }),
        Mutant::new("ERR-6", "no-message", "with an empty message", || {
            Box::new(ChangeErrors(|_, error| Answered(Error { message: String::new(), ..error })))
        }),
        Mutant::new("ERR-6", "a-message-without-end", "a message of at most 4096 bytes", || {
            Box::new(ChangeErrors(|_, error| {
                let message = format!("{}\n{}", error.message, "  at frame\n".repeat(500));
                Answered(Error { message, ..error })
            }))
        }),
        Mutant::new("ERR-6", "the-nodes-answer-in-the-message", "the message has what the node said", || {
            Box::new(Quotes(Arc::default()))
        }),
        Mutant::new("ERR-7", "a-broken-continuation-traps", "trapped", || Box::new(Unwraps)),
        Mutant::new("ERR-7", "a-broken-answer-traps", "trapped", || {
            Box::new(ChangeErrors(|function, error| match (function, error.code) {
                (Function::Block | Function::Status, E::CorruptResponse) => trap(),
                _ => Answered(error),
            }))
        }),
        Mutant::new("ERR-7", "a-broken-answer-is-internal", "internal", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::CorruptResponse, E::Internal)))
        }),
    ]
}

fn coded(error: Error, from: ErrorCode, to: ErrorCode) -> CallError {
    Answered(Error { code: if error.code == from { to } else { error.code }, ..error })
}

/// Whether no table can have the code.
fn is_unheard_of(error: &Error) -> bool {
    error.native.as_ref().and_then(|native| native.parse::<i64>().ok()).is_some_and(|code| code >= 700_000)
}

/// What a host makes of a panic.
fn trap() -> CallError {
    CallError::Ended(Ended::Trapped { message: "wasm `unreachable` instruction executed".into() })
}

/// After one failure to connect it never asks the node again.
struct NeverBack(AtomicBool);

#[async_trait]
impl Mutation for NeverBack {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Answered(Error::retryable(E::Unavailable, "the connection is closed")));
        }
        let status = honest.ledger.status().await;
        if let Err(Answered(error)) = &status
            && error.code == E::Unavailable
        {
            self.0.store(true, Ordering::Relaxed);
        }
        status
    }
}

/// Quotes the answer that it could not read.
struct Quotes(Arc<Mutex<String>>);

struct Remember(Arc<Mutex<String>>);

#[async_trait]
impl ImportChange for Remember {
    async fn json_rpc(&self, _: Function, imports: &dyn Imports, requests: Vec<JsonRpcRequest>) -> Answers {
        let answers = imports.json_rpc(requests).await;
        if let Some(Ok(answer)) = answers.first() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(answer);
        }
        answers
    }
}

#[async_trait]
impl Mutation for Quotes {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(Remember(self.0.clone())))
    }

    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        honest.ledger.block(selector).await.map_err(|error| match error {
            Answered(error) if error.code == E::CorruptResponse => {
                let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Answered(Error { message: format!("{}: {answer:.200}", error.message), ..error })
            }
            other => other,
        })
    }
}

/// Does not expect that a continuation may be broken.
struct Unwraps;

#[async_trait]
impl Mutation for Unwraps {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let is_broken =
            |error: &Error| error.code == E::InvalidArgument && error.message.contains("continuation");
        honest.ledger.resume(continuation, signatures).await.map_err(|error| match error {
            Answered(error) if is_broken(&error) => trap(),
            other => other,
        })
    }
}
