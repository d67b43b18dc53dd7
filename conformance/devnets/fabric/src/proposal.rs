//! What a client asks: a proposal, unpacked and checked as an endorsing peer does.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use prost::Message;
use sha2::{Digest as _, Sha256};
use x509_cert::der::DateTime;

use crate::{
    identity::{Identities, Identity, IdentityFault},
    proto::{
        common::{ChannelHeader, Header, HeaderType, SignatureHeader},
        peer::{
            ChaincodeHeaderExtension, ChaincodeInput, ChaincodeInvocationSpec, ChaincodeProposalPayload,
            Proposal, SignedProposal,
        },
    },
};

/// How far a request's time may be from a peer's (`peer.authentication.timewindow`): 15 minutes.
pub const WINDOW_SECONDS: u64 = 15 * 60;

/// A transaction's id: SHA-256 of nonce and creator, hexadecimal.
#[must_use]
pub fn transaction_id(header: &SignatureHeader) -> String {
    hex::encode(Sha256::new().chain_update(&header.nonce).chain_update(&header.creator).finalize())
}

/// What endorsers sign of the proposal: SHA-256 of both headers and of the payload without transient data.
#[must_use]
pub fn proposal_hash(header: &Header, payload: &[u8]) -> Vec<u8> {
    let hash = Sha256::new().chain_update(&header.channel_header).chain_update(&header.signature_header);
    hash.chain_update(payload).finalize().to_vec()
}

/// A proposal that decodes.
#[derive(Debug)]
pub struct Unpacked {
    /// Both headers.
    pub header: Header,
    /// The channel's name; empty where it is of none.
    pub channel: String,
    /// The chaincode's name.
    pub chaincode: String,
    /// The transaction's id, as the client says.
    pub transaction: String,
    /// Function and arguments.
    pub arguments: Vec<Vec<u8>>,
    /// What does not go into the transaction.
    pub transient: BTreeMap<String, Vec<u8>>,
    /// The encoded payload without it.
    pub payload: Vec<u8>,
    channel_header: ChannelHeader,
    signature_header: SignatureHeader,
}

impl Unpacked {
    /// Unpacks a proposal.
    ///
    /// # Errors
    /// What is missing, in a peer's words where it has some.
    pub fn decode(signed: &SignedProposal) -> Result<Unpacked, String> {
        if signed.proposal_bytes.is_empty() {
            return Err("a signed proposal is required".into());
        }
        let proposal: Proposal = decode(&signed.proposal_bytes, "Proposal")?;
        let header: Header = decode(&proposal.header, "Header")?;
        let channel_header: ChannelHeader = decode(&header.channel_header, "ChannelHeader")?;
        let signature_header: SignatureHeader = decode(&header.signature_header, "SignatureHeader")?;
        let extension: ChaincodeHeaderExtension =
            decode(&channel_header.extension, "ChaincodeHeaderExtension")?;
        let payload: ChaincodeProposalPayload = decode(&proposal.payload, "ChaincodeProposalPayload")?;
        let invocation: ChaincodeInvocationSpec = decode(&payload.input, "ChaincodeInvocationSpec")?;
        let channel = channel_header.channel_id.clone();
        let spec = invocation
            .chaincode_spec
            .ok_or_else(|| format!("no chaincode spec is provided, channel id [{channel}]"))?;
        let named = spec
            .chaincode_id
            .ok_or_else(|| format!("no chaincode id is provided, channel id [{channel}]"))?
            .name;
        if named.is_empty() {
            return Err(format!("no chaincode name is provided, channel id [{channel}]"));
        }
        let chaincode = extension.chaincode_id.map(|id| id.name).unwrap_or_default();
        if chaincode != named {
            return Err(format!("the header names the chaincode {chaincode:?}, the call {named:?}"));
        }
        let ChaincodeInput { args, .. } = spec.input.ok_or("chaincode input did not contain any input")?;
        let stripped = ChaincodeProposalPayload { input: payload.input, transient_map: BTreeMap::new() };
        Ok(Unpacked {
            transaction: channel_header.tx_id.clone(),
            arguments: args,
            transient: payload.transient_map,
            payload: stripped.encode_to_vec(),
            header,
            channel,
            chaincode,
            channel_header,
            signature_header,
        })
    }

    /// Checks that the client's time is within the window of a peer's (Fabric 3, `TimeWindowCheck`); `now` in milliseconds
    /// since 1970.
    ///
    /// # Errors
    /// The reason in a peer's words.
    pub fn check_time(&self, now: u64) -> Result<(), String> {
        let (seconds, _) = self.time();
        let seconds = u64::try_from(seconds).unwrap_or_default();
        let now = now / 1000;
        if seconds.abs_diff(now) <= WINDOW_SECONDS {
            return Ok(());
        }
        let shown = |seconds| {
            DateTime::from_unix_duration(Duration::from_secs(seconds))
                .map_or_else(|_| seconds.to_string(), |time| time.to_string())
        };
        Err(format!(
            "request unauthorized due to incorrect timestamp {}, peer time {}, peer.authentication.timewindow 15m0s",
            shown(seconds),
            shown(now)
        ))
    }

    /// Checks who asks, and that the id is right.
    ///
    /// # Errors
    /// The reason in a peer's words.
    pub fn check(&self, identities: &Identities, signed: &SignedProposal) -> Result<Arc<Identity>, String> {
        let invalid = |what: &str| format!("error validating proposal: {what}");
        if self.channel_header.r#type != HeaderType::EndorserTransaction as i32 {
            return Err(invalid(&format!("invalid header type {}", self.channel_header.r#type)));
        }
        if self.channel_header.epoch != 0 {
            return Err(invalid("epoch is non-zero"));
        }
        if self.signature_header.nonce.is_empty() {
            return Err(invalid("nonce is empty"));
        }
        if self.signature_header.creator.is_empty() {
            return Err(invalid("creator is empty"));
        }
        let expected = transaction_id(&self.signature_header);
        if self.transaction != expected {
            return Err(invalid(&format!(
                "incorrectly computed txid '{}' -- expected '{expected}'",
                self.transaction
            )));
        }
        let channel = &self.channel;
        let unknown = || {
            invalid(&format!("access denied: channel [{channel}] creator org unknown, creator is malformed"))
        };
        let denied =
            |msp_id: &str| invalid(&format!("access denied: channel [{channel}] creator org [{msp_id}]"));
        let creator = match identities.identify(&self.signature_header.creator) {
            Ok(creator) => creator,
            // The peer's filter of requests says so, before the proposal is looked at.
            Err(IdentityFault::Expired) => return Err("proposal client identity expired".into()),
            Err(_) => return Err(unknown()),
        };
        creator.verify(&signed.proposal_bytes, &signed.signature).map_err(|_| denied(&creator.msp_id))?;
        Ok(creator)
    }

    /// The creator's bytes, for messages.
    #[must_use]
    pub fn creator(&self) -> &[u8] {
        &self.signature_header.creator
    }

    /// When the client says that it made it: seconds and nanoseconds since 1970.
    #[must_use]
    pub fn time(&self) -> (i64, i32) {
        self.channel_header.timestamp.map_or((0, 0), |time| (time.seconds, time.nanos))
    }
}

fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, String> {
    M::decode(bytes).map_err(|error| format!("error unmarshalling {what}: {error}"))
}
