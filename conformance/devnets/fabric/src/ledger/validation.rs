//! What a committing peer checks of each transaction before it may change the state.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use super::state::State;
use crate::{
    identity::{Identities, Role},
    policy::EndorsementPolicy,
    proposal::{proposal_hash, transaction_id},
    proto::{
        common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader},
        ledger::{HashedRwSet, KvRead, KvReadHash, KvRwSet, ReadsInfo, TxReadWriteSet},
        peer::{
            ChaincodeAction, ChaincodeActionPayload, ChaincodeEvent, ChaincodeHeaderExtension,
            ProposalResponsePayload, Transaction, TxValidationCode as Code,
        },
    },
};

/// What transactions of a channel are judged by.
pub struct Rules<'a> {
    /// The channel's name.
    pub channel: &'a str,
    /// Its organisations.
    pub identities: &'a Identities,
    /// The endorsement policies, by chaincode.
    pub policies: &'a BTreeMap<String, EndorsementPolicy>,
}

/// A transaction with what its bytes alone say of it.
pub struct Validated {
    /// Its id; empty where it does not decode.
    pub id: String,
    /// Its header's type.
    pub kind: i32,
    /// A fault of its bytes and signatures; valid where there is none.
    pub form: Code,
    /// Whether its endorsements fulfil the policy. It counts after what the ledger says of its id.
    pub endorsed: Code,
    /// The event, with its payload.
    pub event: Option<ChaincodeEvent>,
    /// What it read and wrote.
    pub sets: Vec<Set>,
    /// SHA-256 of each private set that belongs to it, by chaincode and collection.
    pub private: BTreeMap<(String, String), Vec<u8>>,
}

/// What a transaction read and wrote in one namespace.
pub struct Set {
    pub namespace: String,
    pub public: KvRwSet,
    pub collections: Vec<(String, HashedRwSet)>,
}

impl Validated {
    fn faulty(id: String, kind: i32, form: Code) -> Validated {
        let (event, sets, private) = (None, Vec::new(), BTreeMap::new());
        Validated { id, kind, form, endorsed: form, event, sets, private }
    }
}

