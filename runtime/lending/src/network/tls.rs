//! TLS settings, as rustls takes them.
//!
//! The public authorities are Mozilla's, compiled in: what a host trusts is the same on every machine and does not
//! change with the machine. Private authorities are named per endpoint.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use sha2::{Digest as _, Sha256};

use crate::Tls;

/// The configuration with these settings; otherwise what is wrong with them.
pub(super) fn client_config(tls: &Tls) -> Result<ClientConfig, String> {
    // Given, never taken from the process: a library installs no provider for everybody.
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::new(roots(tls)?);
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &tls.server_name {
        None => builder.with_root_certificates(roots),
        Some(name) => {
            let name =
                ServerName::try_from(name.clone()).map_err(|_| "the server name is none".to_string())?;
            let verifier = OtherName { verifier: web_pki(roots, provider)?, name };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    match (&tls.client_certificate_pem, &tls.client_key_pem) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate, "client certificate")?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                .map_err(|_| "the client key is no private key in PEM".to_string())?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("the client certificate and its key do not fit: {error}"))
        }
        (Some(_), None) => Err("the client certificate has no key".into()),
        (None, Some(_)) => Err("the client key has no certificate".into()),
    }
}

/// SHA-256 of the client certificate itself, DER.
pub(crate) fn client_certificate_sha256(tls: &Tls) -> Result<Option<Vec<u8>>, String> {
    let Some(pem) = &tls.client_certificate_pem else { return Ok(None) };
    let chain = certificates(pem, "client certificate")?;
    Ok(chain.first().map(|certificate| Sha256::digest(certificate).to_vec()))
}

fn roots(tls: &Tls) -> Result<RootCertStore, String> {
    let Some(pem) = &tls.ca_pem else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "authority")? {
        roots
            .add(certificate)
            .map_err(|error| format!("an authority's certificate is malformed: {error}"))?;
    }
    Ok(roots)
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| format!("the {what} is not PEM"))?;
    if certificates.is_empty() {
        return Err(format!("the {what} has no certificate in PEM"));
    }
    Ok(certificates)
}

fn web_pki(
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(roots, provider).build().map_err(|error| error.to_string())
}

/// Verifies as always, but for a name that the operator gives, not the address's.
#[derive(Debug)]
struct OtherName {
    verifier: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for OtherName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
