//! What a listener does not put up with: peers that are slow, send too much, or are too many. A test waits for what the listener
//! does, never for a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{future::pending, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::Method,
    routing::{get, post},
};
use berth_gateway::http::{self, Limits, ServerConfig};
use berth_identity::Authority;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use support::{World, request};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

/// No limit that a test would come to.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(500);
/// A test that hangs ends here.
const HANGS: Duration = Duration::from_secs(30);

fn patient() -> Limits {
    Limits { headers: LONG, body: LONG, idle: LONG, ..Limits::default() }
}

/// Hears that the endless answer was given up.
static ENDLESS_IS_OVER: Notify = Notify::const_new();

/// Tells so as it is dropped.
struct GivenUp;

impl Drop for GivenUp {
    fn drop(&mut self) {
        ENDLESS_IS_OVER.notify_one();
    }
}

/// Echoes at `/`; `/never` does not answer; `/endless` answers for ever.
fn router() -> Router {
    let endless = || async {
        let given_up = GivenUp;
        let parts = stream::repeat(Bytes::from(vec![0; 64 << 10]));
        Body::from_stream(parts.map(move |part| {
            let _ = &given_up;
            Ok::<_, std::io::Error>(part)
        }))
    };
    Router::new()
        .route("/", post(|body: Bytes| async move { body }).get(|| async { "hello" }))
        .route("/never", get(|| async { pending::<()>().await }))
        .route("/endless", get(endless))
}

