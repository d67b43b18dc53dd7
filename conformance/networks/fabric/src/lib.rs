//! A network of real Hyperledger Fabric programs: orderers, two organisations with a peer each, two channels, and the preset
//! contract and the conformance probe as chaincode services. Everything is a native process on loopback with ports of its own,
//! keeps its files in one folder, and ends when the [`Network`] is dropped.
//!
//! The programs are those of a Fabric release, named by [`Programs`]; `cargo xtask setup --real fabric` builds them.
//! The keys are made anew for every network and are worth nothing.

mod chaincode;
mod client;
mod config;
mod identity;
mod material;
mod network;
mod orderer;
mod package;
mod peer;
mod ports;
mod process;
mod programs;

pub use chaincode::{ORGANISATION_POLICY, PRESET, PROBE};
pub use client::{Client, Load, SURVEY_OF_FABRIC, differences};
pub use identity::Identity;
pub use network::{CHANNELS, Consensus, Network, Options, Organisation};
pub use package::Package;
pub use process::NetworkError;
pub use programs::Programs;
