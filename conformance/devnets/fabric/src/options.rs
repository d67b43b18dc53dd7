//! What a network is made of.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// A network of organisations, an ordering service and channels, all in one process.
#[derive(Clone, Debug)]
pub struct Options {
    /// What every key of the network is derived from. The same seed gives the same keys and certificates each time, so that a test
    /// bed can name them; whoever knows the seed has the keys, which are for tests only.
    pub seed: String,
    /// MSP ids of the organisations with a peer each.
    pub organisations: Vec<String>,
    /// Names of the channels; every organisation is a member of each.
    pub channels: Vec<String>,
    /// Ports of the peers, in the order of the organisations; 0 or none is a free one.
    pub peer_ports: Vec<u16>,
    /// The port of the control address; 0 is a free one.
    pub control_port: u16,
    /// How blocks are cut.
    pub batch: Batch,
    /// How blocks are signed.
    pub consensus: Consensus,
    /// A folder to keep blocks in; none keeps them in memory.
    pub folder: Option<PathBuf>,
    /// Of how many organisations a chaincode asks endorsements, where it is not a majority; by chaincode.
    pub endorsements: BTreeMap<String, usize>,
    /// The most bytes of a gRPC message that a peer takes, as `maxRecvMsgSize` of a Fabric peer.
    pub max_message_bytes: usize,
    /// Milliseconds since 1970 of the genesis block; none takes the clock.
    pub genesis_time: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: "fabric-like".into(),
            organisations: vec!["Org1MSP".into(), "Org2MSP".into()],
            channels: vec!["mychannel".into()],
            peer_ports: Vec::new(),
            control_port: 0,
            batch: Batch::default(),
            consensus: Consensus::Raft,
            folder: None,
            endorsements: BTreeMap::new(),
            max_message_bytes: 100 << 20,
            genesis_time: None,
        }
    }
}

/// When a block is cut: whatever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// After so many transactions.
    pub max_messages: u32,
    /// No transaction may have more bytes.
    pub absolute_max_bytes: u32,
    /// After so many bytes.
    pub preferred_max_bytes: u32,
    /// So long after the first transaction.
    pub timeout: Duration,
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            max_messages: 10,
            absolute_max_bytes: 10 << 20,
            preferred_max_bytes: 512 << 10,
            timeout: Duration::from_millis(50),
        }
    }
}

/// How blocks are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consensus {
    /// One orderer's signature, with its identity in the block.
    #[default]
    Raft,
    /// Signatures of a quorum of four orderers, whose identities are in the channel's configuration.
    Bft,
}

impl Consensus {
    /// How many orderers there are.
    #[must_use]
    pub fn orderers(self) -> u32 {
        match self {
            Consensus::Raft => 1,
            Consensus::Bft => 4,
        }
    }

    /// How many of them sign a block: any two quorums share an honest orderer.
    #[must_use]
    pub fn quorum(self) -> u32 {
        let orderers = self.orderers();
        let faulty = orderers.saturating_sub(1) / 3;
        match self {
            Consensus::Raft => 1,
            Consensus::Bft => (orderers + faulty + 1).div_ceil(2),
        }
    }
}
