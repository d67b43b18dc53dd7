//! Anvil, a local Ethereum node, for as long as the demonstration runs.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::Trouble;

/// The first of the development keys that Anvil derives from the words "test test … junk", as do all of Ethereum's
/// development tools. Everybody knows it: never use it for anything real.
pub const TEST_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// The account of the second such key.
pub const OTHER_ACCOUNT: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/// The chain that Anvil makes.
pub const CHAIN: u64 = 31_337;
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running node. Ends when it is dropped, also on Ctrl-C and on an error.
pub struct Anvil {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Anvil {
    /// Starts it on a free port of this machine alone.
    pub async fn start(program: &Path) -> Result<Self, Trouble> {
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--slots-in-an-epoch", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", program.display()))?;
        let stdout = child.stdout.take().ok_or("Anvil has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let address = tokio::time::timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = line.strip_prefix("Listening on ") {
                    return Ok::<_, std::io::Error>(Some(address.to_owned()));
                }
            }
            Ok(None)
        });
        let address = address.await.map_err(|_| "Anvil does not say where it listens")??;
        let address = address.ok_or("Anvil ended at once")?;
        // Its output must be read, or it stops.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Anvil { child, url: format!("http://{address}") })
    }

    /// Stops it and waits until it has ended.
    pub async fn stop(mut self) -> Result<(), Trouble> {
        Ok(self.child.kill().await?)
    }
}
