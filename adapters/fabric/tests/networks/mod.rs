//! Networks to test against, as places of the test bed file.

use std::{collections::BTreeMap, path::Path, time::Duration};

use adapter_spec::types::SignatureScheme;
use berth_crypto::SigningKey;
use berth_devnet_fabric::{Batch, Consensus, Network, Options};
use berth_suite::{TestParty, Testbed};
use fabric_network::Programs;
use serde_json::Value;

/// A Fabric-like network with both channels of the test bed.
pub async fn like(consensus: Consensus) -> Network {
    of_seed("conformance", consensus).await
}

async fn of_seed(seed: &str, consensus: Consensus) -> Network {
    let options = Options {
        seed: seed.into(),
        channels: vec!["mychannel".into(), "otherchannel".into()],
        batch: Batch { timeout: Duration::from_millis(10), ..Batch::default() },
        consensus,
        ..Options::default()
    };
    Network::start(options).await.expect("the Fabric-like network starts")
}

fn text(material: &Value, pointer: &str) -> String {
    let found = material.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("the material has {pointer}")).to_owned()
}

/// The places of the test bed file.
pub async fn places(network: &Network) -> BTreeMap<String, String> {
    let other = of_seed("another network", Consensus::Raft).await;
    network.places(&other).expect("the network says how to connect")
}

/// Tells the network's control something, and gives its answer.
pub fn tell(network: &Network, method: &str, params: Value) -> Value {
    let request = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = ureq::post(network.control_url()).send(request.to_string()).expect("the control answers");
    let answer = answer.into_body().read_to_string().expect("the control's answer is text");
    let answer: Value = serde_json::from_str(&answer).expect("the control's answer is JSON");
    answer.get("result").unwrap_or_else(|| panic!("the control refuses {method}: {answer}")).clone()
}

/// More parties than the test bed file has, so that each of several actors of a check is somebody else: the network's own
/// authority enrols them.
pub fn enrol(network: &Network, testbed: &mut Testbed, count: u8) {
    for number in 1..=count {
        let secret = [number; 32];
        let key = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &secret).expect("a key");
        let params = serde_json::json!({
            "point": hex::encode(&key.public_key().point), "organisation": "Org1MSP", "name": format!("party{number}"),
        });
        let answer = tell(network, "enrol", params);
        testbed.parties.push(TestParty {
            account: None,
            scheme: SignatureScheme::EcdsaP256Sha256,
            secret: hex::encode(secret),
            certificate: Some(text(&answer, "/certificate")),
        });
    }
}

/// A network of real Fabric programs, with the test bed for it. None, and a line that says so, where the programs are not given.
pub fn real(options: &fabric_network::Options) -> Option<(fabric_network::Network, Testbed)> {
    let programs = match Programs::from_environment() {
        Ok(programs) => programs,
        Err(reason) => {
            eprintln!("NOT RUN: {reason}");
            return None;
        }
    };
    let network = fabric_network::Network::start(programs, options).unwrap_or_else(|error| panic!("{error}"));
    let mut places = network.places().expect("the network says how to connect");
    places.insert("control".into(), String::new());
    let mut testbed = testbed(&places);
    // Blocks come ten times a second.
    testbed.patience = 1500;
    let [first, second] = network.organisations.as_slice() else { panic!("two organisations") };
    for user in first.users.iter().skip(2).chain(&second.users) {
        testbed.parties.push(TestParty {
            account: Some(user.account()),
            scheme: SignatureScheme::EcdsaP256Sha256,
            secret: user.secret.to_string(),
            certificate: Some(hex::encode(&user.certificate)),
        });
    }
    for (control, reason) in [
        ("advance", "orderers make blocks of transactions alone"),
        ("hold", "an orderer cuts a block when its time is over"),
        ("release", "an orderer cuts a block when its time is over"),
        ("prune", "a peer keeps every block"),
        ("clock", "the programs go by the machine's clock, which is not ours to move"),
    ] {
        testbed.controls.remove(control);
        testbed.absent.insert(control.into(), reason.into());
    }
    Some((network, testbed))
}

/// The test bed with its places filled in.
pub fn testbed(places: &BTreeMap<String, String>) -> Testbed {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/testbed.toml");
    Testbed::read(&path, places).expect("the test bed file has its form")
}
