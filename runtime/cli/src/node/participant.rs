//! `berth node participant`.

use std::path::{Path, PathBuf};

use adapter_spec::types::SignatureScheme;
use berth_gateway::Participant as Record;
use clap::{Args, Subcommand};
use hyper::Method;
use p256::pkcs8::DecodePrivateKey as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

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
    /// Give the node the key that a participant has on an application's ledger already
    ImportKey(ImportKey),
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

/// `berth node participant import-key`
#[derive(Args, Debug)]
#[command(after_help = "\
The node makes a key for a participant when it needs one. This gives it another
before that, for an application whose keys it holds in trust; it is sealed, and
never given out.

Example:
  berth node participant import-key alice --application shop \\
     --scheme ecdsa-secp256k1-keccak256 --key alice-on-the-ledger.hex")]
pub(crate) struct ImportKey {
    /// The participant, a member of the application
    name: String,
    /// The application
    #[arg(long)]
    application: String,
    /// How the key signs
    #[arg(long, value_parser = scheme)]
    scheme: SignatureScheme,
    /// A file with 64 hexadecimal digits, or PKCS#8 in PEM for P-256
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    which: Which,
}

fn scheme(text: &str) -> Result<SignatureScheme, String> {
    serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())
}

/// The key's bytes, hexadecimal.
fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = Zeroizing::new(read_text(path)?);
    if !text.contains("-----BEGIN") {
        return Ok(Zeroizing::new(text.trim().trim_start_matches("0x").to_owned()));
    }
    let key = p256::SecretKey::from_pkcs8_pem(&text).map_err(|_| {
        Failure::usage(format!("{} is no P-256 key in PKCS#8", path.display()))
            .next("Keys of other schemes are read from hexadecimal text.")
    })?;
    Ok(Zeroizing::new(hex::encode(Zeroizing::new(key.to_bytes()))))
}

impl Participant {
    pub(crate) fn json(&self) -> bool {
        match self {
            Participant::Enrol(enrol) => enrol.which.json,
            Participant::List(list) => list.which.json,
            Participant::Revoke(revoke) => revoke.which.json,
            Participant::ImportKey(import) => import.which.json,
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
            Participant::ImportKey(ImportKey { name, application, scheme, key, which }) => {
                let path = format!("/applications/{}/keys", part(&application)?);
                let body = json!({"participant": name, "scheme": scheme, "secret": *secret(&key)?});
                which.ask(Method::POST, &path, Some(body)).await?;
                if which.json {
                    println!("{:#}", json!({"participant": name, "application": application}));
                } else {
                    println!("the node holds this key of {} for {}", plain(&name), plain(&application));
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
