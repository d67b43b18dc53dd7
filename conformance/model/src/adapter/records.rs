//! What is handed out and comes back: continuations and tracking. The host seals continuations, but they are decoded as
//! if it did not.

use adapter_sdk::types::{SignItem, SignRequest, Step, Validity};

use super::call;
use crate::wire::{Body, Hash, Malformed, Reader, Wire, Writer, sha256};

/// A call, by the digest of its salt.
pub(super) type Owner = [u8; 16];

/// The owner of this salt.
pub(super) fn owner(salt: &[u8]) -> Owner {
    let digest = sha256(&[b"owner", salt]);
    digest.first_chunk().copied().unwrap_or_default()
}

/// A call that waits for its signature.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) owner: Owner,
    /// Milliseconds since 1970.
    pub(super) until: u64,
    /// Signatures that were asked for before.
    pub(super) rounds: u8,
    /// The transaction whose place it takes.
    pub(super) replaces: Option<Hash>,
    /// No block up to here can carry it.
    pub(super) after: u64,
    pub(super) body: Body,
    pub(super) private: Vec<(String, Vec<u8>)>,
}

impl Wire for Pending {
    const KIND: [u8; 2] = [b'K', 1];

    fn write(&self, to: &mut Writer) {
        to.fixed(&self.owner).u64(self.until).u8(self.rounds).option(self.replaces, |to, id| {
            to.fixed(&id);
        });
        to.u64(self.after).bytes(&self.body.encode()).list(&self.private, |to, (name, value)| {
            to.text(name).bytes(value);
        });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Pending {
            owner: from.fixed()?,
            until: from.u64()?,
            rounds: from.u8()?,
            replaces: from.option(Reader::fixed)?,
            after: from.u64()?,
            body: Body::decode(&from.bytes()?)?,
            private: from.list(|from| Ok((from.text()?, from.bytes()?)))?,
        })
    }
}

impl Pending {
    /// The most that the transaction can cost.
    fn max_fee(&self) -> u128 {
        u128::from(self.body.units).saturating_mul(self.body.price.into())
    }

    /// Asks for the signature.
    pub(super) fn ask(&self) -> Step {
        let max_fee = self.max_fee();
        Step::Sign(SignRequest {
            items: vec![SignItem { key: self.body.key(), input: self.body.input() }],
            continuation: self.encode(),
            valid_until: Validity::Millis(self.until),
            max_fee: Some(max_fee.to_string()),
            summary: call::summary(&self.body.action, self.body.amount, max_fee),
        })
    }
}

/// What a receipt needs to say what became of a transaction that is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tracking {
    pub(super) account: String,
    pub(super) nonce: u64,
    /// The first block that can carry it.
    pub(super) first_block: u64,
    /// The last block that can.
    pub(super) last_block: u64,
}

impl Wire for Tracking {
    const KIND: [u8; 2] = [b'G', 1];

    fn write(&self, to: &mut Writer) {
        to.text(&self.account).u64(self.nonce).u64(self.first_block).u64(self.last_block);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Tracking {
            account: from.text()?,
            nonce: from.u64()?,
            first_block: from.u64()?,
            last_block: from.u64()?,
        })
    }
}
