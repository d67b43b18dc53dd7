//! What the journal binds, gives out, lists and forgets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use adapter_spec::{
    async_trait,
    types::{Envelope, ErrorCode, Validity},
};
use berth_journal::{
    Attempted, Begin, Bound, EntryKey, Journal, JournalError, MAX_ENVELOPE, MAX_NAME, MAX_REPLACEMENTS,
    MAX_TRANSACTION, MemoryStore, Page, PayloadDigest, Sendable, SequencePage, Settlement, State, Store,
    StoreError,
};
use support::{APPLICATION, Counted, Node, ToyLedger, block_on, call, error, key, transaction_id};
use tokio::sync::Semaphore;

const BINDING: Duration = Duration::from_millis(100);

fn journal() -> (Journal, Arc<Counted>) {
    let sources = Arc::new(Counted::default());
    (Journal::with(Arc::new(MemoryStore::new()), Arc::clone(&sources) as _, BINDING), sources)
}

fn payload(byte: u8) -> PayloadDigest {
    PayloadDigest::from_bytes([byte; 32])
}

/// Of an account nonce, as the toy ledger wants it.
fn envelope(nonce: u64, mark: u8) -> Envelope {
    let bytes = [nonce.to_be_bytes().as_slice(), &[mark]].concat();
    let (transaction, tracking) = (transaction_id(&bytes), nonce.to_be_bytes().to_vec());
    Envelope { transaction, bytes, valid_until: Validity::Unbounded, tracking }
}

async fn signed(journal: &Journal, name: &str, nonce: u64) -> Sendable {
    assert!(matches!(journal.begin(&key(name), payload(1)).await.unwrap(), Begin::New { .. }));
    match journal.signed(&key(name), envelope(nonce, 0)).await.unwrap() {
        Bound::Now(sendable) => sendable,
        Bound::Before(entry) => panic!("{entry:?}"),
    }
}

async fn state(journal: &Journal, name: &str) -> State {
    journal.entry(&key(name)).await.unwrap().unwrap().state
}

async fn open(journal: &Journal) -> Vec<String> {
    let page = journal.unsettled(APPLICATION, None, 100).await.unwrap();
    page.entries.iter().map(|entry| entry.key.idempotency().to_string()).collect()
}

#[test]
fn a_key_stays_bound_to_its_first_payload_salt_and_envelope() {
    block_on(async {
        let (journal, _) = journal();
        let Begin::New { salt } = journal.begin(&key("k"), payload(1)).await.unwrap() else { panic!() };
        let Begin::Resumed(entry) = journal.begin(&key("k"), payload(1)).await.unwrap() else { panic!() };
        assert_eq!((entry.salt, &entry.state, entry.payload), (salt, &State::Begun, payload(1)));
        assert_eq!(journal.begin(&key("k"), payload(2)).await.unwrap(), Begin::Conflict);
        let Begin::New { salt: other } = journal.begin(&key("l"), payload(1)).await.unwrap() else {
            panic!()
        };
        assert_ne!(salt, other);

        let Bound::Now(sendable) = journal.signed(&key("k"), envelope(1, 0)).await.unwrap() else { panic!() };
        assert_eq!((sendable.key(), sendable.envelope()), (&key("k"), &envelope(1, 0)));
        let Bound::Before(entry) = journal.signed(&key("k"), envelope(2, 9)).await.unwrap() else { panic!() };
        assert_eq!(entry.state.signed().unwrap().envelope, envelope(1, 0));
        let again = journal.resume(&key("k")).await.unwrap().unwrap();
        assert_eq!(again.envelope(), &envelope(1, 0));
        assert_eq!(journal.begin(&key("k"), payload(2)).await.unwrap(), Begin::Conflict);
        journal.settle(&key("k"), Settlement::Expired).await.unwrap();
        assert_eq!(journal.begin(&key("k"), payload(2)).await.unwrap(), Begin::Conflict);
        let Bound::Before(entry) = journal.signed(&key("k"), envelope(2, 9)).await.unwrap() else { panic!() };
        assert!(matches!(entry.state, State::Settled(_)));
        assert!(journal.resume(&key("k")).await.unwrap().is_none());
        assert!(journal.resume(&key("l")).await.unwrap().is_none());
    });
}

