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

use berth_backup::{BackupError, Checked, Database, Source, Target, back_up};
use sled::Tree;

/// A folder like a node's.
fn folder_of_a_node() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("authority.pem"), b"certificate").unwrap();
    fs::write(folder.path().join("authority.key.sealed"), b"sealed").unwrap();
    let database = open(&folder.path().join("store"));
    (folder, database)
}

fn open(folder: &Path) -> Database {
    Database::open(folder, 16 << 20).unwrap()
}

fn number(tree: &Tree, key: &str) -> u64 {
    let value = tree.get(key).unwrap();
    value.map_or(0, |value| u64::from_be_bytes(value.as_ref().try_into().unwrap()))
}

/// Backs up, puts it back elsewhere, and gives the new database.
fn copied(source: &Source<'_>, to: &Path) -> Database {
    let file = to.join("file");
    let mut target = Target::new(&file).unwrap();
    back_up(source, &mut target, |_| {}).unwrap();
    target.finish(|_| {}).unwrap();
    Checked::open(&file, |_| {}).unwrap().restore(&to.join("state"), false, |_| {}).unwrap();
    open(&to.join("state/store"))
}

struct StopAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn of_two_trees_that_are_written_one_after_the_other_neither_is_ahead() {
    let (folder, database) = folder_of_a_node();
    let (last, first) = (database.tree("a").unwrap(), database.tree("z").unwrap());
    // What lies between the keys that move, on both sides of each, so that a walk needs its time whatever it begins with.
    for index in 0..10_000 {
        for tree in [&first, &last] {
            tree.insert(format!("a{index}"), &[1; 64][..]).unwrap();
            tree.insert(format!("z{index}"), &[1; 64][..]).unwrap();
        }
    }
    let (stop, begun) = (AtomicBool::new(false), Barrier::new(2));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for count in 1_u64.. {
                // Each count is first in `z`, then in `a`; a walk that takes `a` early and `z` late would see them apart. A
                // key comes and goes as well, and is there exactly while `z` is one ahead.
                let put = |tree: &'static str, of: &Tree, key: &str, value: Option<u64>| {
                    let pass = database.pass();
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
        // Also when an assertion fails, so that the writer is not waited for without an end.
        let stopping = StopAtTheEnd(&stop);
        for _ in 0..5 {
            let elsewhere = tempfile::tempdir().unwrap();
            let source = Source { folder: folder.path(), database: &database };
            let copy = copied(&source, elsewhere.path());
            let (a, z) = (copy.tree("a").unwrap(), copy.tree("z").unwrap());
            let (behind, ahead) = (number(&a, "count"), number(&z, "count"));
            assert!(ahead == behind || ahead == behind + 1, "{behind} and {ahead} are of different moments");
            let between: Vec<_> = z.scan_prefix("between-").map(|entry| entry.unwrap().0).collect();
            assert!(between.len() <= usize::from(ahead > behind), "{between:?} at {behind} and {ahead}");
        }
        drop(stopping);
        writer.join().unwrap();
    });
}

/// Calls a function before the first byte is given on.
struct At<F, W>(Option<F>, W);

impl<F: FnOnce(), W: Write> Write for At<F, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(call) = self.0.take() {
            call();
        }
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

#[test]
fn what_is_written_after_it_was_copied_is_copied_again_however_much_it_is() {
    for keys in [3, 5_000] {
        let (folder, database) = folder_of_a_node();
        let tree = database.tree("store").unwrap();
        let key = |index: u32| index.to_be_bytes();
        for index in 0..20_000 {
            tree.insert(key(index), b"before").unwrap();
        }
        let change = |index: u32, value: Option<&[u8]>| {
            let pass = database.pass();
            pass.will_change("store", &key(index));
            match value {
                Some(value) => drop(tree.insert(key(index), value).unwrap()),
                None => drop(tree.remove(key(index)).unwrap()),
            }
        };
        // The first bytes are given on when the first keys are copied and the last are not.
        let meanwhile = || {
            (0..keys).for_each(|index| change(index, Some(b"after")));
            change(keys, None);
            change(19_999, Some(b"after"));
            change(20_000, Some(b"after"));
        };
        let elsewhere = tempfile::tempdir().unwrap();
        let file = elsewhere.path().join("file");
        let mut out = At(Some(meanwhile), Target::new(&file).unwrap());
        let source = Source { folder: folder.path(), database: &database };
        back_up(&source, &mut out, |_| {}).unwrap();
        out.1.finish(|_| {}).unwrap();
        let state = elsewhere.path().join("state");
        Checked::open(&file, |_| {}).unwrap().restore(&state, false, |_| {}).unwrap();
        let copy = open(&state.join("store")).tree("store").unwrap();
        assert_eq!(copy.len(), 20_000);
        assert!(tree.iter().map(Result::unwrap).eq(copy.iter().map(Result::unwrap)));
    }
}

#[test]
fn one_backup_of_a_node_is_made_at_a_time_and_the_next_after_its_end() {
    let (folder, database) = folder_of_a_node();
    // More than is gathered before it is given on.
    fs::write(folder.path().join("authority.pem"), [b'x'; 1 << 20]).unwrap();
    let source = Source { folder: folder.path(), database: &database };
    let second = || {
        let error = back_up(&source, io::sink(), |_| {}).unwrap_err();
        assert!(matches!(error, BackupError::Busy), "{error}");
        // Whoever writes does not wait for whoever takes the bytes.
        database.pass().will_change("a", b"key");
    };
    back_up(&source, At(Some(second), io::sink()), |_| {}).unwrap();
    back_up(&source, io::sink(), |_| {}).unwrap();
}

#[test]
fn a_copy_that_fails_leaves_the_gate_as_it_was() {
    let (folder, database) = folder_of_a_node();
    fs::remove_file(folder.path().join("authority.pem")).unwrap();
    let source = Source { folder: folder.path(), database: &database };
    assert!(back_up(&source, io::sink(), |_| {}).is_err());
    fs::write(folder.path().join("authority.pem"), b"certificate").unwrap();
    back_up(&source, io::sink(), |_| {}).unwrap();
}
