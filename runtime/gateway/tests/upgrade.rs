//! New versions of an adapter, put in while its applications run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use adapter_spec::{
    Adapter, CallError, Ended, Interfaces, Ledger, Lender, Limit, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Effect, Envelope, Error, ErrorCode,
        Estimate, EventFilter, EventPage, EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof,
        PublicKey, Receipt, SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};
use berth_gateway::{Adapters, NotPermitted, NotUpgraded, Offered, Permitted, UpgradeTerms, taken_back};
use berth_model::MAIN_SPACE;
use serde_json::json;
use support::{Participant, World, insert, order, read};

const APP: &str = "/v1/applications/shop";
/// Longer than any test.
const TRIAL: UpgradeTerms = UpgradeTerms { trial: Duration::from_secs(3_600), new_major: false };

/// What a version does worse than the model's adapter.
#[derive(Clone, Copy, Default)]
struct Faults {
    opens_nothing: bool,
    /// After this many calls of these functions.
    traps: Option<(&'static str, u64)>,
    /// Of `resume` and `receipt`: it reads nothing that the version before wrote.
    forgets: bool,
    /// Its `block` runs out of time, after as long as this.
    out_of_time: Option<Duration>,
    /// Its `block` takes so long, and then answers.
    slow: Duration,
    /// What becomes of its `send`.
    sends: Sends,
}

#[derive(Clone, Copy, Default)]
enum Sends {
    #[default]
    Well,
    /// It cannot read the envelope, and sends nothing.
    Refuses,
    /// It sends the envelope, and its time is over before the answer is there.
    LosesTheAnswer,
}

/// The model's adapter as another version.
struct Version {
    adapter: Arc<dyn Adapter>,
    faults: Faults,
    calls: Arc<AtomicU64>,
}

struct VersionLedger {
    ledger: Arc<dyn Ledger>,
    faults: Faults,
    calls: Arc<AtomicU64>,
}

impl VersionLedger {
    fn enter(&self, function: &str) -> Result<(), Ended> {
        let calls = self.calls.fetch_add(1, Ordering::SeqCst);
        match self.faults.traps {
            Some((traps, after)) if traps == function && calls >= after => {
                Err(Ended::Trapped { message: "unreachable".into() })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Adapter for Version {
    fn interfaces(&self) -> Interfaces {
        self.adapter.interfaces()
    }

    async fn describe(&self) -> Result<Descriptor, CallError> {
        self.adapter.describe().await
    }

    async fn open(&self, lender: Arc<dyn Lender>, settings: &str) -> Result<Arc<dyn Ledger>, CallError> {
        if self.faults.opens_nothing {
            return Err(CallError::Answered(Error::new(ErrorCode::InvalidArgument, "settings: unknown")));
        }
        let ledger = self.adapter.open(lender, settings).await?;
        Ok(Arc::new(VersionLedger { ledger, faults: self.faults, calls: self.calls.clone() }))
    }

    async fn verify(&self, lender: Arc<dyn Lender>, anchor: Vec<u8>, proof: Proof) -> Result<(), CallError> {
        self.adapter.verify(lender, anchor, proof).await
    }
}

macro_rules! pass {
    ($($function:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Ledger for VersionLedger {
            $(async fn $function(&self, $($argument: $type),*) -> $answer {
                self.enter(stringify!($function))?;
                self.ledger.$function($($argument),*).await
            })*

            async fn resume(
                &self,
                continuation: Vec<u8>,
                signatures: Vec<Signature>,
            ) -> Result<Step, CallError> {
                self.enter("resume")?;
                self.reads()?;
                self.ledger.resume(continuation, signatures).await
            }

            async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
                self.enter("send")?;
                match self.faults.sends {
                    Sends::Well => self.ledger.send(envelope).await,
                    Sends::Refuses => {
                        let error = Error::new(ErrorCode::InvalidArgument, "this is not of mine");
                        Err(CallError::Answered(SendFailure { error, effect: Effect::Never }))
                    }
                    Sends::LosesTheAnswer => {
                        self.ledger.send(envelope).await?;
                        let limit = Limit::WallTime;
                        Err(Ended::LimitReached { limit, allowed: "so long".into() }.into())
                    }
                }
            }

            async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
                self.enter("block")?;
                tokio::time::sleep(self.faults.slow).await;
                if let Some(time) = self.faults.out_of_time {
                    tokio::time::sleep(time).await;
                    let limit = Limit::WallTime;
                    return Err(Ended::LimitReached { limit, allowed: "so long".into() }.into());
                }
                self.ledger.block(selector).await
            }

            async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
                self.enter("receipt")?;
                self.reads()?;
                self.ledger.receipt(transaction, tracking).await
            }
        }
    };
}

impl VersionLedger {
    fn reads(&self) -> Result<(), CallError> {
        if self.faults.forgets {
            return Err(CallError::Answered(Error::new(ErrorCode::InvalidArgument, "this is not of mine")));
        }
        Ok(())
    }
}

pass! {
    status() -> Result<LedgerStatus, CallError>;
    accounts(key: PublicKey) -> Result<Vec<String>, CallError>;
    begin(call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError>;
    abandon(continuation: Vec<u8>) -> Result<(), CallError>;
    replace(original: Envelope, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError>;
    estimate(call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Estimate, CallError>;
    plan(goal: Goal) -> Result<Vec<PlannedCall>, CallError>;
    contract_abi(contract: &str) -> Result<Option<String>, CallError>;
    events(filter: EventFilter, start: EventStart, limit: u32, max_bytes: u32) -> Result<EventPage, CallError>;
    to_call(contract: &str, operation: StoreOperation) -> Result<Call, CallError>;
    from_outcome(operation: StoreOperation, outcome: Result<Output, Error>) -> Result<StoreAnswer, CallError>;
    prove(claim: Claim) -> Result<Proof, CallError>;
}

/// The model's adapter as this version, and how often its ledgers were called.
async fn version(version: &str, faults: Faults) -> (Offered, Arc<AtomicU64>) {
    let mut offered = support::model().await;
    offered.descriptor.version = version.into();
    offered.digest = Some(version.into());
    let calls = Arc::new(AtomicU64::new(0));
    offered.adapter = Arc::new(Version { adapter: offered.adapter, faults, calls: calls.clone() });
    (offered, calls)
}

/// A shop on version 1.0.0.
async fn shop() -> (Arc<World>, Arc<Participant>) {
    let world = World::new().await;
    world.gateway.adapters().put(version("1.0.0", Faults::default()).await.0).unwrap();
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    (Arc::new(world), Arc::new(alice))
}

fn current(world: &World) -> String {
    world.gateway.adapters().get("model").unwrap().descriptor.version.clone()
}

/// Writes and reads until it is told to stop. Gives how many writes there were, all of which succeeded, as did the reads.
fn load(world: &Arc<World>, by: &Arc<Participant>, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<u64> {
    let (world, by, stop) = (world.clone(), by.clone(), stop.clone());
    tokio::spawn(async move {
        let mut number = 0;
        while !stop.load(Ordering::SeqCst) {
            let key = format!("k{number}");
            let path = format!("{APP}/invoke?until=included");
            let written = world.post(&by, &path, Some(&key), insert(&key, "v")).await;
            assert_eq!(written.status, 200, "{written:?}");
            assert!(written.body["receipt"]["outcome"]["ok"].is_object(), "{written:?}");
            let found = world.post(&by, &format!("{APP}/evaluate"), None, read(&key)).await;
            assert_eq!(found.status, 200, "{found:?}");
            number += 1;
        }
        number
    })
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_call_fails_through_an_upgrade_and_each_write_happens_once() {
    let (world, alice) = shop().await;
    let account = world.fund("shop", &alice).await;
    let before = world.ledger.transactions(MAIN_SPACE, &account);
    let stop = Arc::new(AtomicBool::new(false));
    let loading = load(&world, &alice, &stop);
    for number in 1..4 {
        let (offered, calls) = version(&format!("1.{number}.0"), Faults::default()).await;
        let upgraded = world.gateway.upgrade(offered, TRIAL).await.unwrap();
        assert_eq!((upgraded.applications, upgraded.in_use), (1, 1));
        let looked = calls.load(Ordering::SeqCst);
        until("the new version takes calls", || calls.load(Ordering::SeqCst) > looked + 10).await;
        assert_eq!(current(&world), format!("1.{number}.0"));
    }
    stop.store(true, Ordering::SeqCst);
    let written = loading.await.unwrap();
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), before + written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_traps_is_taken_back_and_nobody_notices() {
    for function in ["begin", "resume", "send", "receipt", "status"] {
        let (world, alice) = shop().await;
        let account = world.fund("shop", &alice).await;
        let before = world.ledger.transactions(MAIN_SPACE, &account);
        let stop = Arc::new(AtomicBool::new(false));
        let loading = load(&world, &alice, &stop);
        let faults = Faults { traps: Some((function, 12)), ..Faults::default() };
        world.gateway.upgrade(version("1.1.0", faults).await.0, TRIAL).await.unwrap();
        until(function, || current(&world) == "1.0.0").await;
        stop.store(true, Ordering::SeqCst);
        let written = loading.await.unwrap();
        assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), before + written, "{function}");
        let why = world.gateway.adapters().trial("model").unwrap().failure().unwrap().to_owned();
        assert!(why.starts_with(function) && why.contains("unreachable"), "{why}");
    }
}

#[tokio::test]
async fn what_the_version_before_may_have_sent_is_not_told_to_be_never() {
    let (world, alice) = shop().await;
    let loses = Faults { sends: Sends::LosesTheAnswer, ..Faults::default() };
    world.gateway.upgrade(version("1.1.0", loses).await.0, TRIAL).await.unwrap();
    let refuses = Faults { sends: Sends::Refuses, ..Faults::default() };
    world.gateway.upgrade(version("1.2.0", refuses).await.0, TRIAL).await.unwrap();
    let account = world.fund("shop", &alice).await;
    let before = world.ledger.transactions(MAIN_SPACE, &account);
    let sent = world.post(&alice, &format!("{APP}/invoke"), Some("1"), insert("k", "v")).await;
    assert_eq!((sent.status.as_u16(), sent.body["state"].as_str()), (200, Some("under-way")), "{sent:?}");
    world.ledger.mine(MAIN_SPACE, 5);
    let settled = world.get(&alice, &format!("{APP}/calls/1?until=settled")).await;
    assert_eq!(settled.body["settlement"], json!({"final": {"succeeded": true}}), "{settled:?}");
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), before + 1);
}

#[tokio::test]
async fn an_upgrade_that_is_refused_ends_no_trial() {
    let (world, alice) = shop().await;
    let faults = Faults { traps: Some(("block", 0)), ..Faults::default() };
    world.gateway.upgrade(version("1.1.0", faults).await.0, TRIAL).await.unwrap();
    let refused =
        world.gateway.upgrade(version("2.0.0", Faults::default()).await.0, TRIAL).await.unwrap_err();
    assert!(matches!(refused, NotUpgraded::NewMajor { .. }), "{refused}");
    assert!(world.gateway.adapters().trial("model").is_some());
    let block = world.get(&alice, &format!("{APP}/blocks/latest")).await;
    assert_eq!(block.status, 200, "the version before is still there: {block:?}");
    assert_eq!(current(&world), "1.0.0");
}

#[tokio::test]
async fn a_version_that_cannot_read_what_the_one_before_wrote_is_taken_back() {
    let (world, alice) = shop().await;
    let sent = world.post(&alice, &format!("{APP}/invoke"), Some("1"), insert("k", "v")).await;
    assert_eq!(sent.body["state"], "under-way", "{sent:?}");
    let faults = Faults { forgets: true, ..Faults::default() };
    world.gateway.upgrade(version("1.1.0", faults).await.0, TRIAL).await.unwrap();
    world.ledger.mine(MAIN_SPACE, 5);
    let settled = world.get(&alice, &format!("{APP}/calls/1?until=settled")).await;
    assert_eq!(settled.body["settlement"], json!({"final": {"succeeded": true}}), "{settled:?}");
    assert_eq!(current(&world), "1.0.0");
}

#[tokio::test]
async fn time_that_runs_out_takes_a_version_back_only_where_the_one_before_was_far_from_it() {
    let time = Duration::from_millis(1_500);
    // The one before takes nearly as long itself: its answer counts, and no more.
    for (slow, back) in [(time, false), (Duration::ZERO, true)] {
        let (world, alice) = shop().await;
        let before = Faults { slow, ..Faults::default() };
        world.gateway.upgrade(version("1.1.0", before).await.0, TRIAL).await.unwrap();
        let faults = Faults { out_of_time: Some(time), ..Faults::default() };
        world.gateway.upgrade(version("1.2.0", faults).await.0, TRIAL).await.unwrap();
        let block = world.get(&alice, &format!("{APP}/blocks/latest")).await;
        assert_eq!(block.status, 200, "{block:?}");
        assert_eq!(current(&world), if back { "1.1.0" } else { "1.2.0" });
    }
}

#[tokio::test]
async fn a_version_that_does_worse_for_one_application_is_not_put_in() {
    let (world, alice) = shop().await;
    world.gateway.create(order("idle", &world.url, "alice")).await.unwrap();
    let nothing = Faults { opens_nothing: true, ..Faults::default() };
    let refused = world.gateway.upgrade(version("1.1.0", nothing).await.0, TRIAL).await.unwrap_err();
    let NotUpgraded::Applications { failed: 2, of: 2, first, .. } = &refused else { panic!("{refused}") };
    assert!(first.iter().any(|(name, why)| name == "shop" && why.contains("unknown")), "{refused}");
    let silent = Faults { traps: Some(("status", 0)), ..Faults::default() };
    let refused = world.gateway.upgrade(version("1.1.0", silent).await.0, TRIAL).await.unwrap_err();
    // Only the one in use is asked for its status.
    let NotUpgraded::Applications { failed: 1, of: 2, .. } = &refused else { panic!("{refused}") };
    assert_eq!(current(&world), "1.0.0");
    assert!(world.gateway.adapters().trial("model").is_none());
    let found = world.get(&alice, &format!("{APP}/status")).await;
    assert_eq!(found.status, 200, "{found:?}");
}

#[tokio::test]
async fn another_framework_or_major_version_is_not_put_in_unasked() {
    let (world, _alice) = shop().await;
    let major = world.gateway.upgrade(version("2.0.0", Faults::default()).await.0, TRIAL).await.unwrap_err();
    assert!(matches!(&major, NotUpgraded::NewMajor { .. }) && major.to_string().contains("--new-major"));
    let (mut other, _) = version("1.1.0", Faults::default()).await;
    other.descriptor.framework = "another".into();
    let other = world.gateway.upgrade(other, TRIAL).await.unwrap_err();
    assert!(matches!(other, NotUpgraded::OtherFramework { .. }), "{other}");
    let (mut unknown, _) = version("1.1.0", Faults::default()).await;
    unknown.descriptor.name = "unknown".into();
    let unknown = world.gateway.upgrade(unknown, TRIAL).await.unwrap_err();
    assert!(matches!(unknown, NotUpgraded::NoSuchAdapter(_)), "{unknown}");
    assert_eq!(current(&world), "1.0.0");
    let terms = UpgradeTerms { new_major: true, ..TRIAL };
    world.gateway.upgrade(version("2.0.0", Faults::default()).await.0, terms).await.unwrap();
    assert_eq!(current(&world), "2.0.0");
}

#[tokio::test]
async fn after_its_trial_a_version_is_alone_and_the_one_before_is_let_go() {
    let (world, alice) = shop().await;
    let old = Arc::downgrade(&world.gateway.adapters().get("model").unwrap());
    assert_eq!(world.get(&alice, &format!("{APP}/status")).await.status, 200);
    let terms = UpgradeTerms { trial: Duration::ZERO, new_major: false };
    // It would be taken back for this, while it is on trial.
    let faults = Faults { traps: Some(("block", 0)), ..Faults::default() };
    world.gateway.upgrade(version("1.1.0", faults).await.0, terms).await.unwrap();
    until("the trial is over", || world.gateway.adapters().trial("model").is_none()).await;
    assert_eq!(world.get(&alice, &format!("{APP}/status")).await.status, 200);
    let block = world.get(&alice, &format!("{APP}/blocks/latest")).await;
    assert_eq!(block.body["code"], "adapter-ended", "{block:?}");
    assert_eq!(current(&world), "1.1.0");
    until("nothing holds the version before", || old.strong_count() == 0).await;
}

#[tokio::test]
async fn the_operator_takes_a_version_back_and_who_is_withdrawn_goes() {
    let (world, alice) = shop().await;
    assert!(!world.gateway.take_back("model", "nothing is on trial").await.unwrap());
    world.gateway.upgrade(version("1.1.0", Faults::default()).await.0, TRIAL).await.unwrap();
    assert!(world.gateway.take_back("model", "receipts look odd").await.unwrap());
    assert_eq!(current(&world), "1.0.0");
    let taken_back = world.gateway.adapters().each(|slot| slot.taken_back.clone()).remove(0).unwrap();
    assert_eq!((taken_back.version.as_str(), taken_back.why.as_str()), ("1.1.0", "receipts look odd"));
    assert_eq!(world.get(&alice, &format!("{APP}/status")).await.status, 200);

    // On trial, the one before goes on; alone, nothing does; and of the one before, the new one alone is left.
    let adapters = world.gateway.adapters();
    world.gateway.upgrade(version("1.2.0", Faults::default()).await.0, TRIAL).await.unwrap();
    adapters.withdraw("model", Some("1.2.0"), "revoked");
    assert_eq!(current(&world), "1.0.0");
    world.gateway.upgrade(version("1.3.0", Faults::default()).await.0, TRIAL).await.unwrap();
    adapters.withdraw("model", Some("1.0.0"), "revoked");
    assert!(adapters.trial("model").is_none());
    assert_eq!(current(&world), "1.3.0");
    adapters.withdraw("model", Some("1.0.0"), "revoked");
    assert_eq!(current(&world), "1.3.0");
    adapters.withdraw("model", Some("1.3.0"), "revoked");
    assert!(adapters.get("model").is_none());
    assert_eq!(world.get(&alice, &format!("{APP}/status")).await.body["code"], "adapter-missing");
}

#[tokio::test]
async fn what_was_taken_back_is_remembered_until_it_is_tried_again() {
    let (world, alice) = shop().await;
    let remembered = async || {
        let all = taken_back(world.store.clone()).await.unwrap();
        all.into_iter().map(|(name, of)| (name, of.version, of.digest, of.back_to)).collect::<Vec<_>>()
    };
    let of = |version: &str| {
        vec![("model".to_owned(), version.to_owned(), Some(version.to_owned()), Some("1.0.0".to_owned()))]
    };
    world.gateway.upgrade(version("1.1.0", Faults::default()).await.0, TRIAL).await.unwrap();
    assert_eq!(remembered().await, []);
    world.gateway.take_back("model", "receipts look odd").await.unwrap();
    assert_eq!(remembered().await, of("1.1.0"));
    // That nobody told: it fails by itself.
    let faults = Faults { traps: Some(("block", 0)), ..Faults::default() };
    world.gateway.upgrade(version("1.2.0", faults).await.0, TRIAL).await.unwrap();
    assert_eq!(remembered().await, []);
    assert_eq!(world.get(&alice, &format!("{APP}/blocks/latest")).await.status, 200);
    let noted = async {
        while remembered().await != of("1.2.0") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), noted).await.expect("it is remembered");
    // One that is refused is not tried.
    let nothing = Faults { opens_nothing: true, ..Faults::default() };
    world.gateway.upgrade(version("1.3.0", nothing).await.0, TRIAL).await.unwrap_err();
    assert_eq!(remembered().await, of("1.2.0"));
    world.gateway.upgrade(version("1.2.0", Faults::default()).await.0, TRIAL).await.unwrap();
    assert_eq!(remembered().await, []);
}

#[tokio::test]
async fn a_node_runs_only_what_its_policy_permits() {
    let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    let model = support::model().await;
    let framework = model.descriptor.framework.clone();
    let permitted = model.descriptor.permissioned;
    let all = Permitted::default();
    assert_eq!(all.check(&model.descriptor), Ok(()));
    let only = Permitted { frameworks: list(&[&framework]), adapters: list(&["model"]), ..all.clone() };
    assert_eq!(only.check(&model.descriptor), Ok(()));
    let no_public = Permitted { public_ledgers: false, ..all.clone() };
    assert_eq!(no_public.check(&model.descriptor).is_ok(), permitted);
    let mut public = model.descriptor.clone();
    public.permissioned = false;
    assert!(matches!(no_public.check(&public), Err(NotPermitted::PublicLedger { .. })));
    let others = Permitted { frameworks: list(&["another"]), ..all.clone() };
    assert!(matches!(others.check(&model.descriptor), Err(NotPermitted::Framework { .. })));
    let none = Permitted { adapters: list(&[]), ..all };
    assert!(matches!(none.check(&model.descriptor), Err(NotPermitted::Adapter { .. })));

    // What is not permitted is not put in, so no application can be created on it.
    let adapters = Adapters::new(none);
    assert!(adapters.put(model).is_err());
    assert!(adapters.get("model").is_none());
}
