//! `berth node usage`.

use adapter_spec::types::PublicKey;
use berth_gateway::{SignedRecord, verify_usage};
use clap::Args;
use hyper::Method;
use serde_json::json;

use super::operator::{Which, part};
use crate::{
    failure::{Failure, Kind},
    show::plain,
};

/// `berth node usage`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth node usage shop
  berth node usage shop --json | jq .total")]
pub(crate) struct Usage {
    /// The application
    name: String,
    /// The key that must have signed, SEC1 in hexadecimal; the node's own word for
    /// it where it is left out
    #[arg(long, value_name = "POINT")]
    key: Option<String>,
    #[command(flatten)]
    pub(super) which: Which,
}

pub(super) async fn run(arguments: &Usage) -> Result<(), Failure> {
    let path = format!("/applications/{}/usage", part(&arguments.name)?);
    let found = arguments.which.ask(Method::GET, &path, None).await?;
    let decoded = |error: serde_json::Error| Failure::host("the node's answer", &error);
    let field = |name: &str| found.get(name).cloned().unwrap_or_default();
    let mut key: PublicKey = serde_json::from_value(field("key")).map_err(decoded)?;
    let records: Vec<SignedRecord> = serde_json::from_value(field("records")).map_err(decoded)?;
    if let Some(point) = &arguments.key {
        key.point = hex::decode(point).map_err(|_| Failure::usage("--key is not hexadecimal"))?;
    }
    let last = verify_usage(&key, &records).map_err(|error| {
        let failure = Failure::usage(format!("the usage of {} does not hold: {error}", arguments.name));
        Failure { kind: Kind::Answered, ..failure }.next("Do not pay by it; ask the operator.")
    })?;
    let point = hex::encode(&key.point);
    if arguments.which.json {
        let (to, total) = last.map(|last| (last.to, last.total)).unzip();
        println!("{:#}", json!({"records": records.len(), "key": point, "to": to, "total": total}));
        return Ok(());
    }
    let Some(last) = last else {
        println!("{} has used nothing yet", plain(&arguments.name));
        return Ok(());
    };
    println!("{}, until {}", plain(&last.place.application), last.to);
    for (what, number) in json!(last.total).as_object().into_iter().flatten() {
        println!("  {:18} {number}", what.replace('_', " "));
    }
    println!("{} records, whole and signed by {point}", records.len());
    Ok(())
}
