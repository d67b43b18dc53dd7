//! A node behind a real socket.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode, body::Bytes, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_tungstenite::{HyperWebsocket, tungstenite::protocol::WebSocketConfig};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::rpc::{self, Service};

/// The most bytes of a request, and of a message of a websocket. The largest transactions that the frameworks take are 16 MiB, two digits a byte.
const MAX_REQUEST: usize = 40 << 20;

/// A service that is served; dropping it ends that.
#[derive(Debug)]
pub struct Served {
    /// Where: `http://address:port`.
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves JSON-RPC over HTTP POST at this address, and the service's websockets if it has any; port 0 is any free one.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(service: Arc<dyn Service>, address: SocketAddr) -> io::Result<Served> {
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let task = tokio::spawn(async move {
        // They end with this task.
        let mut connections = JoinSet::new();
        loop {
            // What fails here is one connection, not the listener: too many open files, or a client that left.
            let Ok((socket, _)) = listener.accept().await else { continue };
            while connections.try_join_next().is_some() {}
            connections.spawn(connection(Arc::clone(&service), socket));
        }
    });
    Ok(Served { url, task })
}

/// Where a request leaves the websocket that its connection becomes.
type Upgrade = Arc<Mutex<Option<HyperWebsocket>>>;

async fn connection(service: Arc<dyn Service>, socket: TcpStream) {
    // Answers are short, and a client waits for each.
    let _ = socket.set_nodelay(true);
    let upgrade = Upgrade::default();
    let respond = service_fn(|request| respond(Arc::clone(&service), Arc::clone(&upgrade), request));
    // A client that goes away is its own business.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), respond).with_upgrades().await;
    let upgrade = upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(upgrade) = upgrade
        && let Ok(socket) = upgrade.await
    {
        service.speak(socket).await;
    }
}

async fn respond(
    service: Arc<dyn Service>,
    upgrade: Upgrade,
    mut request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if service.has_websockets() && hyper_tungstenite::is_upgrade_request(&request) {
        let limits =
            WebSocketConfig::default().max_message_size(Some(MAX_REQUEST)).max_frame_size(Some(MAX_REQUEST));
        let Ok((response, socket)) = hyper_tungstenite::upgrade(&mut request, Some(limits)) else {
            return Ok(plain(StatusCode::BAD_REQUEST, "this is no request for a websocket"));
        };
        *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
        return Ok(response);
    }
    if request.method() != Method::POST {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "JSON-RPC is spoken by POST"));
    }
    let Ok(body) = Limited::new(request.into_body(), MAX_REQUEST).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large or broke off"));
    };
    let text = rpc::answer_text(&*service, &body.to_bytes()).await;
    let mut response = Response::new(Full::from(text));
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
