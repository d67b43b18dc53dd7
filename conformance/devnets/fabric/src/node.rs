//! All that serves a network: its members and channels, and the endorsing peers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use prost::Message as _;

use crate::{
    channel::Channel,
    clock::Clock,
    contract::{Call, Contract, Failure, OK},
    error::NetworkError,
    identity::{Identity, Role},
    ledger::{Simulated, Simulation},
    lifecycle::{Definition, LIFECYCLE, Lifecycle, sequence_key},
    members::{Member, Members},
    options::Options,
    proposal::{Unpacked, proposal_hash},
    proto::peer::{
        ChaincodeAction, ChaincodeEvent, ChaincodeId, Endorsement, ProposalResponse, ProposalResponsePayload,
        Response, SignedProposal,
    },
    system,
};

/// The version that system chaincodes answer with.
const SYSTEM_VERSION: &str = "syscc";

/// A network's members and channels.
pub struct Node {
    /// What it is made of.
    pub options: Options,
    /// Who there is.
    pub members: Arc<Members>,
    /// How many answers of their contracts peers but the first spoil yet, so that endorsements disagree; all of them at
    /// the greatest number.
    pub disagree: AtomicU32,
    channels: BTreeMap<String, Arc<Channel>>,
}

/// Of [`Node::disagree`]: without an end.
pub const ALWAYS: u32 = u32::MAX;

/// A proposal that a peer has accepted.
pub struct Accepted {
    /// What was asked.
    pub unpacked: Unpacked,
    /// Who asks.
    pub creator: Arc<Identity>,
    /// The channel.
    pub channel: Arc<Channel>,
}

/// Why a peer does not run a proposal.
#[derive(Debug)]
pub enum Refused {
    /// It does not decode, its signature does not hold, it is a duplicate: the client's fault.
    Invalid(String),
    /// The peer is in no such channel.
    Channel(String),
}

impl Node {
    /// Makes the channels.
    ///
    /// # Errors
    /// When the options contradict each other, or the folder cannot be used.
    pub fn open(options: Options, members: Members) -> Result<Node, NetworkError> {
        let members = Arc::new(members);
        let mut channels = BTreeMap::new();
        for name in &options.channels {
            let channel = Channel::open(name, &options, members.clone())?;
            if channels.insert(name.clone(), channel).is_some() {
                return Err(NetworkError::Options(format!("there are two channels {name}")));
            }
        }
        Ok(Node { options, members, disagree: AtomicU32::new(0), channels })
    }

