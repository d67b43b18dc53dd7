//! Calls by the official Node.js client, from a small program that is started for each.

use std::process::Command;

use crate::process::{self, NetworkError};

/// The program, which reads one request from its arguments and prints the answer.
const PROGRAM: &str = include_str!("client.mjs");

/// The official client on behalf of one organisation.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) folder: std::path::PathBuf,
    pub(crate) address: String,
    pub(crate) authority: String,
    pub(crate) msp: String,
    pub(crate) user: std::path::PathBuf,
}

impl Client {
    /// Carries out a function of a chaincode in a transaction and gives what it answered when the transaction is committed.
    ///
    /// # Errors
    /// With what the client printed.
    pub fn submit(&self, channel: &str, chaincode: &str, call: &[&str]) -> Result<String, NetworkError> {
        self.call("submit", channel, chaincode, call)
    }

    /// Carries it out on one peer, without a transaction.
    ///
    /// # Errors
    /// With what the client printed.
    pub fn evaluate(&self, channel: &str, chaincode: &str, call: &[&str]) -> Result<String, NetworkError> {
        self.call("evaluate", channel, chaincode, call)
    }

    fn call(
        &self,
        kind: &str,
        channel: &str,
        chaincode: &str,
        call: &[&str],
    ) -> Result<String, NetworkError> {
        process::run(&mut self.command(kind, channel, chaincode, call))
    }

    pub(crate) fn command(&self, kind: &str, channel: &str, chaincode: &str, call: &[&str]) -> Command {
        let mut command = Command::new("node");
        // The client names the server by its address, of which Node.js disapproves.
        command
            .args(["--no-deprecation", "client.mjs"])
            .args([kind, channel, chaincode])
            .args(call)
            .current_dir(&self.folder);
        command.env("PEER", &self.address).env("PEER_AUTHORITY", &self.authority);
        command.env("MSP", &self.msp).env("MSP_FOLDER", &self.user);
        command
    }

    pub(crate) fn write_program(folder: &std::path::Path) -> Result<(), NetworkError> {
        process::write(&folder.join("client.mjs"), PROGRAM)
    }
}
