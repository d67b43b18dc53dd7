//! The file: what was changed, cut or made up is refused, and nothing is written.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

use std::{fs, io::Write as _, path::Path};

use berth_backup::{BackupError, Checked, MAX_KEY, MAX_VALUE, Reader, Record, Target, VERSION, Writer};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};

/// A small backup that can be put back.
fn small() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = Writer::begin(&mut bytes, Timestamp::from_millisecond(1_700_000_000_000).unwrap()).unwrap();
    out.part("authority.pem", b"a certificate").unwrap();
    out.part("authority.key.sealed", b"00ff").unwrap();
    out.part("audit.jsonl", b"{}\n").unwrap();
    out.part("audit.jsonl", b"{}\n").unwrap();
    out.entry("store", b"first", b"1").unwrap();
    out.entry("store", b"second", &[7; 100]).unwrap();
    out.entry("state", b"first", b"").unwrap();
    out.entry("store", b"first", b"2").unwrap();
    out.gone("store", b"second").unwrap();
    out.end().unwrap();
    bytes
}

/// Everything in a folder but this file.
fn beside(folder: &Path, file: &str) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != file).collect()
}

/// How a file is refused; and that nothing was written.
fn refused(folder: &Path, bytes: &[u8]) -> BackupError {
    fs::write(folder.join("file"), bytes).unwrap();
    let error = Checked::open(&folder.join("file"), |_| {})
        .and_then(|checked| checked.restore(&folder.join("state"), true, |_| {}))
        .unwrap_err();
    assert_eq!(beside(folder, "file"), Vec::<String>::new(), "{error}");
    error
}

#[test]
fn what_was_written_is_put_back_with_the_last_word_on_each_key() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), small()).unwrap();
    let checked = Checked::open(&folder.path().join("file"), |_| {}).unwrap();
    let summary = checked.summary();
    assert_eq!((summary.records, summary.bytes), (9, small().len() as u64));
    let state = folder.path().join("deep/state");
    let restored = checked.restore(&state, false, |_| {}).unwrap();
    assert_eq!((restored.summary, restored.aside), (summary, None));
    assert_eq!(fs::read(state.join("authority.pem")).unwrap(), b"a certificate");
    assert_eq!(fs::read(state.join("audit.jsonl")).unwrap(), b"{}\n{}\n");
    assert_eq!(berth_backup::mark(&state).unwrap(), Some(summary.made));
    berth_backup::forget_mark(&state).unwrap();
    assert_eq!(berth_backup::mark(&state).unwrap(), None);
    let database = sled::open(state.join("store")).unwrap();
    let all = |tree: &str| -> Vec<_> {
        let tree = database.open_tree(tree).unwrap();
        tree.iter().map(|entry| entry.unwrap()).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    };
    assert_eq!(all("store"), [(b"first".to_vec(), b"2".to_vec())]);
    assert_eq!(all("state"), [(b"first".to_vec(), Vec::new())]);
}

#[test]
fn only_the_nodes_user_can_read_what_is_put_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mut target = Target::new(&folder.path().join("file")).unwrap();
    target.write_all(&small()).unwrap();
    target.finish(|_| {}).unwrap();
    let state = folder.path().join("state");
    Checked::open(&folder.path().join("file"), |_| {}).unwrap().restore(&state, false, |_| {}).unwrap();
    for path in [folder.path().join("file"), state.clone(), state.join("authority.key.sealed")] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_changed_byte_anywhere_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let whole = small();
    for at in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            refused(folder.path(), &changed);
        }
    }
}

#[test]
fn a_backup_cut_short_anywhere_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let whole = small();
    for length in 0..whole.len() {
        let error = refused(folder.path(), &whole[..length]);
        let cut = matches!(error, BackupError::Truncated { .. });
        assert!(cut || (length < 12 && matches!(error, BackupError::NotABackup)), "{length}: {error}");
    }
    let more = [whole.as_slice(), b"\0"].concat();
    assert!(matches!(refused(folder.path(), &more), BackupError::Damaged { .. }));
}

