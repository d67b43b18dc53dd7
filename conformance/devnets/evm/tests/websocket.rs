//! What the FISCO-like 3.x node says over a websocket, and what it makes of those who say anything else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod support;

use std::collections::VecDeque;

use alloy_primitives::Address;
use berth_devnet_evm::{
    fisco::{
        FiscoConfig, FiscoNode, Generation,
        v3::socket::{BrokenOff, Message, kind, speak},
    },
    suite::Suite,
};
use futures_util::{SinkExt as _, StreamExt as _};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Bed, ECHO, created};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream},
    net::TcpStream,
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, protocol::Role},
};

/// A client: what it hears while it waits for an answer is kept.
struct Client<S> {
    socket: WebSocketStream<S>,
    asked: u64,
    news: VecDeque<Message>,
}

impl Client<DuplexStream> {
    /// A client of this node, without a network between them.
    async fn of(node: &FiscoNode) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let node = node.clone();
        tokio::spawn(async move {
            speak(node, WebSocketStream::from_raw_socket(theirs, Role::Server, None).await).await;
        });
        Client::on(WebSocketStream::from_raw_socket(ours, Role::Client, None).await)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    fn on(socket: WebSocketStream<S>) -> Self {
        Client { socket, asked: 0, news: VecDeque::new() }
    }

    async fn say(&mut self, kind: u16, payload: impl ToString) -> Vec<u8> {
        self.asked += 1;
        let seq = format!("{:032x}", self.asked).into_bytes();
        let message =
            Message { kind, seq: seq.clone(), payload: payload.to_string().into(), ..Message::default() };
        self.socket.send(tungstenite::Message::Binary(message.encode().into())).await.unwrap();
        seq
    }

