//! Where the command keeps what it need not do twice.

use std::{env, path::PathBuf};

/// The folder of compiled code: `code` in `$BERTH_CACHE`, else in `berth` in the user's own cache folder; none where
/// neither is known.
#[must_use]
pub fn code_cache() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("BERTH_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("berth")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache").join("berth")));
    folder.map(|folder| folder.join("code"))
}
