//! What a host must never forget: the highest revocation list and security versions that it has seen.
//!
//! It is kept twice, in a small file and in the audit log, and the higher of the two counts. So:
//! - an older copy of the small file lowers nothing, since the audit log still has all it knew;
//! - an older copy of the audit log is found out, since the small file knows the head of its chain;
//! - with older copies of both, the policy's floors and the next-update of the revocation list are what is left: once that
//!   list is stale, `enforce` loads nothing until a current one is there, which brings its number and its minimum
//!   security versions with it. Against a restored disk *and* a clock set back, nothing on that disk can help.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    audit::{Event, Head},
    digest::Digest,
    files::{read_bounded, write_whole},
    json::{self, JsonError},
};

/// Bytes of the file, at most.
const MAX_MEMORY_BYTES: usize = 1 << 20;

/// What is never forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Floor {
    /// The highest number of a revocation list.
    pub revocation_number: u64,
    /// Digest of that list's payload: there is one list to each number.
    pub revocation_list: Option<Digest>,
    /// The highest security version, by adapter name.
    pub security_versions: BTreeMap<String, u64>,
    /// The head of the audit log when this was written.
    pub audit: Head,
}

impl Default for Floor {
    fn default() -> Self {
        Floor {
            revocation_number: 0,
            revocation_list: None,
            security_versions: BTreeMap::new(),
            audit: Head::empty(),
        }
    }
}

impl Floor {
    /// Raises it to what a line of the audit log says.
    pub fn learn(&mut self, event: &Event) {
        match event {
            Event::Admitted { adapter: Some(name), security_version: Some(version), .. } => {
                self.raise_security_version(name, *version);
            }
            Event::RevocationList { number, list, minimum_security_versions } => {
                if *number >= self.revocation_number {
                    self.revocation_number = *number;
                    self.revocation_list = Some(*list);
                }
                for (name, version) in minimum_security_versions {
                    self.raise_security_version(name, *version);
                }
            }
            _ => {}
        }
    }

    /// The lowest security version of an adapter that may be loaded.
    #[must_use]
    pub fn security_version(&self, name: &str) -> u64 {
        self.security_versions.get(name).copied().unwrap_or(0)
    }

    /// Raises an adapter's security version; never lowers it.
    pub fn raise_security_version(&mut self, name: &str, version: u64) {
        // Versions of 0 are the floor already.
        if version > self.security_version(name) {
            self.security_versions.insert(name.to_owned(), version);
        }
    }
}

/// Why the small file cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The file could not be read or written.
    #[error("what must never be forgotten, {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file does not decode.
    #[error("what must never be forgotten, {path}, is damaged: {source}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        source: JsonError,
    },
}

/// The small file.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
}

impl Memory {
    /// The file at this path, which need not be there yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Memory { path: path.to_owned() }
    }

    /// What it says; none when there is no file.
    ///
    /// # Errors
    /// [`MemoryError`]
    pub fn read(&self) -> Result<Option<Floor>, MemoryError> {
        let path = || self.path.clone();
        match read_bounded(&self.path, MAX_MEMORY_BYTES) {
            Ok(bytes) => json::from_slice(&bytes, MAX_MEMORY_BYTES)
                .map(Some)
                .map_err(|source| MemoryError::Damaged { path: path(), source }),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(MemoryError::File { path: path(), source }),
        }
    }

    /// Writes it; on disk when this returns.
    ///
    /// # Errors
    /// [`MemoryError`]
    pub fn write(&self, floor: &Floor) -> Result<(), MemoryError> {
        let failed = |source| MemoryError::File { path: self.path.clone(), source };
        let bytes = serde_json::to_vec_pretty(floor).map_err(|error| failed(error.into()))?;
        write_whole(&self.path, &bytes).map_err(failed)
    }
}
