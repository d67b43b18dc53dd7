//! Every store does what the trait says: each against a plain map, and at its bounds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::collections::BTreeMap;

use berth_backup::Database;
use berth_journal::{
    Crash, CrashStore, MAX_KEY, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_SEQUENCE_NAME, MAX_VALUE, MemoryStore,
    SledStore, Store, StoreError,
};
use proptest::{prelude::*, test_runner::RngSeed};
use support::block_on;

#[derive(Clone, Debug)]
enum Action {
    Get(Vec<u8>),
    Swap { key: Vec<u8>, right: bool, new: Option<Vec<u8>> },
    Scan { prefix: Vec<u8>, from: Vec<u8>, limit: usize },
    Append(String, Vec<u8>),
    Read(String, u64, usize),
    Flush,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 1..4)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_string()), Just("ab".to_string()), Just("b".to_string())]
}

fn action() -> impl Strategy<Value = Action> {
    let value = || prop::collection::vec(any::<u8>(), 0..4);
    prop_oneof![
        key().prop_map(Action::Get),
        (key(), any::<bool>(), prop::option::of(value())).prop_map(|(key, right, new)| Action::Swap {
            key,
            right,
            new
        }),
        (prop::collection::vec(prop_oneof![Just(0_u8), Just(255)], 0..3), key(), 0_usize..5)
            .prop_map(|(prefix, from, limit)| Action::Scan { prefix, from, limit }),
        (name(), value()).prop_map(|(name, value)| Action::Append(name, value)),
        (name(), 0_u64..5, 0_usize..4).prop_map(|(name, from, limit)| Action::Read(name, from, limit)),
        Just(Action::Flush),
    ]
}

/// Does all of it, beside a map that does the same.
async fn behaves(store: &dyn Store, actions: &[Action]) {
    let mut values: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut sequences: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for action in actions {
        match action {
            Action::Get(key) => assert_eq!(store.get(key).await.unwrap().as_ref(), values.get(key)),
            Action::Swap { key, right, new } => {
                let old = values.get(key).cloned();
                let expected = if *right { old.clone() } else { Some(b"another".to_vec()) };
                let swapped = store.compare_and_set(key, expected.as_deref(), new.as_deref()).await.unwrap();
                assert_eq!(swapped, *right);
                match new {
                    Some(new) if swapped => drop(values.insert(key.clone(), new.clone())),
                    None if swapped => drop(values.remove(key)),
                    _ => {}
                }
            }
            Action::Scan { prefix, from, limit } => {
                let page = store.scan(prefix, from, *limit).await.unwrap();
                let mut fit = values.iter().filter(|(key, _)| key.starts_with(prefix) && *key >= from);
                let entries: Vec<_> =
                    fit.by_ref().take(*limit).map(|(key, value)| (key.clone(), value.clone())).collect();
                assert_eq!(page.entries, entries);
                assert_eq!(page.next.as_ref(), fit.next().map(|(key, _)| key));
            }
            Action::Append(name, value) => {
                let entries = sequences.entry(name.clone()).or_default();
                assert_eq!(store.append(name, value).await.unwrap(), entries.len() as u64);
                entries.push(value.clone());
            }
            Action::Read(name, from, limit) => {
                let page = store.read(name, *from, *limit).await.unwrap();
                let all = sequences.get(name).cloned().unwrap_or_default();
                let mut rest = (0_u64..).zip(all).skip(usize::try_from(*from).unwrap());
                assert_eq!(page.entries, rest.by_ref().take(*limit).collect::<Vec<_>>());
                assert_eq!(page.next, rest.next().map(|(position, _)| position));
            }
            Action::Flush => store.flush().await.unwrap(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default()
    })]

    #[test]
    fn each_store_behaves_like_a_plain_map(actions in prop::collection::vec(action(), 0..60)) {
        block_on(async {
            behaves(&MemoryStore::new(), &actions).await;
            behaves(&CrashStore::new(Crash::after(u64::MAX)), &actions).await;
            let database = Database::temporary().unwrap();
            behaves(&SledStore::in_database(database).unwrap(), &actions).await;
        });
    }

    #[test]
    fn a_restart_leaves_what_was_flushed_and_the_survivors(
        flushed in prop::collection::vec((key(), any::<u8>()), 0..4),
        unflushed in prop::collection::vec((key(), any::<u8>()), 0..6),
        survivors in any::<u8>(),
    ) {
        block_on(async {
            let store = CrashStore::new(Crash::after(u64::MAX));
            let mut expected = BTreeMap::new();
            for (key, value) in &flushed {
                let old = store.get(key).await.unwrap();
                assert!(store.compare_and_set(key, old.as_deref(), Some(&[*value])).await.unwrap());
                expected.insert(key.clone(), vec![*value]);
            }
            store.flush().await.unwrap();
            for (number, (key, value)) in unflushed.iter().enumerate() {
                let old = store.get(key).await.unwrap();
                assert!(store.compare_and_set(key, old.as_deref(), Some(&[*value])).await.unwrap());
                if survivors >> number & 1 == 1 {
                    expected.insert(key.clone(), vec![*value]);
                }
            }
            assert_eq!(store.unflushed(), unflushed.len());
            let after = store.restarted(Crash::after(u64::MAX), |number| survivors >> number & 1 == 1);
            let entries = after.scan(&[], &[], 100).await.unwrap().entries;
            assert_eq!(entries, expected.into_iter().collect::<Vec<_>>());
            assert_eq!(after.unflushed(), 0);
        });
    }
}

