//! Transactions of both generations: what is signed, what is sent, and their ids.

mod three;
mod two;

use adapter_sdk::{Imports, types::Error};
use alloy_primitives::{Address, B256, Bytes, U256, hex};

use adapter_evm_abi::invalid;

use crate::{
    crypto::{Crypto, Seal},
    settings::{Generation, Settings},
};

pub(crate) use three::Data;
pub(crate) use two::Fields;

/// A transaction before its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// Of 2.x.
    Two(Fields),
    /// Of 3.x.
    Three(Data),
}

/// What a call wants of its transaction.
pub(crate) struct Wanted {
    /// Unlike every other transaction's of the window.
    pub(crate) nonce: U256,
    /// The last block that may carry it.
    pub(crate) block_limit: u64,
    /// The called contract; none: a creation.
    pub(crate) to: Option<Address>,
    /// Selector and arguments, or creation code.
    pub(crate) data: Bytes,
    /// The created contract's interface, where the ledger keeps it.
    pub(crate) abi: String,
}

impl Unsigned {
    /// A new transaction on the settings' group.
    pub(crate) fn new(settings: &Settings, wanted: Wanted) -> Result<Self, Error> {
        match settings.generation {
            Generation::Two => Fields::new(settings, wanted).map(Unsigned::Two),
            Generation::Three => Ok(Unsigned::Three(Data::new(settings, wanted))),
        }
    }

    /// The bytes whose hash is signed.
    pub(crate) fn signing_bytes(&self) -> Vec<u8> {
        match self {
            Unsigned::Two(fields) => fields.signing_bytes(),
            Unsigned::Three(data) => data.hashed_bytes(),
        }
    }

    /// As continuations carry it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Unsigned::Two(fields) => fields.signing_bytes(),
            Unsigned::Three(data) => data.encode(),
        }
    }

    /// Reads what [`encode`](Self::encode) writes.
    pub(crate) fn decode(generation: Generation, bytes: &[u8]) -> Option<Self> {
        let unsigned = match generation {
            Generation::Two => Unsigned::Two(Fields::decode(bytes)?),
            Generation::Three => Unsigned::Three(Data::decode(bytes)?),
        };
        (unsigned.encode() == bytes).then_some(unsigned)
    }

    /// With its signature, as it is sent.
    pub(crate) fn sealed(&self, host: &dyn Imports, crypto: Crypto, seal: &Seal) -> Vec<u8> {
        match self {
            Unsigned::Two(fields) => fields.sealed(seal),
            Unsigned::Three(data) => data.sealed(crypto.hash(host, &data.hashed_bytes()), seal),
        }
    }

    /// The last block that may carry it.
    pub(crate) fn block_limit(&self) -> u64 {
        match self {
            Unsigned::Two(fields) => fields.block_limit,
            Unsigned::Three(data) => u64::try_from(data.block_limit).unwrap_or(0),
        }
    }

    /// The called contract; none: a creation.
    pub(crate) fn to(&self) -> Option<String> {
        match self {
            Unsigned::Two(fields) => fields.to().map(shown),
            Unsigned::Three(data) => (!data.to.is_empty()).then(|| data.to.clone()),
        }
    }

    /// Selector and arguments, or creation code.
    pub(crate) fn data(&self) -> &[u8] {
        match self {
            Unsigned::Two(fields) => &fields.data,
            Unsigned::Three(data) => &data.input,
        }
    }

    /// Refuses what is of another chain or group than the settings'.
    pub(crate) fn check(&self, settings: &Settings, what: &str) -> Result<(), Error> {
        let (chain, group) = match self {
            Unsigned::Two(fields) => (fields.chain.to_string(), fields.group.to_string()),
            Unsigned::Three(data) => (data.chain.clone(), data.group.clone()),
        };
        if chain == settings.chain && group == settings.group {
            return Ok(());
        }
        Err(invalid(format!(
            "{what} is of another ledger than the settings `chain` and `group` name: {} and {}",
            settings.chain, settings.group
        )))
    }
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// What was signed.
    pub(crate) unsigned: Unsigned,
    /// Its id: of 2.x the hash of all bytes, of 3.x the hash that is signed.
    pub(crate) id: B256,
}

impl Signed {
    /// Takes the bytes of an envelope apart.
    pub(crate) fn decode(
        host: &dyn Imports,
        generation: Generation,
        crypto: Crypto,
        bytes: &[u8],
    ) -> Option<Self> {
        match generation {
            Generation::Two => {
                let unsigned = Unsigned::Two(Fields::of_signed(bytes)?);
                Some(Signed { unsigned, id: crypto.hash(host, bytes) })
            }
            Generation::Three => {
                let (data, stated) = Data::of_signed(bytes)?;
                let id = crypto.hash(host, &data.hashed_bytes());
                (stated.is_empty() || stated == id.as_slice())
                    .then_some(Signed { unsigned: Unsigned::Three(data), id })
            }
        }
    }
}

/// An address as FISCO BCOS writes it: lower case, with `0x`.
pub(crate) fn shown(address: Address) -> String {
    hex::encode_prefixed(address)
}

/// Reads a transaction's id.
pub(crate) fn parse_id(text: &str) -> Result<B256, Error> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 64);
    let id = digits.and_then(|digits| digits.parse::<B256>().ok());
    id.ok_or_else(|| invalid("a transaction's id is 0x and 64 hexadecimal digits"))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::{prelude::*, strategy::Strategy};

    use super::*;

    /// Any transaction, with its generation.
    pub(crate) fn unsigned() -> impl Strategy<Value = (Generation, Unsigned)> {
        let two = two::tests::fields().prop_map(|fields| (Generation::Two, Unsigned::Two(fields)));
        let three = three::tests::data().prop_map(|data| (Generation::Three, Unsigned::Three(data)));
        prop_oneof![two, three]
    }
}
