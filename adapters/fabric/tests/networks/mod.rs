//! Networks to test against, as places of the test bed file.

use std::{collections::BTreeMap, path::Path, time::Duration};

use berth_devnet_fabric::{Batch, Consensus, Network, Options};
use berth_suite::Testbed;
use prost::Message as _;
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

/// A channel's first block, hexadecimal.
fn genesis(network: &Network, channel: &str) -> String {
    let channel = network.node().channel(channel).expect("the channel is there");
    hex::encode(channel.block(0).expect("the first block is there").block.encode_to_vec())
}

fn text(material: &Value, pointer: &str) -> String {
    let found = material.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("the material has {pointer}")).to_owned()
}

/// The places of the test bed file.
pub async fn places(network: &Network) -> BTreeMap<String, String> {
    let material = network.material().expect("the network says how to connect");
    let other = of_seed("another network", Consensus::Raft).await;
    let mut places = BTreeMap::from([
        ("name".to_owned(), "Fabric-like".to_owned()),
        ("version".into(), format!("Fabric-like {}", env!("CARGO_PKG_VERSION"))),
        ("control".into(), network.control_url()),
        ("genesis-hash".into(), text(&material, "/channels/0/genesis")),
        ("anchor".into(), genesis(network, "mychannel")),
        ("other-channel".into(), genesis(network, "otherchannel")),
        ("other-network".into(), genesis(&other, "mychannel")),
    ]);
    for (number, organisation) in [(1, "/organisations/0"), (2, "/organisations/1")] {
        places.insert(format!("peer{number}"), text(&material, &format!("{organisation}/peer/url")));
        places.insert(
            format!("peer{number}-name"),
            text(&material, &format!("{organisation}/peer/serverName")),
        );
        places.insert(format!("peer{number}-ca"), text(&material, &format!("{organisation}/tlsCa")));
    }
    // The administrator reads for the operator; the users are parties.
    for (name, user) in [("client", 0), ("user1", 1), ("user2", 2)] {
        let user = format!("/organisations/0/users/{user}");
        places.insert(format!("{name}-secret"), text(&material, &format!("{user}/secret")));
        places.insert(format!("{name}-certificate"), text(&material, &format!("{user}/certificateDer")));
    }
    places
}

/// The test bed with its places filled in.
pub fn testbed(places: &BTreeMap<String, String>) -> Testbed {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/testbed.toml");
    Testbed::read(&path, places).expect("the test bed file has its form")
}
