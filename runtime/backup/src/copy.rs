//! Copying what a node keeps, while it is used.

use std::{
    fs::File,
    io::{self, BufWriter, Read as _, Write},
    path::Path,
};

use jiff::Timestamp;

use crate::{
    database::Database,
    error::{BackupError, machine, store},
    folder::{FILES, database, lock},
    format::{Summary, Writer},
    gate::Changed,
};

/// Bytes of one part of a file.
const PART: u64 = 256 << 10;
/// So few keys are copied while writers wait: some milliseconds.
const FEW: usize = 256;
/// After so many rounds the rest is copied while writers wait, however much it is.
const ROUNDS: usize = 16;

/// What is copied.
pub struct Source<'a> {
    /// The state's folder.
    pub folder: &'a Path,
    /// Its database.
    pub database: &'a Database,
}

/// What became of a key that was written meanwhile.
type Now = (&'static str, Vec<u8>, Option<sled::IVec>);

/// Writes a backup. `progress` is told the bytes so far. Blocks: not for tokio's own threads.
///
/// # Errors
/// [`BackupError`]; what was written until then is no backup.
pub fn back_up(
    source: &Source<'_>,
    out: impl Write,
    mut progress: impl FnMut(u64),
) -> Result<Summary, BackupError> {
    let recording = source.database.gate().record()?;
    let mut out = Writer::begin(BufWriter::with_capacity(64 << 10, out), Timestamp::now())?;
    for (name, always) in FILES {
        copy_file(source.folder, name, always, &mut out)?;
    }
    for name in source.database.tree_names() {
        let name = std::str::from_utf8(&name).map_err(|_| BackupError::TooLong { what: "a tree's name" })?;
        let tree = source.database.tree(name).map_err(store("read"))?;
        for entry in tree.iter() {
            let (key, value) = entry.map_err(store("read"))?;
            out.entry(name, &key, &value)?;
            progress(out.bytes());
        }
    }
    let mut left = recording.take();
    for _ in 0..ROUNDS {
        if left.len() <= FEW {
            break;
        }
        for now in look(source.database, left) {
            write(&mut out, now?)?;
        }
        left = recording.take();
    }
    // Read while nobody writes, written after: whoever takes the bytes may be slow.
    let last = recording.last(|changed| {
        left.extend(changed);
        look(source.database, left).collect::<Result<Vec<_>, _>>()
    })?;
    for now in last {
        write(&mut out, now)?;
    }
    let summary = out.end()?;
    progress(summary.bytes);
    Ok(summary)
}

/// Writes a backup of a node that is not running.
///
/// # Errors
/// [`BackupError`]; what was written until then is no backup.
pub fn back_up_folder(
    folder: &Path,
    out: impl Write,
    progress: impl FnMut(u64),
) -> Result<Summary, BackupError> {
    // Let go of again at once: the database takes the same lock itself.
    let locked = lock(folder)?;
    drop(locked.ok_or_else(|| BackupError::Nothing { folder: folder.to_owned() })?);
    let database = database(folder).map_err(store("opened"))?;
    back_up(&Source { folder, database: &database }, out, progress)
}

/// What these keys have now.
fn look(database: &Database, changed: Changed) -> impl Iterator<Item = Result<Now, BackupError>> {
    changed.into_iter().map(|(name, key)| {
        let tree = database.tree(name).map_err(store("read"))?;
        let value = tree.get(&key).map_err(store("read"))?;
        Ok((name, key, value))
    })
}

fn write<W: Write>(out: &mut Writer<W>, (tree, key, value): Now) -> Result<(), BackupError> {
    match value {
        Some(value) => out.entry(tree, &key, &value),
        None => out.gone(tree, &key),
    }
}

fn copy_file<W: Write>(
    folder: &Path,
    name: &str,
    always: bool,
    out: &mut Writer<W>,
) -> Result<(), BackupError> {
    let path = folder.join(name);
    let unread = || machine(format!("{} cannot be read", path.display()));
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !always => return Ok(()),
        Err(error) => return Err(unread()(error)),
    };
    // What is there now: the audit log may grow meanwhile.
    let mut file = file.metadata().map(|found| file.take(found.len())).map_err(unread())?;
    let mut part = Vec::new();
    loop {
        part.clear();
        file.by_ref().take(PART).read_to_end(&mut part).map_err(unread())?;
        if part.is_empty() {
            return Ok(());
        }
        out.part(name, &part)?;
    }
}
