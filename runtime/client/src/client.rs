//! The client of one node.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Uri};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde::Deserialize;

use crate::{
    application::Application,
    error::ClientError,
    identity::{Identity, Shown},
    transport::{Ask, Transport},
};

/// For a connection that is lost, until it is given up.
const CONNECT: Duration = Duration::from_secs(10);

/// A client of one node. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
}

/// What a client is made of.
#[derive(Debug)]
pub struct ClientBuilder {
    address: String,
    authority_pem: Option<String>,
    identity: Option<Identity>,
    patience: Duration,
}

/// An application in which the participant has a role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The name of its adapter.
    pub adapter: String,
    /// The participant's roles.
    pub roles: Vec<String>,
}

#[derive(Deserialize)]
struct List {
    participant: String,
    applications: Vec<Listed>,
}

impl Client {
    /// Of the node at this address, `https://NAME:PORT`.
    #[must_use]
    pub fn builder(address: impl Into<String>) -> ClientBuilder {
        let address = address.into();
        ClientBuilder { address, authority_pem: None, identity: None, patience: Duration::from_secs(60) }
    }

    /// An application, by its name. Whether it is there is known when it is first asked.
    #[must_use]
    pub fn application(&self, name: impl Into<String>) -> Application {
        Application::new(self.clone(), name.into())
    }

    /// The name of the participant that this client is.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn participant(&self) -> Result<String, ClientError> {
        Ok(self.list().await?.participant)
    }

    /// The applications in which the participant has a role.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn applications(&self) -> Result<Vec<Listed>, ClientError> {
        Ok(self.list().await?.applications)
    }

    async fn list(&self) -> Result<List, ClientError> {
        self.transport.json(Ask::get("/v1/applications".to_owned())).await
    }
}

impl ClientBuilder {
    /// The certificate of the node's authority, in PEM: `authority.pem` in the node's state. Nobody else's is trusted.
    #[must_use]
    pub fn authority(self, pem: impl Into<String>) -> Self {
        ClientBuilder { authority_pem: Some(pem.into()), ..self }
    }

    /// The participant.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        ClientBuilder { identity: Some(identity), ..self }
    }

    /// For how long something is tried again when the node is not reached or not available; a minute by default.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        ClientBuilder { patience, ..self }
    }

    /// The client. Nothing is connected to yet.
    ///
    /// # Errors
    /// What does not fit.
    pub fn build(self) -> Result<Client, ClientError> {
        let uri: Uri = self.address.parse().map_err(|_| ClientError::Address)?;
        let authority = uri.authority().ok_or(ClientError::Address)?;
        if uri.scheme_str() != Some("https") || uri.path() != "/" || uri.query().is_some() {
            return Err(ClientError::Address);
        }
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| ClientError::Address)?;
        let mut roots = RootCertStore::empty();
        let pem = self.authority_pem.ok_or(ClientError::Authority)?;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| ClientError::Authority)?;
            roots.add(certificate).map_err(|_| ClientError::Authority)?;
        }
        if roots.is_empty() {
            return Err(ClientError::Authority);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| ClientError::Identity)?
            .with_root_certificates(roots);
        let identity = self.identity.ok_or(ClientError::Identity)?;
        let (config, signer) = match identity.0 {
            Shown::Certificate { chain, key } => {
                let config = config.with_client_auth_cert(chain, key).map_err(|_| ClientError::Identity)?;
                (config, None)
            }
            Shown::Signature(signer) => (config.with_no_client_auth(), Some(signer)),
        };
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_all_versions()
            .wrap_connector(connector);
        let http = Http::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            // A node that is gone without a word is noticed, also while a stream of events has nothing to say.
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_while_idle(true)
            .build(connector);
        let address = format!("https://{authority}");
        let transport = Transport { http, address, host, signer, patience: self.patience };
        Ok(Client { transport: Arc::new(transport) })
    }
}
