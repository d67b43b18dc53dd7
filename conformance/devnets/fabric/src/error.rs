//! Why a network does not come up.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a network does not come up, or cannot do what its control asks.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// The options contradict each other.
    #[error("the Fabric-like network cannot be made: {0}")]
    Options(String),
    /// A key or a certificate could not be made.
    #[error("the Fabric-like network cannot make {what}: {reason}")]
    Identity {
        /// Of what.
        what: String,
        /// Why.
        reason: String,
    },
    /// An address is not free.
    #[error("the Fabric-like network cannot listen on {address}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The folder of blocks cannot be used.
    #[error("the blocks in {folder} cannot be used: {reason}")]
    Store {
        /// Where.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// A contract or a peer failed where it must not.
    #[error("the Fabric-like network cannot {what}: {reason}")]
    Internal {
        /// What it tried.
        what: String,
        /// Why not.
        reason: String,
    },
}

impl NetworkError {
    pub(crate) fn identity(what: impl Into<String>, reason: impl ToString) -> Self {
        NetworkError::Identity { what: what.into(), reason: reason.to_string() }
    }

    pub(crate) fn internal(what: impl Into<String>, reason: impl ToString) -> Self {
        NetworkError::Internal { what: what.into(), reason: reason.to_string() }
    }
}
