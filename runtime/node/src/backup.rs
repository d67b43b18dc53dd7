//! The node's part in backups: it streams one over the operator's socket, and starts with care on one that was put back.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use berth_backup::{Database, Source, back_up, forget_mark, mark};
use berth_gateway::{Gateway, Problem};
use bytes::Bytes;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
};
use tokio_util::sync::CancellationToken;

use crate::run::{NodeError, machine};

/// For how long a backup waits for whoever takes its bytes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pieces of the backup that wait to be taken.
const PIECES: usize = 8;

/// What a running node's backups are made of.
struct Shared {
    folder: PathBuf,
    database: Database,
    stop: CancellationToken,
    /// One backup at a time.
    one: Arc<Semaphore>,
}

/// `POST /backup` answers with a backup of this moment.
pub(crate) fn router(folder: PathBuf, database: Database, stop: CancellationToken) -> Router {
    let shared = Shared { folder, database, stop, one: Arc::new(Semaphore::new(1)) };
    Router::new().route("/backup", post(stream)).with_state(Arc::new(shared))
}

async fn stream(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let turn = shared.one.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::CONFLICT,
            "busy",
            "Another backup of this node is being made",
            "wait for its end, then try again",
        )
        .retryable()
    })?;
    let (pieces, taken) = mpsc::channel(PIECES);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut out = Pieces { pieces, runtime, stop: shared.stop.clone() };
        let source = Source { folder: &shared.folder, database: &shared.database };
        if let Err(error) = back_up(&source, &mut out, |_| {}) {
            tracing::error!(error = &error as &dyn std::error::Error, "a backup broke off");
            // The body breaks off too, in place of ending as if it were whole.
            let _ = out.give(Err(io::Error::other("the backup broke off: the node's log says why")));
        }
    });
    let body = futures_util::stream::unfold(taken, |mut taken| async move {
        let piece = taken.recv().await?;
        Some((piece, taken))
    });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from_stream(body)).into_response())
}

/// Bytes on their way to whoever takes them. For a thread that may block.
struct Pieces {
    pieces: mpsc::Sender<Result<Bytes, io::Error>>,
    runtime: Handle,
    stop: CancellationToken,
}

impl Pieces {
    fn give(&self, piece: Result<Bytes, io::Error>) -> io::Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                given = tokio::time::timeout(PATIENCE, self.pieces.send(piece)) => match given {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) => Err(io::Error::other("whoever asked for the backup went away")),
                    Err(_) => Err(io::Error::other("whoever asked for the backup takes no bytes")),
                },
                () = self.stop.cancelled() => Err(io::Error::other("the node stops")),
            }
        })
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.give(Ok(Bytes::copy_from_slice(bytes)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// At the first start on a backup that was put back, before anybody is listened to: suspends every application. What was
/// written after the backup is not known here, so a client that sends it again would have it carried out twice; the
/// operator lets each application go on when that cannot happen.
pub(crate) async fn suspend_what_was_restored(gateway: &Gateway, state: &Path) -> Result<(), NodeError> {
    let unread = "it cannot be told whether the state comes from a backup";
    let Some(made) = mark(state).map_err(machine(unread))? else { return Ok(()) };
    for record in gateway.applications() {
        // Who was suspended before keeps the reason.
        if record.suspended.is_some() {
            continue;
        }
        let name = &record.order.name;
        let reason = format!(
            "the node was restored from a backup of {made}: what was sent to it later is unknown to it"
        );
        let suspended = gateway.suspend(name, Some(reason)).await;
        suspended.map_err(|problem| {
            machine(format!("the restored application {name} cannot be suspended"))(problem.detail)
        })?;
    }
    forget_mark(state).map_err(machine("the state stays marked as restored"))
}
