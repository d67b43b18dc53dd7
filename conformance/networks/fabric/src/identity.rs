//! Who signs: the keys and certificates that `cryptogen` made.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p256::{elliptic_curve::sec1::ToSec1Point as _, pkcs8::DecodePrivateKey as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::process::{NetworkError, read};

/// An identity of an organisation; a test's, whose key is worth nothing.
#[derive(Clone)]
pub struct Identity {
    /// The membership service provider's id.
    pub msp: String,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// The key: 32 bytes, P-256, hexadecimal.
    pub secret: Zeroizing<String>,
    /// The public key, SEC1 uncompressed, 65 bytes.
    pub point: Vec<u8>,
    /// Its MSP folder, for the `peer` command.
    pub folder: PathBuf,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("account", &self.account()).finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the MSP folder of somebody.
    pub(crate) fn read(msp: &str, folder: PathBuf) -> Result<Identity, NetworkError> {
        let path = only_file(&folder.join("signcerts"))?;
        let certificate_pem = String::from_utf8_lossy(&read(&path)?).into_owned();
        let certificate = der(&certificate_pem).ok_or(NetworkError::Content { path, what: "certificate" })?;
        let path = only_file(&folder.join("keystore"))?;
        let key = Zeroizing::new(read(&path)?);
        let key = std::str::from_utf8(&key).ok().and_then(|pem| p256::SecretKey::from_pkcs8_pem(pem).ok());
        let key = key.ok_or(NetworkError::Content { path, what: "P-256 key" })?;
        let secret = Zeroizing::new(hex::encode(key.to_bytes()));
        let point = key.public_key().to_sec1_point(false).as_bytes().to_vec();
        Ok(Identity { msp: msp.into(), certificate_pem, certificate, secret, point, folder })
    }

    /// The account, as the conformance probe names it: the MSP's id, a slash, SHA-256 of the certificate's DER.
    #[must_use]
    pub fn account(&self) -> String {
        format!("{}/{}", self.msp, hex::encode(Sha256::digest(&self.certificate)))
    }
}

fn only_file(folder: &Path) -> Result<PathBuf, NetworkError> {
    let missing = || NetworkError::Content { path: folder.into(), what: "file" };
    let mut files = fs::read_dir(folder).map_err(|_| missing())?;
    files.find_map(Result::ok).map(|file| file.path()).ok_or_else(missing)
}

/// The bytes of the first block of a PEM text.
fn der(pem: &str) -> Option<Vec<u8>> {
    let lines = pem.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let body: String = lines.take_while(|line| !line.starts_with("-----END")).map(str::trim).collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}
