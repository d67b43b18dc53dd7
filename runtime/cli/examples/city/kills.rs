//! The node is killed (`kill -9`) again and again while it is written through, and then each ledger is asked what it has: every
//! write that the node accepted, once.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use adapter_spec::types::Effect;
use berth_api::{Settlement, Until, Written};
use berth_client::{Application, Client, ClientError, IdempotencyKey};
use tokio::task::JoinSet;

use crate::{
    Trouble,
    desk::{Desk, Serving},
    participant::Person,
};

/// Writers on each ledger, each with keys of its own.
const WRITERS: usize = 2;
/// Of one key, whose history comes in one answer.
const VERSIONS: usize = 50;
/// For one write to be in the ledger.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the writers know of the node.
struct City {
    /// Of the life that the node has now.
    client: Mutex<Client>,
    done: AtomicBool,
    /// When the last life began.
    quiet_since: Mutex<Option<Instant>>,
}

impl City {
    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Until it is tried again: the node is dead, or the ledger broke off. The trouble, where nobody kills any more and there was
    /// enough of it.
    async fn patience(&self, trouble: Trouble) -> Result<(), Trouble> {
        let quiet_since = *self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet_since.is_some_and(|since| since.elapsed() > PATIENCE) {
            return Err(trouble);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    }
}

/// Writes on each of these applications, with the contract of its preset store, while the node is killed so often.
pub async fn kill(
    desk: &Desk,
    mut node: Serving,
    person: &Person,
    applications: &[(&'static str, String)],
    kills: u64,
) -> Result<Serving, Trouble> {
    let city = Arc::new(City {
        client: Mutex::new(person.hasty(&node)?),
        done: AtomicBool::new(false),
        quiet_since: Mutex::default(),
    });
    let mut writers = JoinSet::new();
    for (application, contract) in applications {
        let application = *application;
        for writer in 0..WRITERS {
            let key = format!("killed-{writer}");
            let writer = Writer { city: city.clone(), application, contract: contract.clone(), key };
            writers.spawn(async move { (application, writer.write().await) });
        }
    }
    for number in 0..kills {
        // At other moments each time, from the beginning of a life to well into it.
        tokio::time::sleep(Duration::from_millis(50 + number * 137 % 900)).await;
        drop(node);
        node = desk.serve_silently()?;
        *city.client.lock().unwrap_or_else(PoisonError::into_inner) = person.hasty(&node)?;
        if (number + 1) % 50 == 0 {
            println!("   {} kills", number + 1);
        }
    }
    *city.quiet_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    city.done.store(true, Ordering::SeqCst);
    let mut all = 0;
    while let Some(written) = writers.join_next().await {
        let (application, written) = written?;
        let written = written.map_err(|trouble| format!("{application}: {trouble}"))?;
        println!("   {application}: {written} writes, each in the ledger once");
        all += written;
    }
    println!("   {kills} kills, {all} writes: none is lost, and none is there twice");
    Ok(node)
}

/// Writes one version of a key after the other.
struct Writer {
    city: Arc<City>,
    application: &'static str,
    contract: String,
    key: String,
}

impl Writer {
    fn application(&self) -> Application {
        self.city.client().application(self.application)
    }

    /// Until the end. How many versions it wrote, which the ledger has, too.
    async fn write(self) -> Result<usize, Trouble> {
        let (mut all, mut number) = (0, 0);
        while !self.city.done.load(Ordering::SeqCst) || all == 0 {
            all += self.key(&format!("{}-{number}", self.key)).await?;
            number += 1;
        }
        Ok(all)
    }

    /// Writes versions of one key.
    async fn key(&self, key: &str) -> Result<usize, Trouble> {
        let (mut written, mut attempts) = (0, 0);
        while written < VERSIONS && (!self.city.done.load(Ordering::SeqCst) || written == 0) {
            attempts += 1;
            let call = IdempotencyKey::new(format!("{key}-{attempts}"))?;
            written += usize::from(self.once(&call, key, written == 0).await?);
        }
        match self.versions(key).await? {
            versions if versions == written => Ok(written),
            versions => {
                Err(format!("{key}: {written} writes were accepted, and the ledger has {versions}").into())
            }
        }
    }

    /// The same write again and again, until it is known what became of it: whether it is in the ledger.
    async fn once(&self, call: &IdempotencyKey, key: &str, first: bool) -> Result<bool, Trouble> {
        loop {
            match self.tried(call, key, first).await {
                Ok(is_in_ledger) => return Ok(is_in_ledger),
                Err(trouble) => self.city.patience(trouble).await?,
            }
        }
    }

    async fn tried(&self, call: &IdempotencyKey, key: &str, first: bool) -> Result<bool, Trouble> {
        let application = self.application();
        let store = application.store(Some(&self.contract));
        let asked = match first {
            true => store.insert(call, key, b"v").await,
            false => store.update(call, key, b"v").await,
        };
        let written = match asked {
            Ok(_) => application.wait(call, Until::Included, Duration::from_secs(20)).await?,
            Err(ClientError::Problem(problem)) if problem.effect == Some(Effect::Never) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        became(&written).ok_or_else(|| format!("{call:?} is in no block: {written:?}").into())
    }

    /// How many versions of the key the ledger has.
    async fn versions(&self, key: &str) -> Result<usize, Trouble> {
        loop {
            match self.application().store(Some(&self.contract)).history(key).await {
                Ok(versions) => return Ok(versions.len()),
                Err(error) => self.city.patience(error.into()).await?,
            }
        }
    }
}

/// Whether a write is in the ledger; none where that is open.
fn became(written: &Written) -> Option<bool> {
    match &written.settlement {
        Some(Settlement::Final { succeeded }) => Some(*succeeded),
        Some(Settlement::Never(_) | Settlement::Expired | Settlement::Superseded(_)) => Some(false),
        Some(Settlement::Answered) | None => Some(written.receipt.as_ref()?.outcome.as_ref()?.is_ok()),
    }
}
