//! Questions by official JavaScript libraries: calls by the official client, and the survey.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use crate::process::{self, NetworkError};

/// The programs: each is started for one question, and prints the answer.
const PROGRAMS: [(&str, &str); 6] = [
    ("package.json", include_str!("../../../../adapters/fabric/chaincode/package.json")),
    ("client.mjs", include_str!("client.mjs")),
    ("load.mjs", include_str!("load.mjs")),
    ("survey.mjs", include_str!("../survey/survey.mjs")),
    ("shapes.mjs", include_str!("../survey/shapes.mjs")),
    ("wire.mjs", include_str!("../survey/wire.mjs")),
];

/// What Fabric 3.1.5 answers to the survey.
pub const SURVEY_OF_FABRIC: &str = include_str!("../survey/fabric-3.1.5.json");

/// Somebody who speaks to one peer.
#[derive(Clone, Debug)]
pub struct Client {
    folder: PathBuf,
    address: String,
    authority: PathBuf,
    msp: String,
    user: PathBuf,
}

impl Client {
    /// A client of the peer, or of what means to be like one, at `address` (`host:port`).
    ///
    /// `folder` is where its programs are written; `modules` the folder `node_modules` that `BERTH_FABRIC_MODULES` names;
    /// `authority` a file with the peer's TLS authority, PEM; `user` an MSP folder of the MSP `msp`: a certificate in
    /// `signcerts`, its key in `keystore`, both PEM.
    ///
    /// # Errors
    /// When the programs cannot be written.
    pub fn new(
        folder: &Path,
        modules: &Path,
        address: &str,
        authority: &Path,
        msp: &str,
        user: &Path,
    ) -> Result<Client, NetworkError> {
        process::folder(folder)?;
        for (name, content) in PROGRAMS {
            process::write(&folder.join(name), content)?;
        }
        let path = folder.join("node_modules");
        if !path.exists() {
            std::os::unix::fs::symlink(modules, &path).map_err(|source| NetworkError::File {
                doing: "write",
                path,
                source,
            })?;
        }
        Ok(Client {
            folder: folder.into(),
            address: address.into(),
            authority: authority.into(),
            msp: msp.into(),
            user: user.into(),
        })
    }

    /// The same for another user of the MSP.
    #[must_use]
    pub fn of(&self, user: &Path) -> Client {
        Client { user: user.into(), ..self.clone() }
    }

    /// Carries out a function of a chaincode in a transaction and gives what it answered when the transaction is committed.
    ///
    /// # Errors
    /// With what the client printed.
    pub fn submit(&self, channel: &str, chaincode: &str, call: &[&str]) -> Result<String, NetworkError> {
        process::run(&mut self.call("submit", channel, chaincode, call))
    }

    /// Carries it out on one peer, without a transaction.
    ///
    /// # Errors
    /// With what the client printed.
    pub fn evaluate(&self, channel: &str, chaincode: &str, call: &[&str]) -> Result<String, NetworkError> {
        process::run(&mut self.call("evaluate", channel, chaincode, call))
    }

    /// Asks everything that the Gateway, Deliver and the system chaincodes take, wrong things too, and gives the answers as JSON,
    /// one a line, without what differs between runs. The channel must have the chaincodes preset and probe.
    ///
    /// # Errors
    /// With what the program printed.
    pub fn survey(&self, channel: &str) -> Result<String, NetworkError> {
        process::run(&mut self.command("survey.mjs", &[channel]))
    }

    /// Starts a program that writes as fast as the official client can, when it is told to.
    ///
    /// # Errors
    /// When it does not start.
    pub fn load(&self, channel: &str) -> Result<Load, NetworkError> {
        let mut command = self.command("load.mjs", &[channel]);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|source| NetworkError::Start { program: "node".into(), source })?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Load { child, input, output })
    }

    pub(crate) fn call(&self, kind: &str, channel: &str, chaincode: &str, call: &[&str]) -> Command {
        self.command("client.mjs", &[&[kind, channel, chaincode], call].concat())
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("node");
        // The libraries name the server by its address, of which Node.js disapproves.
        command.args(["--no-deprecation", program]).args(arguments).current_dir(&self.folder);
        command.env("PEER", &self.address).env("PEER_AUTHORITY", &self.authority);
        command.env("MSP", &self.msp).env("MSP_FOLDER", &self.user);
        command
    }
}

/// The official client in a loop; it ends when this is dropped.
#[derive(Debug)]
pub struct Load {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Load {
    /// Inserts new keys into the preset contract for this time, each from its proposal to its commit, as many side by side as
    /// said, and gives how many were committed a second.
    ///
    /// # Errors
    /// When the program ended.
    pub fn run(&mut self, time: Duration, side_by_side: usize) -> Result<f64, NetworkError> {
        let ended = || NetworkError::Failed { command: "node load.mjs".into(), said: "it ended".into() };
        let (Some(input), Some(output)) = (&mut self.input, &mut self.output) else { return Err(ended()) };
        writeln!(input, "{} {side_by_side}", time.as_millis()).map_err(|_| ended())?;
        let mut line = String::new();
        output.read_line(&mut line).map_err(|_| ended())?;
        line.trim().parse().map_err(|_| ended())
    }
}

/// What one answered otherwise than the other: the question, and both answers, each with JSON of the place where they part.
#[must_use]
pub fn differences(one: &str, other: &str) -> Vec<String> {
    let read = |survey: &str| serde_json::from_str(survey).unwrap_or(serde_json::Value::Null);
    let mut found = Vec::new();
    compare(String::new(), &read(one), &read(other), &mut found);
    found
}

fn compare(place: String, one: &serde_json::Value, other: &serde_json::Value, found: &mut Vec<String>) {
    use serde_json::Value;
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
            for name in names {
                let (left, right) = (left.get(name), right.get(name));
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                match (left, right) {
                    (Some(left), Some(right)) => compare(place, left, right, found),
                    (Some(left), None) => found.push(format!("{place}: {left} | nothing")),
                    (None, right) => {
                        found.push(format!("{place}: nothing | {}", right.unwrap_or(&Value::Null)));
                    }
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (number, (left, right)) in left.iter().zip(right).enumerate() {
                compare(format!("{place}[{number}]"), left, right, found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{place}: {one} | {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_by_their_place() {
        let one = r#"{"a": {"b": [1, 2]}, "c": "x", "e": 1}"#;
        let other = r#"{"a": {"b": [1, 3]}, "d": "x", "e": 1}"#;
        assert_eq!(differences(one, other), [r"a.b[1]: 2 | 3", r#"c: "x" | nothing"#, r#"d: nothing | "x""#]);
        assert!(differences(one, one).is_empty());
    }
}
