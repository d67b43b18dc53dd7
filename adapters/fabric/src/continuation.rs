//! What a call needs to go on with its signatures, and what a receipt needs to find its transaction.

use crate::{certificate::Certificate, codec, errors::invalid, identity::Identity, memory};
use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode, HashAlgorithm, SignItem, SignRequest, SigningInput, Step, Validity},
};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Wait {
    Nothing = 0,
    /// The signature of a proposal that peers shall endorse.
    Endorsement = 1,
    /// The signature of a proposal that a peer shall evaluate.
    Evaluation = 2,
    /// The same for the history of the preset store.
    History = 3,
    /// The signatures of the transaction and of what asks for its receipt.
    Transaction = 4,
}

/// A call that waits for signatures.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Continuation {
    #[prost(enumeration = "Wait", tag = "1")]
    pub(crate) wait: i32,
    /// When it stops being taken, milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub(crate) until: u64,
    /// Who signs.
    #[prost(string, tag = "3")]
    pub(crate) msp: String,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) certificate: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) transaction: String,
    /// What is to be signed, in order; the first is sealed where `seal` is not empty.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(crate) items: Vec<Vec<u8>>,
    /// What the sealing pad was made with.
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) seal: Vec<u8>,
    /// The salt of the call, from which later nonces come.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) salt: Vec<u8>,
    /// The id of the proposal that asks for the block.
    #[prost(string, tag = "9")]
    pub(crate) query: String,
}

const KIND: u8 = b'c';
const VERSION: u8 = 1;

/// How long a call waits for its signatures. Peers refuse requests that are more than 15 minutes old
/// (`peer.authentication.timewindow`); a minute is for clocks that differ.
pub(crate) const WINDOW_MILLIS: u64 = 14 * 60 * 1000;

impl Continuation {
    /// Asks for the signatures.
    pub(crate) async fn ask(
        mut self,
        host: &dyn Imports,
        identity: &Identity,
        private: bool,
        summary: &str,
    ) -> Result<Step, Error> {
        let item = |message: &Vec<u8>| SignItem {
            key: identity.certificate.key.clone(),
            input: SigningInput::Message(message.clone()),
        };
        let items = self.items.iter().map(item).collect();
        if private {
            self.seal = host.random(16);
            let key = memory::sealing_key(host).await.ok_or_else(|| {
                Error::new(
                    ErrorCode::Unavailable,
                    "a newer version of the adapter keeps this application's state",
                )
            })?;
            if let Some(first) = self.items.first_mut() {
                apply_pad(host, &key, &self.seal, first);
            }
        }
        Ok(Step::Sign(SignRequest {
            items,
            valid_until: Validity::Millis(self.until),
            continuation: codec::encode(host, KIND, VERSION, &self),
            max_fee: None,
            summary: crate::errors::cut(summary, 1024),
        }))
    }

    /// Reads one that came back, and what it has sealed.
    pub(crate) async fn decode(host: &dyn Imports, bytes: &[u8]) -> Result<Self, Error> {
        let mut continuation: Continuation = codec::decode(host, KIND, VERSION, "continuation", bytes)?;
        if !continuation.seal.is_empty() {
            let key = memory::find_sealing_key(host).await.ok_or_else(|| {
                Error::new(ErrorCode::Expired, "the key of its private arguments is gone; begin again")
            })?;
            if let Some(first) = continuation.items.first_mut() {
                apply_pad(host, &key, &continuation.seal, first);
            }
        }
        Ok(continuation)
    }

    /// Whose signatures it waits for.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let broken = || invalid("the continuation does not decode");
        let certificate = Certificate::from_der(&self.certificate).ok_or_else(broken)?;
        Identity::new(&self.msp, certificate)
    }
}

/// Checks the form alone, for `abandon`.
pub(crate) fn is_one(host: &dyn Imports, bytes: &[u8]) -> Result<u64, Error> {
    codec::decode::<Continuation>(host, KIND, VERSION, "continuation", bytes)
        .map(|continuation| continuation.until)
}

/// Adds a pad of SHA-256 in counter mode: what is sealed is worth nothing without the application's state.
fn apply_pad(host: &dyn Imports, key: &[u8], seal: &[u8], bytes: &mut [u8]) {
    for (counter, block) in (0u64..).zip(bytes.chunks_mut(32)) {
        let pad = host.hash(HashAlgorithm::Sha256, &[key, seal, &counter.to_be_bytes()].concat());
        block.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
    }
}

/// What finds a transaction again: signed by its creator together with the transaction.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Tracking {
    #[prost(string, tag = "1")]
    pub(crate) transaction: String,
    /// `CommitStatusRequest`, and its signature.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) status: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) status_signature: Vec<u8>,
    /// The id of a proposal that asks qscc for the transaction's block, the proposal, and its signature.
    #[prost(string, tag = "4")]
    pub(crate) query: String,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) proposal: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) proposal_signature: Vec<u8>,
}

const TRACKING: u8 = b't';

impl Tracking {
    pub(crate) fn encode(&self, host: &dyn Imports) -> Vec<u8> {
        codec::encode(host, TRACKING, VERSION, self)
    }

    pub(crate) fn decode(host: &dyn Imports, bytes: &[u8]) -> Result<Self, Error> {
        codec::decode(host, TRACKING, VERSION, "tracking", bytes)
    }
}
