//! The folder for what is fetched or built once per machine. It lies outside the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, OrFail as _, Outcome};

/// Lies in a folder that was filled to its end.
const COMPLETE: &str = ".complete";

/// The cache folder.
#[derive(Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// `$BERTH_CACHE`, else `berth` in the user's own cache folder.
    pub fn open() -> Outcome<Cache> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = variable("BERTH_CACHE")
            .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("berth")))
            .or_else(|| variable("HOME").map(|folder| folder.join(".cache").join("berth")))
            .ok_or_else(|| {
                Failure::new("neither BERTH_CACHE nor HOME is set: set BERTH_CACHE to a folder of your own")
            })?;
        Cache::at(folder)
    }

    /// The cache in this folder, which is made where it is missing.
    pub fn at(folder: PathBuf) -> Outcome<Cache> {
        fs::create_dir_all(&folder).or_fail(format!("cannot make the cache folder {}", folder.display()))?;
        let folder =
            folder.canonicalize().or_fail(format!("cannot use the cache folder {}", folder.display()))?;
        Ok(Cache { folder })
    }

    /// The folder of this name, if it was filled before.
    pub fn get(&self, name: &str) -> Option<PathBuf> {
        let folder = self.folder.join(name);
        folder.join(COMPLETE).exists().then_some(folder)
    }

    /// The folder of this name; `fill` fills it the first time, at the path that it is given. A folder that was
    /// filled only half is never taken, and of two processes one waits for the other.
    pub fn get_or_fill(&self, name: &str, fill: impl FnOnce(&Path) -> Outcome<()>) -> Outcome<PathBuf> {
        if let Some(folder) = self.get(name) {
            return Ok(folder);
        }
        let lock = self.folder.join(format!("{name}.lock"));
        let lock = fs::File::create(&lock).or_fail(format!("cannot write {}", lock.display()))?;
        lock.lock().or_fail("cannot lock the cache folder")?;
        if let Some(folder) = self.get(name) {
            return Ok(folder);
        }

        let folder = self.folder.join(name);
        let partial = self.folder.join(format!("{name}.partial"));
        for leftover in [&folder, &partial] {
            if leftover.exists() {
                fs::remove_dir_all(leftover).or_fail(format!("cannot remove {}", leftover.display()))?;
            }
        }
        fs::create_dir_all(&partial).or_fail(format!("cannot make {}", partial.display()))?;
        fill(&partial)?;
        fs::write(partial.join(COMPLETE), "").or_fail(format!("cannot write into {}", partial.display()))?;
        fs::rename(&partial, &folder).or_fail(format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_filled_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().into()).unwrap();
        let fill = |path: &Path| fs::write(path.join("tool"), "x").or_fail("write");
        let first = cache.get_or_fill("tool", fill).unwrap();
        assert_eq!(fs::read_to_string(first.join("tool")).unwrap(), "x");
        let second = cache.get_or_fill("tool", |_| Err(Failure::new("filled again"))).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn a_folder_filled_half_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().into()).unwrap();
        let half = cache.get_or_fill("tool", |path| {
            fs::write(path.join("half"), "x").or_fail("write")?;
            Err(Failure::new("no network"))
        });
        assert!(half.is_err());
        assert!(cache.get("tool").is_none());
        let whole =
            cache.get_or_fill("tool", |path| fs::write(path.join("whole"), "x").or_fail("write")).unwrap();
        assert!(whole.join("whole").exists() && !whole.join("half").exists());
    }
}
