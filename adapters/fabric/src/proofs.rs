//! Proofs that a transaction is in a channel, and that it had effect.
//!
//! The anchor is a configuration block of the channel that the verifier trusts. *Included* follows from a block's header, its
//! envelopes, which hash to the header's data hash, and the signatures of a quorum of the channel's orderers. Orderers sign no
//! validation codes, so *succeeded* needs peers: each signs, as the endorsement of a query to qscc, the whole block as it has
//! it, its codes among it. There must be as many organisations' peers as the channel's policy `Endorsement` of the application
//! names, which is the one that chaincodes are under where they have none of their own.

use adapter_sdk::{
    Imports,
    types::{BlockRef, Claim, Error, ErrorCode, Proof},
};
use prost::Message as _;

use crate::{
    block::{self, Block},
    blocks::Configurations,
    channel::{Channel, Signer},
    endorsed,
    errors::{corrupt, cut, invalid},
    hex,
    identity::Identity,
    peers::{Client, PROCESS_PROPOSAL, Peers, QSCC},
    policy, proposal,
    proto::{
        common::{Block as Encoded, BlockData, BlockHeader, BlockMetadata, Metadata},
        msp::MspRoleType,
        peer::{ChaincodeAction, Endorsement, ProposalResponse, ProposalResponsePayload},
    },
    settings::Settings,
    transaction::Headers,
};

/// The policy that says how many organisations must agree.
const POLICY: &str = "Endorsement";
/// The query that peers sign the answer of.
const QUERY: &str = "GetBlockByNumber";
/// The most statements and signatures in a proof.
const MOST: usize = 128;

/// A proof's bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    #[prost(uint32, tag = "1")]
    version: u32,
    /// The channel's block, without what no orderer signs.
    #[prost(message, optional, tag = "2")]
    header: Option<BlockHeader>,
    #[prost(message, optional, tag = "3")]
    data: Option<BlockData>,
    /// What the orderers signed, and as few signatures as are a quorum.
    #[prost(message, optional, tag = "4")]
    signed: Option<Metadata>,
    /// Peers that say which transactions are valid; none for *included*.
    #[prost(message, repeated, tag = "5")]
    statements: Vec<Statement>,
}

/// A peer's signed answer to a query.
#[derive(Clone, PartialEq, prost::Message)]
struct Statement {
    /// The proposal: channel header, signature header, payload.
    #[prost(bytes = "vec", tag = "1")]
    proposal: Vec<u8>,
    /// `ProposalResponsePayload`.
    #[prost(bytes = "vec", tag = "2")]
    payload: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    endorsement: Option<Endorsement>,
}

/// A proof of a claim that holds.
pub(crate) async fn prove(settings: &Settings, host: &dyn Imports, claim: Claim) -> Result<Proof, Error> {
    let (id, succeeded) = match &claim {
        Claim::Included(id) => (id, false),
        Claim::Succeeded(id) => (id, true),
        Claim::Event(_) | Claim::PresetValue(_) | Claim::Slot(_) => {
            return Err(Error::unsupported("proofs of events, values and slots: Fabric signs no state"));
        }
    };
    if !hex::is_transaction(id) {
        return Err(invalid("a transaction's id is 64 hexadecimal digits in lower case"));
    }
    let (peers, client) = (Peers::lent(host)?, Client::lent(settings, host).await?);
    let answer = client.query(&peers, QSCC, client.of_channel("GetBlockByTxID", &[id.as_bytes()])).await?;
    let block = Block::decode(host, &answer)?.with_codes()?;
    let place = block.place(id).ok_or_else(|| corrupt("the block is not that of the transaction"))?;
    if succeeded && !block.is_valid(place) {
        return Err(Error::new(ErrorCode::NotFound, "the transaction is on the channel, and had no effect"));
    }
    let mut known = Configurations::default();
    let channel = known.of(&client, &peers, &block).await?;
    let signed = block.signatures().unwrap_or_default();
    let millis = block.millis().unwrap_or_default();
    let signed = block::quorum(host, channel, &block.header_der, &signed, millis)
        .ok_or_else(|| corrupt("too few of the channel's orderers signed the block"))?;
    let statements = match succeeded {
        true => statements(settings, &client, &peers, channel, &block, id).await?,
        false => Vec::new(),
    };
    let reference = block.reference.clone();
    let bytes = Bytes {
        version: 1,
        header: Some(block.header),
        data: Some(BlockData { data: block.data }),
        signed: Some(signed),
        statements,
    };
    Ok(Proof { claim, block: reference, bytes: bytes.encode_to_vec() })
}

