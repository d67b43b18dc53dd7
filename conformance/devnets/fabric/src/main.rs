//! The program `fabric-like`.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Duration};

use berth_devnet_fabric::{Batch, Consensus, Network, NetworkError, Options};
use clap::{Parser, ValueEnum};

/// A Fabric-like test network in one process: peers, an ordering service and channels on loopback.
///
/// It is no Hyperledger Fabric, and for tests only: every key comes from the seed, which is public. Official clients of Fabric
/// (such as npm's @hyperledger/fabric-gateway) take it for Fabric 2.4 and later: gRPC with TLS, the gateway service, block events,
/// qscc, cscc and queries of _lifecycle. The chaincodes `preset` and `probe` are on every channel.
#[derive(Parser)]
#[command(version, after_long_help = AFTER)]
struct Arguments {
    /// An organisation's MSP id; once for each organisation [default: Org1MSP, Org2MSP]
    #[arg(long = "organisation", value_name = "MSP-ID")]
    organisations: Vec<String>,
    /// A channel's name; once for each channel [default: mychannel]
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// The port of the first organisation's peer, the next for the next, and so on; free ones without it
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// The port of the control; a free one without it
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    control_port: u16,
    /// Writes what a client needs to connect (addresses, certificates, keys) into this file as JSON, instead of printing it
    #[arg(long, value_name = "FILE")]
    material: Option<PathBuf>,
    /// What all keys are made from: the same seed gives the same keys and certificates
    #[arg(long, value_name = "TEXT", default_value = "fabric-like")]
    seed: String,
    /// How blocks are signed
    #[arg(long, value_enum, default_value_t = Signing::Raft)]
    consensus: Signing,
    /// A block is cut after so many transactions
    #[arg(long, value_name = "NUMBER", default_value_t = Batch::default().max_messages)]
    batch_messages: u32,
    /// Or so many milliseconds after the first of them
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20)]
    batch_timeout: u64,
    /// CHAINCODE=NUMBER: of how many organisations it asks endorsements, instead of a majority
    #[arg(long = "endorsements", value_name = "CHAINCODE=NUMBER", value_parser = endorsements)]
    endorsements: Vec<(String, usize)>,
    /// Keeps blocks in this folder and takes them up again; in memory without it
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

const AFTER: &str = r#"What is printed (or written with --material), once the network serves:
  control                          the address of the control
  channels[]                       name, genesis (the first block's hash), chaincodes
  organisations[]                  mspId, ca and tlsCa (PEM), peer, users
  organisations[].peer             url, address, serverName (the name in its TLS certificate), certificate
  organisations[].users[]          name, certificate (PEM), certificateDer (hexadecimal), account, key (PKCS#8, PEM),
                                   secret (32 bytes, hexadecimal)
  orderers                         mspId, ca, tlsCa, nodes

The control takes JSON-RPC 2.0 by HTTP POST; parameters by name or by place:
  advance {blocks}                 makes blocks, each with one transaction that nobody reads
  hold, release                    makes no blocks by itself; makes them again
  prune {block}                    serves no block before this one; 0 serves all again
  enrol {point, organisation, role, name, expired}
                                   a certificate for a public point of P-256 (SEC1, hexadecimal):
                                   mspId, certificate (DER, hexadecimal), pem, account
  clock {ahead}                    sets the peers' and orderers' clock ahead of the machine's, milliseconds
  disagree {disagree}              peers but the first spoil their answers: true, false, or how many of them
  heights, material                the channels' heights; what is printed at the start

  curl -d '{"jsonrpc":"2.0","id":1,"method":"advance","params":{"blocks":3}}' http://127.0.0.1:PORT"#;

#[derive(Clone, Copy, ValueEnum)]
enum Signing {
    /// One orderer signs
    Raft,
    /// Three of four orderers sign
    Bft,
}

fn endorsements(text: &str) -> Result<(String, usize), String> {
    let (chaincode, number) = text.split_once('=').ok_or("expected CHAINCODE=NUMBER")?;
    let number = number.parse().map_err(|_| format!("{number:?} is no number"))?;
    Ok((chaincode.to_owned(), number))
}

impl Arguments {
    fn options(self) -> Options {
        let given = |list: Vec<String>, default: Vec<String>| if list.is_empty() { default } else { list };
        let defaults = Options::default();
        let organisations = given(self.organisations, defaults.organisations);
        let ports = self.port.map(|first| (first..).take(organisations.len()).collect());
        Options {
            seed: self.seed,
            channels: given(self.channels, defaults.channels),
            peer_ports: ports.unwrap_or_default(),
            control_port: self.control_port,
            batch: Batch {
                max_messages: self.batch_messages,
                timeout: Duration::from_millis(self.batch_timeout),
                ..Batch::default()
            },
            consensus: match self.consensus {
                Signing::Raft => Consensus::Raft,
                Signing::Bft => Consensus::Bft,
            },
            folder: self.folder,
            endorsements: BTreeMap::from_iter(self.endorsements),
            organisations,
            ..Options::default()
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    let file = arguments.material.take();
    match run(arguments.options(), file).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fabric-like: {error}");
            if let Some(source) = std::error::Error::source(&error) {
                eprintln!("  because: {source}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options, file: Option<PathBuf>) -> Result<(), NetworkError> {
    let network = Network::start(options).await?;
    let material = format!("{:#}", network.material()?);
    match file {
        Some(file) => {
            std::fs::write(&file, material).map_err(|error| NetworkError::Internal {
                what: format!("write {}", file.display()),
                reason: error.to_string(),
            })?;
            println!(
                "Fabric-like test network, control at {}; {} says how to connect",
                network.control_url(),
                file.display()
            );
        }
        None => println!("{material}"),
    }
    tokio::select! {
        () = network.run() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
