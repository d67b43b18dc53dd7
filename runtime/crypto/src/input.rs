//! From what is signed to the 32 bytes that the curve's arithmetic sees.

use adapter_spec::types::{HashAlgorithm, SignatureScheme, SigningInput};
use thiserror::Error;

use crate::{
    hash,
    sm2_identity::{DEFAULT_SM2_ID, message_digest},
    typed_data,
};

/// Why an input cannot be signed or verified with a scheme.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InputError {
    /// The scheme has no such input.
    #[error("{scheme:?} does not sign {input}; use an input that the scheme knows")]
    OtherScheme {
        /// The key's scheme.
        scheme: SignatureScheme,
        /// The kind of input.
        input: &'static str,
    },
    /// A digest is 32 bytes.
    #[error("a digest has 32 bytes, not {0}")]
    DigestLength(usize),
    /// The id's length in bits must fit 16 bits.
    #[error("an SM2 user id has at most 8191 bytes, not {0}")]
    Sm2IdLength(usize),
    /// The JSON is no EIP-712 typed data, or larger or deeper than is taken.
    #[error("the typed data cannot be hashed: {0}")]
    TypedData(String),
}

/// The digest that a signature of `scheme` over `input` is made of. `point` is the signer's, SEC1 uncompressed: SM2
/// hashes it along.
pub(crate) fn digest(
    scheme: SignatureScheme,
    point: &[u8],
    input: &SigningInput,
) -> Result<[u8; 32], InputError> {
    let other = |input| Err(InputError::OtherScheme { scheme, input });
    match (scheme, input) {
        (_, SigningInput::Digest(digest)) => {
            digest.as_slice().try_into().map_err(|_| InputError::DigestLength(digest.len()))
        }
        (SignatureScheme::Sm2Sm3, SigningInput::Message(data)) => message_digest(DEFAULT_SM2_ID, point, data),
        (SignatureScheme::Sm2Sm3, SigningInput::Sm2(message)) => {
            message_digest(&message.id, point, &message.data)
        }
        (SignatureScheme::EcdsaSecp256k1Keccak256, SigningInput::Message(data)) => {
            Ok(hash(HashAlgorithm::Keccak256, data))
        }
        (SignatureScheme::EcdsaSecp256k1Keccak256, SigningInput::TypedData(json)) => {
            typed_data::signing_hash(json)
        }
        (
            SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaSecp256k1Sha256Canonical,
            SigningInput::Message(data),
        ) => Ok(hash(HashAlgorithm::Sha256, data)),
        (_, SigningInput::Sm2(_)) => other("an SM2 message"),
        (_, SigningInput::TypedData(_)) => other("typed data"),
    }
}
