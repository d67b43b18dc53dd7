//! Whole calls as a host makes them, with the journal: both sides of exactly-once together. Whatever crashes, and whatever
//! answers are lost, each call adds exactly once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use adapter_spec::{
    Function,
    types::{Inclusion, Receipt, SignRequest},
};
use berth_journal::{
    Crash as StoreCrash, CrashStore, DriveError, EntryKey, Journal, JournalError, Outcome, Settlement,
    SignerError, Sources, Task, Work, carry_out, recover,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use zeroize::Zeroizing;

use crate::{
    Application,
    check::{Checked, Stop, ensure, fail},
    trial::{Actor, Counter, Crash, Disturbance, Trial, Which},
};

/// Points after which a whole call must be done.
const MOST_POINTS: u32 = 400;
/// For how long keys stay bound.
const BINDING: Duration = Duration::from_secs(24 * 60 * 60);

/// The journal's secret from the seed, and a time at which nothing is late: the adapter's own clock decides.
struct Seeded(Mutex<ChaCha8Rng>);

impl Sources for Seeded {
    fn secret(&self) -> Result<Zeroizing<[u8; 32]>, JournalError> {
        let mut bytes = Zeroizing::new([0; 32]);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes.as_mut_slice());
        Ok(bytes)
    }

    fn now_millis(&self) -> u64 {
        0
    }
}

/// One application with its node's journal.
struct Host {
    application: Application,
    actor: Actor,
    sources: Arc<Seeded>,
    store: Arc<CrashStore>,
}

fn never() -> Arc<StoreCrash> {
    StoreCrash::after(u64::MAX)
}

impl Host {
    async fn new(trial: &mut Trial) -> Result<Self, Stop> {
        let application = trial.application().await?;
        let actor = trial.actor(&application).await?;
        let sources = Arc::new(Seeded(Mutex::new(ChaCha8Rng::from_rng(trial.rng()))));
        Ok(Host { application, actor, sources, store: Arc::new(CrashStore::new(never())) })
    }

    fn journal(&self) -> Journal {
        Journal::with(self.store.clone(), self.sources.clone(), BINDING)
    }

    /// What an unknown part of the unflushed writes survived, and nothing in the adapter's memory.
    async fn restart(&mut self, trial: &mut Trial, crash: Arc<StoreCrash>) -> Checked {
        self.store = Arc::new(self.store.restarted(crash, |_| trial.below(2) == 0));
        self.application = self.application.restarted().await?;
        Ok(())
    }

    /// A call that adds, under a key of its own; and the counter before.
    async fn work(&self, trial: &mut Trial) -> Result<(Work, Counter, u32), Stop> {
        let counter = trial.counter(&self.application, &self.actor).await?;
        let amount = trial.amount();
        let key = EntryKey::new(self.application.name(), trial.name());
        let key = key.map_err(|error| Stop::Harness(error.to_string()))?;
        let task = Task::Call(trial.add(amount)?);
        let options = adapter_spec::types::CallOptions::default();
        Ok((Work { key, task, parties: self.actor.parties(), options }, counter, amount))
    }

    async fn carry_out(&self, work: &Work) -> Result<Outcome, DriveError> {
        let signer = |request: &SignRequest| {
            self.actor.sign(request).map_err(|stop| SignerError::from(format!("{stop:?}")))
        };
        carry_out(&self.journal(), &*self.application.ledger(), work.clone(), &signer, || {}).await
    }

    /// Goes on after a restart until the call has taken effect, once.
    async fn finish(
        &self,
        trial: &Trial,
        work: &Work,
        counter: &Counter,
        amount: u32,
        what: &str,
    ) -> Checked {
        let recovered = recover(&self.journal(), self.application.name(), &*self.application.ledger()).await;
        let recovered = recovered.map_err(|error| Stop::Harness(format!("the journal: {error}")))?;
        for one in recovered {
            if let Some(Err(error)) = one.outcome {
                told(what, &error)?;
            }
        }
        let mut done = false;
        for look in 0..trial.facts.testbed.patience {
            match self.carry_out(work).await {
                Ok(outcome) => done = has_taken_effect(&outcome, what)?,
                Err(error) => told(what, &error)?,
            }
            if done {
                break;
            }
            trial.advance(1).await?;
            self.application.pause_after(look).await;
        }
        ensure(done, format!("{what} takes effect"), || "it is still under way".into())?;
        trial.advance(1).await?;
        counter.grew_by(trial, &self.application, amount.into(), what).await?;
        self.is_bound(trial, work).await
    }

    /// The key stays bound: the same key with another payload is a conflict, and is not carried out.
    async fn is_bound(&self, trial: &Trial, work: &Work) -> Checked {
        let other = Work { task: Task::Call(trial.add(1001)?), ..work.clone() };
        match self.carry_out(&other).await {
            Err(DriveError::Conflict) => Ok(()),
            other => Err(Stop::Harness(format!("a bound key with another payload came to {other:?}"))),
        }
    }
}

