//! `fabric-network`: a network to try things on by hand, and the package builder.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use fabric_network::{CHANNELS, Consensus, Identity, Network, NetworkError, Options, Package, Programs};
use serde_json::json;

/// A network of real Hyperledger Fabric programs on loopback, for tests.
#[derive(Parser)]
#[command(name = "fabric-network")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Start a network, print what a client needs as one line of JSON, and run until standard input ends or Ctrl-C
    ///
    /// `places` in it is what adapters/fabric/conformance/testbed.toml leaves open, but for controls.
    ///
    /// Two organisations with a peer each, the channels mychannel and otherchannel, and the chaincodes preset and probe on both.
    /// `cargo xtask setup --real fabric` says where the programs are.
    Run {
        /// The folder with orderer, peer, cryptogen, configtxgen and osnadmin; else $BERTH_FABRIC
        #[arg(long, requires = "modules")]
        programs: Option<PathBuf>,
        /// The folder node_modules that has what adapters/fabric/chaincode/package.json names; else $BERTH_FABRIC_MODULES
        #[arg(long, requires = "programs")]
        modules: Option<PathBuf>,
        /// How many orderers agree by Raft: 1 or 3
        #[arg(long, default_value_t = 1, conflicts_with = "bft")]
        orderers: u8,
        /// Four orderers that agree by SmartBFT (Fabric 3)
        #[arg(long)]
        bft: bool,
        /// How long a block waits for more transactions, in milliseconds
        #[arg(long, default_value_t = 100)]
        batch_timeout: u64,
        /// With how many transactions it waits no longer
        #[arg(long, default_value_t = 100)]
        batch_size: u32,
    },
    /// Write the package of a chaincode service, for `peer lifecycle chaincode install`, and print its id
    Package {
        /// The package's label, such as preset_1
        #[arg(long)]
        label: String,
        /// Where the service listens, host:port
        #[arg(long)]
        address: String,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    match carry_out(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fabric-network: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn carry_out(task: Task) -> Result<(), NetworkError> {
    match task {
        Task::Run { programs, modules, orderers, bft, batch_timeout, batch_size } => {
            let consensus = if bft { Consensus::Bft } else { Consensus::Raft(orderers) };
            let batch_timeout = Duration::from_millis(batch_timeout);
            let programs = match programs.zip(modules) {
                Some((programs, modules)) => Programs::at(programs, modules),
                None => Programs::from_environment()?,
            };
            let network = Network::start(programs, &Options { consensus, batch_timeout, batch_size })?;
            println!("{}", description(&network)?);
            // Until standard input ends.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            Ok(())
        }
        Task::Package { label, address, out } => {
            let file = |source| NetworkError::File { doing: "write", path: out.clone(), source };
            let package = Package::new(&label, &address).map_err(file)?;
            std::fs::write(&out, &package.bytes).map_err(file)?;
            println!("{}", package.id);
            Ok(())
        }
    }
}

fn description(network: &Network) -> Result<serde_json::Value, NetworkError> {
    let identity = |identity: &Identity| {
        json!({
            "account": identity.account(), "msp_folder": identity.folder, "secret": identity.secret.as_str(),
            "certificate": hex::encode(&identity.certificate), "certificate_pem": identity.certificate_pem,
        })
    };
    let organisations = network.organisations.iter().map(|organisation| {
        json!({
            "msp": organisation.msp, "peer": organisation.address, "authority_pem": organisation.authority_pem,
            "admin": identity(&organisation.admin),
            "users": organisation.users.iter().map(identity).collect::<Vec<_>>(),
        })
    });
    Ok(json!({
        "folder": network.folder(), "channels": CHANNELS, "packages": network.packages(),
        "orderers": network.orderers(), "orderer_authority_pem": network.orderer_authority_pem()?,
        "organisations": organisations.collect::<Vec<_>>(), "places": network.places()?,
    }))
}
