//! `berth certify revoke`.

use std::path::PathBuf;

use berth_admission::{
    bundle::Bundle,
    digest::Digest,
    dsse::Envelope,
    revocation::{RevocationList, Revoked, RevokedKind},
};
use clap::{ArgGroup, Args};
use jiff::{SignedDuration, Timestamp};

use super::{MAX_FILE, MAX_SMALL_FILE, private_key, read, write};
use crate::failure::Failure;

/// `berth certify revoke`
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").multiple(true), after_help = "\
Examples:
  berth certify revoke --list revocations.json --key certifier.pem
  berth certify revoke --list revocations.json --key certifier.pem \\
     --component ethereum.component.wasm --reason 'signs other amounts'
  berth certify revoke --list revocations.json --key second.pem --add-signature
  berth certify revoke --list revocations.json --key certifier.pem \\
     --at-least ethereum=2")]
pub(crate) struct Revoke {
    /// The list; the next one, with the next number, is written in its place
    #[arg(long, value_name = "FILE")]
    pub(crate) list: PathBuf,
    /// A certifier's private key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A component that may run no more, whatever certificate it has
    #[arg(long, value_name = "FILE", group = "what")]
    pub(crate) component: Option<PathBuf>,
    /// A component whose present certificate no longer holds; it may get another
    #[arg(long, value_name = "FILE", group = "what")]
    pub(crate) certificate_of: Option<PathBuf>,
    /// The digest of a component, where the file is not at hand
    #[arg(long, value_name = "SHA-256", group = "what")]
    pub(crate) digest: Option<Digest>,
    /// The lowest security version of an adapter that may still be loaded
    #[arg(long, value_name = "NAME=NUMBER", value_parser = at_least, group = "what")]
    pub(crate) at_least: Vec<(String, u64)>,
    /// Why; shown to operators
    #[arg(long, value_name = "TEXT", default_value = "no reason was given")]
    pub(crate) reason: String,
    /// Days until the next list at the latest: after that, nodes let nothing in
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(crate) days: u32,
    /// Add a signature to the list as it is, and change nothing in it
    #[arg(long, conflicts_with = "what")]
    pub(crate) add_signature: bool,
}

fn at_least(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("write it as NAME=NUMBER")?;
    Ok((name.to_owned(), number.parse().map_err(|_| "the security version is a number".to_owned())?))
}

pub(super) fn run(arguments: &Revoke) -> Result<(), Failure> {
    let key = private_key(&arguments.key)?;
    let broken =
        |error: &dyn std::error::Error| Failure::host(format_args!("{}", arguments.list.display()), error);
    let previous = match arguments.list.exists() {
        true => Some(
            Envelope::from_json(&read(&arguments.list, MAX_SMALL_FILE)?).map_err(|error| broken(&error))?,
        ),
        false => None,
    };
    if arguments.add_signature {
        let Some(mut envelope) = previous else {
            return Err(
                Failure::usage("there is no list to sign").next("Make one: leave --add-signature out.")
            );
        };
        envelope.sign(&key);
        write(&arguments.list, &envelope.to_json())?;
        println!("signed by {}; {} signatures", key.public().id(), envelope.signatures.len());
        return Ok(());
    }
    let previous = previous.map(|envelope| RevocationList::unverified(&envelope)).transpose();
    let previous = previous.map_err(|error| broken(&error))?;
    let now = Timestamp::now().round(jiff::Unit::Second).unwrap_or(Timestamp::UNIX_EPOCH);
    let next_update = now
        .checked_add(SignedDuration::from_hours(24 * i64::from(arguments.days)))
        .map_err(|error| Failure::host("the next update", &error))?;
    let mut list = RevocationList::next(previous.as_ref(), now, next_update);
    let mut revoke = |kind, digest| {
        list.revoke(Revoked { kind, digest, reason: arguments.reason.clone(), when: now });
    };
    if let Some(file) = &arguments.component {
        revoke(RevokedKind::Component, Digest::of(&read(file, MAX_FILE)?));
    }
    if let Some(file) = &arguments.certificate_of {
        let beside = Bundle::path_beside(file);
        let bundle = Bundle::from_json(&read(&beside, MAX_FILE)?)
            .map_err(|error| Failure::host(format_args!("{}", beside.display()), &error))?;
        revoke(RevokedKind::Certificate, bundle.certificate.payload_digest());
    }
    if let Some(digest) = arguments.digest {
        revoke(RevokedKind::Component, digest);
    }
    for (adapter, version) in &arguments.at_least {
        list.demand_security_version(adapter, *version);
    }
    let mut envelope = list.to_envelope().map_err(|error| broken(&error))?;
    envelope.sign(&key);
    write(&arguments.list, &envelope.to_json())?;
    println!(
        "revocation list {}, {} entries, next update by {}",
        list.number,
        list.revoked.len(),
        list.next_update
    );
    println!("signed by {}; other certifiers sign with --add-signature", key.public().id());
    Ok(())
}