struct Listener {
    address: String,
    stop: CancellationToken,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Listener {
    async fn of(router: Router, tls: Option<Arc<ServerConfig>>, limits: Limits) -> Self {
        let stop = CancellationToken::new();
        let at = "127.0.0.1:0".parse().unwrap();
        let listening = http::listen_within(at, tls, router, limits, stop.clone()).await.unwrap();
        Listener { address: listening.address, stop }
    }

    async fn within(limits: Limits) -> Self {
        Self::of(router(), None, limits).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// A connection on which this was sent.
    async fn sent(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
        let mut socket = self.connect().await;
        socket.write_all(bytes.as_ref()).await.unwrap();
        socket
    }
}

/// Everything up to the end of the connection, which the listener makes.
async fn to_the_end(mut socket: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut all = Vec::new();
    let mut part = vec![0; 64 << 10];
    let read = async {
        // A connection that is reset has ended, too.
        while let Ok(count @ 1..) = socket.read(&mut part).await {
            all.extend_from_slice(&part[..count]);
        }
    };
    tokio::time::timeout(HANGS, read).await.expect("the listener does not end the connection");
    all
}

/// The first line of an answer.
async fn status(socket: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let read = async {
        while !all.contains(&b'\n') {
            let byte = socket.read_u8().await.unwrap();
            all.push(byte);
        }
    };
    tokio::time::timeout(HANGS, read).await.expect("there is no answer");
    String::from_utf8(all).unwrap().trim().to_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
/// What every connection with HTTP/2 begins with, and empty settings.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

#[tokio::test]
async fn a_connection_that_does_not_begin_is_cut() {
    let listener = Listener::within(Limits { headers: SHORT, ..patient() }).await;
    // Nothing; half a request; half of what HTTP/2 begins with; HTTP/2 without any request.
    for begin in [&b""[..], b"GET / HTT", b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"PRI * HT", HTTP2] {
        to_the_end(listener.sent(begin).await).await;
    }
}

#[tokio::test]
async fn headers_that_come_byte_by_byte_are_cut() {
    let listener = Listener::within(Limits { headers: SHORT, ..patient() }).await;
    let (reading, mut writing) = listener.sent("GET / HTTP/1.1\r\nhost: a\r\n").await.into_split();
    let writes = tokio::spawn(async move {
        // Ends when the other side does.
        while writing.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let told = to_the_end(reading).await;
    assert!(!told.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&told));
    writes.await.unwrap();
}

#[tokio::test]
async fn a_second_request_on_a_connection_has_to_come_in_time_too() {
    let listener = Listener::within(Limits { headers: SHORT, ..patient() }).await;
    let told = to_the_end(listener.sent(format!("{GET}GET / HT")).await).await;
    assert!(told.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&told));
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut() {
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
    let tls = http::tls(&server.chain_pem, &server.key_pem, authority.certificate_pem()).unwrap();
    let listener = Listener::of(router(), Some(tls), Limits { headers: SHORT, ..patient() }).await;
    // Nothing, and the beginning of a record of a handshake.
    for begin in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00"] {
        to_the_end(listener.sent(begin).await).await;
    }
    // What is no TLS ends at once, whatever the limit.
    to_the_end(listener.sent(GET).await).await;
}

#[tokio::test]
async fn too_many_and_too_long_headers_are_refused() {
    let listener = Listener::within(patient()).await;
    let many: String = (0..2_000).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(100 << 10));
    for headers in [many, long] {
        let mut socket = listener.connect().await;
        // It may be refused before all of it is taken.
        let _ = socket.write_all(format!("GET / HTTP/1.1\r\nhost: a\r\n{headers}\r\n").as_bytes()).await;
        assert_eq!(status(&mut socket).await, "HTTP/1.1 431 Request Header Fields Too Large");
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "y".repeat(100 << 10));
    let mut socket = listener.connect().await;
    let _ = socket.write_all(long.as_bytes()).await;
    let told = status(&mut socket).await;
    assert!(
        ["HTTP/1.1 414 URI Too Long", "HTTP/1.1 431 Request Header Fields Too Large"].contains(&&*told),
        "{told}"
    );
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_breaks_off() {
    let listener = Listener::within(Limits { body: SHORT, ..patient() }).await;
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n0123";
    let told = to_the_end(listener.sent(post).await).await;
    let told = String::from_utf8_lossy(&told);
    assert!(told.starts_with("HTTP/1.1 400"), "{told}");
    // One that is whole is answered.
    let whole = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n0123";
    assert_eq!(status(&mut listener.sent(whole).await).await, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_cut_unless_somebody_works_for_it() {
    let listener = Listener::within(Limits { headers: SHORT, idle: SHORT, ..patient() }).await;
    // HTTP/2, one request, and then nothing.
    let frame = b"\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x84\x86\x41\x01a";
    to_the_end(listener.sent([HTTP2, frame].concat()).await).await;
    // An answer that nobody takes.
    let taken = listener.sent("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
    to_the_end(listener.sent("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await).await;
    let mut waits = listener.sent("GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await;
    // Nobody reads before that: whoever takes a part is not idle.
    tokio::time::timeout(HANGS, ENDLESS_IS_OVER.notified()).await.expect("the answer goes on");
    to_the_end(taken).await;
    let mut byte = [0];
    let ended = tokio::time::timeout(3 * SHORT, waits.read(&mut byte)).await;
    assert!(ended.is_err(), "a request that somebody works for is waited for: {ended:?}");
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_no_more() {
    let listener = Listener::within(Limits { connections_per_address: 2, ..patient() }).await;
    let (mut first, mut second) = (listener.sent(GET).await, listener.sent(GET).await);
    for socket in [&mut first, &mut second] {
        assert_eq!(status(socket).await, "HTTP/1.1 200 OK");
    }
    // The third is closed unheard.
    assert_eq!(to_the_end(listener.connect().await).await, b"");
    drop(first);
    loop {
        // Until the listener has seen that the first is gone.
        let mut socket = listener.sent(GET).await;
        if matches!(socket.read_u8().await, Ok(b'H')) {
            break;
        }
    }
}

#[tokio::test]
async fn all_together_have_so_many_connections_and_others_wait() {
    let listener = Listener::within(Limits { connections: 1, ..patient() }).await;
    let mut first = listener.sent(GET).await;
    assert_eq!(status(&mut first).await, "HTTP/1.1 200 OK");
    let mut second = listener.sent(GET).await;
    // It is still served on the connection that has the place.
    first.write_all(GET.as_bytes()).await.unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    assert!(second.try_read(&mut byte).is_err(), "the second has no place yet");
    drop(first);
    assert_eq!(status(&mut second).await, "HTTP/1.1 200 OK");
}

/// The frames of an HTTP/2 connection: kind and content.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let Some((content, after)) = rest.split_at_checked(length) else { break };
        frames.push((*kind, content.to_vec()));
        bytes = after;
    }
    frames
}

#[tokio::test]
async fn a_flood_of_requests_that_are_taken_back_ends_the_connection() {
    let listener = Listener::within(patient()).await;
    let mut flood = HTTP2.to_vec();
    for number in 0..2_000_u32 {
        let stream = (2 * number + 1).to_be_bytes();
        // GET /never, and its reset.
        flood.extend_from_slice(b"\x00\x00\x0d\x01\x05");
        flood.extend_from_slice(&stream);
        flood.extend_from_slice(b"\x82\x04\x06/never\x86\x41\x01a");
        flood.extend_from_slice(b"\x00\x00\x04\x03\x00");
        flood.extend_from_slice(&stream);
        flood.extend_from_slice(&8_u32.to_be_bytes());
    }
    let (reading, mut writing) = listener.connect().await.into_split();
    let writes = tokio::spawn(async move {
        let _ = writing.write_all(&flood).await;
        writing
    });
    let told = frames(&to_the_end(reading).await);
    // GOAWAY, for ENHANCE_YOUR_CALM.
    let away = told.iter().find(|(kind, _)| *kind == 7).expect("it is sent away");
    assert_eq!(away.1[4..8], 11_u32.to_be_bytes());
    let settings = &told[0];
    let concurrent = settings.1.chunks(6).find(|setting| setting[..2] == [0, 3]).map(|setting| &setting[2..]);
    assert_eq!((settings.0, concurrent), (4, Some(&128_u32.to_be_bytes()[..])));
    drop(writes.await.unwrap());
}

#[tokio::test]
async fn a_body_longer_than_the_node_takes_is_a_problem() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    // Two bytes more as JSON.
    let most = String::from_utf8(vec![b' '; (4 << 20) - 2]).unwrap();
    let answer = world
        .raw(request(
            Some(&alice),
            Method::POST,
            "/v1/applications/shop/invoke",
            &[("idempotency-key", "1")],
            Some(most.into()),
        ))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["code"].as_str()),
        (400, Some("invalid-argument")),
        "{answer:?}"
    );
    let bytes = vec![b' '; (4 << 20) + 1];
    for length in [true, false] {
        let body = String::from_utf8(bytes.clone()).unwrap();
        let path = "/v1/applications/shop/invoke";
        let mut long = request(Some(&alice), Method::POST, path, &[], Some(body.into()));
        if !length {
            long.headers_mut().remove("content-length");
        }
        let answer = world.raw(long).await;
        assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (413, Some("too-large")));
    }
}

#[tokio::test]
async fn the_operators_page_keeps_to_the_same_limits() {
    let world = World::new().await;
    let page = http::page_router(&world.gateway, Arc::new(Vec::new));
    let listener = Listener::of(page, None, Limits { headers: SHORT, ..patient() }).await;
    to_the_end(listener.connect().await).await;
    let metrics = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    assert_eq!(status(&mut listener.sent(metrics).await).await, "HTTP/1.1 200 OK");
}