    /// The next message; none where the node has hung up.
    async fn hear(&mut self) -> Option<Message> {
        loop {
            match self.socket.next().await {
                Some(Ok(tungstenite::Message::Binary(bytes))) => {
                    return Some(Message::decode(&bytes).unwrap());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    async fn answer(&mut self, seq: &[u8]) -> Message {
        loop {
            let message = self.hear().await.expect("the node has hung up");
            if message.seq == seq {
                return message;
            }
            self.news.push_back(message);
        }
    }

    async fn ask(&mut self, kind: u16, payload: impl ToString) -> Value {
        let seq = self.say(kind, payload).await;
        json(&self.answer(&seq).await)
    }

    async fn rpc(&mut self, method: &str, params: Value) -> Value {
        self.ask(kind::RPC, request(method, params)).await["result"].clone()
    }

    /// What the node says by itself, of this kind.
    async fn news(&mut self, kind: u16) -> Value {
        loop {
            let message = match self.news.pop_front() {
                Some(message) => message,
                None => self.hear().await.expect("the node has hung up"),
            };
            if message.kind == kind {
                assert!(message.seq.is_empty());
                return json(&message);
            }
        }
    }
}

fn json(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap()
}

fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn three() -> Bed {
    Bed::new(Generation::Three, Suite::Standard)
}

/// A contract that logs.
async fn contract(bed: &Bed) -> Address {
    created(&bed.send(None, &hex::decode(ECHO).unwrap()).await)
}

#[tokio::test]
async fn a_handshake_tells_of_the_groups_and_their_newest_blocks() {
    let mut config = FiscoConfig::new(Generation::Three, Suite::Sm);
    config.groups = vec!["group0".into(), "group1".into()];
    let bed = Bed::with(config);
    bed.node.group("group1").unwrap().advance(3);
    let mut client = Client::of(&bed.node).await;
    let told = client.ask(kind::HANDSHAKE, json!({"minVersion": 0, "maxVersion": 7, "moduleID": 2})).await;
    assert_eq!(told["protocolVersion"], 2);
    assert_eq!(told["groupBlockNumber"], json!([{"group0": 0}, {"group1": 3}]));
    assert_eq!(told["groupInfoList"], bed.result("getGroupInfoList", json!([])).await);
    let told = client.ask(kind::HANDSHAKE, json!({"minVersion": 0, "maxVersion": 1, "moduleID": 2})).await;
    assert_eq!(told["protocolVersion"], 1);
}

#[tokio::test]
async fn a_client_of_later_versions_alone_is_left() {
    let mut client = Client::of(&three().node).await;
    client.say(kind::HANDSHAKE, json!({"minVersion": 3, "maxVersion": 4, "moduleID": 2})).await;
    assert_eq!(client.hear().await, None);
}

#[tokio::test]
async fn json_rpc_is_answered_as_over_http_and_known_by_its_number() {
    let bed = three();
    let contract = contract(&bed).await;
    let mut client = Client::of(&bed.node).await;
    for (method, params) in [
        ("getBlockByNumber", json!(["group0", "", 1, false, false])),
        ("getCode", json!(["group0", "", contract])),
        ("getGroupInfo", json!(["group0"])),
    ] {
        assert_eq!(client.rpc(method, params.clone()).await, bed.result(method, params).await);
    }
    let message = Message {
        kind: kind::RPC,
        ext: 4,
        seq: b"own".to_vec(),
        payload: request("getBlockNumber", json!(["group0"])).to_string().into(),
        ..Message::default()
    };
    client.socket.send(tungstenite::Message::Binary(message.encode().into())).await.unwrap();
    let answer = client.hear().await.unwrap();
    assert_eq!((answer.kind, answer.ext, answer.seq.as_slice()), (kind::RPC_ANSWER, 4, &b"own"[..]));
    assert_eq!(client.ask(kind::RPC, "no JSON").await["error"]["code"], -32600);
}

#[tokio::test]
async fn what_waits_for_a_block_holds_nothing_else_up() {
    let bed = three();
    bed.node.group("group0").unwrap().hold();
    let mut client = Client::of(&bed.node).await;
    let raw = format!("0x{}", hex::encode(bed.transaction(None, &hex::decode(ECHO).unwrap())));
    let sent = client.say(kind::RPC, request("sendTransaction", json!(["group0", "", raw, false]))).await;
    // It is looked at while the transaction waits, or before.
    while client.rpc("getPendingTxSize", json!(["group0", ""])).await != 1 {}
    assert!(client.news.is_empty());
    bed.node.group("group0").unwrap().release();
    assert_eq!(json(&client.answer(&sent).await)["result"]["status"], 0);
}

#[tokio::test]
async fn every_new_block_of_every_group_is_told() {
    let mut config = FiscoConfig::new(Generation::Three, Suite::Standard);
    config.groups = vec!["group0".into(), "group1".into()];
    let bed = Bed::with(config);
    bed.node.group("group0").unwrap().advance(1);
    let mut client = Client::of(&bed.node).await;
    // It is there once it answers.
    client.rpc("getBlockNumber", json!(["group0"])).await;
    bed.node.group("group0").unwrap().advance(2);
    for number in [2, 3] {
        let told = client.news(kind::BLOCK).await;
        assert_eq!(told, json!({"group": "group0", "nodeName": "node0", "blockNumber": number}));
    }
    bed.node.group("group1").unwrap().advance(1);
    assert_eq!(client.news(kind::BLOCK).await["group"], "group1");
}

#[tokio::test]
async fn a_subscription_gives_the_events_of_its_blocks_and_then_ends() {
    let bed = three();
    let (first, second) = (contract(&bed).await, contract(&bed).await);
    bed.send(Some(first), &[7; 32]).await;
    bed.send(Some(second), &[8; 32]).await;
    let sent = bed.send(Some(first), &[9; 32]).await;
    bed.node.group("group0").unwrap().advance(300);
    let mut client = Client::of(&bed.node).await;
    let params = json!({"fromBlock": 4, "toBlock": 290, "addresses": [first]});
    let told = client.ask(kind::SUBSCRIBE, json!({"id": "a", "group": "group0", "params": params})).await;
    assert_eq!(told, json!({"id": "a", "status": 0}));
    let event = json!({
        "blockNumber": 5,
        "address": hex::encode(first),
        "data": format!("0x{}", "09".repeat(32)),
        "logIndex": 0,
        "transactionHash": sent["transactionHash"],
        "transactionIndex": 0,
        "topics": [format!("0x{:064x}", 42)],
    });
    assert_eq!(client.news(kind::EVENTS).await, json!({"id": "a", "status": 0, "result": [event]}));
    assert_eq!(client.news(kind::EVENTS).await, json!({"id": "a", "status": 1}));
}

#[tokio::test]
async fn a_subscription_without_end_goes_on_until_it_is_taken_back() {
    let bed = three();
    let contract = contract(&bed).await;
    let mut client = Client::of(&bed.node).await;
    let topics = json!([[format!("0x{:064X}", 42), format!("0x{:064x}", 1)], null]);
    let params = json!({"fromBlock": -1, "toBlock": -1, "addresses": [], "topics": topics});
    let request = |id: &str, params: &Value| json!({"id": id, "group": "group0", "params": params});
    client.ask(kind::SUBSCRIBE, request("a", &params)).await;
    let other = json!({"topics": [null, format!("{:064x}", 42)]});
    client.ask(kind::SUBSCRIBE, request("other", &other)).await;
    bed.send(Some(contract), &[7; 32]).await;
    let told = client.news(kind::EVENTS).await;
    assert_eq!((&told["id"], &told["result"][0]["blockNumber"]), (&json!("a"), &json!(2)));
    client.ask(kind::UNSUBSCRIBE, json!({"id": "a", "group": "group0"})).await;
    let all = json!({});
    client.ask(kind::SUBSCRIBE, request("b", &all)).await;
    // Without a first block, the newest is the first.
    assert_eq!(client.news(kind::EVENTS).await["result"][0]["blockNumber"], 2);
    bed.send(Some(contract), &[8; 32]).await;
    assert_eq!(client.news(kind::EVENTS).await["id"], "b");
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_with_its_code() {
    let mut client = Client::of(&three().node).await;
    let told = client.ask(kind::SUBSCRIBE, json!({"id": "a", "group": "group9", "params": {}})).await;
    assert_eq!(told, json!({"id": "a", "status": -41002}));
    assert_eq!(client.ask(kind::SUBSCRIBE, json!({"id": "a"})).await["status"], -41000);
    assert_eq!(client.ask(kind::UNSUBSCRIBE, "no JSON").await["status"], -41000);
    let large = json!({"id": "a", "group": "group0", "params": {"addresses": ["0".repeat(70_000)]}});
    assert_eq!(client.ask(kind::SUBSCRIBE, large).await["status"], -41001);
    for number in 0..1001 {
        let request = json!({"id": number.to_string(), "group": "group0", "params": {"fromBlock": 9}});
        let status = if number < 1000 { 0 } else { -41001 };
        assert_eq!(client.ask(kind::SUBSCRIBE, request).await["status"], status);
    }
}

#[tokio::test]
async fn a_message_that_breaks_off_ends_the_conversation() {
    let mut client = Client::of(&three().node).await;
    client.socket.send(tungstenite::Message::Binary(vec![0; 9].into())).await.unwrap();
    assert_eq!(client.hear().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_falls_silent_is_asked_and_then_left() {
    let mut client = Client::of(&three().node).await;
    let start = Instant::now();
    assert!(client.socket.next().await.unwrap().unwrap().is_ping());
    assert_eq!(start.elapsed().as_secs(), 5);
    // That the library answers, as it does where it reads, is enough.
    assert_eq!(client.rpc("getBlockNumber", json!(["group0"])).await, 0);
    let (_silent, theirs) = tokio::io::duplex(1 << 20);
    let start = Instant::now();
    speak(three().node, WebSocketStream::from_raw_socket(theirs, Role::Server, None).await).await;
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_answers_is_left() {
    let bed = three();
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let mut client = Client::on(WebSocketStream::from_raw_socket(ours, Role::Client, None).await);
    client.say(kind::RPC, request("getGroupInfoList", json!([]))).await;
    // It asks, and does not read.
    speak(bed.node, WebSocketStream::from_raw_socket(theirs, Role::Server, None).await).await;
}

async fn http(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn one_port_speaks_http_and_websocket_and_only_in_3x() {
    let upgrade = "GET / HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let served = three().node.serve().await.unwrap();
    let address = served.rpc.url.strip_prefix("http://").unwrap();
    let body = request("getBlockNumber", json!(["group0"])).to_string();
    let post = format!("POST / HTTP/1.1\r\nHost: node\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(http(address, &post).await, "HTTP/1.1 200");
    assert_eq!(http(address, &format!("{upgrade}\r\n")).await, "HTTP/1.1 400");
    let (socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}")).await.unwrap();
    let mut client = Client::on(socket);
    assert_eq!(client.rpc("getBlockNumber", json!(["group0"])).await, 0);
    // It ends with the node.
    drop(served);
    assert_eq!(client.hear().await, None);

    let served = Bed::new(Generation::Two, Suite::Standard).node.serve().await.unwrap();
    let address = served.rpc.url.strip_prefix("http://").unwrap();
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(http(address, &format!("{upgrade}{key}\r\n")).await, "HTTP/1.1 405");
}

fn message() -> impl Strategy<Value = Message> {
    let kinds = [kind::HANDSHAKE, kind::RPC, kind::SUBSCRIBE, kind::UNSUBSCRIBE, 0x111];
    let kind = prop_oneof![any::<u16>(), proptest::sample::select(kinds.to_vec())];
    let bytes = || proptest::collection::vec(any::<u8>(), 0..100);
    let texts = [
        r#"{"minVersion":-1,"maxVersion":18446744073709551615}"#,
        r#"{"id":"a","group":"group0","params":{"fromBlock":9223372036854775807,"toBlock":0}}"#,
        r#"{"id":"a","group":"group0","params":{"topics":[[],"0x",null,["0X"],"5"]}}"#,
        r#"{"id":1,"group":"group0","params":{}}"#,
        "[[[[",
    ];
    let payload = prop_oneof![bytes(), proptest::sample::select(texts.to_vec()).prop_map(|text| text.into())];
    (any::<u16>(), kind, any::<i16>(), bytes(), any::<u16>(), payload).prop_map(
        |(version, kind, status, seq, ext, payload)| Message { version, kind, status, seq, ext, payload },
    )
}

proptest! {
    #[test]
    fn what_is_decoded_is_what_was_said(message in message()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn any_bytes_are_decoded_whole_or_not_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        match Message::decode(&bytes) {
            Ok(message) => prop_assert_eq!(message.encode(), bytes),
            Err(BrokenOff) => prop_assert!(
                bytes.len() < 10 || bytes.len() < 10 + usize::from(u16::from_be_bytes([bytes[6], bytes[7]]))
            ),
        }
    }

    #[test]
    fn no_message_breaks_the_node(messages in proptest::collection::vec(message(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let node = three().node;
            let other = node.clone();
            let task = tokio::spawn(async move {
                speak(other, WebSocketStream::from_raw_socket(theirs, Role::Server, None).await).await;
            });
            let mut client = Client::on(WebSocketStream::from_raw_socket(ours, Role::Client, None).await);
            for message in messages {
                if client.socket.send(tungstenite::Message::Binary(message.encode().into())).await.is_err() {
                    break;
                }
            }
            node.group("group0").unwrap().advance(2);
            drop(client);
            task.await.unwrap();
        });
    }
}
