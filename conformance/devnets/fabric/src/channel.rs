//! A channel: its ledger, its chaincodes, and the thread that orders and commits its blocks.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::{
    client::nonce,
    contract::{Contract, Preset, Probe},
    error::NetworkError,
    genesis,
    ledger::{BlockEntry, Ledger, Rules, State, Store, Validated, header_bytes, validate},
    lifecycle::{Definition, LIFECYCLE},
    members::Members,
    options::{Batch, Consensus, Options},
    policy::EndorsementPolicy,
    proto::{
        common::{
            Block, BlockData, BlockHeader, BlockMetadata, IdentifierHeader, LastConfig, Metadata,
            MetadataSignature, OrdererBlockMetadata, SignatureHeader,
        },
        ledger::TxPvtReadWriteSet,
        orderer::RaftBlockMetadata,
        peer::TxValidationCode,
    },
};

/// The most private data that waits for its transaction.
const WAITING: usize = 10_000;

/// The built-in contracts, by the chaincodes' names.
pub fn contracts() -> [(&'static str, Arc<dyn Contract>); 2] {
    [("preset", Arc::new(Preset)), ("probe", Arc::new(Probe))]
}

/// A channel.
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Its chaincodes.
    pub definitions: BTreeMap<String, (Definition, Arc<dyn Contract>)>,
    /// Who must endorse, by chaincode; the lifecycle too.
    pub policies: BTreeMap<String, EndorsementPolicy>,
    ledger: RwLock<Ledger>,
    height: watch::Sender<u64>,
    waiting: Mutex<Waiting>,
    orders: Sender<Order>,
    members: Arc<Members>,
    consensus: Consensus,
    store: Option<Store>,
}

/// Private data of endorsed transactions that are in no block yet.
#[derive(Default)]
struct Waiting {
    data: HashMap<String, TxPvtReadWriteSet>,
    order: VecDeque<String>,
}

/// What the ordering thread is told.
enum Order {
    /// An envelope to be ordered.
    Envelope(Vec<u8>),
    /// An envelope for a block of its own, even while others are held.
    Alone(Vec<u8>),
    /// Whether to hold what comes.
    Hold(bool),
}