/// What an error means: the adapter's fault or the suite's.
fn told(what: &str, error: &DriveError) -> Checked {
    match error {
        DriveError::Call { .. } | DriveError::Adapter(_) | DriveError::Signer(_) => {
            fail(format!("{what} goes on"), error.to_string())
        }
        other => Err(Stop::Harness(format!("the journal: {other}"))),
    }
}

/// Whether the outcome says so.
fn has_taken_effect(outcome: &Outcome, what: &str) -> Result<bool, Stop> {
    let is_in_a_block = |receipt: &Receipt| {
        matches!(receipt.inclusion, Inclusion::Included(_) | Inclusion::Final)
            && matches!(receipt.outcome, Some(Ok(_)))
    };
    match outcome {
        Outcome::UnderWay { receipt, .. } => Ok(receipt.as_ref().is_some_and(is_in_a_block)),
        Outcome::Settled { settlement: Settlement::Final { succeeded: true }, .. } => Ok(true),
        Outcome::Settled { settlement, .. } => {
            fail(format!("{what} takes effect"), format!("{settlement:?}"))
        }
        Outcome::Answered(_) => fail("a call that writes ends in send", "an answer"),
    }
}

/// A crash of the host at one import call, and a restart. False: the call was done before.
async fn crash_at_import(trial: &mut Trial, host: &mut Host, points: u32) -> Result<bool, Stop> {
    let (work, counter, amount) = host.work(trial).await?;
    let ended = trial.crash_after(points, host.carry_out(&work)).await;
    let ended = matches!(ended, Crash::Ended);
    host.restart(trial, never()).await?;
    let what = format!("a journalled call whose host crashed after {points} points at import calls");
    host.finish(trial, &work, &counter, amount, &what).await?;
    Ok(ended)
}

/// A crash of the host at one step of the journal's store, and a restart. False: the call was done before.
async fn crash_at_store(trial: &mut Trial, host: &mut Host, steps: u64) -> Result<bool, Stop> {
    let (work, counter, amount) = host.work(trial).await?;
    let crash = StoreCrash::after(steps);
    host.restart(trial, crash.clone()).await?;
    let ended = crash.run(host.carry_out(&work)).await.is_none();
    host.restart(trial, never()).await?;
    let what = format!("a journalled call whose host crashed after {steps} steps of the journal's store");
    host.finish(trial, &work, &counter, amount, &what).await?;
    Ok(ended)
}

pub(super) async fn crashes_somewhere(trial: &mut Trial) -> Checked {
    let mut host = Host::new(trial).await?;
    for _ in 0..4 {
        let points = u32::try_from(trial.below(60)).unwrap_or(0);
        crash_at_import(trial, &mut host, points).await?;
    }
    let steps = u64::try_from(trial.below(16)).unwrap_or(0) + 1;
    crash_at_store(trial, &mut host, steps).await?;
    Ok(())
}

pub(super) async fn crashes_at_any_import(trial: &mut Trial) -> Checked {
    let mut host = Host::new(trial).await?;
    for points in 0..MOST_POINTS {
        if !crash_at_import(trial, &mut host, points).await? {
            return Ok(());
        }
    }
    fail("a whole call comes to an end", format!("it was not done after {MOST_POINTS} import calls"))
}

pub(super) async fn crashes_at_any_step_of_the_store(trial: &mut Trial) -> Checked {
    let mut host = Host::new(trial).await?;
    for steps in 1..u64::from(MOST_POINTS) {
        if !crash_at_store(trial, &mut host, steps).await? {
            return Ok(());
        }
    }
    Err(Stop::Harness("the journal makes too many steps".into()))
}

pub(super) async fn lost_at_every_retry(trial: &mut Trial) -> Checked {
    let mut host = Host::new(trial).await?;
    let disturbances =
        [Disturbance::Lost, Disturbance::LostBefore, Disturbance::Slow, Disturbance::Unreachable];
    for retries in 1..4 {
        for disturbance in &disturbances {
            let (work, counter, amount) = host.work(trial).await?;
            for _ in 0..retries {
                let which = Which::of(Function::Send);
                host.application.disturb(which, disturbance.clone());
                let outcome = host.carry_out(&work).await;
                host.application.calm();
                match outcome {
                    // It never left, and the journal holds the key to that: a new call needs a new key.
                    Ok(Outcome::Settled { settlement: Settlement::Never(_), .. }) => break,
                    Ok(outcome) => drop(has_taken_effect(&outcome, "a call whose answers are lost")?),
                    Err(error) => told("a call whose answers are lost", &error)?,
                }
                host.restart(trial, never()).await?;
            }
            let again = host.carry_out(&work).await;
            let what = format!("a journalled call after {retries} sends that ended as {disturbance:?}");
            if let Ok(Outcome::Settled { settlement: Settlement::Never(_), .. }) = again {
                counter
                    .grew_by(trial, &host.application, 0, "a call that the adapter says was never sent")
                    .await?;
                // The account must be able to go on: whatever the call reserved ends.
                host = Host::new(trial).await?;
                continue;
            }
            host.finish(trial, &work, &counter, amount, &what).await?;
        }
    }
    Ok(())
}
