//! EIP-712: the hash of typed data.
//!
//! The library resolves types into trees. A hostile set of types is deep or grows exponentially as a tree, so the
//! types are measured before the library sees them.

use std::collections::BTreeMap;

use alloy_dyn_abi::TypedData;
use serde::Deserialize;

use crate::InputError;

/// Bytes of JSON.
const MAX_JSON: usize = 1 << 20;
/// Types in one document.
const MAX_TYPES: usize = 128;
/// Members of all structures together, once each use of a structure is written out.
const MAX_MEMBERS: usize = 4096;
/// Structures in structures and arrays in arrays.
const MAX_DEPTH: usize = 16;
/// Bytes of a type's name.
const MAX_NAME: usize = 256;

#[derive(Deserialize)]
struct Types {
    types: BTreeMap<String, Vec<Member>>,
}

#[derive(Deserialize)]
struct Member {
    #[serde(rename = "type")]
    kind: String,
}

/// `keccak256(0x1901 ‖ domain separator ‖ hashStruct(message))`.
pub(crate) fn signing_hash(json: &str) -> Result<[u8; 32], InputError> {
    let refuse = |reason: String| InputError::TypedData(reason);
    if json.len() > MAX_JSON {
        return Err(refuse(format!("{} bytes, at most {MAX_JSON} are taken", json.len())));
    }
    // The library also takes a JSON string with the object inside, which would hide the types from the measure.
    if !json.trim_start().starts_with('{') {
        return Err(refuse("it is not a JSON object".into()));
    }
    let Types { types } = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    if types.len() > MAX_TYPES {
        return Err(refuse(format!("{} types, at most {MAX_TYPES} are taken", types.len())));
    }
    let mut known = BTreeMap::new();
    for name in types.keys() {
        members(name, &types, &mut known, 0).ok_or_else(|| {
            refuse(format!("the type {name:.40} is malformed, too deep, too large or recursive"))
        })?;
    }
    let data: TypedData = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    data.eip712_signing_hash().map(Into::into).map_err(|error| refuse(error.to_string()))
}

/// How many members the type has, written out; none when that is beyond a limit.
fn members<'a>(
    kind: &'a str,
    types: &'a BTreeMap<String, Vec<Member>>,
    known: &mut BTreeMap<&'a str, (usize, usize)>,
    depth: usize,
) -> Option<usize> {
    measure(kind, types, known, depth).map(|(members, _)| members)
}

/// The type's members, written out, and its depth.
fn measure<'a>(
    kind: &'a str,
    types: &'a BTreeMap<String, Vec<Member>>,
    known: &mut BTreeMap<&'a str, (usize, usize)>,
    depth: usize,
) -> Option<(usize, usize)> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '[' | ']' | ' ' | ':' | '.');
    if depth > MAX_DEPTH || kind.len() > MAX_NAME || !kind.chars().all(plain) {
        return None;
    }
    let (base, arrays) =
        kind.split_once('[').map_or((kind, 0), |(base, rest)| (base, 1 + rest.matches('[').count()));
    let Some(own) = types.get(base) else { return (arrays <= MAX_DEPTH).then_some((1, arrays)) };
    let (count, deep) = match known.get(base) {
        Some(measured) => *measured,
        None => {
            let mut count = 1_usize;
            let mut deep = 0;
            for member in own {
                let (more, deeper) = measure(&member.kind, types, known, depth + 1)?;
                count = count.checked_add(more).filter(|count| *count <= MAX_MEMBERS)?;
                deep = deep.max(deeper + 1);
            }
            known.insert(base, (count, deep));
            (count, deep)
        }
    };
    (deep + arrays <= MAX_DEPTH).then_some((count, deep + arrays))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of EIP-712 itself, with its published hash.
    const MAIL: &str = r#"{"types":{"EIP712Domain":[{"name":"name","type":"string"},{"name":"version","type":"string"},
        {"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}],
        "Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}],
        "Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person"},{"name":"contents","type":"string"}]},
        "primaryType":"Mail","domain":{"name":"Ether Mail","version":"1","chainId":1,
        "verifyingContract":"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"},
        "message":{"from":{"name":"Cow","wallet":"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
        "to":{"name":"Bob","wallet":"0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},"contents":"Hello, Bob!"}}"#;

    #[test]
    fn the_example_of_eip_712_has_its_published_hash() {
        let hash = signing_hash(MAIL).unwrap();
        assert_eq!(hex::encode(hash), "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
    }

    #[test]
    fn types_that_are_recursive_too_deep_or_exponential_are_refused_before_they_are_resolved() {
        let document = |types: String| {
            format!(r#"{{"types":{{{types}}},"primaryType":"T0","domain":{{}},"message":{{}}}}"#)
        };
        let member = |name: String, kinds: &[String]| {
            let members: Vec<_> = kinds
                .iter()
                .enumerate()
                .map(|(i, kind)| format!(r#"{{"name":"m{i}","type":"{kind}"}}"#))
                .collect();
            format!(r#""{name}":[{}]"#, members.join(","))
        };
        let chain = |length: usize, width: usize| {
            let types: Vec<_> =
                (0..length).map(|i| member(format!("T{i}"), &vec![format!("T{}", i + 1); width])).collect();
            document(types.join(","))
        };
        let recursive = document(member("T0".into(), &["T0[]".into()]));
        let arrays = document(member("T0".into(), &[format!("uint8{}", "[]".repeat(100))]));
        let tuples = document(member("T0".into(), &["((((uint8))))".into()]));
        for hostile in [recursive, arrays, tuples, chain(100, 1), chain(15, 2), "[".repeat(100_000)] {
            assert!(matches!(signing_hash(&hostile), Err(InputError::TypedData(_))), "{hostile:.200}");
        }
    }
}
