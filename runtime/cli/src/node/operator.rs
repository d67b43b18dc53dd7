//! Speaking to a node that runs, over its operator's socket.

use std::path::{Path, PathBuf};

use berth_gateway::Problem;
use berth_node::Configuration;
use clap::Args;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, body::Bytes, client::conn::http1, header};
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
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        let connection = tokio::spawn(connection);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "node")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::<Bytes>::from(body))
            .map_err(|_| Failure::usage("a name has letters that no name can have"))?;
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| Failure::host("the node's answer broke off", &*error))?.to_bytes();
        connection.abort();
        if status.is_success() {
            return Ok(serde_json::from_slice(&body).unwrap_or(Value::Null));
        }
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => {
                let failure = Failure::usage(format!("{}: {}", problem.title, problem.detail));
                Failure { kind: Kind::Answered, ..failure }
            }
            Err(_) => Failure::usage(format!("the node answered with the status {status}")),
        })
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
