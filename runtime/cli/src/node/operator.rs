//! Speaking to a node that runs, over its operator's socket.

use std::{
    io,
    path::{Path, PathBuf},
};

use berth_gateway::Problem;
use berth_node::Configuration;
use clap::Args;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::failure::{Failure, Kind};

/// The most bytes of an answer.
const MAX_ANSWER: usize = 64 << 20;

/// Which node.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The node's configuration
    #[arg(long, value_name = "FILE", default_value = "node.toml")]
    pub(crate) config: PathBuf,
    /// Answer with one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn configuration(path: &Path) -> Result<Configuration, Failure> {
    Configuration::read(path).map_err(|error| {
        Failure::host("the configuration", &error).next("`berth node init` writes a commented one.")
    })
}

impl Which {
    /// One request to the node, and its answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let socket = configuration(&self.config)?.socket();
        let failed = |error: &dyn std::error::Error| {
            Failure::host(format_args!("the node at {} does not answer", socket.display()), error)
                .next(format!("Start it: berth node serve --config {}", self.config.display()))
        };
        let stream = UnixStream::connect(&socket).await.map_err(|error| failed(&error))?;
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let response = request(stream, method, path, body).await.map_err(|error| failed(&error))?;
        let status = response.status();
        let body = whole(response).await?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&body).unwrap_or(Value::Null));
        }
        Err(refused(status, &body))
    }
}

/// One request over a connection of its own, and its answer, whose body is still to come. A name in the path is plain: see
/// [`part`].
pub(super) async fn request(
    stream: UnixStream,
    method: Method,
    path: &str,
    body: String,
) -> io::Result<Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with the body, or with this program.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "node")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::<Bytes>::from(body))
        .map_err(io::Error::other)?;
    sender.send_request(request).await.map_err(io::Error::other)
}

/// A whole answer.
pub(super) async fn whole(response: Response<Incoming>) -> Result<Bytes, Failure> {
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    Ok(body.map_err(|error| Failure::host("the node's answer broke off", &*error))?.to_bytes())
}

/// An answer that is a refusal.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => {
            let failure = Failure::usage(format!("{}: {}", problem.title, problem.detail));
            Failure { kind: Kind::Answered, ..failure }
        }
        Err(_) => Failure::usage(format!("the node answered with the status {status}")),
    }
}

/// A name as a part of a path: what is no plain name is refused by the node, not misread on the way.
pub(super) fn part(name: &str) -> Result<&str, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if !name.is_empty() && name.chars().all(plain) && !name.starts_with('.') {
        return Ok(name);
    }
    Err(Failure::usage(format!("{name:?} is no name"))
        .next("Names have lower-case letters, digits, hyphens and dots."))
}
