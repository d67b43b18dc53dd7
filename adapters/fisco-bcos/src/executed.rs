//! What the node says became of a transaction, and the bytes of it that stand behind the receipts' root.

use adapter_sdk::{Imports, types::Error};
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, hex};
use alloy_rlp::{Decodable as _, RlpDecodable, RlpEncodable};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    crypto::Crypto,
    errors::corrupt,
    merkle::{self, Level},
    number::{self, Number},
    settings::Generation,
    transaction::shown,
};

/// The most logs of one receipt that are looked at.
const MAX_LOGS: usize = 65_536;

/// One log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// The contract, as FISCO BCOS writes it.
    pub(crate) contract: String,
    /// At most four.
    pub(crate) topics: Vec<B256>,
    /// What is not indexed.
    pub(crate) data: Bytes,
}

/// What a receipt says that its root stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// 0 where it had its effect.
    pub(crate) status: u64,
    /// What the contract gave back.
    pub(crate) output: Bytes,
    /// What it announced.
    pub(crate) logs: Vec<Log>,
    /// Gas, decimal.
    pub(crate) gas_used: String,
    /// The contract that it made.
    pub(crate) created: Option<String>,
}

/// The node's receipt.
#[derive(Clone, Debug)]
pub(crate) struct Executed {
    /// The transaction that the node says it is of.
    pub(crate) transaction: B256,
    /// The block's height.
    pub(crate) number: u64,
    /// The block's hash, where the receipt has it.
    pub(crate) block: Option<B256>,
    /// Place in the block, where the receipt has it.
    pub(crate) index: Option<u64>,
    /// What happened.
    pub(crate) facts: Facts,
    /// The forms that the chain may have hashed: versions of the node differ.
    pub(crate) forms: Vec<Form>,
    /// To the root; none where the node gave none.
    path: Option<Path>,
}

#[derive(Clone, Debug)]
enum Path {
    Two(Vec<Level>),
    /// Cut into levels when the index is known.
    Three(Vec<String>),
}

/// A receipt as proofs carry it, in one form that the chain may have hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// 2.x before 2.9.
    Two(Receipt2),
    /// 2.x from 2.9 on: with the gas that remained.
    TwoNine(Receipt29),
    /// 3.x.
    Three(Receipt3),
}

#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Log2 {
    contract: Address,
    topics: Vec<B256>,
    data: Bytes,
}

/// `libethcore/TransactionReceipt.cpp`.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Receipt2 {
    root: B256,
    gas_used: U256,
    created: Address,
    bloom: Bloom,
    status: u64,
    output: Bytes,
    logs: Vec<Log2>,
}

#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Receipt29 {
    root: B256,
    gas_used: U256,
    created: Address,
    bloom: Bloom,
    status: u64,
    output: Bytes,
    gas_left: U256,
    logs: Vec<Log2>,
}

#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Log3 {
    contract: String,
    topics: Vec<B256>,
    data: Bytes,
}

/// `bcos-tars-protocol/tars/TransactionReceipt.tars`.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Receipt3 {
    version: u32,
    gas_used: String,
    created: String,
    status: u32,
    output: Bytes,
    gas_price: String,
    logs: Vec<Log3>,
    number: u64,
}

impl Receipt3 {
    /// The hash has no lengths between the fields, and of version 0 not the gas price. With these bounds the fields before the output can be
    /// cut in one way only, and nothing stands in a receipt that its hash does not cover.
    fn is_sound(&self) -> bool {
        let digits = |text: &str| text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
        let address = |text: &str| {
            let digits = text.strip_prefix("0x").unwrap_or(text);
            digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit())
        };
        digits(&self.gas_used)
            && (self.created.is_empty() || address(&self.created))
            && (self.version >= 1 || self.gas_price.is_empty())
    }

    fn hashed_bytes(&self) -> Vec<u8> {
        let mut out = self.version.to_be_bytes().to_vec();
        out.extend(self.gas_used.as_bytes());
        out.extend(self.created.as_bytes());
        out.extend(self.status.to_be_bytes());
        out.extend(&self.output);
        if self.version >= 1 {
            out.extend(self.gas_price.as_bytes());
        }
        for log in &self.logs {
            out.extend(log.contract.as_bytes());
            log.topics.iter().for_each(|topic| out.extend(topic));
            out.extend(&log.data);
        }
        out.extend(self.number.to_be_bytes());
        out
    }
}

