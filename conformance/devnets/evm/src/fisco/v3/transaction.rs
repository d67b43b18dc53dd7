//! Transactions (`bcos-tars-protocol/tars/Transaction.tars`), versions 0 to 2.

use alloy_primitives::{B256, Bytes, U256};
use thiserror::Error;

use super::tars::{self, Writer};
use crate::{
    encoding::parse_address,
    fisco::{self, Transaction},
    suite::Suite,
};

/// What a transaction has beyond [`Transaction`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Which fields are hashed: 0 up to `abi`, 1 also the five after it, 2 also `extension`.
    pub version: i32,
    /// The chain.
    pub chain_id: String,
    /// The group.
    pub group_id: String,
    /// The last block that may take it.
    pub block_limit: i64,
    /// A text that must not come twice.
    pub nonce: String,
    /// The contract as it was written, or nothing for a creation.
    pub to: String,
    /// The input.
    pub input: Vec<u8>,
    /// The interface of a contract that is created.
    pub abi: String,
    /// Version 1: currency, not moved.
    pub value: String,
    /// Version 1: not charged.
    pub gas_price: String,
    /// Version 1: not looked at.
    pub gas_limit: i64,
    /// Version 1: not charged.
    pub max_fee_per_gas: String,
    /// Version 1: not charged.
    pub max_priority_fee_per_gas: String,
    /// Version 2.
    pub extension: Vec<u8>,
    /// r, s and the recovery id, or r, s and the public key with SM2.
    pub signature: Vec<u8>,
    /// When the client made it.
    pub import_time: i64,
    /// Flags.
    pub attribute: i64,
    /// For the application; not signed.
    pub extra_data: String,
}

/// Why bytes are no transaction of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// They are not the tars of a transaction.
    #[error("not the tars of a transaction")]
    Form,
    /// The hash that comes with it is not that of its fields.
    #[error("the transaction's hash is not that of its fields")]
    Hash,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

impl Fields {
    /// The hash that is signed, and is the transaction's: fields one after the other, integers big-endian.
    #[must_use]
    pub fn hash(&self, suite: Suite) -> B256 {
        let mut bytes = self.version.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.chain_id.as_bytes());
        bytes.extend_from_slice(self.group_id.as_bytes());
        bytes.extend_from_slice(&self.block_limit.to_be_bytes());
        bytes.extend_from_slice(self.nonce.as_bytes());
        bytes.extend_from_slice(self.to.as_bytes());
        bytes.extend_from_slice(&self.input);
        bytes.extend_from_slice(self.abi.as_bytes());
        if self.version >= 1 {
            bytes.extend_from_slice(self.value.as_bytes());
            bytes.extend_from_slice(self.gas_price.as_bytes());
            bytes.extend_from_slice(&self.gas_limit.to_be_bytes());
            bytes.extend_from_slice(self.max_fee_per_gas.as_bytes());
            bytes.extend_from_slice(self.max_priority_fee_per_gas.as_bytes());
        }
        if self.version >= 2 {
            bytes.extend_from_slice(&self.extension);
        }
        suite.hash(&bytes)
    }

    /// Encodes the transaction, for tests and clients of tests.
    #[must_use]
    pub fn encode(&self, suite: Suite) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.structure(1, |writer| {
            writer.integer(1, self.version.into());
            writer.text(2, &self.chain_id);
            writer.text(3, &self.group_id);
            writer.integer(4, self.block_limit);
            writer.text(5, &self.nonce);
            writer.text(6, &self.to);
            writer.bytes(7, &self.input);
            writer.text(8, &self.abi);
            if self.version >= 1 {
                writer.text(9, &self.value);
                writer.text(10, &self.gas_price);
                writer.integer(11, self.gas_limit);
                writer.text(12, &self.max_fee_per_gas);
                writer.text(13, &self.max_priority_fee_per_gas);
            }
            if self.version >= 2 {
                writer.bytes(14, &self.extension);
            }
        });
        writer.bytes(2, self.hash(suite).as_slice());
        writer.bytes(3, &self.signature);
        writer.integer(4, self.import_time);
        writer.integer(5, self.attribute);
        writer.text(8, &self.extra_data);
        writer.finish()
    }
}

fn fields(raw: &[u8]) -> Option<(Fields, Vec<u8>)> {
    let outer = tars::decode(raw)?;
    let Some(tars::Value::Structure(data)) = outer.get(&1) else { return None };
    // Ethereum's transactions in 3.x's clothes (type 1) are another interface's.
    if tars::integer(&outer, 9)? != 0 {
        return None;
    }
    let fields = Fields {
        version: i32::try_from(tars::integer(data, 1)?).ok()?,
        chain_id: tars::text(data, 2)?,
        group_id: tars::text(data, 3)?,
        block_limit: tars::integer(data, 4)?,
        nonce: tars::text(data, 5)?,
        to: tars::text(data, 6)?,
        input: tars::bytes(data, 7)?,
        abi: tars::text(data, 8)?,
        value: tars::text(data, 9)?,
        gas_price: tars::text(data, 10)?,
        gas_limit: tars::integer(data, 11)?,
        max_fee_per_gas: tars::text(data, 12)?,
        max_priority_fee_per_gas: tars::text(data, 13)?,
        extension: tars::bytes(data, 14)?,
        signature: tars::bytes(&outer, 3)?,
        import_time: tars::integer(&outer, 4)?,
        attribute: tars::integer(&outer, 5)?,
        extra_data: tars::text(&outer, 8)?,
    };
    Some((fields, tars::bytes(&outer, 2)?))
}

/// Decodes a transaction and verifies its hash and its signature.
///
/// # Errors
/// When it is none, or something in it is not good.
pub fn decode(raw: &[u8], suite: Suite) -> Result<Transaction, DecodeError> {
    let (fields, claimed) = fields(raw).ok_or(DecodeError::Form)?;
    if !(0..=2).contains(&fields.version) {
        return Err(DecodeError::Form);
    }
    let hash = fields.hash(suite);
    if !claimed.is_empty() && claimed != hash.as_slice() {
        return Err(DecodeError::Hash);
    }
    let to = match fields.to.as_str() {
        "" => None,
        text => Some(parse_address(text).ok_or(DecodeError::Form)?),
    };
    let key = signer(suite, &hash, &fields.signature).ok_or(DecodeError::Signature)?;
    Ok(Transaction {
        hash,
        from: suite.address(&key),
        to,
        input: Bytes::from(fields.input.clone()),
        nonce: fields.nonce.clone().into_bytes(),
        block_limit: U256::from(u64::try_from(fields.block_limit).unwrap_or_default()),
        raw: Bytes::copy_from_slice(raw),
        fields: fisco::Fields::V3(Box::new(fields)),
    })
}

/// The signer's x and y.
fn signer(suite: Suite, hash: &B256, signature: &[u8]) -> Option<[u8; 64]> {
    match suite {
        Suite::Standard => {
            let mut signature: [u8; 65] = signature.try_into().ok()?;
            if let Some(id) = signature.last_mut() {
                *id = if *id >= 27 { id.wrapping_sub(27) } else { *id };
            }
            suite.recover(hash, &signature)
        }
        Suite::Sm => {
            let (signature, key) = signature.split_at_checked(64)?;
            let (signature, key) = (signature.try_into().ok()?, key.try_into().ok()?);
            suite.verify_sm2(key, hash, signature).then_some(*key)
        }
    }
}
