//! Runs the built command, and compares with golden files.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

pub mod running;

use std::{env, fs, path::PathBuf, process::Command};

/// What the command said.
pub struct Shown {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The command with a folder of its own.
pub struct Berth {
    pub folder: tempfile::TempDir,
}

impl Berth {
    pub fn new() -> Self {
        Berth { folder: tempfile::tempdir().unwrap() }
    }

    pub fn run(&self, words: &[&str]) -> Shown {
        let output = Command::new(env!("CARGO_BIN_EXE_berth"))
            .args(words)
            .current_dir(self.folder.path())
            .env("BERTH_CACHE", self.folder.path().join("cache"))
            .env_remove("BERTH_KEY")
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        Shown {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A text without the folder's own name, which is another in each run.
    pub fn without_folder(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "FOLDER")
    }
}

/// A component that was built; none, and a line that says so, where there is none.
pub fn component(name: &str) -> Option<String> {
    let target = || Some(PathBuf::from(env!("CARGO_BIN_EXE_berth")).parent()?.parent()?.join("components"));
    let folder = env::var_os("BERTH_COMPONENTS").map(PathBuf::from).or_else(target)?;
    let file = folder.join(format!("{name}.component.wasm"));
    if !file.exists() {
        eprintln!("NOT RUN: there is no {name}.component.wasm; `cargo xtask components` makes it");
        return None;
    }
    Some(file.to_str().unwrap().into())
}

/// Compares with the golden file of this name, or writes it with `BLESS=1`.
pub fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} differs; BLESS=1 writes it anew");
}