#[test]
fn what_was_not_begun_is_bound_to_nothing() {
    block_on(async {
        let (journal, _) = journal();
        let not_begun = |result| matches!(result, JournalError::NotBegun { key: found } if found == key("k"));
        assert!(not_begun(journal.signed(&key("k"), envelope(1, 0)).await.unwrap_err()));
        assert!(not_begun(journal.resume(&key("k")).await.unwrap_err()));
        assert!(not_begun(journal.settle(&key("k"), Settlement::Expired).await.unwrap_err()));
        assert_eq!(journal.entry(&key("k")).await.unwrap(), None);
    });
}

#[test]
fn a_lone_attempt_without_effect_settles_and_one_of_several_does_not() {
    block_on(async {
        let (journal, _) = journal();
        let ledger = ToyLedger::with(&[Node::Unreachable; 3]);
        let alone = signed(&journal, "alone", 1).await;
        let attempt = alone.send(&ledger).await;
        assert!(matches!(journal.attempted(attempt).await.unwrap(), Attempted::Never(_)));
        assert!(matches!(state(&journal, "alone").await, State::Settled(_)));

        let first = signed(&journal, "two", 2).await;
        let second = journal.resume(&key("two")).await.unwrap().unwrap();
        for sendable in [first, second] {
            let attempt = sendable.send(&ledger).await;
            assert!(matches!(journal.attempted(attempt).await.unwrap(), Attempted::NotThisTime(_)));
        }
        assert_eq!(state(&journal, "two").await.signed().unwrap().given_out, 2);
    });
}

#[test]
fn an_acknowledged_send_is_noted_and_an_unclear_one_is_not_taken_for_either() {
    block_on(async {
        let (journal, _) = journal();
        let ledger = ToyLedger::with(&[Node::Takes, Node::Loses, Node::HostEnds]);
        for (name, nonce) in [("sent", 1), ("lost", 2), ("ended", 3)] {
            let attempt = signed(&journal, name, nonce).await.send(&ledger).await;
            let attempted = journal.attempted(attempt).await.unwrap();
            assert_eq!(matches!(attempted, Attempted::Acknowledged), name == "sent");
            assert_eq!(matches!(attempted, Attempted::Unknown(_)), name != "sent");
            assert!(matches!(state(&journal, name).await, State::Signed(_)));
            if name == "sent" {
                journal.acknowledged(&key(name)).await.unwrap();
            }
            assert_eq!(matches!(state(&journal, name).await, State::Sent(_)), name == "sent");
        }
        let again = journal.resume(&key("sent")).await.unwrap().unwrap().send(&ToyLedger::default()).await;
        journal.attempted(again).await.unwrap();
        let State::Sent(sent) = state(&journal, "sent").await else { panic!() };
        assert_eq!((sent.given_out, sent.envelope), (2, envelope(1, 0)));
        // A node has it: one that then says that it was not reached changes nothing.
        let unreachable = ToyLedger::with(&[Node::Unreachable]);
        let late = journal.resume(&key("sent")).await.unwrap().unwrap().send(&unreachable).await;
        assert!(matches!(journal.attempted(late).await.unwrap(), Attempted::NotThisTime(_)));
    });
}

#[test]
fn an_envelope_that_is_too_late_settles_only_where_nobody_else_has_it() {
    block_on(async {
        let (journal, _) = journal();
        let lone = signed(&journal, "lone", 1).await;
        assert!(journal.too_late(lone).await.unwrap());
        let State::Settled(settled) = state(&journal, "lone").await else { panic!() };
        assert!(matches!(settled.settlement, Settlement::Never(error) if error.code == ErrorCode::Expired));
        let first = signed(&journal, "two", 2).await;
        let _second = journal.resume(&key("two")).await.unwrap().unwrap();
        assert!(!journal.too_late(first).await.unwrap());
        assert!(state(&journal, "two").await.signed().is_some());
    });
}

