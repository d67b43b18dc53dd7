//! Anvil, started for one test on a port of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// Anvil's first well-known development key.
pub const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// A running node that mines each transaction at once.
pub struct Anvil {
    child: Child,
    pub url: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Anvil {
    /// Ends it.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// None, and a line that says so, when the program is not given.
    pub fn start() -> Option<Self> {
        let Ok(program) = std::env::var("BERTH_ANVIL") else {
            eprintln!("NOT RUN: BERTH_ANVIL does not name the anvil program");
            return None;
        };
        let mut child = Command::new(program)
            .args(["--port", "0", "--host", "127.0.0.1", "--slots-in-an-epoch", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("anvil says where it listens").unwrap();
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.to_owned();
            }
        };
        // Its output must be read, or it stops.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Anvil { child, url: format!("http://{address}") })
    }
}
