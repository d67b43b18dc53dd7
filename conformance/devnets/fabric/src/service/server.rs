//! The listeners: HTTP/2 over TLS, gRPC, and which method is whose.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use futures_util::{Stream, stream};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use tokio_rustls::TlsAcceptor;
use tonic::{
    Status, Streaming,
    body::Body,
    server::{Grpc, ServerStreamingService, StreamingService, UnaryService},
};
use tonic_prost::ProstCodec;

use super::{
    broadcast::receive,
    deliver::{Form, deliver},
    events::chaincode_events,
    gateway::{commit_status, endorse, evaluate, process_proposal, submit},
};
use crate::{
    error::NetworkError,
    members::Member,
    node::Node,
    proto::{
        common::{Envelope, Status as BlockStatus},
        gateway::{
            EndorseRequest, EvaluateRequest, SignedChaincodeEventsRequest, SignedCommitStatusRequest,
            SubmitRequest,
        },
        orderer::BroadcastResponse,
        peer::SignedProposal,
    },
};

/// How many calls one connection may have at once. Commit status and events wait, so there are many.
const STREAMS: u32 = 16 * 1024;

/// Which member listens.
#[derive(Clone, Copy)]
pub enum Listener {
    /// The peer with this number.
    Peer(usize),
    /// The orderer with this number.
    Orderer(usize),
}

impl Listener {
    fn member(self, node: &Node) -> Option<&Member> {
        match self {
            Listener::Peer(number) => node.members.peers.get(number),
            Listener::Orderer(number) => node.members.orderers.get(number),
        }
    }
}

/// Serves one member on its socket, until the task is dropped.
pub fn serve(
    node: &Arc<Node>,
    listener: Listener,
    socket: TcpListener,
) -> Result<impl Future<Output = ()> + Send + 'static, NetworkError> {
    let member =
        listener.member(node).ok_or_else(|| NetworkError::internal("serve", "there is no such member"))?;
    let acceptor = acceptor(node, member)?;
    let node = node.clone();
    Ok(async move {
        let mut connections = JoinSet::new();
        loop {
            // Whoever is done is let go of, so that the set does not grow.
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = socket.accept().await else { continue };
            let (node, acceptor) = (node.clone(), acceptor.clone());
            connections.spawn(async move {
                stream.set_nodelay(true).ok();
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let answer = service_fn(move |request| {
                    let node = node.clone();
                    async move { Ok::<_, Infallible>(route(node, listener, request).await) }
                });
                http2::Builder::new(TokioExecutor::new())
                    .max_concurrent_streams(STREAMS)
                    .initial_stream_window_size(1 << 20)
                    .initial_connection_window_size(16 << 20)
                    .serve_connection(TokioIo::new(stream), answer)
                    .await
                    .ok();
            });
        }
    })
}

