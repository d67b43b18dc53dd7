//! Whether enough sealers signed a block. PBFT makes a block final at once, with the signatures of more than two thirds of the
//! sealers, by weight (FISCO BCOS `PBFTEngine::collectGarbage` and `BlockValidator::checkSignatureList`).

use adapter_sdk::{Imports, types::Error};
use alloy_primitives::hex;
use serde::{Deserialize, Serialize};

use crate::{crypto::Crypto, errors::corrupt, header::Header};

/// A node that signs blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealer {
    /// Its node id: 64 bytes, the public key's coordinates.
    #[serde(with = "node_id")]
    pub(crate) key: Vec<u8>,
    /// How much its signature counts.
    #[serde(default = "one")]
    pub(crate) weight: u64,
}

fn one() -> u64 {
    1
}

mod node_id {
    use alloy_primitives::hex;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(key))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase()) && !text.starts_with("0x");
        let key = hex::decode(&text).ok().filter(|key| key.len() == 64 && lower);
        key.ok_or_else(|| D::Error::custom("a sealer's `key` has 128 lower-case hexadecimal digits"))
    }
}

/// Checks that the sealers signed this header. `trusted`: whose signatures count; those that the header names where it is empty.
///
/// Every signature has to hold, also beyond the quorum. The first block has none: it is agreed on beforehand.
pub(crate) fn check(
    host: &dyn Imports,
    crypto: Crypto,
    trusted: &[Sealer],
    header: &Header,
    method: &str,
) -> Result<(), Error> {
    if header.number == 0 && trusted.is_empty() {
        return Ok(());
    }
    let named: Vec<Sealer>;
    let sealers = if trusted.is_empty() {
        named = header.named_sealers();
        &named
    } else {
        trusted
    };
    let mut signed = vec![false; sealers.len()];
    for (index, signature) in &header.signatures {
        let key = usize::try_from(*index).ok().and_then(|index| header.sealers.get(index));
        let key =
            key.ok_or_else(|| corrupt(method, "a signature by a sealer that the block does not name"))?;
        let Some(place) = sealers.iter().position(|sealer| sealer.key == *key) else {
            return Err(corrupt(
                method,
                format!(
                    "block {} is signed by {}, who is none of the trusted sealers",
                    header.number,
                    hex::encode(key)
                ),
            ));
        };
        let half = signature.get(..64).unwrap_or_default();
        if !crypto.verifies(host, key, &header.preimage, half) {
            return Err(corrupt(
                method,
                format!("block {}: the signature of sealer {index} does not verify", header.number),
            ));
        }
        if let Some(signed) = signed.get_mut(place) {
            *signed = true;
        }
    }
    let total: u128 = sealers.iter().map(|sealer| u128::from(sealer.weight)).sum();
    let reached: u128 = sealers
        .iter()
        .zip(&signed)
        .filter(|(_, signed)| **signed)
        .map(|(sealer, _)| u128::from(sealer.weight))
        .sum();
    if reached * 3 > total * 2 {
        return Ok(());
    }
    Err(corrupt(
        method,
        format!(
            "block {} has signatures of weight {reached} of {total}, no more than two thirds: see the setting `sealers`",
            header.number
        ),
    ))
}
