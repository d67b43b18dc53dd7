//! The three ledgers, and what differs between them: how a participant gets onto each.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use adapter_spec::types::SignatureScheme;
use anvil_process::Anvil;
use berth_client::Application;
use berth_crypto::SigningKey;
use berth_devnet_evm::{
    fisco::{self, FiscoConfig, FiscoNode, Generation, ServedFisco},
    suite::Suite,
};
use berth_devnet_fabric::{Network, Options};
use serde_json::{Value, json};

use crate::Trouble;

/// One ledger.
pub struct Ledger {
    /// What it is, for people.
    pub what: String,
    /// The adapter's name.
    pub adapter: &'static str,
    /// A version of the framework that the certificate names.
    pub framework_version: &'static str,
    /// The application's name on the node.
    pub application: &'static str,
    /// The application's settings, JSON.
    pub settings: String,
    /// What it is lent: a file for `--lend`.
    pub lend: String,
    /// The file that tells the conformance suite about it,
    pub testbed: Testbed,
    /// and what that leaves open.
    pub places: BTreeMap<String, String>,
    /// The preset contract, where it is there from the beginning.
    pub preset: Option<&'static str>,
    entry: Entry,
}

/// A test bed file.
pub enum Testbed {
    /// As it lies in the project.
    At(PathBuf),
    /// With parties that were enrolled just now: its text, and the folder that its own paths begin at.
    Made { text: String, folder: PathBuf },
}

/// How a key gets onto the ledger.
enum Entry {
    /// Its account gets currency, at this node of Anvil.
    Currency(String),
    /// Anybody on this chain may write.
    Open,
    /// The ledger's own authority certifies it, through this control.
    Certificate(String),
}

/// All of them. They end when this is dropped.
pub struct Ledgers {
    pub all: Vec<Ledger>,
    _anvil: Anvil,
    _fisco: (FiscoNode, ServedFisco),
    _fabric: Network,
}

impl Ledgers {
    pub async fn start(anvil: &Path, root: &Path) -> Result<Self, Trouble> {
        let testbed = |path: &str| root.join("adapters").join(path);
        let anvil_node = Anvil::start(anvil, &["--slots-in-an-epoch", "2"])?;
        let url = anvil_node.url();
        let ethereum = Ledger {
            what: format!("Ethereum (Anvil, {url})"),
            adapter: "ethereum",
            framework_version: "osaka",
            application: "shop",
            settings: json!({"chain_id": 31_337}).to_string(),
            lend: format!("[[endpoints]]\nneed = \"node\"\nurl = \"{url}\"\n"),
            testbed: Testbed::At(testbed("ethereum/conformance/testbed.toml")),
            places: BTreeMap::from([
                ("node".to_owned(), url.to_owned()),
                ("program".into(), anvil.display().to_string()),
                ("version".into(), "Anvil".into()),
            ]),
            preset: None,
            entry: Entry::Currency(url.to_owned()),
        };

        let mut config = FiscoConfig::new(Generation::Two, Suite::Standard);
        config.groups.push("2".into());
        let node = FiscoNode::new(config)?;
        let served = node.serve().await?;
        let url = &served.rpc.url;
        let fisco = Ledger {
            what: format!("FISCO BCOS 2.x (FISCO-like, {url})"),
            adapter: "fisco-bcos",
            framework_version: "2.9.1",
            application: "registry",
            settings: json!({"generation": 2, "chain": "1", "group": "1"}).to_string(),
            lend: format!("[[endpoints]]\nneed = \"node\"\nurl = \"{url}\"\n"),
            testbed: Testbed::At(testbed("fisco-bcos/conformance/testbed.toml")),
            places: fisco::places(&node, &served).ok_or("the FISCO-like node has no two groups")?,
            preset: None,
            entry: Entry::Open,
        };

        let channels = |seed: &str| Options {
            seed: seed.into(),
            channels: vec!["mychannel".into(), "otherchannel".into()],
            ..Options::default()
        };
        let network = Network::start(channels("city")).await?;
        let places = network.places(&Network::start(channels("elsewhere")).await?)?;
        let testbed_of_fabric = with_parties(&testbed("fabric/conformance/testbed.toml"), &network).await?;
        let fabric = Ledger {
            what: format!("Fabric (Fabric-like, {})", text(&places, "peer1")?),
            adapter: "fabric",
            framework_version: "3.1",
            application: "bonds",
            settings: json!({"channel": "mychannel", "msp_id": "Org1MSP", "preset_chaincode": "preset"})
                .to_string(),
            lend: lend_fabric(&places)?,
            testbed: testbed_of_fabric,
            places,
            preset: Some("preset"),
            entry: Entry::Certificate(network.control_url()),
        };
        Ok(Ledgers {
            all: vec![ethereum, fisco, fabric],
            _anvil: anvil_node,
            _fisco: (node, served),
            _fabric: network,
        })
    }
}

