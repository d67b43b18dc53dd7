//! A block whose hashes were made anew, and the signatures of its orderers.

use std::collections::BTreeSet;

use adapter_sdk::{
    Imports,
    types::{BlockRef, Error, Event, HashAlgorithm},
};
use der::{
    Encode as _, Sequence,
    asn1::{OctetStringRef, Uint},
};
use prost::Message as _;

use crate::{
    certificate::Certificate,
    channel::{Channel, Signer},
    errors::corrupt,
    hex,
    identity::Identity,
    policy,
    proto::{
        common::{
            Block as Encoded, BlockHeader, BlockMetadataIndex, IdentifierHeader, Metadata, MetadataSignature,
            OrdererBlockMetadata, SignatureHeader,
        },
        msp::MspRoleType,
        peer::TxValidationCode,
    },
    transaction::Entry,
};

/// What a block's hash is made of (`protoutil.BlockHeaderBytes`): DER of number, parent's hash and data's hash.
#[derive(Sequence)]
struct HeaderDer<'a> {
    number: Uint,
    previous: &'a OctetStringRef,
    data: &'a OctetStringRef,
}

/// The bytes that hash to a block's hash.
pub(crate) fn header_der(header: &BlockHeader) -> Option<Vec<u8>> {
    HeaderDer {
        number: Uint::new(&header.number.to_be_bytes()).ok()?,
        previous: OctetStringRef::new(&header.previous_hash).ok()?,
        data: OctetStringRef::new(&header.data_hash).ok()?,
    }
    .to_der()
    .ok()
}

/// A block that hashes to what its header says.
pub(crate) struct Block {
    pub(crate) reference: BlockRef,
    pub(crate) header: BlockHeader,
    /// The header's preimage.
    pub(crate) header_der: Vec<u8>,
    /// The envelopes, encoded.
    pub(crate) data: Vec<Vec<u8>>,
    pub(crate) metadata: Vec<Vec<u8>>,
    /// The envelopes, read.
    pub(crate) entries: Vec<Entry>,
}

impl Block {
    /// Reads a block and makes its hashes anew.
    pub(crate) fn decode(host: &dyn Imports, bytes: &[u8]) -> Result<Self, Error> {
        let encoded =
            Encoded::decode(bytes).map_err(|error| corrupt(format!("a block does not decode: {error}")))?;
        Block::of(host, encoded)
    }

    /// The same of a block that is decoded.
    pub(crate) fn of(host: &dyn Imports, encoded: Encoded) -> Result<Self, Error> {
        let header = encoded.header.ok_or_else(|| corrupt("a block without a header"))?;
        let data = encoded.data.unwrap_or_default().data;
        let metadata = encoded.metadata.unwrap_or_default().metadata;
        let number = header.number;
        if header.data_hash != host.hash(HashAlgorithm::Sha256, &data.concat()) {
            return Err(corrupt(format!("block {number}: its envelopes do not hash to its data hash")));
        }
        let header_der = header_der(&header)
            .ok_or_else(|| corrupt(format!("block {number}: its header cannot be hashed")))?;
        let hash = host.hash(HashAlgorithm::Sha256, &header_der);
        let entries = data.iter().map(|envelope| Entry::of(host, envelope)).collect();
        Ok(Block { reference: BlockRef { number, hash }, header, header_der, data, metadata, entries })
    }

