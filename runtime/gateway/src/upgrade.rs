//! A new version of an adapter, put in while its applications run.
//!
//! 1. Every application is opened on the new version, and those that are in use are asked for their ledger's status on both. Where
//!    one does worse than before, nothing is changed.
//! 2. New calls go to the new version. Calls that run end on the old one, whichever step they are at.
//! 3. For the time of its trial the old version stays beside it (`adapters/beside.rs`): a call that the new version fails by
//!    its own fault is made on the old one, and the new one is taken back, for all applications.
//! 4. After that the old version is let go.
//!
//! That a version was taken back is written down, so that a node's next start does not take it either ([`taken_back`]), until an upgrade
//! tries it again. A start ends every trial: a version that was not taken back stays.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use berth_journal::Store;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    adapters::{NotPermitted, Offered, TakenBack, Trial},
    application::{Application, open},
    gateway::Gateway,
    records::{RecordError, Records},
};

/// The version of an adapter that was taken back last, by the adapter's name.
const TAKEN_BACK: &str = "node/taken-back/";

/// Applications that are looked at side by side.
const AT_ONCE: usize = 8;
/// Applications that are named where many do not open.
const NAMED: usize = 10;

/// How a version is put in.
#[derive(Clone, Copy, Debug)]
pub struct UpgradeTerms {
    /// For how long the version before stays beside it.
    pub trial: Duration,
    /// Whether it may have another major version, which need not understand what the one before began: transactions under
    /// way, events' positions, continuations.
    pub new_major: bool,
}

/// A version that was put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgraded {
    /// The adapter's name.
    pub adapter: String,
    /// The version before.
    pub from: String,
    /// The version that takes calls now.
    pub to: String,
    /// Applications that were opened on it.
    pub applications: usize,
    /// Those among them that were in use, and whose ledger's status it told.
    pub in_use: usize,
    /// When the version before is let go.
    pub until: Timestamp,
}

/// Why a version was not put in. Nothing was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotUpgraded {
    /// There is nothing to upgrade.
    #[error("no adapter {0:?} is in: name it in the configuration and start the node again")]
    NoSuchAdapter(String),
    /// The node may not run it.
    #[error(transparent)]
    NotPermitted(#[from] NotPermitted),
    /// It is for something else.
    #[error("{adapter} is for {from:?}, and the new version is for {to:?}: it would find other ledgers")]
    OtherFramework {
        /// The adapter's name.
        adapter: String,
        /// The framework of the version that is in.
        from: String,
        /// That of the new one.
        to: String,
    },
    /// It need not understand what the version before began.
    #[error(
        "{adapter} {from} → {to} is another major version, which need not understand what is under way: once nothing is, say --new-major"
    )]
    NewMajor {
        /// The adapter's name.
        adapter: String,
        /// The version that is in.
        from: String,
        /// The new one.
        to: String,
    },
    /// The store does not take it.
    #[error("the node's store cannot be written: look at its disk")]
    NotWritten(#[from] RecordError),
    /// Applications do worse on it.
    #[error("{failed} of {of} applications do not go on with {adapter} {to}: {}", named(.first, *.failed))]
    Applications {
        /// The adapter's name.
        adapter: String,
        /// The new version.
        to: String,
        /// How many do not.
        failed: usize,
        /// How many there are.
        of: usize,
        /// The first of them, and why.
        first: Vec<(String, String)>,
    },
}

fn named(first: &[(String, String)], failed: usize) -> String {
    let mut text = first.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; ");
    if failed > first.len() {
        text.push_str("; …");
    }
    text
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}

/// What [`Gateway::taken_back`] tells, before there is a gateway.
///
/// # Errors
/// [`RecordError`]
pub async fn taken_back(store: Arc<dyn Store>) -> Result<BTreeMap<String, TakenBack>, RecordError> {
    Ok(Records::new(store).all(TAKEN_BACK).await?.into_iter().collect())
}

impl Gateway {
    /// The versions that were taken back and not tried again since, by their adapters' names.
    ///
    /// # Errors
    /// [`RecordError`]
    pub async fn taken_back(&self) -> Result<BTreeMap<String, TakenBack>, RecordError> {
        taken_back(self.shared.store.clone()).await
    }

    /// Puts an adapter in of whose name there is none, while the node runs.
    ///
    /// # Errors
    /// Why not; then nothing was changed.
    pub async fn put(&self, offered: Offered) -> Result<(), NotUpgraded> {
        let _one = self.shared.upgrading.lock().await;
        self.adapters().permitted().check(&offered.descriptor)?;
        self.shared.records.remove(&format!("{TAKEN_BACK}{}", offered.descriptor.name)).await?;
        Ok(self.adapters().put(offered)?)
    }

