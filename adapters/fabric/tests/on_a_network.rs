//! What a network can be like, against a Fabric-like one: peers that are down or differ, wrong certificates, expired identities,
//! long chains.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]
#![allow(dead_code, reason = "the networks are also the conformance suite's")]

mod networks;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use adapter_spec::{Adapter, CallError, Ledger, types::*};
use berth_crypto::SigningKey;
use berth_devnet_fabric::{Consensus, Network};
use berth_lending::{Clock, Endpoint, Lending, ServiceKey, SystemClock, Tls};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};

/// A clock that is ahead of the machine's by milliseconds.
struct Ahead(u64);

impl Clock for Ahead {
    fn now_millis(&self) -> u64 {
        SystemClock.now_millis() + self.0
    }
}

/// A network, with one application on it.
struct Ground {
    network: Network,
    places: BTreeMap<String, String>,
}

impl Ground {
    async fn new() -> Self {
        let network = networks::like(Consensus::Raft).await;
        let places = networks::places(&network).await;
        Ground { network, places }
    }

    /// An application that is lent these peers, each with the authority of the other's name, and the operator's key.
    async fn ledger(&self, peers: &[(u8, u8)], settings: &str) -> Arc<dyn Ledger> {
        self.open(peers, settings, true, 0).await
    }

    /// With the operator's key or without it, and by a clock that is so many milliseconds ahead.
    async fn open(&self, peers: &[(u8, u8)], settings: &str, with_key: bool, ahead: u64) -> Arc<dyn Ledger> {
        let adapter = adapter_fabric::native();
        let mut lending = Lending::builder("test").clock(Arc::new(Ahead(ahead)));
        for (place, (peer, authority)) in peers.iter().enumerate() {
            let url = match peer {
                // Nobody listens at port 1.
                0 => "https://127.0.0.1:1".to_owned(),
                peer => self.places[&format!("peer{peer}")].clone(),
            };
            lending = lending.endpoint(Endpoint {
                tls: Tls {
                    ca_pem: Some(self.places[&format!("peer{authority}-ca")].clone()),
                    server_name: Some(self.places[&format!("peer{authority}-name")].clone()),
                    ..Tls::default()
                },
                ..Endpoint::new(format!("peer-{place}"), "peer", Transport::Grpc, url)
            });
        }
        if with_key {
            let (key, public) = self.user("client");
            let key = ServiceKey { name: "client".into(), key, certificate: public.certificate };
            lending = lending.service_key(key);
        }
        let descriptor = adapter.describe().await.unwrap();
        let lending = lending.build(&descriptor, &berth_lending::Network::new()).unwrap();
        adapter.open(lending, settings).await.unwrap()
    }

    fn user(&self, name: &str) -> (SigningKey, PublicKey) {
        let secret = &self.places[&format!("{name}-secret")];
        let key = SigningKey::from_hex(SignatureScheme::EcdsaP256Sha256, secret).unwrap();
        let certificate = hex::decode(&self.places[&format!("{name}-certificate")]).unwrap();
        let public = PublicKey { certificate: Some(certificate), ..key.public_key() };
        (key, public)
    }
}

const SETTINGS: &str = r#"{"channel": "mychannel", "msp_id": "Org1MSP"}"#;
const BOTH: &str =
    r#"{"channel": "mychannel", "msp_id": "Org1MSP", "endorsing_organisations": ["Org1MSP", "Org2MSP"]}"#;

fn put(text: &str) -> Call {
    Call::Invoke(ContractCall {
        contract: "probe".into(),
        function: "put".into(),
        arguments: vec![Value::Text(text.into())],
        abi: None,
        private_arguments: Vec::new(),
    })
}

async fn envelope(
    ledger: &Arc<dyn Ledger>,
    user: (SigningKey, PublicKey),
    call: Call,
) -> Result<Envelope, Error> {
    let options = CallOptions { salt: vec![7; 32], ..CallOptions::default() };
    envelope_with(ledger, user, call, options).await
}

