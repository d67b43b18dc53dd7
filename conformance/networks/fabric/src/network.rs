//! The network as a whole.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{
    chaincode::{self, Chaincode, PRESET, PROBE},
    client::Client,
    identity::Identity,
    material::{Material, PEER_MSPS},
    orderer::Orderer,
    peer::{self, Peer},
    ports,
    process::{self, NetworkError},
    programs::Programs,
};

/// The channels. Each has both chaincodes.
pub const CHANNELS: [&str; 2] = ["mychannel", "otherchannel"];

/// The most orderers.
const MAX_ORDERERS: usize = 4;

/// How orderers agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consensus {
    /// Raft, with one or three orderers.
    Raft(u8),
    /// SmartBFT with four; Fabric 3 and later.
    Bft,
}

/// How a network is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How orderers agree.
    pub consensus: Consensus,
    /// How long a block waits for more transactions.
    pub batch_timeout: Duration,
    /// With how many it waits no longer.
    pub batch_size: u32,
}

impl Default for Options {
    /// One orderer, a tenth of a second, 100 transactions.
    fn default() -> Self {
        Options { consensus: Consensus::Raft(1), batch_timeout: Duration::from_millis(100), batch_size: 100 }
    }
}

impl Options {
    /// How many orderers there are.
    pub(crate) fn orderers(&self) -> usize {
        match self.consensus {
            Consensus::Raft(number) => usize::from(number).clamp(1, MAX_ORDERERS),
            Consensus::Bft => MAX_ORDERERS,
        }
    }
}

/// An organisation with its peer, which serves as a gateway too.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// Its MSP id.
    pub msp: String,
    /// Where its peer listens, `host:port`, with TLS.
    pub address: String,
    /// The authority of the peer's TLS certificate, PEM.
    pub authority_pem: String,
    /// Who administers it.
    pub admin: Identity,
    /// Who else there is.
    pub users: Vec<Identity>,
}

/// A network that runs until it is dropped.
#[derive(Debug)]
pub struct Network {
    /// The organisations, each with one peer.
    pub organisations: Vec<Organisation>,
    programs: Programs,
    material: Material,
    chaincodes: Vec<Chaincode>,
    peers: Vec<Peer>,
    orderers: Vec<Orderer>,
    // The last, so that nothing writes any more when it goes.
    _folder: TempDir,
}

impl Network {
    /// Starts everything and waits until both organisations can write to both channels.
    ///
    /// # Errors
    /// When a program does not start or fails, with the end of what it said.
    pub fn start(programs: Programs, options: &Options) -> Result<Network, NetworkError> {
        let folder = tempfile::Builder::new().prefix("fabric-network-").tempdir();
        let folder = folder.map_err(|source| NetworkError::File {
            doing: "make",
            path: std::env::temp_dir(),
            source,
        })?;
        let material = Material::make(folder.path().join("network"), &programs, options)?;
        let ports: [u16; 2 + 2 * MAX_ORDERERS] = ports::free()?;
        let [first, second, rest @ ..] = ports;
        let count = options.orderers();
        let (order, admin): (Vec<_>, Vec<_>) =
            rest.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).take(count).unzip();
        material.genesis(&programs, options, &order, [first, second])?;

        let mut orderers = Vec::new();
        for (number, (port, admin)) in order.iter().zip(admin).enumerate() {
            orderers.push(Orderer::start(&programs, &material, number, *port, admin)?);
        }
        let builder = peer::write_builder(&material)?;
        let mut peers = Vec::new();
        for (number, port) in [first, second].into_iter().enumerate() {
            peers.push(Peer::start(&programs, &material, &builder, number, port)?);
        }
        chaincode::write_sources(&programs, &material)?;
        let mut chaincodes = Vec::new();
        for name in [PRESET, PROBE] {
            chaincodes.push(Chaincode::start(name, &material)?);
        }
        for channel in CHANNELS {
            for orderer in &mut orderers {
                orderer.join(&programs, &material, channel)?;
            }
            for peer in &mut peers {
                peer.join(&programs, &material, channel)?;
            }
        }
        let Some(orderer) = orderers.first() else { return Err(no_orderer(&material)) };
        chaincode::deploy(&programs, &material, &chaincodes, orderer, &peers)?;