#[test]
fn the_first_settlement_counts_and_drops_the_bytes() {
    block_on(async {
        let (journal, sources) = journal();
        sources.now.store(77, Ordering::SeqCst);
        drop(signed(&journal, "k", 1).await);
        let good = Settlement::Final { succeeded: true };
        assert_eq!(journal.settle(&key("k"), Settlement::Answered).await.unwrap(), None);
        assert_eq!(journal.settle(&key("k"), good.clone()).await.unwrap(), Some(good.clone()));
        assert_eq!(journal.settle(&key("k"), Settlement::Expired).await.unwrap(), Some(good.clone()));
        let State::Settled(settled) = state(&journal, "k").await else { panic!() };
        let transaction = settled.transaction.unwrap();
        assert_eq!((settled.settlement, settled.settled_millis), (good, 77));
        assert_eq!(
            (transaction.id, transaction.tracking),
            (envelope(1, 0).transaction, envelope(1, 0).tracking)
        );
        let digest = String::from(transaction.bytes_digest);
        assert_eq!(digest, transaction_id(&envelope(1, 0).bytes));
    });
}

#[test]
fn a_call_without_envelope_can_only_have_been_answered() {
    block_on(async {
        let (journal, _) = journal();
        journal.begin(&key("k"), payload(1)).await.unwrap();
        assert_eq!(journal.settle(&key("k"), Settlement::Expired).await.unwrap(), None);
        assert_eq!(state(&journal, "k").await, State::Begun);
        let answered = journal.settle(&key("k"), Settlement::Answered).await.unwrap();
        assert_eq!(answered, Some(Settlement::Answered));
        let State::Settled(settled) = state(&journal, "k").await else { panic!() };
        assert_eq!(settled.transaction, None);
    });
}

#[test]
fn long_texts_of_adapters_are_cut_before_they_are_kept() {
    block_on(async {
        let (journal, _) = journal();
        let long = "é".repeat(5_000);
        let mut failure = error(ErrorCode::Rejected, false);
        (failure.message, failure.native) = (long.clone(), Some(long.clone()));
        for (name, nonce, settlement) in
            [("a", 1, Settlement::Never(failure)), ("b", 2, Settlement::Superseded(format!("x{long}")))]
        {
            drop(signed(&journal, name, nonce).await);
            let texts = match journal.settle(&key(name), settlement).await.unwrap().unwrap() {
                Settlement::Never(error) => vec![error.message, error.native.unwrap()],
                Settlement::Superseded(id) => vec![id],
                other => panic!("{other:?}"),
            };
            assert!(texts.iter().all(|text| (4_095..=4_096).contains(&text.len())));
        }
    });
}

#[test]
fn a_transaction_and_its_replacement_name_each_other() {
    block_on(async {
        let (journal, _) = journal();
        drop(signed(&journal, "old", 1).await);
        for name in ["new", "settled", "begun"] {
            journal.begin(&key(name), payload(2)).await.unwrap();
        }
        let bound = journal.signed_instead(&key("new"), envelope(1, 1), &key("old")).await.unwrap();
        assert!(matches!(bound, Bound::Now(_)));
        let both = [key("old"), key("new")];
        let (old, new) = (journal.entry(&both[0]).await.unwrap(), journal.entry(&both[1]).await.unwrap());
        assert_eq!(old.unwrap().replaced_by, [key("new")]);
        assert_eq!(new.unwrap().replaces, Some(key("old")));
        // Once more changes nothing, not even where the original is settled meanwhile.
        journal.settle(&key("old"), Settlement::Expired).await.unwrap();
        let bound = journal.signed_instead(&key("new"), envelope(1, 2), &key("old")).await.unwrap();
        assert!(matches!(bound, Bound::Before(_)));
        assert_eq!(journal.entry(&both[0]).await.unwrap().unwrap().replaced_by.len(), 1);

        let elsewhere = EntryKey::new("another", "old").unwrap();
        for original in [key("begun"), key("old"), elsewhere] {
            let refused = journal.signed_instead(&key("settled"), envelope(1, 3), &original).await;
            assert!(matches!(refused, Err(JournalError::NothingToReplace { .. })), "{original}");
        }
        assert_eq!(state(&journal, "settled").await, State::Begun);
    });
}

