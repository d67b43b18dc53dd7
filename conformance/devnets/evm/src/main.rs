//! `evm-like`: a local test node that speaks as FISCO BCOS 2.x, FISCO BCOS 3.x or Ethereum nodes do.

use std::{error::Error, net::SocketAddr, process::ExitCode};

use berth_devnet_evm::{
    fisco::{FiscoConfig, FiscoNode, Generation, Sealing},
    suite::Suite,
};
use clap::{Parser, Subcommand};

#[path = "ethereum_arguments.rs"]
mod ethereum_arguments;

use ethereum_arguments::Ethereum;

/// A local test node: it speaks as the nodes of these frameworks do, and is none of them. One process holds every
/// key, and nothing is checked that only a network of nodes could check.
#[derive(Parser)]
#[command(name = "evm-like", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    node: Node,
}

const EXAMPLES: &str = "Examples:
  evm-like fisco2                                      one group, 1, of chain 1, at http://127.0.0.1:8545
  evm-like fisco2 --sm --group 1 --group 2             SM2 and SM3, two groups
  evm-like fisco2 --port 0 --seal-every 1000           a free port, a block a second while there is something to seal
  evm-like fisco3 --port 20200 --chain chain0          group0 of chain0
  evm-like ethereum --slots-in-an-epoch 2              chain 31337 with Anvil's accounts
  curl -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getBlockNumber\",\"params\":[1]}' http://127.0.0.1:8545

The controls of the FISCO-like nodes are JSON-RPC at the second address: advance [blocks], hold [], release [],
prune [block]; the Ethereum-like node has them, and reorganise [depth], among its other methods.";

#[derive(Subcommand)]
enum Node {
    /// FISCO-like 2.x: RLP transactions, JSON-RPC with numbered groups
    Fisco2(Fisco),
    /// FISCO-like 3.x: tars transactions, JSON-RPC with named groups; receipts come with the answer
    Fisco3(Fisco),
    /// Ethereum-like: the execution API, and the test methods of Anvil that test beds use, at one port
    Ethereum(Ethereum),
}

#[derive(clap::Args)]
struct Fisco {
    /// Where JSON-RPC is served
    #[arg(long, default_value = "127.0.0.1")]
    host: std::net::IpAddr,
    /// Its port; 0 is any free one
    #[arg(long, default_value_t = 8545)]
    port: u16,
    /// The controls' port; 0 is any free one
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// The chain's id
    #[arg(long)]
    chain: Option<String>,
    /// A group's id; may be given more than once
    #[arg(long)]
    group: Vec<String>,
    /// SM2 and SM3 instead of secp256k1 and Keccak-256
    #[arg(long)]
    sm: bool,
    /// How many sealers sign blocks
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    sealers: u16,
    /// Keep blocks in this folder, and have them again at the next start
    #[arg(long, value_name = "FOLDER")]
    data: Option<std::path::PathBuf>,
    /// Seal every so many milliseconds what waits, instead of every transaction at once
    #[arg(long, value_name = "MILLISECONDS")]
    seal_every: Option<u64>,
}

impl Fisco {
    async fn run(self, generation: Generation) -> Result<(), Box<dyn Error>> {
        let suite = if self.sm { Suite::Sm } else { Suite::Standard };
        let mut config = FiscoConfig::new(generation, suite);
        if let Some(chain) = self.chain {
            config.chain_id = chain;
        }
        if !self.group.is_empty() {
            config.groups = self.group;
        }
        config.folder = self.data;
        config.sealers = usize::from(self.sealers);
        config.sealing = self.seal_every.map_or(Sealing::AtOnce, Sealing::Every);
        let node = FiscoNode::new(config)?;
        let (address, controls) =
            (SocketAddr::new(self.host, self.port), SocketAddr::new(self.host, self.control_port));
        let served = node.serve_at(address, controls).await?;
        println!("{}", served.rpc.url);
        println!("controls at {}", served.controls.url);
        tokio::signal::ctrl_c().await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Arguments::parse().node {
        Node::Fisco2(node) => node.run(Generation::Two).await,
        Node::Fisco3(node) => node.run(Generation::Three).await,
        Node::Ethereum(node) => node.run().await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evm-like: {error}");
            ExitCode::FAILURE
        }
    }
}
