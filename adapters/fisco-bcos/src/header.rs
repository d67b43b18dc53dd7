//! Block headers, and the bytes that hash to a block's hash.
//!
//! 2.x: RLP of parent, state, transactions, receipts and database roots, bloom, number, gas limit, gas used, time, extra data, sealer's
//! index, sealers (`libethcore/BlockHeader.cpp`, `streamRLPFields`). 3.x: the fields one after the other, integers big-endian
//! (`bcos-tars-protocol/impl/TarsHashable.h`). The signatures are outside in both.

use adapter_sdk::{
    Imports,
    types::{BlockRef, Error, HashAlgorithm, HeaderPreimage},
};
use alloy_primitives::{B256, Bloom, Bytes, U256, hex};
use alloy_rlp::{Decodable as _, Encodable as _, RlpDecodable, RlpEncodable};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    crypto::Crypto,
    errors::{corrupt, invalid},
    number::{self, Number},
    quorum::Sealer,
    settings::Generation,
};

/// The most sealers of a block that are looked at.
const MAX_SEALERS: usize = 1000;
/// The longest extra data of a header, bytes: the first block holds the chain's configuration.
const MAX_EXTRA: usize = 1 << 20;

/// A block's header, whichever generation it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Height.
    pub(crate) number: u64,
    /// What the node says it hashes to; checked by [`Header::check`].
    pub(crate) hash: B256,
    /// Hash of the block before; of the first block what stands there.
    pub(crate) parent: Vec<u8>,
    /// Milliseconds since 1970.
    pub(crate) timestamp: u64,
    /// What hashes to `hash`.
    pub(crate) preimage: Vec<u8>,
    /// The fields behind the preimage, as proofs carry them: RLP.
    pub(crate) fields: Vec<u8>,
    /// Over the transactions.
    pub(crate) transactions_root: B256,
    /// Over the receipts.
    pub(crate) receipts_root: B256,
    /// Node ids.
    pub(crate) sealers: Vec<Vec<u8>>,
    /// What each sealer's signature counts; empty: one each.
    pub(crate) weights: Vec<u64>,
    /// By index of the sealer.
    pub(crate) signatures: Vec<(u64, Vec<u8>)>,
}

/// Hexadecimal with or without `0x`.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text).map(Hex).map_err(|_| D::Error::custom("hexadecimal"))
    }
}

