//! A browser for the test of the operator's page: the machine's Chromium, or Debian's, unpacked into the cache.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::Cache,
    debian,
    failure::{Failure, OrFail as _, Outcome},
    process,
};

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The program: `$BERTH_CHROMIUM`, else the machine's own, else Debian's, which is fetched the first time.
pub fn install(cache: &Cache) -> Outcome<PathBuf> {
    let program = match env::var_os("BERTH_CHROMIUM").filter(|program| !program.is_empty()) {
        Some(program) => program.into(),
        None => match NAMES.iter().find_map(|name| on_path(name)) {
            Some(program) => program,
            None if debian::is_here() => cache.get_or_fill("chromium", unpack)?.join("chromium"),
            None => {
                return Err(Failure::new(
                    "there is no Chromium on this machine: install it, or name it in BERTH_CHROMIUM",
                ));
            }
        },
    };
    let version = process::read(Command::new(&program).arg("--version"))?;
    println!("  {} in {}", version.trim(), program.display());
    Ok(program)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Unpacks it, with a program beside it that starts it with its libraries.
fn unpack(folder: &Path) -> Outcome<()> {
    let (work, root) = (folder.join("work"), folder.join("root"));
    debian::unpack(&["chromium"], "about 125 MB", &work, &root)?;
    fs::remove_dir_all(&work).or_fail("cannot remove what was downloaded")?;
    // Beside the program, wherever the folder is moved to. Of the folders of libraries, one is in another.
    let script = "#!/bin/sh\nroot=\"$(dirname \"$0\")/root\"\nlibraries=\"$(echo \"$root\"/usr/lib/*-linux-gnu)\"\n\
                  export LD_LIBRARY_PATH=\"$libraries:$libraries/pulseaudio\"\n\
                  exec \"$root/usr/lib/chromium/chromium\" \"$@\"\n";
    let program = folder.join("chromium");
    fs::write(&program, script).or_fail("cannot write the browser's script")?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).or_fail("cannot make it a program")
}
