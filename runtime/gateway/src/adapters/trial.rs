//! A new version on trial: the one before it stays beside it for a while, and goes on where the new one fails.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Offered;

/// The trial of a version.
pub struct Trial {
    /// The version before.
    pub before: Arc<Offered>,
    /// When the trial is over, and the version before is let go.
    pub until: Timestamp,
    failure: OnceLock<String>,
    failed: CancellationToken,
}

impl Trial {
    pub(super) fn new(before: Arc<Offered>, until: Timestamp) -> Self {
        Trial { before, until, failure: OnceLock::new(), failed: CancellationToken::new() }
    }

    /// Why the new version failed, if it did: from then on calls go to the version before. The first reason stays.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    pub(crate) fn fail(&self, why: &str) {
        if self.failure.set(why.to_owned()).is_ok() {
            self.failed.cancel();
            let Offered { descriptor, .. } = &*self.before;
            tracing::error!(
                adapter = descriptor.name,
                back_to = descriptor.version,
                why,
                "an adapter's new version is taken back"
            );
        }
    }

    /// Waits until the new version has failed; for ever where it does not.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// What is to be remembered of the version on trial; none where it has not failed.
    pub(crate) fn taken_back(&self, offered: &Offered) -> Option<TakenBack> {
        Some(TakenBack {
            version: offered.descriptor.version.clone(),
            digest: offered.digest.clone(),
            why: self.failure()?.to_owned(),
            back_to: self.before.digest.clone(),
        })
    }
}

/// A version that was tried and taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// What it called itself.
    pub version: String,
    /// SHA-256 of its file.
    pub digest: Option<String>,
    /// Why.
    pub why: String,
    /// SHA-256 of the file of the version that goes on in its place.
    pub back_to: Option<String>,
}
