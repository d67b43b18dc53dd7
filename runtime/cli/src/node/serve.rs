//! `berth node init` and `berth node serve`.

use std::path::{Path, PathBuf};

use berth_host::{Compiler, CompilerChild};
use berth_identity::MasterKey;
use berth_node::{EXAMPLE, Node, Traces};
use clap::Args;

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
way is taken up at the next start.")]
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
    let configuration = configuration(&arguments.config)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::host("this program does not know where it lies", &error))?;
    let compiler = Compiler::Child(CompilerChild::new(program, vec![COMPILE.into()]));
    let traces =
        Traces::new(&configuration).map_err(|error| Failure::host("the node does not start", &error))?;
    logs::to_stderr(Some(&configuration.config.log), traces.as_ref());
    let node = Node::start(&configuration, compiler, traces)
        .await
        .map_err(|error| Failure::host("the node does not start", &error))?;
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
    stop_is_wanted().await.map_err(|error| Failure::host("signals cannot be waited for", &error))?;
    println!("The node stops: the last requests are answered.");
    node.stop().await;
    Ok(())
}

async fn stop_is_wanted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}
