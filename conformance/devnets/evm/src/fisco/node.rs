//! Groups behind one port.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hyper_tungstenite::HyperWebsocketStream;
use serde_json::Value;
use thiserror::Error;
use tokio::task::JoinHandle;

use super::{Controls, Group, Sealing, v2, v3};
use crate::{
    rpc::{Answer, RpcError, Service},
    server::{self, Served},
    suite::{SealerKeyError, Suite},
};

/// Which generation of FISCO is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// 2.x: RLP, numbers as group ids, receipts after a while.
    Two,
    /// 3.x: tars, names as group ids, receipts with the answer.
    Three,
}

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct FiscoConfig {
    /// Which generation.
    pub generation: Generation,
    /// Which cryptography.
    pub suite: Suite,
    /// The chain's name: a number in 2.x, e.g. `1`; in 3.x a text, e.g. `chain0`.
    pub chain_id: String,
    /// The groups' names: numbers in 2.x, e.g. `1`; in 3.x texts, e.g. `group0`.
    pub groups: Vec<String>,
    /// How many sealers sign. A quorum is all but a third.
    pub sealers: usize,
    /// When blocks are made.
    pub sealing: Sealing,
    /// Where blocks are kept; none keeps them in memory alone.
    pub folder: Option<PathBuf>,
}

impl FiscoConfig {
    /// One group, four sealers, blocks at once.
    #[must_use]
    pub fn new(generation: Generation, suite: Suite) -> Self {
        let (chain_id, group) = match generation {
            Generation::Two => ("1", "1"),
            Generation::Three => ("chain0", "group0"),
        };
        FiscoConfig {
            generation,
            suite,
            chain_id: chain_id.into(),
            groups: vec![group.into()],
            sealers: 4,
            sealing: Sealing::AtOnce,
            folder: None,
        }
    }
}

/// Why a node cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// A sealer has no key.
    #[error(transparent)]
    Sealer(#[from] SealerKeyError),
    /// Group ids and chain ids of 2.x are numbers.
    #[error("{0:?} is no number; the chains and groups of FISCO-like 2.x are numbered")]
    NoNumber(String),
    /// The folder of blocks cannot be used.
    #[error("the folder of blocks cannot be used: {0}")]
    Store(#[from] sled::Error),
    /// A block on disk is not of this chain.
    #[error(
        "block {0} on disk cannot be made again: was the folder another chain's, or another cryptography's?"
    )]
    Log(u64),
    /// There is no group.
    #[error("a node has at least one group")]
    NoGroup,
    /// An address cannot be had.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// A FISCO-like node. Clones are the same node.
#[derive(Clone)]
pub struct FiscoNode {
    config: Arc<FiscoConfig>,
    groups: Arc<BTreeMap<String, Mutex<Group>>>,
}

impl FiscoNode {
    /// A node that nobody is served by yet.
    ///
    /// # Errors
    /// When the names of groups do not fit the generation.
    pub fn new(config: FiscoConfig) -> Result<Self, StartError> {
        if config.groups.is_empty() {
            return Err(StartError::NoGroup);
        }
        if config.generation == Generation::Two {
            for name in config.groups.iter().chain([&config.chain_id]) {
                if name.parse::<u32>().is_err() {
                    return Err(StartError::NoNumber(name.clone()));
                }
            }
        }
        let store = config.folder.as_ref().map(sled::open).transpose()?;
        let mut groups = BTreeMap::new();
        for id in &config.groups {
            groups.insert(id.clone(), Mutex::new(Group::new(&config, id, store.as_ref())?));
        }
        Ok(FiscoNode { config: Arc::new(config), groups: Arc::new(groups) })
    }

    /// What it was started with.
    #[must_use]
    pub fn config(&self) -> &FiscoConfig {
        &self.config
    }

    /// The groups' names.
    pub fn group_ids(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// A group.
    #[must_use]
    pub fn group(&self, id: &str) -> Option<MutexGuard<'_, Group>> {
        Some(self.groups.get(id)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves it on two free ports of this machine: its JSON-RPC, and its controls.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn serve(&self) -> Result<ServedFisco, StartError> {
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        self.serve_at(any, any).await
    }

    /// The same at addresses of one's choice.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn serve_at(
        &self,
        address: std::net::SocketAddr,
        controls: std::net::SocketAddr,
    ) -> Result<ServedFisco, StartError> {
        let rpc = server::serve(Arc::new(self.clone()), address).await?;
        let controls = server::serve(Arc::new(Controls::new(self.clone())), controls).await?;
        let clock = match self.config.sealing {
            Sealing::AtOnce => None,
            Sealing::Every(milliseconds) => Some(self.run_clock(milliseconds)),
        };
        Ok(ServedFisco { rpc, controls, clock })
    }

    fn run_clock(&self, milliseconds: u64) -> JoinHandle<()> {
        let node = self.clone();
        tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_millis(milliseconds.max(1)));
            loop {
                clock.tick().await;
                for id in node.groups.keys() {
                    if let Some(mut group) = node.group(id) {
                        group.tick();
                    }
                }
            }
        })
    }
}

/// A node that is served; dropping it ends that.
#[derive(Debug)]
pub struct ServedFisco {
    /// The node's JSON-RPC.
    pub rpc: Served,
    /// Its controls.
    pub controls: Served,
    clock: Option<JoinHandle<()>>,
}

impl Drop for ServedFisco {
    fn drop(&mut self) {
        if let Some(clock) = &self.clock {
            clock.abort();
        }
    }
}

#[async_trait]
impl Service for FiscoNode {
    async fn answer(&self, method: &str, params: &Value) -> Answer {
        match self.config.generation {
            Generation::Two => v2::rpc::answer(self, method, params),
            Generation::Three => v3::rpc::answer(self, method, params).await,
        }
    }

    fn not_json(&self) -> RpcError {
        match self.config.generation {
            Generation::Two => RpcError::new(-32700, "JSON_PARSE_ERROR: The JSON-Object is not JSON-Valid"),
            Generation::Three => RpcError::new(-32600, "The JSON sent is not a valid Request object."),
        }
    }

    fn no_request(&self) -> RpcError {
        RpcError::new(
            -32600,
            match self.config.generation {
                Generation::Two => {
                    "INVALID_JSON_REQUEST: The JSON sent is not a valid JSON-RPC Request object"
                }
                Generation::Three => "The JSON sent is not a valid Request object.",
            },
        )
    }

    fn has_websockets(&self) -> bool {
        self.config.generation == Generation::Three
    }

    async fn speak(&self, socket: HyperWebsocketStream) {
        v3::socket::speak(self.clone(), socket).await;
    }
}