impl Channel {
    /// Makes a channel, or takes it up where its folder has it.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(name: &str, options: &Options, members: Arc<Members>) -> Result<Arc<Channel>, NetworkError> {
        let organisations = &options.organisations;
        let definitions: BTreeMap<_, _> = contracts()
            .into_iter()
            .map(|(chaincode, contract)| {
                let policy = match options.endorsements.get(chaincode) {
                    Some(required) => EndorsementPolicy::any(*required, organisations),
                    None => EndorsementPolicy::majority(organisations),
                };
                let definition = Definition::new(chaincode, policy, contract.collections());
                (chaincode.to_owned(), (definition, contract))
            })
            .collect();
        let mut policies: BTreeMap<_, _> = definitions
            .iter()
            .map(|(chaincode, (definition, _))| (chaincode.clone(), definition.policy.clone()))
            .collect();
        policies.insert(LIFECYCLE.into(), EndorsementPolicy::majority(organisations));
        let store = options.folder.as_deref().map(|folder| Store::open(folder, name)).transpose()?;
        let mut ledger = Ledger::default();
        let rules = Rules { channel: name, identities: &members.identities, policies: &policies };
        for (block, private) in store.iter().flat_map(Store::blocks).collect::<Result<Vec<_>, _>>()? {
            let transactions = transactions(&rules, &block);
            ledger.restore(block, transactions, private);
        }
        if ledger.height() == 0 {
            let block = genesis::block(name, options, &members);
            let transactions = transactions(&rules, &block);
            let entry = ledger.commit(block, transactions, |_| None);
            store.iter().try_for_each(|store| store.append(&entry))?;
        }
        let (orders, ordered) = channel();
        let made = Arc::new(Channel {
            name: name.to_owned(),
            definitions,
            policies,
            height: watch::Sender::new(ledger.height()),
            ledger: RwLock::new(ledger),
            waiting: Mutex::default(),
            orders,
            consensus: options.consensus,
            store,
            members,
        });
        let (weak, batch) = (Arc::downgrade(&made), options.batch);
        let cut = move |envelopes| match weak.upgrade() {
            Some(channel) => channel.cut(envelopes),
            None => Ok(()),
        };
        thread::Builder::new()
            .name(format!("orders {name}"))
            .spawn(move || order(&ordered, batch, cut))
            .map_err(|error| NetworkError::internal("start the ordering of a channel", error))?;
        Ok(made)
    }

    /// The ledger, to read.
    pub fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something over the state.
    pub(crate) fn with_state<T>(&self, run: impl FnOnce(&State) -> T) -> T {
        run(self.ledger().state())
    }

    /// Tells the height whenever it grows.
    #[must_use]
    pub fn heights(&self) -> watch::Receiver<u64> {
        self.height.subscribe()
    }

    /// Serves no block before this one; with 0 all again.
    pub fn forget_before(&self, block: u64) {
        self.ledger.write().unwrap_or_else(PoisonError::into_inner).forget_before(block);
    }

    /// Whether the orderers know a transaction from a block and take it no more: those of SmartBFT remember, those of Raft order
    /// whatever comes.
    #[must_use]
    pub fn is_over(&self, transaction: &str) -> bool {
        self.consensus == Consensus::Bft && self.ledger().transaction(transaction).is_some()
    }

    /// Gives an envelope to the ordering service. False when it is gone.
    #[must_use]
    pub fn order(&self, envelope: Vec<u8>) -> bool {
        self.orders.send(Order::Envelope(envelope)).is_ok()
    }

    /// Has an envelope put into a block of its own, even while others are held.
    #[must_use]
    pub fn order_alone(&self, envelope: Vec<u8>) -> bool {
        self.orders.send(Order::Alone(envelope)).is_ok()
    }

    /// Makes no blocks of what comes from now on, or makes them again.
    #[must_use]
    pub fn hold(&self, held: bool) -> bool {
        self.orders.send(Order::Hold(held)).is_ok()
    }

    /// Keeps private data until its transaction is in a block.
    pub fn keep_private(&self, transaction: &str, data: TxPvtReadWriteSet) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.data.insert(transaction.to_owned(), data).is_none() {
            waiting.order.push_back(transaction.to_owned());
        }
        if waiting.order.len() > WAITING
            && let Some(oldest) = waiting.order.pop_front()
        {
            waiting.data.remove(&oldest);
        }
    }

    fn cut(&self, envelopes: Vec<Vec<u8>>) -> Result<(), NetworkError> {
        let (number, previous_hash) = {
            let ledger = self.ledger();
            (ledger.height(), ledger.newest().map(|entry| entry.hash.clone()).unwrap_or_default())
        };
        let mut data_hash = Sha256::new();
        envelopes.iter().for_each(|envelope| data_hash.update(envelope));
        let header = BlockHeader { number, previous_hash, data_hash: data_hash.finalize().to_vec() };
        let metadata = self.sign(&header)?;
        let block = Block {
            header: Some(header),
            data: Some(BlockData { data: envelopes }),
            metadata: Some(BlockMetadata { metadata }),
        };
        let rules =
            Rules { channel: &self.name, identities: &self.members.identities, policies: &self.policies };
        let transactions = transactions(&rules, &block);
        let mut ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
        let entry = ledger.commit(block, transactions, |id| {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).data.remove(id)
        });
        drop(ledger);
        if let Some(store) = &self.store {
            store.append(&entry)?;
        }
        self.height.send_replace(number + 1);
        Ok(())
    }

    /// A block's metadata as orderers leave it: signatures in the first slot, the others for the peers.
    fn sign(&self, header: &BlockHeader) -> Result<Vec<Vec<u8>>, NetworkError> {
        let header_bytes = header_bytes(header);
        let consenter_metadata = match self.consensus {
            Consensus::Raft => {
                let raft = RaftBlockMetadata {
                    consenter_ids: vec![1],
                    next_consenter_id: 2,
                    raft_index: header.number + 2,
                };
                Metadata { value: raft.encode_to_vec(), signatures: Vec::new() }.encode_to_vec()
            }
            Consensus::Bft => Vec::new(),
        };
        let last_config = LastConfig { index: 0 };
        let value =
            OrdererBlockMetadata { last_config: Some(last_config), consenter_metadata }.encode_to_vec();
        let quorum = usize::try_from(self.consensus.quorum()).unwrap_or(usize::MAX);
        let mut signatures = Vec::new();
        for (identifier, orderer) in (1..).zip(&self.members.orderers).take(quorum) {
            let nonce = nonce()?;
            let mut signature = MetadataSignature::default();
            let signer = match self.consensus {
                Consensus::Raft => {
                    let signer = SignatureHeader { creator: orderer.identity.clone(), nonce };
                    signature.signature_header = signer.encode_to_vec();
                    &signature.signature_header
                }
                Consensus::Bft => {
                    signature.identifier_header = IdentifierHeader { identifier, nonce }.encode_to_vec();
                    &signature.identifier_header
                }
            };
            signature.signature = orderer.key.sign(&[value.as_slice(), signer, &header_bytes].concat())?;
            signatures.push(signature);
        }
        let last_config = match self.consensus {
            Consensus::Raft => Vec::new(),
            Consensus::Bft => {
                Metadata { value: last_config.encode_to_vec(), signatures: Vec::new() }.encode_to_vec()
            }
        };
        let signatures = Metadata { value, signatures }.encode_to_vec();
        Ok(vec![signatures, last_config, Vec::new(), Vec::new(), Vec::new()])
    }

    /// Waits until a transaction is in a block, and says which and what it was found to be.
    ///
    /// # Errors
    /// When the channel is gone.
    pub async fn committed(
        &self,
        transaction: &str,
    ) -> Result<crate::ledger::Found, watch::error::RecvError> {
        let mut heights = self.heights();
        loop {
            if let Some(found) = self.ledger().transaction(transaction) {
                return Ok(found);
            }
            heights.changed().await?;
        }
    }

    /// A block that is served.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<Arc<BlockEntry>> {
        self.ledger().block(number).cloned()
    }
}