        let mut organisations = Vec::new();
        for peer in &peers {
            organisations.push(organisation(&material, peer)?);
        }
        let network =
            Network { organisations, programs, material, chaincodes, peers, orderers, _folder: folder };
        network.settle()?;
        Ok(network)
    }

    /// The folder of everything; it goes with the network.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.material.folder
    }

    /// Where the orderers listen, `host:port`, with TLS.
    #[must_use]
    pub fn orderers(&self) -> Vec<String> {
        self.orderers.iter().map(|orderer| format!("127.0.0.1:{}", orderer.port())).collect()
    }

    /// The authority of the orderers' TLS certificates, PEM.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn orderer_authority_pem(&self) -> Result<String, NetworkError> {
        let pem = process::read(&self.material.orderer(0).join("tls/ca.crt"))?;
        Ok(String::from_utf8_lossy(&pem).into_owned())
    }

    /// The first block of a channel: the protobuf `common.Block`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn genesis(&self, channel: &str) -> Result<Vec<u8>, NetworkError> {
        process::read(&self.material.block(channel))
    }

    /// What the adapter's test bed file leaves open, by the names of its places, but for controls: a real network has none.
    ///
    /// `peer1`, `peer2` (URLs), each with `-name` (in its TLS certificate) and `-ca` (PEM); `client`, `user1` to `user3` of the
    /// first organisation and `other1` of the second, each with `-secret`, `-certificate`, `-point` (hexadecimal) and
    /// `-account`; `anchor`, `other-channel` and `other-network` (first blocks, hexadecimal) and `genesis-hash`; `name`,
    /// `version` and `program` (the peers').
    ///
    /// # Errors
    /// When a file cannot be read, or the other network's first block cannot be made.
    pub fn places(&self) -> Result<BTreeMap<String, String>, NetworkError> {
        let mut places = BTreeMap::new();
        let mut put = |name: String, value: String| drop(places.insert(name, value));
        for (number, organisation) in self.organisations.iter().enumerate() {
            let number = number.saturating_add(1);
            put(format!("peer{number}"), format!("https://{}", organisation.address));
            put(format!("peer{number}-name"), "localhost".into());
            put(format!("peer{number}-ca"), organisation.authority_pem.clone());
        }
        let named = [&["user1", "user2", "user3", "client"][..], &["other1"]];
        for (organisation, names) in self.organisations.iter().zip(named) {
            for (identity, name) in organisation.users.iter().zip(names) {
                put(format!("{name}-secret"), identity.secret.to_string());
                put(format!("{name}-certificate"), hex::encode(&identity.certificate));
                put(format!("{name}-point"), hex::encode(&identity.point));
                put(format!("{name}-account"), identity.account());
            }
        }
        for (name, channel) in ["anchor", "other-channel"].into_iter().zip(CHANNELS) {
            put(name.into(), hex::encode(self.genesis(channel)?));
        }
        put("other-network".into(), hex::encode(self.genesis_of_another_network()?));
        // SHA-256 is not what the header hashes to, but names the file that all organisations have.
        put("genesis-hash".into(), hex::encode(Sha256::digest(self.genesis(CHANNELS[0])?)));
        put("program".into(), self.programs.program("peer").to_string_lossy().into_owned());
        put("name".into(), "Hyperledger Fabric".into());
        put("version".into(), self.version()?);
        Ok(places)
    }

    /// The first block of a channel with the same name, of organisations with the same names and other keys.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn genesis_of_another_network(&self) -> Result<Vec<u8>, NetworkError> {
        let options = Options::default();
        let elsewhere = self.material.folder.join("elsewhere");
        let other = Material::make(elsewhere, &self.programs, &options)?;
        other.genesis(&self.programs, &options, &[1], [2, 3])?;
        process::read(&other.block(CHANNELS[0]))
    }

    /// Which program it is: `Fabric v3.1.5`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn version(&self) -> Result<String, NetworkError> {
        Ok(format!("Fabric {}", self.programs.version()?))
    }

    /// The official client in the name of an organisation's first user.
    ///
    /// # Errors
    /// When there is no such organisation.
    pub fn client(&self, organisation: usize) -> Result<Client, NetworkError> {
        let missing =
            || NetworkError::Content { path: self.material.folder.clone(), what: "such organisation" };
        let peer = self.peers.get(organisation).ok_or_else(missing)?;
        Client::new(
            &self.material.folder.join("client"),
            self.programs.modules(),
            &format!("127.0.0.1:{}", peer.port()),
            Path::new(peer.authority()),
            PEER_MSPS.get(organisation).copied().unwrap_or_default(),
            &self.material.user(organisation, "User1")?.folder,
        )
    }

    /// The `peer` command in the name of an organisation's administrator.
    #[must_use]
    pub fn peer_command(&self, organisation: usize) -> Option<Command> {
        self.peers.get(organisation).map(|peer| peer.command(&self.programs))
    }

    /// The end of the log of an organisation's peer.
    #[must_use]
    pub fn peer_log(&self, organisation: usize) -> String {
        self.peers.get(organisation).map(Peer::log_tail).unwrap_or_default()
    }

    /// The ids of the installed packages.
    #[must_use]
    pub fn packages(&self) -> Vec<&str> {
        self.chaincodes.iter().map(Chaincode::id).collect()
    }

    /// Waits until each peer knows the other, so that a gateway finds endorsers of both organisations; and gives the probe an
    /// owner that no test is.
    fn settle(&self) -> Result<(), NetworkError> {
        let admin = self.client(0)?.of(&self.material.user(0, "Admin")?.folder);
        let other = self.client(1)?;
        at_once(&CHANNELS, |channel| {
            process::run_until_well(|| admin.call("submit", channel, PROBE, &["claim"]))?;
            process::run_until_well(|| other.call("submit", channel, PROBE, &["put", "ready"])).map(drop)
        })
    }
}

fn no_orderer(material: &Material) -> NetworkError {
    NetworkError::Content { path: material.folder.clone(), what: "orderer" }
}

fn organisation(material: &Material, peer: &Peer) -> Result<Organisation, NetworkError> {
    let number = peer.number();
    let pem = process::read(Path::new(peer.authority()))?;
    Ok(Organisation {
        msp: PEER_MSPS.get(number).copied().unwrap_or_default().into(),
        address: format!("127.0.0.1:{}", peer.port()),
        authority_pem: String::from_utf8_lossy(&pem).into_owned(),
        admin: material.user(number, "Admin")?,
        users: material.users(number)?,
    })
}

/// Does something for each at the same time; the first error is given.
pub(crate) fn at_once<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), NetworkError> + Sync,
) -> Result<(), NetworkError> {
    std::thread::scope(|scope| {
        let work = &work;
        let begun: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item))).collect();
        begun.into_iter().try_for_each(|thread| match thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}
