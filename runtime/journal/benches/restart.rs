//! How long a journal takes to be there again after a crash: a process that writes to a large one is killed, and another opens it and
//! lists what is under way. It prints a table.
//!
//! `cargo bench --profile dev --workspace --bench restart`; `BERTH_BENCH_ENTRIES` says how many settled entries there are (1,000,000).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use adapter_spec::types::{Envelope, Validity};
use berth_backup::Database;
use berth_journal::{Bound, EntryKey, Journal, PayloadDigest, SledStore};
use tokio::runtime::Builder;

const FOLDER: &str = "BERTH_RESTART_FOLDER";
/// Bytes of an entry: what the journal keeps of a transaction that is settled, about.
const ENTRY: usize = 600;
/// What the node lets its database keep in memory.
const MEMORY: u64 = 64 << 20;
/// Transactions that are under way in any case when the process is killed.
const OPEN: usize = 100;
/// Times that it is killed.
const ROUNDS: usize = 5;

fn entries() -> u64 {
    env::var("BERTH_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

/// Entries as of transactions that are settled. What is in them is not read at a start, so they are no more than as long.
fn fill(folder: &Path) {
    let database = Database::open(folder, MEMORY).unwrap();
    let tree = database.tree("store").unwrap();
    for number in 0..entries() {
        // Scattered, as idempotency keys are.
        let key = format!("journal/entry/app-{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let value: Vec<u8> = key.bytes().cycle().take(ENTRY).collect();
        tree.insert(key, value).unwrap();
    }
    database.flush().unwrap();
}

/// Binds an envelope to a key: it is under way then.
async fn sign(journal: &Journal, name: String) {
    let key = EntryKey::new("app", name.clone()).unwrap();
    journal.begin_unflushed(&key, PayloadDigest::from_bytes([7; 32])).await.unwrap();
    let (bytes, tracking) = (vec![7; 300], Vec::new());
    let envelope = Envelope { transaction: name, bytes, valid_until: Validity::Unbounded, tracking };
    assert!(matches!(journal.signed(&key, envelope).await.unwrap(), Bound::Now(_)));
}

/// Writes until it is killed.
async fn write(folder: &Path) {
    let journal = Arc::new(Journal::new(Arc::new(SledStore::open(folder).unwrap())));
    let run = std::process::id();
    for number in 0..OPEN {
        sign(&journal, format!("{run}-{number}")).await;
    }
    println!("under way");
    std::io::stdout().flush().unwrap();
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..16 {
        let journal = journal.clone();
        lanes.spawn(async move {
            for number in 0_u64.. {
                sign(&journal, format!("{run}-{lane}-{number}")).await;
            }
        });
    }
    lanes.join_all().await;
}

/// Opens it, and lists what is under way: how long each took, and how many are.
async fn open(folder: &Path) -> (Duration, Duration, usize) {
    let start = Instant::now();
    let journal = Journal::new(Arc::new(SledStore::open(folder).unwrap()));
    let opened = start.elapsed();
    let (mut from, mut under_way) = (None, 0);
    loop {
        let page = journal.unsettled("app", from.as_ref(), 1_000).await.unwrap();
        under_way += page.entries.len();
        match page.next {
            Some(next) => from = Some(next),
            None => return (opened, start.elapsed(), under_way),
        }
    }
}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Some(folder) = env::var_os(FOLDER) {
        return runtime.block_on(write(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    println!(
        "| {} entries of {ENTRY} bytes, killed while it writes | opened | with what is under way listed (goal 1 s) | under way |",
        entries()
    );
    println!("|---|---|---|---|");
    for round in 1..=ROUNDS {
        let mut writer = Command::new(env::current_exe().unwrap())
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(writer.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "under way\n");
        std::thread::sleep(Duration::from_secs(1));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let (opened, listed, under_way) = runtime.block_on(open(folder.path()));
        assert!(under_way >= OPEN * round, "{under_way}");
        println!("| kill {round} | {opened:.2?} | {listed:.2?} | {under_way} |");
    }
    let (opened, listed, under_way) = runtime.block_on(open(folder.path()));
    println!("| after a clean end | {opened:.2?} | {listed:.2?} | {under_way} |");
}
