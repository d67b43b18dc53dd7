//! `berth node upgrade`.

use berth_node::{Changed, UpgradeReport, UpgradeRequest};
use clap::Args;
use hyper::Method;
use serde_json::json;

use super::operator::{Which, part};
use crate::{
    failure::{Failure, Kind},
    show::plain,
};

/// `berth node upgrade`
#[derive(Args, Debug)]
#[command(after_help = "\
The node reads its configuration again: it lets in adapters that are new there,
and puts a new version beside an old one. Every application is opened on the new
version first; if one does worse than before, nothing changes. New calls then go
to the new version, and running ones end on the old. Until the trial is over the
old version stays: a call that the new one fails by its own fault is made on the
old one, and the new one is taken back. A new revocation list is taken, too.

Examples, once city/node.toml or its files are new:
  berth node upgrade --config city/node.toml
  berth node upgrade --trial 86400 --config city/node.toml
  berth node upgrade --take-back ethereum --reason 'receipts look odd'")]
pub(crate) struct Upgrade {
    /// For how many seconds the old version stays beside a new one
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    trial: u64,
    /// Put in another major version too, which need not understand what is under way
    #[arg(long)]
    new_major: bool,
    /// End the trial of this adapter: the version before goes on
    #[arg(long, value_name = "ADAPTER", requires = "reason", conflicts_with_all = ["trial", "new_major"])]
    take_back: Option<String>,
    /// Why it is taken back
    #[arg(long, requires = "take_back")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) which: Which,
}

pub(super) async fn run(arguments: &Upgrade) -> Result<(), Failure> {
    let which = &arguments.which;
    if let (Some(adapter), Some(reason)) = (&arguments.take_back, &arguments.reason) {
        let path = format!("/adapters/{}/take-back", part(adapter)?);
        which.ask(Method::POST, &path, Some(json!({ "reason": reason }))).await?;
        if which.json {
            println!("{:#}", json!({ "taken_back": adapter }));
        } else {
            println!("{}: the version before goes on", plain(adapter));
        }
        return Ok(());
    }
    let request = UpgradeRequest { trial_seconds: arguments.trial, new_major: arguments.new_major };
    let found = which.ask(Method::POST, "/upgrade", Some(json!(request))).await?;
    let report: UpgradeReport =
        serde_json::from_value(found).map_err(|error| Failure::host("the node's answer", &error))?;
    if which.json {
        println!("{:#}", json!(report));
    } else {
        show(&report);
    }
    let refused =
        report.adapters.iter().filter(|(_, changed)| matches!(changed, Changed::Refused(_))).count();
    if refused == 0 {
        return Ok(());
    }
    let failure = Failure::usage(format!("{refused} of {} were refused", report.adapters.len()));
    Err(Failure { kind: Kind::Answered, ..failure }
        .next("What was there goes on; at its next start the node would not let them in."))
}

fn show(report: &UpgradeReport) {
    if report.adapters.is_empty() {
        println!("The configuration names no adapters.");
    }
    for (file, changed) in &report.adapters {
        let line = match changed {
            Changed::Unchanged => "unchanged".to_owned(),
            Changed::LetIn { adapter, version } => format!("let in: {adapter} {version}"),
            Changed::Upgraded(upgraded) => format!(
                "{} {} → {}: {} applications, {} of them in use; the old version stays until {}",
                upgraded.adapter,
                upgraded.from,
                upgraded.to,
                upgraded.applications,
                upgraded.in_use,
                upgraded.until.strftime("%F %T UTC")
            ),
            Changed::Refused(why) => format!("refused: {why}"),
        };
        println!("{}: {}", plain(&file.display().to_string()), plain(&line));
    }
    for name in &report.not_named {
        println!("{}: not in the configuration any more; it stays until the node's next start", plain(name));
    }
}
