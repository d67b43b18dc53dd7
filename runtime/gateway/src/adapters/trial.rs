//! A new version on trial: the one before it stays beside it for a while, and goes on where the new one fails.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::Serialize;

use super::Offered;

/// The trial of a version.
pub struct Trial {
    /// The version before.
    pub before: Arc<Offered>,
    /// When the trial is over, and the version before is let go.
    pub until: Timestamp,
    failure: OnceLock<String>,
}

impl Trial {
    pub(super) fn new(before: Arc<Offered>, until: Timestamp) -> Self {
        Trial { before, until, failure: OnceLock::new() }
    }

    /// Why the new version failed, if it did: from then on calls go to the version before. The first reason stays.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    pub(crate) fn fail(&self, why: &str) {
        if self.failure.set(why.to_owned()).is_ok() {
            let Offered { descriptor, .. } = &*self.before;
            tracing::error!(
                adapter = descriptor.name,
                back_to = descriptor.version,
                why,
                "an adapter's new version is taken back"
            );
        }
    }
}

/// A version that was tried and taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TakenBack {
    /// What it called itself.
    pub version: String,
    /// SHA-256 of its file.
    pub digest: Option<String>,
    /// Why.
    pub why: String,
}
