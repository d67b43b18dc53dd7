//! What a test bed file of the FISCO BCOS adapter (`adapters/fisco-bcos/conformance`) leaves open, of a node that serves.

use std::collections::BTreeMap;

use adapter_spec::types::SignatureScheme;
use alloy_primitives::hex;
use berth_crypto::SigningKey;
use serde_json::json;

use super::{FiscoNode, Generation, ServedFisco};
use crate::suite::Suite;

/// The secret of the first party of the test bed files.
const FIRST_PARTY: [u8; 32] = [0x11; 32];

/// The places of the test bed file, by name; none of a node with fewer than two groups.
#[must_use]
pub fn places(node: &FiscoNode, served: &ServedFisco) -> Option<BTreeMap<String, String>> {
    let config = node.config();
    let number = match config.generation {
        Generation::Two => 2,
        Generation::Three => 3,
    };
    let (crypto, scheme, signs, other, probe) = match config.suite {
        Suite::Standard => (
            "standard",
            "ecdsa-secp256k1-keccak256",
            SignatureScheme::EcdsaSecp256k1Keccak256,
            "sm2-sm3",
            "Probe.json",
        ),
        Suite::Sm => ("sm", "sm2-sm3", SignatureScheme::Sm2Sm3, "ecdsa-secp256k1-keccak256", "Probe.sm.json"),
    };
    let [group, elsewhere] = config.groups.first_chunk()?;
    let anchor = |group: &str, keys: &[Vec<u8>]| {
        let sealers: Vec<_> = keys.iter().map(|key| json!({"key": hex::encode(key)})).collect();
        let anchor = json!({
            "generation": number, "crypto": crypto, "chain": config.chain_id, "group": group, "sealers": sealers,
        });
        hex::encode(anchor.to_string())
    };
    let sealers = node.group(group)?.sealer_ids();
    let stranger = vec![vec![7; 64]; sealers.len()];
    let key = SigningKey::from_bytes(signs, &FIRST_PARTY).ok()?.public_key();
    let point = key.point.get(1..).unwrap_or_default();
    let program = std::env::current_exe().ok()?;
    let places = [
        ("node", served.rpc.url.clone()),
        ("controls", served.controls.url.clone()),
        ("crypto", crypto.to_owned()),
        ("scheme", scheme.to_owned()),
        ("other-scheme", other.to_owned()),
        ("probe", probe.to_owned()),
        ("point", hex::encode(&key.point)),
        ("account", format!("{:#x}", config.suite.address(point))),
        ("anchor", anchor(group, &sealers)),
        ("stranger", anchor(group, &stranger)),
        ("elsewhere", anchor(elsewhere, &sealers)),
        ("version", "FISCO-like".to_owned()),
        // The node runs in this very program.
        ("program", program.to_string_lossy().into_owned()),
    ];
    Some(places.map(|(name, value)| (name.to_owned(), value)).into())
}