fn text<'a>(places: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Trouble> {
    places.get(name).map(String::as_str).ok_or_else(|| format!("the ledger has no {name}").into())
}

/// Both peers over TLS, and the operator's key that reads blocks and events.
fn lend_fabric(places: &BTreeMap<String, String>) -> Result<String, Trouble> {
    let mut lend = String::new();
    for (number, organisation) in [(1, "Org1MSP"), (2, "Org2MSP")] {
        let place = |name: &str| text(places, &format!("peer{number}{name}"));
        lend.push_str(&format!(
            "[[endpoints]]\nneed = \"peer\"\nurl = \"{}\"\nserver_name = \"{}\"\n\
             labels = {{ organisation = \"{organisation}\" }}\nca = \"peer{number}.ca.pem\"\n\n",
            place("")?,
            place("-name")?
        ));
    }
    lend.push_str(
        "[[service_keys]]\nname = \"client\"\nscheme = \"ecdsa-p256-sha256\"\nkey = { file = \"client.key\" }\n\
         certificate = \"client.pem\"\n",
    );
    Ok(lend)
}

impl Ledger {
    /// The component's file.
    pub fn file(&self) -> String {
        format!("{}.component.wasm", self.adapter)
    }

    /// Files that its `--lend` file names, and their texts.
    pub fn lent_files(&self) -> Result<Vec<(&'static str, String)>, Trouble> {
        if !matches!(self.entry, Entry::Certificate(_)) {
            return Ok(Vec::new());
        }
        let certificate = hex::decode(text(&self.places, "client-certificate")?)?;
        Ok(vec![
            ("peer1.ca.pem", text(&self.places, "peer1-ca")?.to_owned()),
            ("peer2.ca.pem", text(&self.places, "peer2-ca")?.to_owned()),
            ("client.key", text(&self.places, "client-secret")?.to_owned()),
            ("client.pem", pem("CERTIFICATE", &certificate)),
        ])
    }

    /// Lets the key that the node holds for the participant onto the ledger. Gives its account.
    pub async fn admit(&self, application: &Application) -> Result<String, Trouble> {
        let account = application.account(None).await?;
        match &self.entry {
            Entry::Open => {}
            Entry::Currency(url) => {
                let account = account.accounts.first().ok_or("the key has no account")?;
                rpc(url, "anvil_setBalance", json!([account, "0x56bc75e2d63100000"])).await?;
            }
            Entry::Certificate(control) => {
                let point = hex::encode(&account.key.point);
                let enrolled = json!({"point": point, "organisation": "Org1MSP", "name": "alice"});
                let answer = rpc(control, "enrol", enrolled).await?;
                let certificate = answer.get("certificate").and_then(Value::as_str);
                let certificate =
                    hex::decode(certificate.ok_or("the ledger's authority gives no certificate")?)?;
                let account = application.certify(None, &certificate).await?;
                return account.accounts.into_iter().next().ok_or_else(|| "no account".into());
            }
        }
        account.accounts.into_iter().next().ok_or_else(|| "the key has no account".into())
    }
}

/// The test bed with ten parties more, so that each of a check's actors is somebody else: the network's own authority enrols
/// them.
async fn with_parties(testbed: &Path, network: &Network) -> Result<Testbed, Trouble> {
    let mut text = std::fs::read_to_string(testbed)?;
    let mut parties = String::new();
    for number in 1..=10_u8 {
        let secret = [number; 32];
        let key = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &secret)?;
        let point = hex::encode(&key.public_key().point);
        let asked = json!({"point": point, "organisation": "Org1MSP", "name": format!("party{number}")});
        let enrolled = rpc(&network.control_url(), "enrol", asked).await?;
        let certificate = enrolled.get("certificate").and_then(Value::as_str).ok_or("no certificate")?;
        parties.push_str(&format!(
            "\n[[parties]]\nscheme = \"ecdsa-p256-sha256\"\nsecret = \"{}\"\ncertificate = \"{certificate}\"\n",
            hex::encode(secret)
        ));
    }
    text.push_str(&parties);
    let folder = testbed.parent().ok_or("the test bed is in no folder")?.to_owned();
    Ok(Testbed::Made { text, folder })
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let body = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// One request of JSON-RPC over plain HTTP, to a ledger on this machine.
async fn rpc(url: &str, method: &str, params: Value) -> Result<Value, Trouble> {
    use http_body_util::{BodyExt as _, Full};
    use hyper::{Request, body::Bytes};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let request = Request::post(url).header("content-type", "application/json");
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = client.request(request.body(Full::new(Bytes::from(body)))?).await?;
    let answer: Value = serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?;
    match answer.get("result") {
        Some(result) => Ok(result.clone()),
        None => Err(format!("{method} is refused: {answer}").into()),
    }
}
