//! A crash at every point: exactly one transaction takes effect, nothing is sent before it is durable, and what the caller
//! was told stays true.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use adapter_spec::types::{CallOptions, SignRequest, Signature, Validity};
use berth_journal::{
    Begin, Crash, CrashStore, DriveError, Journal, JournalError, Outcome, PayloadDigest, Settlement,
    SignerError, Task, Work, carry_out, recover,
};
use proptest::{prelude::*, test_runner::RngSeed};
use support::{APPLICATION, Counted, CrashingLedger, Node, Signatures, ToyLedger, block_on, key, work};

/// A crash: after this many steps of a life, and which of the unflushed writes survive it (bits, the first is the lowest).
type Stop = (u64, u64);

/// No piece of work takes more rounds than this without crashes.
const ROUNDS: usize = 20;

/// One try: a ledger that outlives the host, and what the host's callers were told.
struct World {
    ledger: Arc<ToyLedger>,
    signatures: Signatures,
    sources: Arc<Counted>,
    works: Vec<Work>,
    told: Vec<Option<Settlement>>,
}

impl World {
    fn new(ledger: ToyLedger, works: Vec<Work>) -> Self {
        let told = works.iter().map(|_| None).collect();
        let (ledger, sources) = (Arc::new(ledger), Arc::new(Counted::default()));
        World { ledger, signatures: Signatures::default(), sources, works, told }
    }

    /// One life of the host: recovers what is open, then carries all work out, round after round, until each is settled.
    async fn live(&mut self, store: &Arc<CrashStore>, crash: &Arc<Crash>) {
        let journal =
            Journal::with(Arc::clone(store) as _, Arc::clone(&self.sources) as _, Duration::from_secs(1));
        let ledger = CrashingLedger {
            ledger: Arc::clone(&self.ledger),
            crash: Arc::clone(crash),
            store: Arc::clone(store),
        };
        self.assert_listed(store).await;
        recover(&journal, APPLICATION, &ledger).await.unwrap();
        for _ in 0..ROUNDS {
            let mut under_way = false;
            for (work, told) in self.works.iter().zip(&mut self.told) {
                let signer = self.signatures.signer();
                match carry_out(&journal, &ledger, work.clone(), &signer, || {}).await {
                    Ok(Outcome::Settled { settlement, .. }) => {
                        let before = told.replace(settlement.clone());
                        assert!(before.is_none_or(|before| before == settlement), "not what was told before");
                    }
                    Ok(Outcome::UnderWay { .. }) => under_way = true,
                    // What it should replace has been settled.
                    Err(
                        DriveError::NothingToReplace(_)
                        | DriveError::Journal(JournalError::NothingToReplace { .. }),
                    ) => assert!(told.is_none()),
                    other => panic!("{other:?}"),
                }
            }
            if !under_way {
                // That a transaction is final becomes durable just after its caller is told.
                tokio::time::sleep(Duration::from_secs(1)).await;
                return;
            }
        }
        panic!("it comes to no end: {:?}", self.told);
    }

    /// Nothing that was sent and is not settled is forgotten at a restart.
    async fn assert_listed(&self, store: &CrashStore) {
        let journal = Journal::new(Arc::new(store.durable()));
        let open = journal.unsettled(APPLICATION, None, 100).await.unwrap().entries;
        for work in &self.works {
            let Some(entry) = journal.entry(&work.key).await.unwrap() else { continue };
            let Some(signed) = entry.state.signed() else { continue };
            let sent = self.ledger.lock().sent.contains(&signed.envelope.bytes);
            assert!(!sent || open.contains(&entry), "what was sent is not listed");
        }
    }

