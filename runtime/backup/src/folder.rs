//! What is where in a node's folder, and who uses it.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

use crate::{
    database::{DATABASE_FILE, Database},
    error::{BackupError, machine},
};

/// The folder of the database, in the state's folder.
pub const DATABASE: &str = "store";

/// Files of the state's folder that are in a backup, and whether every node has them. The order matters: the small file
/// knows a line of the audit log, so the log is read after it.
pub const FILES: [(&str, bool); 4] = [
    ("authority.pem", true),
    ("authority.key.sealed", true),
    ("admission.json", false),
    ("audit.jsonl", false),
];

/// Opens the database of a state's folder, or makes it. One that is only walked through needs little memory.
pub(crate) fn database(state: &Path) -> sled::Result<Database> {
    Database::open(&state.join(DATABASE), 64 << 20)
}

/// Takes the database's own lock, the one that a running node holds; none where there is no database.
pub(crate) fn lock(state: &Path) -> Result<Option<File>, BackupError> {
    let path = state.join(DATABASE).join(DATABASE_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(machine(format!("{} cannot be opened", path.display()))(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(BackupError::Running { folder: state.to_owned() }),
        Err(TryLockError::Error(error)) => {
            Err(machine(format!("{} cannot be locked", path.display()))(error))
        }
    }
}

/// Has a folder's list of names on the disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(machine(format!("{} cannot be flushed", folder.display())))
}

/// The folder that something is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
