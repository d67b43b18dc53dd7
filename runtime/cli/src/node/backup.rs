//! `berth node backup`.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use berth_backup::{BackupError, Summary, Target, back_up_folder};
use clap::Args;
use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use super::operator::{Which, configuration, refused, request, whole};
use crate::{
    failure::{Failure, Kind},
    show::plain,
};

/// `berth node backup`
#[derive(Args, Debug)]
#[command(after_help = "\
The file shows the node at one moment; it is checked to its last byte before it
has its name. Applications, participants, the journal, usage records, adapters'
state, the authority and what admission must not forget are in it. Keys are in
it as the node keeps them: sealed. The master key is NOT in it: keep a copy of
it apart, nothing opens without it. Signed transactions that are under way are
in clear, and so are names: keep the file where the node's folder could be.

The configuration, adapters' files, policies and compiled code are not in it.

Examples:
  berth node backup --config node.toml --out monday.berth-backup
  berth node backup --out monday.berth-backup --json | jq -r .sha256

Exit codes: 0 the file is there, whole; 1 the node refused; 2 wrong usage; 3 a
file or the machine. There is no file then.")]
pub(crate) struct Backup {
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    pub(super) which: Which,
}

pub(super) async fn run(arguments: &Backup) -> Result<(), Failure> {
    let configuration = configuration(&arguments.which.config)?;
    let mut target = Target::new(&arguments.out).map_err(failed)?;
    let mut progress = Progress::new("copied");
    let socket = configuration.socket();
    let running = match UnixStream::connect(&socket).await {
        Ok(stream) => {
            stream_into(stream, &mut target, &mut progress).await?;
            true
        }
        // Nobody listens: the node does not run.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            back_up_folder(&configuration.state(), &mut target, |bytes| progress.show(bytes))
                .map_err(failed)?;
            false
        }
        Err(error) => {
            let what = format!("the node's socket {} cannot be opened", socket.display());
            return Err(Failure::host(what, &error).next("Be the user that runs the node."));
        }
    };
    drop(progress);
    let mut progress = Progress::new("checked");
    let summary = target.finish(|bytes| progress.show(bytes)).map_err(failed)?;
    drop(progress);
    if arguments.which.json {
        let mut document = document(&summary);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("file".into(), json!(arguments.out));
            fields.insert("running".into(), json!(running));
        }
        println!("{document:#}");
        return Ok(());
    }
    println!("{}", plain(&arguments.out.display().to_string()));
    println!(
        "  made      {} {}",
        summary.made,
        if running { "while the node ran" } else { "of a node at rest" }
    );
    println!("  records   {}, in {} bytes", summary.records, summary.bytes);
    println!("  SHA-256   {}", hex::encode(summary.digest));
    println!("The master key is not in it: keep a copy of it apart.");
    Ok(())
}

/// What a running node sends.
async fn stream_into(
    stream: UnixStream,
    target: &mut Target,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let broken = |error: &dyn std::error::Error| {
        Failure::host("the backup broke off", error).next("The node's log says why; nothing was written.")
    };
    let response =
        request(stream, Method::POST, "/backup", String::new()).await.map_err(|error| broken(&error))?;
    let status = response.status();
    if !status.is_success() {
        return Err(refused(status, &whole(response).await?).next("Nothing was written."));
    }
    let (mut body, mut bytes) = (response.into_body(), 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        target.write_all(data).map_err(|error| {
            Failure::host("the backup cannot be written", &error).next("Look at the disk: is there room?")
        })?;
        bytes += data.len() as u64;
        progress.show(bytes);
    }
    Ok(())
}

/// What a backup is, for programs.
pub(super) fn document(summary: &Summary) -> Value {
    json!({
        "made": summary.made.to_string(),
        "records": summary.records,
        "bytes": summary.bytes,
        "sha256": hex::encode(summary.digest),
    })
}

/// Why there is no backup, or nothing was put back, with what to do next.
pub(super) fn failed(error: BackupError) -> Failure {
    let failure = Failure::host("the backup", &error).next(error.next());
    let usage = matches!(
        error,
        BackupError::Exists { .. } | BackupError::Occupied { .. } | BackupError::Running { .. }
    );
    if usage { Failure { kind: Kind::Usage, ..failure } } else { failure }
}

/// A line on standard error about work that takes longer than a second, once in a second.
pub(super) struct Progress {
    what: &'static str,
    next: Instant,
    on_terminal: bool,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        let next = Instant::now() + Duration::from_secs(1);
        Progress { what, next, on_terminal: io::stderr().is_terminal(), is_shown: false }
    }

    pub(super) fn show(&mut self, bytes: u64) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + Duration::from_secs(1);
        let text = format!("{}: {} MB", self.what, bytes / 1_000_000);
        let mut stderr = io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        if self.on_terminal {
            let _ = write!(stderr, "\r\x1b[K{text}");
            let _ = stderr.flush();
            self.is_shown = true;
        } else {
            let _ = writeln!(stderr, "{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
