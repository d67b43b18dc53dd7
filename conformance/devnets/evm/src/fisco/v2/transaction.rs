//! Transactions (`libethcore/Transaction.cpp`, the form since rc2): RLP of thirteen items.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{Decodable as _, Encodable as _, Header};
use thiserror::Error;

use super::merkle::list;
use crate::{
    fisco::{self, Transaction},
    suite::Suite,
};

/// What a transaction has beyond [`Transaction`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The random number.
    pub random_id: U256,
    /// Not charged.
    pub gas_price: U256,
    /// Not looked at: every transaction may use what the system configuration says.
    pub gas: U256,
    /// Not moved.
    pub value: U256,
    /// The chain.
    pub chain_id: U256,
    /// The group.
    pub group_id: U256,
    /// For the application.
    pub extra_data: Bytes,
    /// r.
    pub r: U256,
    /// s.
    pub s: U256,
    /// ECDSA: the recovery id, one byte. SM2: the signer's x and y, 64 bytes.
    pub v: Vec<u8>,
}

/// Why bytes are no transaction of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// They are not the RLP of thirteen items.
    #[error("not the RLP of a transaction: {0}")]
    Form(&'static str),
    /// The signature is malformed, or not the chain's kind, or no key's.
    #[error("the signature does not verify")]
    Signature,
}

/// Decodes a transaction and verifies its signature: over the hash of the list of the first ten items.
///
/// # Errors
/// When they are none, or the signature is not good.
pub fn decode(raw: &[u8], suite: Suite) -> Result<Transaction, DecodeError> {
    let mut rest = raw;
    let header = Header::decode(&mut rest).map_err(|_| DecodeError::Form("no list"))?;
    if !header.list || rest.len() != header.payload_length {
        return Err(DecodeError::Form("no list, or bytes after it"));
    }
    let items = rest;
    let random_id = number(&mut rest, "randomid")?;
    let gas_price = number(&mut rest, "gasPrice")?;
    let gas = number(&mut rest, "gas")?;
    let block_limit = number(&mut rest, "blockLimit")?;
    let to = string(&mut rest, "receiveAddress")?;
    let to = match to.len() {
        0 => None,
        20 => Some(Address::from_slice(to)),
        _ => return Err(DecodeError::Form("receiveAddress")),
    };
    let value = number(&mut rest, "value")?;
    let input = Bytes::copy_from_slice(string(&mut rest, "transactionData")?);
    let chain_id = number(&mut rest, "chainId")?;
    let group_id = number(&mut rest, "groupId")?;
    let extra_data = Bytes::copy_from_slice(string(&mut rest, "extraData")?);
    let signed = items.len().saturating_sub(rest.len());
    let signed = list(items.get(..signed).unwrap_or_default());
    let v = string(&mut rest, "v").map_err(|_| DecodeError::Signature)?;
    let r = number(&mut rest, "r").map_err(|_| DecodeError::Signature)?;
    let s = number(&mut rest, "s").map_err(|_| DecodeError::Signature)?;
    if !rest.is_empty() {
        return Err(DecodeError::Form("more than thirteen items"));
    }
    let (key, v) = signer(suite, &suite.hash(&signed), v, r, s).ok_or(DecodeError::Signature)?;
    Ok(Transaction {
        hash: suite.hash(raw),
        from: suite.address(&key),
        to,
        input,
        nonce: random_id.to_be_bytes::<32>().to_vec(),
        block_limit,
        raw: Bytes::copy_from_slice(raw),
        fields: fisco::Fields::V2(Box::new(Fields {
            random_id,
            gas_price,
            gas,
            value,
            chain_id,
            group_id,
            extra_data,
            r,
            s,
            v,
        })),
    })
}

/// The signer's x and y, and `v` as it is shown.
fn signer(suite: Suite, hash: &B256, v: &[u8], r: U256, s: U256) -> Option<([u8; 64], Vec<u8>)> {
    let mut signature = [0; 65];
    let (r, s) = (r.to_be_bytes::<32>(), s.to_be_bytes::<32>());
    for (place, byte) in signature.iter_mut().zip(r.iter().chain(&s)) {
        *place = *byte;
    }
    match (suite, v) {
        (Suite::Standard, [v @ (27 | 28)]) => {
            let id = v.checked_sub(27)?;
            if let Some(last) = signature.last_mut() {
                *last = id;
            }
            Some((suite.recover(hash, &signature)?, vec![id]))
        }
        (Suite::Sm, key) => {
            let key: &[u8; 64] = key.try_into().ok()?;
            let signature: &[u8; 64] = signature.get(..64)?.try_into().ok()?;
            suite.verify_sm2(key, hash, signature).then(|| (*key, key.to_vec()))
        }
        _ => None,
    }
}

fn number(rest: &mut &[u8], name: &'static str) -> Result<U256, DecodeError> {
    U256::decode(rest).map_err(|_| DecodeError::Form(name))
}

fn string<'a>(rest: &mut &'a [u8], name: &'static str) -> Result<&'a [u8], DecodeError> {
    Header::decode_bytes(rest, false).map_err(|_| DecodeError::Form(name))
}

/// Encodes what is signed: the list of the first ten items. For tests and clients of tests.
#[must_use]
pub fn unsigned(fields: &Fields, block_limit: U256, to: Option<Address>, input: &[u8]) -> Vec<u8> {
    list(&first_ten(fields, block_limit, to, input))
}

/// Encodes a transaction with its signature: ECDSA's recovery id becomes 27 or 28.
#[must_use]
pub fn signed(fields: &Fields, block_limit: U256, to: Option<Address>, input: &[u8]) -> Vec<u8> {
    let mut items = first_ten(fields, block_limit, to, input);
    match fields.v.as_slice() {
        [id] => (id.saturating_add(27)).encode(&mut items),
        key => key.encode(&mut items),
    }
    fields.r.encode(&mut items);
    fields.s.encode(&mut items);
    list(&items)
}

fn first_ten(fields: &Fields, block_limit: U256, to: Option<Address>, input: &[u8]) -> Vec<u8> {
    let mut items = Vec::new();
    for number in [fields.random_id, fields.gas_price, fields.gas, block_limit] {
        number.encode(&mut items);
    }
    to.as_ref().map(|to| to.as_slice()).unwrap_or_default().encode(&mut items);
    fields.value.encode(&mut items);
    input.encode(&mut items);
    fields.chain_id.encode(&mut items);
    fields.group_id.encode(&mut items);
    fields.extra_data.as_ref().encode(&mut items);
    items
}
