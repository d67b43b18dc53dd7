//! The chain behind a port.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, U256, address};
use async_trait::async_trait;
use serde_json::Value;

use super::{Chain, rpc};
use crate::{
    rpc::{Answer, Service},
    server::{self, Served},
};

/// Anvil's first ten accounts, of the well-known mnemonic of eleven times "test" and "junk".
const WELL_KNOWN: [Address; 10] = [
    address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
    address!("90F79bf6EB2c4f870365E785982E1f101E93b906"),
    address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
    address!("9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
    address!("976EA74026E726554dB657fA54763abd0C3a0aa9"),
    address!("14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
    address!("23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
    address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"),
];

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct EthereumConfig {
    /// The chain's id.
    pub chain_id: u64,
    /// Blocks of an epoch: a block is safe one epoch back, and final two.
    pub slots_in_an_epoch: u64,
    /// Accounts that have currency.
    pub rich: Vec<Address>,
    /// How much.
    pub balance: U256,
    /// Whether blocks are made only when told.
    pub hold: bool,
}

impl Default for EthereumConfig {
    /// As Anvil starts with `--slots-in-an-epoch 2`: chain 31337, ten accounts with 10,000 ether.
    fn default() -> Self {
        EthereumConfig {
            chain_id: 31337,
            slots_in_an_epoch: 2,
            rich: WELL_KNOWN.to_vec(),
            balance: U256::from(10_000) * U256::from(10).pow(U256::from(18)),
            hold: false,
        }
    }
}

/// An Ethereum-like node. Clones are the same node.
#[derive(Clone)]
pub struct EthereumNode {
    chain: Arc<Mutex<Chain>>,
}

/// A node that is served; dropping it ends that.
#[derive(Debug)]
pub struct ServedEthereum {
    /// Its JSON-RPC, which has the test methods too.
    pub rpc: Served,
}

impl EthereumNode {
    /// A node that nobody is served by yet.
    #[must_use]
    pub fn new(config: &EthereumConfig) -> Self {
        EthereumNode { chain: Arc::new(Mutex::new(Chain::new(config))) }
    }

    /// The chain.
    pub fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves it at an address; port 0 is any free one.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn serve_at(&self, address: SocketAddr) -> std::io::Result<ServedEthereum> {
        Ok(ServedEthereum { rpc: server::serve(Arc::new(self.clone()), address).await? })
    }

    /// Serves it on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn serve(&self) -> std::io::Result<ServedEthereum> {
        self.serve_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }
}

#[async_trait]
impl Service for EthereumNode {
    async fn answer(&self, method: &str, params: &Value) -> Answer {
        rpc::answer(&mut self.chain(), method, params)
    }
}
