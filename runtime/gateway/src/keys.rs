//! Keys that the node holds in trust: made here, sealed in the store, one for each application, participant and scheme;
//! and one of its own, which signs webhooks.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use adapter_spec::{
    async_trait,
    types::{PublicKey, SignRequest, Signature, SignatureScheme, SigningInput},
};
use berth_crypto::SigningKey;
use berth_identity::MasterKey;
use berth_journal::{Signer, SignerError};
use serde::{Deserialize, Serialize};
use x509_cert::der::Decode as _;
use zeroize::Zeroizing;

use crate::{problem::Problem, records::Records};

const FOLDER: &str = "node/key/";
const CERTIFICATES: &str = "node/certificate/";
/// The most bytes of a certificate: it goes with every call.
const MAX_CERTIFICATE: usize = 16 << 10;
/// What sealed keys are sealed for.
const PURPOSE: &str = "key in trust";

/// A key as it is kept.
#[derive(Serialize, Deserialize)]
struct Sealed {
    scheme: SignatureScheme,
    /// Hexadecimal.
    sealed: String,
}

/// A key in trust, with the certificate that an authority of the ledger gave it.
#[derive(Clone)]
pub(crate) struct TrustKey {
    key: Arc<SigningKey>,
    certificate: Option<Arc<[u8]>>,
}

impl TrustKey {
    pub(crate) fn public_key(&self) -> PublicKey {
        let certificate = self.certificate.as_ref().map(|certificate| certificate.to_vec());
        PublicKey { certificate, ..self.key.public_key() }
    }

    /// The key itself.
    pub(crate) fn signing_key(&self) -> &Arc<SigningKey> {
        &self.key
    }
}

/// A certificate as it is kept.
#[derive(Serialize, Deserialize)]
struct Certificate {
    /// DER, hexadecimal.
    certificate: String,
}

/// All keys in trust. They are opened once and then kept in memory, which is wiped when a key goes.
pub(crate) struct Keys {
    records: Records,
    master: Arc<MasterKey>,
    open: RwLock<HashMap<String, TrustKey>>,
}

impl Keys {
    pub(crate) fn new(records: Records, master: Arc<MasterKey>) -> Self {
        Keys { records, master, open: RwLock::default() }
    }

    /// The participant's key in the application; made the first time.
    pub(crate) async fn get(
        &self,
        application: &str,
        participant: &str,
        scheme: SignatureScheme,
    ) -> Result<TrustKey, Problem> {
        let place = place(application, participant, scheme);
        if let Some(key) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return Ok(key.clone());
        }
        let trouble = |what: &str| {
            tracing::error!(place, what, "a key in trust");
            Problem::trouble("the node cannot use the key that it holds for you; tell its operator")
        };
        loop {
            let kept: Option<Sealed> =
                self.records.get(&place).await.map_err(|error| trouble(&error.to_string()))?;
            if let Some(kept) = kept {
                let sealed = hex::decode(&kept.sealed).map_err(|_| trouble("it is not hexadecimal"))?;
                let bytes = self.master.open(PURPOSE, place.as_bytes(), &sealed);
                let bytes = bytes.map_err(|error| trouble(&error.to_string()))?;
                let key = SigningKey::from_bytes(kept.scheme, &bytes);
                let key = Arc::new(key.map_err(|error| trouble(&error.to_string()))?);
                let certificate: Option<Certificate> = self
                    .records
                    .get(&certificate_place(&place))
                    .await
                    .map_err(|error| trouble(&error.to_string()))?;
                let certificate = certificate.map(|kept| hex::decode(kept.certificate)).transpose();
                let certificate = certificate.map_err(|_| trouble("its certificate is not hexadecimal"))?;
                let key = TrustKey { key, certificate: certificate.map(Arc::from) };
                self.open.write().unwrap_or_else(PoisonError::into_inner).insert(place, key.clone());
                return Ok(key);
            }
            let bytes = new_key(scheme).ok_or_else(|| trouble("no randomness"))?;
            self.keep(&place, scheme, &*bytes).await?;
        }
    }

    /// Keeps the certificate that an authority of the ledger gave a participant's key, in place of an earlier one.
    pub(crate) async fn certify(
        &self,
        application: &str,
        participant: &str,
        scheme: SignatureScheme,
        certificate: &[u8],
    ) -> Result<TrustKey, Problem> {
        check_certificate(certificate)?;
        let key = self.get(application, participant, scheme).await?;
        let point = point_of(certificate)
            .ok_or_else(|| Problem::invalid("certificate: it is no X.509 certificate in DER"))?;
        if point != key.key.public_key().point {
            return Err(Problem::invalid(
                "certificate: it is of another key than the one that the node holds for you here",
            ));
        }
        let place = place(application, participant, scheme);
        let kept = Certificate { certificate: hex::encode(certificate) };
        let put = self.records.put(&certificate_place(&place), &kept).await;
        put.map_err(|error| {
            tracing::error!(place, %error, "a certificate is not kept");
            Problem::trouble("the node cannot keep a certificate now")
        })?;
        let key = TrustKey { certificate: Some(certificate.into()), ..key };
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(place, key.clone());
        Ok(key)
    }

    /// Keeps a key that was made elsewhere, where there is none yet; false where there is.
    pub(crate) async fn import(
        &self,
        application: &str,
        participant: &str,
        scheme: SignatureScheme,
        bytes: &[u8],
    ) -> Result<bool, Problem> {
        SigningKey::from_bytes(scheme, bytes).map_err(|error| Problem::invalid(error.to_string()))?;
        self.keep(&place(application, participant, scheme), scheme, bytes).await
    }

    async fn keep(&self, place: &str, scheme: SignatureScheme, bytes: &[u8]) -> Result<bool, Problem> {
        let trouble = |error: String| {
            tracing::error!(place, error, "a key in trust is not kept");
            Problem::trouble("the node cannot keep a key now")
        };
        let sealed = self.master.seal(PURPOSE, place.as_bytes(), bytes);
        let sealed = hex::encode(sealed.map_err(|error| trouble(error.to_string()))?);
        self.records.add(place, &Sealed { scheme, sealed }).await.map_err(|error| trouble(error.to_string()))
    }

    /// Forgets all keys of an application.
    pub(crate) async fn remove_all(&self, application: &str) -> Result<(), crate::records::RecordError> {
        let prefix = format!("{FOLDER}{application}/");
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|place, _| !place.starts_with(&prefix));
        for (rest, _) in self.records.all::<Sealed>(&prefix).await? {
            let place = format!("{prefix}{rest}");
            self.records.remove(&certificate_place(&place)).await?;
            self.records.remove(&place).await?;
        }
        Ok(())
    }
}

