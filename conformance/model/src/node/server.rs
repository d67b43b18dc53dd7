//! The node behind a real socket.

use std::{convert::Infallible, io, net::SocketAddr};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::ModelNode;

/// The most bytes of a request.
const MAX_REQUEST: usize = 4 << 20;

/// A node that is served; dropping it ends that.
#[derive(Debug)]
pub struct Served {
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ModelNode {
    /// Serves the node as JSON-RPC 2.0 over HTTP POST, on a free port of this machine. Gives its address.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn serve(&self) -> io::Result<(String, Served)> {
        self.serve_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// The same at an address of one's choice.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn serve_at(&self, address: SocketAddr) -> io::Result<(String, Served)> {
        let listener = TcpListener::bind(address).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let node = self.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let node = node.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| respond(node.clone(), request));
                    // A client that goes away is its own business.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Ok((url, Served { task }))
    }

    /// The answer to a JSON-RPC request, as text.
    #[must_use]
    pub fn answer_text(&self, request: &[u8]) -> String {
        #[derive(Deserialize)]
        struct Asked {
            jsonrpc: String,
            id: Value,
            method: String,
            params: Value,
        }
        let failed = |id: &Value, code: i64, message: &str| json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
        let answer = match serde_json::from_slice::<Asked>(request) {
            Err(error) => failed(&Value::Null, -32700, &error.to_string()),
            Ok(asked) if asked.jsonrpc != "2.0" => failed(&asked.id, -32600, "only JSON-RPC 2.0 is spoken"),
            Ok(asked) => match self.answer(&asked.method, &asked.params) {
                Ok(result) => json!({"jsonrpc": "2.0", "id": asked.id, "result": result}),
                Err(error) => {
                    let mut object = json!({"code": error.code, "message": error.message});
                    if let (Some(object), Some(data)) = (object.as_object_mut(), error.data) {
                        object.insert("data".into(), data);
                    }
                    json!({"jsonrpc": "2.0", "id": asked.id, "error": object})
                }
            },
        };
        answer.to_string()
    }
}

async fn respond(node: ModelNode, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = match Limited::new(request.into_body(), MAX_REQUEST).collect().await {
        Ok(body) => Response::new(Full::from(node.answer_text(&body.to_bytes()))),
        Err(_) => Response::new(Full::from("the request is too large or broke off")),
    };
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    Ok(response)
}