/// Asks every lent peer, and takes as many statements as the policy wants.
async fn statements(
    settings: &Settings,
    client: &Client<'_>,
    peers: &Peers<'_>,
    channel: &Channel,
    block: &Block,
    id: &str,
) -> Result<Vec<Statement>, Error> {
    let number = block.header.number.to_string();
    let (proposed, signed) = client.propose(QSCC, client.of_channel(QUERY, &[number.as_bytes()])).await?;
    let requests: Vec<_> = peers
        .lent
        .iter()
        .take(64)
        .map(|peer| Peers::request(peer, PROCESS_PROPOSAL, &signed, false))
        .collect();
    let mut agreed: Vec<(Identity, Statement)> = Vec::new();
    for answer in client.host.grpc(requests).await {
        let Ok(answer) = answer else { continue };
        let Ok(answer) = ProposalResponse::decode(answer.as_slice()) else { continue };
        let statement = Statement {
            proposal: proposed.bytes.clone(),
            payload: answer.payload,
            endorsement: answer.endorsement,
        };
        let who = said(client.host, &settings.channel, channel, &block.reference, id, &statement);
        let Some(who) = who else { continue };
        // One of each organisation is what policies count.
        if agreed.iter().any(|(other, _)| other.msp == who.msp) {
            continue;
        }
        agreed.push((who, statement));
        if is_enough(channel, agreed.iter().map(|(who, _)| who)) {
            return Ok(agreed.into_iter().map(|(_, statement)| statement).collect());
        }
    }
    let organisations: Vec<_> = agreed.iter().map(|(who, _)| who.msp.as_str()).collect();
    Err(Error::retryable(
        ErrorCode::Unavailable,
        cut(
            &format!(
                "peers of too few organisations say that the transaction is valid (of {organisations:?}); lend a peer of each \
                 organisation that the channel's policy {POLICY} names"
            ),
            1024,
        ),
    ))
}

/// The peer of an application's organisation that says, in a signed answer to the query for this block, that it has this very
/// block and that the transaction is valid in it.
fn said(
    host: &dyn Imports,
    name: &str,
    channel: &Channel,
    reference: &BlockRef,
    id: &str,
    statement: &Statement,
) -> Option<Identity> {
    let asked = proposal::parts(&statement.proposal)?;
    let number = reference.number.to_string();
    let question = [QUERY.as_bytes(), name.as_bytes(), number.as_bytes()];
    let is_question = asked.channel.channel_id == name
        && asked.chaincode == QSCC
        && asked.arguments.iter().map(Vec::as_slice).eq(question);
    let millis =
        Headers { channel: asked.channel.clone(), signature: asked.signature.clone(), data: Vec::new() }
            .millis()?;
    let response = ProposalResponsePayload::decode(statement.payload.as_slice()).ok()?;
    let action = ChaincodeAction::decode(response.extension.as_slice()).ok()?;
    let answer = action.response?;
    if !is_question
        || response.proposal_hash != asked.hash(host)
        || action.chaincode_id?.name != QSCC
        || answer.status != 200
    {
        return None;
    }
    let who = endorsed::endorser(host, &statement.payload, statement.endorsement.as_ref()?)?;
    let msp = channel.application.get(&who.msp)?;
    if !msp.has_role(&who.certificate, MspRoleType::Peer) || !msp.knows(host, &who.certificate, millis) {
        return None;
    }
    let block = Block::decode(host, &answer.payload).ok()?.with_codes().ok()?;
    let place = block.place(id)?;
    (block.reference == *reference && block.is_valid(place)).then_some(who)
}

