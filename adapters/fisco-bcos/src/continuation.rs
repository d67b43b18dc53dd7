//! What a call needs to go on with its signature, and what a receipt needs to find its transaction.
//!
//! The host seals continuations, but they are decoded as if it did not.

use adapter_sdk::{
    Imports,
    types::{Error, SignItem, SignRequest, Step, Validity},
};
use alloy_primitives::Bytes;
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::{codec, errors::invalid, settings::Settings, transaction::Unsigned};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'c', 1);
/// Kind and version of the encoding.
const TRACKING: (u8, u8) = (b't', 1);

/// A call that waits for its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Continuation {
    /// The signer's coordinates.
    pub(crate) coordinates: Vec<u8>,
    /// The height when it began: no block up to it can carry the transaction.
    pub(crate) head: u64,
    /// What is signed.
    pub(crate) unsigned: Unsigned,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Wire {
    coordinates: Bytes,
    head: u64,
    unsigned: Bytes,
}

impl Continuation {
    /// As it is handed to the host.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let wire = Wire {
            coordinates: self.coordinates.clone().into(),
            head: self.head,
            unsigned: self.unsigned.encode().into(),
        };
        codec::encode(KIND.0, KIND.1, &wire)
    }

    /// Reads what [`encode`](Self::encode) writes.
    pub(crate) fn decode(settings: &Settings, bytes: &[u8]) -> Result<Self, Error> {
        let wire: Wire = codec::decode(KIND.0, KIND.1, bytes, "the continuation")?;
        let unsigned = Unsigned::decode(settings.generation, &wire.unsigned)
            .ok_or_else(|| invalid("the continuation's transaction does not decode"))?;
        if wire.coordinates.len() != 64 {
            return Err(invalid("the continuation has no key"));
        }
        unsigned.check(settings, "the continuation")?;
        Ok(Continuation { coordinates: wire.coordinates.to_vec(), head: wire.head, unsigned })
    }

    /// The step that asks for the signature.
    pub(crate) fn ask(&self, host: &dyn Imports, settings: &Settings) -> Step {
        let what = match self.unsigned.to() {
            Some(to) => format!("call of {to} with {} bytes", self.unsigned.data().len()),
            None => format!("deployment of {} bytes", self.unsigned.data().len()),
        };
        let limit = self.unsigned.block_limit();
        let crypto = settings.crypto;
        Step::Sign(SignRequest {
            items: vec![SignItem {
                key: crypto.key(&self.coordinates),
                input: crypto.input(host, &self.unsigned.signing_bytes()),
            }],
            continuation: self.encode(),
            valid_until: Validity::Block(limit),
            max_fee: None,
            summary: format!(
                "{what} on chain {}, group {}, no later than in block {limit}; it costs nothing",
                settings.chain, settings.group
            ),
        })
    }
}

/// What a receipt needs beside the transaction's id.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Tracking {
    /// The height when the call began.
    pub(crate) head: u64,
    /// The last block that may carry it.
    pub(crate) block_limit: u64,
}

impl Tracking {
    /// As it is handed to the host.
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(TRACKING.0, TRACKING.1, self)
    }

    /// Reads what [`encode`](Self::encode) writes; none where there is nothing.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>, Error> {
        if bytes.is_empty() {
            return Ok(None);
        }
        codec::decode(TRACKING.0, TRACKING.1, bytes, "the tracking").map(Some)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        settings::Generation,
        testing::changed,
        transaction::{self, Unsigned},
    };

    /// Of the ledger that the transaction is of.
    fn settings(generation: Generation, unsigned: &Unsigned) -> Settings {
        let (chain, group) = match unsigned {
            Unsigned::Two(fields) => (fields.chain.to_string(), fields.group.to_string()),
            Unsigned::Three(data) => (data.chain.clone(), data.group.clone()),
        };
        let named = r#"{"generation": 2, "chain": "1", "group": "1"}"#;
        Settings { generation, chain, group, ..Settings::parse(named).unwrap() }
    }

    proptest! {
        #[test]
        fn a_continuation_is_read_as_it_was_written(
            (generation, unsigned) in transaction::tests::unsigned(),
            head: u64, key in any::<[[u8; 32]; 2]>(), place: usize, bit: u8,
        ) {
            let settings = settings(generation, &unsigned);
            let written = Continuation { coordinates: key.concat(), head, unsigned };
            let bytes = written.encode();
            prop_assert_eq!(Continuation::decode(&settings, &bytes).unwrap(), written.clone());
            prop_assert!(Continuation::decode(&settings, &bytes[..bytes.len() - 1]).is_err());
            if let Ok(read) = Continuation::decode(&settings, &changed(&bytes, place, bit)) {
                prop_assert_ne!(read, written);
            }
        }

        #[test]
        fn any_bytes_are_a_continuation_or_refused(bytes: Vec<u8>, three: bool) {
            let generation = if three { Generation::Three } else { Generation::Two };
            let settings = Settings {
                generation,
                ..Settings::parse(r#"{"generation": 2, "chain": "1", "group": "1"}"#).unwrap()
            };
            let framed = [&[KIND.0, KIND.1], bytes.as_slice()].concat();
            let _ = (Continuation::decode(&settings, &bytes), Continuation::decode(&settings, &framed));
            let framed = [&[TRACKING.0, TRACKING.1], bytes.as_slice()].concat();
            let _ = (Tracking::decode(&bytes), Tracking::decode(&framed));
        }

        #[test]
        fn tracking_is_read_as_it_was_written(head: u64, block_limit: u64) {
            let written = Tracking { head, block_limit };
            prop_assert_eq!(Tracking::decode(&written.encode()).unwrap(), Some(written));
        }
    }
}
