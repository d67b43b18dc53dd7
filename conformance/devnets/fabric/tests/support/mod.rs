//! A gRPC client of few lines, for tests and load: tonic over one connection.

#![allow(dead_code, reason = "each program uses a part")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "support of tests")]

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use berth_devnet_fabric::{
    client::{Client, Invocation},
    clock,
    identity::Key,
    proto::{
        common::Envelope,
        gateway::{
            CommitStatusRequest, CommitStatusResponse, EndorseRequest, EndorseResponse, EvaluateRequest,
            EvaluateResponse, SignedCommitStatusRequest, SubmitRequest, SubmitResponse,
        },
        peer::SignedProposal,
    },
};
use http::{Request, Response, Uri, uri::PathAndQuery};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::net::TcpStream;
use tonic::{
    Status,
    body::Body,
    client::{Grpc, GrpcService},
};
use tonic_prost::ProstCodec;

/// A connection to a peer, with somebody who uses it.
#[derive(Clone)]
pub struct Peer {
    sender: Sender,
    origin: Uri,
    pub channel: String,
    pub identity: Vec<u8>,
    pub key: Arc<Key>,
}

impl Peer {
    /// Connects by what a network says of itself.
    pub async fn connect(material: &serde_json::Value, organisation: usize, user: &str) -> Peer {
        let organisation = &material["organisations"][organisation];
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(text(&organisation["tlsCa"]).as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let address = text(&organisation["peer"]["address"]);
        let name = ServerName::try_from(text(&organisation["peer"]["serverName"])).unwrap();
        let stream = TcpStream::connect(&address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(name, stream).await.unwrap();
        let (sender, connection) =
            http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let users = organisation["users"].as_array().unwrap();
        let user = users.iter().find(|one| text(&one["name"]).starts_with(&format!("{user}@"))).unwrap();
        let msp_id = text(&organisation["mspId"]);
        Peer {
            sender: Sender(sender),
            origin: format!("https://{address}").parse().unwrap(),
            channel: text(&material["channels"][0]["name"]),
            identity: berth_devnet_fabric::members::serialized(&msp_id, &text(&user["certificate"])),
            key: Arc::new(Key::from_secret(&hex::decode(text(&user["secret"])).unwrap()).unwrap()),
        }
    }

    pub fn client(&self) -> Client<'_> {
        Client { now: clock::milliseconds(), identity: self.identity.clone(), key: &self.key }
    }

    pub async fn call<A, B>(&self, path: &'static str, message: A) -> Result<B, Status>
    where
        A: Message + 'static,
        B: Message + Default + 'static,
    {
        let mut grpc =
            Grpc::with_origin(self.sender.clone(), self.origin.clone()).max_encoding_message_size(usize::MAX);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static(path);
        let request = tonic::Request::new(message);
        Ok(grpc.unary(request, path, ProstCodec::default()).await?.into_inner())
    }

    pub fn propose(&self, chaincode: &str, arguments: &[&[u8]]) -> (String, SignedProposal) {
        let invocation = Invocation {
            channel: self.channel.clone(),
            chaincode: chaincode.into(),
            arguments: arguments.iter().map(|argument| argument.to_vec()).collect(),
            transient: BTreeMap::new(),
        };
        self.client().propose(invocation).unwrap()
    }

    pub async fn evaluate(&self, chaincode: &str, arguments: &[&[u8]]) -> Result<Vec<u8>, Status> {
        let (_, proposed) = self.propose(chaincode, arguments);
        let request = EvaluateRequest { proposed_transaction: Some(proposed), ..EvaluateRequest::default() };
        let response: EvaluateResponse = self.call("/gateway.Gateway/Evaluate", request).await?;
        Ok(response.result.unwrap().payload)
    }

    pub async fn endorse(&self, proposed: SignedProposal) -> Result<Envelope, Status> {
        let request = EndorseRequest { proposed_transaction: Some(proposed), ..EndorseRequest::default() };
        let response: EndorseResponse = self.call("/gateway.Gateway/Endorse", request).await?;
        Ok(response.prepared_transaction.unwrap())
    }

    pub async fn submit(&self, envelope: Envelope) -> Result<(), Status> {
        let channel_id = self.channel.clone();
        let request =
            SubmitRequest { channel_id, prepared_transaction: Some(envelope), ..SubmitRequest::default() };
        self.call::<_, SubmitResponse>("/gateway.Gateway/Submit", request).await.map(drop)
    }

    pub async fn committed(&self, transaction_id: String) -> Result<CommitStatusResponse, Status> {
        let request = CommitStatusRequest {
            transaction_id,
            channel_id: self.channel.clone(),
            identity: self.identity.clone(),
        };
        let request = request.encode_to_vec();
        let signature = self.key.sign(&request).unwrap();
        self.call("/gateway.Gateway/CommitStatus", SignedCommitStatusRequest { request, signature }).await
    }

    /// All of it: the block that has the transaction, and its validation code.
    pub async fn transact(
        &self,
        chaincode: &str,
        arguments: &[&[u8]],
    ) -> Result<CommitStatusResponse, Status> {
        let (id, proposed) = self.propose(chaincode, arguments);
        let prepared = self.endorse(proposed).await?;
        self.submit(self.client().sign(prepared).unwrap()).await?;
        self.committed(id).await
    }
}

#[derive(Clone)]
struct Sender(http2::SendRequest<Body>);

impl GrpcService<Body> for Sender {
    type ResponseBody = Incoming;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
