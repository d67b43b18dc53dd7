//! `berth node init` and `berth node serve`.

use std::path::{Path, PathBuf};

use berth_host::{Compiler, CompilerChild};
use berth_identity::MasterKey;
use berth_node::{EXAMPLE, Node, Traces};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{COMPILE, operator::configuration};
use crate::{failure::Failure, files, logs, show::plain};

/// `berth node init`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node init city && berth node serve --config city/node.toml")]
pub(crate) struct Init {
    /// The node's folder; it is made where it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// `berth node serve`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  berth node serve --config node.toml

Ctrl-C or SIGTERM stops it: the last requests are answered, and what is under
way is taken up at the next start. A node that still starts stops at once.")]
pub(crate) struct Serve {
    /// The node's configuration
    #[arg(long, value_name = "FILE", default_value = "node.toml")]
    config: PathBuf,
}

pub(super) fn init(arguments: &Init) -> Result<(), Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::host(format_args!("{} cannot be made", folder.display()), &error))?;
    let (config, key) = (folder.join("node.toml"), folder.join("master.key"));
    for file in [&config, &key] {
        if file.exists() {
            return Err(Failure::usage(format!("{} is there already", file.display()))
                .next("Nothing was written; choose another folder."));
        }
    }
    let master = MasterKey::random().map_err(|error| Failure::host("no master key", &error))?;
    files::write(&key, master.to_hex().as_bytes())?;
    files::write(&config, EXAMPLE.as_bytes())?;
    let shown = |path: &Path| plain(&path.display().to_string());
    println!(
        "{}   the configuration, commented: name an admission policy and adapters in it",
        shown(&config)
    );
    println!("{}  the master key: keep a copy of it apart, nothing opens without it", shown(&key));
    println!("Then: berth node serve --config {}", shown(&config));
    Ok(())
}

pub(super) async fn serve(arguments: &Serve) -> Result<(), Failure> {
    // Before anybody can know that the node is there: a stop that comes early is a stop, and kills nothing.
    let mut stop = Stop::listen().map_err(|error| Failure::host("signals cannot be waited for", &error))?;
    let configuration = configuration(&arguments.config)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::host("this program does not know where it lies", &error))?;
    let compiler = Compiler::Child(CompilerChild::new(program, vec![COMPILE.into()]));
    let traces =
        Traces::new(&configuration).map_err(|error| Failure::host("the node does not start", &error))?;
    logs::to_stderr(Some(&configuration.config.log), traces.as_ref());
    let started = tokio::select! {
        biased;
        () = stop.wanted() => {
            println!("The node stops before it has started.");
            return Ok(());
        }
        started = Node::start(&configuration, compiler, traces) => started,
    };
    let node = started.map_err(|error| Failure::host("the node does not start", &error))?;
    for (file, why) in &node.refused {
        tracing::error!("{} is not let in: {}", plain(&file.display().to_string()), plain(why));
    }
    let scheme = if configuration.config.gateway.tls { "https" } else { "http" };
    println!("The node listens at {scheme}://{}", node.address);
    println!(
        "  {} adapters, {} applications, {} participants; its authority is {}",
        node.gateway().adapters().names().len(),
        node.gateway().applications().len(),
        node.gateway().participants().len(),
        configuration.state().join("authority.pem").display()
    );
    if let Some(page) = &node.page {
        println!("  look at it: http://{page}/");
    }
    stop.wanted().await;
    println!("The node stops: the last requests are answered.");
    node.stop().await;
    Ok(())
}

/// Hears Ctrl-C and SIGTERM from when it was made on, whoever waits for them by then.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Stop { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