    /// A channel by its name.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&Arc<Channel>> {
        self.channels.get(name)
    }

    /// All channels.
    pub fn channels(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.channels.values()
    }

    /// Whether a chaincode can be called on a channel.
    #[must_use]
    pub fn has_chaincode(&self, channel: &str, chaincode: &str) -> bool {
        let defined =
            || self.channel(channel).is_some_and(|channel| channel.definitions.contains_key(chaincode));
        self.channel(channel).is_some() && (chaincode == LIFECYCLE || system::is_system(chaincode))
            || defined()
    }

    fn spoils(&self) -> bool {
        let next = |left: u32| if left == ALWAYS { Some(left) } else { left.checked_sub(1) };
        self.disagree.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    /// The peers' and orderers' clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.members.identities.clock
    }

    /// Checks a proposal as a peer does before it runs it.
    ///
    /// # Errors
    /// Why it is not run.
    pub fn accept(&self, signed: &SignedProposal) -> Result<Accepted, Refused> {
        let unpacked = Unpacked::decode(signed).map_err(Refused::Invalid)?;
        let channel = self
            .channel(&unpacked.channel)
            .cloned()
            .ok_or_else(|| Refused::Channel(format!("channel '{}' not found", unpacked.channel)))?;
        unpacked.check_time(self.clock().milliseconds()).map_err(Refused::Invalid)?;
        let creator = unpacked.check(&self.members.identities, signed).map_err(Refused::Invalid)?;
        if channel.ledger().transaction(&unpacked.transaction).is_some() {
            return Err(Refused::Invalid(format!(
                "duplicate transaction found [{}]. Creator [{}]",
                unpacked.transaction,
                hex::encode(unpacked.creator())
            )));
        }
        let may_write = creator.is(Role::Client) || creator.is(Role::Admin);
        if !system::is_system(&unpacked.chaincode) && !may_write {
            return Err(Refused::Invalid(format!(
                "failed evaluating policy on signed data during check policy on channel [{}] with policy \
                 [/Channel/Application/Writers]: [implicit policy evaluation failed - 0 sub-policies were satisfied, \
                 but this policy requires 1 of the 'Writers' sub-policies to be satisfied]",
                unpacked.channel
            )));
        }
        Ok(Accepted { unpacked, creator, channel })
    }

    /// Has a peer run a proposal and endorse what comes of it. Whatever goes wrong is in the answer, as a peer answers it.
    #[must_use]
    pub fn endorse(&self, peer: &Member, accepted: &Accepted) -> ProposalResponse {
        self.run(peer, accepted).unwrap_or_else(|message| ProposalResponse {
            response: Some(Response { status: crate::contract::ERROR, message, payload: Vec::new() }),
            ..ProposalResponse::default()
        })
    }

    fn run(&self, peer: &Member, accepted: &Accepted) -> Result<ProposalResponse, String> {
        let Accepted { unpacked, channel, .. } = accepted;
        let chaincode = unpacked.chaincode.as_str();
        let mut ran = if system::is_system(chaincode) {
            let response = system::query(self, chaincode, &unpacked.arguments);
            Ran { response, results: Vec::new(), event: None, version: SYSTEM_VERSION }
        } else if chaincode == LIFECYCLE {
            simulate(accepted, &Lifecycle, SYSTEM_VERSION)
        } else {
            let (_, contract) = channel.definitions.get(chaincode).ok_or_else(|| {
                let channel = &channel.name;
                format!(
                    "make sure the chaincode {chaincode} has been successfully defined on channel {channel} and try \
                     again: chaincode {chaincode} not found"
                )
            })?;
            simulate(accepted, contract.as_ref(), Definition::VERSION)
        };
        let is_first = self.members.peers.first().is_some_and(|first| first.msp_id == peer.msp_id);
        if !is_first && self.spoils() {
            ran.response.payload.push(b'?');
        }
        let chaincode_id =
            ChaincodeId { name: chaincode.to_owned(), version: ran.version.to_owned(), path: String::new() };
        let action = ChaincodeAction {
            results: ran.results,
            events: ran.event.map(|event| event.encode_to_vec()).unwrap_or_default(),
            response: Some(ran.response.clone()),
            chaincode_id: Some(chaincode_id),
        };
        let payload = ProposalResponsePayload {
            proposal_hash: proposal_hash(&unpacked.header, &unpacked.payload),
            extension: action.encode_to_vec(),
        };
        let payload = payload.encode_to_vec();
        let response = Some(ran.response);
        match response.as_ref().map_or(0, |response| response.status) {
            500.. => Ok(ProposalResponse { response, payload, ..ProposalResponse::default() }),
            400.. => Ok(ProposalResponse { response, ..ProposalResponse::default() }),
            _ => {
                let endorser = peer.identity.clone();
                let signed = peer.key.sign(&[payload.as_slice(), &endorser].concat());
                let signature = signed.map_err(|error| format!("endorsing with plugin failed: {error}"))?;
                let endorsement = Some(Endorsement { endorser, signature });
                Ok(ProposalResponse { version: 1, timestamp: None, response, payload, endorsement })
            }
        }
    }
}

struct Ran {
    response: Response,
    results: Vec<u8>,
    event: Option<ChaincodeEvent>,
    version: &'static str,
}

/// Runs a contract over the newest state.
fn simulate(accepted: &Accepted, contract: &dyn Contract, version: &'static str) -> Ran {
    let Accepted { unpacked, creator, channel } = accepted;
    let organisations =
        &channel.policies.get(LIFECYCLE).map(|policy| policy.organisations.clone()).unwrap_or_default();
    let (answer, event, simulated) = channel.with_state(|state| {
        let mut simulation = Simulation::new(state);
        if unpacked.chaincode != LIFECYCLE {
            // A peer looks the definition up within the transaction, so that a new definition invalidates it.
            simulation.get(LIFECYCLE, &sequence_key(&unpacked.chaincode));
        }
        let (function, arguments) = match unpacked.arguments.split_first() {
            Some((function, arguments)) => {
                (String::from_utf8_lossy(function).into_owned(), arguments.to_vec())
            }
            None => (String::new(), Vec::new()),
        };
        let mut call = Call {
            function,
            arguments,
            transient: &unpacked.transient,
            creator,
            organisations,
            namespace: &unpacked.chaincode,
            simulation,
            event: None,
        };
        let answer = contract.invoke(&mut call);
        (answer, call.event.take(), call.simulation.finish())
    });
    let response = match answer {
        Ok(payload) => Response { status: OK, message: String::new(), payload },
        Err(Failure { status, message }) => {
            let response = Response { status, message, payload: Vec::new() };
            return Ran { response, results: Vec::new(), event: None, version };
        }
    };
    let Simulated { results, private } = simulated;
    if let Some(private) = private {
        channel.keep_private(&unpacked.transaction, private);
    }
    let event = event.map(|(event_name, payload)| ChaincodeEvent {
        chaincode_id: unpacked.chaincode.clone(),
        tx_id: unpacked.transaction.clone(),
        event_name,
        payload,
    });
    Ran { response, results, event, version }
}
