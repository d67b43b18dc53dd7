//! What there is before anything runs: keys and certificates by `cryptogen`, a first block for every channel by `configtxgen`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{
    config,
    identity::Identity,
    network::{CHANNELS, Options},
    process::{self, NetworkError},
    programs::Programs,
};

/// The organisation that orders, and its domain.
pub const ORDERER_MSP: &str = "OrdererMSP";
const ORDERER_DOMAIN: &str = "example.com";
/// The organisations with peers.
pub const PEER_MSPS: [&str; 2] = ["Org1MSP", "Org2MSP"];
/// Users of each, beside the administrator.
const USERS: usize = 4;

/// Where everything of a network is.
#[derive(Clone, Debug)]
pub struct Material {
    /// The network's folder.
    pub folder: PathBuf,
}

impl Material {
    /// Makes keys and certificates.
    pub fn make(folder: PathBuf, programs: &Programs, options: &Options) -> Result<Material, NetworkError> {
        let made = Material { folder };
        process::folder(&made.folder)?;
        let specification = made.folder.join("crypto-config.yaml");
        process::write(&specification, crypto(options.orderers()).to_string())?;
        process::run(
            Command::new(programs.program("cryptogen"))
                .arg("generate")
                .arg(format!("--config={}", specification.display()))
                .arg(format!("--output={}", made.folder.join("material").display())),
        )?;
        Ok(made)
    }

    /// Makes the first block of every channel; the ports are those of orderers and peers.
    pub fn genesis(
        &self,
        programs: &Programs,
        options: &Options,
        orderers: &[u16],
        peers: [u16; 2],
    ) -> Result<(), NetworkError> {
        let text = config::channel(self, options, orderers, peers).to_string();
        process::write(&self.folder.join("configtx.yaml"), text)?;
        for channel in CHANNELS {
            process::run(
                Command::new(programs.program("configtxgen"))
                    .args(["-profile", "Channel", "-channelID", channel, "-configPath"])
                    .arg(&self.folder)
                    .arg("-outputBlock")
                    .arg(self.block(channel)),
            )?;
        }
        Ok(())
    }

    /// The file with a channel's first block, a protobuf.
    pub fn block(&self, channel: &str) -> PathBuf {
        self.folder.join(format!("{channel}.block"))
    }

    /// The folder of the organisation that orders.
    pub fn ordering(&self) -> PathBuf {
        self.folder.join("material/ordererOrganizations").join(ORDERER_DOMAIN)
    }

    /// The folder of an orderer: `msp` and `tls`.
    pub fn orderer(&self, number: usize) -> PathBuf {
        self.ordering().join(format!("orderers/orderer{number}.{ORDERER_DOMAIN}"))
    }

    /// The folder of who administers the orderers.
    pub fn ordering_admin(&self) -> PathBuf {
        self.ordering().join(format!("users/Admin@{ORDERER_DOMAIN}"))
    }

    /// The folder of an organisation with a peer.
    pub fn organisation(&self, number: usize) -> PathBuf {
        self.folder.join("material/peerOrganizations").join(domain(number))
    }

    /// The folder of its peer.
    pub fn peer(&self, number: usize) -> PathBuf {
        self.organisation(number).join(format!("peers/peer0.{}", domain(number)))
    }

    /// Somebody of an organisation: `Admin`, `User1` and so on.
    pub fn user(&self, number: usize, name: &str) -> Result<Identity, NetworkError> {
        let folder = self.organisation(number).join(format!("users/{name}@{}", domain(number))).join("msp");
        Identity::read(PEER_MSPS.get(number).copied().unwrap_or_default(), folder)
    }

    /// All users of an organisation but the administrator.
    pub fn users(&self, number: usize) -> Result<Vec<Identity>, NetworkError> {
        (1..=USERS).map(|user| self.user(number, &format!("User{user}"))).collect()
    }
}

/// A file within a folder, as Fabric's configurations want it.
pub fn file(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

fn domain(number: usize) -> String {
    format!("org{}.{ORDERER_DOMAIN}", number.saturating_add(1))
}

/// What `cryptogen` is asked for. Every certificate is for loopback.
fn crypto(orderers: usize) -> serde_json::Value {
    let node = |name: String| json!({ "Hostname": name, "SANS": ["127.0.0.1", "localhost"] });
    let ordering: Vec<_> = (0..orderers).map(|number| node(format!("orderer{number}"))).collect();
    let organisation = |number: usize| {
        json!({
            "Name": PEER_MSPS.get(number), "Domain": domain(number), "EnableNodeOUs": true,
            "Specs": [node("peer0".into())], "Users": { "Count": USERS },
        })
    };
    json!({
        "OrdererOrgs": [{ "Name": ORDERER_MSP, "Domain": ORDERER_DOMAIN, "EnableNodeOUs": true, "Specs": ordering }],
        "PeerOrgs": [organisation(0), organisation(1)],
    })
}
