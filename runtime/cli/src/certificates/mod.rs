//! `berth certify key | sign | verify | revoke | log`: what is made of a run's evidence, and who vouches for it.

mod draft;
mod key;
mod log;
mod revoke;
mod sign;
mod verify;

use std::path::{Path, PathBuf};

use berth_admission::{admit::read_once, certificate::Tier, digest::Digest, keys::PrivateKey};
use clap::Subcommand;

pub(crate) use verify::{denied, policy};

use crate::failure::Failure;

/// The most bytes of a key file, a policy, or a revocation list.
pub(crate) const MAX_SMALL_FILE: u64 = 4 << 20;
/// The most bytes of a component, a bundle or evidence.
const MAX_FILE: u64 = 512 << 20;

/// What certifiers do besides running the suite.
#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// Make a key for certifying or witnessing
    Key(key::Key),
    /// Make the certificate of an adapter from a run's evidence, or add a signature to it
    Sign(Box<sign::Sign>),
    /// Judge an adapter and the certificate beside it as a node would, without loading it
    Verify(verify::Verify),
    /// Put a component or a certificate on the revocation list
    Revoke(revoke::Revoke),
    /// Keep the log of certificates
    Log {
        #[command(subcommand)]
        command: log::LogCommand,
    },
}

impl CertificateCommand {
    pub(crate) fn json(&self) -> bool {
        match self {
            CertificateCommand::Verify(verify) => verify.json,
            _ => false,
        }
    }

    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            CertificateCommand::Key(key) => key::run(&key),
            CertificateCommand::Sign(sign) => sign::run(&sign),
            CertificateCommand::Verify(verify) => verify::run(&verify),
            CertificateCommand::Revoke(revoke) => revoke::run(&revoke),
            CertificateCommand::Log { command } => log::run(&command),
        }
    }
}

/// A file, read once.
pub(crate) fn read(path: &Path, most: u64) -> Result<std::sync::Arc<[u8]>, Failure> {
    read_once(path, most).map_err(|error| {
        Failure::host(format_args!("{} cannot be read", path.display()), &error)
            .next("Look whether the path is right, and whether you may read it.")
    })
}

pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = read(path, MAX_SMALL_FILE)?;
    String::from_utf8(bytes.to_vec())
        .map_err(|error| Failure::host(format_args!("{} is no text", path.display()), &error))
}

/// The digest of a file.
pub(crate) fn digest_of(path: &Path) -> Result<Digest, Failure> {
    read(path, MAX_FILE).map(|file| Digest::of(&file))
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::host(format_args!("{} cannot be written", path.display()), &error);
    let half: PathBuf = path.with_added_extension("part");
    std::fs::write(&half, bytes).map_err(failed)?;
    std::fs::rename(&half, path).map_err(failed)
}

/// What a digest is of, in one word.
pub(crate) fn what(tier: Tier) -> &'static str {
    match tier {
        Tier::Component => "component",
        Tier::Native => "program",
    }
}

/// A private key from a PEM file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKey, Failure> {
    let pem = zeroize::Zeroizing::new(read_text(path)?);
    PrivateKey::from_pem(&pem).map_err(|error| {
        Failure::host(format_args!("{} has no key", path.display()), &error)
            .next("Make one with: berth certify key FILE")
    })
}
