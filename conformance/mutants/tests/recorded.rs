//! A run records no more than it has room for, and what it did not record whole it does not judge.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, in its helpers too")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use adapter_spec::{
    Adapter, CallError, Function, async_trait,
    types::{LedgerStatus, transport::LogLevel},
};
use berth_mutants::{Honest, Mutation, mutate};
use berth_suite::{Conclusion, Evidence, MostRecorded, Outcome, Silent, replay};
use support::{examine, examine_within};

/// A check that asks for the status, a rule about errors, and a check that does not.
const CHECKS: [&str; 3] = ["FIN-1", "ERR-1", "ONCE-1"];

fn only() -> Vec<String> {
    CHECKS.map(str::to_owned).to_vec()
}

fn honest() -> Arc<dyn Adapter> {
    Arc::new(berth_model::native())
}

/// Logs a thousand bytes whenever it is asked for the status, for as long as it lives.
struct Chatters {
    logged: Arc<AtomicU64>,
}

#[async_trait]
impl Mutation for Chatters {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        loop {
            honest.imports(Function::Status).log(LogLevel::Info, &"x".repeat(1_000));
            self.logged.fetch_add(1_000, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }
}

/// The checks that have recordings, and the outcome of each check.
fn outcomes(evidence: &Evidence) -> Vec<(&str, Outcome)> {
    evidence.verdict.results.iter().map(|result| (result.check.as_str(), result.outcome)).collect()
}

#[tokio::test]
async fn an_adapter_that_asks_without_end_is_stopped_at_the_bound_and_its_checks_are_unknown() {
    let logged = Arc::new(AtomicU64::new(0));
    let adapter = mutate(honest(), Box::new(Chatters { logged: logged.clone() }));
    let most = MostRecorded { check: 1 << 20, run: 1 << 23 };
    let run = examine_within(most, adapter.clone(), only(), &[]);
    let evidence = tokio::time::timeout(Duration::from_secs(60), run).await.unwrap();
    assert_eq!(evidence.conclusion(), Conclusion::Unknown);
    assert!(evidence.verdict.obstacle().is_some());
    let outcomes = outcomes(&evidence);
    let unknown: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Unknown).collect();
    assert!(!unknown.is_empty(), "{outcomes:?}");
    for (check, _) in unknown {
        assert!(!evidence.recordings.contains_key(*check), "{check}");
    }
    // Each check was stopped soon after its bound.
    let checks = u64::try_from(outcomes.len()).unwrap() + 2;
    assert!(logged.load(Ordering::Relaxed) <= checks * (most.check + 10_000));
}

#[tokio::test]
async fn what_was_not_recorded_whole_is_unknown_and_the_replay_says_so_too() {
    let whole = examine(honest(), only(), &[]).await;
    let lengths = whole
        .recordings
        .iter()
        .map(|(name, recordings)| (serde_json::to_vec(recordings).unwrap().len() as u64, name.as_str()));
    let (longest, cut) = lengths.max().unwrap();
    let most = MostRecorded { check: longest, ..MostRecorded::default() };
    let evidence = examine_within(most, honest(), only(), &[]).await;
    assert!(!evidence.recordings.contains_key(cut) && !evidence.recordings.is_empty(), "{cut}");
    assert_eq!(evidence.conclusion(), Conclusion::Unknown);
    for ((check, before), (same, now)) in outcomes(&whole).into_iter().zip(outcomes(&evidence)) {
        assert_eq!(check, same);
        let is_recorded = evidence.recordings.contains_key(check);
        let expected = if is_recorded { before } else { Outcome::Unknown };
        assert_eq!(now, expected, "{check}");
    }
    let evidence = Evidence::unpack(&evidence.pack().unwrap()).unwrap();
    let component = Some(("00".repeat(32), vec!["bsn:framework/endpoints@0.1.0".to_owned()]));
    let replayed = replay(honest(), component, &evidence, &Silent).await.unwrap();
    assert_eq!(replayed.divergences, []);
    assert_eq!(replayed.verdict.canonical_json(), evidence.verdict.canonical_json());
}

#[tokio::test]
async fn a_run_has_one_room_for_all_its_checks() {
    let whole = examine(honest(), only(), &[]).await;
    let length = serde_json::to_vec(&whole.recordings).unwrap().len() as u64;
    let most = MostRecorded { run: length / 2, ..MostRecorded::default() };
    let evidence = examine_within(most, honest(), only(), &[]).await;
    assert_eq!(evidence.conclusion(), Conclusion::Unknown);
    assert!(evidence.recordings.len() < whole.recordings.len());
    assert!(serde_json::to_vec(&evidence.recordings).unwrap().len() as u64 <= length / 2);
}
