//! `berth node participant`.

use std::path::PathBuf;

use berth_gateway::Participant as Record;
use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use super::operator::{Which, part};
use crate::{certificates::read_text, failure::Failure, show::plain};

/// Who may speak to a node
#[derive(Debug, Subcommand)]
pub(crate) enum Participant {
    /// Enrol a participant: make a certificate from a certificate signing request
    Enrol(Enrol),
    /// List who was ever enrolled
    List(List),
    /// Revoke a participant's certificate, at once
    Revoke(Revoke),
}

/// `berth node participant enrol`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\
     -subj /CN=alice -keyout alice.key -out alice.csr
  berth node participant enrol alice --request alice.csr > alice.pem")]
pub(crate) struct Enrol {
    /// The name: lower-case letters, digits, hyphens and dots
    name: String,
    /// The certificate signing request in PEM, of a P-256 key
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// For how many days the certificate is good
    #[arg(long, default_value_t = 365)]
    days: u32,
    #[command(flatten)]
    which: Which,
}

/// `berth node participant list`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node participant list")]
pub(crate) struct List {
    #[command(flatten)]
    which: Which,
}

/// `berth node participant revoke`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node participant revoke alice --reason 'the key was lost'")]
pub(crate) struct Revoke {
    /// The name
    name: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    which: Which,
}

impl Participant {
    pub(crate) fn json(&self) -> bool {
        match self {
            Participant::Enrol(enrol) => enrol.which.json,
            Participant::List(list) => list.which.json,
            Participant::Revoke(revoke) => revoke.which.json,
        }
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Participant::Enrol(Enrol { name, request, days, which }) => {
                let request = read_text(&request)?;
                let body = json!({"name": name, "request_pem": request, "days": days});
                let enrolled = which.ask(Method::POST, "/participants", Some(body)).await?;
                if which.json {
                    println!("{enrolled:#}");
                } else {
                    // The certificate alone, so that it can be written to a file.
                    print!("{}", enrolled.get("certificate_pem").and_then(Value::as_str).unwrap_or_default());
                }
                Ok(())
            }
            Participant::List(List { which }) => {
                let found = which.ask(Method::GET, "/participants", None).await?;
                if which.json {
                    println!("{found:#}");
                    return Ok(());
                }
                let all = found.get("participants").and_then(Value::as_array).cloned().unwrap_or_default();
                if all.is_empty() {
                    println!("Nobody is enrolled; `berth node participant enrol` does it.");
                }
                for record in all.into_iter().filter_map(|record| serde_json::from_value(record).ok()) {
                    let Record { name, fingerprint, not_after, revoked, .. } = record;
                    let state = match revoked {
                        Some(reason) => format!("revoked: {reason}"),
                        None => format!("good until {not_after}"),
                    };
                    println!("{:24} {fingerprint}  {}", plain(&name), plain(&state));
                }
                Ok(())
            }
            Participant::Revoke(Revoke { name, reason, which }) => {
                let path = format!("/participants/{}/revoke", part(&name)?);
                let revoked = which.ask(Method::POST, &path, Some(json!({ "reason": reason }))).await?;
                if which.json {
                    println!("{revoked:#}");
                } else {
                    println!("{} is revoked: refused from the next request on", plain(&name));
                }
                Ok(())
            }
        }
    }
}
