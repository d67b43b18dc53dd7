//! Nothing that was not proven gets in, and what no longer may stay is withdrawn.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

mod world;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use adapter_spec::{Adapter as _, CallError, Ended};
use berth_admission::{
    Bundle, Denial, Mode,
    revocation::{Revoked, RevokedKind},
};
use berth_lending::ScriptedLender;
use berth_node::{Door, DoorError};
use world::{World, component, now};

fn notebook() -> Vec<u8> {
    component("notebook")
}

/// The notebook with its certificate.
fn certified_notebook(world: &World) -> PathBuf {
    world.certified(&notebook(), "notebook")
}

fn names(door: &Door) -> Vec<String> {
    door.inside().iter().map(|let_in| let_in.name.clone()).collect()
}

async fn denial(door: &Door, path: &Path) -> Denial {
    match door.let_in(path, None).await {
        Err(DoorError::Denied { denial, .. }) => *denial,
        Err(other) => panic!("not denied: {other}"),
        Ok(let_in) => panic!("{} was let in", let_in.name),
    }
}

#[tokio::test]
async fn a_certified_component_is_let_in_and_runs_under_its_certified_limits() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let let_in = door.let_in(&certified_notebook(&world), Some("notebook")).await.unwrap();
    assert_eq!(let_in.name, "notebook");
    assert_eq!(let_in.adapter.describe().await.unwrap().name, "notebook");
    assert_eq!(names(&door), ["notebook"]);
    assert_eq!(berth_node::host_limits(let_in.admitted.limits()).host_calls, 100);
}

#[tokio::test]
async fn whoever_is_on_the_way_to_be_used_is_not_forgotten() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let let_in = door.let_in(&certified_notebook(&world), None).await.unwrap();
    door.keep(|_| false);
    assert_eq!(names(&door), ["notebook"]);
    drop(let_in);
    door.keep(|_| false);
    assert!(door.inside().is_empty());
}

#[tokio::test]
async fn a_tampered_copy_is_refused_and_nothing_of_it_is_loaded() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let path = certified_notebook(&world);
    let mut bytes = notebook();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(denial(&door, &path).await, Denial::OtherFile { .. }));
    assert!(door.inside().is_empty());
    assert!(fs::read_dir(world.path("code")).unwrap().all(|file| file.unwrap().file_name() == "key"));
}

#[tokio::test]
async fn an_adapter_that_says_another_name_than_its_certificate_is_refused_after_loading() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let path = world.certified(&notebook(), "ledger-of-another");
    assert!(matches!(denial(&door, &path).await, Denial::OtherDescription { .. }));
    assert!(door.inside().is_empty());
}

#[tokio::test]
async fn without_a_certificate_enforce_refuses_and_warn_lets_in_and_says_so() {
    for mode in [Mode::Enforce, Mode::Warn] {
        let world = World::new();
        let path = certified_notebook(&world);
        fs::remove_file(Bundle::path_beside(&path)).unwrap();
        let door = world.door(mode);
        if mode == Mode::Enforce {
            assert!(matches!(denial(&door, &path).await, Denial::NoBundle));
        } else {
            assert!(door.let_in(&path, None).await.unwrap().admitted.warning().is_some());
        }
    }
}

#[tokio::test]
async fn a_revoked_adapter_ends_its_running_calls_begins_no_new_ones_and_says_why() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let let_in = door.let_in(&certified_notebook(&world), None).await.unwrap();
    // A node that never answers keeps a call running.
    let silent = ScriptedLender::new("application", |_| None);
    let ledger = let_in.adapter.open(Arc::new(silent), "{}").await.unwrap();
    assert!(door.look_again(now()).is_empty());

    let entry = Revoked {
        kind: RevokedKind::Component,
        digest: let_in.admitted.digest(),
        reason: "it signs other amounts".into(),
        when: now(),
    };
    door.admission().take_revocation_list(&world.list(vec![entry], 2), now()).unwrap();
    let withdrawn = door.look_again(now());
    assert!(matches!(withdrawn.as_slice(), [(gone, Denial::Revoked { .. })] if gone.name == "notebook"));
    assert!(door.inside().is_empty());
    match ledger.status().await {
        Err(CallError::Ended(Ended::Withdrawn { reason })) => {
            assert!(reason.contains("it signs other amounts"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    let_in.adapter.drained().await;
    assert_eq!(let_in.adapter.running(), 0);
    assert!(matches!(denial(&door, &world.path("adapter.component.wasm")).await, Denial::Revoked { .. }));
}
