//! One follower for each application: it asks for the receipts of all that is under way, and tells everybody who waits.
//!
//! It asks for the ledger's newest block first, and for receipts only where that is another than before: a transaction's
//! state changes with the chain. Each transaction is looked at less and less often until it moves. Without anything under
//! way there is no follower.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use adapter_spec::types::{Inclusion, Receipt};
use berth_journal::{EntryKey, Outcome, Settlement, take_up};
use tokio::sync::{Notify, watch};
use tracing::Instrument as _;

use crate::{application::Application, gateway::Shared, trace};

/// The pause before a transaction is looked at again: from this,
const FIRST: Duration = Duration::from_millis(200);
/// doubled each time that nothing moved, to this.
const LAST: Duration = Duration::from_secs(20);
/// Transactions that are looked at in one round.
const ROUND: usize = 64;

/// How far a write has come, as its followers hear it.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) transaction: String,
    pub(crate) receipt: Option<Arc<Receipt>>,
    pub(crate) settlement: Option<Settlement>,
    pub(crate) trouble: Option<String>,
}

impl Progress {
    /// From what the journal's driver came to; none of a read.
    pub(crate) fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Answered(_) => None,
            Outcome::UnderWay { transaction, receipt, trouble } => Some(Progress {
                transaction,
                receipt: receipt.map(Arc::new),
                settlement: None,
                trouble: trouble.map(|trouble| trouble.to_string()),
            }),
            Outcome::Settled { transaction, settlement, receipt } => Some(Progress {
                transaction,
                receipt: receipt.map(Arc::new),
                settlement: Some(settlement),
                trouble: None,
            }),
        }
    }

    /// Whether it is in a block, or at its end.
    pub(crate) fn is_included(&self) -> bool {
        let included = |receipt: &Arc<Receipt>| matches!(receipt.inclusion, Inclusion::Included(_));
        self.settlement.is_some() || self.receipt.as_ref().is_some_and(included)
    }
}

#[derive(Default)]
pub(crate) struct Follower {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    followed: BTreeMap<EntryKey, Followed>,
    running: bool,
}

struct Followed {
    at: Instant,
    pause: Duration,
    /// The newest block when it was looked at last; none where it must be looked at in any case.
    head: Option<u64>,
    told: watch::Sender<Option<Progress>>,
}

impl Follower {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are under way.
    pub(crate) fn open(&self) -> usize {
        self.lock().followed.len()
    }

    /// What is heard of this call, while it is under way.
    pub(crate) fn hear(&self, key: &EntryKey) -> Option<watch::Receiver<Option<Progress>>> {
        self.lock().followed.get(key).map(|followed| followed.told.subscribe())
    }
}

/// Follows a call until it is settled. `progress` is what is known of it; none where nothing is, as after a restart.
pub(crate) fn follow(
    shared: &Arc<Shared>,
    application: &Arc<Application>,
    key: EntryKey,
    progress: Option<Progress>,
) {
    let follower = &application.follower;
    let start = {
        let mut state = follower.lock();
        let at = Instant::now() + if progress.is_some() { FIRST } else { Duration::ZERO };
        state.followed.entry(key).or_insert_with(|| Followed {
            at,
            pause: FIRST,
            head: None,
            told: watch::Sender::new(progress),
        });
        !std::mem::replace(&mut state.running, true)
    };
    follower.news.notify_one();
    if start {
        let (shared, application) = (shared.clone(), application.clone());
        tokio::spawn(async move { run(&shared, &application).await });
    }
}

async fn run(shared: &Arc<Shared>, application: &Arc<Application>) {
    let follower = &application.follower;
    loop {
        let wake = {
            let mut state = follower.lock();
            let Some(first) = state.followed.values().map(|followed| followed.at).min() else {
                state.running = false;
                return;
            };
            first
        };
        tokio::select! {
            () = tokio::time::sleep_until(wake.into()) => {}
            () = follower.news.notified() => continue,
            () = shared.stopping.cancelled() => { follower.lock().running = false; return }
        }
        round(shared, application).instrument(trace::followed(&application.record().order.name)).await;
    }
}

/// Looks at what is due.
async fn round(shared: &Arc<Shared>, application: &Arc<Application>) {
    let follower = &application.follower;
    let due: Vec<(EntryKey, Option<u64>)> = {
        let now = Instant::now();
        let state = follower.lock();
        let mut due: Vec<_> = state.followed.iter().filter(|(_, followed)| followed.at <= now).collect();
        // Whoever waits longest first, so that each has its turn where a round takes long.
        due.sort_by_key(|(_, followed)| followed.at);
        due.into_iter().take(ROUND).map(|(key, followed)| (key.clone(), followed.head)).collect()
    };
    let opened = match application.open(&shared.ground).await {
        Ok(opened) => opened,
        Err(problem) => {
            tracing::warn!(application = %application.id, detail = problem.detail, "what is under way cannot be followed");
            due.iter().for_each(|(key, _)| later(follower, key, None, false));
            return;
        }
    };
    let head = opened.ledger.status().await.ok().map(|status| status.head.number);
    for (key, looked_at) in due {
        if looked_at.is_some() && looked_at == head {
            later(follower, &key, head, false);
            continue;
        }
        match take_up(&shared.journal, &*opened.ledger, &key).await {
            Ok(Some(outcome)) => tell(follower, &key, head, Progress::of(outcome)),
            // There is no envelope: nothing was sent, and its caller must come again.
            Ok(None) => forget(follower, &key),
            Err(error) => {
                tracing::warn!(%key, %error, "the call's receipt could not be had");
                later(follower, &key, None, false);
            }
        }
    }
}

fn tell(follower: &Follower, key: &EntryKey, head: Option<u64>, progress: Option<Progress>) {
    let Some(progress) = progress else { return forget(follower, key) };
    let mut state = follower.lock();
    if progress.settlement.is_some() {
        if let Some(followed) = state.followed.remove(key) {
            followed.told.send_replace(Some(progress));
        }
        return;
    }
    let Some(followed) = state.followed.get(key) else { return };
    let stage = |progress: &Progress| {
        progress.receipt.as_ref().map(|receipt| (receipt.inclusion.clone(), receipt.block.clone()))
    };
    let moved = followed.told.borrow().as_ref().map(stage) != Some(stage(&progress));
    // What a node has not got, or not confirmed, is looked at again whatever the chain does: it may have to be sent.
    let heard = progress.trouble.is_none()
        && progress.receipt.as_ref().is_some_and(|receipt| receipt.inclusion != Inclusion::Unknown);
    followed.told.send_replace(Some(progress));
    drop(state);
    later(follower, key, head.filter(|_| heard), moved);
}

fn later(follower: &Follower, key: &EntryKey, head: Option<u64>, moved: bool) {
    if let Some(followed) = follower.lock().followed.get_mut(key) {
        followed.pause = if moved { FIRST } else { (followed.pause * 2).min(LAST) };
        followed.at = Instant::now() + followed.pause;
        followed.head = head;
    }
}

fn forget(follower: &Follower, key: &EntryKey) {
    follower.lock().followed.remove(key);
}