#[test]
fn a_later_versions_backup_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut later = small();
    later[12..16].copy_from_slice(&(VERSION + 1).to_be_bytes());
    let error = refused(folder.path(), &later);
    assert!(matches!(error, BackupError::NewerVersion { found } if found == VERSION + 1), "{error}");
    assert!(matches!(refused(folder.path(), b"something else, not so short"), BackupError::NotABackup));
}

#[test]
fn a_file_that_no_node_has_and_a_backup_without_an_authority_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let made = |files: &[&str]| {
        let mut bytes = Vec::new();
        let mut out = Writer::begin(&mut bytes, Timestamp::now()).unwrap();
        for file in files {
            out.part(file, b"x").unwrap();
        }
        out.end().unwrap();
        bytes
    };
    for file in ["..", ".", "restored", "store", "node.toml"] {
        let bytes = made(&["authority.pem", "authority.key.sealed", file]);
        assert!(matches!(refused(folder.path(), &bytes), BackupError::Damaged { .. }), "{file}");
    }
    let error = refused(folder.path(), &made(&["authority.pem"]));
    assert!(matches!(error, BackupError::Incomplete { file: "authority.key.sealed" }), "{error}");
}

#[test]
fn a_length_beyond_the_formats_bounds_is_refused_before_its_bytes_come() {
    let folder = tempfile::tempdir().unwrap();
    let head = small()[..24].to_vec();
    let key = (MAX_KEY + 1) as u16;
    let (value, all) = ((MAX_VALUE + 1) as u32, u32::MAX);
    for (what, record) in [
        ("a name", [&[1, 65][..], &[b'a'; 65]].concat()),
        ("a key", [&[1, 1, b's'][..], &key.to_be_bytes()].concat()),
        ("a value", [&[1, 1, b's', 0, 0][..], &value.to_be_bytes()].concat()),
        ("a part", [&[3, 1, b's', 0, 0][..], &all.to_be_bytes()].concat()),
    ] {
        let error = refused(folder.path(), &[head.clone(), record].concat());
        assert!(matches!(error, BackupError::Damaged { .. }), "{what}: {error}");
    }
}

#[test]
fn more_trees_than_a_node_can_have_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let made = |trees: usize| {
        let mut bytes = Vec::new();
        let mut out = Writer::begin(&mut bytes, Timestamp::now()).unwrap();
        out.part("authority.pem", b"x").unwrap();
        out.part("authority.key.sealed", b"x").unwrap();
        (0..trees).for_each(|tree| out.entry(&format!("tree-{tree}"), b"k", b"v").unwrap());
        out.end().unwrap();
        bytes
    };
    assert!(matches!(refused(folder.path(), &made(65)), BackupError::Damaged { .. }));
    fs::write(folder.path().join("file"), made(64)).unwrap();
    Checked::open(&folder.path().join("file"), |_| {}).unwrap();
}

#[test]
fn a_folder_with_something_in_it_is_left_alone_and_with_force_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), small()).unwrap();
    let (file, state) = (folder.path().join("file"), folder.path().join("state"));
    let restore = |force| Checked::open(&file, |_| {}).unwrap().restore(&state, force, |_| {});
    fs::create_dir(&state).unwrap();
    restore(false).unwrap();
    let error = restore(false).unwrap_err();
    assert!(matches!(error, BackupError::Occupied { .. }), "{error}");
    fs::write(state.join("mine"), b"mine").unwrap();
    let aside = restore(true).unwrap().aside.unwrap();
    assert_eq!(fs::read(aside.join("mine")).unwrap(), b"mine");
    assert!(!state.join("mine").exists());
    assert_eq!(beside(folder.path(), "file").len(), 2, "nothing else is left");
}

#[test]
fn a_folder_that_a_node_uses_is_refused_also_with_force() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), small()).unwrap();
    let (file, state) = (folder.path().join("file"), folder.path().join("state"));
    Checked::open(&file, |_| {}).unwrap().restore(&state, false, |_| {}).unwrap();
    let used = sled::open(state.join("store")).unwrap();
    let error = Checked::open(&file, |_| {}).unwrap().restore(&state, true, |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::Running { .. }), "{error}");
    let error = berth_backup::back_up_folder(&state, std::io::sink(), |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::Running { .. }), "{error}");
    drop(used);
    berth_backup::back_up_folder(&state, std::io::sink(), |_| {}).unwrap();
    let nowhere = folder.path().join("nowhere");
    let error = berth_backup::back_up_folder(&nowhere, std::io::sink(), |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::Nothing { .. }) && !nowhere.exists(), "{error}");
}

