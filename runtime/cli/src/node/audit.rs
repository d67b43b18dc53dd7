//! `berth node audit`.

use std::path::PathBuf;

use berth_admission::audit::AuditLog;
use clap::Args;
use serde_json::json;

use super::places;
use crate::{failure::Failure, show::plain};

/// `berth node audit`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth node audit node
  berth node audit node --json | jq '.records[].event.kind'")]
pub(crate) struct Audit {
    /// The node's folder
    pub(crate) state: PathBuf,
    /// Answer with one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn run(arguments: &Audit) -> Result<(), Failure> {
    let mut records = Vec::new();
    let head = AuditLog::read(&places(&arguments.state).audit, |record, _| records.push(record.clone()));
    let head = head.map_err(|error| Failure::host("the audit log", &error))?;
    if arguments.json {
        let document = json!({"lines": head.lines, "digest": head.digest.to_string(), "records": records});
        println!("{document:#}");
        return Ok(());
    }
    for record in &records {
        let event = serde_json::to_value(&record.event).unwrap_or_default();
        let kind = event.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
        let told =
            event.as_object().into_iter().flatten().filter(|(key, value)| *key != "kind" && !value.is_null());
        let told: Vec<_> = told
            .map(|(key, value)| {
                format!("{key} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect();
        println!("{}  {kind:16} {}", record.time, plain(&told.join(", ")));
    }
    println!("{} lines, whole; the last one's digest is {}", head.lines, head.digest);
    Ok(())
}
