//! How a call to an adapter fails: by the adapter's own answer, or because the host ended it.

use std::{error::Error as StdError, fmt, time::Duration};

use thiserror::Error;

use crate::types;

/// Why a call gave no result.
#[derive(Debug, Error)]
pub enum CallError<E = types::Error>
where
    E: fmt::Debug + fmt::Display + StdError + 'static,
{
    /// The adapter answered with an error of the standard.
    #[error(transparent)]
    Answered(E),
    /// The host ended the call, or could not make it. The next call gets a fresh instance.
    #[error("the call was ended by the host: {0}")]
    Ended(#[from] Ended),
}

impl<E> CallError<E>
where
    E: fmt::Debug + fmt::Display + StdError + 'static,
{
    /// The adapter's answer, if that is what it was.
    #[must_use]
    pub fn answered(&self) -> Option<&E> {
        match self {
            CallError::Answered(error) => Some(error),
            CallError::Ended(_) => None,
        }
    }
}

/// Why the host ended a call. Nothing of the call's memory is used again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Ended {
    /// The adapter trapped: an unreachable instruction (a panic), an access out of bounds, a broken result.
    #[error("the adapter trapped: {message}")]
    Trapped {
        /// What wasmtime says of it, first line.
        message: String,
    },
    /// A limit was reached.
    #[error("the limit on {limit} was reached ({allowed})")]
    LimitReached {
        /// Which.
        limit: Limit,
        /// What is allowed, with its unit.
        allowed: String,
    },
    /// No instance was free before the call's time was over.
    #[error("no instance was free within {waited:?}: too many calls for this application at once")]
    Overloaded {
        /// How long the call waited.
        waited: Duration,
    },
    /// The adapter was withdrawn: no new call of it begins.
    #[error("the adapter was withdrawn: {reason}")]
    Withdrawn {
        /// Why, for the operator.
        reason: String,
    },
    /// The host itself could not go on.
    #[error("the host could not carry out the call: {message}")]
    Host {
        /// What failed.
        message: String,
    },
}

/// What the host limits, for each call or each application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Time from the start of the call to its end, waiting included.
    WallTime,
    /// Time in which the adapter computes.
    ComputeTime,
    /// Bytes of linear memory.
    Memory,
    /// Elements of a table.
    Table,
    /// Component-model handles alive at once.
    Handles,
    /// Calls to imports.
    HostCalls,
    /// Bytes that the adapter receives in answers from endpoints.
    BytesIn,
    /// Bytes that the adapter sends to endpoints.
    BytesOut,
    /// Bytes of log lines.
    LogVolume,
    /// Bytes of keys and values in the application's state.
    StateSize,
    /// Bytes of the result that the adapter hands back.
    ResultSize,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::WallTime => "wall time",
            Limit::ComputeTime => "compute time",
            Limit::Memory => "memory",
            Limit::Table => "table elements",
            Limit::Handles => "component handles",
            Limit::HostCalls => "host calls",
            Limit::BytesIn => "bytes in",
            Limit::BytesOut => "bytes out",
            Limit::LogVolume => "log volume",
            Limit::StateSize => "state size",
            Limit::ResultSize => "result size",
        })
    }
}
