//! Which keys and values are taken, and that they come back as they were.

use adapter_spec::types::ErrorCode;

use super::{answers, refused, shown};
use crate::{
    check::{Checked, ensure},
    trial::{Store, Trial},
};

/// The longest key, bytes (STORE-7).
pub(super) const LONGEST_KEY: usize = 255;
/// The longest value that every ledger takes, bytes (STORE-8).
pub(super) const LONGEST_VALUE: usize = 4096;

/// Ends of keys that software takes for one another or treats in a way of its own: by case, by normalisation, by cutting
/// spaces, by paths, by the end of C strings, by quoting, by what reserved prefixes and ranges mean.
pub(super) const ENDS: &[&str] = &[
    "",
    "K",
    "k",
    " k",
    "k ",
    "k\0",
    "k\0\0",
    "\0k",
    "k/",
    "/k",
    "k/../k",
    "k%2F",
    "k%00",
    "\u{e9}",
    "e\u{301}",
    "\u{1f600}",
    "\u{10ffff}",
    "\u{ffff}",
    "\u{feff}k",
    "k\n",
    "k\r\n",
    "\"k\"",
    "\\k",
    "'k",
    "{k}",
    "k,k",
    "k:k",
    "k=k",
    "k;k",
    "0x6b",
    "6b",
    "\u{4e2d}\u{6587}",
    "\u{202e}k",
    "_k",
    "k~",
    "*",
    "?",
    "\u{df}",
    "ss",
    "\u{131}",
    "i",
    "\u{fb01}",
    "fi",
    "\u{ff4b}",
];

/// Those of them that most often go wrong: case, spaces, C strings, normalisation.
const COMMON: &[&str] = &["K", "k", "k ", "k\0", "\u{e9}", "e\u{301}"];

/// A key with this end, which no other check has.
pub(super) fn key(fresh: &str, end: usize) -> String {
    format!("{fresh}{}", ENDS.get(end % ENDS.len()).copied().unwrap_or_default())
}

/// A key of exactly this many bytes.
fn key_of(fresh: &str, unit: &str, length: usize) -> String {
    let mut key = fresh.to_owned();
    while key.len() + unit.len() <= length {
        key.push_str(unit);
    }
    while key.len() < length {
        key.push('.');
    }
    key
}

pub(super) async fn keys_that_look_alike(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    let fresh = trial.name();
    // The commonest mistakes always, and of the others a part that the seed chooses.
    let first = trial.below(ENDS.len());
    let others = (first..first + 5).map(|end| key(&fresh, end));
    let mut keys: Vec<String> = COMMON.iter().map(|end| format!("{fresh}{end}")).chain(others).collect();
    keys.extend([
        key_of(&fresh, "x", LONGEST_KEY),
        key_of(&fresh, "x", LONGEST_KEY - 1),
        key_of(&fresh, "\u{4e2d}", LONGEST_KEY),
        key_of(&fresh, "\u{1f600}", LONGEST_KEY),
    ]);
    keys.sort();
    keys.dedup();
    let mut entries = Vec::new();
    for key in keys {
        let value = trial.bytes(8);
        let came = store.insert(&key, &value).await?;
        answers(&(), &format!("insert of {key:?}, which was never written"), came)?;
        entries.push((key, value));
    }
    for (key, value) in &entries {
        answers(value, &format!("the value of {key:?}"), store.get(key).await?)?;
    }
    let Some((deleted, _)) = entries.pop() else { return Ok(()) };
    answers(&(), &format!("delete of {deleted:?}"), store.delete(&deleted).await?)?;
    for (key, value) in &entries {
        answers(
            value,
            &format!("the value of {key:?} after {deleted:?} was deleted"),
            store.get(key).await?,
        )?;
    }
    Ok(())
}

pub(super) async fn wrong_lengths(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    every_operation(&store, "", ErrorCode::InvalidArgument).await?;
    let fresh = trial.name();
    // As many bytes too many as one more character has; fewer characters than the longest key may have bytes.
    for key in [key_of(&fresh, "x", LONGEST_KEY + 1), key_of(&fresh, "\u{1f600}", LONGEST_KEY + 1)] {
        every_operation(&store, &key, ErrorCode::TooLarge).await?;
    }
    every_operation(&store, &key_of(&fresh, "y", 5000), ErrorCode::TooLarge).await
}

async fn every_operation(store: &Store, key: &str, code: ErrorCode) -> Checked {
    let what = |operation: &str| format!("{operation} of a key of {} bytes", key.len());
    refused(code, &what("insert"), store.insert(key, b"1").await?)?;
    refused(code, &what("get"), store.get(key).await?)?;
    refused(code, &what("update"), store.update(key, b"1").await?)?;
    refused(code, &what("delete"), store.delete(key).await?)
}

pub(super) async fn values_come_back(trial: &mut Trial) -> Checked {
    let store = trial.store().await?;
    let fresh = trial.name();
    let mut values: Vec<Vec<u8>> = vec![
        vec![0],
        vec![0; 33],
        vec![0xff, 0xfe, 0, 1, 0x80, 0xc0],
        (0..=255).collect(),
        b"{\"a\": [1, null]}\n".to_vec(),
        b"0x00ff".to_vec(),
        [trial.bytes(20), vec![0; 20]].concat(),
        [vec![0; 20], trial.bytes(20)].concat(),
    ];
    values.push(trial.bytes(LONGEST_VALUE));
    for (number, value) in values.iter().enumerate() {
        let key = format!("{fresh}{number}");
        let what = format!("a value of {} bytes", value.len());
        answers(&(), &format!("insert of {what}"), store.insert(&key, value).await?)?;
        answers(value, &what, store.get(&key).await?)?;
    }
    let (longest, other) = (format!("{fresh}0"), trial.bytes(LONGEST_VALUE));
    answers(&(), "update to a value of 4096 bytes", store.update(&longest, &other).await?)?;
    answers(&other, "a value of 4096 bytes after an update", store.get(&longest).await?)?;
    for length in [LONGEST_VALUE + 1, 20_000, 70_000] {
        let (key, value) = (format!("{fresh}longer{length}"), trial.bytes(length));
        match store.insert(&key, &value).await? {
            Ok(()) => {
                answers(&value, &format!("a value of {length} bytes that was taken"), store.get(&key).await?)?
            }
            came => {
                let is_right = matches!(&came, Err(error) if error.code == ErrorCode::TooLarge);
                ensure(is_right, format!("a value of {length} bytes is taken whole, or too-large"), || {
                    shown(&came)
                })?;
                refused(ErrorCode::NotFound, "get of what was too large", store.get(&key).await?)?;
            }
        }
    }
    Ok(())
}
