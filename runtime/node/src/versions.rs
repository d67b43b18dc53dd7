//! The versions that a take-back goes back to.
//!
//! The operator may have put a new version over the file of the one before, so that one is kept in the state's folder while it may be
//! needed: as long as the new one is on trial, and once it was taken back. It comes in by the door as every file does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use berth_admission::{Digest, admit::read_once, bundle::Bundle};
use berth_gateway::{Adapters, TakenBack};

use crate::{
    door::{LetIn, MAX_FILE},
    run::{NodeError, make_folder, write_private},
};

/// The folder of kept versions, in the state's folder.
const FOLDER: &str = "versions";
const SUFFIX: &str = ".component.wasm";

/// Kept versions, each under its digest.
pub(crate) struct Versions {
    folder: PathBuf,
}

impl Versions {
    pub(crate) fn new(state: &Path) -> Self {
        Versions { folder: state.join(FOLDER) }
    }

    /// Keeps a version. Whole or not at all: what was torn is not what its name says.
    pub(crate) fn keep(&self, let_in: &LetIn) -> Result<(), NodeError> {
        make_folder(&self.folder)?;
        let file = self.place(&let_in.admitted.digest());
        if let Some(bundle) = &let_in.bundle {
            write_private(&Bundle::path_beside(&file), bundle)?;
        }
        write_private(&file, let_in.admitted.bytes())
    }

    /// Where a version is kept, if it is, and whole.
    pub(crate) fn kept(&self, digest: &str) -> Option<PathBuf> {
        let digest: Digest = digest.parse().ok()?;
        let file = self.place(&digest);
        (digest_of(&file).ok()? == digest).then_some(file)
    }

    /// Removes the versions that nothing goes back to any more. `taken_back` is what is remembered: an adapter that is not in now, as where
    /// its kept version was refused, may come in again.
    pub(crate) fn prune(
        &self,
        adapters: &Adapters,
        taken_back: &BTreeMap<String, TakenBack>,
    ) -> io::Result<()> {
        let needed = adapters.each(|slot| {
            let before = slot.trial.iter().map(|trial| trial.before.digest.clone());
            let back_to = slot.taken_back.iter().map(|taken_back| taken_back.back_to.clone());
            before.chain(back_to).flatten().collect::<Vec<_>>()
        });
        let names = adapters.names();
        let absent = taken_back.iter().filter(|(name, _)| !names.contains(name));
        let back_to = absent.filter_map(|(_, taken_back)| taken_back.back_to.clone());
        let needed: BTreeSet<String> = needed.into_iter().flatten().chain(back_to).collect();
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for file in files {
            let file = file?;
            let name = file.file_name();
            let digest = name.to_str().and_then(|name| name.split('.').next());
            if !digest.is_some_and(|digest| needed.contains(digest)) {
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn place(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}{SUFFIX}"))
    }
}

/// What was taken back, where a file is it.
pub(crate) fn taken_back<'a>(file: &Path, all: &'a BTreeMap<String, TakenBack>) -> Option<&'a TakenBack> {
    // Most nodes have taken nothing back, and what cannot be read is told by the door.
    let digest = (!all.is_empty()).then(|| digest_of(file))?.ok()?.to_string();
    all.values().find(|taken_back| taken_back.digest.as_deref() == Some(&digest))
}

fn digest_of(file: &Path) -> io::Result<Digest> {
    Ok(Digest::of(&read_once(file, MAX_FILE)?))
}
