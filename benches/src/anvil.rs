//! A real node for end-to-end benchmarks.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// Anvil on a free loopback port; it is stopped when this is dropped.
pub struct Anvil {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Anvil {
    /// Starts the program that the environment variable `BERTH_ANVIL` names; none, and a line that says so, without it.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("BERTH_ANVIL") else {
            println!("not run: BERTH_ANVIL does not name the anvil program; use `cargo xtask bench`");
            return None;
        };
        let mut child = Command::new(program)
            .args(["--port", "0", "--host", "127.0.0.1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned)).unwrap();
        // Its output must be read, or it stops.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Anvil { child, url: format!("http://{address}") })
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
