//! `berth certify sign`.

use std::{path::PathBuf, time::Duration};

use berth_admission::{bundle::Bundle, digest::Digest};
use clap::Args;
use jiff::Timestamp;

use super::{MAX_FILE, draft, private_key, read, what, write};
use crate::{arguments::Given, failure::Failure};

/// `berth certify sign`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth certify sign ethereum.component.wasm --key certifier.pem \\
     --evidence report/evidence.berth --framework-version prague
  berth certify sign ethereum.component.wasm --key second.pem
  berth certify sign --native ethereum --key certifier.pem \\
     --evidence report/evidence.berth --framework-version prague
  berth certify log append ethereum.component.wasm --log log \\
     --witness example.org/w --key witness.pem")]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) given: Given,
    /// The certifier's private key, PKCS#8 in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The evidence of the run. Without it, the signature is added to the certificate that is there
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Option<PathBuf>,
    /// Grows with every version of the adapter that mends a fault of security
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) security_version: u64,
    /// A version of the framework that the node ran; may be given several times
    #[arg(long, value_name = "VERSION")]
    pub(crate) framework_version: Vec<String>,
    /// How long it holds, in days
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    pub(crate) days: u32,
    /// Who ran the suite
    #[arg(long, value_name = "NAME", default_value = "the certifier")]
    pub(crate) recorded_by: String,
    /// Where the evidence can be had; a file beside the component when left out
    #[arg(long, value_name = "URI")]
    pub(crate) evidence_uri: Option<String>,
    /// Where to ask about the certificate
    #[arg(long, value_name = "URI", default_value = "about:blank")]
    pub(crate) status_uri: String,
}

pub(super) fn run(arguments: &Sign) -> Result<(), Failure> {
    let path = arguments.given.file()?;
    let file = read(&path, MAX_FILE)?;
    let key = private_key(&arguments.key)?;
    let beside = arguments.given.beside(&path);
    let mut bundle = match &arguments.evidence {
        None => Bundle::from_json(&read(&beside, MAX_FILE)?).map_err(|error| {
            Failure::host(format_args!("{}", beside.display()), &error)
                .next("Make the certificate first: give --evidence.")
        })?,
        Some(evidence) => {
            let packed = read(evidence, MAX_FILE)?;
            let name = evidence.file_name().map(|name| name.to_string_lossy().into_owned());
            let said = draft::Said {
                security_version: arguments.security_version,
                versions_tested: arguments.framework_version.clone(),
                valid_for: Duration::from_secs(u64::from(arguments.days) * 86_400),
                recorded_by: arguments.recorded_by.clone(),
                evidence_uri: arguments.evidence_uri.clone().or(name).unwrap_or_default(),
                status_uri: arguments.status_uri.clone(),
                now: Timestamp::now().round(jiff::Unit::Second).unwrap_or(Timestamp::UNIX_EPOCH),
            };
            draft::draft(&file, arguments.given.tier(), &packed, said)?
        }
    };
    bundle.sign(&file, &key).map_err(|error| Failure::host("the certificate was not signed", &error))?;
    write(&beside, &bundle.to_json())?;
    let statement =
        bundle.unverified().map_err(|error| Failure::host("the certificate does not decode", &error))?;
    let certificate = statement.predicate();
    println!("{} {}", certificate.adapter.name, certificate.adapter.version);
    println!("  {:<11}  {}", what(certificate.tier), Digest::of(&file));
    let levels: Vec<_> = certificate.levels.iter().map(String::as_str).collect();
    println!("  levels       {}", levels.join(", "));
    println!("  valid until  {}", certificate.not_after);
    println!("  signatures   {}, the last one by {}", bundle.certificate.signatures.len(), key.public().id());
    println!("  written to   {}", beside.display());
    Ok(())
}
