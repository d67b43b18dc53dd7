//! Transactions of 3.x: tars, with a hash over the fields one after the other
//! (`bcos-tars-protocol/tars/Transaction.tars`, `bcos-tars-protocol/impl/TarsHashable.h`).

use alloy_primitives::{B256, Bytes, hex};
use serde_json::Value;

use super::Wanted;
use crate::{
    crypto::{Seal, Signer},
    settings::Settings,
    tars::{Field, Reader, Writer},
};

/// What is hashed and signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data {
    /// 0; 1 with what a transaction pays; 2 with an extension.
    version: i32,
    /// Chain id.
    pub(crate) chain: String,
    /// Group id.
    pub(crate) group: String,
    /// The last block that may carry it.
    pub(super) block_limit: i64,
    /// Unlike any other in the window; decimal by custom.
    nonce: String,
    /// The called contract with `0x`; empty for a creation.
    pub(super) to: String,
    /// Selector and arguments, or creation code.
    pub(super) input: Bytes,
    /// Of a creation: the interface that the ledger keeps.
    abi: String,
    value: String,
    gas_price: String,
    gas_limit: i64,
    max_fee: String,
    max_priority_fee: String,
    extension: Bytes,
}

impl Data {
    /// A new transaction, of the version that every 3.x takes.
    pub(super) fn new(settings: &Settings, wanted: Wanted) -> Self {
        Data {
            chain: settings.chain.clone(),
            group: settings.group.clone(),
            block_limit: i64::try_from(wanted.block_limit).unwrap_or(i64::MAX),
            nonce: wanted.nonce.to_string(),
            to: wanted.to.map(super::shown).unwrap_or_default(),
            input: wanted.data,
            abi: wanted.abi,
            ..Data::default()
        }
    }

    /// What is hashed: the fields without any lengths between them.
    pub(crate) fn hashed_bytes(&self) -> Vec<u8> {
        let mut out = self.version.to_be_bytes().to_vec();
        out.extend(self.chain.as_bytes());
        out.extend(self.group.as_bytes());
        out.extend(self.block_limit.to_be_bytes());
        for part in [self.nonce.as_bytes(), self.to.as_bytes(), &self.input, self.abi.as_bytes()] {
            out.extend(part);
        }
        if self.version >= 1 {
            out.extend(self.value.as_bytes());
            out.extend(self.gas_price.as_bytes());
            out.extend(self.gas_limit.to_be_bytes());
            out.extend(self.max_fee.as_bytes());
            out.extend(self.max_priority_fee.as_bytes());
        }
        if self.version >= 2 {
            out.extend(&self.extension);
        }
        out
    }

    /// Whether the hash covers all that is in it: what a version does not know has to be empty.
    pub(crate) fn is_covered(&self) -> bool {
        let pays = [&self.value, &self.gas_price, &self.max_fee, &self.max_priority_fee];
        let pays = self.gas_limit != 0 || pays.into_iter().any(|part| !part.is_empty());
        (self.version >= 1 || !pays) && (self.version >= 2 || self.extension.is_empty())
    }

