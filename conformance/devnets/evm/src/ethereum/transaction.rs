//! Signed transactions: legacy (EIP-155), with an access list (EIP-2930), with a fee of two parts (EIP-1559).

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, Encodable as _, Header};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    encoding::{data, quantity},
    suite::Suite,
};

/// A transaction whose signer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its hash.
    pub hash: B256,
    /// Who signed it.
    pub from: Address,
    /// 0, 1 or 2.
    pub kind: u8,
    /// The chain; a legacy transaction may have none.
    pub chain_id: Option<u64>,
    /// The sender's count.
    pub nonce: u64,
    /// Gas price, or the most of both parts together.
    pub max_fee: u128,
    /// The most of the block maker's part; for types 0 and 1 the gas price.
    pub max_tip: u128,
    /// Gas at most.
    pub gas_limit: u64,
    /// The receiver, or none for a creation.
    pub to: Option<Address>,
    /// Currency sent along.
    pub value: U256,
    /// The input.
    pub input: Bytes,
    /// Addresses with slots.
    pub access_list: Vec<(Address, Vec<B256>)>,
    /// Parity of the signature.
    pub odd: bool,
    /// r.
    pub r: U256,
    /// s.
    pub s: U256,
    /// As it was sent.
    pub raw: Bytes,
}

/// Why bytes are no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// They do not decode.
    #[error("failed to decode signed transaction")]
    Form,
    /// A type that this node does not know.
    #[error("transaction type not supported")]
    Kind,
    /// The signature is nobody's.
    #[error("invalid transaction v, r, s values")]
    Signature,
}

impl Transaction {
    /// The price of a unit of gas in a block with this base fee.
    #[must_use]
    pub fn price(&self, base_fee: u64) -> u128 {
        self.max_fee.min(u128::from(base_fee).saturating_add(self.max_tip))
    }

    /// As JSON; with the block's hash, number and base fee and the place in it, where it is in one.
    #[must_use]
    pub fn json(&self, place: Option<(B256, u64, u64, usize)>) -> Value {
        let list: Vec<Value> = self
            .access_list
            .iter()
            .map(|(address, keys)| {
                json!({"address": data(address), "storageKeys": keys.iter().map(data).collect::<Vec<_>>()})
            })
            .collect();
        let v = match (self.kind, self.chain_id) {
            (0, Some(chain)) => U256::from(chain) * U256::from(2) + U256::from(35 + u64::from(self.odd)),
            (0, None) => U256::from(27 + u64::from(self.odd)),
            _ => U256::from(self.odd),
        };
        let price = place.map_or(self.max_fee, |(_, _, base_fee, _)| self.price(base_fee));
        let mut value = json!({
            "type": quantity(self.kind),
            "chainId": self.chain_id.map(quantity),
            "nonce": quantity(self.nonce),
            "gasPrice": quantity(price),
            "gas": quantity(self.gas_limit),
            "to": self.to.map(data),
            "value": quantity(self.value),
            "input": data(&self.input),
            "from": data(self.from),
            "hash": data(self.hash),
            "v": quantity(v),
            "r": quantity(self.r),
            "s": quantity(self.s),
            "blockHash": place.map(|(hash, ..)| data(hash)),
            "blockNumber": place.map(|(_, number, ..)| quantity(number)),
            "transactionIndex": place.map(|(.., index)| quantity(index as u64)),
        });
        if let Some(value) = value.as_object_mut() {
            if self.kind >= 1 {
                value.insert("accessList".into(), list.into());
                value.insert("yParity".into(), quantity(u64::from(self.odd)).into());
            }
            if self.kind == 2 {
                value.insert("maxFeePerGas".into(), quantity(self.max_fee).into());
                value.insert("maxPriorityFeePerGas".into(), quantity(self.max_tip).into());
            }
            if self.chain_id.is_none() {
                value.remove("chainId");
            }
        }
        value
    }
}

