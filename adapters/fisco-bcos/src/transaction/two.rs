//! Transactions of 2.x: RLP of ten fields, and of thirteen with the signature (`libethcore/Transaction.cpp`, RC2).

use adapter_sdk::types::Error;
use alloy_primitives::{Address, Bytes, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use serde_json::Value;

use adapter_evm_abi::invalid;

use super::Wanted;
use crate::{
    crypto::{Seal, Signer},
    number::Number,
    settings::Settings,
};

/// What official clients offer for gas; gas costs nothing, and the group's configuration is what bounds it.
const GAS: u64 = 300_000_000;
const GAS_PRICE: u64 = 300_000_000;

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Fields {
    /// A random number, unlike any other in the window.
    nonce: U256,
    gas_price: U256,
    gas: U256,
    /// The last block that may carry it.
    pub(crate) block_limit: u64,
    /// 20 bytes, or none for a creation.
    to: Bytes,
    value: U256,
    /// Selector and arguments, or creation code.
    pub(crate) data: Bytes,
    /// Chain id.
    pub(crate) chain: U256,
    /// Group id.
    pub(crate) group: U256,
    extra: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Ecdsa {
    fields: Raw,
    v: u8,
    r: U256,
    s: U256,
}

/// Ten fields without the list's head around them.
struct Raw(Fields);

impl alloy_rlp::Encodable for Raw {
    fn length(&self) -> usize {
        let mut content = Vec::new();
        self.encode(&mut content);
        content.len()
    }

    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        let Raw(fields) = self;
        let all: [&dyn alloy_rlp::Encodable; 10] = [
            &fields.nonce,
            &fields.gas_price,
            &fields.gas,
            &fields.block_limit,
            &fields.to,
            &fields.value,
            &fields.data,
            &fields.chain,
            &fields.group,
            &fields.extra,
        ];
        for field in all {
            field.encode(out);
        }
    }
}

impl alloy_rlp::Decodable for Raw {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        Ok(Raw(Fields {
            nonce: U256::decode(buf)?,
            gas_price: U256::decode(buf)?,
            gas: U256::decode(buf)?,
            block_limit: u64::decode(buf)?,
            to: Bytes::decode(buf)?,
            value: U256::decode(buf)?,
            data: Bytes::decode(buf)?,
            chain: U256::decode(buf)?,
            group: U256::decode(buf)?,
            extra: Bytes::decode(buf)?,
        }))
    }
}

/// As chains with SM2 carry it: the point in the place of `v`.
#[derive(RlpEncodable, RlpDecodable)]
struct Sm2 {
    fields: Raw,
    point: Bytes,
    r: U256,
    s: U256,
}

impl Fields {
    /// A new transaction.
    pub(super) fn new(settings: &Settings, wanted: Wanted) -> Result<Self, Error> {
        let number = |text: &str, name: &str| {
            text.parse::<U256>().map_err(|_| invalid(format!("the setting `{name}` is no number")))
        };
        Ok(Fields {
            nonce: wanted.nonce,
            gas_price: U256::from(GAS_PRICE),
            gas: U256::from(GAS),
            block_limit: wanted.block_limit,
            to: wanted.to.map(|to| Bytes::from(to.to_vec())).unwrap_or_default(),
            value: U256::ZERO,
            data: wanted.data,
            chain: number(&settings.chain, "chain")?,
            group: number(&settings.group, "group")?,
            extra: Bytes::new(),
        })
    }

    /// The called contract.
    pub(super) fn to(&self) -> Option<Address> {
        Address::try_from(self.to.as_ref()).ok()
    }

    fn is_sound(&self) -> bool {
        matches!(self.to.len(), 0 | 20)
    }

