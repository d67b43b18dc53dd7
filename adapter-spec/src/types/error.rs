//! One list of error codes for all frameworks.

use std::fmt;

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

/// What went wrong, in words that hold for every framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum ErrorCode {
    /// Not among what the adapter declares.
    #[cfg_attr(feature = "component", component(name = "unsupported"))]
    Unsupported,
    /// The caller's arguments, settings or keys do not fit.
    #[cfg_attr(feature = "component", component(name = "invalid-argument"))]
    InvalidArgument,
    /// There is no such contract, function, key, block or transaction.
    #[cfg_attr(feature = "component", component(name = "not-found"))]
    NotFound,
    /// What should be made is there already.
    #[cfg_attr(feature = "component", component(name = "already-exists"))]
    AlreadyExists,
    /// A concurrent write won (MVCC, nonce); the caller may begin again.
    #[cfg_attr(feature = "component", component(name = "conflict"))]
    Conflict,
    /// The ledger does not let this account do that.
    #[cfg_attr(feature = "component", component(name = "permission-denied"))]
    PermissionDenied,
    /// A limit of the node or the ledger on how much or how often is reached.
    #[cfg_attr(feature = "component", component(name = "quota-exceeded"))]
    QuotaExceeded,
    /// The account cannot pay.
    #[cfg_attr(feature = "component", component(name = "insufficient-funds"))]
    InsufficientFunds,
    /// The offered fee is too low.
    #[cfg_attr(feature = "component", component(name = "underpriced"))]
    Underpriced,
    /// More bytes than the ledger, the adapter or the host takes.
    #[cfg_attr(feature = "component", component(name = "too-large"))]
    TooLarge,
    /// The node refused the transaction before ordering it.
    #[cfg_attr(feature = "component", component(name = "rejected"))]
    Rejected,
    /// The contract ran and failed.
    #[cfg_attr(feature = "component", component(name = "reverted"))]
    Reverted,
    /// The validity window has passed, or the continuation has.
    #[cfg_attr(feature = "component", component(name = "expired"))]
    Expired,
    /// The node no longer keeps what was asked for.
    #[cfg_attr(feature = "component", component(name = "pruned"))]
    Pruned,
    /// A cursor or height beyond what exists.
    #[cfg_attr(feature = "component", component(name = "out-of-range"))]
    OutOfRange,
    /// The node cannot be reached or does not serve now.
    #[cfg_attr(feature = "component", component(name = "unavailable"))]
    Unavailable,
    /// No answer in time.
    #[cfg_attr(feature = "component", component(name = "timeout"))]
    Timeout,
    /// The node's answer does not decode, or does not verify.
    #[cfg_attr(feature = "component", component(name = "corrupt-response"))]
    CorruptResponse,
    /// The adapter contradicts itself; a fault of its own.
    #[cfg_attr(feature = "component", component(name = "internal"))]
    Internal,
}

enum_from_discriminant!(ErrorCode {
    Unsupported,
    InvalidArgument,
    NotFound,
    AlreadyExists,
    Conflict,
    PermissionDenied,
    QuotaExceeded,
    InsufficientFunds,
    Underpriced,
    TooLarge,
    Rejected,
    Reverted,
    Expired,
    Pruned,
    OutOfRange,
    Unavailable,
    Timeout,
    CorruptResponse,
    Internal
});

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Error {
    /// The standard's code.
    pub code: ErrorCode,
    /// For people: what was wrong and what to do. Never a secret.
    pub message: String,
    /// The framework's own code, verbatim.
    pub native: Option<String>,
    /// True when the same call, unchanged, may succeed later.
    pub retryable: bool,
}

/// Whether a send that failed can still take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum Effect {
    /// The ledger never got it, or refused it for good.
    #[cfg_attr(feature = "component", component(name = "never"))]
    Never,
    /// It may be on its way; only the receipt tells.
    #[cfg_attr(feature = "component", component(name = "unknown"))]
    Unknown,
}

enum_from_discriminant!(Effect { Never, Unknown });

/// A send that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendFailure {
    /// What happened.
    pub error: Error,
    /// Whether the transaction can still take effect.
    pub effect: Effect,
}

impl Error {
    /// An error that a retry does not help, without a code of the framework's own.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Error { code, message: message.into(), native: None, retryable: false }
    }

    /// The same, where the same call may succeed later.
    #[must_use]
    pub fn retryable(code: ErrorCode, message: impl Into<String>) -> Self {
        Error { retryable: true, ..Error::new(code, message) }
    }

    /// With the framework's own code, verbatim.
    #[must_use]
    pub fn with_native(self, native: impl Into<String>) -> Self {
        Error { native: Some(native.into()), ..self }
    }

    /// What an adapter answers for an operation that it does not declare.
    #[must_use]
    pub fn unsupported(operation: &str) -> Self {
        Error::new(ErrorCode::Unsupported, format!("this adapter does not declare {operation}"))
    }
}

impl ErrorCode {
    /// The code as the standard writes it, e.g. `not-found`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorCode::Unsupported => "unsupported",
            ErrorCode::InvalidArgument => "invalid-argument",
            ErrorCode::NotFound => "not-found",
            ErrorCode::AlreadyExists => "already-exists",
            ErrorCode::Conflict => "conflict",
            ErrorCode::PermissionDenied => "permission-denied",
            ErrorCode::QuotaExceeded => "quota-exceeded",
            ErrorCode::InsufficientFunds => "insufficient-funds",
            ErrorCode::Underpriced => "underpriced",
            ErrorCode::TooLarge => "too-large",
            ErrorCode::Rejected => "rejected",
            ErrorCode::Reverted => "reverted",
            ErrorCode::Expired => "expired",
            ErrorCode::Pruned => "pruned",
            ErrorCode::OutOfRange => "out-of-range",
            ErrorCode::Unavailable => "unavailable",
            ErrorCode::Timeout => "timeout",
            ErrorCode::CorruptResponse => "corrupt-response",
            ErrorCode::Internal => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)?;
        if let Some(native) = &self.native {
            write!(f, " (the framework's code: {native})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Never => "it has no effect",
            Effect::Unknown => "it may still take effect",
        };
        write!(f, "{}; {effect}", self.error)
    }
}

impl std::error::Error for SendFailure {}
