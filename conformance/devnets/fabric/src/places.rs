//! What the test bed file of the Fabric adapter (`adapters/fabric/conformance`) leaves open, of a network that serves.

use std::collections::BTreeMap;

use prost::Message as _;
use serde_json::Value;

use crate::{Network, NetworkError};

impl Network {
    /// The places of the test bed file, by name; the network needs the channels `mychannel` and `otherchannel`. `other` is
    /// another network that has `mychannel` too, whose blocks prove nothing here.
    ///
    /// # Errors
    /// When there are no such channels.
    pub fn places(&self, other: &Network) -> Result<BTreeMap<String, String>, NetworkError> {
        let material = self.material()?;
        let text = |pointer: String| {
            let found = material.pointer(&pointer).and_then(Value::as_str);
            found.map(str::to_owned).ok_or_else(|| missing(&pointer))
        };
        let program = std::env::current_exe().map_err(|error| missing(&format!("program: {error}")))?;
        let mut places = BTreeMap::from([
            ("name".to_owned(), "Fabric-like".to_owned()),
            ("version".into(), format!("Fabric-like {}", env!("CARGO_PKG_VERSION"))),
            // The network runs in this very program.
            ("program".into(), program.to_string_lossy().into_owned()),
            ("control".into(), self.control_url()),
            ("genesis-hash".into(), text("/channels/0/genesis".into())?),
            ("anchor".into(), first_block(self, "mychannel")?),
            ("other-channel".into(), first_block(self, "otherchannel")?),
            ("other-network".into(), first_block(other, "mychannel")?),
        ]);
        for (number, organisation) in [(1, "/organisations/0"), (2, "/organisations/1")] {
            places.insert(format!("peer{number}"), text(format!("{organisation}/peer/url"))?);
            places.insert(format!("peer{number}-name"), text(format!("{organisation}/peer/serverName"))?);
            places.insert(format!("peer{number}-ca"), text(format!("{organisation}/tlsCa"))?);
        }
        // The administrator reads for the operator; the users are parties.
        for (name, user) in [("client", 0), ("user1", 1), ("user2", 2)] {
            let user = format!("/organisations/0/users/{user}");
            places.insert(format!("{name}-secret"), text(format!("{user}/secret"))?);
            places.insert(format!("{name}-certificate"), text(format!("{user}/certificateDer"))?);
        }
        Ok(places)
    }
}

/// A channel's first block, hexadecimal.
fn first_block(network: &Network, channel: &str) -> Result<String, NetworkError> {
    let found = network.node().channel(channel).and_then(|channel| channel.block(0));
    Ok(hex::encode(found.ok_or_else(|| missing(channel))?.block.encode_to_vec()))
}

fn missing(what: &str) -> NetworkError {
    NetworkError::Internal { what: "say how to connect".into(), reason: format!("it has no {what}") }
}
