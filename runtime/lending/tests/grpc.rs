//! gRPC endpoints as they are lent: unary calls, streams, and TLS with a client certificate.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

mod support;

use std::{convert::Infallible, sync::Arc, time::Duration};

use adapter_spec::{
    Function, Imports, Lender as _,
    types::{
        Transport,
        transport::{Failure, GrpcFailure, GrpcStatus},
    },
};
use berth_lending::{Endpoint, Lending, LendingError, Network};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{HeaderMap, Response, body::Frame};
use rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use sha2::{Digest as _, Sha256};
use support::{Body, Server, descriptor, framed, grpc, serve, serve_with};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

fn endpoint(url: String) -> Endpoint {
    Endpoint::new("node", "peer", Transport::Grpc, url)
}

fn lend(endpoint: Endpoint, function: Function) -> Arc<dyn Imports> {
    let lending = Lending::builder("app").endpoint(endpoint).build(&descriptor(), &Network::new()).unwrap();
    lending.imports(function)
}

fn trailers(pairs: &[(&'static str, &str)]) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    for (name, value) in pairs {
        trailers.insert(*name, value.parse().unwrap());
    }
    Frame::trailers(trailers)
}

fn answer(frames: Vec<Frame<Bytes>>) -> Response<Body> {
    let frames = stream::iter(frames.into_iter().map(Ok::<_, Infallible>));
    Response::builder()
        .header("content-type", "application/grpc")
        .body(BodyExt::boxed(StreamBody::new(frames)))
        .unwrap()
}

fn ok() -> Frame<Bytes> {
    trailers(&[("grpc-status", "0")])
}

/// Answers each call with its own message.
async fn echo() -> Server {
    serve(|request| async move { answer(vec![Frame::data(request.into_body()), ok()]) }).await
}

#[tokio::test]
async fn a_unary_call_answers_its_message_over_one_connection() {
    let server = echo().await;
    let imports = lend(endpoint(server.url()), Function::Begin);
    let requests = (0..20).map(|i| grpc("/test.Peer/Get", &[i])).collect();
    let answers = imports.grpc(requests).await;
    assert_eq!(answers, (0..20).map(|i| Ok(vec![i])).collect::<Vec<_>>());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_status_is_the_servers_with_its_details_at_once_or_after_messages() {
    let status = [("grpc-status", "5"), ("grpc-message", "no%20peer"), ("grpc-status-details-bin", "CAU")];
    let expected =
        GrpcFailure::Status(GrpcStatus { code: 5, message: "no peer".into(), details: vec![8, 5] });
    let at_end =
        serve(move |_| async move { answer(vec![Frame::data(framed(b"x")), trailers(&status)]) }).await;
    let at_once = serve(move |_| async move {
        let mut answer = answer(vec![]);
        for (name, value) in status {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        answer
    })
    .await;
    for server in [at_end, at_once] {
        let answer =
            lend(endpoint(server.url()), Function::Begin).grpc(vec![grpc("/test.Peer/Get", b"")]).await;
        assert_eq!(answer, vec![Err(expected.clone())]);
    }
}

#[tokio::test]
async fn broken_answers_are_interrupted_and_never_a_message() {
    let cases: Vec<fn() -> Response<Body>> = vec![
        || answer(vec![]),
        || answer(vec![ok()]),
        || answer(vec![Frame::data(framed(b"x"))]),
        || answer(vec![Frame::data(framed(b"xyz").slice(..6)), ok()]),
        || answer(vec![Frame::data(framed(b"x")), Frame::data(framed(b"y")), ok()]),
        || answer(vec![Frame::data(Bytes::from_static(&[1, 0, 0, 0, 0])), ok()]),
        || answer(vec![Frame::data(framed(b"x")), trailers(&[("grpc-status", "x")])]),
        || Response::builder().status(502).body(support::full("bad gateway")).unwrap(),
        || Response::new(support::full("<html>")),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let server = serve(move |_| async move { case() }).await;
        let answer = lend(endpoint(server.url()), Function::Begin)
            .grpc(vec![grpc("/test.Peer/Get", b"")])
            .await
            .remove(0);
        assert!(
            matches!(answer, Err(GrpcFailure::Transport(Failure::Interrupted(_)))),
            "case {number}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_message_beyond_the_cap_and_a_late_answer_are_told_as_such() {
    let server = echo().await;
    let small = Endpoint { max_response_bytes: 10, ..endpoint(server.url()) };
    let answer = lend(small, Function::Begin).grpc(vec![grpc("/test.Peer/Get", &[0; 11])]).await.remove(0);
    assert_eq!(answer, Err(GrpcFailure::Transport(Failure::TooLarge(10))));

    let silent = serve(|_| std::future::pending()).await;
    let short = Endpoint { deadline: Duration::from_millis(50), ..endpoint(silent.url()) };
    let answer = lend(short, Function::Begin).grpc(vec![grpc("/test.Peer/Get", b"")]).await.remove(0);
    assert_eq!(answer, Err(GrpcFailure::Transport(Failure::Timeout)));
}

#[tokio::test]
async fn only_send_may_call_what_is_not_declared_as_a_read() {
    let server = echo().await;
    let write = || grpc("/test.Peer/Put", b"");
    let imports = lend(endpoint(server.url()), Function::Begin);
    assert!(matches!(
        imports.grpc(vec![write()]).await.remove(0),
        Err(GrpcFailure::Transport(Failure::Refused(_)))
    ));
    assert!(matches!(
        imports.grpc_stream(write()).await.err(),
        Some(GrpcFailure::Transport(Failure::Refused(_)))
    ));
    assert!(lend(endpoint(server.url()), Function::Send).grpc(vec![write()]).await.remove(0).is_ok());
}

#[tokio::test]
async fn a_stream_that_is_silent_stays_open_and_dropping_it_closes_it() {
    let (sender, receiver) = mpsc::unbounded_channel::<Frame<Bytes>>();
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let server = serve(move |_| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        async move {
            let frames = stream::unfold(receiver, async |mut receiver| {
                let frame = receiver.recv().await?;
                Some((Ok::<_, Infallible>(frame), receiver))
            });
            Response::builder()
                .header("content-type", "application/grpc")
                .body(BodyExt::boxed(StreamBody::new(SyncStream(std::sync::Mutex::new(Box::pin(frames))))))
                .unwrap()
        }
    })
    .await;
    let imports = lend(endpoint(server.url()), Function::Events);
    let mut stream = imports.grpc_stream(grpc("/test.Peer/Watch", b"")).await.unwrap();
    let timeout = Err(GrpcFailure::Transport(Failure::Timeout));
    assert_eq!(stream.next(20).await, timeout);
    let message = framed(b"first");
    // Half a message, a wait that ends, then the other half: nothing is lost.
    sender.send(Frame::data(message.slice(..7))).unwrap();
    assert_eq!(stream.next(20).await, timeout);
    sender.send(Frame::data(message.slice(7..))).unwrap();
    assert_eq!(stream.next(30_000).await, Ok(Some(b"first".to_vec())));
    drop(stream);
    // The server's side of the channel goes away when the client's stream is closed.
    tokio::time::timeout(Duration::from_secs(30), sender.closed()).await.unwrap();
}

/// A boxed body must be shareable; a mutex makes its stream so.
struct SyncStream<S>(std::sync::Mutex<S>);

impl<S: stream::Stream + Unpin> stream::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        std::pin::Pin::new(self.0.get_mut().unwrap()).poll_next(context)
    }
}

#[tokio::test]
async fn a_stream_ends_with_none_or_with_the_servers_status_again_and_again() {
    let server =
        serve(|_| async { answer(vec![Frame::data(framed(b"a")), Frame::data(framed(b"b")), ok()]) }).await;
    let imports = lend(endpoint(server.url()), Function::Events);
    let mut stream = imports.grpc_stream(grpc("/test.Peer/Watch", b"")).await.unwrap();
    for expected in [Some(b"a".to_vec()), Some(b"b".to_vec()), None, None] {
        assert_eq!(stream.next(30_000).await, Ok(expected));
    }
    let server = serve(|_| async { answer(vec![trailers(&[("grpc-status", "14")])]) }).await;
    let imports = lend(endpoint(server.url()), Function::Events);
    let mut stream = imports.grpc_stream(grpc("/test.Peer/Watch", b"")).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(stream.next(30_000).await, Err(GrpcFailure::Status(GrpcStatus { code: 14, .. }))));
    }
}

