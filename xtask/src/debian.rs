//! Programs of Debian's, unpacked into a folder: nothing on the machine changes, and no root is needed.
//!
//! apt does the choosing, since names and versions move. It works on lists and caches of its own; the machine's are
//! only read.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    failure::{Failure, OrFail as _, Outcome},
    process,
};

/// Whether this machine has apt and dpkg.
pub fn is_here() -> bool {
    process::exists("apt-get") && process::exists("dpkg")
}

/// Fetches these packages, and what they need that the machine lacks, and unpacks them into `root`. `work` is for what is
/// needed only meanwhile; `size` is said to people.
pub fn unpack(wanted: &[&str], size: &str, work: &Path, root: &Path) -> Outcome<()> {
    let downloads = work.join("packages");
    for folder in
        [&downloads, &work.join("lists/partial"), &work.join("cache/archives/partial"), &root.to_path_buf()]
    {
        fs::create_dir_all(folder).or_fail(format!("cannot make {}", folder.display()))?;
    }

    // The machine's package lists may be missing or old: then lists of our own are made.
    let fetch = |apt: &Apt| {
        let packages = apt.resolve(wanted)?;
        println!("  fetching {} Debian packages ({size})", packages.len());
        apt.download(&packages, &downloads)
    };
    let packages = match fetch(&Apt { work: work.into(), own_lists: false }) {
        Ok(files) => files,
        Err(reason) => {
            println!("  apt's lists do not do ({}); updating own ones", first_line(&reason.to_string()));
            let own = Apt { work: work.into(), own_lists: true };
            // One source that does not answer does no harm if the packages are known afterwards.
            let updated = own.update();
            match (fetch(&own), updated) {
                (Ok(files), _) => files,
                (Err(error), Ok(())) => return Err(error),
                (Err(error), Err(update)) => return Err(Failure::new(format!("{error}\n{update}"))),
            }
        }
    };
    for package in packages {
        process::run(Command::new("dpkg").arg("-x").arg(&package).arg(root))?;
    }
    Ok(())
}

/// apt, with folders of its own.
struct Apt {
    work: PathBuf,
    own_lists: bool,
}

impl Apt {
    fn command(&self) -> Command {
        let mut command = Command::new("apt-get");
        // Its words are read below.
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        let mut option = |name: &str, value: &str| {
            command.arg("-o").arg(format!("{name}={value}"));
        };
        option("Dir::Cache", &self.work.join("cache").to_string_lossy());
        if self.own_lists {
            option("Dir::State::Lists", &self.work.join("lists").to_string_lossy());
        }
        // The folders are our own, so there is nobody to lock out and no other user to switch to.
        option("Debug::NoLocking", "1");
        option("APT::Sandbox::User", "root");
        option("Acquire::Languages", "none");
        option("Acquire::Retries", "2");
        command
    }

    fn update(&self) -> Outcome<()> {
        process::read(self.command().arg("update")).map(drop)
    }

    /// What would be installed, each as `name=version`.
    fn resolve(&self, wanted: &[&str]) -> Outcome<Vec<String>> {
        let answer = process::read(
            self.command()
                .args(["install", "--yes", "--no-install-recommends", "--reinstall", "--print-uris"])
                .args(wanted),
        )?;
        let packages = chosen_packages(&answer);
        let is_there =
            |wanted: &str| packages.iter().any(|package| package.starts_with(&format!("{wanted}=")));
        match wanted.iter().find(|wanted| !is_there(wanted)) {
            None => Ok(packages),
            Some(missing) => Err(Failure::new(format!("apt knows no package {missing}"))),
        }
    }

    fn download(&self, packages: &[String], folder: &Path) -> Outcome<Vec<PathBuf>> {
        process::read(self.command().arg("download").args(packages).current_dir(folder))?;
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).or_fail("cannot read the downloaded packages")? {
            let path = entry.or_fail("cannot read the downloaded packages")?.path();
            if path.extension().is_some_and(|ending| ending == "deb") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("E:")).or_else(|| text.lines().next()).unwrap_or(text)
}

/// The packages in the answer of `apt-get --print-uris`, whose lines are `'address' file size hash`. A file's name is
/// `name_version_architecture.deb`, with the version's colon as `%3a`.
fn chosen_packages(answer: &str) -> Vec<String> {
    let mut packages = Vec::new();
    for line in answer.lines().filter(|line| line.starts_with('\'')) {
        let Some(file) = line.split_whitespace().nth(1).and_then(|file| file.strip_suffix(".deb")) else {
            continue;
        };
        let mut parts = file.split('_');
        if let (Some(name), Some(version), Some(_architecture)) = (parts.next(), parts.next(), parts.next()) {
            packages.push(format!("{name}={}", version.replace("%3a", ":").replace("%7e", "~")));
        }
    }
    packages
}

/// The folders with the unpacked programs' libraries.
pub fn library_folders(root: &Path) -> Outcome<Vec<PathBuf>> {
    let libraries = root.join("usr/lib");
    let mut folders = vec![libraries.clone()];
    for entry in fs::read_dir(&libraries).or_fail(format!("cannot read {}", libraries.display()))? {
        let entry = entry.or_fail(format!("cannot read {}", libraries.display()))?;
        if entry.file_name().to_string_lossy().contains("-linux-") {
            folders.push(entry.path());
        }
    }
    folders.sort();
    folders.reverse();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_versions_are_read_from_apts_answer() {
        let answer = "Reading package lists...\n\
            The following NEW packages will be installed:\n  libllvm22 rustc-web\n\
            'http://mirror.example/pool/libllvm22_22.1.8-1%7edeb12u1_amd64.deb' libllvm22_1%3a22.1.8-1~deb12u1_amd64.deb 29378692 SHA256:00\n\
            'http://mirror.example/pool/rustc-web_1.96.0%2bdfsg1-1%7edeb12u2_amd64.deb' rustc-web_1.96.0+dfsg1-1~deb12u2_amd64.deb 4450500 \n";
        assert_eq!(
            chosen_packages(answer),
            ["libllvm22=1:22.1.8-1~deb12u1", "rustc-web=1.96.0+dfsg1-1~deb12u2"]
        );
    }

    #[test]
    fn lines_that_name_no_package_are_passed_over() {
        assert!(chosen_packages("'http://mirror.example/x'\n'y' broken.deb 1\nE: nothing\n").is_empty());
    }

    #[test]
    fn the_reason_is_apts_error_line() {
        assert_eq!(
            first_line("`apt-get` failed: W: old\nE: Unable to locate package x"),
            "E: Unable to locate package x"
        );
    }
}