#[test]
fn replacements_are_bounded() {
    block_on(async {
        let (journal, _) = journal();
        drop(signed(&journal, "old", 1).await);
        for number in 0..=MAX_REPLACEMENTS {
            let name = key(&format!("new {number}"));
            journal.begin(&name, payload(2)).await.unwrap();
            let bound = journal.signed_instead(&name, envelope(1, 1), &key("old")).await;
            assert_eq!(bound.is_ok(), number < MAX_REPLACEMENTS, "{number}");
        }
    });
}

#[test]
fn envelopes_are_bounded() {
    block_on(async {
        let (journal, _) = journal();
        journal.begin(&key("k"), payload(1)).await.unwrap();
        let sized = |bytes, tracking, id| Envelope {
            transaction: "t".repeat(id),
            bytes: vec![0; bytes],
            valid_until: Validity::Unbounded,
            tracking: vec![0; tracking],
        };
        for large in [sized(MAX_ENVELOPE, 1, 1), sized(1, 1, MAX_TRANSACTION + 1)] {
            let refused = journal.signed(&key("k"), large).await;
            assert!(matches!(refused, Err(JournalError::Envelope { .. })));
        }
        for (name, bytes) in [("k", MAX_ENVELOPE - 9), ("tracking", 0)] {
            journal.begin(&key(name), payload(1)).await.unwrap();
            let largest = sized(bytes, MAX_ENVELOPE - bytes, MAX_TRANSACTION);
            assert!(matches!(journal.signed(&key(name), largest).await.unwrap(), Bound::Now(_)));
            assert!(journal.settle(&key(name), Settlement::Expired).await.unwrap().is_some());
        }
    });
}

#[test]
fn what_is_not_settled_is_listed_by_application_and_page() {
    block_on(async {
        let (journal, _) = journal();
        for name in ["a", "b", "c", "d"] {
            drop(signed(&journal, name, 1).await);
        }
        journal.begin(&key("begun"), payload(1)).await.unwrap();
        // Names that would meet if they were written one after the other.
        for (application, name) in [("sho", "pa"), ("shopa", "b"), ("s", "hopc")] {
            journal.begin(&EntryKey::new(application, name).unwrap(), payload(1)).await.unwrap();
        }
        journal.settle(&key("b"), Settlement::Expired).await.unwrap();
        assert_eq!(open(&journal).await, ["a", "begun", "c", "d"]);
        let first = journal.unsettled(APPLICATION, None, 2).await.unwrap();
        assert_eq!((first.entries.len(), first.next.clone()), (2, Some(key("c"))));
        let second = journal.unsettled(APPLICATION, first.next.as_ref(), 2).await.unwrap();
        assert_eq!((second.entries[0].key.clone(), second.next), (key("c"), None));
        assert_eq!(journal.unsettled("shopa", None, 9).await.unwrap().entries.len(), 1);
        assert_eq!(journal.unsettled("nobody", None, 9).await.unwrap().entries.len(), 0);
        assert_eq!(journal.unsettled(APPLICATION, None, 0).await.unwrap().entries.len(), 1);
    });
}