#[tokio::test]
async fn a_stream_to_nobody_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure =
        lend(endpoint(url), Function::Events).grpc_stream(grpc("/test.Peer/Watch", b"")).await.err();
    assert!(matches!(failure, Some(GrpcFailure::Transport(Failure::Unreachable(_)))), "{failure:?}");
}

/// An authority, and certificates by it.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Authority { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_string()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// A server that asks every client for a certificate of the authority, and has one for `name` itself.
async fn guarded(authority: &Authority, name: &str) -> Server {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let (certificate, key) = authority.issue(name);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serve_with(Some(acceptor), |request| async move { answer(vec![Frame::data(request.into_body()), ok()]) })
        .await
}

#[tokio::test]
async fn tls_takes_the_operators_authority_name_and_client_certificate_and_nobody_elses() {
    let authority = Authority::new();
    let server = guarded(&authority, "peer.example").await;
    let (certificate, key) = authority.issue("client");
    let trusted = || {
        let mut endpoint = endpoint(format!("https://{}", server.address));
        endpoint.tls.ca_pem = Some(authority.certificate.pem());
        endpoint.tls.client_certificate_pem = Some(certificate.pem());
        endpoint.tls.client_key_pem = Some(key.serialize_pem().into());
        endpoint.tls.server_name = Some("peer.example".into());
        endpoint
    };
    let imports = lend(trusted(), Function::Begin);
    assert_eq!(imports.grpc(vec![grpc("/test.Peer/Get", b"x")]).await, vec![Ok(b"x".to_vec())]);
    let digest = Sha256::digest(certificate.der()).to_vec();
    assert_eq!(imports.lent_as("peer")[0].client_certificate_sha256, Some(digest));

    let mut other_authority = trusted();
    other_authority.tls.ca_pem = Some(Authority::new().certificate.pem());
    let mut other_name = trusted();
    other_name.tls.server_name = Some("other.example".into());
    let mut public_authorities = trusted();
    public_authorities.tls.ca_pem = None;
    for endpoint in [other_authority, other_name, public_authorities] {
        let answer = lend(endpoint, Function::Begin).grpc(vec![grpc("/test.Peer/Get", b"x")]).await.remove(0);
        assert!(matches!(answer, Err(GrpcFailure::Transport(Failure::Unreachable(_)))), "{answer:?}");
    }
    let mut nobody = trusted();
    nobody.tls.client_certificate_pem = None;
    nobody.tls.client_key_pem = None;
    let answer = lend(nobody, Function::Begin).grpc(vec![grpc("/test.Peer/Get", b"x")]).await.remove(0);
    assert!(matches!(answer, Err(GrpcFailure::Transport(_))), "{answer:?}");
}

