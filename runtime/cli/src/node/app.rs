//! `berth node app`.

use std::path::PathBuf;

use berth_gateway::{ApplicationRecord, EndpointOrder, KeyMode, Order, Quotas};
use clap::{Args, Subcommand, ValueEnum};
use hyper::Method;
use serde_json::{Value, json};

use super::operator::{Which, part};
use crate::{
    failure::Failure,
    files,
    lend_file::{self, Lent},
    show::plain,
};

/// Applications of a node that runs
#[derive(Debug, Subcommand)]
pub(crate) enum App {
    /// Create an application: an adapter, its settings, the ledger's nodes, an owner
    Create(Box<Create>),
    /// List the applications
    List(List),
    /// Show an application, its members and what it used
    Show(Named),
    /// Refuse an application's calls; what is under way is followed to its end
    Suspend(Suspend),
    /// Take a suspended application up again
    #[command(after_help = "Example:\n  berth node app go-on shop")]
    GoOn(Named),
    /// Remove an application with its keys
    #[command(after_help = "Example:\n  berth node app remove shop")]
    Remove(Named),
}

/// `berth node app create`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth node app create shop --adapter ethereum --owner alice \\
     --settings '{\"chain_id\": 31337}' --endpoint node=http://127.0.0.1:8545
  berth node app create bonds --adapter bonds --owner alice \\
     --settings @bonds.json --lend bonds.toml