async fn bounds(store: &dyn Store) {
    for length in [0, MAX_KEY + 1] {
        let key = vec![0; length];
        let is_key = |error| matches!(error, StoreError::Key { length: found } if found == length);
        assert!(is_key(store.get(&key).await.unwrap_err()));
        assert!(is_key(store.compare_and_set(&key, None, Some(b"")).await.unwrap_err()));
    }
    for length in [0, MAX_SEQUENCE_NAME + 1] {
        let name = "n".repeat(length);
        let is_name = |error| matches!(error, StoreError::SequenceName { length: found } if found == length);
        assert!(is_name(store.append(&name, b"").await.unwrap_err()));
        assert!(is_name(store.read(&name, 0, 1).await.unwrap_err()));
    }
    let long = vec![7; MAX_VALUE + 1];
    let is_value = |error| matches!(error, StoreError::Value { length } if length == MAX_VALUE + 1);
    assert!(is_value(store.compare_and_set(b"k", None, Some(&long)).await.unwrap_err()));
    assert!(is_value(store.append("n", &long).await.unwrap_err()));
    let (key, name) = (vec![255; MAX_KEY], "n".repeat(MAX_SEQUENCE_NAME));
    assert!(store.compare_and_set(&key, None, Some(&long[1..])).await.unwrap());
    assert_eq!(store.get(&key).await.unwrap().unwrap().len(), MAX_VALUE);
    assert_eq!(store.append(&name, &long[1..]).await.unwrap(), 0);
    assert!(store.compare_and_set(&key, Some(&long[1..]), None).await.unwrap());
}

/// A page ends with the entry that fills it, and one always fits.
async fn pages(store: &dyn Store) {
    let half = vec![1; MAX_PAGE_BYTES / 2];
    for number in 0..4_u8 {
        assert!(store.compare_and_set(&[1, number], None, Some(&half)).await.unwrap());
        store.append("half", &half).await.unwrap();
    }
    let page = store.scan(&[1], &[], 10).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (2, Some(vec![1, 2])));
    let page = store.read("half", 1, 10).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (2, Some(3)));
    for number in 0..=u16::try_from(MAX_PAGE_ENTRIES).unwrap() {
        let key = [&[2], number.to_be_bytes().as_slice()].concat();
        assert!(store.compare_and_set(&key, None, Some(b"")).await.unwrap());
    }
    let page = store.scan(&[2], &[], usize::MAX).await.unwrap();
    assert_eq!((page.entries.len(), page.next.is_some()), (MAX_PAGE_ENTRIES, true));
    let page = store.scan(&[2], &page.next.unwrap(), usize::MAX).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (1, None));
}

#[test]
fn keys_values_names_and_pages_are_bounded() {
    block_on(async {
        let database = Database::temporary().unwrap();
        let stores: [Box<dyn Store>; 3] = [
            Box::new(MemoryStore::new()),
            Box::new(CrashStore::new(Crash::after(u64::MAX))),
            Box::new(SledStore::in_database(database).unwrap()),
        ];
        for store in &stores {
            bounds(store.as_ref()).await;
            pages(store.as_ref()).await;
        }
    });
}

#[test]
fn appends_side_by_side_get_a_position_each() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let database = Database::temporary().unwrap();
        let store = SledStore::in_database(database).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let store = store.clone();
            tasks.spawn(async move { store.append("s", b"x").await.unwrap() });
        }
        let mut positions = tasks.join_all().await;
        positions.sort_unstable();
        assert_eq!(positions, (0..40).collect::<Vec<_>>());
    });
}

#[test]
fn a_database_on_disk_keeps_what_it_was_given_and_is_opened_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let store = SledStore::open(folder.path()).unwrap();
        assert!(store.compare_and_set(b"k", None, Some(b"v")).await.unwrap());
        assert_eq!(store.append("s", b"e").await.unwrap(), 0);
        assert!(matches!(SledStore::open(folder.path()), Err(StoreError::Failed { .. })));
        store.flush().await.unwrap();
    });
    // sled's own threads let go of the database some time after its owner did.
    let store = loop {
        match SledStore::open(folder.path()) {
            Ok(store) => break store,
            Err(_) => std::thread::yield_now(),
        }
    };
    block_on(async {
        assert_eq!(store.get(b"k").await.unwrap().unwrap(), b"v");
        assert_eq!(store.append("s", b"f").await.unwrap(), 1);
    });
}