    /// Puts a new version of an adapter in, beside the one that is there.
    ///
    /// # Errors
    /// Why not; then everything goes on as before.
    pub async fn upgrade(&self, offered: Offered, terms: UpgradeTerms) -> Result<Upgraded, NotUpgraded> {
        let _one = self.shared.upgrading.lock().await;
        let adapters = self.adapters();
        adapters.permitted().check(&offered.descriptor)?;
        let adapter = offered.descriptor.name.clone();
        let before = adapters.get(&adapter).ok_or_else(|| NotUpgraded::NoSuchAdapter(adapter.clone()))?;
        let (from, to) = (before.descriptor.version.clone(), offered.descriptor.version.clone());
        if before.descriptor.framework != offered.descriptor.framework {
            let (from, to) = (before.descriptor.framework.clone(), offered.descriptor.framework.clone());
            return Err(NotUpgraded::OtherFramework { adapter, from, to });
        }
        if major(&from) != major(&to) && !terms.new_major {
            return Err(NotUpgraded::NewMajor { adapter, from, to });
        }

        let offered = Arc::new(offered);
        let all: Vec<_> =
            self.all().into_iter().filter(|one| one.record().order.adapter == adapter).collect();
        let looks = stream::iter(all.clone()).map(|one| self.look(one, offered.clone()));
        let looked: Vec<_> = looks.buffered(AT_ONCE).collect().await;
        let in_use = looked.iter().filter(|look| matches!(look, Ok(true))).count();
        let failures = all.iter().zip(looked).filter_map(|(one, look)| {
            let why = look.err()?;
            Some((one.record().order.name.clone(), why))
        });
        let mut first: Vec<_> = failures.collect();
        if !first.is_empty() {
            let (failed, of) = (first.len(), all.len());
            first.truncate(NAMED);
            return Err(NotUpgraded::Applications { adapter, to, failed, of, first });
        }

        let length = SignedDuration::try_from(terms.trial).unwrap_or(SignedDuration::from_hours(24));
        let until = Timestamp::now().checked_add(length).unwrap_or(Timestamp::MAX);
        // Not earlier: what is refused ends no trial.
        if let Some(trial) = adapters.trial(&adapter) {
            self.end_trial(&adapter, &trial);
        }
        // It is tried again, or another one is.
        self.shared.records.remove(&format!("{TAKEN_BACK}{adapter}")).await?;
        let trial = adapters.try_out(offered.clone(), before, until);
        let (gateway, name) = (self.clone(), adapter.clone());
        tokio::spawn(async move {
            let watched = async {
                let over = tokio::time::sleep(terms.trial);
                let failed = async {
                    trial.failed().await;
                    if let Err(error) = gateway.note_taken_back(&name, &trial, &offered).await {
                        tracing::error!(adapter = name, %error, "the next start takes the version that was taken back");
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    () = over => gateway.end_trial(&name, &trial),
                    () = failed => {}
                }
            };
            tokio::select! {
                () = watched => {}
                () = gateway.shared.stopping.cancelled() => {}
            }
        });
        Ok(Upgraded { adapter, from, to, applications: all.len(), in_use, until })
    }

    /// Whether an application goes on with this version, and whether it is in use.
    async fn look(&self, application: Arc<Application>, offered: Arc<Offered>) -> Result<bool, String> {
        let ledger = open(&application.record(), &application.secrets, &offered, &self.shared.ground).await;
        let ledger = ledger.map_err(|problem| problem.detail)?;
        let Some(opened) = application.opened() else { return Ok(false) };
        // A node that is down now says nothing about the version.
        if let (Err(error), true) = (ledger.status().await, opened.ledger.status().await.is_ok()) {
            return Err(error.to_string());
        }
        Ok(true)
    }

    /// Takes the version that is on trial back: the one before it goes on, also after the node's next start. False where none is
    /// on trial.
    ///
    /// # Errors
    /// When it cannot be written down; it is taken back nevertheless, until the next start.
    pub async fn take_back(&self, adapter: &str, why: &str) -> Result<bool, RecordError> {
        let Some((offered, trial)) = self.adapters().on_trial(adapter) else { return Ok(false) };
        trial.fail(why);
        self.end_trial(adapter, &trial);
        self.note_taken_back(adapter, &trial, &offered).await?;
        Ok(true)
    }

    /// Writes down that the version on trial was taken back, where it was.
    async fn note_taken_back(
        &self,
        adapter: &str,
        trial: &Arc<Trial>,
        offered: &Offered,
    ) -> Result<(), RecordError> {
        let Some(taken_back) = trial.taken_back(offered) else { return Ok(()) };
        let _one = self.shared.upgrading.lock().await;
        if !self.adapters().is_taken_back(adapter, trial, &taken_back) {
            // Another version was put in meanwhile.
            return Ok(());
        }
        self.shared.records.put(&format!("{TAKEN_BACK}{adapter}"), &taken_back).await
    }

    /// Ends a trial, for better or worse.
    fn end_trial(&self, adapter: &str, trial: &Arc<Trial>) {
        self.adapters().end(adapter, trial);
        for application in self.all().iter().filter(|one| one.record().order.adapter == adapter) {
            if let Some(opened) = application.opened() {
                opened.let_go(trial);
            }
        }
    }
}
