//! The file that a backup becomes.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{
    error::{BackupError, machine},
    folder::{parent, sync_folder},
    format::Summary,
    restore::Checked,
};

/// A file beside its place, which only this user can read; it is moved there when it is whole. Dropped before, it leaves
/// nothing.
pub struct Target {
    file: NamedTempFile,
    path: PathBuf,
}

impl Target {
    /// Begins one.
    ///
    /// # Errors
    /// Where there is a file of this name, or none can be made.
    pub fn new(path: &Path) -> Result<Self, BackupError> {
        if path.symlink_metadata().is_ok() {
            return Err(BackupError::Exists { path: path.to_owned() });
        }
        let folder = parent(path);
        let file = tempfile::Builder::new().prefix(".backup-").suffix(".partial").tempfile_in(folder);
        let file = file.map_err(machine(format!("no file can be made in {}", folder.display())))?;
        Ok(Target { file, path: path.to_owned() })
    }

    /// Has it on the disk, reads it from there and checks it to its last byte, and moves it to its place.
    ///
    /// # Errors
    /// Where it is no whole backup, or there is a file of this name by now.
    pub fn finish(self, progress: impl FnMut(u64)) -> Result<Summary, BackupError> {
        let Target { file, path } = self;
        file.as_file().sync_all().map_err(machine("the backup cannot be flushed"))?;
        let read = File::open(file.path()).map_err(machine("the backup cannot be read again"))?;
        let summary = Checked::of(read, progress)?.summary();
        file.persist_noclobber(&path).map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path: path.clone() },
            _ => machine(format!("{} cannot be written", path.display()))(failed.error),
        })?;
        sync_folder(parent(&path))?;
        Ok(summary)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