    /// What is hashed and signed.
    pub(super) fn signing_bytes(&self) -> Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads what [`signing_bytes`](Self::signing_bytes) gives.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        alloy_rlp::decode_exact::<Fields>(bytes).ok().filter(Fields::is_sound)
    }

    /// With its signature.
    pub(super) fn sealed(&self, seal: &Seal) -> Vec<u8> {
        let (fields, r, s) = (Raw(self.clone()), seal.r.into(), seal.s.into());
        match seal.signer {
            Signer::Parity(parity) => alloy_rlp::encode(Ecdsa { fields, v: 27 + parity, r, s }),
            Signer::Point(point) => {
                alloy_rlp::encode(Sm2 { fields, point: Bytes::from(point.to_vec()), r, s })
            }
        }
    }

    /// The fields of a signed transaction.
    pub(super) fn of_signed(bytes: &[u8]) -> Option<Self> {
        let signed: Sm2 = alloy_rlp::decode_exact(bytes).ok()?;
        let Raw(fields) = signed.fields;
        (fields.is_sound() && !signed.point.is_empty()).then_some(fields)
    }

    /// The signed bytes of a transaction that the node gives as JSON; none where something is missing in it.
    pub(crate) fn signed_from_json(json: &Value) -> Option<Vec<u8>> {
        let number = |name: &str| {
            let value = json.get(name).or_else(|| json.get("signature")?.get(name))?.clone();
            serde_json::from_value::<Number>(value).ok().map(|number| number.0)
        };
        let bytes = |name: &str| {
            let text = json.get(name)?.as_str()?;
            alloy_primitives::hex::decode(text).ok().map(Bytes::from)
        };
        let to = bytes("to")?;
        // A creation is shown with the zero address.
        let to = if to.iter().all(|byte| *byte == 0) { Bytes::new() } else { to };
        let fields = Raw(Fields {
            nonce: number("nonce")?,
            gas_price: number("gasPrice")?,
            gas: number("gas")?,
            block_limit: u64::try_from(number("blockLimit")?).ok()?,
            to,
            value: number("value")?,
            data: bytes("input")?,
            chain: number("chainId")?,
            group: number("groupId")?,
            extra: bytes("extraData")?,
        });
        let whole = alloy_primitives::hex::decode(json.get("signature")?.get("signature")?.as_str()?).ok()?;
        let (r, rest) = whole.split_first_chunk::<32>()?;
        let (s, rest) = rest.split_first_chunk::<32>()?;
        let (r, s) = (U256::from_be_bytes(*r), U256::from_be_bytes(*s));
        match rest {
            [parity @ (0 | 1)] => Some(alloy_rlp::encode(Ecdsa { fields, v: 27 + parity, r, s })),
            point if point.len() == 64 => {
                Some(alloy_rlp::encode(Sm2 { fields, point: Bytes::from(point.to_vec()), r, s }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use alloy_primitives::B256;
    use proptest::{prelude::*, strategy::Strategy};

    use super::*;
    use crate::testing::changed;

    /// Any transaction.
    pub(crate) fn fields() -> impl Strategy<Value = Fields> {
        let to = prop_oneof![Just(Vec::new()), proptest::collection::vec(any::<u8>(), 20)];
        (any::<([u8; 32], u64, u64, u64, u32, u16)>(), to, any::<(Vec<u8>, Vec<u8>, u128)>()).prop_map(
            |((nonce, gas_price, gas, block_limit, chain, group), to, (data, extra, value))| Fields {
                nonce: U256::from_be_bytes(nonce),
                gas_price: U256::from(gas_price),
                gas: U256::from(gas),
                block_limit,
                to: to.into(),
                value: U256::from(value),
                data: data.into(),
                chain: U256::from(chain),
                group: U256::from(group),
                extra: extra.into(),
            },
        )
    }

    proptest! {
        #[test]
        fn a_transaction_is_read_as_it_was_written(
            fields in fields(), r: [u8; 32], s: [u8; 32], parity in 0u8..2, point in any::<[[u8; 32]; 2]>(),
        ) {
            prop_assert_eq!(Fields::decode(&fields.signing_bytes()), Some(fields.clone()));
            let point = point.concat().try_into().unwrap();
            for signer in [Signer::Parity(parity), Signer::Point(point)] {
                let sealed = fields.sealed(&Seal { r: B256::from(r), s: B256::from(s), signer });
                prop_assert_eq!(Fields::of_signed(&sealed), Some(fields.clone()));
                prop_assert_eq!(Fields::of_signed(&sealed[..sealed.len() - 1]), None);
            }
        }

        #[test]
        fn other_bytes_are_another_transaction_or_none(fields in fields(), place: usize, bit: u8) {
            let bytes = fields.signing_bytes();
            let other = changed(&bytes, place, bit);
            if let Some(read) = Fields::decode(&other) {
                prop_assert_ne!(&read, &fields);
                // What is signed is hashed as it came.
                prop_assert_eq!(read.signing_bytes(), other);
            }
        }

        #[test]
        fn any_bytes_are_a_transaction_of_two_or_none(bytes: Vec<u8>) {
            let _ = (Fields::decode(&bytes), Fields::of_signed(&bytes));
        }
    }
}
