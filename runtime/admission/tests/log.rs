//! The log: its tree, its files, and its witnesses.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod world;

use std::fs;

use berth_admission::{
    Digest,
    log::{
        checkpoint::{Checkpoint, CheckpointError},
        merkle::{ProofError, TreeHead, leaf_hash, node_hash},
        note::{NoteError, SignedNote, Witness},
        store::{Log, LogError},
    },
};
use world::{ORIGIN, WITNESS, WITNESS_KEY, key};

fn witness(name: &str, number: u8) -> Witness {
    Witness { name: name.into(), key: key(number).public().clone() }
}

/// A log with as many entries, all made at once.
fn log_of(folder: &std::path::Path, size: usize) -> Log {
    let mut log = Log::create(folder, ORIGIN, WITNESS, &key(WITNESS_KEY)).unwrap();
    let entries: Vec<Vec<u8>> = (0..size).map(|number| format!("entry {number}").into_bytes()).collect();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    log.append_all(&entries, WITNESS, &key(WITNESS_KEY)).unwrap();
    log
}

fn head(log: &Log) -> TreeHead {
    log.verify(&[witness(WITNESS, WITNESS_KEY)], 1).unwrap().head
}

/// RFC 6962, section 2.1, as it is written there.
fn root(leaves: &[Vec<u8>]) -> Digest {
    match leaves {
        [] => Digest::of(&[]),
        [leaf] => leaf_hash(leaf),
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node_hash(&root(&leaves[..split]), &root(&leaves[split..]))
        }
    }
}

#[test]
fn the_hashes_are_those_of_the_specification() {
    // The test vectors of the Certificate Transparency project.
    let leaves =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let leaves: Vec<Vec<u8>> = leaves.iter().map(|leaf| hex::decode(leaf).unwrap()).collect();
    assert_eq!(
        leaf_hash(b"").to_string(),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
    assert_eq!(root(&leaves).to_string(), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::create(folder.path(), ORIGIN, WITNESS, &key(WITNESS_KEY)).unwrap();
    let entries: Vec<&[u8]> = leaves.iter().map(Vec::as_slice).collect();
    log.append_all(&entries, WITNESS, &key(WITNESS_KEY)).unwrap();
    assert_eq!(head(&log), TreeHead { size: 8, root: root(&leaves) });
}

#[test]
fn an_empty_log_has_the_root_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(head(&log_of(folder.path(), 0)), TreeHead { size: 0, root: Digest::of(&[]) });
}

#[test]
fn every_entry_of_every_size_can_be_proved_and_only_where_it_is() {
    for size in [1, 2, 3, 7, 8, 9, 33] {
        let folder = tempfile::tempdir().unwrap();
        let log = log_of(folder.path(), size);
        let head = head(&log);
        assert_eq!(head.root, root(log.entries()));
        for (index, entry) in (0..).zip(log.entries()) {
            let proof = log.prove(index).unwrap();
            head.check_inclusion(entry, index, &proof.path).unwrap();
            assert!(head.check_inclusion(b"other", index, &proof.path).is_err());
            for other in (0..size as u64 + 2).filter(|other| *other != index) {
                assert!(
                    head.check_inclusion(entry, other, &proof.path).is_err(),
                    "{index} as {other} of {size}"
                );
            }
            for hash in 0..proof.path.len() {
                let mut path = proof.path.clone();
                path[hash] = Digest::of(b"forged");
                assert_eq!(head.check_inclusion(entry, index, &path), Err(ProofError::OtherRoot));
                path.remove(hash);
                assert_eq!(head.check_inclusion(entry, index, &path), Err(ProofError::Length));
            }
        }
        assert!(matches!(log.prove(size as u64), Err(LogError::OutOfRange { .. })));
    }
}

#[test]
fn every_tree_shows_that_it_only_grew_and_none_shows_it_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_of(folder.path(), 21);
    let newer = head(&log);
    for size in 0..=21 {
        let older = TreeHead { size: size as u64, root: root(&log.entries()[..size]) };
        let proof = log.prove_consistency(older.size).unwrap();
        newer.check_consistency(&older, &proof).unwrap();
        let forged = TreeHead { root: Digest::of(b"forged"), ..older };
        assert!(newer.check_consistency(&forged, &proof).is_err(), "{size}");
        let longer = [proof.as_slice(), &[Digest::of(b"more")]].concat();
        assert!(newer.check_consistency(&older, &longer).is_err(), "{size}");
        for hash in 0..proof.len() {
            let mut forged = proof.clone();
            forged[hash] = Digest::of(b"forged");
            assert!(newer.check_consistency(&older, &forged).is_err(), "{size} at {hash}");
        }
    }
    assert!(log.prove_consistency(22).is_err());
    assert!(TreeHead::empty().check_consistency(&newer, &[]).is_err());
}