/// Looks at one transaction of a block.
pub fn validate(rules: &Rules<'_>, envelope: &[u8]) -> Validated {
    let Ok(envelope) = Envelope::decode(envelope) else {
        return Validated::faulty(String::new(), 0, Code::BadPayload);
    };
    let Ok(payload) = Payload::decode(envelope.payload.as_slice()) else {
        return Validated::faulty(String::new(), 0, Code::BadPayload);
    };
    let Some(header) = &payload.header else {
        return Validated::faulty(String::new(), 0, Code::BadCommonHeader);
    };
    let (Ok(channel), Ok(signer)) = (
        ChannelHeader::decode(header.channel_header.as_slice()),
        SignatureHeader::decode(header.signature_header.as_slice()),
    ) else {
        return Validated::faulty(String::new(), 0, Code::BadCommonHeader);
    };
    let (id, kind) = (channel.tx_id.clone(), channel.r#type);
    if channel.channel_id != rules.channel {
        return Validated::faulty(id, kind, Code::TargetChainNotFound);
    }
    if kind == HeaderType::Config as i32 {
        // The genesis block is the only configuration of such a network, and does not come this way.
        return Validated::faulty(id, kind, Code::InvalidConfigTransaction);
    }
    if kind != HeaderType::EndorserTransaction as i32 {
        return Validated::faulty(id, kind, Code::UnknownTxType);
    }
    if channel.epoch != 0 || signer.nonce.is_empty() || signer.creator.is_empty() {
        return Validated::faulty(id, kind, Code::BadCommonHeader);
    }
    let signed = rules.identities.identify(&signer.creator).ok().filter(|creator| {
        (creator.is(Role::Client) || creator.is(Role::Admin))
            && creator.verify(&envelope.payload, &envelope.signature).is_ok()
    });
    if signed.is_none() {
        return Validated::faulty(id, kind, Code::BadCreatorSignature);
    }
    if transaction_id(&signer) != id {
        return Validated::faulty(id, kind, Code::BadProposalTxid);
    }
    match action(rules, &channel, header, &payload.data) {
        Ok(validated) => validated,
        Err(code) => Validated::faulty(id, kind, code),
    }
}

fn action(
    rules: &Rules<'_>,
    channel: &ChannelHeader,
    header: &crate::proto::common::Header,
    transaction: &[u8],
) -> Result<Validated, Code> {
    let transaction = Transaction::decode(transaction).map_err(|_| Code::InvalidEndorserTransaction)?;
    let [action] = transaction.actions.as_slice() else { return Err(Code::InvalidEndorserTransaction) };
    if action.header != header.signature_header {
        return Err(Code::InvalidEndorserTransaction);
    }
    let payload = ChaincodeActionPayload::decode(action.payload.as_slice())
        .map_err(|_| Code::InvalidEndorserTransaction)?;
    let endorsed = payload.action.ok_or(Code::NilTxaction)?;
    let response = ProposalResponsePayload::decode(endorsed.proposal_response_payload.as_slice())
        .map_err(|_| Code::BadResponsePayload)?;
    if response.proposal_hash != proposal_hash(header, &payload.chaincode_proposal_payload) {
        return Err(Code::InvalidEndorserTransaction);
    }
    let extension = ChaincodeHeaderExtension::decode(channel.extension.as_slice())
        .map_err(|_| Code::BadHeaderExtension)?;
    let named = extension.chaincode_id.ok_or(Code::BadHeaderExtension)?;
    let action =
        ChaincodeAction::decode(response.extension.as_slice()).map_err(|_| Code::BadResponsePayload)?;
    if action.chaincode_id.as_ref().map(|id| &id.name) != Some(&named.name) {
        return Err(Code::InvalidChaincode);
    }
    let policy = rules.policies.get(&named.name).ok_or(Code::InvalidChaincode)?;

    let mut organisations = BTreeSet::new();
    for endorsement in &endorsed.endorsements {
        let message = [endorsed.proposal_response_payload.as_slice(), &endorsement.endorser].concat();
        let endorser = rules.identities.identify(&endorsement.endorser).ok().filter(|endorser| {
            endorser.is(Role::Peer) && endorser.verify(&message, &endorsement.signature).is_ok()
        });
        if let Some(endorser) = endorser {
            organisations.insert(endorser.msp_id.clone());
        }
    }
    let fulfilled = policy.is_fulfilled(&organisations);

    let (sets, private) = sets(&action.results, &named.name)?;
    let event = match action.events.as_slice() {
        [] => None,
        bytes => Some(ChaincodeEvent::decode(bytes).map_err(|_| Code::BadResponsePayload)?),
    };
    Ok(Validated {
        id: channel.tx_id.clone(),
        kind: channel.r#type,
        form: Code::Valid,
        endorsed: if fulfilled { Code::Valid } else { Code::EndorsementPolicyFailure },
        event,
        sets,
        private,
    })
}

type Sets = (Vec<Set>, BTreeMap<(String, String), Vec<u8>>);

fn sets(results: &[u8], chaincode: &str) -> Result<Sets, Code> {
    let results = TxReadWriteSet::decode(results).map_err(|_| Code::BadRwset)?;
    let (mut sets, mut private) = (Vec::new(), BTreeMap::new());
    for set in results.ns_rwset {
        let public = KvRwSet::decode(set.rwset.as_slice()).map_err(|_| Code::BadRwset)?;
        let mut collections = Vec::new();
        for collection in set.collection_hashed_rwset {
            let hashed =
                HashedRwSet::decode(collection.hashed_rwset.as_slice()).map_err(|_| Code::BadRwset)?;
            if !collection.pvt_rwset_hash.is_empty() {
                let place = (set.namespace.clone(), collection.collection_name.clone());
                private.insert(place, collection.pvt_rwset_hash);
            }
            collections.push((collection.collection_name, hashed));
        }
        let writes =
            !public.writes.is_empty() || collections.iter().any(|(_, set)| !set.hashed_writes.is_empty());
        // A chaincode's policy speaks for its own namespace only.
        if writes && set.namespace != chaincode {
            return Err(Code::IllegalWriteset);
        }
        sets.push(Set { namespace: set.namespace, public, collections });
    }
    Ok((sets, private))
}

/// Whether all that a transaction read is still so.
pub fn is_current(state: &State, sets: &[Set]) -> Code {
    for set in sets {
        let namespace = set.namespace.as_str();
        let same = |read: &KvRead| state.get(namespace, &read.key).map(|found| found.version) == read.version;
        if !set.public.reads.iter().all(same) {
            return Code::MvccReadConflict;
        }
        for (collection, hashed) in &set.collections {
            let same = |read: &KvReadHash| {
                let found = state.hashed(namespace, collection, &read.key_hash);
                found.map(|found| found.version) == read.version
            };
            if !hashed.hashed_reads.iter().all(same) {
                return Code::MvccReadConflict;
            }
        }
        for query in &set.public.range_queries_info {
            let Some(ReadsInfo::RawReads(reads)) = &query.reads_info else { return Code::BadRwset };
            let now = state.range(namespace, &query.start_key, &query.end_key);
            let now = now.map(|(key, found)| (key.as_str(), Some(found.version)));
            let then = reads.kv_reads.iter().map(|read| (read.key.as_str(), read.version));
            if !now.eq(then) {
                return Code::PhantomReadConflict;
            }
        }
    }
    Code::Valid
}