#[test]
fn tls_settings_that_cannot_be_used_are_refused_without_showing_them() {
    let build = |change: fn(&mut Endpoint)| {
        let mut endpoint = endpoint("https://node".into());
        change(&mut endpoint);
        assert!(!format!("{endpoint:?}").contains("canary"));
        Lending::builder("app").endpoint(endpoint).build(&descriptor(), &Network::new()).unwrap_err()
    };
    let errors = [
        build(|endpoint| endpoint.tls.ca_pem = Some("canary".into())),
        build(|endpoint| endpoint.tls.client_certificate_pem = Some("canary".into())),
        build(|endpoint| endpoint.tls.client_key_pem = Some("canary".to_string().into())),
        build(|endpoint| {
            let (certificate, _) = Authority::new().issue("client");
            endpoint.tls.client_certificate_pem = Some(certificate.pem());
            endpoint.tls.client_key_pem = Some("canary".to_string().into());
        }),
        build(|endpoint| endpoint.tls.server_name = Some("not a name".into())),
        build(|endpoint| {
            endpoint.url = "http://node".into();
            endpoint.tls.server_name = Some("node".into());
        }),
    ];
    for error in errors {
        assert!(
            matches!(error, LendingError::Tls { .. }) && !error.to_string().contains("canary"),
            "{error}"
        );
    }
}