    /// As tars.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.integer(1, self.version.into());
        out.text(2, &self.chain);
        out.text(3, &self.group);
        out.integer(4, self.block_limit);
        out.text(5, &self.nonce);
        out.text(6, &self.to);
        out.bytes(7, &self.input);
        out.text(8, &self.abi);
        out.text(9, &self.value);
        out.text(10, &self.gas_price);
        if self.gas_limit != 0 {
            out.integer(11, self.gas_limit);
        }
        out.text(12, &self.max_fee);
        out.text(13, &self.max_priority_fee);
        out.bytes(14, &self.extension);
        out.finish()
    }

    /// Reads tars. Fields of later versions are passed over.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut data = Data::default();
        let mut reader = Reader::new(bytes);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        while let Some((tag, field)) = reader.next().ok()? {
            match (tag, field) {
                (1, Field::Integer(version)) => data.version = i32::try_from(version).ok()?,
                (2, Field::Text(bytes)) => data.chain = text(bytes)?,
                (3, Field::Text(bytes)) => data.group = text(bytes)?,
                (4, Field::Integer(limit)) => data.block_limit = limit,
                (5, Field::Text(bytes)) => data.nonce = text(bytes)?,
                (6, Field::Text(bytes)) => data.to = text(bytes)?,
                (7, Field::Bytes(bytes)) => data.input = bytes.to_vec().into(),
                (8, Field::Text(bytes)) => data.abi = text(bytes)?,
                (9, Field::Text(bytes)) => data.value = text(bytes)?,
                (10, Field::Text(bytes)) => data.gas_price = text(bytes)?,
                (11, Field::Integer(limit)) => data.gas_limit = limit,
                (12, Field::Text(bytes)) => data.max_fee = text(bytes)?,
                (13, Field::Text(bytes)) => data.max_priority_fee = text(bytes)?,
                (14, Field::Bytes(bytes)) => data.extension = bytes.to_vec().into(),
                (1..=14, _) => return None,
                _ => {}
            }
        }
        Some(data)
    }

    /// With its hash and signature.
    pub(super) fn sealed(&self, hash: B256, seal: &Seal) -> Vec<u8> {
        let signer = match &seal.signer {
            Signer::Parity(parity) => vec![*parity],
            Signer::Point(point) => point.to_vec(),
        };
        let signature = [seal.r.as_slice(), seal.s.as_slice(), &signer].concat();
        let mut out = Writer::default();
        out.structure(1, &self.encode());
        out.bytes(2, hash.as_slice());
        out.bytes(3, &signature);
        out.finish()
    }

    /// The data of a signed transaction, and the hash that it states.
    pub(super) fn of_signed(bytes: &[u8]) -> Option<(Self, Vec<u8>)> {
        let (mut data, mut hash, mut signed) = (None, Vec::new(), false);
        let mut reader = Reader::new(bytes);
        while let Some((tag, field)) = reader.next().ok()? {
            match (tag, field) {
                (1, Field::Structure(bytes)) => data = Some(Data::decode(bytes)?),
                (2, Field::Bytes(bytes)) => hash = bytes.to_vec(),
                (3, Field::Bytes(bytes)) => signed = bytes.len() > 64,
                (1..=3, _) => return None,
                _ => {}
            }
        }
        data.filter(|_| signed).map(|data| (data, hash))
    }

    /// What the node gives as JSON; none where something is missing in it.
    pub(crate) fn from_json(json: &Value) -> Option<Self> {
        let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
        let bytes = |name: &str| hex::decode(json.get(name)?.as_str()?).ok().map(Bytes::from);
        let version = i32::try_from(json.get("version")?.as_i64()?).ok()?;
        // The nonce is shown as the hexadecimal digits of its text, by older nodes as the text itself.
        let shown = text("nonce")?;
        let decoded = hex::decode(&shown).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let digits = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let mut data = Data {
            version,
            chain: text("chainID")?,
            group: text("groupID")?,
            block_limit: json.get("blockLimit")?.as_i64()?,
            nonce: decoded.filter(digits).unwrap_or(shown),
            to: text("to")?,
            input: bytes("input")?,
            abi: text("abi").unwrap_or_default(),
            ..Data::default()
        };
        if version >= 1 {
            data.value = text("value")?;
            data.gas_price = text("gasPrice")?;
            data.gas_limit = json.get("gasLimit")?.as_i64()?;
            data.max_fee = text("maxFeePerGas")?;
            data.max_priority_fee = text("maxPriorityFeePerGas")?;
        }
        if version >= 2 {
            let listed = json.get("extension")?.as_array()?;
            let listed: Option<Vec<u8>> =
                listed.iter().map(|byte| u8::try_from(byte.as_i64()? & 0xff).ok()).collect();
            data.extension = listed?.into();
        }
        Some(data)
    }

    /// The nonce as the other form of JSON shows it: as it stands.
    pub(crate) fn with_nonce(self, nonce: String) -> Self {
        Data { nonce, ..self }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::{prelude::*, strategy::Strategy};

    use super::*;
    use crate::testing::changed;

    /// Any transaction whose hash covers all of it.
    pub(crate) fn data() -> impl Strategy<Value = Data> {
        let texts = proptest::array::uniform8("[ -~]{0,40}");
        (0i32..3, any::<(i64, i64)>(), texts, any::<(Vec<u8>, Vec<u8>)>()).prop_map(
            |(version, (block_limit, gas_limit), texts, (input, extension))| {
                let [chain, group, nonce, to, abi, value, gas_price, max_fee] = texts;
                let plain = Data {
                    version,
                    chain,
                    group,
                    block_limit,
                    nonce,
                    to,
                    input: input.into(),
                    abi,
                    ..Data::default()
                };
                let max_priority_fee = max_fee.clone();
                let paid = Data { value, gas_price, gas_limit, max_fee, max_priority_fee, ..plain.clone() };
                match version {
                    0 => plain,
                    1 => paid,
                    _ => Data { extension: extension.into(), ..paid },
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_transaction_is_read_as_it_was_written(
            data in data(), hash: [u8; 32], r: [u8; 32], parity in 0u8..2, point in any::<[[u8; 32]; 2]>(),
        ) {
            prop_assert!(data.is_covered());
            prop_assert_eq!(Data::decode(&data.encode()), Some(data.clone()));
            let point = point.concat().try_into().unwrap();
            for signer in [Signer::Parity(parity), Signer::Point(point)] {
                let sealed = data.sealed(hash.into(), &Seal { r: r.into(), s: r.into(), signer });
                prop_assert_eq!(Data::of_signed(&sealed), Some((data.clone(), hash.to_vec())));
                prop_assert_eq!(Data::of_signed(&sealed[..sealed.len() - 1]), None);
            }
        }

        #[test]
        fn other_bytes_have_another_hash_or_are_no_transaction(data in data(), place: usize, bit: u8) {
            let other = changed(&data.encode(), place, bit);
            if let Some(read) = Data::decode(&other).filter(|read| read.is_covered() && read.encode() == other) {
                prop_assert_ne!(read.hashed_bytes(), data.hashed_bytes());
            }
        }

        #[test]
        fn any_bytes_are_a_transaction_of_three_or_none(bytes: Vec<u8>) {
            let _ = (Data::decode(&bytes), Data::of_signed(&bytes));
        }
    }

    #[test]
    fn what_a_version_does_not_hash_has_to_be_empty() {
        let plain = Data { nonce: "7".into(), ..Data::default() };
        let paid = |version| Data { version, value: "0x1".into(), ..plain.clone() };
        let extended = |version| Data { version, extension: vec![1].into(), ..plain.clone() };
        assert_eq!(plain.hashed_bytes(), paid(0).hashed_bytes());
        assert_eq!([&plain, &paid(0), &paid(1)].map(Data::is_covered), [true, false, true]);
        assert_eq!([0, 1, 2].map(|version| extended(version).is_covered()), [false, false, true]);
    }
}