/// A contract's address as it is written everywhere; none for the zero address or nothing.
fn created(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    let is_one = digits.bytes().any(|b| b != b'0');
    is_one.then(|| format!("0x{digits}"))
}

fn contract(text: &str) -> String {
    let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    format!("0x{digits}")
}

impl Form {
    /// The hash that the tree has.
    pub(crate) fn hash(&self, host: &dyn Imports, crypto: Crypto) -> B256 {
        match self {
            Form::Two(receipt) => crypto.hash(host, &alloy_rlp::encode(receipt)),
            Form::TwoNine(receipt) => crypto.hash(host, &alloy_rlp::encode(receipt)),
            Form::Three(receipt) => crypto.hash(host, &receipt.hashed_bytes()),
        }
    }

    /// As proofs carry it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Form::Two(receipt) => alloy_rlp::encode(receipt),
            Form::TwoNine(receipt) => alloy_rlp::encode(receipt),
            Form::Three(receipt) => alloy_rlp::encode(receipt),
        }
    }

    /// Reads what [`encode`](Self::encode) writes.
    pub(crate) fn decode(generation: Generation, bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let form = match generation {
            Generation::Two => match Receipt29::decode(&mut rest) {
                Ok(receipt) => Form::TwoNine(receipt),
                Err(_) => {
                    rest = bytes;
                    Form::Two(Receipt2::decode(&mut rest).ok()?)
                }
            },
            Generation::Three => Form::Three(Receipt3::decode(&mut rest).ok().filter(Receipt3::is_sound)?),
        };
        (rest.is_empty() && form.encode() == bytes).then_some(form)
    }

    /// What it says.
    pub(crate) fn facts(&self) -> Facts {
        let logs2 = |logs: &[Log2]| -> Vec<Log> {
            let one = |log: &Log2| Log {
                contract: shown(log.contract),
                topics: log.topics.clone(),
                data: log.data.clone(),
            };
            logs.iter().map(one).collect()
        };
        match self {
            Form::Two(receipt) => Facts {
                status: receipt.status,
                output: receipt.output.clone(),
                logs: logs2(&receipt.logs),
                gas_used: receipt.gas_used.to_string(),
                created: created(&shown(receipt.created)),
            },
            Form::TwoNine(receipt) => Facts {
                status: receipt.status,
                output: receipt.output.clone(),
                logs: logs2(&receipt.logs),
                gas_used: receipt.gas_used.to_string(),
                created: created(&shown(receipt.created)),
            },
            Form::Three(receipt) => Facts {
                status: receipt.status.into(),
                output: receipt.output.clone(),
                logs: receipt
                    .logs
                    .iter()
                    .map(|log| Log {
                        contract: contract(&log.contract),
                        topics: log.topics.clone(),
                        data: log.data.clone(),
                    })
                    .collect(),
                gas_used: receipt.gas_used.clone(),
                created: created(&receipt.created),
            },
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json2 {
    transaction_hash: B256,
    #[serde(deserialize_with = "number::small")]
    transaction_index: u64,
    block_hash: B256,
    #[serde(deserialize_with = "number::small")]
    block_number: u64,
    root: B256,
    gas_used: Number,
    contract_address: Address,
    logs_bloom: Bloom,
    #[serde(deserialize_with = "number::small")]
    status: u64,
    output: Bytes,
    remain_gas: Option<Number>,
    logs: Vec<JsonLog2>,
}

#[derive(Deserialize)]
struct JsonLog2 {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct With2 {
    transaction_receipt: Json2,
    #[serde(default)]
    receipt_proof: Option<Vec<merkle::Level2>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json3 {
    version: u32,
    transaction_hash: B256,
    block_number: u64,
    gas_used: String,
    contract_address: String,
    status: i64,
    output: Bytes,
    #[serde(default)]
    log_entries: Vec<JsonLog3>,
    #[serde(default)]
    effective_gas_price: String,
    #[serde(default)]
    tx_receipt_proof: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct JsonLog3 {
    address: String,
    topics: Vec<B256>,
    data: Bytes,
}

impl Executed {
    /// Reads the node's JSON; of 2.x the answer with proof.
    pub(crate) fn from_json(generation: Generation, json: &Value, method: &str) -> Result<Self, Error> {
        let malformed = |_| corrupt(method, "not a receipt");
        let executed = match generation {
            Generation::Two => of_two(With2::deserialize(json).map_err(malformed)?),
            Generation::Three => of_three(Json3::deserialize(json).map_err(malformed)?),
        };
        let executed = executed.ok_or_else(|| corrupt(method, "a receipt that cannot be one"))?;
        let logs = &executed.facts.logs;
        if logs.len() > MAX_LOGS || logs.iter().any(|log| log.topics.len() > 4) {
            return Err(corrupt(method, "a receipt with more logs or topics than there can be"));
        }
        Ok(executed)
    }

    /// The form whose hash leads to the root, with its path.
    pub(crate) fn proven(
        &self,
        host: &dyn Imports,
        generation: Generation,
        crypto: Crypto,
        index: u64,
        root: B256,
    ) -> Option<(Form, Vec<Level>)> {
        let path = match self.path.as_ref()? {
            Path::Two(levels) => levels.clone(),
            Path::Three(entries) => merkle::path_of_three(entries, index)?,
        };
        let leads = |form: &&Form| {
            let hash = form.hash(host, crypto);
            merkle::root(host, generation, crypto, index, hash, &path) == Some(root)
        };
        self.forms.iter().find(leads).map(|form| (form.clone(), path.clone()))
    }
}

fn of_two(json: With2) -> Option<Executed> {
    let With2 { transaction_receipt: json, receipt_proof } = json;
    let logs: Vec<Log2> = json
        .logs
        .into_iter()
        .map(|log| Log2 { contract: log.address, topics: log.topics, data: log.data })
        .collect();
    let old = Receipt2 {
        root: json.root,
        gas_used: json.gas_used.0,
        created: json.contract_address,
        bloom: json.logs_bloom,
        status: json.status,
        output: json.output,
        logs,
    };
    let new = json.remain_gas.map(|gas_left| Receipt29 {
        root: old.root,
        gas_used: old.gas_used,
        created: old.created,
        bloom: old.bloom,
        status: old.status,
        output: old.output.clone(),
        gas_left: gas_left.0,
        logs: old.logs.clone(),
    });
    let old = Form::Two(old);
    Some(Executed {
        transaction: json.transaction_hash,
        number: json.block_number,
        block: Some(json.block_hash),
        index: Some(json.transaction_index),
        facts: old.facts(),
        forms: new.map(Form::TwoNine).into_iter().chain([old]).collect(),
        path: match receipt_proof {
            Some(levels) => Some(Path::Two(merkle::path_of_two(levels)?)),
            None => None,
        },
    })
}

fn of_three(json: Json3) -> Option<Executed> {
    let logs = json.log_entries.into_iter();
    let logs = logs.map(|log| Log3 { contract: log.address, topics: log.topics, data: log.data });
    let receipt = Receipt3 {
        version: json.version,
        gas_used: json.gas_used,
        created: json.contract_address,
        status: u32::try_from(json.status).ok()?,
        output: json.output,
        // The hash of version 0 does not cover it.
        gas_price: if json.version >= 1 { json.effective_gas_price } else { String::new() },
        logs: logs.collect(),
        number: json.block_number,
    };
    // The chain has the address without its prefix, which the node adds.
    let bare = Receipt3 {
        created: receipt.created.strip_prefix("0x").unwrap_or(&receipt.created).to_owned(),
        ..receipt.clone()
    };
    let forms = if bare == receipt { vec![bare] } else { vec![bare, receipt] };
    let forms: Vec<Form> = forms.into_iter().map(Form::Three).collect();
    Some(Executed {
        transaction: json.transaction_hash,
        number: json.block_number,
        block: None,
        index: None,
        facts: forms.first()?.facts(),
        forms,
        path: json.tx_receipt_proof.map(Path::Three),
    })
}

/// An address in hexadecimal as a log's topic or a caller's text has it, for comparison.
pub(crate) fn same_address(one: &str, other: &str) -> bool {
    let bytes = |text: &str| hex::decode(text).ok();
    bytes(one).is_some_and(|bytes_of_one| Some(bytes_of_one) == bytes(other))
}

#[cfg(test)]
pub(crate) mod tests {
    use berth_crypto::NothingLent;
    use proptest::{prelude::*, strategy::Strategy};

    use super::*;
    use crate::testing::changed;

    /// Any receipt in any form, with its generation.
    pub(crate) fn form() -> impl Strategy<Value = (Generation, Form)> {
        let log = any::<([u8; 20], Vec<[u8; 32]>, Vec<u8>)>();
        let logs = proptest::collection::vec(log, 0..3);
        let numbers = any::<([u8; 32], u64, [u8; 20], u32, u64)>();
        (numbers, any::<Vec<u8>>(), logs, 0u8..4).prop_map(|(numbers, output, logs, which)| {
            let (root, gas, created, status, number) = numbers;
            let output = Bytes::from(output);
            let topics = |topics: &[[u8; 32]]| topics.iter().map(|topic| B256::from(*topic)).collect();
            let logs2: Vec<Log2> = logs
                .iter()
                .map(|(contract, words, data)| Log2 {
                    contract: Address::from(*contract),
                    topics: topics(words),
                    data: data.clone().into(),
                })
                .collect();
            let old = Receipt2 {
                root: root.into(),
                gas_used: U256::from(gas),
                created: created.into(),
                bloom: Bloom::repeat_byte(root[0]),
                status: status.into(),
                output: output.clone(),
                logs: logs2.clone(),
            };
            match which {
                0 => (Generation::Two, Form::Two(old)),
                1 => {
                    let Receipt2 { root, gas_used, created, bloom, status, .. } = old;
                    let gas_left = U256::from(number);
                    let new =
                        Receipt29 { root, gas_used, created, bloom, status, output, gas_left, logs: logs2 };
                    (Generation::Two, Form::TwoNine(new))
                }
                version => {
                    let version = u32::from(version - 2);
                    let log = |(contract, words, data): &([u8; 20], Vec<[u8; 32]>, Vec<u8>)| Log3 {
                        contract: hex::encode(contract),
                        topics: topics(words),
                        data: data.clone().into(),
                    };
                    let receipt = Receipt3 {
                        version,
                        gas_used: gas.to_string(),
                        created: if number % 2 == 0 { String::new() } else { hex::encode(created) },
                        status,
                        output,
                        gas_price: if version == 0 { String::new() } else { format!("{gas:#x}") },
                        logs: logs.iter().map(log).collect(),
                        number,
                    };
                    (Generation::Three, Form::Three(receipt))
                }
            }
        })
    }

    proptest! {
        #[test]
        fn a_receipt_is_read_as_it_was_written_and_a_changed_one_has_another_hash(
            (generation, form) in form(), place: usize, bit: u8,
        ) {
            let bytes = form.encode();
            prop_assert_eq!(Form::decode(generation, &bytes), Some(form.clone()));
            prop_assert_eq!(Form::decode(generation, &bytes[..bytes.len() - 1]), None);
            if let Some(other) = Form::decode(generation, &changed(&bytes, place, bit)) {
                prop_assert_ne!(
                    other.hash(&NothingLent, Crypto::Standard), form.hash(&NothingLent, Crypto::Standard)
                );
            }
        }

        #[test]
        fn any_bytes_are_a_receipt_or_none(bytes: Vec<u8>) {
            let _ = Form::decode(Generation::Two, &bytes).map(|form| form.facts());
            let _ = Form::decode(Generation::Three, &bytes).map(|form| form.facts());
        }
    }
}