#[test]
fn a_log_is_the_same_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_of(folder.path(), 300);
    let (entries, checkpoint) = (log.entries().to_vec(), log.checkpoint().to_owned());
    drop(log);
    let mut log = Log::open(folder.path()).unwrap();
    assert_eq!(
        (log.entries(), log.checkpoint(), log.origin()),
        (entries.as_slice(), checkpoint.as_str(), ORIGIN)
    );
    let older = head(&log);
    assert_eq!(log.append(b"one more", WITNESS, &key(WITNESS_KEY)).unwrap(), 300);
    let newer = head(&log);
    newer.check_consistency(&older, &log.prove_consistency(300).unwrap()).unwrap();
    for file in
        ["tile/entries/000", "tile/entries/001.p/45", "tile/0/000", "tile/0/001.p/45", "tile/1/000.p/1"]
    {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    assert_eq!(fs::read(folder.path().join("tile/0/000")).unwrap().len(), 8192);
}

#[test]
fn an_entry_is_in_the_log_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log_of(folder.path(), 3);
    let checkpoint = log.checkpoint().to_owned();
    assert_eq!(log.append(b"entry 1", WITNESS, &key(WITNESS_KEY)).unwrap(), 1);
    assert_eq!(log.checkpoint(), checkpoint);
    let twice = log.append_all(&[b"new", b"new"], WITNESS, &key(WITNESS_KEY)).unwrap();
    assert_eq!(twice, [3, 3]);
}

#[test]
fn an_append_cut_off_before_its_checkpoint_never_happened() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_of(folder.path(), 2);
    let checkpoint = log.checkpoint().to_owned();
    drop(log);
    let mut log = Log::open(folder.path()).unwrap();
    log.append(b"cut off", WITNESS, &key(WITNESS_KEY)).unwrap();
    drop(log);
    fs::write(folder.path().join("checkpoint"), &checkpoint).unwrap();
    fs::write(folder.path().join("checkpoint.new"), "half a check").unwrap();
    let mut log = Log::open(folder.path()).unwrap();
    assert_eq!(log.entries().len(), 2);
    assert_eq!(log.append(b"another", WITNESS, &key(WITNESS_KEY)).unwrap(), 2);
    drop(log);
    assert_eq!(Log::open(folder.path()).unwrap().entries()[2], b"another");
}

#[test]
fn a_changed_missing_or_longer_file_is_noticed() {
    let damage = |edit: fn(Vec<u8>) -> Vec<u8>| {
        let folder = tempfile::tempdir().unwrap();
        drop(log_of(folder.path(), 3));
        let path = folder.path().join("tile/entries/000.p/3");
        fs::write(&path, edit(fs::read(&path).unwrap())).unwrap();
        Log::open(folder.path()).unwrap_err()
    };
    let edits: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |mut bytes| {
            bytes[2] ^= 1;
            bytes
        },
        |mut bytes| {
            bytes.pop();
            bytes
        },
        |mut bytes| {
            bytes.push(0);
            bytes
        },
        |_| Vec::new(),
    ];
    for edit in edits {
        assert!(matches!(damage(edit), LogError::OtherRoot));
    }
}

#[test]
fn a_log_has_one_writer_and_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_of(folder.path(), 1);
    assert!(matches!(Log::open(folder.path()), Err(LogError::InUse(_))));
    drop(log);
    let again = Log::create(folder.path(), ORIGIN, WITNESS, &key(WITNESS_KEY));
    assert!(matches!(again, Err(LogError::Exists(_))));
}

#[test]
fn an_entry_beyond_sixteen_bits_and_a_name_with_a_space_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log_of(folder.path(), 1);
    let witness = key(WITNESS_KEY);
    assert!(matches!(log.append(&[0; 65_536], WITNESS, &witness), Err(LogError::EntryTooLarge(65_536))));
    assert!(matches!(log.append(b"x", "two words", &witness), Err(LogError::Name(_))));
    // And the longest that fits is taken.
    assert_eq!(log.append(&[0; 65_535], WITNESS, &witness).unwrap(), 1);
    drop(log);
    assert_eq!(Log::open(folder.path()).unwrap().entries()[1].len(), 65_535);
}

