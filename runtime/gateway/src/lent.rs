//! What an application is lent and nobody may see: headers of endpoints, keys of client certificates, service keys. Kept sealed,
//! apart from the application's record, and never shown again.

use std::{collections::BTreeMap, fmt, sync::Arc};

use adapter_spec::types::SignatureScheme;
use berth_crypto::SigningKey;
use berth_identity::MasterKey;
use berth_lending::ServiceKey;
use serde::{Deserialize, Serialize};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    problem::Problem,
    records::{RecordError, Records},
};

const FOLDER: &str = "node/lent/";
/// What they are sealed for.
const PURPOSE: &str = "lent secrets";

/// A text that nobody may see. Wiped from memory when dropped; `Debug` hides it.
#[derive(Clone, Default, Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// From its text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text, which is wiped from memory when it is dropped.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

/// Of one endpoint.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointSecrets {
    /// Headers that go with each request, e.g. `authorization`; they win over an adapter's.
    pub headers: BTreeMap<String, Secret>,
    /// The private key of the order's client certificate, PKCS#8 in PEM.
    pub client_key_pem: Option<Secret>,
}

/// A key of the operator's that the adapter may have signed with, under a name of its descriptor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceKeySecret {
    /// The descriptor's name for it.
    pub name: String,
    /// How it signs.
    pub scheme: SignatureScheme,
    /// 32 bytes, hexadecimal; of P-256 also PKCS#8 in PEM.
    pub secret: Secret,
    /// Its X.509 certificate, DER, hexadecimal, where the framework has certificates.
    #[serde(default)]
    pub certificate: Option<String>,
}

/// All secrets that an application is lent.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LentSecrets {
    /// Of the order's endpoints, by their place there.
    pub endpoints: BTreeMap<usize, EndpointSecrets>,
    /// Service keys.
    pub service_keys: Vec<ServiceKeySecret>,
}

impl LentSecrets {
    fn is_empty(&self) -> bool {
        self.endpoints.is_empty() && self.service_keys.is_empty()
    }

    /// The service keys, for the lender.
    ///
    /// # Errors
    /// Which is none.
    pub fn keys(&self) -> Result<Vec<ServiceKey>, Problem> {
        let key = |kept: &ServiceKeySecret| {
            let wrong = |what: &str| Problem::invalid(format!("service key {:?}: {what}", kept.name));
            let key = if kept.secret.0.contains("-----BEGIN") {
                SigningKey::from_pem(kept.scheme, &kept.secret.0)
            } else {
                SigningKey::from_hex(kept.scheme, &kept.secret.0)
            };
            let certificate = kept.certificate.as_ref().map(hex::decode).transpose();
            Ok(ServiceKey {
                name: kept.name.clone(),
                key: key.map_err(|error| wrong(&error.to_string()))?,
                certificate: certificate.map_err(|_| wrong("its certificate is not hexadecimal"))?,
            })
        };
        self.service_keys.iter().map(key).collect()
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Hexadecimal.
    sealed: String,
}

fn trouble(id: &str, what: &str) -> Problem {
    tracing::error!(application = id, what, "what an application is lent");
    Problem::trouble("the node cannot use the secrets that the application is lent; tell its operator")
}

/// Keeps them under the application's id.
pub(crate) async fn keep(
    records: &Records,
    master: &MasterKey,
    id: &str,
    secrets: &LentSecrets,
) -> Result<(), Problem> {
    if secrets.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_vec(secrets).map(Zeroizing::new);
    let json = json.map_err(|error| trouble(id, &error.to_string()))?;
    let sealed =
        master.seal(PURPOSE, id.as_bytes(), &json).map_err(|error| trouble(id, &error.to_string()))?;
    let sealed = Sealed { sealed: hex::encode(sealed) };
    records.put(&format!("{FOLDER}{id}"), &sealed).await.map_err(|error| trouble(id, &error.to_string()))
}

/// Those of all applications that have any, by id, each as it opens. One scan: most applications have none.
pub(crate) async fn all(
    records: &Records,
    master: &MasterKey,
) -> Result<BTreeMap<String, Result<Arc<LentSecrets>, Problem>>, RecordError> {
    let kept = records.all::<Sealed>(FOLDER).await?;
    Ok(kept.into_iter().map(|(id, sealed)| (id.clone(), open(master, &id, &sealed))).collect())
}

fn open(master: &MasterKey, id: &str, kept: &Sealed) -> Result<Arc<LentSecrets>, Problem> {
    let sealed = hex::decode(&kept.sealed).map_err(|_| trouble(id, "it is not hexadecimal"))?;
    let json =
        master.open(PURPOSE, id.as_bytes(), &sealed).map_err(|error| trouble(id, &error.to_string()))?;
    // What does not decode is not quoted: it may be the secret itself.
    serde_json::from_slice(&json).map(Arc::new).map_err(|_| trouble(id, "it does not decode"))
}

/// Forgets those of an application.
pub(crate) async fn remove(records: &Records, id: &str) -> Result<(), RecordError> {
    records.remove(&format!("{FOLDER}{id}")).await
}
