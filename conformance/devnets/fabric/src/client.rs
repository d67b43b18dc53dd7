//! What a client makes: proposals and signed envelopes. The network itself needs it for its own transactions, tests and load
//! generators for theirs.

use prost::Message as _;

use crate::{
    error::NetworkError,
    identity::Key,
    lifecycle::LIFECYCLE,
    proposal::transaction_id,
    proto::{
        common::{ChannelHeader, Envelope, Header, HeaderType, SignatureHeader},
        google::Timestamp,
        peer::{
            ChaincodeHeaderExtension, ChaincodeId, ChaincodeInput, ChaincodeInvocationSpec,
            ChaincodeProposalPayload, ChaincodeSpec, ChaincodeType, Proposal, SignedProposal,
        },
    },
};

/// Somebody who calls chaincodes.
pub struct Client<'a> {
    /// When it asks, by its own clock: milliseconds since 1970.
    pub now: u64,
    /// The serialised identity.
    pub identity: Vec<u8>,
    /// Its key.
    pub key: &'a Key,
}

/// What is called.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// The channel.
    pub channel: String,
    /// The chaincode.
    pub chaincode: String,
    /// The function and its arguments.
    pub arguments: Vec<Vec<u8>>,
    /// What does not go into the transaction.
    pub transient: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Client<'_> {
    /// A signed proposal with a nonce of its own, and the transaction's id.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn propose(&self, invocation: Invocation) -> Result<(String, SignedProposal), NetworkError> {
        let Invocation { channel, chaincode, arguments, transient } = invocation;
        let signer = SignatureHeader { creator: self.identity.clone(), nonce: nonce()? };
        let chaincode = ChaincodeId { name: chaincode, ..ChaincodeId::default() };
        let extension = ChaincodeHeaderExtension { chaincode_id: Some(chaincode.clone()) };
        let id = transaction_id(&signer);
        let milliseconds = self.now;
        let timestamp = Timestamp {
            seconds: (milliseconds / 1000).try_into().unwrap_or_default(),
            nanos: (milliseconds % 1000 * 1_000_000).try_into().unwrap_or_default(),
        };
        let channel_header = ChannelHeader {
            r#type: HeaderType::EndorserTransaction as i32,
            timestamp: Some(timestamp),
            channel_id: channel,
            tx_id: id.clone(),
            extension: extension.encode_to_vec(),
            ..ChannelHeader::default()
        };
        // As npm's client names it; the peer's command line, which calls the lifecycle, names no language.
        let language = match chaincode.name.as_str() {
            LIFECYCLE => ChaincodeType::Undefined,
            _ => ChaincodeType::Node,
        };
        let spec = ChaincodeSpec {
            r#type: language as i32,
            chaincode_id: Some(chaincode),
            input: Some(ChaincodeInput { args: arguments, ..ChaincodeInput::default() }),
            timeout: 0,
        };
        let input = ChaincodeInvocationSpec { chaincode_spec: Some(spec) }.encode_to_vec();
        let header = Header {
            channel_header: channel_header.encode_to_vec(),
            signature_header: signer.encode_to_vec(),
        };
        let proposal = Proposal {
            header: header.encode_to_vec(),
            payload: ChaincodeProposalPayload { input, transient_map: transient }.encode_to_vec(),
            extension: Vec::new(),
        };
        let proposal_bytes = proposal.encode_to_vec();
        let signature = self.key.sign(&proposal_bytes)?;
        Ok((id, SignedProposal { proposal_bytes, signature }))
    }

    /// Signs an envelope that a gateway has prepared.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn sign(&self, mut prepared: Envelope) -> Result<Envelope, NetworkError> {
        prepared.signature = self.key.sign(&prepared.payload)?;
        Ok(prepared)
    }
}

/// 24 random bytes.
pub(crate) fn nonce() -> Result<Vec<u8>, NetworkError> {
    let mut nonce = vec![0; 24];
    getrandom::fill(&mut nonce).map_err(|error| NetworkError::internal("make a nonce", error))?;
    Ok(nonce)
}