fn acceptor(node: &Node, member: &Member) -> Result<TlsAcceptor, NetworkError> {
    let failed = |error: String| NetworkError::identity(format!("the TLS of {}", member.host), error);
    let mut chain = Vec::new();
    for pem in [member.tls_pem.as_str(), node.members.roots(&member.msp_id).1] {
        chain
            .push(CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| failed(error.to_string()))?);
    }
    let key = member.tls_key.to_pkcs8().map_err(|error| failed(error.to_string()))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| failed(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn route(node: Arc<Node>, listener: Listener, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match (listener, path.as_str()) {
        (Listener::Peer(number), "/gateway.Gateway/Evaluate") => {
            let limit = node.options.max_message_bytes;
            unary(limit, request, async move |asked: EvaluateRequest| {
                evaluate(&node, peer(&node, number)?, asked)
            })
            .await
        }
        (Listener::Peer(number), "/gateway.Gateway/Endorse") => {
            let limit = node.options.max_message_bytes;
            unary(limit, request, async move |asked: EndorseRequest| {
                endorse(&node, peer(&node, number)?, asked)
            })
            .await
        }
        (Listener::Peer(_), "/gateway.Gateway/Submit") => {
            let limit = node.options.max_message_bytes;
            unary(limit, request, async move |asked: SubmitRequest| submit(&node, asked)).await
        }
        (Listener::Peer(_), "/gateway.Gateway/CommitStatus") => {
            let limit = node.options.max_message_bytes;
            unary(limit, request, async move |asked: SignedCommitStatusRequest| {
                commit_status(&node, asked).await
            })
            .await
        }
        (Listener::Peer(number), "/protos.Endorser/ProcessProposal") => {
            let limit = node.options.max_message_bytes;
            unary(limit, request, async move |asked: SignedProposal| {
                process_proposal(&node, peer(&node, number)?, &asked)
            })
            .await
        }
        (Listener::Peer(_), "/gateway.Gateway/ChaincodeEvents") => {
            let service = Streams(move |asked: SignedChaincodeEventsRequest| chaincode_events(&node, &asked));
            Grpc::new(ProstCodec::default()).server_streaming(service, request).await
        }
        (Listener::Peer(_), "/protos.Deliver/Deliver") => blocks(node, request, Form::Block).await,
        (Listener::Peer(_), "/protos.Deliver/DeliverFiltered") => blocks(node, request, Form::Filtered).await,
        (Listener::Peer(_), "/protos.Deliver/DeliverWithPrivateData") => {
            blocks(node, request, Form::Private).await
        }
        // An orderer's answers differ from a peer's in nothing but their type's name.
        (Listener::Orderer(_), "/orderer.AtomicBroadcast/Deliver") => {
            blocks(node, request, Form::Block).await
        }
        (Listener::Orderer(_), "/orderer.AtomicBroadcast/Broadcast") => {
            let limit = node.options.max_message_bytes;
            let service = Streams(move |requests| Ok(broadcast(node.clone(), requests)));
            let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(limit);
            grpc.streaming(service, request).await
        }
        (_, path) => Status::unimplemented(format!("this Fabric-like node has no method {path}")).into_http(),
    }
}

fn peer(node: &Node, number: usize) -> Result<&Member, Status> {
    node.members.peers.get(number).ok_or_else(|| Status::internal("there is no such peer"))
}

/// The gRPC code of a message that is too large is `ResourceExhausted` everywhere but in tonic.
async fn unary<A, B, F, Done>(limit: usize, request: Request<Incoming>, answer: F) -> Response<Body>
where
    A: Message + Default + 'static,
    B: Message + 'static,
    F: FnOnce(A) -> Done,
    Done: Future<Output = Result<B, Status>> + Send + 'static,
{
    let mut grpc = Grpc::new(ProstCodec::<B, A>::default())
        .max_decoding_message_size(limit)
        .max_encoding_message_size(usize::MAX);
    let mut response = grpc.unary(Once(Some(answer)), request).await;
    let too_large = http::HeaderValue::from(tonic::Code::OutOfRange as i32);
    if let Some(code) = response.headers_mut().get_mut("grpc-status").filter(|code| **code == too_large) {
        *code = http::HeaderValue::from(tonic::Code::ResourceExhausted as i32);
    }
    response
}

async fn blocks(node: Arc<Node>, request: Request<Incoming>, form: Form) -> Response<Body> {
    let service = Streams(move |requests| Ok(deliver(node.clone(), requests, form)));
    let mut grpc = Grpc::new(ProstCodec::default()).max_encoding_message_size(usize::MAX);
    grpc.streaming(service, request).await
}

fn broadcast(
    node: Arc<Node>,
    mut requests: Streaming<Envelope>,
) -> mpsc::Receiver<Result<BroadcastResponse, Status>> {
    let (sender, answers) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok(Some(envelope)) = requests.message().await {
            let (status, info) = match receive(&node, envelope) {
                Ok(()) => (BlockStatus::Success, String::new()),
                Err(refused) => refused,
            };
            if sender.send(Ok(BroadcastResponse { status: status as i32, info })).await.is_err() {
                return;
            }
        }
    });
    answers
}

/// A function as a service that is called once.
struct Once<F>(Option<F>);

impl<A, B, F, Done> UnaryService<A> for Once<F>
where
    B: Message + 'static,
    F: FnOnce(A) -> Done,
    Done: Future<Output = Result<B, Status>> + Send + 'static,
{
    type Response = B;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<B>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<A>) -> Self::Future {
        let answer = self.0.take().map(|answer| answer(request.into_inner()));
        Box::pin(async move {
            match answer {
                Some(answer) => Ok(tonic::Response::new(answer.await?)),
                None => Err(Status::internal("a call is answered once")),
            }
        })
    }
}

/// A function that makes a stream, as a service.
struct Streams<F>(F);

type Answers<B> = Pin<Box<dyn Stream<Item = Result<B, Status>> + Send>>;

fn answers<B: Send + 'static>(receiver: mpsc::Receiver<Result<B, Status>>) -> Answers<B> {
    Box::pin(stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|item| (item, receiver))
    }))
}

impl<A, B, F> ServerStreamingService<A> for Streams<F>
where
    B: Message + 'static,
    F: FnMut(A) -> Result<mpsc::Receiver<Result<B, Status>>, Status>,
{
    type Response = B;
    type ResponseStream = Answers<B>;
    type Future = std::future::Ready<Result<tonic::Response<Answers<B>>, Status>>;

    fn call(&mut self, request: tonic::Request<A>) -> Self::Future {
        std::future::ready(
            self.0(request.into_inner()).map(|receiver| tonic::Response::new(answers(receiver))),
        )
    }
}

impl<A, B, F> StreamingService<A> for Streams<F>
where
    B: Message + 'static,
    F: FnMut(Streaming<A>) -> Result<mpsc::Receiver<Result<B, Status>>, Status>,
{
    type Response = B;
    type ResponseStream = Answers<B>;
    type Future = std::future::Ready<Result<tonic::Response<Answers<B>>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<A>>) -> Self::Future {
        std::future::ready(
            self.0(request.into_inner()).map(|receiver| tonic::Response::new(answers(receiver))),
        )
    }
}
