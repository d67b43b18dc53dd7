//! `berth certify verify`.

use std::path::PathBuf;

use berth_admission::{
    Denial, Policy,
    digest::Digest,
    dsse::Envelope,
    memory::Floor,
    revocation::RevocationList,
    verify::{Grounds, Offer, verify},
};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{MAX_FILE, MAX_SMALL_FILE, read, read_text, what};
use crate::{
    arguments::Given,
    failure::{Failure, Kind},
};

/// `berth certify verify`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth certify verify ethereum.component.wasm --policy policy.toml \\
     --revocations revocations.json
  berth certify verify ethereum.component.wasm --policy policy.toml --json
  berth certify verify --native ethereum --policy policy.toml

Exit codes: 0 it would be let in; 1 it would not; 2 wrong usage; 3 a file.")]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) given: Given,
    /// Whom to trust
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The newest revocation list
    #[arg(long, value_name = "FILE")]
    pub(crate) revocations: Option<PathBuf>,
    /// Answer with one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn run(arguments: &Verify) -> Result<(), Failure> {
    let policy = policy(&arguments.policy)?;
    let path = arguments.given.file()?;
    let file = read(&path, MAX_FILE)?;
    let beside = arguments.given.beside(&path);
    let bundle = if beside.exists() { Some(read(&beside, MAX_FILE)?) } else { None };
    let list = match &arguments.revocations {
        None => None,
        Some(path) => {
            let failed =
                |error: &dyn std::error::Error| Failure::host(format_args!("{}", path.display()), error);
            let envelope =
                Envelope::from_json(&read(path, MAX_SMALL_FILE)?).map_err(|error| failed(&error))?;
            let certifiers = &policy.certifiers;
            let list = RevocationList::verify(&envelope, &certifiers.keys, certifiers.threshold);
            Some(list.map_err(|error| failed(&error))?)
        }
    };
    let (tier, name) = (arguments.given.tier(), arguments.given.native.as_deref());
    let offer = Offer { file: &file, bundle: bundle.as_deref(), tier, name, limits: None };
    let floor = Floor::default();
    let grounds = Grounds { policy: &policy, list: list.as_ref(), floor: &floor, now: Timestamp::now() };
    let start = std::time::Instant::now();
    let judged = verify(&offer, &grounds);
    let took = start.elapsed();
    if arguments.json {
        let denial = judged.as_ref().err();
        println!(
            "{:#}",
            json!({
                what(tier): Digest::of(&file).to_string(),
                "admitted": judged.is_ok(),
                "step": denial.map(|denial| denial.step().to_string()),
                "reason": denial.map(ToString::to_string),
                "micros": took.as_micros() as u64,
            })
        );
    }
    match judged {
        Ok(verified) => {
            if !arguments.json {
                println!("{} would be let in", name.map_or(path.display().to_string(), str::to_owned));
                println!("  {:<11}  {}", what(tier), verified.digest);
                if let Some(certified) = &verified.certified {
                    let certificate = &certified.certificate;
                    println!("  adapter      {} {}", certificate.adapter.name, certificate.adapter.version);
                    println!("  valid until  {}", certificate.not_after);
                }
                println!("  judged in    {took:.1?}, before it would be loaded");
            }
            Ok(())
        }
        Err(denial) => Err(denied(&path, &denial)),
    }
}

/// A policy file.
pub(crate) fn policy(path: &std::path::Path) -> Result<Policy, Failure> {
    Policy::from_toml(read_text(path)?.as_bytes())
        .map_err(|error| Failure::host(format_args!("the policy {}", path.display()), &error))
}

/// A file that is not let in.
pub(crate) fn denied(file: &std::path::Path, denial: &Denial) -> Failure {
    let why = format!("{} is not let in: {} ({denial})", file.display(), denial.step());
    Failure { kind: Kind::Answered, ..Failure::usage(crate::show::plain(&why)) }
}