/// Signs whatever is asked for, until there is an envelope or an error.
async fn envelope_with(
    ledger: &Arc<dyn Ledger>,
    (key, public): (SigningKey, PublicKey),
    call: Call,
    options: CallOptions,
) -> Result<Envelope, Error> {
    let party = Party { account: None, keys: vec![public] };
    let mut step = ledger.begin(call, vec![party], options).await.map_err(answered)?;
    loop {
        let request = match step {
            Step::Sign(request) => request,
            Step::Send(envelope) => return Ok(envelope),
            Step::Answer(_) => panic!("a write has no answer"),
        };
        let signatures = request.items.iter().map(|item| key.sign(&item.input).unwrap()).collect();
        step = ledger.resume(request.continuation, signatures).await.map_err(answered)?;
    }
}

fn answered(error: CallError) -> Error {
    match error {
        CallError::Answered(error) => error,
        CallError::Ended(ended) => panic!("the call was ended: {ended}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_down_is_unavailable_and_another_takes_its_place() {
    let ground = Ground::new().await;
    let alone = ground.ledger(&[(0, 1)], SETTINGS).await;
    let error = answered(alone.status().await.unwrap_err());
    assert_eq!((error.code, error.retryable), (ErrorCode::Unavailable, true));
    let error = envelope(&alone, ground.user("user1"), put("x")).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (ErrorCode::Unavailable, true));
    let two = ground.ledger(&[(0, 1), (2, 2)], SETTINGS).await;
    two.status().await.unwrap();
    let envelope = envelope(&two, ground.user("user1"), put("x")).await.unwrap();
    two.send(envelope).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_with_another_authoritys_certificate_is_not_spoken_to() {
    let ground = Ground::new().await;
    let ledger = ground.ledger(&[(1, 2)], SETTINGS).await;
    assert_eq!(answered(ledger.status().await.unwrap_err()).code, ErrorCode::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endorsements_that_differ_are_told_before_anything_is_signed_or_sent() {
    let ground = Ground::new().await;
    let ledger = ground.ledger(&[(1, 1)], BOTH).await;
    networks::tell(&ground.network, "disagree", serde_json::json!({"disagree": true}));
    let error = envelope(&ledger, ground.user("user1"), put("x")).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (ErrorCode::Rejected, true), "{error}");
    networks::tell(&ground.network, "disagree", serde_json::json!({"disagree": false}));
    envelope(&ledger, ground.user("user1"), put("x")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endorsements_that_differ_by_a_race_are_asked_for_once_more() {
    let ground = Ground::new().await;
    let ledger = ground.ledger(&[(1, 1)], BOTH).await;
    networks::tell(&ground.network, "disagree", serde_json::json!([1]));
    envelope(&ledger, ground.user("user1"), put("x")).await.unwrap();
    networks::tell(&ground.network, "disagree", serde_json::json!([2]));
    let error = envelope(&ledger, ground.user("user1"), put("y")).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (ErrorCode::Rejected, true), "{error}");
}

/// Long after the certificates of users are over, and before those of the network are.
const MUCH_LATER: u64 = 65 * 365 * 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_found_when_the_creators_time_is_over_and_never_calls_the_transaction_expired() {
    let ground = Ground::new().await;
    let ledger = ground.ledger(&[(1, 1)], SETTINGS).await;
    let sent = envelope(&ledger, ground.user("user1"), put("x")).await.unwrap();
    ledger.send(sent.clone()).await.unwrap();
    networks::tell(&ground.network, "advance", serde_json::json!([1]));
    let known = ledger.receipt(&sent.transaction, sent.tracking.clone()).await.unwrap();
    assert_eq!(known.inclusion, Inclusion::Final);

    // The creator's own question is too old, and there is no key to ask another with.
    let alone = ground.open(&[(1, 1)], SETTINGS, false, 0).await;
    assert_eq!(alone.receipt(&sent.transaction, sent.tracking.clone()).await.unwrap().block, known.block);
    networks::tell(&ground.network, "clock", serde_json::json!([60 * 60 * 1000]));
    let error = answered(alone.receipt(&sent.transaction, sent.tracking.clone()).await.unwrap_err());
    assert_eq!(error.code, ErrorCode::PermissionDenied, "{error}");
    assert!(error.message.contains("service key"), "{error}");
    networks::tell(&ground.network, "clock", serde_json::json!([0]));

    // The operator's clock goes with the network's; the creator's certificate is over.
    networks::tell(&ground.network, "clock", serde_json::json!([MUCH_LATER]));
    let later = ground.open(&[(1, 1)], SETTINGS, true, MUCH_LATER).await;
    assert_eq!(later.receipt(&sent.transaction, sent.tracking.clone()).await.unwrap(), known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_identity_is_refused_and_said_to_be_so() {
    let ground = Ground::new().await;
    let ledger = ground.ledger(&[(1, 1)], SETTINGS).await;
    let key = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &[9; 32]).unwrap();
    let point = hex::encode(&key.public_key().point);
    let params = serde_json::json!({"point": point, "organisation": "Org1MSP", "expired": true});
    let answer = networks::tell(&ground.network, "enrol", params);
    let certificate = hex::decode(answer["certificate"].as_str().unwrap()).unwrap();
    let public = PublicKey { certificate: Some(certificate), ..key.public_key() };
    let error = envelope(&ledger, (key, public), put("x")).await.unwrap_err();
    assert_eq!((error.code, error.retryable), (ErrorCode::Expired, false), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_events_has_looked_at_all_of_its_blocks() {
    let ground = Ground::new().await;
    let ledger = ground.ledger(&[(1, 1)], SETTINGS).await;
    networks::tell(&ground.network, "advance", serde_json::json!([200]));
    let mut start = EventStart::Earliest;
    for page in 1..=3 {
        let filter = EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
        let read = ledger.events(filter, start, 100, 1 << 20).await.unwrap();
        // A stream that stands still ends a page early.
        assert_eq!(read.scanned, page * 64 - 1);
        start = EventStart::Cursor(read.cursor);
    }
}

/// Passes bytes on to a peer, and cuts each connection after so many of the peer's. How often it did is counted.
async fn cutting(peer: &str, after: u64) -> (String, Arc<AtomicU32>) {
    let peer = peer.trim_start_matches("https://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cuts = Arc::new(AtomicU32::new(0));
    let counted = cuts.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (counted, server) = (counted.clone(), TcpStream::connect(&peer).await.unwrap());
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                let asking =
                    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                if tokio::io::copy(&mut from_server.take(after), &mut to_client)
                    .await
                    .is_ok_and(|bytes| bytes == after)
                {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                // Both halves go, and the connection with them.
                asking.abort();
            });
        }
    });
    (format!("https://{address}"), cuts)
}

/// All events of the probe, page by page, as often as a page has to be asked for; and how often that was in vain.
async fn all_events(ledger: &Arc<dyn Ledger>, head: u64) -> (Vec<Event>, u32) {
    let filter = || EventFilter {
        contract: Some("probe".into()),
        name: None,
        abi: None,
        confidence: Confidence::Final,
    };
    let (mut start, mut events, mut vain) = (EventStart::Earliest, Vec::new(), 0);
    loop {
        match ledger.events(filter(), start.clone(), 100, 1 << 20).await {
            Ok(page) => {
                events.extend(page.events);
                if page.scanned >= head {
                    return (events, vain);
                }
                start = EventStart::Cursor(page.cursor);
            }
            Err(error) => {
                let error = answered(error);
                assert!(error.retryable, "{error}");
                vain += 1;
                assert!(vain < 100, "{error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_streams_that_are_cut_half_way_come_without_a_gap_and_none_twice() {
    let mut ground = Ground::new().await;
    let ledger = ground.ledger(&[(1, 1)], SETTINGS).await;
    for number in 1..=6u8 {
        let mut call = put("");
        if let Call::Invoke(call) = &mut call {
            (call.function, call.arguments) = ("add".into(), vec![Value::Integer(number.to_string())]);
        }
        let salt = CallOptions { salt: vec![number; 32], ..CallOptions::default() };
        let sent = envelope_with(&ledger, ground.user("user1"), call, salt).await.unwrap();
        ledger.send(sent).await.unwrap();
        networks::tell(&ground.network, "advance", serde_json::json!([30]));
    }
    let head = ledger.status().await.unwrap().head.number;
    let (expected, _) = all_events(&ledger, head).await;
    assert_eq!(expected.len(), 6);

    let (url, cuts) = cutting(&ground.places["peer1"], 100_000).await;
    ground.places.insert("peer1".into(), url);
    let cut = ground.ledger(&[(1, 1)], SETTINGS).await;
    assert_eq!(all_events(&cut, head).await.0, expected);
    assert!(cuts.load(Ordering::Relaxed) > 2, "nothing was cut");
}
