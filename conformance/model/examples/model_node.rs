//! Serves a model ledger until it is stopped: `cargo run -p berth-model --example model_node [address:port]`.

use std::{error::Error, net::SocketAddr};

use berth_model::ModelNode;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into()).parse()?;
    let node = ModelNode::default();
    let (url, _served) = node.serve_at(address).await?;
    println!("{url}");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
