//! `berth certify log`.

use std::path::PathBuf;

use berth_admission::{bundle::Bundle, digest::Digest, log::store::Log};
use clap::{Args, Subcommand};

use super::{MAX_FILE, private_key, read, write};
use crate::{arguments::Given, failure::Failure};

/// What can be done with a log.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Make an empty log
    Init(Init),
    /// Enter a component's signed certificate, and put the proof beside the component
    Append(Append),
    /// Look whether a log is whole, and list what it holds
    Show(Show),
}

/// Who signs checkpoints.
#[derive(Args, Debug)]
pub(crate) struct Signer {
    /// The witness's name, as policies know it, e.g. example.org/witness
    #[arg(long, value_name = "NAME")]
    pub(crate) witness: String,
    /// The witness's private key; never a certifier's
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

/// `berth certify log init`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth certify log init log --origin example.org/adapters \\
     --witness example.org/witness --key witness.pem")]
pub(crate) struct Init {
    /// The log's folder, in the layout of tlog-tiles: any file server can serve it
    pub(crate) folder: PathBuf,
    /// The log's name: the first line of its checkpoints
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: String,
    #[command(flatten)]
    pub(crate) signer: Signer,
}

/// `berth certify log append`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth certify log append ethereum.component.wasm --log log \\
     --witness example.org/witness --key witness.pem")]
pub(crate) struct Append {
    #[command(flatten)]
    pub(crate) given: Given,
    /// The log's folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) log: PathBuf,
    #[command(flatten)]
    pub(crate) signer: Signer,
}

/// `berth certify log show`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth certify log show log")]
pub(crate) struct Show {
    /// The log's folder
    pub(crate) folder: PathBuf,
}

pub(super) fn run(command: &LogCommand) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::host("the log", error);
    match command {
        LogCommand::Init(init) => {
            let key = private_key(&init.signer.key)?;
            let log = Log::create(&init.folder, &init.origin, &init.signer.witness, &key)
                .map_err(|e| failed(&e))?;
            println!("{} in {}", log.origin(), init.folder.display());
            println!("witness {}, key id {}", init.signer.witness, key.public().id());
        }
        LogCommand::Append(append) => {
            let key = private_key(&append.signer.key)?;
            let path = append.given.file()?;
            let file = read(&path, MAX_FILE)?;
            let beside = append.given.beside(&path);
            let mut bundle = Bundle::from_json(&read(&beside, MAX_FILE)?)
                .map_err(|error| Failure::host(format_args!("{}", beside.display()), &error))?;
            let mut log = Log::open(&append.log).map_err(|e| failed(&e))?;
            let index = bundle.enter(&mut log, &append.signer.witness, &key).map_err(|e| failed(&e))?;
            write(&beside, &bundle.to_json())?;
            println!("entry {index} of {}: the certificate of {}", log.origin(), Digest::of(&file));
            println!("the proof is in {}", beside.display());
        }
        LogCommand::Show(show) => {
            let log = Log::open(&show.folder).map_err(|e| failed(&e))?;
            println!("{}: whole, {} entries", log.origin(), log.entries().len());
            for (index, entry) in log.entries().iter().enumerate() {
                println!("  {index}  {}  {} bytes", Digest::of(entry), entry.len());
            }
            println!("{}", crate::show::plain(log.checkpoint()));
        }
    }
    Ok(())
}
