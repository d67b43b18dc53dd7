//! `ethereum-like`: the Ethereum-like node alone, started with Anvil's arguments, for what knows how to start Anvil.

#[path = "ethereum_arguments.rs"]
mod ethereum_arguments;

use std::process::ExitCode;

use clap::Parser;

/// A local test node that answers as Ethereum's nodes do, started as Anvil is. The same as `evm-like ethereum`.
#[derive(Parser)]
#[command(name = "ethereum-like", version)]
struct Arguments {
    #[command(flatten)]
    node: ethereum_arguments::Ethereum,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().node.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ethereum-like: {error}");
            ExitCode::FAILURE
        }
    }
}
