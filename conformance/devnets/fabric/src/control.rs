//! What a test may tell the network: JSON-RPC 2.0 over HTTP on loopback.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    identity::{Role, Subject},
    material,
    members::serialized,
    network::advance,
    node::{ALWAYS, Node},
};

/// The most bytes of a request.
const MAX_REQUEST: usize = 1 << 20;

/// The most blocks that one request makes.
const MAX_BLOCKS: u64 = 10_000;

/// Serves the control until the task is dropped.
pub async fn serve(node: Arc<Node>, socket: TcpListener, address: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = socket.accept().await else { continue };
        let node = node.clone();
        connections.spawn(async move {
            let answer = service_fn(move |request| {
                let node = node.clone();
                async move { Ok::<_, Infallible>(answer(&node, address, request).await) }
            });
            http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
        });
    }
}

async fn answer(node: &Node, address: SocketAddr, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let body = Limited::new(request.into_body(), MAX_REQUEST).collect().await.ok();
    let request = body.and_then(|body| serde_json::from_slice::<Value>(&body.to_bytes()).ok());
    let id = request.as_ref().and_then(|request| request.get("id")).cloned().unwrap_or_default();
    let method = request.as_ref().and_then(|request| request.get("method")).and_then(Value::as_str);
    let params = request.as_ref().and_then(|request| request.get("params")).cloned().unwrap_or_default();
    let answered = match method {
        Some(method) => carry_out(node, address, method, &Params(params)).await,
        None => Err("the request is no JSON-RPC 2.0 with a method".to_owned()),
    };
    let answer = match answered {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(message) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32000, "message": message } })
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = StatusCode::OK;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

/// Parameters by name, or by place.
struct Params(Value);

impl Params {
    fn get(&self, name: &str, place: usize) -> Option<&Value> {
        self.0.get(name).or_else(|| self.0.get(place)).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str, place: usize) -> Option<&str> {
        self.get(name, place).and_then(Value::as_str)
    }

    fn number(&self, name: &str, place: usize) -> Option<u64> {
        self.get(name, place).and_then(Value::as_u64)
    }
}

async fn carry_out(node: &Node, address: SocketAddr, method: &str, params: &Params) -> Result<Value, String> {
    match method {
        "advance" => {
            let blocks = params.number("blocks", 0).unwrap_or(1);
            if blocks > MAX_BLOCKS {
                return Err(format!("at most {MAX_BLOCKS} blocks at once"));
            }
            advance(node, blocks).await.map_err(|error| error.to_string())?;
            Ok(heights(node))
        }
        "hold" | "release" => {
            let ordered = node.channels().all(|channel| channel.hold(method == "hold"));
            if ordered { Ok(heights(node)) } else { Err("the ordering service makes no more blocks".into()) }
        }
        "prune" => {
            let block = params.number("block", 0).ok_or("prune takes the number of a block")?;
            node.channels().for_each(|channel| channel.forget_before(block));
            Ok(heights(node))
        }
        "clock" => {
            let ahead = params.number("ahead", 0).ok_or("clock takes milliseconds, by which it is ahead")?;
            node.clock().set_ahead(ahead);
            Ok(json!(node.clock().milliseconds()))
        }
        "enrol" => enrol(node, params),
        "disagree" => {
            let times = match params.get("disagree", 0) {
                None | Some(Value::Bool(true)) => ALWAYS,
                Some(Value::Bool(false)) => 0,
                Some(times) => {
                    let times = times.as_u64().and_then(|times| u32::try_from(times).ok());
                    times.ok_or("disagree takes true, false, or how many times")?
                }
            };
            node.disagree.store(times, Ordering::Relaxed);
            Ok(json!(times))
        }
        "material" => material::connection(node, address).map_err(|error| error.to_string()),
        "heights" => Ok(heights(node)),
        other => Err(format!(
            "there is no method {other:?}; there are advance, clock, disagree, enrol, heights, hold, material, prune, release"
        )),
    }
}

fn heights(node: &Node) -> Value {
    node.channels().map(|channel| (channel.name.clone(), json!(channel.ledger().height()))).collect()
}

/// Gives a public key a certificate. The same question has the same answer.
fn enrol(node: &Node, params: &Params) -> Result<Value, String> {
    let point = params.text("point", 0).ok_or("enrol takes a public point, SEC1, hexadecimal")?;
    let point = hex::decode(point).map_err(|_| "the point is not hexadecimal")?;
    let point = p256::PublicKey::from_sec1_bytes(&point).map_err(|_| "the point is none of P-256")?;
    let point = p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&point, false).as_bytes().to_vec();
    let first = node.members.peers.first().map(|peer| peer.msp_id.as_str()).unwrap_or_default();
    let msp_id = params.text("organisation", 1).unwrap_or(first);
    let role = match params.text("role", 2).unwrap_or("client") {
        "client" => Role::Client,
        "admin" => Role::Admin,
        "peer" => Role::Peer,
        "orderer" => Role::Orderer,
        other => return Err(format!("{other:?} is no role: client, admin, peer, orderer")),
    };
    let name = params
        .text("name", 3)
        .map_or_else(|| format!("user-{}", hex::encode(point.get(1..9).unwrap_or_default())), str::to_owned);
    let expired = params.get("expired", 4).and_then(Value::as_bool).unwrap_or(false);
    let subject = Subject { expired, ..Subject::member(name, role) };
    let pem = node.members.enrol(msp_id, &subject, &point).map_err(|error| error.to_string())?;
    let identity = node.members.identities.identify(&serialized(msp_id, &pem)).ok();
    let der = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes())
        .map(|der: rustls::pki_types::CertificateDer<'static>| der.to_vec())
        .map_err(|error| error.to_string())?;
    Ok(json!({
        "mspId": msp_id,
        "certificate": hex::encode(der),
        "pem": pem,
        "account": identity.map(|identity| identity.account()),
    }))
}