The file for --lend: paths begin at its own folder; need and url must be there.
  [[endpoints]]
  need = \"peer\"                 # the adapter's name for it
  url = \"https://10.0.0.7:7051\"
  labels = { zone = \"north\" }    # what the adapter is told of it
  ca = \"ca.pem\"                 # in place of the public authorities
  server_name = \"peer.example\"   # where it is not the address's
  client_certificate = \"client.pem\"
  client_key = { file = \"client.key\" }
  headers = { authorization = { env = \"TOKEN\" } }
  [[service_keys]]
  name = \"client\"               # the adapter's name for it
  scheme = \"ecdsa-p256-sha256\"
  key = { file = \"service.key\" }  # PKCS#8 in PEM, or hexadecimal
  certificate = \"service.pem\"")]
pub(crate) struct Create {
    /// Its name: lower-case letters, digits, hyphens and dots
    name: String,
    /// The name of an adapter that was let in
    #[arg(long)]
    adapter: String,
    /// An enrolled participant, who has all roles in it
    #[arg(long)]
    owner: String,
    /// Settings of the ledger, JSON; or @FILE
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    /// A node of the ledger, under the adapter's name for it; may be given several times
    #[arg(long, value_name = "NEED=URL")]
    endpoint: Vec<String>,
    /// A file with endpoints that need more than an address, and with service keys
    #[arg(long, value_name = "FILE")]
    lend: Option<PathBuf>,
    /// Who holds the keys that sign on the ledger
    #[arg(long, value_name = "MODE", default_value = "trust")]
    key_mode: Mode,
    /// Requests in each second, reads and writes; 0 for no quota
    #[arg(long, value_name = "NUMBER", default_value_t = Quotas::default().requests_per_second)]
    rps: u32,
    /// Writes in each second; 0 for no quota
    #[arg(long, value_name = "NUMBER", default_value_t = Quotas::default().transactions_per_second)]
    tps: u32,
    /// Writes that are under way at once; 0 for no quota
    #[arg(long, value_name = "NUMBER", default_value_t = Quotas::default().open_transactions)]
    open: u32,
    #[command(flatten)]
    which: Which,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// The node makes them, keeps them sealed, and signs
    Trust,
    /// The participants: the node hands out what to sign
    Upload,
}

/// `berth node app list`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node app list --config node.toml")]
pub(crate) struct List {
    #[command(flatten)]
    which: Which,
}

/// An application
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node app show shop")]
pub(crate) struct Named {
    /// Its name
    name: String,
    #[command(flatten)]
    which: Which,
}

/// `berth node app suspend`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node app suspend shop --reason 'the bill of May is open'")]
pub(crate) struct Suspend {
    /// Its name
    name: String,
    /// Why; its participants are told
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    which: Which,
}

impl App {
    pub(crate) fn json(&self) -> bool {
        match self {
            App::Create(create) => create.which.json,
            App::List(list) => list.which.json,
            App::Show(named) | App::GoOn(named) | App::Remove(named) => named.which.json,
            App::Suspend(suspend) => suspend.which.json,
        }
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            App::Create(create) => create.run().await,
            App::List(list) => list.run().await,
            App::Show(named) => named.show().await,
            App::Suspend(Suspend { name, reason, which }) => {
                let path = format!("/applications/{}/suspend", part(&name)?);
                let record = which.ask(Method::POST, &path, Some(json!({ "reason": reason }))).await?;
                tell(&which, &record, &format!("{name} is suspended: its calls are refused"));
                Ok(())
            }
            App::GoOn(Named { name, which }) => {
                let path = format!("/applications/{}/go-on", part(&name)?);
                let record = which.ask(Method::POST, &path, None).await?;
                tell(&which, &record, &format!("{name} goes on"));
                Ok(())
            }
            App::Remove(Named { name, which }) => {
                which.ask(Method::DELETE, &format!("/applications/{}", part(&name)?), None).await?;
                tell(
                    &which,
                    &json!({ "removed": name }),
                    &format!("{name} is removed, with the keys that the node held for it"),
                );
                Ok(())
            }
        }
    }
}

/// One line for people, the document for programs.
fn tell(which: &Which, document: &Value, line: &str) {
    if which.json {
        println!("{document:#}");
    } else {
        println!("{}", plain(line));
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let settings = files::text_or_file(&self.settings)?;
        let settings = serde_json::from_str(&settings)
            .map_err(|error| Failure::usage(format!("--settings is not JSON: {error}")))?;
        let endpoints = self.endpoint.iter().map(|text| {
            let (need, url) = text.split_once('=').ok_or_else(|| {
                Failure::usage(format!("--endpoint {text:?} is not NEED=URL"))
                    .next("`berth adapter inspect FILE` shows which endpoints an adapter needs.")
            })?;
            Ok(EndpointOrder { need: need.into(), url: url.into(), ..EndpointOrder::default() })
        });
        // The file's come first, since its secrets are known by the place of their endpoint.
        let Lent { endpoints: mut all, secrets } =
            self.lend.as_deref().map(lend_file::read).transpose()?.unwrap_or_default();
        for endpoint in endpoints {
            all.push(endpoint?);
        }
        let order = Order {
            name: self.name,
            adapter: self.adapter,
            settings,
            endpoints: all,
            key_mode: match self.key_mode {
                Mode::Trust => KeyMode::Trust,
                Mode::Upload => KeyMode::Upload,
            },
            owner: self.owner,
            quotas: Quotas {
                requests_per_second: self.rps,
                transactions_per_second: self.tps,
                open_transactions: self.open,
                ..Quotas::default()
            },
        };
        let record = self
            .which
            .ask(Method::POST, "/applications", Some(json!({"order": order, "secrets": secrets})))
            .await?;
        let line =
            format!("{} is there, on {}; {} has all roles in it", order.name, order.adapter, order.owner);
        tell(&self.which, &record, &line);
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let found = self.which.ask(Method::GET, "/applications", None).await?;
        if self.which.json {
            println!("{found:#}");
            return Ok(());
        }
        let all = found.get("applications").and_then(Value::as_array).cloned().unwrap_or_default();
        if all.is_empty() {
            println!("There are no applications; `berth node app create` makes one.");
        }
        for record in all.into_iter().filter_map(|record| serde_json::from_value(record).ok()) {
            let ApplicationRecord { order, suspended, members, .. } = record;
            let state = suspended.map_or_else(String::new, |reason| format!("  suspended: {reason}"));
            println!(
                "{:24} {:16} owner {:16} {} members{}",
                plain(&order.name),
                plain(&order.adapter),
                plain(&order.owner),
                members.len(),
                plain(&state)
            );
        }
        Ok(())
    }
}

impl Named {
    async fn show(self) -> Result<(), Failure> {
        let path = format!("/applications/{}", part(&self.name)?);
        let found = self.which.ask(Method::GET, &path, None).await?;
        if self.which.json {
            println!("{found:#}");
            return Ok(());
        }
        let record = found.get("application").cloned().unwrap_or_default();
        let record: ApplicationRecord =
            serde_json::from_value(record).map_err(|error| Failure::host("the node's answer", &error))?;
        let order = &record.order;
        println!("{} on {}, since {}", plain(&order.name), plain(&order.adapter), record.created);
        if let Some(reason) = &record.suspended {
            println!("  suspended   {}", plain(reason));
        }
        println!(
            "  keys        {}",
            if order.key_mode == KeyMode::Trust {
                "held in trust by the node"
            } else {
                "held by the participants"
            }
        );
        for endpoint in &order.endpoints {
            println!("  {:11} {}", plain(&endpoint.need), plain(&endpoint.url));
        }
        for (name, roles) in &record.members {
            let roles: Vec<_> = roles.iter().map(|role| role.name()).collect();
            println!("  member      {}: {}", plain(name), roles.join(", "));
        }
        let number = |name: &str| found.get(name).and_then(Value::as_u64).unwrap_or_default();
        println!("  under way   {}", number("under_way"));
        match number("reserved_instances") {
            0 => println!("  instances   shared with all"),
            reserved => {
                println!("  instances   {reserved} to itself, since its load stays high; more are shared")
            }
        }
        for webhook in found.get("webhooks").and_then(Value::as_array).into_iter().flatten() {
            println!("  webhook     {}", webhook_line(webhook));
        }
        for (what, number) in found.get("usage").and_then(Value::as_object).into_iter().flatten() {
            println!("  {:18} {number}", plain(&what.replace('_', " ")));
        }
        Ok(())
    }
}

/// Where a webhook goes, and how it gets on.
fn webhook_line(webhook: &Value) -> String {
    let text = |name: &str| plain(webhook.get(name).and_then(Value::as_str).unwrap_or_default());
    let number = |name: &str| webhook.get(name).and_then(Value::as_u64).unwrap_or_default();
    let failure = webhook.get("last_failure").filter(|failure| !failure.is_null());
    let state = match (webhook.get("held").and_then(Value::as_str), failure) {
        (Some(held), _) => format!("stands still: {}", plain(held)),
        (None, Some(failure)) => {
            let what = failure.get("what").and_then(Value::as_str).unwrap_or_default();
            let times = failure.get("times").and_then(Value::as_u64).unwrap_or_default();
            format!("failed {times} times in a row: {}; next try at {}", plain(what), text("next_try"))
        }
        (None, None) => {
            format!("{} requests with {} events were taken", number("deliveries"), number("events"))
        }
    };
    format!("{} of {} to {}: {state}", text("id"), text("participant"), text("receiver"))
}
