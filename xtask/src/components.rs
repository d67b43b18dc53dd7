//! Adapters as components.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Failure, OrFail as _, Outcome},
    guest_toolchain::{GuestToolchain, TARGET},
    process,
    workspace::{Guest, GuestTarget, Workspace},
};

/// What a component's file name ends with.
const ENDING: &str = ".component.wasm";

/// Builds every guest, makes components of them, and gives the folder that they lie in. cargo skips what is up to date.
pub fn build(workspace: &Workspace, toolchain: &GuestToolchain) -> Outcome<PathBuf> {
    if let Some(name) = doubled(&workspace.guests) {
        return Err(Failure::new(format!(
            "two guests are called {name:?}: rename the package or the example of one"
        )));
    }
    let folder = workspace.target.join("components");
    fs::create_dir_all(&folder).or_fail(format!("cannot make {}", folder.display()))?;
    remove_strangers(&folder, &workspace.guests)?;

    process::run(workspace.cargo().args(["build", "--quiet", "--package", "adapter-componentize"]))?;
    let target = workspace.target.join("guest");
    for guest in &workspace.guests {
        // One at a time: a feature that one adapter turns on must not reach into another's component.
        let mut command = workspace.cargo();
        command.args(["build", "--package", &guest.package]).arg("--target-dir").arg(&target);
        let modules = target.join(TARGET).join("guest");
        let module = match &guest.target {
            GuestTarget::Library { file } => {
                command.arg("--lib");
                modules.join(format!("{file}.wasm"))
            }
            GuestTarget::Example => {
                command.args(["--example", &guest.name]);
                modules.join("examples").join(format!("{}.wasm", guest.name))
            }
        };
        toolchain.apply(&mut command, &workspace.root);
        process::run(&mut command)?;

        let component = folder.join(format!("{}{ENDING}", guest.name));
        process::run(
            workspace
                .cargo()
                .args(["run", "--quiet", "--package", "adapter-componentize", "--"])
                .arg(&module)
                .arg(&component),
        )?;
        println!("  {:<40} {:>9}", format!("{}{ENDING}", guest.name), kilobytes(&component)?);
    }
    println!("  in {}", folder.display());
    Ok(folder)
}

/// A name that two guests have.
fn doubled(guests: &[Guest]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    guests.iter().map(|guest| guest.name.as_str()).find(|name| !seen.insert(*name))
}

/// Removes components whose guests are gone, so that no test meets them.
fn remove_strangers(folder: &Path, guests: &[Guest]) -> Outcome<()> {
    for entry in fs::read_dir(folder).or_fail(format!("cannot read {}", folder.display()))? {
        let entry = entry.or_fail(format!("cannot read {}", folder.display()))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let known = |name: &str| guests.iter().any(|guest| guest.name == name);
        if file.strip_suffix(ENDING).is_some_and(|name| !known(name)) {
            fs::remove_file(entry.path()).or_fail(format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn kilobytes(file: &Path) -> Outcome<String> {
    let bytes = fs::metadata(file).or_fail(format!("cannot read {}", file.display()))?.len();
    Ok(format!("{} kB", bytes.div_ceil(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(name: &str) -> Guest {
        Guest { name: name.into(), package: name.into(), target: GuestTarget::Example }
    }

    #[test]
    fn two_guests_of_one_name_are_found() {
        assert_eq!(doubled(&[guest("a"), guest("b"), guest("a")]), Some("a"));
        assert_eq!(doubled(&[guest("a"), guest("b")]), None);
    }

    #[test]
    fn only_components_without_a_guest_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["kept.component.wasm", "gone.component.wasm", "notes.txt"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        remove_strangers(folder.path(), &[guest("kept")]).unwrap();
        assert!(folder.path().join("kept.component.wasm").exists());
        assert!(folder.path().join("notes.txt").exists());
        assert!(!folder.path().join("gone.component.wasm").exists());
    }
}