    /// Lives with these stops, and one more to the end. Gives the number of unflushed writes at the last stop; none if a
    /// life came to its end before its stop.
    fn run(&mut self, stops: &[Stop]) -> Option<usize> {
        let never = || Crash::after(u64::MAX);
        let mut store = Arc::new(CrashStore::new(never()));
        let (mut survivors, mut unflushed) = (0, 0);
        let reopen = |store: &CrashStore, crash: &Arc<Crash>, survivors: u64| {
            Arc::new(store.restarted(Arc::clone(crash), |write| survivors >> write & 1 == 1))
        };
        for (steps, survive) in stops {
            let crash = Crash::after(*steps);
            store = reopen(&store, &crash, survivors);
            if block_on(crash.run(self.live(&store, &crash))).is_some() {
                return None;
            }
            (survivors, unflushed) = (*survive, store.unflushed());
        }
        // To the end, and then once more after a crash that takes all that was not flushed.
        for last in [false, true] {
            let sent = self.ledger.lock().sent.len();
            let crash = never();
            store = reopen(&store, &crash, if last { 0 } else { survivors });
            block_on(self.live(&store, &crash));
            assert!(!last || self.ledger.lock().sent.len() == sent, "what was settled was sent again");
            self.check();
        }
        Some(unflushed)
    }

    /// Each piece of work had, once, the effect that its caller was told of.
    fn check(&self) {
        let mut toy = self.ledger.lock();
        toy.arrive(u32::MAX);
        let distinct = |all: &[Vec<u8>]| all.iter().collect::<BTreeSet<_>>().len();
        assert!(distinct(&toy.salts) <= self.works.len(), "a key had two salts");
        assert!(distinct(&toy.sent) <= self.works.len(), "a key had two envelopes");
        let is_final =
            |told: &&Option<Settlement>| matches!(told, Some(Settlement::Final { succeeded: true }));
        assert_eq!(toy.taken.len(), self.told.iter().filter(is_final).count(), "told {:?}", self.told);
    }
}

/// Every crash at every step with every set of survivors; after each, `depth` - 1 more. Gives the number of tries.
fn explore(make: &dyn Fn() -> World, stops: &mut Vec<Stop>, depth: usize) -> usize {
    let mut tries = 0;
    for steps in 1.. {
        stops.push((steps, 0));
        let unflushed = make().run(stops);
        let last = stops.len() - 1;
        for survivors in 0..unflushed.map_or(0, |unflushed| 1 << unflushed) {
            stops[last].1 = survivors;
            if survivors > 0 {
                assert_eq!(make().run(stops), unflushed, "the same try goes the same way");
            }
            tries += 1;
            if depth > 1 {
                tries += explore(make, stops, depth - 1);
            }
        }
        stops.pop();
        if unflushed.is_none() {
            break;
        }
    }
    tries
}

fn explore_all(depth: usize, make: impl Fn() -> World) {
    assert!(make().run(&[]).is_some());
    let tries = explore(&make, &mut Vec::new(), depth);
    assert!(tries > 20, "only {tries} crashes");
}

fn one(script: &[Node]) -> World {
    World::new(ToyLedger::with(script), vec![work("k", "1")])
}

#[test]
fn a_transaction_takes_effect_once_whatever_crashes_and_however_its_sends_end() {
    use Node::{Delays, HostEnds, Loses, Refuses, Takes, TakesSilently, Unreachable};
    let scripts: [&[Node]; 12] = [
        &[Takes],
        &[TakesSilently],
        &[Loses],
        &[Unreachable],
        &[Refuses],
        &[HostEnds],
        &[Loses, Unreachable],
        &[TakesSilently, Unreachable],
        &[Loses, Refuses],
        &[Delays, Unreachable],
        &[Delays, Loses, Unreachable],
        &[TakesSilently, Refuses, Loses],
    ];
    for script in scripts {
        explore_all(2, || one(script));
    }
}

#[test]
fn a_slow_receipt_and_one_that_fails_change_nothing() {
    explore_all(2, || {
        let world = one(&[Node::TakesSilently]);
        (world.ledger.lock().slow_receipts, world.ledger.lock().receipt_errors) = (2, 1);
        world
    });
}