fn plain(list: Vec<Hex>) -> Vec<Bytes> {
    list.into_iter().map(|Hex(bytes)| bytes.into()).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json2 {
    hash: B256,
    parent_hash: B256,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    db_hash: B256,
    logs_bloom: Bloom,
    #[serde(deserialize_with = "number::small")]
    number: u64,
    gas_limit: Number,
    gas_used: Number,
    #[serde(deserialize_with = "number::small")]
    timestamp: u64,
    extra_data: Vec<Hex>,
    sealer: Number,
    sealer_list: Vec<Hex>,
    #[serde(default)]
    signature_list: Vec<Signature2>,
}

#[derive(Deserialize)]
struct Signature2 {
    #[serde(deserialize_with = "number::small")]
    index: u64,
    signature: Hex,
}

/// A header of 2.x, in the order that is hashed.
#[derive(Clone, Debug, RlpEncodable, RlpDecodable)]
struct Fields2 {
    parent: B256,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    database: B256,
    bloom: Bloom,
    number: u64,
    gas_limit: U256,
    gas_used: U256,
    timestamp: u64,
    extra: Vec<Bytes>,
    sealer: U256,
    sealers: Vec<Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json3 {
    hash: B256,
    version: u32,
    parent_info: Vec<Parent3>,
    txs_root: B256,
    receipts_root: B256,
    state_root: B256,
    number: u64,
    gas_used: String,
    timestamp: u64,
    sealer: u64,
    sealer_list: Vec<Hex>,
    extra_data: Hex,
    #[serde(default)]
    consensus_weights: Vec<u64>,
    #[serde(default)]
    signature_list: Vec<Signature3>,
}

#[derive(Clone, Debug, Deserialize, RlpEncodable, RlpDecodable)]
#[serde(rename_all = "camelCase")]
struct Parent3 {
    block_number: u64,
    block_hash: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signature3 {
    sealer_index: u64,
    signature: Hex,
}

/// A header of 3.x, in the order that is hashed.
#[derive(Clone, Debug, RlpEncodable, RlpDecodable)]
struct Fields3 {
    version: u32,
    parents: Vec<Parent3>,
    transactions_root: B256,
    receipts_root: B256,
    state_root: B256,
    number: u64,
    gas_used: String,
    timestamp: u64,
    sealer: u64,
    sealers: Vec<Bytes>,
    extra: Bytes,
    weights: Vec<u64>,
}

impl Fields3 {
    fn preimage(&self) -> Vec<u8> {
        let mut out = self.version.to_be_bytes().to_vec();
        for parent in &self.parents {
            out.extend(parent.block_number.to_be_bytes());
            out.extend(parent.block_hash);
        }
        if !self.is_first_as_made() {
            for root in [&self.transactions_root, &self.receipts_root, &self.state_root] {
                out.extend(root);
            }
        }
        out.extend(self.number.to_be_bytes());
        out.extend(self.gas_used.as_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.sealer.to_be_bytes());
        self.sealers.iter().for_each(|sealer| out.extend(sealer));
        out.extend(&self.extra);
        self.weights.iter().for_each(|weight| out.extend(weight.to_be_bytes()));
        out
    }

    /// The first block is hashed before its roots and its gas are set; shown, they are zero.
    fn is_first_as_made(&self) -> bool {
        let roots = [self.transactions_root, self.receipts_root, self.state_root];
        self.number == 0 && self.gas_used.is_empty() && roots.iter().all(B256::is_zero)
    }

    /// The preimage has no lengths in it. With these bounds its fields can be cut in one way only.
    fn is_sound(&self) -> bool {
        let parents = match (self.parents.as_slice(), self.number) {
            ([], 0) => true,
            ([parent], 1..) => parent.block_number == self.number - 1,
            _ => false,
        };
        let digits = !self.gas_used.is_empty() && self.gas_used.bytes().all(|b| b.is_ascii_digit());
        let gas = digits || self.is_first_as_made();
        parents && gas && (self.weights.is_empty() || self.weights.len() == self.sealers.len())
    }
}

impl Header {
    /// Reads the node's JSON. The hash is not checked yet.
    pub(crate) fn from_json(
        generation: Generation,
        json: &serde_json::Value,
        method: &str,
    ) -> Result<Self, Error> {
        let malformed = |_| corrupt(method, "not a block");
        let header = match generation {
            Generation::Two => {
                let json = Json2::deserialize(json).map_err(malformed)?;
                let fields = Fields2 {
                    parent: json.parent_hash,
                    state_root: json.state_root,
                    transactions_root: json.transactions_root,
                    receipts_root: json.receipts_root,
                    database: json.db_hash,
                    bloom: json.logs_bloom,
                    number: json.number,
                    gas_limit: json.gas_limit.0,
                    gas_used: json.gas_used.0,
                    timestamp: json.timestamp,
                    extra: plain(json.extra_data),
                    sealer: json.sealer.0,
                    sealers: plain(json.sealer_list),
                };
                let signatures = json.signature_list.into_iter().map(|one| (one.index, one.signature.0));
                Header::of_two(&fields, json.hash, signatures.collect())
            }
            Generation::Three => {
                let json = Json3::deserialize(json).map_err(malformed)?;
                let mut fields = Fields3 {
                    version: json.version,
                    parents: json.parent_info,
                    transactions_root: json.txs_root,
                    receipts_root: json.receipts_root,
                    state_root: json.state_root,
                    number: json.number,
                    gas_used: json.gas_used,
                    timestamp: json.timestamp,
                    sealer: json.sealer,
                    sealers: plain(json.sealer_list),
                    extra: json.extra_data.0.into(),
                    weights: json.consensus_weights,
                };
                if fields.number == 0 && fields.gas_used == "0" {
                    fields.gas_used.clear();
                }
                if !fields.is_sound() {
                    return Err(corrupt(method, "a header whose fields contradict each other"));
                }
                let signatures =
                    json.signature_list.into_iter().map(|one| (one.sealer_index, one.signature.0));
                Header::of_three(&fields, json.hash, signatures.collect())
            }
        };
        if header.sealers.len() > MAX_SEALERS || header.preimage.len() > MAX_EXTRA {
            return Err(corrupt(method, "a header that is larger than headers are"));
        }
        Ok(header)
    }

    /// Reads the fields that a proof carries; the hash is what they hash to.
    pub(crate) fn from_fields(
        host: &dyn Imports,
        generation: Generation,
        crypto: Crypto,
        bytes: &[u8],
        signatures: Vec<(u64, Vec<u8>)>,
    ) -> Option<Self> {
        let mut rest = bytes;
        let mut header = match generation {
            Generation::Two => Header::of_two(&Fields2::decode(&mut rest).ok()?, B256::ZERO, signatures),
            Generation::Three => {
                let fields = Fields3::decode(&mut rest).ok().filter(Fields3::is_sound)?;
                Header::of_three(&fields, B256::ZERO, signatures)
            }
        };
        header.hash = crypto.hash(host, &header.preimage);
        // Only one encoding stands for these fields.
        (rest.is_empty() && header.fields == bytes).then_some(header)
    }

    fn of_two(fields: &Fields2, hash: B256, signatures: Vec<(u64, Vec<u8>)>) -> Self {
        let preimage = alloy_rlp::encode(fields);
        Header {
            number: fields.number,
            hash,
            parent: fields.parent.to_vec(),
            timestamp: fields.timestamp,
            fields: preimage.clone(),
            preimage,
            transactions_root: fields.transactions_root,
            receipts_root: fields.receipts_root,
            sealers: fields.sealers.iter().map(|key| key.to_vec()).collect(),
            weights: Vec::new(),
            signatures,
        }
    }

    fn of_three(fields: &Fields3, hash: B256, signatures: Vec<(u64, Vec<u8>)>) -> Self {
        Header {
            number: fields.number,
            hash,
            parent: fields.parents.first().map(|parent| parent.block_hash.to_vec()).unwrap_or_default(),
            timestamp: fields.timestamp,
            fields: alloy_rlp::encode(fields),
            preimage: fields.preimage(),
            transactions_root: fields.transactions_root,
            receipts_root: fields.receipts_root,
            sealers: fields.sealers.iter().map(|key| key.to_vec()).collect(),
            weights: fields.weights.clone(),
            signatures,
        }
    }

    /// The sealers that the block itself names.
    pub(crate) fn named_sealers(&self) -> Vec<Sealer> {
        let weight = |place: usize| self.weights.get(place).copied().unwrap_or(1);
        let sealer = |(place, key): (usize, &Vec<u8>)| Sealer { key: key.clone(), weight: weight(place) };
        self.sealers.iter().enumerate().map(sealer).collect()
    }

    /// Checks that the bytes hash to the hash that the node says.
    pub(crate) fn check(&self, host: &dyn Imports, crypto: Crypto, method: &str) -> Result<(), Error> {
        if crypto.hash(host, &self.preimage) == self.hash {
            return Ok(());
        }
        if crypto.other().hash(host, &self.preimage) == self.hash {
            return Err(invalid(format!(
                "the setting `crypto` is {}, but the node's blocks are hashed as on a chain with {}",
                crypto.name(),
                crypto.other().name()
            )));
        }
        Err(corrupt(method, format!("block {} does not hash to {}", self.number, self.hash)))
    }

    /// Number and hash.
    pub(crate) fn reference(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash.to_vec() }
    }

    /// For whoever wants to check the hash.
    pub(crate) fn preimage(&self, algorithm: HashAlgorithm) -> HeaderPreimage {
        HeaderPreimage { bytes: self.preimage.clone(), hash: algorithm, number_prefix: false }
    }
}

/// A block: its header and the ids of its transactions in order.
#[derive(Clone, Debug)]
pub(crate) struct Chained {
    /// Its header.
    pub(crate) header: Header,
    /// Its transactions.
    pub(crate) transactions: Vec<B256>,
}

impl Chained {
    /// Reads the node's JSON of a block with transactions by id; the signatures may come apart.
    pub(crate) fn from_json(
        generation: Generation,
        json: &serde_json::Value,
        signed: Option<&serde_json::Value>,
        method: &str,
    ) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Transactions {
            transactions: Vec<B256>,
        }
        let mut header = Header::from_json(generation, json, method)?;
        if let Some(signed) = signed {
            let signed = Header::from_json(generation, signed, method)?;
            if signed.preimage != header.preimage || signed.hash != header.hash {
                return Err(corrupt(method, "two answers about one block that differ"));
            }
            header.signatures = signed.signatures;
        }
        let listed =
            Transactions::deserialize(json).map_err(|_| corrupt(method, "a block without transactions"))?;
        Ok(Chained { header, transactions: listed.transactions })
    }
}

/// RLP of an index, as it stands before a leaf of 2.x's trees.
pub(crate) fn index_bytes(index: u64) -> Vec<u8> {
    let mut out = Vec::new();
    index.encode(&mut out);
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use berth_crypto::NothingLent;
    use proptest::{prelude::*, strategy::Strategy};

    use super::*;
    use crate::testing::changed;

    /// The fields of any header as a proof carries them, with its generation.
    pub(crate) fn fields() -> impl Strategy<Value = (Generation, Vec<u8>)> {
        let keys = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 64), 0..4);
        let numbers = any::<(u64, u64, u64, u64, u32)>();
        (any::<[[u8; 32]; 5]>(), numbers, keys, any::<Vec<Vec<u8>>>(), any::<bool>()).prop_map(
            |(hashes, (number, gas, timestamp, sealer, version), keys, extra, three)| {
                let [parent, transactions_root, receipts_root, state_root, database] = hashes.map(B256::from);
                let sealers: Vec<Bytes> = keys.into_iter().map(Bytes::from).collect();
                if three {
                    let parents = number.checked_sub(1);
                    let parents = parents.map(|block_number| Parent3 { block_number, block_hash: parent });
                    let fields = Fields3 {
                        version,
                        parents: parents.into_iter().collect(),
                        transactions_root,
                        receipts_root,
                        state_root,
                        number,
                        gas_used: gas.to_string(),
                        timestamp,
                        sealer,
                        weights: if gas % 2 == 0 { Vec::new() } else { vec![gas; sealers.len()] },
                        sealers,
                        extra: extra.concat().into(),
                    };
                    return (Generation::Three, alloy_rlp::encode(fields));
                }
                let fields = Fields2 {
                    parent,
                    state_root,
                    transactions_root,
                    receipts_root,
                    database,
                    bloom: Bloom::repeat_byte(hashes[0][0]),
                    number,
                    gas_limit: U256::from(gas),
                    gas_used: U256::from(version),
                    timestamp,
                    extra: extra.into_iter().map(Bytes::from).collect(),
                    sealer: U256::from(sealer),
                    sealers,
                };
                (Generation::Two, alloy_rlp::encode(fields))
            },
        )
    }

    fn read(generation: Generation, bytes: &[u8]) -> Option<Header> {
        Header::from_fields(&NothingLent, generation, Crypto::Sm, bytes, Vec::new())
    }

    proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written_and_a_changed_one_has_another_hash(
            (generation, bytes) in fields(), place: usize, bit: u8,
        ) {
            let header = read(generation, &bytes).unwrap();
            prop_assert_eq!(&header.fields, &bytes);
            prop_assert!(header.check(&NothingLent, Crypto::Sm, "").is_ok());
            prop_assert_eq!(read(generation, &bytes[..bytes.len() - 1]), None);
            if let Some(other) = read(generation, &changed(&bytes, place, bit)) {
                prop_assert_ne!(other.hash, header.hash);
            }
        }

        #[test]
        fn any_bytes_are_a_header_or_none(bytes: Vec<u8>) {
            let _ = (read(Generation::Two, &bytes), read(Generation::Three, &bytes));
        }
    }
}
