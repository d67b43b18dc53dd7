//! Runs checks.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use adapter_spec::{Adapter, CallError, async_trait, standard, types::Descriptor};
use berth_lending::recording::{Recording, Room};
use futures_util::FutureExt as _;
use thiserror::Error;

use crate::{
    check::{Check, Facts, Fault, Run, Stop, Unmet},
    checks,
    evidence::{self, Evidence, MostRecorded},
    ground::Ground,
    progress::Progress,
    testbed::Testbed,
    trial::{Contracts, Observed, Trial, TrialSetup},
    verdict::{CheckResult, Conclusion, FaultReport, Outcome, Subject, Verdict, Versioned, standard_version},
};

/// Under which name the run's preparation is recorded.
const PREPARATION: &str = "preparation";
/// Of a check whose recordings had no room, and of rules that could not look at its calls. A replay, which has no such
/// recordings, says the same.
const CUT_OFF: &str =
    "the adapter asked for more than a recording has room for, and what is not recorded whole is not judged";

/// What is run.
pub struct Plan {
    /// The adapter, as a host made it.
    pub adapter: Arc<dyn Adapter>,
    /// Of a component file: its SHA-256 and its imports.
    pub component: Option<(String, Vec<String>)>,
    /// What the suite is told.
    pub testbed: Testbed,
    /// Where endpoints come from.
    pub ground: Arc<dyn Ground>,
    /// Decides names, keys, sizes and order.
    pub seed: u64,
    /// Leaves slow checks out.
    pub quick: bool,
    /// Only checks of these clauses, or with these ids, or of areas; empty: all.
    pub only: Vec<String>,
    /// Clauses that a certifier has waived, with the reason.
    pub waived: BTreeMap<String, String>,
    /// How much may be recorded.
    pub most_recorded: MostRecorded,
}

