//! Both stores keep the same promises.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

use berth_lending::{MemoryState, SledState, StateError, StateLimits, StateStore};

const LIMITS: StateLimits = StateLimits { key: 16, value: 64, total: 100 };

/// Both kinds, empty.
fn stores() -> (tempfile::TempDir, Vec<Box<dyn StateStore>>) {
    let folder = tempfile::tempdir().unwrap();
    let sled = SledState::open(folder.path(), LIMITS).unwrap();
    (folder, vec![Box::new(MemoryState::new(LIMITS)), Box::new(sled)])
}

#[tokio::test]
async fn a_swap_writes_only_over_what_is_expected() {
    let (_folder, stores) = stores();
    for store in stores {
        assert_eq!(store.get("app", "k").await, Ok(None));
        assert_eq!(store.swap("app", "k", Some(b"x"), Some(b"1")).await, Ok(false));
        assert_eq!(store.swap("app", "k", None, Some(b"1")).await, Ok(true));
        assert_eq!(store.swap("app", "k", None, Some(b"2")).await, Ok(false));
        assert_eq!(store.swap("app", "k", Some(b"1"), Some(b"22")).await, Ok(true));
        assert_eq!(store.get("app", "k").await, Ok(Some(b"22".to_vec())));
        assert_eq!(store.usage("app").await, Ok(3));
        assert_eq!(store.swap("app", "k", Some(b"22"), None).await, Ok(true));
        assert_eq!(store.get("app", "k").await, Ok(None));
        assert_eq!(store.usage("app").await, Ok(0));
    }
}

#[tokio::test]
async fn no_application_reaches_anothers_values_by_any_choice_of_names() {
    let (_folder, stores) = stores();
    for store in stores {
        store.swap("ab", "c", None, Some(b"1")).await.unwrap();
        for (application, key) in [("a", "bc"), ("abc", ""), ("", "abc"), ("a", "b\0c"), ("ab\0", "c")] {
            assert_eq!(store.get(application, key).await, Ok(None), "{application:?} {key:?}");
        }
        store.swap("a", "bc", None, Some(&[0; 60])).await.unwrap();
        assert_eq!(store.usage("ab").await, Ok(2));
    }
}

#[tokio::test]
async fn the_total_counts_keys_and_values_and_a_smaller_value_is_always_taken() {
    let (_folder, stores) = stores();
    for store in stores {
        store.swap("app", "a", None, Some(&[0; 60])).await.unwrap();
        let full = store.swap("app", "b", None, Some(&[0; 39])).await;
        assert_eq!(full, Err(StateError::Total { total: 101, allowed: 100 }));
        assert_eq!(store.swap("app", "b", None, Some(&[0; 38])).await, Ok(true));
        assert_eq!(store.swap("app", "a", Some(&[0; 60]), Some(&[0; 59])).await, Ok(true));
        assert_eq!(store.usage("app").await, Ok(99));
        let long = "k".repeat(17);
        assert!(matches!(store.get("app", &long).await, Err(StateError::Key { .. })));
    }
}

#[tokio::test]
async fn of_swaps_at_once_exactly_one_wins() {
    let (_folder, stores) = stores();
    for store in stores {
        let attempts = (0..20_u8).map(|i| {
            let store = &store;
            async move { store.swap("app", "k", None, Some(&[i])).await.unwrap() }
        });
        let won = futures_util::future::join_all(attempts).await;
        assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    }
}

#[tokio::test]
async fn what_is_forgotten_is_gone_and_nothing_else_is() {
    let (_folder, stores) = stores();
    for store in stores {
        for (application, key) in [("app", "a"), ("app", "b"), ("ap", "pa"), ("apps", "a")] {
            store.swap(application, key, None, Some(b"1")).await.unwrap();
        }
        store.forget("app").await.unwrap();
        store.forget("nobody").await.unwrap();
        for (application, key, there) in
            [("app", "a", false), ("app", "b", false), ("ap", "pa", true), ("apps", "a", true)]
        {
            assert_eq!(store.get(application, key).await.unwrap().is_some(), there, "{application} {key}");
        }
        assert_eq!((store.usage("app").await, store.usage("apps").await), (Ok(0), Ok(2)));
    }
}

#[tokio::test]
async fn sled_keeps_values_and_their_count_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledState::open(folder.path(), LIMITS).unwrap();
    store.swap("app", "k", None, Some(b"kept")).await.unwrap();
    drop(store);
    let store = SledState::open(folder.path(), LIMITS).unwrap();
    assert_eq!(store.get("app", "k").await, Ok(Some(b"kept".to_vec())));
    assert_eq!(store.usage("app").await, Ok(5));
}