#[test]
fn only_what_is_old_and_harmless_is_forgotten() {
    block_on(async {
        let (journal, sources) = journal();
        drop(signed(&journal, "open", 1).await);
        drop(signed(&journal, "settled", 2).await);
        let Begin::New { salt } = journal.begin(&key("begun"), payload(1)).await.unwrap() else { panic!() };
        sources.now.store(50, Ordering::SeqCst);
        journal.settle(&key("settled"), Settlement::Expired).await.unwrap();
        sources.now.store(100, Ordering::SeqCst);
        assert_eq!(journal.prune().await.unwrap(), 0);
        sources.now.store(101, Ordering::SeqCst);
        assert_eq!(journal.prune().await.unwrap(), 1);
        assert_eq!(journal.entry(&key("begun")).await.unwrap(), None);
        assert_eq!(open(&journal).await, ["open"]);
        // A forgotten key is a new one, with a salt that was never used.
        let Begin::New { salt: new } = journal.begin(&key("begun"), payload(1)).await.unwrap() else {
            panic!()
        };
        assert_ne!(new, salt);
        sources.now.store(150, Ordering::SeqCst);
        assert_eq!(journal.prune().await.unwrap(), 0);
        sources.now.store(u64::MAX, Ordering::SeqCst);
        assert_eq!(journal.prune().await.unwrap(), 2);
        assert_eq!(open(&journal).await, ["open"]);
        // The key is free for anything now.
        let Begin::New { .. } = journal.begin(&key("settled"), payload(7)).await.unwrap() else { panic!() };
        assert_eq!(journal.binding(), BINDING);
    });
}

#[test]
fn many_entries_are_all_looked_at_when_forgetting() {
    block_on(async {
        let (journal, sources) = journal();
        for number in 0..1_500 {
            journal.begin(&key(&number.to_string()), payload(1)).await.unwrap();
        }
        sources.now.store(101, Ordering::SeqCst);
        assert_eq!(journal.prune().await.unwrap(), 1_500);
    });
}

#[test]
fn names_have_bounds_and_secrets_are_not_shown() {
    assert!(EntryKey::new("", "k").is_err() && EntryKey::new("a", "").is_err());
    let (longest, longer) = ("x".repeat(MAX_NAME), "x".repeat(MAX_NAME + 1));
    assert!(EntryKey::new(longest.clone(), longest.clone()).is_ok());
    assert!(EntryKey::new(longer.clone(), "k").is_err() && EntryKey::new("a", longer).is_err());
    block_on(async {
        let (journal, _) = journal();
        let longest = EntryKey::new(longest.clone(), longest).unwrap();
        let Begin::New { salt } = journal.begin(&longest, payload(1)).await.unwrap() else { panic!() };
        assert_eq!(format!("{salt:?}"), "Salt(hidden)");
        let sendable = signed(&journal, "k", 1).await;
        let entry = journal.entry(&key("k")).await.unwrap().unwrap();
        for shown in [format!("{entry:?}"), format!("{sendable:?}")] {
            assert!(shown.contains(&envelope(1, 0).transaction), "{shown}");
            assert!(!shown.contains(&String::from(entry.salt)) && !shown.contains("[0, 0"), "{shown}");
        }
    });
}

#[test]
fn a_payload_is_all_of_the_request_but_the_salt() {
    use adapter_spec::types::CallOptions;
    let options = |salt: u8, fee: &str| CallOptions {
        salt: vec![salt],
        max_fee: Some(fee.into()),
        ..CallOptions::default()
    };
    let digest = PayloadDigest::of_call(&call("1"), &[], &options(1, "5"));
    assert_eq!(digest, PayloadDigest::of_call(&call("1"), &[], &options(2, "5")));
    assert_ne!(digest, PayloadDigest::of_call(&call("2"), &[], &options(1, "5")));
    assert_ne!(digest, PayloadDigest::of_call(&call("1"), &[], &options(1, "6")));
    let party = adapter_spec::types::Party { account: Some("a".into()), keys: Vec::new() };
    assert_ne!(digest, PayloadDigest::of_call(&call("1"), &[party], &options(1, "5")));
    let replacement = |original| PayloadDigest::of_replacement(&key(original), &[], &options(1, "5"));
    assert_eq!(replacement("a"), replacement("a"));
    assert_ne!(replacement("a"), replacement("b"));
    assert_ne!(replacement("a"), digest);
    // Keys that are bound today stay bound in later versions.
    assert_eq!(
        format!("{digest:?}"),
        "PayloadDigest(73c722df191a2d5c610c3ecdfcac5615f63a314e90647f1f651adb6c306fa603)"
    );
}

/// A store whose flushes wait for a permit each, or fail.
struct Gate {
    store: MemoryStore,
    permits: Semaphore,
    flushes: AtomicU64,
    fails: AtomicBool,
}

