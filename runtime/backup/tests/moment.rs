//! A copy shows one moment, whatever is written meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
};

use berth_backup::{BackupError, Checked, Gate, Source, Target, back_up};
use sled::{Db, Tree};

/// A folder like a node's.
fn folder_of_a_node() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("authority.pem"), b"certificate").unwrap();
    fs::write(folder.path().join("authority.key.sealed"), b"sealed").unwrap();
    let database = sled::open(folder.path().join("store")).unwrap();
    (folder, database)
}

fn number(tree: &Tree, key: &str) -> u64 {
    let value = tree.get(key).unwrap();
    value.map_or(0, |value| u64::from_be_bytes(value.as_ref().try_into().unwrap()))
}

/// Backs up, puts it back elsewhere, and gives the new database.
fn copied(source: &Source<'_>, to: &Path) -> Db {
    let file = to.join("file");
    let mut target = Target::new(&file).unwrap();
    back_up(source, &mut target, |_| {}).unwrap();
    target.finish(|_| {}).unwrap();
    Checked::open(&file, |_| {}).unwrap().restore(&to.join("state"), false, |_| {}).unwrap();
    sled::open(to.join("state/store")).unwrap()
}

#[test]
fn of_two_trees_that_are_written_one_after_the_other_neither_is_ahead() {
    let (folder, database) = folder_of_a_node();
    let (last, first) = (database.open_tree("a").unwrap(), database.open_tree("z").unwrap());
    // What lies between the keys that move, so that a walk needs its time.
    for index in 0..20_000_u32 {
        first.insert(index.to_be_bytes(), &[1; 64][..]).unwrap();
    }
    let gate = Gate::default();
    let (stop, begun) = (AtomicBool::new(false), Barrier::new(2));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for count in 1_u64.. {
                // Each count is first in `z`, then in `a`; a walk that takes `a` early and `z` late would see them apart. A
                // key comes and goes as well, and is there exactly while `z` is one ahead.
                let put = |tree: &'static str, of: &Tree, key: &str, value: Option<u64>| {
                    let pass = gate.pass();
                    pass.will_change(tree, key.as_bytes());
                    match value {
                        Some(value) => drop(of.insert(key, &value.to_be_bytes()).unwrap()),
                        None => drop(of.remove(key).unwrap()),
                    }
                };
                put("z", &first, "count", Some(count));
                put("z", &first, &format!("between-{}", count % 1_000), Some(count));
                put("z", &first, &format!("between-{}", count % 1_000), None);
                put("a", &last, "count", Some(count));
                if count == 1 {
                    begun.wait();
                }
                if stop.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        begun.wait();
        for _ in 0..5 {
            let elsewhere = tempfile::tempdir().unwrap();
            let source = Source { folder: folder.path(), database: &database, gate: &gate };
            let copy = copied(&source, elsewhere.path());
            let (a, z) = (copy.open_tree("a").unwrap(), copy.open_tree("z").unwrap());
            let (behind, ahead) = (number(&a, "count"), number(&z, "count"));
            assert!(ahead == behind || ahead == behind + 1, "{behind} and {ahead} are of different moments");
            let between: Vec<_> = z.scan_prefix("between-").map(|entry| entry.unwrap().0).collect();
            assert!(between.len() <= usize::from(ahead > behind), "{between:?} at {behind} and {ahead}");
        }
        stop.store(true, Ordering::SeqCst);
        writer.join().unwrap();
    });
}

/// Calls a function before the first byte, and then takes everything.
struct At<F>(Option<F>);

impl<F: FnOnce()> Write for At<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(call) = self.0.take() {
            call();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn one_backup_of_a_node_is_made_at_a_time_and_the_next_after_its_end() {
    let (folder, database) = folder_of_a_node();
    // More than is gathered before it is given on.
    fs::write(folder.path().join("authority.pem"), [b'x'; 1 << 20]).unwrap();
    let gate = Gate::default();
    let source = Source { folder: folder.path(), database: &database, gate: &gate };
    let second = || {
        let error = back_up(&source, io::sink(), |_| {}).unwrap_err();
        assert!(matches!(error, BackupError::Busy), "{error}");
        // Whoever writes does not wait for whoever takes the bytes.
        gate.pass().will_change("a", b"key");
    };
    back_up(&source, At(Some(second)), |_| {}).unwrap();
    back_up(&source, io::sink(), |_| {}).unwrap();
}

#[test]
fn a_copy_that_fails_leaves_the_gate_as_it_was() {
    let (folder, database) = folder_of_a_node();
    let gate = Gate::default();
    fs::remove_file(folder.path().join("authority.pem")).unwrap();
    let source = Source { folder: folder.path(), database: &database, gate: &gate };
    assert!(back_up(&source, io::sink(), |_| {}).is_err());
    fs::write(folder.path().join("authority.pem"), b"certificate").unwrap();
    back_up(&source, io::sink(), |_| {}).unwrap();
}
