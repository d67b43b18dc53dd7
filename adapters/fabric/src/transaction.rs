//! What an envelope of a block says.

use adapter_sdk::{
    Imports,
    types::{HashAlgorithm, Output},
};
use prost::Message as _;

use crate::{
    hex,
    proto::{
        common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader},
        peer::{
            ChaincodeAction, ChaincodeActionPayload, ChaincodeEvent, ProposalResponsePayload, Transaction,
        },
    },
};

/// The headers of a payload, with what they stand before.
pub(crate) struct Headers {
    pub(crate) channel: ChannelHeader,
    pub(crate) signature: SignatureHeader,
    /// What the payload carries.
    pub(crate) data: Vec<u8>,
}

impl Headers {
    /// Reads a payload; none where it does not decode.
    pub(crate) fn of_payload(payload: &[u8]) -> Option<Self> {
        let payload = Payload::decode(payload).ok()?;
        let header = payload.header?;
        Some(Headers {
            channel: ChannelHeader::decode(header.channel_header.as_slice()).ok()?,
            signature: SignatureHeader::decode(header.signature_header.as_slice()).ok()?,
            data: payload.data,
        })
    }

    /// The moment that its maker states, milliseconds since 1970.
    pub(crate) fn millis(&self) -> Option<u64> {
        let time = self.channel.timestamp.as_ref()?;
        let seconds = u64::try_from(time.seconds).ok()?.checked_mul(1000)?;
        seconds.checked_add(u64::try_from(time.nanos).ok()? / 1_000_000)
    }
}

/// A transaction's id: the SHA-256 of nonce and creator (`protoutil.ComputeTxID`).
pub(crate) fn id(host: &dyn Imports, nonce: &[u8], creator: &[u8]) -> String {
    hex::encode(&host.hash(HashAlgorithm::Sha256, &[nonce, creator].concat()))
}

/// One envelope of a block, as far as it decodes.
pub(crate) struct Entry {
    /// Its id; a configuration's is often empty, and then the hash of its envelope stands here.
    pub(crate) id: String,
    /// Its headers; none where it does not decode.
    pub(crate) headers: Option<Headers>,
    /// What it did, where it is a chaincode's transaction.
    pub(crate) action: Option<Action>,
}

/// What a chaincode did.
#[derive(Default)]
pub(crate) struct Action {
    /// What it answered.
    pub(crate) output: Vec<u8>,
    /// What it announced.
    pub(crate) event: Option<ChaincodeEvent>,
}

impl Entry {
    /// Reads an envelope of a block. Whatever an orderer has put into a block is an entry of it: what does not decode was
    /// found invalid by the peers.
    pub(crate) fn of(host: &dyn Imports, envelope: &[u8]) -> Self {
        let headers =
            Envelope::decode(envelope).ok().and_then(|envelope| Headers::of_payload(&envelope.payload));
        let id = match &headers {
            Some(headers) if !headers.channel.tx_id.is_empty() => headers.channel.tx_id.clone(),
            _ => hex::encode(&host.hash(HashAlgorithm::Sha256, envelope)),
        };
        let action = headers
            .as_ref()
            .filter(|headers| headers.channel.r#type == HeaderType::EndorserTransaction as i32)
            .and_then(|headers| Action::of(&headers.data));
        Entry { id, headers, action }
    }

    /// What the contract gave back.
    pub(crate) fn output(&self) -> Output {
        let raw = self.action.as_ref().map(|action| action.output.clone()).unwrap_or_default();
        Output { raw, json: None }
    }
}

impl Action {
    fn of(transaction: &[u8]) -> Option<Self> {
        let transaction = Transaction::decode(transaction).ok()?;
        let payload = ChaincodeActionPayload::decode(transaction.actions.first()?.payload.as_slice()).ok()?;
        let endorsed = payload.action?.proposal_response_payload;
        let endorsed = ProposalResponsePayload::decode(endorsed.as_slice()).ok()?;
        let action = ChaincodeAction::decode(endorsed.extension.as_slice()).ok()?;
        let event = ChaincodeEvent::decode(action.events.as_slice())
            .ok()
            .filter(|event| !action.events.is_empty() && !event.event_name.is_empty());
        Some(Action { output: action.response.map(|response| response.payload).unwrap_or_default(), event })
    }
}