#[test]
fn a_bundle_of_several_of_the_largest_entries_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log_of(folder.path(), 0);
    let entries: Vec<_> = (0..3_u8).map(|number| vec![number; 65_535]).collect();
    for entry in &entries {
        log.append(entry, WITNESS, &key(WITNESS_KEY)).unwrap();
    }
    drop(log);
    assert_eq!(Log::open(folder.path()).unwrap().entries(), entries);
}

#[test]
fn a_second_witness_signs_beside_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log_of(folder.path(), 2);
    let both = [witness(WITNESS, WITNESS_KEY), witness("witness.example/two", 10)];
    let one = log.verify(&both, 2).unwrap_err();
    assert_eq!(one, CheckpointError::Note(NoteError::ThresholdNotMet { needed: 2, valid: 1 }));
    log.cosign("witness.example/two", &key(10)).unwrap();
    log.cosign("witness.example/two", &key(10)).unwrap();
    log.verify(&both, 2).unwrap();
    assert_eq!(SignedNote::parse(log.checkpoint()).unwrap().signatures.len(), 2);
}

#[test]
fn one_key_under_two_names_is_one_witness() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log_of(folder.path(), 1);
    log.cosign("alias", &key(WITNESS_KEY)).unwrap();
    let both = [witness(WITNESS, WITNESS_KEY), witness("alias", WITNESS_KEY)];
    assert!(log.verify(&both, 2).is_err());
    log.verify(&both, 1).unwrap();
}

#[test]
fn a_checkpoint_is_what_the_specification_shows() {
    let head = TreeHead { size: 20_852_163, root: Digest::of(b"sofa") };
    let text = Checkpoint { origin: "example.com/behind-the-sofa".into(), head }.to_text();
    assert!(text.starts_with("example.com/behind-the-sofa\n20852163\n") && text.ends_with("=\n"));
    assert_eq!(Checkpoint::from_text(&text).unwrap().head, head);
    // Extension lines are allowed, empty ones are not.
    assert_eq!(Checkpoint::from_text(&format!("{text}extension\n")).unwrap().head, head);
    for bad in
        [format!("{text}\n"), text.replace("20852163", "020852163"), text.replace('=', ""), "a\n1\n".into()]
    {
        assert!(Checkpoint::from_text(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_checkpoint_beyond_all_logs_is_refused_before_its_files_are_looked_for() {
    use berth_admission::log::merkle::MAX_SIZE;
    for (size, is_beyond) in [(MAX_SIZE, false), (MAX_SIZE + 1, true), (u64::MAX, true)] {
        let folder = tempfile::tempdir().unwrap();
        drop(log_of(folder.path(), 1));
        let head = TreeHead { size, root: Digest::of(b"root") };
        let mut note = SignedNote::unsigned(Checkpoint { origin: ORIGIN.into(), head }.to_text());
        note.sign(WITNESS, &key(WITNESS_KEY));
        fs::write(folder.path().join("checkpoint"), note.to_string()).unwrap();
        let error = Log::open(folder.path()).err().unwrap();
        let beyond = matches!(error, LogError::Checkpoint(CheckpointError::Form("a size beyond all logs")));
        assert_eq!(beyond, is_beyond, "{error:?}");
    }
}

#[test]
fn a_full_tile_is_one_hash_of_the_level_above() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_of(folder.path(), 256);
    let above = fs::read(folder.path().join("tile/1/000.p/1")).unwrap();
    assert_eq!(above, head(&log).root.as_bytes());
}

#[test]
fn a_proof_of_growth_with_a_hash_too_many_or_too_few_has_the_wrong_length() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log_of(folder.path(), 3);
    let older = head(&log);
    log.append_all(&[b"one more".as_slice()], WITNESS, &key(WITNESS_KEY)).unwrap();
    let newer = head(&log);
    let proof = log.prove_consistency(older.size).unwrap();
    newer.check_consistency(&older, &proof).unwrap();
    let longer = [proof.clone(), vec![Digest::of(b"hash")]].concat();
    assert_eq!(newer.check_consistency(&older, &longer), Err(ProofError::Length));
    assert_eq!(newer.check_consistency(&older, &proof[1..]), Err(ProofError::Length));
}
