//! What an operator gets beside a component, in one file: certificate, evidence statement, proof of the log.
//!
//! A bundle without a log proof is a draft: it goes from certifier to certifier for their signatures, then to the log.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    dsse::{Envelope, EnvelopeError, Wire},
    json::{self, JsonError},
};

/// Bytes of a bundle's JSON, at most.
pub const MAX_BUNDLE_BYTES: usize = 1 << 20;
/// The `format` of a bundle.
pub const FORMAT: &str = "urn:berth:certificate-bundle:v1";
/// What follows a component's file name in the name of its bundle's file.
pub const FILE_SUFFIX: &str = ".certificate.json";

/// Certificate, evidence statement, log proof. Nothing of it is to be believed before admission has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The certificate's envelope.
    pub certificate: Envelope,
    /// The evidence statement's envelope.
    pub evidence: Envelope,
    /// The proof that the certificate's envelope is in the log: the text of a C2SP tlog-proof. None in a draft.
    pub log_proof: Option<String>,
}

/// Why bytes are no bundle.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Not the JSON of a bundle.
    #[error("not a certificate bundle: {0}")]
    Json(#[from] JsonError),
    /// Another format, or a later version of this one.
    #[error("the bundle's format is {found:?}, not {FORMAT:?}")]
    Format {
        /// What it is.
        found: String,
    },
    /// One of its envelopes does not decode.
    #[error("the bundle's {which}: {source}")]
    Envelope {
        /// Which.
        which: &'static str,
        /// Why.
        source: EnvelopeError,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBundle {
    format: String,
    certificate: Wire,
    evidence: Wire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_proof: Option<String>,
}

impl Bundle {
    /// Where the bundle of a file is: beside it, with [`FILE_SUFFIX`] after its whole name.
    #[must_use]
    pub fn path_beside(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(FILE_SUFFIX);
        path.into()
    }

    /// Where the bundle of a native plug-in is: beside the program that it is linked into, with the plug-in's name and
    /// [`FILE_SUFFIX`] after the program's. One program has several plug-ins, and each a certificate of its own.
    #[must_use]
    pub fn path_of_native(program: &Path, name: &str) -> PathBuf {
        Bundle::path_beside(&program.with_added_extension(name))
    }

    /// Reads a bundle's JSON.
    ///
    /// # Errors
    /// [`BundleError`]
    pub fn from_json(bytes: &[u8]) -> Result<Self, BundleError> {
        let wire: WireBundle = json::from_slice(bytes, MAX_BUNDLE_BYTES)?;
        if wire.format != FORMAT {
            return Err(BundleError::Format { found: wire.format });
        }
        let envelope = |which, wire: Wire| {
            Envelope::try_from(wire).map_err(|source| BundleError::Envelope { which, source })
        };
        Ok(Bundle {
            certificate: envelope("certificate", wire.certificate)?,
            evidence: envelope("evidence", wire.evidence)?,
            log_proof: wire.log_proof,
        })
    }

    /// Its JSON, for people too: indented, ending in a line feed.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let wire = WireBundle {
            format: FORMAT.to_owned(),
            certificate: self.certificate.clone().into(),
            evidence: self.evidence.clone().into(),
            log_proof: self.log_proof.clone(),
        };
        // Strings in structs always serialise.
        let mut bytes = serde_json::to_vec_pretty(&wire).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}
