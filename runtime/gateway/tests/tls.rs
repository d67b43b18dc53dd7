//! The gateway's own listener: who is on the other side of a connection.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{sync::Arc, time::Duration};

use axum::http::{Method, Request, StatusCode, Uri};
use berth_gateway::{Gateway, http};
use berth_identity::Authority;
use berth_journal::MemoryStore;
use bytes::Bytes;
use http_body_util::Full;
use jiff::Timestamp;
use support::{
    Participant, enrol, gateway_on,
    web::{Web, web},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

struct Ground {
    gateway: Gateway,
    address: String,
    authority_pem: String,
    stop: CancellationToken,
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A gateway that listens with TLS on a free port.
async fn ground() -> Ground {
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let authority_pem = authority.certificate_pem().to_owned();
    let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
    let gateway = gateway_on(Arc::new(MemoryStore::new()), &"0f".repeat(32), authority).await;
    let stop = CancellationToken::new();
    let tls = http::tls(&server.chain_pem, &server.key_pem, &authority_pem).unwrap();
    let router = http::router(&gateway);
    let listening = http::listen("127.0.0.1:0".parse().unwrap(), Some(tls), router, stop.clone()).await;
    let address = listening.unwrap().address.replace("127.0.0.1", "localhost");
    Ground { gateway, address, authority_pem, stop }
}

/// The status of the list of applications; none where there is no connection.
async fn asked(web: &Web, scheme: &str, address: &str) -> Option<StatusCode> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.method_mut() = Method::GET;
    *request.uri_mut() = format!("{scheme}://{address}/v1/applications").parse::<Uri>().unwrap();
    Some(web.request(request).await.ok()?.status())
}

fn shown(participant: &Participant) -> Option<(&str, &str)> {
    Some((&participant.certificate_pem, &participant.key_pem))
}

#[tokio::test]
async fn a_participant_who_shows_a_certificate_of_this_node_need_not_sign() {
    let ground = ground().await;
    let alice = enrol(&ground.gateway, "alice").await;
    let web = web(&ground.authority_pem, shown(&alice));
    assert_eq!(asked(&web, "https", &ground.address).await, Some(StatusCode::OK));
}

#[tokio::test]
async fn a_stop_waits_for_the_last_request_also_where_somebody_is_in_the_middle_of_a_handshake() {
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
    let tls = http::tls(&server.chain_pem, &server.key_pem, authority.certificate_pem()).unwrap();
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move || async move {
            begun.notify_one();
            go_on.notified().await;
        }
    };
    let router = axum::Router::new().route("/v1/applications", axum::routing::get(slow));
    let stop = CancellationToken::new();
    let at = "127.0.0.1:0".parse().unwrap();
    let listening = http::listen(at, Some(tls), router, stop.clone()).await.unwrap();
    let address = listening.address.replace("127.0.0.1", "localhost");
    let _silent = tokio::net::TcpStream::connect(&listening.address).await.unwrap();
    let web = web(authority.certificate_pem(), None);
    let answer = tokio::spawn(async move { asked(&web, "https", &address).await });
    begun.notified().await;
    stop.cancel();
    let ended = tokio::spawn(listening.ended());
    // Long enough for a stop that waits for nobody.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!ended.is_finished(), "a request is still being answered");
    go_on.notify_one();
    assert_eq!(answer.await.unwrap(), Some(StatusCode::OK));
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it ends with the request").unwrap();
}

#[tokio::test]
async fn who_shows_no_certificate_and_does_not_sign_is_nobody() {
    let ground = ground().await;
    let web = web(&ground.authority_pem, None);
    assert_eq!(asked(&web, "https", &ground.address).await, Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_certificate_of_another_node_makes_no_connection() {
    let (ground, other) = (ground().await, self::ground().await);
    let stranger = enrol(&other.gateway, "alice").await;
    let web = web(&ground.authority_pem, shown(&stranger));
    assert_eq!(asked(&web, "https", &ground.address).await, None);
}

#[tokio::test]
async fn a_revoked_certificate_says_nothing_any_more() {
    let ground = ground().await;
    let alice = enrol(&ground.gateway, "alice").await;
    let web = web(&ground.authority_pem, shown(&alice));
    assert_eq!(asked(&web, "https", &ground.address).await, Some(StatusCode::OK));
    ground.gateway.revoke("alice", "it left").await.unwrap();
    // On the connection that is open, too.
    assert_eq!(asked(&web, "https", &ground.address).await, Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn who_does_not_trust_the_node_s_authority_does_not_talk_to_it() {
    let (ground, other) = (ground().await, self::ground().await);
    let alice = enrol(&ground.gateway, "alice").await;
    let web = web(&other.authority_pem, shown(&alice));
    assert_eq!(asked(&web, "https", &ground.address).await, None);
}
