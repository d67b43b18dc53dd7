//! `berth node admit`.

use std::{path::PathBuf, time::Instant};

use berth_admission::{Admission, Past, admit::ListDenied, certificate::Tier};
use berth_host::{Compiler, CompilerChild, Host, HostConfig};
use berth_node::{Door, DoorError};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{COMPILE, places};
use crate::{
    arguments::Given,
    certificates::{MAX_SMALL_FILE, denied, policy, read, what},
    failure::Failure,
    natives,
    show::plain,
};

/// `berth node admit`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth node admit ethereum.component.wasm --policy policy.toml --state node \\
     --revocations revocations.json
  berth node admit --native ethereum --policy policy.toml --state node
  berth node audit node

Exit codes: 0 it is let in; 1 it is not; 2 wrong usage; 3 a file or the host.")]
pub(crate) struct Admit {
    #[command(flatten)]
    pub(crate) given: Given,
    /// Whom to trust
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The node's folder: what was seen, the audit log, compiled code
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: PathBuf,
    /// The newest revocation list
    #[arg(long, value_name = "FILE")]
    pub(crate) revocations: Option<PathBuf>,
    /// The adapter that is asked for; any when left out
    #[arg(long, value_name = "NAME", conflicts_with = "native")]
    pub(crate) name: Option<String>,
    /// The node's folder comes from a backup, or lost its audit log: go on, and write that down
    #[arg(long)]
    pub(crate) restored: bool,
    /// Answer with one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) async fn run(arguments: &Admit) -> Result<(), Failure> {
    let start = Instant::now();
    std::fs::create_dir_all(&arguments.state).map_err(|error| {
        Failure::host(format_args!("{} cannot be made", arguments.state.display()), &error)
    })?;
    let past = if arguments.restored { Past::Restored } else { Past::Whole };
    let admission =
        Admission::open(policy(&arguments.policy)?, &places(&arguments.state), past, Timestamp::now());
    let admission = admission.map_err(|error| {
        Failure::host("admission cannot be opened", &error)
            .next("After a restored backup say so with --restored; it is written down.")
    })?;
    if let Some(list) = &arguments.revocations {
        let taken = admission.take_revocation_list(&read(list, MAX_SMALL_FILE)?, Timestamp::now());
        taken.map_err(|error: ListDenied| {
            Failure::host(format_args!("the revocation list {}", list.display()), &error)
                .next("Fetch the newest list from the certifiers.")
        })?;
    }
    let program = natives::program()?;
    let host = Host::new(HostConfig {
        instances: 4,
        cache: Some(arguments.state.join("code")),
        compiler: Compiler::Child(CompilerChild::new(program.clone(), vec![COMPILE.into()])),
        ..HostConfig::default()
    });
    let host = host.map_err(|error| Failure::host("the host cannot be set up", &error))?;
    let door = Door::new(admission, host);
    let judged = match &arguments.given.native {
        Some(name) => door.let_native_in(&program, natives::named(name)?).await,
        None => door.let_in(&arguments.given.file()?, arguments.name.as_deref()).await,
    };
    let let_in = match judged {
        Ok(let_in) => let_in,
        Err(DoorError::Denied { denial, .. }) => {
            if arguments.json {
                let document = json!({
                    "admitted": false,
                    "step": denial.step().to_string(),
                    "reason": denial.to_string(),
                });
                println!("{document:#}");
            }
            return Err(denied(&arguments.given.file()?, &denial)
                .next("Nothing was loaded. Ask the adapter's vendor for a file and a certificate that belong together."));
        }
        Err(error) => return Err(Failure::host("nothing was loaded", &error)),
    };
    let took = start.elapsed();
    let tier = arguments.given.tier();
    let facts = let_in.facts.as_ref();
    let from_cache = facts.is_some_and(|facts| facts.from_cache);
    let warning = let_in.admitted.warning().map(ToString::to_string);
    if arguments.json {
        let document = json!({
            "admitted": true,
            "adapter": let_in.name,
            "version": let_in.version,
            what(tier): let_in.admitted.digest().to_string(),
            "certificate": let_in.admitted.certificate_digest().map(|digest| digest.to_string()),
            "warning": warning,
            "from_cache": from_cache,
            "millis": took.as_secs_f64() * 1e3,
        });
        println!("{document:#}");
        return Ok(());
    }
    println!("{} is let in", plain(&format!("{} {}", let_in.name, let_in.version)));
    println!("  {:<11}  {}", what(tier), let_in.admitted.digest());
    if let Some(digest) = let_in.admitted.certificate_digest() {
        println!("  certificate  {digest}");
    }
    if let Some(warning) = warning {
        println!("  WARNING      {}", plain(&warning));
    }
    let how = match tier {
        Tier::Native => "linked into this program: nothing but this program's own care holds it",
        Tier::Component if from_cache => "its code came from the node's cache",
        Tier::Component => "compiled in a process of its own",
    };
    println!("  loaded in    {took:.1?}, {how}");
    Ok(())
}
