//! The repository, as cargo sees it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    failure::{Failure, OrFail as _, Outcome},
    process,
};

/// The repository's root, cargo's target folder, and the guests.
pub struct Workspace {
    /// The repository's root.
    pub root: PathBuf,
    /// Where cargo builds; `CARGO_TARGET_DIR` moves it.
    pub target: PathBuf,
    /// Everything that builds to a component.
    pub guests: Vec<Guest>,
}

/// Something that builds to a component.
#[derive(Debug, PartialEq, Eq)]
pub struct Guest {
    /// The component's name: `ethereum` for the package `adapter-ethereum`.
    pub name: String,
    /// Its cargo package.
    pub package: String,
    /// Its target within that package.
    pub target: GuestTarget,
}

/// Which target of a package a guest is.
#[derive(Debug, PartialEq, Eq)]
pub enum GuestTarget {
    /// The package's library.
    Library {
        /// The module's file name, without its ending.
        file: String,
    },
    /// An example, which bears the guest's own name.
    Example,
}

impl Workspace {
    /// Asks cargo.
    pub fn load() -> Outcome<Workspace> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .ok_or_else(|| Failure::new("run this as `cargo xtask`, anywhere in the repository"))?;
        let root = Path::new(&manifest)
            .parent()
            .ok_or_else(|| Failure::new("xtask must lie in the repository's root"))?
            .to_path_buf();
        let metadata = process::read(
            cargo().args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&root),
        )?;
        let metadata: Value = serde_json::from_str(&metadata).or_fail("`cargo metadata` gives no JSON")?;
        let target = metadata
            .get("target_directory")
            .and_then(Value::as_str)
            .ok_or_else(|| Failure::new("`cargo metadata` names no target folder"))?;
        Ok(Workspace { target: target.into(), guests: guests(&metadata, &root), root })
    }

    /// A cargo command in the repository.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }
}

/// The cargo that runs this task, so that nothing else is ever used beside it.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Every target that is a cdylib, in packages under `adapters/` and `conformance/guests/`.
fn guests(metadata: &Value, root: &Path) -> Vec<Guest> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_string);
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut guests = Vec::new();
    for package in list(metadata, "packages") {
        let (Some(name), Some(manifest)) = (text(&package, "name"), text(&package, "manifest_path")) else {
            continue;
        };
        let places = [root.join("adapters"), root.join("conformance").join("guests")];
        if !places.iter().any(|place| Path::new(&manifest).starts_with(place)) {
            continue;
        }
        for target in list(&package, "targets") {
            let has =
                |key: &str, word: &str| list(&target, key).iter().any(|entry| entry.as_str() == Some(word));
            let Some(target_name) = text(&target, "name").filter(|_| has("crate_types", "cdylib")) else {
                continue;
            };
            guests.push(if has("kind", "example") {
                Guest { name: target_name, package: name.clone(), target: GuestTarget::Example }
            } else {
                Guest {
                    name: name.strip_prefix("adapter-").unwrap_or(&name).to_string(),
                    package: name.clone(),
                    target: GuestTarget::Library { file: target_name.replace('-', "_") },
                }
            });
        }
    }
    guests.sort_by(|one, other| one.name.cmp(&other.name));
    guests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_the_cdylibs_among_adapters_and_test_guests() {
        let metadata = serde_json::json!({"packages": [
            {"name": "adapter-ledger", "manifest_path": "/r/adapters/ledger/Cargo.toml", "targets": [
                {"name": "adapter_ledger", "kind": ["cdylib", "rlib"], "crate_types": ["cdylib", "rlib"]},
                {"name": "against-a-node", "kind": ["test"], "crate_types": ["bin"]},
            ]},
            {"name": "adapter-sdk", "manifest_path": "/r/adapters/sdk/Cargo.toml", "targets": [
                {"name": "adapter_sdk", "kind": ["lib"], "crate_types": ["lib"]},
                {"name": "counter", "kind": ["example"], "crate_types": ["cdylib"]},
            ]},
            {"name": "stubborn", "manifest_path": "/r/conformance/guests/stubborn/Cargo.toml", "targets": [
                {"name": "stubborn", "kind": ["cdylib"], "crate_types": ["cdylib"]},
            ]},
            {"name": "host", "manifest_path": "/r/runtime/host/Cargo.toml", "targets": [
                {"name": "host", "kind": ["cdylib"], "crate_types": ["cdylib"]},
            ]},
        ]});
        let found = guests(&metadata, Path::new("/r"));
        let names: Vec<_> = found.iter().map(|guest| guest.name.as_str()).collect();
        assert_eq!(names, ["counter", "ledger", "stubborn"]);
        assert_eq!(found[0].target, GuestTarget::Example);
        assert_eq!(found[1].target, GuestTarget::Library { file: "adapter_ledger".into() });
    }
}