#[test]
fn an_envelope_whose_time_is_over_is_never_sent() {
    explore_all(2, || {
        let world = one(&[]);
        world.sources.now.store(11, std::sync::atomic::Ordering::SeqCst);
        {
            let mut toy = world.ledger.lock();
            (toy.valid_until, toy.expired) = (Some(Validity::Millis(10)), true);
        }
        world
    });
    let mut world = one(&[]);
    world.sources.now.store(11, std::sync::atomic::Ordering::SeqCst);
    world.ledger.lock().valid_until = Some(Validity::Millis(10));
    assert!(world.run(&[]).is_some());
    assert_eq!(world.ledger.lock().sent.len(), 0);
    assert!(matches!(world.told[0], Some(Settlement::Never(_))));
}

#[test]
fn of_a_transaction_and_its_replacement_one_takes_effect() {
    let replacement = || {
        let options = CallOptions { max_fee: Some("9".into()), ..CallOptions::default() };
        Work { key: key("k2"), task: Task::Replace(key("k1")), parties: Vec::new(), options }
    };
    for script in [[Node::Loses, Node::Takes], [Node::Loses, Node::Loses], [Node::TakesSilently, Node::Takes]]
    {
        let make = || {
            let world = World::new(ToyLedger::with(&script), vec![work("k1", "1"), replacement()]);
            // Else it is settled before it can be replaced.
            world.ledger.lock().receipt_errors = 1;
            world
        };
        explore_all(1, make);
    }
}

#[test]
fn two_calls_keep_apart() {
    explore_all(1, || {
        World::new(ToyLedger::with(&[Node::Loses, Node::Unreachable]), vec![work("a", "1"), work("b", "1")])
    });
}

/// What a crash leaves of a store for certain.
fn after_a_crash(store: &CrashStore) -> Journal {
    Journal::new(Arc::new(store.durable()))
}

#[test]
fn a_key_that_was_begun_keeps_its_salt_through_a_crash() {
    block_on(async {
        let store = Arc::new(CrashStore::new(Crash::after(u64::MAX)));
        let begun = Journal::new(Arc::clone(&store) as _).begin(&key("k"), payload("1")).await.unwrap();
        let Begin::New { salt } = begun else { panic!("{begun:?}") };
        let found = after_a_crash(&store).begin(&key("k"), payload("1")).await.unwrap();
        assert!(matches!(found, Begin::Resumed(entry) if entry.salt == salt));
        assert_eq!(after_a_crash(&store).begin(&key("k"), payload("2")).await.unwrap(), Begin::Conflict);
    });
}

#[test]
fn a_call_that_failed_keeps_its_key_bound_through_a_crash() {
    block_on(async {
        let store = Arc::new(CrashStore::new(Crash::after(u64::MAX)));
        let journal = Journal::new(Arc::clone(&store) as _);
        // The toy takes no empty list of signatures.
        let nothing = |_: &SignRequest| -> Result<Vec<Signature>, SignerError> { Ok(Vec::new()) };
        let failed = carry_out(&journal, &ToyLedger::with(&[]), work("k", "1"), &nothing, || {}).await;
        assert!(matches!(failed, Err(DriveError::Call { function: "resume", .. })), "{failed:?}");
        assert_eq!(after_a_crash(&store).begin(&key("k"), payload("2")).await.unwrap(), Begin::Conflict);
    });
}

fn payload(argument: &str) -> PayloadDigest {
    work("k", argument).payload()
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        Just(Node::Takes),
        Just(Node::TakesSilently),
        Just(Node::Loses),
        Just(Node::Delays),
        Just(Node::Unreachable),
        Just(Node::Refuses),
        Just(Node::HostEnds),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed: RngSeed::Fixed(17), ..ProptestConfig::default() })]

    #[test]
    fn any_row_of_crashes_and_failures_leaves_each_transaction_once(
        script in prop::collection::vec(node(), 0..8),
        stops in prop::collection::vec((1_u64..60, any::<u64>()), 0..6),
        works in 1_usize..4,
        slow_receipts in 0_u32..3,
    ) {
        let works = (0..works).map(|number| work(&number.to_string(), "1")).collect();
        let mut world = World::new(ToyLedger::with(&script), works);
        world.ledger.lock().slow_receipts = slow_receipts;
        world.run(&stops);
    }
}
