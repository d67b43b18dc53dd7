//! How fast the nodes are, against how fast a client can ask: `cargo run -p berth-devnet-evm --example throughput`.
//!
//! A bare client signs transactions and sends each over one connection to a server that answers at once with nothing: that is the
//! most that it can ask. Then a node answers the same requests in this process, each transaction in a block of its
//! own with four sealers' signatures, and at last over the same kind of connection. All in one run, one thread each.

#![allow(clippy::print_stdout, reason = "it is a program that prints figures")]

use std::{error::Error, sync::Arc, time::Instant};

use alloy_primitives::U256;
use async_trait::async_trait;
use berth_crypto::SigningKey;
use berth_devnet_evm::{
    fisco::{FiscoConfig, FiscoNode, Generation, client::Client as Signer, v3},
    rpc::{Answer, Service, answer_text},
    server,
    suite::Suite,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Logs the first word of its input with the topic 42, and returns it: what is created again and again.
const CODE: &str = "6012600c60003960126000f3600035600052602a60206000a160206000f3";
const COUNT: u64 = 2_000;

struct Nothing;

#[async_trait]
impl Service for Nothing {
    async fn answer(&self, _: &str, _: &Value) -> Answer {
        Ok(Value::Null)
    }
}

/// A request with a signed transaction of this number.
fn request(generation: Generation, signer: &Signer, number: u64) -> Outcome<String> {
    let input = hex::decode(CODE)?;
    // The window is 1000 blocks, and each transaction makes one.
    let limit = number.saturating_add(500);
    let (method, params) = match generation {
        Generation::Two => {
            let raw = signer.two(number, U256::from(limit), None, &input)?;
            ("sendRawTransaction", json!([1, format!("0x{}", hex::encode(raw))]))
        }
        Generation::Three => {
            let raw = signer.three(v3::transaction::Fields {
                chain_id: "chain0".into(),
                group_id: "group0".into(),
                block_limit: i64::try_from(limit)?,
                nonce: number.to_string(),
                input,
                ..Default::default()
            })?;
            ("sendTransaction", json!(["group0", "", format!("0x{}", hex::encode(raw)), false]))
        }
    };
    Ok(json!({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).to_string())
}

/// One connection of a bare client.
struct Client {
    stream: TcpStream,
    host: String,
}

impl Client {
    async fn connect(url: &str) -> Outcome<Self> {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, host })
    }

    async fn ask(&mut self, body: &str) -> Outcome<()> {
        let (host, length) = (&self.host, body.len());
        let text = format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.stream.write_all(text.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut part = vec![0; 8192];
        loop {
            let count = self.stream.read(&mut part).await?;
            answer.extend_from_slice(part.get(..count).unwrap_or_default());
            let text = String::from_utf8_lossy(&answer);
            if count == 0 || text.contains("\"error\"") {
                return Err(format!("the node says {text}").into());
            }
            let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length
                .and_then(|length| length.parse::<usize>().ok())
                .is_some_and(|length| rest.len() >= length)
            {
                return Ok(());
            }
        }
    }
}

fn rate(start: Instant) -> f64 {
    f64::from(u32::try_from(COUNT).unwrap_or_default()) / start.elapsed().as_secs_f64()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    println!(
        "node                   client asks   node answers   ratio   end to end   (transactions a second)"
    );
    for generation in [Generation::Two, Generation::Three] {
        for suite in [Suite::Standard, Suite::Sm] {
            let signer = Signer { key: SigningKey::from_bytes(suite.scheme(), &[7; 32])?, suite };
            let nothing = server::serve(Arc::new(Nothing), ([127, 0, 0, 1], 0).into()).await?;
            let mut client = Client::connect(&nothing.url).await?;
            let mut requests = Vec::new();
            let start = Instant::now();
            for number in 1..=COUNT {
                let request = request(generation, &signer, number)?;
                client.ask(&request).await?;
                requests.push(request);
            }
            let asked = rate(start);

            let node = FiscoNode::new(FiscoConfig::new(generation, suite))?;
            let start = Instant::now();
            for request in &requests {
                let answer = answer_text(&node, request.as_bytes()).await;
                if answer.contains("\"error\"") {
                    return Err(answer.into());
                }
            }
            let answered = rate(start);

            let served = FiscoNode::new(FiscoConfig::new(generation, suite))?.serve().await?;
            let mut client = Client::connect(&served.rpc.url).await?;
            let start = Instant::now();
            for number in 1..=COUNT {
                client.ask(&request(generation, &signer, number)?).await?;
            }
            let name = format!("{generation:?}, {suite:?}");
            println!(
                "{name:<20} {asked:>13.0} {answered:>14.0} {:>7.2} {:>12.0}",
                answered / asked,
                rate(start)
            );
        }
    }
    Ok(())
}
