//! Who asks.

use std::{fmt, sync::Arc};

use berth_identity::request::Signer;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::error::ClientError;

/// A participant, with what shows that it is them. What is secret in it is shown nowhere.
pub struct Identity(pub(crate) Shown);

/// How it is shown.
pub(crate) enum Shown {
    /// The connection shows the certificate (mutual TLS).
    Certificate { chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static> },
    /// Each request is signed (RFC 9421).
    Signature(Arc<Signer>),
}

impl Identity {
    /// By mutual TLS: the certificate that the node gave the participant, and its key, both in PEM.
    ///
    /// # Errors
    /// [`ClientError::Identity`]
    pub fn certificate(certificate_pem: &str, key_pem: &str) -> Result<Self, ClientError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate_pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| ClientError::Identity)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| ClientError::Identity)?;
        if chain.is_empty() {
            return Err(ClientError::Identity);
        }
        Ok(Identity(Shown::Certificate { chain, key }))
    }

    /// By signing each request: for where a proxy ends TLS before the node. The same certificate and key.
    ///
    /// # Errors
    /// [`ClientError::Identity`]
    pub fn signature(certificate_pem: &str, key_pem: &str) -> Result<Self, ClientError> {
        let signer = Signer::new(certificate_pem, key_pem).map_err(|_| ClientError::Identity)?;
        Ok(Identity(Shown::Signature(Arc::new(signer))))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Shown::Certificate { .. } => "Identity(certificate)",
            Shown::Signature(_) => "Identity(signature)",
        })
    }
}
