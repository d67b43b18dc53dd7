//! Anvil, Foundry's Ethereum node, for as long as a test, a benchmark or a demonstration needs it.

use std::{
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use tempfile::TempDir;

/// The first of the keys that Anvil, as all of Ethereum's development tools, derives from the words "test test … junk", in
/// hexadecimal. Its account has 10,000 ether. Everybody knows it: never use it for anything real.
pub const FIRST_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// The second.
pub const SECOND_KEY: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node on a free port of loopback. It ends when this is dropped, and leaves nothing behind.
pub struct Anvil {
    child: Child,
    url: String,
    /// Where it keeps the states of old blocks. By default that is below the user's home, where a killed Anvil leaves them:
    /// some 300 MB after a run of the suite.
    _states: TempDir,
}

impl Anvil {
    /// Starts this program, and waits until it listens.
    ///
    /// # Errors
    ///
    /// It does not start, ends before it listens, or does not listen within half a minute.
    pub fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let states = TempDir::new()?;
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--cache-path"])
            .arg(states.path())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take();
        // From here on it is stopped on every way out.
        let mut anvil = Anvil { child, url: String::new(), _states: states };
        let mut lines =
            BufReader::new(stdout.ok_or(io::ErrorKind::BrokenPipe)?).lines().map_while(Result::ok);
        let (tell, told) = mpsc::channel();
        // Its output must be read to its end, or it stops.
        std::thread::spawn(move || {
            let address = lines.find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
            // Nobody listening is nobody to tell.
            let _ = tell.send(address);
            lines.for_each(drop);
        });
        let address = told.recv_timeout(PATIENCE).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        let address = address.ok_or_else(|| io::Error::other("it ended before it said where it listens"))?;
        anvil.url = format!("http://{address}");
        Ok(anvil)
    }

    /// Starts the program that the environment variable `BERTH_ANVIL` names. None, and a line that says that the caller did not
    /// run, when it names none.
    ///
    /// # Panics
    ///
    /// When the program that it names does not start: that is a fault of the set-up, and no test passes by it.
    #[must_use]
    #[expect(clippy::panic, reason = "a test that cannot go on fails, and this is for tests")]
    pub fn of_environment(arguments: &[&str]) -> Option<Self> {
        let Some(program) = std::env::var_os("BERTH_ANVIL") else {
            println!("NOT RUN: BERTH_ANVIL does not name the anvil program; `cargo xtask` sets it");
            return None;
        };
        match Self::start(Path::new(&program), arguments) {
            Ok(anvil) => Some(anvil),
            Err(error) => panic!("Anvil ({}) does not start: {error}", program.display()),
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it, and waits until it has ended.
    pub fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_or_is_not_there_is_an_error() {
        assert!(Anvil::start(Path::new("/bin/true"), &[]).is_err());
        assert!(Anvil::start(Path::new("/nowhere/anvil"), &[]).is_err());
    }
}