    fn slot(&self, index: BlockMetadataIndex) -> &[u8] {
        self.metadata.get(index as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// The validation code of a transaction, as the peer has it; none where the peer says nothing.
    pub(crate) fn code(&self, place: usize) -> Option<u8> {
        self.slot(BlockMetadataIndex::TransactionsFilter).get(place).copied()
    }

    /// Whether a transaction had effect.
    pub(crate) fn is_valid(&self, place: usize) -> bool {
        self.code(place) == Some(TxValidationCode::Valid as u8)
    }

    /// The peer gives a code for each envelope; without one the block is not whole.
    pub(crate) fn with_codes(self) -> Result<Self, Error> {
        if self.slot(BlockMetadataIndex::TransactionsFilter).len() == self.data.len() {
            return Ok(self);
        }
        Err(corrupt(format!("block {}: not one validation code for each transaction", self.header.number)))
    }

    /// When it was made, by the makers of its transactions: a block has no time of its own.
    pub(crate) fn millis(&self) -> Option<u64> {
        self.entries.iter().find_map(|entry| entry.headers.as_ref()?.millis())
    }

    /// The place of a transaction: of the valid one, where it is there more than once.
    pub(crate) fn place(&self, transaction: &str) -> Option<usize> {
        let mut places = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.id == transaction)
            .map(|(place, _)| place);
        let first = places.next()?;
        Some(std::iter::once(first).chain(places).find(|place| self.is_valid(*place)).unwrap_or(first))
    }

    /// The events of its valid transactions, with the place of each one's transaction.
    pub(crate) fn events(&self) -> Vec<(usize, Event)> {
        let announced = self.entries.iter().enumerate().filter(|(place, _)| self.is_valid(*place));
        let announced = announced
            .filter_map(|(place, entry)| Some((place, entry, entry.action.as_ref()?.event.as_ref()?)));
        announced
            .zip(0u32..)
            .map(|((place, entry, event), index)| {
                let event = Event {
                    id: format!("{}/{index}", hex::encode(&self.reference.hash)),
                    contract: event.chaincode_id.clone(),
                    name: event.event_name.clone(),
                    payload: event.payload.clone(),
                    json: None,
                    transaction: entry.id.clone(),
                    block: self.reference.clone(),
                    index,
                    retracted: false,
                    extensions: Vec::new(),
                };
                (place, event)
            })
            .collect()
    }

    /// What its orderers signed.
    pub(crate) fn signatures(&self) -> Option<Metadata> {
        Metadata::decode(self.slot(BlockMetadataIndex::Signatures)).ok()
    }

    /// The number of the configuration block that its orderers name.
    pub(crate) fn configuration(&self) -> Option<u64> {
        let signed = OrdererBlockMetadata::decode(self.signatures()?.value.as_slice()).ok()?;
        Some(signed.last_config?.index)
    }

    /// Fails unless the orderers' signatures are as many as the channel asks for.
    pub(crate) fn is_ordered(&self, host: &dyn Imports, channel: &Channel) -> Result<(), Error> {
        let millis = self.millis().unwrap_or_default();
        let signed = self.signatures().unwrap_or_default();
        quorum(host, channel, &self.header_der, &signed, millis).map(|_| ()).ok_or_else(|| {
            corrupt(format!("block {}: too few of the channel's orderers signed it", self.header.number))
        })
    }
}

/// The fewest of these signatures that are a quorum of the channel's orderers at that moment; none where they are none.
///
/// Raft: whoever the policy `BlockValidation` of the orderers' group asks for, one orderer as a rule. BFT: that many
/// consenters of n that two such sets share an honest one: ⌈(n + f + 1) / 2⌉ with f = ⌊(n − 1) / 3⌋ (SmartBFT).
pub(crate) fn quorum(
    host: &dyn Imports,
    channel: &Channel,
    header_der: &[u8],
    signed: &Metadata,
    millis: u64,
) -> Option<Metadata> {
    if channel.consenters.is_empty() {
        crash_tolerant(host, channel, header_der, signed, millis)
    } else {
        byzantine(host, channel, header_der, signed)
    }
}

fn crash_tolerant(
    host: &dyn Imports,
    channel: &Channel,
    header_der: &[u8],
    signed: &Metadata,
    millis: u64,
) -> Option<Metadata> {
    let group = channel.group.groups.get("Orderer")?;
    let mut valid: Vec<(Identity, &MetadataSignature)> = Vec::new();
    for signature in &signed.signatures {
        let Some(identity) = orderer(host, channel, header_der, signed, signature, millis) else { continue };
        if valid.iter().all(|(other, _)| other.serialized != identity.serialized) {
            valid.push((identity, signature));
        }
        let signers: Vec<_> = valid
            .iter()
            .filter_map(|(identity, _)| Some(Signer { identity, msp: channel.orderers.get(&identity.msp)? }))
            .collect();
        let enough = if policy::exists(group, "BlockValidation") {
            policy::is_satisfied(group, "BlockValidation", &signers)
        } else {
            !signers.is_empty()
        };
        if enough {
            let signatures = valid.iter().map(|(_, signature)| (*signature).clone()).collect();
            return Some(Metadata { value: signed.value.clone(), signatures });
        }
    }
    None
}

/// Who made a signature, where it is an orderer of the channel and the signature verifies.
fn orderer(
    host: &dyn Imports,
    channel: &Channel,
    header_der: &[u8],
    signed: &Metadata,
    signature: &MetadataSignature,
    millis: u64,
) -> Option<Identity> {
    let header = SignatureHeader::decode(signature.signature_header.as_slice()).ok()?;
    let identity = Identity::decode(&header.creator)?;
    let msp = channel.orderers.get(&identity.msp)?;
    let message = [signed.value.as_slice(), &signature.signature_header, header_der].concat();
    let is_orderer = !msp.tells_roles() || msp.has_role(&identity.certificate, MspRoleType::Orderer);
    (signature.identifier_header.is_empty()
        && is_orderer
        && msp.knows(host, &identity.certificate, millis)
        && identity.certificate.signed(host, &message, &signature.signature))
    .then_some(identity)
}

fn byzantine(
    host: &dyn Imports,
    channel: &Channel,
    header_der: &[u8],
    signed: &Metadata,
) -> Option<Metadata> {
    let nodes = channel.consenters.len();
    let faulty = nodes.saturating_sub(1) / 3;
    let wanted = (nodes + faulty + 1).div_ceil(2);
    let mut who = BTreeSet::new();
    let mut signatures = Vec::new();
    for signature in &signed.signatures {
        let Some(consenter) = consenter(host, channel, header_der, signed, signature) else { continue };
        if who.insert(consenter) {
            signatures.push(signature.clone());
        }
        if who.len() == wanted {
            return Some(Metadata { value: signed.value.clone(), signatures });
        }
    }
    None
}

fn consenter(
    host: &dyn Imports,
    channel: &Channel,
    header_der: &[u8],
    signed: &Metadata,
    signature: &MetadataSignature,
) -> Option<u32> {
    let header = IdentifierHeader::decode(signature.identifier_header.as_slice()).ok()?;
    let consenter = channel.consenters.iter().find(|consenter| consenter.id == header.identifier)?;
    let certificate = Certificate::from_pem(&consenter.identity)
        .or_else(|| Identity::decode(&consenter.identity).map(|identity| identity.certificate))?;
    let message = [signed.value.as_slice(), &signature.identifier_header, header_der].concat();
    (signature.signature_header.is_empty() && certificate.signed(host, &message, &signature.signature))
        .then_some(consenter.id)
}

#[cfg(test)]
#[path = "block_tests.rs"]
pub(crate) mod tests;