impl Gate {
    fn new(permits: usize) -> Arc<Self> {
        let (store, permits) = (MemoryStore::new(), Semaphore::new(permits));
        Arc::new(Gate { store, permits, flushes: AtomicU64::new(0), fails: AtomicBool::new(false) })
    }
}

#[async_trait]
impl Store for Gate {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await
    }

    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        self.store.compare_and_set(key, expected, new).await
    }

    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        self.store.scan(prefix, from, limit).await
    }

    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError> {
        self.store.append(sequence, value).await
    }

    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        self.store.read(sequence, from, limit).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        match self.fails.load(Ordering::SeqCst) {
            true => Err(StoreError::Damaged { what: "the disk is gone" }),
            false => Ok(()),
        }
    }
}

async fn settle_down() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn many_writers_share_two_flushes() {
    block_on(async {
        let gate = Gate::new(2);
        let journal = Arc::new(Journal::new(Arc::clone(&gate) as _));
        // The store's first salt has a flush of its own.
        journal.begin(&key("first"), payload(1)).await.unwrap();
        assert_eq!(gate.flushes.swap(0, Ordering::SeqCst), 2);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..100 {
            let journal = Arc::clone(&journal);
            tasks.spawn(async move { journal.begin(&key(&number.to_string()), payload(1)).await.unwrap() });
            if number == 0 {
                settle_down().await;
            }
        }
        settle_down().await;
        // The first flush is under way; nobody has been told anything.
        assert_eq!((gate.flushes.load(Ordering::SeqCst), tasks.try_join_next().is_none()), (1, true));
        gate.permits.add_permits(1);
        settle_down().await;
        // It served the first one, the others wait for the second: they may have written after the first began.
        assert_eq!(gate.flushes.load(Ordering::SeqCst), 2);
        assert!(tasks.try_join_next().is_some() && tasks.try_join_next().is_none());
        gate.permits.add_permits(1);
        assert_eq!(tasks.join_all().await.len(), 99);
        assert_eq!(gate.flushes.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn after_a_failed_flush_nothing_counts_as_durable() {
    block_on(async {
        let gate = Gate::new(100);
        let journal = Journal::new(Arc::clone(&gate) as _);
        journal.begin(&key("k"), payload(1)).await.unwrap();
        gate.fails.store(true, Ordering::SeqCst);
        let failed = journal.signed(&key("k"), envelope(1, 0)).await;
        let Err(JournalError::Store(StoreError::Doubtful { first })) = failed else { panic!("{failed:?}") };
        assert_eq!(first, "the store is damaged: the disk is gone");
        // The disk says that it works again; what it lost meanwhile it does not say.
        gate.fails.store(false, Ordering::SeqCst);
        let doubtful = journal.resume(&key("k")).await;
        assert!(matches!(doubtful, Err(JournalError::Store(StoreError::Doubtful { .. }))));
        let reopened = Journal::new(Arc::clone(&gate) as _);
        assert!(reopened.resume(&key("k")).await.unwrap().is_some());
    });
}

#[test]
fn a_caller_that_goes_away_does_not_stop_the_others() {
    block_on(async {
        let gate = Gate::new(2);
        let journal = Arc::new(Journal::new(Arc::clone(&gate) as _));
        // The store's first salt has a flush of its own.
        journal.begin(&key("first"), payload(1)).await.unwrap();
        assert_eq!(gate.flushes.swap(0, Ordering::SeqCst), 2);
        let begin = |name: &'static str| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move { journal.begin(&key(name), payload(1)).await.unwrap() })
        };
        let gone = begin("gone");
        settle_down().await;
        let stays = begin("stays");
        settle_down().await;
        gone.abort();
        settle_down().await;
        assert_eq!(gate.flushes.load(Ordering::SeqCst), 1);
        gate.permits.add_permits(2);
        assert!(matches!(stays.await.unwrap(), Begin::New { .. }));
        assert_eq!(gate.flushes.load(Ordering::SeqCst), 2);
    });
}
