//! Putting a backup back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Seek as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use sled::Tree;

use crate::{
    database::Database,
    error::{BackupError, machine, store},
    folder::{DATABASE, FILES, database, lock, parent, sync_folder},
    format::{Reader, Record, Summary},
    mark::MARK,
};

/// The most trees of a database: many more than a node's has.
const MAX_TREES: usize = 64;

/// A file that is a whole backup. It stays open, and is read once more when it is put back.
#[derive(Debug)]
pub struct Checked {
    file: File,
    summary: Summary,
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup is.
    pub summary: Summary,
    /// Where the folder is that was there before; none where there was none.
    pub aside: Option<PathBuf>,
}

impl Checked {
    /// Reads a file to its end, and checks everything: each record, the SHA-256, that nothing is missing. Writes nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path, progress: impl FnMut(u64)) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(machine(format!("{} cannot be read", path.display())))?;
        Self::of(file, progress)
    }

    pub(crate) fn of(file: File, mut progress: impl FnMut(u64)) -> Result<Self, BackupError> {
        let mut reader = Reader::begin(BufReader::with_capacity(256 << 10, &file))?;
        let (mut trees, mut files) = (BTreeSet::new(), BTreeSet::new());
        while let Some(record) = reader.next()? {
            progress(reader.at());
            match record {
                Record::Entry { tree, .. } | Record::Gone { tree, .. } => {
                    trees.insert(tree);
                    if trees.len() > MAX_TREES {
                        return Err(BackupError::Damaged { what: "it has too many trees", at: reader.at() });
                    }
                }
                Record::Part { file, .. } => {
                    known(&file, reader.at())?;
                    files.insert(file);
                }
            }
        }
        if let Some((file, _)) = FILES.into_iter().find(|(file, always)| *always && !files.contains(*file)) {
            return Err(BackupError::Incomplete { file });
        }
        let summary = reader.summary().ok_or(BackupError::Truncated { at: reader.at() })?;
        Ok(Checked { file, summary })
    }

    /// What it is.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// Makes the state's folder anew. All is made beside it first and has its place only once it is whole and on the disk;
    /// with `force` a folder that is there is moved aside, and nothing is deleted.
    ///
    /// # Errors
    /// Where a node runs on the folder, something is in it, or the machine fails. The folder is then as it was.
    pub fn restore(
        mut self,
        state: &Path,
        force: bool,
        progress: impl FnMut(u64),
    ) -> Result<Restored, BackupError> {
        // Held until the end, so that no node starts meanwhile on a folder that is being moved.
        let _locked = lock(state)?;
        let there = is_used(state)?;
        if there && !force {
            return Err(BackupError::Occupied { folder: state.to_owned() });
        }
        let beside = parent(state);
        fs::create_dir_all(beside).map_err(machine(format!("{} cannot be made", beside.display())))?;
        let ours = fs::Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix(".restore-").permissions(ours).tempdir_in(beside);
        let made = made.map_err(machine(format!("no folder can be made in {}", beside.display())))?;
        self.fill(made.path(), progress)?;
        let aside = if there { Some(move_aside(state)?) } else { None };
        if let Err(source) = fs::rename(made.path(), state) {
            if let Some(aside) = aside
                && fs::rename(&aside, state).is_err()
            {
                return Err(BackupError::Between { aside, source });
            }
            return Err(machine(format!("{} cannot be made", state.display()))(source));
        }
        // It has its place, and another name than the one that would be taken away.
        let _ = made.keep();
        sync_folder(beside)?;
        Ok(Restored { summary: self.summary, aside })
    }

    /// Writes everything into an empty folder, and has it on the disk.
    fn fill(&mut self, folder: &Path, mut progress: impl FnMut(u64)) -> Result<(), BackupError> {
        self.file.rewind().map_err(machine("the backup cannot be read again"))?;
        let mut reader = Reader::begin(BufReader::with_capacity(256 << 10, &self.file))?;
        let database = database(folder).map_err(store("made"))?;
        let mut trees: BTreeMap<String, Tree> = BTreeMap::new();
        while let Some(record) = reader.next()? {
            progress(reader.at());
            match record {
                Record::Entry { tree, key, value } => {
                    opened(&database, &mut trees, tree)?.insert(key, value).map_err(store("written"))?;
                }
                Record::Gone { tree, key } => {
                    opened(&database, &mut trees, tree)?.remove(key).map_err(store("written"))?;
                }
                Record::Part { file, bytes } => {
                    append(&folder.join(known(&file, reader.at())?), &bytes)?;
                }
            }
        }
        // Whoever changed the file since it was checked is found out here, before anything has its place.
        if reader.summary() != Some(self.summary) {
            return Err(BackupError::Changed);
        }
        append(&folder.join(MARK), self.summary.made.to_string().as_bytes())?;
        database.flush().map_err(store("flushed"))?;
        drop((trees, database));
        sync_folder(&folder.join(DATABASE))?;
        sync_folder(folder)
    }
}

fn opened<'a>(
    database: &Database,
    trees: &'a mut BTreeMap<String, Tree>,
    name: String,
) -> Result<&'a Tree, BackupError> {
    use std::collections::btree_map::Entry;
    Ok(match trees.entry(name) {
        Entry::Occupied(tree) => tree.into_mut(),
        Entry::Vacant(place) => {
            let tree = database.tree(place.key()).map_err(store("written"))?;
            place.insert(tree)
        }
    })
}

/// The file of this name, where a backup may have one.
fn known(name: &str, at: u64) -> Result<&'static str, BackupError> {
    let known = FILES.into_iter().map(|(known, _)| known).find(|known| *known == name);
    known.ok_or(BackupError::Damaged { what: "it has a file that no backup has", at })
}

/// Puts bytes at the end of a file that only this user can read, and has them on the disk.
fn append(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(machine(format!("{} cannot be written", path.display())))
}

/// Whether there is something in the folder.
fn is_used(folder: &Path) -> Result<bool, BackupError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(machine(format!("{} cannot be looked into", folder.display()))(error)),
    }
}

/// Moves a folder to a free name beside it.
fn move_aside(folder: &Path) -> Result<PathBuf, BackupError> {
    let time = Timestamp::now().as_millisecond();
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(format!(".before-restore-{time}"));
    let aside = parent(folder).join(name);
    // Moving onto a folder that has something in it fails, so nothing is lost where the name is taken.
    fs::rename(folder, &aside).map_err(machine(format!(
        "{} cannot be moved to {}",
        folder.display(),
        aside.display()
    )))?;
    Ok(aside)
}
