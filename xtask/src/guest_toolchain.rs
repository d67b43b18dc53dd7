//! A way to compile Rust for `wasm32-unknown-unknown` on this machine. The machine's own Rust is never replaced.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    cache::Cache,
    debian,
    failure::{Failure, OrFail as _, Outcome},
    process,
};

/// What guests are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler, the machine's own standard library (for build scripts and macros), and the sources of the standard library.
const PACKAGES: [&str; 3] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"];

/// How long rustup may take to add the target: it has about 20 MB to fetch, and says quickly when it cannot.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// How guests are compiled here.
pub enum GuestToolchain {
    /// The Rust in use has the target's standard library.
    Installed {
        /// Where that Rust lies.
        sysroot: PathBuf,
    },
    /// Debian's compiler, unpacked in the cache; it compiles the standard library from its sources.
    Debian(DebianRust),
}

/// Debian's compiler for WebAssembly in the cache.
pub struct DebianRust {
    rustc: PathBuf,
    libraries: OsString,
    /// The folder of the `rust-lld` that links.
    linker: PathBuf,
    release: String,
    root: PathBuf,
}

impl GuestToolchain {
    /// Finds a way, and says which.
    pub fn find(cache: &Cache) -> Outcome<GuestToolchain> {
        let rust = OwnRust::ask()?;
        if rust.has_target() {
            println!("  guests: the {TARGET} target of Rust {} on this machine", rust.release);
            return Ok(GuestToolchain::Installed { sysroot: rust.sysroot });
        }
        let name = format!("guest-rust-{}", env!("CARGO_PKG_RUST_VERSION"));
        let fetched = cache.get(&name);
        if fetched.is_none() && rust.add_target()? {
            println!("  guests: the {TARGET} target, which rustup has just added to Rust {}", rust.release);
            return Ok(GuestToolchain::Installed { sysroot: rust.sysroot });
        }
        let folder = match fetched {
            Some(folder) => folder,
            None if debian::is_here() => cache.get_or_fill(&name, |partial| unpack(partial, &rust))?,
            None => {
                return Err(Failure::new(format!(
                    "no way to compile for {TARGET}: run `rustup target add {TARGET}`, or install your \
                     distribution's Rust package for that target (Debian and its relatives need nothing more than apt)"
                )));
            }
        };
        let debian = DebianRust::at(&folder, &rust)?;
        println!(
            "  guests: Debian's rustc {} with its own standard library, in {}",
            debian.release,
            folder.display()
        );
        Ok(GuestToolchain::Debian(debian))
    }

    /// Makes a cargo command build for the guest target with this toolchain. `root` is the repository: its place on
    /// this machine, like those of the other sources, must not end up in a component.
    pub fn apply(&self, command: &mut Command, root: &Path) {
        command.args(["--profile", "guest", "--target", TARGET]);
        let sysroot = match self {
            GuestToolchain::Installed { sysroot } => sysroot.clone(),
            GuestToolchain::Debian(debian) => {
                command.arg("-Zbuild-std=std,panic_abort");
                command.env("RUSTC", &debian.rustc).env("RUSTC_BOOTSTRAP", "1");
                command.env(
                    "LD_LIBRARY_PATH",
                    with_front(debian.libraries.clone(), env::var_os("LD_LIBRARY_PATH")),
                );
                command.env("PATH", with_front(debian.linker.clone().into(), env::var_os("PATH")));
                debian.root.clone()
            }
        };
        let mut flags = Vec::new();
        let cargo_home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
        for (from, to) in [(Some(sysroot), "/rust"), (cargo_home, "/cargo"), (Some(root.into()), "/berth")] {
            if let Some(from) = from {
                flags.push(format!("--remap-path-prefix={}={to}", from.display()));
            }
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    }
}

/// The Rust that runs this task.
struct OwnRust {
    release: String,
    host: String,
    sysroot: PathBuf,
}

impl OwnRust {
    fn ask() -> Outcome<OwnRust> {
        let version = process::read(Command::new("rustc").arg("-vV"))?;
        let sysroot = process::read(Command::new("rustc").args(["--print", "sysroot"]))?;
        match (field(&version, "release"), field(&version, "host")) {
            (Some(release), Some(host)) => Ok(OwnRust { release, host, sysroot: sysroot.trim().into() }),
            _ => Err(Failure::new("`rustc -vV` says neither its release nor its host")),
        }
    }