/// Why there is no verdict.
#[derive(Debug, Error)]
pub enum RunError {
    /// The adapter does not describe itself.
    #[error("the adapter does not describe itself")]
    Describe(#[source] CallError),
    /// The filter leaves nothing.
    #[error("no check is named {0}; see `berth certify run --list`")]
    Nothing(String),
    /// Something was waived that cannot be.
    #[error("{0} cannot be waived: clauses of ISO, LIM, KEYS and ONCE never are")]
    Waived(String),
}

/// Runs the plan.
///
/// # Errors
/// When there is nothing to run; everything else is in the verdict.
pub async fn run(plan: Plan, progress: &dyn Progress) -> Result<Evidence, RunError> {
    Runner::new(plan, None).await?.run(progress).await
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replay {
    /// The verdict of the replay.
    pub verdict: Verdict,
    /// Where the adapter did something else than what is recorded: the check, and the first difference.
    pub divergences: Vec<(String, String)>,
}

/// Runs the checks of evidence again, with what is recorded in place of a network.
///
/// # Errors
/// When there is nothing to run.
pub async fn replay(
    adapter: Arc<dyn Adapter>,
    component: Option<(String, Vec<String>)>,
    evidence: &Evidence,
    progress: &dyn Progress,
) -> Result<Replay, RunError> {
    let recorded = &evidence.verdict;
    let waived = recorded.results.iter().filter(|result| result.outcome == Outcome::Waived);
    let plan = Plan {
        adapter,
        component,
        testbed: evidence.testbed.clone(),
        ground: Arc::new(NoGround),
        seed: recorded.seed,
        quick: recorded.quick,
        only: evidence.only.clone(),
        waived: waived
            .map(|result| (result.clause.clone(), result.reason.clone().unwrap_or_default()))
            .collect(),
        most_recorded: MostRecorded::default(),
    };
    let mut runner = Runner::new(plan, Some(evidence.recordings.clone())).await?;
    let replayed = runner.run_checks(progress).await;
    let mut verdict = runner.verdict(replayed);
    // The recordings are the same ones where nothing diverged, and are not made again.
    verdict.evidence.clone_from(&recorded.evidence);
    Ok(Replay { verdict, divergences: runner.divergences })
}

/// A ground without anything: what is recorded takes its place.
struct NoGround;

#[async_trait]
impl Ground for NoGround {
    fn lend(&self, _application: &str, _limit: usize) -> Result<Arc<dyn adapter_spec::Lender>, Stop> {
        Err(Stop::Harness("a replay lends nothing".into()))
    }

    async fn control(&self, _name: &str, _places: &BTreeMap<&str, String>) -> Result<(), Stop> {
        Ok(())
    }

    fn is_live(&self) -> bool {
        false
    }
}

struct Runner {
    plan: Plan,
    checks: Vec<Check>,
    facts: Arc<Facts>,
    contracts: Contracts,
    replayed: Option<BTreeMap<String, Vec<Recording>>>,
    recordings: BTreeMap<String, Vec<Recording>>,
    /// How many bytes of recordings are there.
    recorded: u64,
    /// Whether any check has none, having had no room for them.
    is_cut_off: bool,
    divergences: Vec<(String, String)>,
    rules: Vec<(Check, Watch)>,
}

/// What a rule has seen.
#[derive(Default)]
struct Watch {
    seen: u64,
    broken: Option<(Fault, Vec<Observed>)>,
}

impl Runner {
    async fn new(plan: Plan, replayed: Option<BTreeMap<String, Vec<Recording>>>) -> Result<Self, RunError> {
        let descriptor: Descriptor = plan.adapter.describe().await.map_err(RunError::Describe)?;
        if let Some(clause) = plan.waived.keys().find(|clause| !is_waivable(clause)) {
            return Err(RunError::Waived(clause.clone()));
        }
        let checks = chosen(plan.quick, &plan.only);
        if checks.is_empty() {
            return Err(RunError::Nothing(plan.only.join(", ")));
        }
        let facts = Facts {
            interfaces: plan.adapter.interfaces(),
            testbed: plan.testbed.clone(),
            imports: plan.component.as_ref().map(|(_, imports)| imports.clone()),
            descriptor,
        };
        let rules = checks.iter().filter(|check| matches!(check.run, Run::Rule(_)));
        let rules = rules.map(|check| (*check, Watch::default())).collect();
        Ok(Runner {
            checks,
            facts: Arc::new(facts),
            contracts: Contracts::default(),
            replayed,
            recordings: BTreeMap::new(),
            recorded: 0,
            is_cut_off: false,
            divergences: Vec::new(),
            rules,
            plan,
        })
    }

    async fn run(mut self, progress: &dyn Progress) -> Result<Evidence, RunError> {
        let results = self.run_checks(progress).await;
        let verdict = self.verdict(results);
        Ok(Evidence {
            version: 1,
            testbed: self.plan.testbed,
            only: self.plan.only,
            verdict,
            recordings: self.recordings,
        })
    }

    fn verdict(&self, results: Vec<CheckResult>) -> Verdict {
        let descriptor = &self.facts.descriptor;
        Verdict {
            version: 1,
            adapter: Subject {
                name: descriptor.name.clone(),
                version: descriptor.version.clone(),
                framework: descriptor.framework.clone(),
                framework_versions: descriptor.framework_versions.clone(),
                component_sha256: self.plan.component.as_ref().map(|(digest, _)| digest.clone()),
                program_sha256: None,
                imports: self.facts.imports.clone(),
                interfaces: self.facts.interfaces,
            },
            standard: standard_version(),
            suite: Versioned { version: env!("CARGO_PKG_VERSION").into(), digest: checks::digest() },
            node: self.plan.testbed.node.clone(),
            testbed: self.plan.testbed.name.clone(),
            seed: self.plan.seed,
            quick: self.plan.quick,
            filtered: !self.plan.only.is_empty(),
            results,
            evidence: evidence::digest(&self.recordings),
        }
    }

    /// Prepares the ledger, runs the scenarios, and sums up the rules.
    async fn run_checks(&mut self, progress: &dyn Progress) -> Vec<CheckResult> {
        let mut results = Vec::new();
        let mut left = self.checks.len();
        match self.scenario(PREPARATION, |trial| Box::pin(async { trial.prepare().await })).await {
            (Ok(contracts), _) => self.contracts = contracts,
            (Err(stop), calls) => {
                let result = self.result("CALL-1", "preparation", Err(stop), &calls);
                // Without contracts there is nothing to check the rest with, and what failed is the adapter's.
                let result = CheckResult { check: PREPARATION.into(), ..result };
                progress.ended(&result);
                return vec![result];
            }
        }
        let common_life = checks::common_life();
        let has_rules = !self.rules.is_empty();
        let scenarios: Vec<_> = self.checks.clone();
        if has_rules {
            progress.begins("an ordinary life", left);
            let (_, _) = self.scenario("ordinary-life", move |trial| common_life(trial)).await;
        }
        for check in scenarios {
            let Run::Scenario(scenario) = check.run else { continue };
            let id = check.id();
            progress.begins(&id, left);
            left -= 1;
            let began = Instant::now();
            let result = match self.obstacle(&check) {
                Some((outcome, reason)) => self.blank(&check, outcome, Some(reason)),
                None => {
                    let (end, calls) = self.scenario(&id, move |trial| scenario(trial)).await;
                    self.result(check.clause, check.name, end, &calls)
                }
            };
            let result = CheckResult { took: began.elapsed(), ..result };
            progress.ended(&result);
            results.push(result);
        }
        for (check, watch) in std::mem::take(&mut self.rules) {
            let result = match (self.obstacle(&check), watch.broken) {
                (Some((outcome, reason)), _) => self.blank(&check, outcome, Some(reason)),
                (None, Some((fault, calls))) => {
                    self.result(check.clause, check.name, Err(Stop::Fail(fault)), &calls)
                }
                // A call that it did not see may be the one that breaks it.
                (None, None) if self.is_cut_off => self.blank(&check, Outcome::Unknown, Some(CUT_OFF.into())),
                (None, None) if watch.seen == 0 => {
                    let reason = "no call of this run was of the kind that the clause is about";
                    self.blank(&check, Outcome::NotApplicable, Some(reason.into()))
                }
                (None, None) => self.blank(&check, Outcome::Pass, None),
            };
            let result = CheckResult { calls: watch.seen, ..result };
            progress.ended(&result);
            results.push(result);
        }
        let order =
            |result: &CheckResult| standard::clauses().iter().position(|clause| clause.id == result.clause);
        results.sort_by_key(order);
        results
    }

    /// Why a check is not run: it does not apply, nobody can know, or it was waived.
    fn obstacle(&self, check: &Check) -> Option<(Outcome, String)> {
        if let Some(reason) = self.plan.waived.get(check.clause) {
            return Some((Outcome::Waived, reason.clone()));
        }
        check.needs.iter().find_map(|need| match need.check(&self.facts) {
            Ok(()) => None,
            Err(Unmet::NotApplicable(reason)) => Some((Outcome::NotApplicable, reason)),
            Err(Unmet::Unknown(reason)) => Some((Outcome::Unknown, reason)),
        })
    }

    fn blank(&self, check: &Check, outcome: Outcome, reason: Option<String>) -> CheckResult {
        CheckResult {
            clause: check.clause.into(),
            check: check.id(),
            outcome,
            reason,
            fault: None,
            calls: 0,
            took: std::time::Duration::ZERO,
        }
    }

    /// Runs one scenario in a world of its own, holds its calls to the rules, and keeps its recordings.
    async fn scenario<T>(
        &mut self,
        name: &str,
        scenario: impl for<'a> FnOnce(&'a mut Trial) -> futures_util::future::BoxFuture<'a, Result<T, Stop>>,
    ) -> (Result<T, Stop>, Vec<Observed>) {
        let replayed = match &mut self.replayed {
            None => None,
            Some(recordings) => match recordings.remove(name) {
                Some(recordings) => Some(recordings),
                None => return self.cut_off(),
            },
        };
        let most = self.plan.most_recorded;
        let room = Room::new(most.check.min(most.run.saturating_sub(self.recorded)));
        let mut trial = Trial::new(TrialSetup {
            facts: self.facts.clone(),
            adapter: self.plan.adapter.clone(),
            contracts: self.contracts.clone(),
            ground: self.plan.ground.clone(),
            seed: self.plan.seed,
            name: name.to_owned(),
            room: room.clone(),
            replayed,
        });
        let end = tokio::select! {
            end = std::panic::AssertUnwindSafe(scenario(&mut trial)).catch_unwind() => {
                end.unwrap_or_else(|_| Err(Stop::Harness("the check itself panicked".into())))
            }
            // Going on would only gather more that nobody can judge, in the log and the state too.
            () = room.overflowed() => Err(Stop::Unknown(CUT_OFF.into())),
        };
        let end = match trial.end().await {
            Ok(()) => end,
            Err(broken) => end.and(Err(broken)),
        };
        let Ok(recordings) = trial.recordings() else { return self.cut_off() };
        self.recorded += room.taken();
        let calls = trial.calls();
        for (check, watch) in &mut self.rules {
            let Run::Rule(rule) = check.run else { continue };
            for (number, call) in calls.iter().enumerate() {
                let Some(kept) = rule(call, &self.facts) else { continue };
                watch.seen += 1;
                if let (Err(fault), None) = (kept, &watch.broken) {
                    watch.broken = Some((fault, calls.iter().take(number + 1).cloned().collect()));
                }
            }
        }
        if let Some(divergence) = trial.divergence() {
            self.divergences.push((name.to_owned(), divergence));
        }
        self.recordings.insert(name.to_owned(), recordings);
        (end, calls)
    }

    /// How a scenario ends that has no recordings. Its calls are judged by nobody: they may be incomplete, and a replay does
    /// not have them.
    fn cut_off<T>(&mut self) -> (Result<T, Stop>, Vec<Observed>) {
        self.is_cut_off = true;
        (Err(Stop::Unknown(CUT_OFF.into())), Vec::new())
    }

    fn result(&self, clause: &str, name: &str, end: Result<(), Stop>, calls: &[Observed]) -> CheckResult {
        let (outcome, reason, fault) = match end {
            Ok(()) => (Outcome::Pass, None, None),
            Err(Stop::NotApplicable(reason)) => (Outcome::NotApplicable, Some(reason), None),
            Err(Stop::Unknown(reason)) => (Outcome::Unknown, Some(reason), None),
            Err(Stop::Harness(reason)) => (Outcome::Error, Some(reason), None),
            Err(Stop::Fail(fault)) => {
                let is_should = standard::clause(clause)
                    .is_some_and(|clause| clause.strength == standard::Strength::Should);
                let outcome = if is_should { Outcome::Warn } else { Outcome::Fail };
                (outcome, None, Some(FaultReport::new(fault, calls)))
            }
        };
        CheckResult {
            clause: clause.into(),
            check: format!("{clause}/{name}"),
            outcome,
            reason,
            fault,
            calls: u64::try_from(calls.len()).unwrap_or(u64::MAX),
            took: std::time::Duration::ZERO,
        }
    }
}

/// Whether a certifier may let a clause be.
#[must_use]
pub fn is_waivable(clause: &str) -> bool {
    let area = clause.split_once('-').map_or(clause, |(area, _)| area);
    !matches!(area, "ISO" | "LIM" | "KEYS" | "ONCE")
}

/// The checks that a run comes to, in the standard's order; see [`Plan::quick`] and [`Plan::only`].
#[must_use]
pub fn chosen(quick: bool, only: &[String]) -> Vec<Check> {
    checks::all().into_iter().filter(|check| !(quick && check.slow) && is_chosen(check, only)).collect()
}

fn is_chosen(check: &Check, only: &[String]) -> bool {
    let area = check.clause.split_once('-').map_or("", |(area, _)| area);
    only.is_empty() || only.iter().any(|name| *name == check.id() || name == check.clause || name == area)
}

impl Evidence {
    /// What the run means.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        self.verdict.conclusion()
    }
}
