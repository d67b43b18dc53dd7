//! Proposals: what a caller signs, and what peers simulate.

use std::collections::BTreeMap;

use adapter_sdk::{Imports, types::HashAlgorithm};
use prost::Message as _;

use crate::{
    identity::Identity,
    proto::{
        common::{ChannelHeader, Header, HeaderType, SignatureHeader},
        google::Timestamp,
        peer::{
            ChaincodeHeaderExtension, ChaincodeId, ChaincodeInput, ChaincodeInvocationSpec,
            ChaincodeProposalPayload, ChaincodeSpec, ChaincodeType, Proposal,
        },
    },
    transaction,
};

/// A call of a chaincode.
pub(crate) struct Invocation<'a> {
    pub(crate) channel: &'a str,
    pub(crate) chaincode: &'a str,
    /// The function's name, then its arguments.
    pub(crate) arguments: Vec<Vec<u8>>,
    /// What never enters a transaction.
    pub(crate) transient: BTreeMap<String, Vec<u8>>,
}

/// A proposal.
#[derive(Clone, Debug)]
pub(crate) struct Proposed {
    /// The transaction's id.
    pub(crate) id: String,
    /// What the caller signs.
    pub(crate) bytes: Vec<u8>,
}

/// The time as protobuf has it.
pub(crate) fn timestamp(millis: u64) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(millis / 1000).unwrap_or(i64::MAX),
        nanos: i32::try_from(millis % 1000 * 1_000_000).unwrap_or_default(),
    }
}

/// The proposal of a call by this identity, with this nonce (`protoutil.CreateChaincodeProposalWithTxIDNonceAndTransient`).
pub(crate) fn propose(
    host: &dyn Imports,
    identity: &Identity,
    nonce: Vec<u8>,
    invocation: &Invocation<'_>,
) -> Proposed {
    let named = Some(ChaincodeId { name: invocation.chaincode.into(), ..Default::default() });
    let id = transaction::id(host, &nonce, &identity.serialized);
    let channel_header = ChannelHeader {
        r#type: HeaderType::EndorserTransaction as i32,
        timestamp: Some(timestamp(host.now_millis())),
        channel_id: invocation.channel.into(),
        tx_id: id.clone(),
        extension: ChaincodeHeaderExtension { chaincode_id: named.clone() }.encode_to_vec(),
        ..Default::default()
    };
    let header = Header {
        channel_header: channel_header.encode_to_vec(),
        signature_header: SignatureHeader { creator: identity.serialized.clone(), nonce }.encode_to_vec(),
    };
    let spec = ChaincodeSpec {
        // As Fabric's own clients have it, whatever the chaincode is written in.
        r#type: ChaincodeType::Node as i32,
        chaincode_id: named,
        input: Some(ChaincodeInput { args: invocation.arguments.clone(), ..Default::default() }),
        timeout: 0,
    };
    let payload = ChaincodeProposalPayload {
        input: ChaincodeInvocationSpec { chaincode_spec: Some(spec) }.encode_to_vec(),
        transient_map: invocation.transient.clone(),
    };
    let proposal =
        Proposal { header: header.encode_to_vec(), payload: payload.encode_to_vec(), extension: Vec::new() };
    Proposed { id, bytes: proposal.encode_to_vec() }
}

/// A proposal taken apart.
pub(crate) struct Parts {
    pub(crate) header: Header,
    pub(crate) channel: ChannelHeader,
    pub(crate) signature: SignatureHeader,
    /// Without transient data: what goes into the transaction, and what is hashed.
    pub(crate) public_payload: Vec<u8>,
    /// The function's name, then its arguments.
    pub(crate) arguments: Vec<Vec<u8>>,
    /// The chaincode.
    pub(crate) chaincode: String,
    /// Whether there is transient data.
    pub(crate) private: bool,
}

/// Takes a proposal apart; none where it does not decode.
pub(crate) fn parts(bytes: &[u8]) -> Option<Parts> {
    let proposal = Proposal::decode(bytes).ok()?;
    let header = Header::decode(proposal.header.as_slice()).ok()?;
    let payload = ChaincodeProposalPayload::decode(proposal.payload.as_slice()).ok()?;
    let spec = ChaincodeInvocationSpec::decode(payload.input.as_slice()).ok()?.chaincode_spec?;
    Some(Parts {
        channel: ChannelHeader::decode(header.channel_header.as_slice()).ok()?,
        signature: SignatureHeader::decode(header.signature_header.as_slice()).ok()?,
        header,
        private: !payload.transient_map.is_empty(),
        public_payload: ChaincodeProposalPayload { input: payload.input, transient_map: BTreeMap::new() }
            .encode_to_vec(),
        arguments: spec.input?.args,
        chaincode: spec.chaincode_id?.name,
    })
}

impl Parts {
    /// What endorsers sign of the proposal (`protoutil.GetProposalHash1`): SHA-256 of both headers and the payload without
    /// transient data.
    pub(crate) fn hash(&self, host: &dyn Imports) -> Vec<u8> {
        let parts = [&self.header.channel_header, &self.header.signature_header, &self.public_payload];
        host.hash(HashAlgorithm::Sha256, &parts.map(Vec::as_slice).concat())
    }
}
