//! `berth node grant`: what the operator sees of grants. To agree is the owners' alone, over HTTP.

use berth_gateway::{Grant, GrantCalls, GrantedUse, verify_grant_calls};
use clap::{Args, Subcommand};
use hyper::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::operator::{Which, part};
use crate::{
    failure::{Failure, Kind},
    show::plain,
};

/// What applications grant each other
#[derive(Debug, Subcommand)]
pub(crate) enum Granted {
    /// List the grants that an application gives and takes
    List(List),
    /// Show one grant: what it lets through, until when, and who agreed
    Show(Show),
    /// Show the calls under an application's grants, and check the chain of signed records that says so
    Calls(Calls),
}

/// `berth node grant list`
#[derive(Args, Debug)]
#[command(after_help = "\
Owners propose, accept and revoke grants over HTTP; the operator cannot.

Examples:
  berth node grant list shop
  berth node grant list shop --json | jq '.grants[].id'")]
pub(crate) struct List {
    /// The application
    name: String,
    #[command(flatten)]
    which: Which,
}

/// `berth node grant show`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node grant show shop 5f0c8a6e2b7d4e19a3c6f8d20b9e7a41")]
pub(crate) struct Show {
    /// The application, on either side
    name: String,
    /// The grant; the beginning of its id is enough where no other begins so
    grant: String,
    #[command(flatten)]
    which: Which,
}

/// `berth node grant calls`
#[derive(Args, Debug)]
#[command(after_help = "\
Each side has every call in a chain of its own before the call is made. A chain
by itself cannot show that its end was cut off or that all of it was written
anew: keep the digest that is shown, and give it with --seen the next time.

Examples:
  berth node grant calls shop
  berth node grant calls shop --seen 3f6c…   # the digest that was shown before
  berth node grant calls shop --json | jq '.calls[].what'")]
pub(crate) struct Calls {
    /// The application, on either side
    name: String,
    /// The key that must have signed, SEC1 in hexadecimal; the node's own word for
    /// it where it is left out
    #[arg(long, value_name = "POINT")]
    key: Option<String>,
    /// The digest of a record that was the last one before: it has to be there
    #[arg(long, value_name = "DIGEST")]
    seen: Option<String>,
    #[command(flatten)]
    which: Which,
}

impl Granted {
    pub(crate) fn json(&self) -> bool {
        match self {
            Granted::List(list) => list.which.json,
            Granted::Show(show) => show.which.json,
            Granted::Calls(calls) => calls.which.json,
        }
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Granted::List(list) => list.run().await,
            Granted::Show(show) => show.run().await,
            Granted::Calls(calls) => calls.run().await,
        }
    }
}

fn decoded<T: DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| Failure::host("the node's answer", &error))
}

async fn grants(which: &Which, name: &str) -> Result<Vec<Grant>, Failure> {
    let found = which.ask(Method::GET, &format!("/applications/{}/grants", part(name)?), None).await?;
    decoded(found.get("grants").cloned().unwrap_or_default())
}

/// Whether a grant lets anything through now, in words.
fn state(grant: &Grant, now: Timestamp) -> String {
    match (&grant.revoked, &grant.accepted) {
        (Some(by), _) => format!("revoked by the owner of {by}"),
        (None, _) if grant.expires <= now => format!("expired at {}", grant.expires),
        (None, None) => "proposed, and not accepted".to_owned(),
        (None, Some(_)) => format!("holds until {}", grant.expires),
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let grants = grants(&self.which, &self.name).await?;
        if self.which.json {
            println!("{:#}", json!({ "grants": grants }));
            return Ok(());
        }
        if grants.is_empty() {
            println!("{} gives and takes nothing", plain(&self.name));
        }
        for grant in grants {
            let state = state(&grant, Timestamp::now());
            println!(
                "{}  {} to {}: {}",
                plain(&grant.id),
                plain(&grant.from),
                plain(&grant.to),
                plain(&state)
            );
        }
        Ok(())
    }
}

impl Show {
    async fn run(self) -> Result<(), Failure> {
        let mut found = grants(&self.which, &self.name).await?;
        found.retain(|grant| grant.id.starts_with(&self.grant));
        let grant = match found.as_slice() {
            [grant] => grant,
            [] => {
                let failure = Failure::usage(format!("{} has no grant {:?}", self.name, self.grant));
                return Err(failure.next("`berth node grant list APPLICATION` shows their ids."));
            }
            more => {
                let what = format!("{} grants begin with {:?}: give more of the id", more.len(), self.grant);
                return Err(Failure::usage(what));
            }
        };
        if self.which.json {
            println!("{:#}", json!(grant));
            return Ok(());
        }
        println!("{}", plain(&grant.id));
        println!("  from        {}", plain(&grant.from));
        println!("  to          {}", plain(&grant.to));
        println!("  state       {}", plain(&state(grant, Timestamp::now())));
        if let Some(accepted) = grant.accepted {
            println!("  accepted    {accepted}");
        }
        println!("  expires     {}", grant.expires);
        for (label, functions) in [("evaluate", &grant.functions), ("invoke", &grant.writes)] {
            for one in functions {
                println!("  {label:11} {} {}", plain(&one.contract), plain(&one.function));
            }
        }
        for key in &grant.keys {
            println!("  key         {}", plain(key));
        }
        Ok(())
    }
}

impl Calls {
    async fn run(self) -> Result<(), Failure> {
        let path = format!("/applications/{}/grants/calls", part(&self.name)?);
        let GrantCalls { mut calls, mut key, mut records, mut next } =
            decoded(self.which.ask(Method::GET, &path, None).await?)?;
        while let Some(from) = next {
            let page = self.which.ask(Method::GET, &format!("{path}?from={from}"), None).await?;
            let page: GrantCalls = decoded(page)?;
            calls.extend(page.calls);
            records.extend(page.records);
            // A page that goes back would be asked for without an end.
            next = page.next.filter(|next| *next > from);
        }
        if let Some(point) = &self.key {
            key.point = hex::decode(point).map_err(|_| Failure::usage("--key is not hexadecimal"))?;
        }
        let entries = verify_grant_calls(&key, &records, self.seen.as_deref()).map_err(|error| {
            let what = format!("the calls under grants of {} do not hold: {error}", self.name);
            let failure = Failure { kind: Kind::Answered, ..Failure::usage(what) };
            failure.next("Compare with the chain of the other side, and with what its owner kept.")
        })?;
        let point = hex::encode(&key.point);
        let last = records.last().map(|record| record.digest());
        // What was written down before there were chains goes first, and nothing vouches for it.
        let before = calls.len().saturating_sub(entries.len());
        let chained: Vec<_> = entries.into_iter().map(|entry| entry.call).collect();
        if self.which.json {
            let unchained = calls.get(..before).unwrap_or_default();
            println!("{:#}", json!({"calls": chained, "unchained": unchained, "key": point, "last": last}));
            return Ok(());
        }
        for call in &chained {
            let does = match call.does {
                GrantedUse::Read => "reads",
                GrantedUse::Write => "writes",
            };
            let key = call.key.as_deref().map_or_else(String::new, |key| format!(" ({key})"));
            println!(
                "{}  {} of {} {does} at {}: {}{}",
                call.at,
                plain(&call.participant),
                plain(&call.to),
                plain(&call.from),
                plain(&call.what),
                plain(&key)
            );
        }
        println!("{} records, whole and signed by {point}", records.len());
        if before > 0 {
            println!("{before} older calls are in no chain; --json shows them");
        }
        if let Some(last) = last {
            println!("the last one is {last}");
        }
        Ok(())
    }
}
