//! A process that is killed while it writes to sled: all that its journal confirmed is there afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use adapter_spec::types::{Envelope, Validity};
use berth_journal::{Begin, Bound, EntryKey, Journal, PayloadDigest, Settlement, SledStore, State};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use support::{APPLICATION, block_on, key};

const FOLDER: &str = "JOURNAL_KILL_FOLDER";
const FIRST: &str = "JOURNAL_KILL_FIRST";
const LIVES: u64 = 8;
/// More than any life gets to.
const KEYS: u64 = 100_000;

fn envelope(number: u64) -> Envelope {
    let bytes = vec![u8::try_from(number % 251).unwrap(); 200];
    Envelope {
        transaction: number.to_string(),
        bytes,
        valid_until: Validity::Unbounded,
        tracking: Vec::new(),
    }
}

fn numbered(number: u64) -> EntryKey {
    key(&format!("{number:06}"))
}

fn payload(number: u64) -> PayloadDigest {
    PayloadDigest::from_bytes([u8::try_from(number % 251).unwrap(); 32])
}

async fn write(journal: Arc<Journal>, number: u64) {
    let say = |what: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nconfirmed {what} {number}").unwrap();
        out.flush().unwrap();
    };
    let key = numbered(number);
    let Begin::New { .. } = journal.begin(&key, payload(number)).await.unwrap() else { return };
    say("begun");
    let Bound::Now(_) = journal.signed(&key, envelope(number)).await.unwrap() else { panic!() };
    say("signed");
    journal.settle(&key, Settlement::Expired).await.unwrap();
    say("settled");
}

/// Not a test of its own: what the killed process runs.
#[test]
#[ignore = "it is run by the test below, in a process of its own"]
fn writer() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let first: u64 = env::var(FIRST).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let journal = Arc::new(Journal::new(Arc::new(SledStore::open(Path::new(&folder)).unwrap())));
        let mut tasks = tokio::task::JoinSet::new();
        for number in first..KEYS {
            if tasks.len() >= 4 {
                tasks.join_next().await.unwrap().unwrap();
            }
            tasks.spawn(write(Arc::clone(&journal), number));
        }
    });
}

#[test]
fn what_was_confirmed_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut confirmed: BTreeMap<u64, String> = BTreeMap::new();
    for life in 0..LIVES {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "writer", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(FIRST, (life * 10_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = 1 + random.next_u32() % 60;
        let mut note = |line: String| {
            if let Some((what, number)) =
                line.strip_prefix("confirmed ").and_then(|rest| rest.split_once(' '))
            {
                confirmed.insert(number.parse().unwrap(), what.to_string());
                left = left.saturating_sub(1);
            }
            left
        };
        while note(lines.next().expect("the writer stopped by itself").unwrap()) > 0 {}
        child.kill().unwrap();
        // What it said before it died counts too; the last line may be half.
        for line in lines {
            note(line.unwrap_or_default());
        }
        assert!(!child.wait().unwrap().success());
        block_on(check(folder.path(), &confirmed));
    }
    assert!(confirmed.len() > 20);
}

async fn check(folder: &Path, confirmed: &BTreeMap<u64, String>) {
    let journal = Journal::new(Arc::new(SledStore::open(folder).unwrap()));
    let open = journal.unsettled(APPLICATION, None, 1000).await.unwrap().entries;
    for (number, what) in confirmed {
        let entry = journal.entry(&numbered(*number)).await.unwrap().expect("a confirmed entry is lost");
        assert_eq!(entry.payload, payload(*number));
        let far_enough = match (&entry.state, what.as_str()) {
            (State::Begun, "begun") => open.contains(&entry),
            (State::Signed(signed), "begun" | "signed") => {
                signed.envelope == envelope(*number) && open.contains(&entry)
            }
            (State::Settled(settled), _) => settled.settlement == Settlement::Expired,
            _ => false,
        };
        assert!(far_enough, "{number} was {what} and is {:?}", entry.state);
    }
}
