//! What a call needs to go on with its signature, and what a receipt needs to find its transaction.
//!
//! The host seals continuations, but they are decoded as if it did not.

use adapter_sdk::types::{Error, SignItem, SignRequest, SigningInput, Step, Validity};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::{
    codec,
    errors::invalid,
    nonces::Owner,
    parties::{self, Sender},
    transaction::Unsigned,
};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'c', 1);

/// A call that waits for its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Continuation {
    /// Who holds the nonce's lease.
    pub(crate) owner: Owner,
    /// Until when the signature is taken: milliseconds since 1970.
    pub(crate) until: u64,
    /// The signer.
    pub(crate) point: Vec<u8>,
    /// The height when it began: no block before it can carry the transaction.
    pub(crate) first_block: u64,
    /// The transaction that it takes the place of.
    pub(crate) replaces: Option<B256>,
    /// What is signed.
    pub(crate) unsigned: Unsigned,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Wire {
    owner: Owner,
    until: u64,
    point: Bytes,
    first_block: u64,
    /// None or one.
    replaces: Vec<B256>,
    unsigned: Bytes,
}

impl Continuation {
    /// As it is handed to the host.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let wire = Wire {
            owner: self.owner,
            until: self.until,
            point: self.point.clone().into(),
            first_block: self.first_block,
            replaces: self.replaces.into_iter().collect(),
            unsigned: self.unsigned.signing_bytes().into(),
        };
        codec::encode(KIND.0, KIND.1, &wire)
    }

    /// Reads what [`encode`](Self::encode) writes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let wire: Wire = codec::decode(KIND.0, KIND.1, bytes, "the continuation")?;
        if wire.replaces.len() > 1 {
            return Err(invalid("the continuation replaces more than one transaction"));
        }
        Ok(Continuation {
            owner: wire.owner,
            until: wire.until,
            point: wire.point.to_vec(),
            first_block: wire.first_block,
            replaces: wire.replaces.first().copied(),
            unsigned: Unsigned::decode(&wire.unsigned)?,
        })
    }

    /// The address that signs.
    pub(crate) fn sender(&self) -> Result<Sender, Error> {
        let address =
            parties::address_of(&self.point).ok_or_else(|| invalid("the continuation has no key"))?;
        Ok(Sender { address, point: self.point.clone() })
    }

    /// The step that asks for the signature. `note`: why it is asked for again.
    pub(crate) fn ask(&self, sender: &Sender, note: &str) -> Step {
        let unsigned = &self.unsigned;
        let what = match unsigned.to {
            Some(to) if unsigned.data.is_empty() => format!("transfer to {to}"),
            Some(to) => format!("call of {to} with {} bytes", unsigned.data.len()),
            None => format!("deployment of {} bytes", unsigned.data.len()),
        };
        let summary = format!(
            "{what} on chain {}, nonce {}, value {} wei, at most {} wei for {} gas{note}",
            unsigned.chain_id,
            unsigned.nonce,
            unsigned.value,
            unsigned.max_fee(),
            unsigned.gas,
        );
        Step::Sign(SignRequest {
            items: vec![SignItem {
                key: sender.key(),
                input: SigningInput::Message(unsigned.signing_bytes()),
            }],
            continuation: self.encode(),
            valid_until: Validity::Millis(self.until),
            max_fee: Some(unsigned.max_fee().to_string()),
            summary,
        })
    }
}

/// Kind and version of the encoding.
const TRACKING: (u8, u8) = (b't', 1);

/// What a receipt needs beside the transaction's id.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Tracking {
    /// The first block that can carry the transaction.
    pub(crate) first_block: u64,
    /// Its sender.
    pub(crate) sender: Address,
    /// Its nonce.
    pub(crate) nonce: u64,
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

/// The owner of what a call reserves, from its salt; from fresh random bytes where there is none.
pub(crate) fn owner(host: &dyn adapter_sdk::Imports, salt: &[u8]) -> Owner {
    let digest = if salt.is_empty() {
        alloy_primitives::keccak256(host.random(32))
    } else {
        alloy_primitives::keccak256([b"berth.ethereum.owner".as_slice(), salt].concat())
    };
    Owner::from_slice(digest.get(..16).unwrap_or(&[0; 16]))
}

/// What may be paid at most, where the caller says so.
pub(crate) fn max_fee(text: Option<&str>) -> Result<Option<U256>, Error> {
    text.map(|text| crate::abi::amount(text, "the maximal fee")).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::Fees;

    fn example() -> Continuation {
        Continuation {
            owner: Owner::repeat_byte(7),
            until: 1_700_000_000_000,
            point: vec![4; 65],
            first_block: 12,
            replaces: Some(B256::repeat_byte(9)),
            unsigned: Unsigned {
                chain_id: 31337,
                nonce: 3,
                fees: Fees::Dynamic { tip: 1, cap: 2 },
                gas: 21000,
                to: Some(Address::repeat_byte(1)),
                value: U256::ZERO,
                data: Bytes::from_static(&[1, 2, 3]),
            },
        }
    }

    #[test]
    fn continuations_and_tracking_come_back_as_they_were() {
        assert_eq!(Continuation::decode(&example().encode()).unwrap(), example());
        let tracking = Tracking { first_block: 1, sender: Address::ZERO, nonce: u64::MAX };
        assert_eq!(Tracking::decode(&tracking.encode()).unwrap(), Some(tracking));
        assert_eq!(Tracking::decode(&[]).unwrap(), None);
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = example().encode();
        for end in 0..bytes.len() {
            assert!(Continuation::decode(&bytes[..end]).is_err(), "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_an_error(bytes: Vec<u8>, place: usize, value: u8) {
            let _ = Continuation::decode(&bytes);
            let _ = Continuation::decode(&[vec![KIND.0, KIND.1], bytes.clone()].concat());
            let _ = Tracking::decode(&bytes);
            let mut changed = example().encode();
            let place = place % changed.len();
            changed[place] = value;
            let _ = Continuation::decode(&changed).map(|continuation| continuation.sender());
        }
    }
}
