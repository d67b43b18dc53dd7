//! Local servers and small descriptors for the tests.
#![allow(dead_code, missing_docs, reason = "each test program uses some of it")]

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use adapter_spec::types::{
    Descriptor, EndpointNeed, Finality, ServiceKeyNeed, SignatureScheme, Transport,
    transport::{GrpcRequest, HttpRequest, JsonRpcRequest},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub type Body = BoxBody<Bytes, Infallible>;

/// A server on a free port of the loopback; it stops with the test's runtime.
pub struct Server {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed()
}

pub async fn serve<F, R>(answer: F) -> Server
where
    F: Fn(Request<Bytes>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    serve_with(None, answer).await
}

pub async fn serve_with<F, R>(tls: Option<TlsAcceptor>, answer: F) -> Server
where
    F: Fn(Request<Bytes>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (tls, answer) = (tls.clone(), answer.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
                        Ok::<_, Infallible>(answer(Request::from_parts(head, body)).await)
                    }
                });
                let builder = auto::Builder::new(TokioExecutor::new());
                // A client that goes away is part of the tests.
                let _ = match tls {
                    None => builder.serve_connection(TokioIo::new(socket), service).await,
                    Some(tls) => match tls.accept(socket).await {
                        Ok(socket) => builder.serve_connection(TokioIo::new(socket), service).await,
                        Err(_) => Ok(()),
                    },
                };
            });
        }
    });
    Server { address, connections }
}

/// A descriptor with one need of each transport, and two service keys.
pub fn descriptor() -> Descriptor {
    let need = |name: &str, transport, many, reads: &[&str]| EndpointNeed {
        name: name.into(),
        transport,
        required: false,
        many,
        reads: reads.iter().map(|read| (*read).into()).collect(),
        purpose: "test".into(),
    };
    let key = |name: &str, scheme| ServiceKeyNeed { name: name.into(), scheme, purpose: "test".into() };
    Descriptor {
        name: "test".into(),
        version: "1.0.0".into(),
        framework: "test".into(),
        framework_versions: vec![],
        permissioned: true,
        schemes: vec![],
        signs_digests: None,
        finality: Finality::Immediate,
        ordered_accounts: false,
        endpoints: vec![
            need("web", Transport::Http, false, &["/read", "POST /query"]),
            need("rpc", Transport::JsonRpc, true, &["read_*", "call"]),
            need("peer", Transport::Grpc, true, &["/test.Peer/Get", "/test.Peer/Watch"]),
        ],
        service_keys: vec![
            key("reader", SignatureScheme::EcdsaP256Sha256),
            key("other", SignatureScheme::Sm2Sm3),
        ],
        settings_schema: "{}".into(),
        max_payload: 1 << 20,
        capabilities: vec![],
        extensions: vec![],
    }
}

pub fn get(path: &str) -> HttpRequest {
    HttpRequest {
        endpoint: "node".into(),
        method: "GET".into(),
        path: path.into(),
        headers: vec![],
        body: vec![],
        sensitive: false,
    }
}

pub fn call(method: &str, params: &str) -> JsonRpcRequest {
    JsonRpcRequest { endpoint: "node".into(), method: method.into(), params: params.into(), sensitive: false }
}

pub fn grpc(method: &str, message: &[u8]) -> GrpcRequest {
    GrpcRequest {
        endpoint: "node".into(),
        method: method.into(),
        message: message.to_vec(),
        sensitive: false,
    }
}

/// The JSON-RPC answer to a request: its parameters as the result.
pub fn echo(request: &Request<Bytes>) -> Response<Body> {
    let request: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let answer = serde_json::json!({ "jsonrpc": "2.0", "id": request["id"], "result": request["params"] });
    Response::new(full(answer.to_string()))
}

/// A gRPC message on the wire.
pub fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat().into()
}