fn place(application: &str, participant: &str, scheme: SignatureScheme) -> String {
    let scheme = serde_json::to_value(scheme).ok();
    let scheme = scheme.as_ref().and_then(|scheme| scheme.as_str()).unwrap_or_default();
    format!("{FOLDER}{application}/{participant}/{scheme}")
}

/// Where the certificate of the key at this place is.
fn certificate_place(place: &str) -> String {
    format!("{CERTIFICATES}{}", place.strip_prefix(FOLDER).unwrap_or(place))
}

/// Whether a certificate is not too large to be kept.
pub(crate) fn check_certificate(certificate: &[u8]) -> Result<(), Problem> {
    if certificate.len() > MAX_CERTIFICATE {
        return Err(Problem::invalid(format!("certificate: at most {MAX_CERTIFICATE} bytes")));
    }
    Ok(())
}

/// The public point of a certificate: SEC1, uncompressed.
pub(crate) fn point_of(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    info.subject_public_key.as_bytes().map(<[u8]>::to_vec)
}

/// 32 random bytes that are a key of the scheme.
fn new_key(scheme: SignatureScheme) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    for _ in 0..64 {
        getrandom::fill(&mut *bytes).ok()?;
        if SigningKey::from_bytes(scheme, &*bytes).is_ok() {
            return Some(bytes);
        }
    }
    None
}

/// Signs with one key in trust.
pub(crate) struct TrustSigner {
    pub(crate) key: TrustKey,
    /// Whether the adapter's descriptor says that it has digests signed (KEYS-15).
    pub(crate) signs_digests: bool,
}

impl TrustSigner {
    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }
}

#[async_trait]
impl Signer for TrustSigner {
    async fn sign(&self, request: &SignRequest) -> Result<Vec<Signature>, SignerError> {
        let own = self.key.public_key();
        let sign = |item: &adapter_spec::types::SignItem| {
            if item.key.point != own.point || item.key.scheme != own.scheme {
                return Err("the adapter asks for a signature by a key that is not yours".into());
            }
            if matches!(item.input, SigningInput::Digest(_)) && !self.signs_digests {
                return Err(
                    "the adapter asks to sign a bare digest and does not declare that it ever does".into()
                );
            }
            self.key.signing_key().sign(&item.input).map_err(SignerError::from)
        };
        request.items.iter().map(sign).collect()
    }
}
