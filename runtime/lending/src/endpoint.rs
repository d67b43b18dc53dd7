//! What the operator lends.

use std::{fmt, time::Duration};

use adapter_spec::types::Transport;
use zeroize::Zeroizing;

/// An endpoint as the operator configures it.
pub struct Endpoint {
    /// The endpoint's own name, unique in the application; adapters use it in requests.
    pub name: String,
    /// The descriptor's name that it is lent under.
    pub need: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// `http://` or `https://` with host, port and, for HTTP and JSON-RPC, a base path. User names and passwords do not
    /// belong here; use `headers`.
    pub url: String,
    /// What adapters are told of it, e.g. ("organisation", "Org1MSP").
    pub labels: Vec<(String, String)>,
    /// The operator's own headers, e.g. Authorization (as metadata for gRPC). They win over an adapter's.
    pub headers: Vec<(String, Zeroizing<String>)>,
    /// For `https://`.
    pub tls: Tls,
    /// For one request, from its start to the last byte of its answer; for a gRPC stream, until it is open.
    pub deadline: Duration,
    /// Bytes of one answer's body, or of one gRPC message.
    pub max_response_bytes: u64,
}

/// How the endpoint is authenticated, and how the host authenticates itself to it.
#[derive(Default)]
pub struct Tls {
    /// Certificate authorities in PEM. They replace the public ones: a consortium's node must not be whoever holds a
    /// certificate of any public authority.
    pub ca_pem: Option<String>,
    /// The client's certificate, and what chains it to its authority, in PEM.
    pub client_certificate_pem: Option<String>,
    /// The client certificate's private key in PEM.
    pub client_key_pem: Option<Zeroizing<String>>,
    /// The name that the endpoint's certificate must have, where it is not the address's.
    pub server_name: Option<String>,
}

impl Endpoint {
    /// An endpoint without labels, headers or TLS settings, with a deadline of 30 seconds and answers up to 16 MiB.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        need: impl Into<String>,
        transport: Transport,
        url: impl Into<String>,
    ) -> Self {
        Endpoint {
            name: name.into(),
            need: need.into(),
            transport,
            url: url.into(),
            labels: Vec::new(),
            headers: Vec::new(),
            tls: Tls::default(),
            deadline: Duration::from_secs(30),
            max_response_bytes: 16 << 20,
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("need", &self.need)
            .field("transport", &self.transport)
            .field("labels", &self.labels)
            .field("headers", &headers)
            .field("tls", &self.tls)
            .field("deadline", &self.deadline)
            .field("max_response_bytes", &self.max_response_bytes)
            // A URL may hold a key in its path.
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca_pem", &self.ca_pem.is_some())
            .field("client_certificate_pem", &self.client_certificate_pem.is_some())
            .field("client_key_pem", &self.client_key_pem.as_ref().map(|_| "<hidden>"))
            .field("server_name", &self.server_name)
            .finish()
    }
}
