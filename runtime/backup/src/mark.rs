//! The mark that a folder comes from a backup, until the node has started on it.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use jiff::Timestamp;

use crate::{
    error::{BackupError, machine},
    folder::sync_folder,
};

/// The mark's file, in the state's folder: when the backup was made.
pub const MARK: &str = "restored";

/// When the backup was made that this folder comes from; none where it comes from none, or the mark was taken away.
///
/// # Errors
/// Where the mark cannot be read.
pub fn mark(state: &Path) -> Result<Option<Timestamp>, BackupError> {
    let path = state.join(MARK);
    let unread = || machine(format!("{} cannot be read", path.display()));
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unread()(error)),
    };
    let mut text = String::new();
    file.take(64).read_to_string(&mut text).map_err(unread())?;
    let made = text.trim().parse();
    made.map(Some).map_err(|error| unread()(io::Error::new(io::ErrorKind::InvalidData, error)))
}

/// Takes the mark away.
///
/// # Errors
/// Where it stays.
pub fn forget_mark(state: &Path) -> Result<(), BackupError> {
    let path = state.join(MARK);
    fs::remove_file(&path).map_err(machine(format!("{} cannot be taken away", path.display())))?;
    sync_folder(state)
}