    fn has_target(&self) -> bool {
        self.sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
    }

    /// Asks rustup for the target; false where there is no rustup, or it cannot.
    fn add_target(&self) -> Outcome<bool> {
        if !process::exists("rustup") {
            return Ok(false);
        }
        println!("  asking rustup for {TARGET} (at most {} s)", RUSTUP_LIMIT.as_secs());
        let mut command = Command::new("rustup");
        command.args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "1");
        match process::run_within(&mut command, RUSTUP_LIMIT) {
            Ok(()) => Ok(self.has_target()),
            Err(reason) => {
                println!("  rustup cannot: {reason}");
                Ok(false)
            }
        }
    }
}

impl DebianRust {
    /// The compiler that was unpacked into this folder, if it runs and is new enough.
    fn at(folder: &Path, rust: &OwnRust) -> Outcome<DebianRust> {
        let root = folder.join("root");
        let rustc = root.join("usr/bin/rustc");
        let libraries =
            env::join_paths(debian::library_folders(&root)?).or_fail("cannot name the library folders")?;
        let version = process::read(
            Command::new(&rustc)
                .arg("-vV")
                .env("LD_LIBRARY_PATH", with_front(libraries.clone(), env::var_os("LD_LIBRARY_PATH"))),
        )
        .or_fail("Debian's rustc was unpacked but does not run")?;
        let release = field(&version, "release").unwrap_or_default();
        let needed = env!("CARGO_PKG_RUST_VERSION");
        if numbers(&release) < numbers(needed) {
            return Err(Failure::new(format!(
                "Debian's rustc-web is {release}, and {needed} or later is needed: enable the distribution's security updates, \
                 or run `rustup target add {TARGET}`"
            )));
        }
        let linker = rust.sysroot.join("lib/rustlib").join(&rust.host).join("bin");
        if !linker.join("rust-lld").exists() {
            return Err(Failure::new(format!(
                "there is no rust-lld in {}: use a Rust from rustup, which has it",
                linker.display()
            )));
        }
        Ok(DebianRust { rustc, libraries, linker, release, root })
    }
}

/// Fills the cache's folder with Debian's compiler, and makes sure that it runs.
fn unpack(partial: &Path, rust: &OwnRust) -> Outcome<()> {
    let work = partial.join("work");
    debian::unpack(&PACKAGES, "about 140 MB", &work, &partial.join("root"))?;
    fs::remove_dir_all(&work).or_fail("cannot remove what was needed for unpacking")?;
    DebianRust::at(partial, rust).map(drop)
}

/// A line `name: value` of `rustc -vV`.
fn field(version: &str, name: &str) -> Option<String> {
    version
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(|value| value.trim().to_string())
}

/// Major and minor version.
fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// A list of folders with `first` in front.
fn with_front(first: OsString, rest: Option<OsString>) -> OsString {
    let mut all = first;
    if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
        all.push(":");
        all.push(rest);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_from_what_rustc_says() {
        let version = "rustc 1.96.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.96.0\n";
        assert_eq!(field(version, "release").as_deref(), Some("1.96.0"));
        assert_eq!(field(version, "host").as_deref(), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(field(version, "LLVM version"), None);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("1.100.0") > numbers("1.95"));
        assert!(numbers("1.85.0") < numbers("1.95"));
        assert!(numbers("1.96.0-nightly") > numbers("1.95"));
    }
}
