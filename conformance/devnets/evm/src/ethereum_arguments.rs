//! The arguments of the Ethereum-like node, of both programs.

use std::{error::Error, net::SocketAddr};

use berth_devnet_evm::ethereum::{EthereumConfig, EthereumNode};

/// How the Ethereum-like node is started: as Anvil is, so that one can stand in for the other.
#[derive(clap::Args)]
pub struct Ethereum {
    /// Where JSON-RPC is served
    #[arg(long, default_value = "127.0.0.1")]
    host: std::net::IpAddr,
    /// Its port; 0 is any free one
    #[arg(long, default_value_t = 8545)]
    port: u16,
    /// The chain's id
    #[arg(long, default_value_t = 31337)]
    chain_id: u64,
    /// Blocks of an epoch: a block is safe one epoch back, and final two
    #[arg(long, default_value_t = 32)]
    slots_in_an_epoch: u64,
    /// Make blocks only when told (anvil_mine, or advance)
    #[arg(long)]
    no_mining: bool,
}

impl Ethereum {
    /// Serves until it is stopped.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        let node = EthereumNode::new(&EthereumConfig {
            chain_id: self.chain_id,
            slots_in_an_epoch: self.slots_in_an_epoch,
            hold: self.no_mining,
            ..EthereumConfig::default()
        });
        let served = node.serve_at(SocketAddr::new(self.host, self.port)).await?;
        // As Anvil says it, so that what starts the one can start the other.
        println!("Listening on {}", served.rpc.url.trim_start_matches("http://"));
        tokio::signal::ctrl_c().await?;
        Ok(())
    }
}