fn is_enough<'a>(channel: &Channel, who: impl Iterator<Item = &'a Identity>) -> bool {
    let Some(group) = channel.group.groups.get("Application") else { return false };
    let signers: Vec<_> = who
        .filter_map(|identity| Some(Signer { identity, msp: channel.application.get(&identity.msp)? }))
        .collect();
    if policy::exists(group, POLICY) {
        policy::is_satisfied(group, POLICY, &signers)
    } else {
        signers.len() > channel.application.len() / 2
    }
}

/// Verifies a proof against a configuration block.
pub(crate) fn verify(host: &dyn Imports, anchor: &[u8], proof: &Proof) -> Result<(), Error> {
    let anchor = Encoded::decode(anchor)
        .ok()
        .and_then(|block| block.data)
        .and_then(|data| match data.data.as_slice() {
            [envelope] => Channel::of_envelope(envelope),
            _ => None,
        })
        .ok_or_else(|| invalid("the anchor is no configuration block of a channel"))?;
    let (id, succeeded) = match &proof.claim {
        Claim::Included(id) => (id, false),
        Claim::Succeeded(id) => (id, true),
        Claim::Event(_) | Claim::PresetValue(_) | Claim::Slot(_) => {
            return Err(corrupt("the proof is of a kind that this adapter does not make"));
        }
    };
    let broken = || corrupt("the proof does not decode");
    let bytes = Bytes::decode(proof.bytes.as_slice()).map_err(|_| broken())?;
    // One form only, so that no byte is without meaning.
    if bytes.version != 1 || bytes.encode_to_vec() != proof.bytes {
        return Err(broken());
    }
    let signed = bytes.signed.ok_or_else(broken)?;
    if bytes.statements.len() > MOST || signed.signatures.len() > MOST {
        return Err(corrupt("the proof has more signatures than any channel has nodes"));
    }
    let block = Encoded {
        header: bytes.header,
        data: bytes.data,
        metadata: Some(BlockMetadata { metadata: vec![signed.encode_to_vec()] }),
    };
    let block = Block::of(host, block)?;
    if block.reference != proof.block {
        return Err(corrupt("the proof is of another block"));
    }
    let place = block.place(id).ok_or_else(|| corrupt("the transaction is not in the block"))?;
    let headers = block.entries.get(place).and_then(|entry| entry.headers.as_ref()).ok_or_else(broken)?;
    if headers.channel.channel_id != anchor.name {
        return Err(corrupt("the proof is of another channel"));
    }
    let millis = block.millis().unwrap_or_default();
    match block::quorum(host, &anchor, &block.header_der, &signed, millis) {
        Some(quorum) if quorum == signed => {}
        Some(_) => return Err(corrupt("the proof has signatures that are no part of the quorum")),
        None => return Err(corrupt("too few of the channel's orderers signed the block")),
    }
    if !succeeded {
        return match bytes.statements.is_empty() {
            true => Ok(()),
            false => Err(corrupt("the proof has statements that it does not need")),
        };
    }
    let mut who = Vec::new();
    for statement in &bytes.statements {
        let said = said(host, &anchor.name, &anchor, &proof.block, id, statement)
            .ok_or_else(|| corrupt("a peer's statement does not hold"))?;
        who.push(said);
    }
    if is_enough(&anchor, who.iter()) {
        return Ok(());
    }
    Err(corrupt("peers of too few organisations say that the transaction is valid"))
}

#[cfg(test)]
#[path = "proofs_tests.rs"]
mod tests;