#[test]
fn a_file_that_is_changed_between_its_check_and_its_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, small()).unwrap();
    let checked = Checked::open(&file, |_| {}).unwrap();
    let mut other = Vec::new();
    let mut out = Writer::begin(&mut other, Timestamp::now()).unwrap();
    out.part("authority.pem", b"another's").unwrap();
    out.part("authority.key.sealed", b"another's").unwrap();
    out.end().unwrap();
    fs::write(&file, other).unwrap();
    let error = checked.restore(&folder.path().join("state"), false, |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::Changed), "{error}");
    assert!(beside(folder.path(), "file").is_empty());
}

#[test]
fn a_target_that_is_not_filled_leaves_nothing_and_never_replaces_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut target = Target::new(&path).unwrap();
    target.write_all(&small()[..50]).unwrap();
    assert!(target.finish(|_| {}).is_err());
    drop(Target::new(&path).unwrap());
    assert!(beside(folder.path(), "").is_empty());
    let mut target = Target::new(&path).unwrap();
    target.write_all(&small()).unwrap();
    fs::write(&path, b"mine").unwrap();
    assert!(matches!(target.finish(|_| {}).unwrap_err(), BackupError::Exists { .. }));
    assert!(matches!(Target::new(&path).err().unwrap(), BackupError::Exists { .. }));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(beside(folder.path(), "file"), Vec::<String>::new());
}

#[test]
fn what_is_longer_than_the_format_takes_is_not_written() {
    let mut out = Writer::begin(std::io::sink(), Timestamp::now()).unwrap();
    assert!(out.entry("store", &[0; MAX_KEY], &[0; 1]).is_ok());
    assert!(out.entry("store", &[0; MAX_KEY + 1], &[0; 1]).is_err());
    assert!(out.entry("store", b"k", &vec![0; MAX_VALUE + 1]).is_err());
    for name in ["", "a/b", "A", &"a".repeat(65)] {
        assert!(out.entry(name, b"k", b"v").is_err(), "{name}");
    }
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let name = "[a-z0-9._-]{1,64}";
    let bytes = || vec(any::<u8>(), 0..200);
    vec(
        prop_oneof![
            (name, bytes(), bytes()).prop_map(|(tree, key, value)| Record::Entry { tree, key, value }),
            (name, bytes()).prop_map(|(tree, key)| Record::Gone { tree, key }),
            (name, bytes()).prop_map(|(file, bytes)| Record::Part { file, bytes }),
        ],
        0..20,
    )
}

fn read(bytes: &[u8]) -> Result<Vec<Record>, BackupError> {
    let mut reader = Reader::begin(bytes)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    Ok(records)
}

proptest! {
    #[test]
    fn whatever_was_written_is_read(records in records(), millis in 0_i64..4_000_000_000_000) {
        let mut bytes = Vec::new();
        let mut out = Writer::begin(&mut bytes, Timestamp::from_millisecond(millis).unwrap()).unwrap();
        for record in &records {
            match record {
                Record::Entry { tree, key, value } => out.entry(tree, key, value).unwrap(),
                Record::Gone { tree, key } => out.gone(tree, key).unwrap(),
                Record::Part { file, bytes } => out.part(file, bytes).unwrap(),
            }
        }
        let summary = out.end().unwrap();
        prop_assert_eq!(summary.bytes, bytes.len() as u64);
        prop_assert_eq!(read(&bytes).unwrap(), records);
    }

    #[test]
    fn whatever_comes_after_a_good_beginning_is_read_without_harm(rest in vec(any::<u8>(), 0..500)) {
        let bytes = [&small()[..24], &rest].concat();
        prop_assert!(read(&bytes).is_err());
    }
}