/// What the transactions of a block say of themselves. The genesis block is valid as it is.
fn transactions(rules: &Rules<'_>, block: &Block) -> Vec<Validated> {
    let is_genesis = block.header.as_ref().is_some_and(|header| header.number == 0);
    let data = block.data.iter().flat_map(|data| &data.data);
    let mut transactions: Vec<_> = data.map(|envelope| validate(rules, envelope)).collect();
    if is_genesis {
        for transaction in &mut transactions {
            transaction.form = TxValidationCode::Valid;
            transaction.endorsed = TxValidationCode::Valid;
        }
    }
    transactions
}

/// Cuts batches, until nobody orders any more or a block cannot be made.
fn order(orders: &Receiver<Order>, batch: Batch, cut: impl Fn(Vec<Vec<u8>>) -> Result<(), NetworkError>) {
    let mut batches = Batches { batch, pending: Vec::new(), bytes: 0, since: None, held: false };
    loop {
        let order = match batches.wait() {
            Some(time) => orders.recv_timeout(time),
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let ready = match order {
            Ok(Order::Envelope(envelope)) => batches.add(envelope),
            Ok(Order::Alone(envelope)) => vec![vec![envelope]],
            Ok(Order::Hold(held)) => batches.hold(held),
            Err(RecvTimeoutError::Timeout) => batches.take(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for envelopes in ready {
            if let Err(error) = cut(envelopes) {
                eprintln!("fabric-like: no more blocks are made: {error}");
                return;
            }
        }
    }
}

/// What waits for a block.
struct Batches {
    batch: Batch,
    pending: Vec<Vec<u8>>,
    bytes: usize,
    since: Option<Instant>,
    held: bool,
}

impl Batches {
    /// How long to wait for more; none for as long as it takes.
    fn wait(&self) -> Option<Duration> {
        let since = self.since.filter(|_| !self.held)?;
        Some(self.batch.timeout.saturating_sub(since.elapsed()))
    }

    fn add(&mut self, envelope: Vec<u8>) -> Vec<Vec<Vec<u8>>> {
        let most = usize::try_from(self.batch.preferred_max_bytes).unwrap_or(usize::MAX);
        let mut ready = Vec::new();
        if !self.held && self.bytes + envelope.len() > most {
            ready.extend(self.take());
        }
        self.since.get_or_insert_with(Instant::now);
        self.bytes += envelope.len();
        self.pending.push(envelope);
        if !self.held && (self.pending.len() >= self.most_messages() || self.bytes > most) {
            ready.extend(self.take());
        }
        ready
    }

    fn hold(&mut self, held: bool) -> Vec<Vec<Vec<u8>>> {
        self.held = held;
        if held { Vec::new() } else { self.take() }
    }

    fn most_messages(&self) -> usize {
        usize::try_from(self.batch.max_messages).unwrap_or(usize::MAX).max(1)
    }

    fn take(&mut self) -> Vec<Vec<Vec<u8>>> {
        (self.bytes, self.since) = (0, None);
        let pending = std::mem::take(&mut self.pending);
        pending.chunks(self.most_messages()).map(<[_]>::to_vec).collect()
    }
}