/// Decodes a transaction and finds its signer.
///
/// # Errors
/// When it is none, or nobody signed it.
pub fn decode(raw: &[u8]) -> Result<Transaction, DecodeError> {
    let (kind, mut rest) = match raw.first() {
        Some(kind @ (1 | 2)) => (*kind, raw.get(1..).unwrap_or_default()),
        Some(0xc0..) => (0, raw),
        Some(_) => return Err(DecodeError::Kind),
        None => return Err(DecodeError::Form),
    };
    let header = Header::decode(&mut rest).map_err(|_| DecodeError::Form)?;
    if !header.list || header.payload_length != rest.len() {
        return Err(DecodeError::Form);
    }
    let items = rest;
    let rest = &mut rest;
    let mut chain_id = if kind == 0 { None } else { Some(item::<u64>(rest)?) };
    let nonce = item(rest)?;
    let max_tip: u128 = item(rest)?;
    let max_fee = if kind == 2 { item(rest)? } else { max_tip };
    let gas_limit = item(rest)?;
    let to = match Header::decode_bytes(rest, false).map_err(|_| DecodeError::Form)? {
        [] => None,
        to if to.len() == 20 => Some(Address::from_slice(to)),
        _ => return Err(DecodeError::Form),
    };
    let value = item(rest)?;
    let input: Bytes = item(rest)?;
    let access_list = if kind == 0 { Vec::new() } else { decode_access_list(rest)? };
    let unsigned = items.get(..items.len().saturating_sub(rest.len())).unwrap_or_default();
    let v: u64 = item(rest)?;
    let (r, s): (U256, U256) = (item(rest)?, item(rest)?);
    if !rest.is_empty() {
        return Err(DecodeError::Form);
    }
    let mut payload = unsigned.to_vec();
    let odd = match (kind, v) {
        (0, 27 | 28) => v == 28,
        (0, 35..) => {
            let chain = v.saturating_sub(35) / 2;
            chain_id = Some(chain);
            chain.encode(&mut payload);
            payload.extend([0x80, 0x80]);
            v.saturating_sub(35) % 2 == 1
        }
        (1 | 2, 0 | 1) => v == 1,
        _ => return Err(DecodeError::Signature),
    };
    let mut signed = if kind == 0 { Vec::new() } else { vec![kind] };
    Header { list: true, payload_length: payload.len() }.encode(&mut signed);
    signed.extend(payload);
    let mut signature = [0; 65];
    let bytes = r.to_be_bytes::<32>().into_iter().chain(s.to_be_bytes::<32>()).chain([u8::from(odd)]);
    for (place, byte) in signature.iter_mut().zip(bytes) {
        *place = byte;
    }
    let key = Suite::Standard.recover(&keccak256(&signed), &signature).ok_or(DecodeError::Signature)?;
    Ok(Transaction {
        hash: keccak256(raw),
        from: Suite::Standard.address(&key),
        kind,
        chain_id,
        nonce,
        max_fee,
        max_tip,
        gas_limit,
        to,
        value,
        input,
        access_list,
        odd,
        r,
        s,
        raw: Bytes::copy_from_slice(raw),
    })
}

fn item<T: Decodable>(rest: &mut &[u8]) -> Result<T, DecodeError> {
    T::decode(rest).map_err(|_| DecodeError::Form)
}

fn decode_access_list(rest: &mut &[u8]) -> Result<Vec<(Address, Vec<B256>)>, DecodeError> {
    let mut list = Header::decode_bytes(rest, true).map_err(|_| DecodeError::Form)?;
    let mut entries = Vec::new();
    while !list.is_empty() {
        let mut entry = Header::decode_bytes(&mut list, true).map_err(|_| DecodeError::Form)?;
        let address = item(&mut entry)?;
        let keys = item::<Vec<B256>>(&mut entry)?;
        if !entry.is_empty() {
            return Err(DecodeError::Form);
        }
        entries.push((address, keys));
    }
    Ok(entries)
}
