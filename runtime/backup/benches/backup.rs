//! How long a backup of a large node takes, how long its writers wait meanwhile, and how long it takes to put it back.
//! It prints a table.
//!
//! `cargo bench --profile dev --workspace --bench backup`; `BERTH_BENCH_ENTRIES` says how many entries the store has (1,000,000).

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a benchmark")]

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use berth_backup::{Checked, DATABASE, Database, Source, Target, back_up};

/// Bytes of an entry: what the journal keeps of a transaction that is settled, about.
const ENTRY: usize = 600;
/// What the node lets its database keep in memory.
const MEMORY: u64 = 64 << 20;
/// A writer writes so often: a busy node's journal.
const PAUSE: Duration = Duration::from_micros(200);

fn main() {
    let entries = std::env::var("BERTH_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok());
    let entries: u64 = entries.unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("authority.pem"), b"a certificate").unwrap();
    fs::write(state.join("authority.key.sealed"), b"sealed").unwrap();
    let database = Database::open(&state.join(DATABASE), MEMORY).unwrap();
    let tree = database.tree("store").unwrap();
    for number in 0..entries {
        // Scattered, as idempotency keys are.
        let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let value: Vec<u8> = key.iter().copied().cycle().take(ENTRY).collect();
        tree.insert(key, value).unwrap();
    }
    database.flush().unwrap();
    println!(
        "| {entries} entries of {ENTRY} bytes, while a writer writes every {PAUSE:?} | measured |\n|---|---|"
    );

    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let file = folder.path().join("backup");
    let longest = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::Relaxed) {
                let number = written.fetch_add(1, Ordering::Relaxed);
                let start = Instant::now();
                let pass = database.pass();
                pass.will_change("store", &number.to_be_bytes());
                tree.insert(number.to_be_bytes(), vec![7; ENTRY]).unwrap();
                drop(pass);
                longest = longest.max(start.elapsed());
                thread::sleep(PAUSE);
            }
            longest
        });
        let start = Instant::now();
        let mut target = Target::new(&file).unwrap();
        let source = Source { folder: &state, database: &database };
        let summary = back_up(&source, &mut target, |_| {}).unwrap();
        let copied = start.elapsed();
        stop.store(true, Ordering::Relaxed);
        let longest = writer.join().unwrap();
        target.finish(|_| {}).unwrap();
        let megabytes = summary.bytes as f64 / 1e6;
        println!(
            "| copied: {megabytes:.0} MB | {copied:.1?}, {:.0} MB/s |",
            megabytes / copied.as_secs_f64()
        );
        println!("| on the disk, read again and checked | {:.1?} |", start.elapsed());
        longest
    });
    println!("| writes meanwhile; the longest took | {}; {longest:.1?} |", written.load(Ordering::Relaxed));
    drop((tree, database));

    let start = Instant::now();
    let checked = Checked::open(&file, |_| {}).unwrap();
    println!("| checked before it is put back | {:.1?} |", start.elapsed());
    checked.restore(&folder.path().join("restored"), false, |_| {}).unwrap();
    println!("| checked and put back | {:.1?} |", start.elapsed());
}
