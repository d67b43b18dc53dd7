//! One chain: its pool, the making of blocks, and what can be looked up.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use tokio::sync::watch;

use super::{
    Block, Fields, FiscoConfig, Generation, Header, Receipt, StartError, Status, Transaction, log::Log,
    system, system::Role, v2, v3,
};
use crate::{
    evm::{
        Message, Outcome, Rules, execute,
        state::{State, View},
    },
    suite::{Sealer, Suite},
};

/// How far a transaction's block limit may lie ahead, and for how many blocks a nonce is remembered.
const WINDOW: u64 = 1000;
/// The most transactions of a block, unless the system configuration says otherwise.
const BLOCK_TRANSACTIONS: usize = 1000;
/// The most transactions that wait.
const POOL: usize = 150_000;
/// Gas of a transaction, unless the system configuration says otherwise.
const GAS_LIMIT: u64 = 300_000_000;

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// With every transaction.
    AtOnce,
    /// When something waits, every so many milliseconds.
    Every(u64),
}

/// Why the pool does not take a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It waits already.
    AlreadyKnown,
    /// Its nonce is in a block of the window.
    NonceUsed,
    /// Its nonce waits already.
    NonceWaits,
    /// Its block limit is not above the height, or too far above.
    BlockLimit,
    /// It is of another chain.
    OtherChain,
    /// It is of another group.
    OtherGroup,
    /// Too many wait.
    Full,
}

/// One chain.
pub struct Group {
    /// Its name: a number in 2.x.
    pub id: String,
    /// Its chain's name: a number in 2.x.
    pub chain_id: String,
    generation: Generation,
    suite: Suite,
    rules: Rules,
    sealers: Arc<Vec<Sealer>>,
    state: State,
    blocks: Vec<Block>,
    hashes: Vec<B256>,
    by_hash: HashMap<B256, usize>,
    places: HashMap<B256, (usize, usize)>,
    pool: Vec<Arc<Transaction>>,
    waiting: HashSet<B256>,
    waiting_nonces: HashSet<Vec<u8>>,
    nonces: HashMap<Vec<u8>, u64>,
    failed: u64,
    held: bool,
    sealing: Sealing,
    kept_from: u64,
    sealed: watch::Sender<u64>,
    abis: HashMap<Address, String>,
    log: Option<Log>,
}

impl Group {
    pub(super) fn new(config: &FiscoConfig, id: &str, store: Option<&sled::Db>) -> Result<Self, StartError> {
        let chain = format!("{}/{id}", config.chain_id);
        let sealers = (0..config.sealers.max(1))
            .map(|number| Sealer::new(config.suite, &chain, number))
            .collect::<Result<Vec<_>, _>>()?;
        let mut group = Group {
            id: id.into(),
            chain_id: config.chain_id.clone(),
            generation: config.generation,
            suite: config.suite,
            rules: super::rules(config, sealers.iter().map(|sealer| hex::encode(sealer.id())).collect()),
            sealers: Arc::new(sealers),
            state: State::default(),
            blocks: Vec::new(),
            hashes: Vec::new(),
            by_hash: HashMap::new(),
            places: HashMap::new(),
            pool: Vec::new(),
            waiting: HashSet::new(),
            waiting_nonces: HashSet::new(),
            nonces: HashMap::new(),
            failed: 0,
            held: false,
            sealing: config.sealing,
            kept_from: 0,
            sealed: watch::Sender::new(0),
            abis: HashMap::new(),
            log: store.map(|store| Log::open(store, &chain)).transpose()?,
        };
        let genesis = Header {
            sealers: group.sealer_ids(),
            extra_data: format!("a test chain, {chain}").into_bytes(),
            ..Header::default()
        };
        group.append(genesis, Vec::new(), Vec::new());
        group.make_again()?;
        Ok(group)
    }

    /// Makes the blocks that are on disk.
    fn make_again(&mut self) -> Result<(), StartError> {
        let Some(log) = self.log.take() else { return Ok(()) };
        for (time, raws) in log.read()? {
            let number = self.height().saturating_add(1);
            let decode = |raw: &Vec<u8>| match self.generation {
                Generation::Two => v2::transaction::decode(raw, self.suite).ok(),
                Generation::Three => v3::transaction::decode(raw, self.suite).ok(),
            };
            let transactions: Option<Vec<_>> = raws.iter().map(|raw| decode(raw).map(Arc::new)).collect();
            self.make_block(transactions.ok_or(StartError::Log(number))?, time);
        }
        self.log = Some(log);
        Ok(())
    }

    /// The nodes that do this, by the newest block.
    fn nodes(&self, role: Role) -> Vec<&Sealer> {
        self.sealers.iter().filter(|node| system::role(&self.state, &node.id()) == role).collect()
    }

    /// The sealers' node ids.
    #[must_use]
    pub fn sealer_ids(&self) -> Vec<Vec<u8>> {
        self.nodes(Role::Sealer).into_iter().map(Sealer::id).collect()
    }

    /// The observers' node ids.
    #[must_use]
    pub fn observer_ids(&self) -> Vec<Vec<u8>> {
        self.nodes(Role::Observer).into_iter().map(Sealer::id).collect()
    }

    /// The ids of all nodes of the group, whatever they do in it; the first is the one that is asked.
    #[must_use]
    pub fn node_ids(&self) -> Vec<Vec<u8>> {
        self.sealers.iter().map(Sealer::id).collect()
    }

    /// The chain's cryptography.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The newest block's height.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.blocks.len().saturating_sub(1) as u64
    }

    /// A block, unless it is forgotten.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<&Block> {
        if number < self.kept_from {
            return None;
        }
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// A block by its hash.
    #[must_use]
    pub fn block_by_hash(&self, hash: &B256) -> Option<&Block> {
        self.block(*self.by_hash.get(hash)? as u64)
    }

    /// The block that has a transaction, and the transaction's place in it.
    #[must_use]
    pub fn place(&self, transaction: &B256) -> Option<(&Block, usize)> {
        let (number, index) = *self.places.get(transaction)?;
        Some((self.block(number as u64)?, index))
    }

    /// What waits for a block.
    #[must_use]
    pub fn pool(&self) -> &[Arc<Transaction>] {
        &self.pool
    }

    /// How many transactions are in blocks, and how many of them failed.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        (self.places.len() as u64, self.failed)
    }

    /// A contract's code.
    #[must_use]
    pub fn code(&self, address: Address) -> Bytes {
        let code = self.state.account(address).and_then(|account| account.code.as_ref());
        code.map(|code| code.original_bytes()).unwrap_or_default()
    }

    /// The interface that came with a contract's creation; 3.x.
    #[must_use]
    pub fn abi(&self, address: Address) -> String {
        self.abis.get(&address).cloned().unwrap_or_default()
    }

    /// Tells when blocks were made or transactions were dropped.
    #[must_use]
    pub fn sealed(&self) -> watch::Receiver<u64> {
        self.sealed.subscribe()
    }

    /// Whether a transaction waits for a block.
    #[must_use]
    pub fn waits(&self, transaction: &B256) -> bool {
        self.waiting.contains(transaction)
    }

    /// A value of the system configuration.
    #[must_use]
    pub fn system_config(&self, key: &str) -> Option<String> {
        system::config_value(&self.state, key)
    }

    fn gas_limit(&self) -> u64 {
        self.system_config("tx_gas_limit").and_then(|text| text.parse().ok()).unwrap_or(GAS_LIMIT)
    }

    /// Calls a contract on the newest state and changes nothing.
    ///
    /// # Errors
    /// When the EVM has no answer.
    pub fn call(&self, from: Address, to: Option<Address>, input: Bytes) -> Result<(Status, Bytes), String> {
        let now = self.blocks.last().map(|block| block.header.timestamp).unwrap_or_default();
        let message = Message {
            from,
            to,
            input,
            gas_limit: self.gas_limit(),
            number: self.height(),
            timestamp: now,
            place: 0,
        };
        let view = View::newest(&self.state, &self.hashes);
        let outcome = execute(&self.rules, view, &message).map_err(|error| error.to_string())?;
        Ok((Status::of(&outcome.ending), outcome.output))
    }

    /// Takes a transaction into the pool. With [`Sealing::AtOnce`] it is in a block when this returns.
    ///
    /// # Errors
    /// When the node would refuse it.
    pub fn submit(&mut self, transaction: Transaction) -> Result<B256, Refusal> {
        self.admit(&transaction)?;
        let hash = transaction.hash;
        self.waiting.insert(hash);
        self.waiting_nonces.insert(transaction.nonce.clone());
        self.pool.push(Arc::new(transaction));
        if self.sealing == Sealing::AtOnce && !self.held {
            self.seal();
        }
        Ok(hash)
    }

    /// The checks in the order in which the nodes make them.
    fn admit(&self, transaction: &Transaction) -> Result<(), Refusal> {
        if self.pool.len() >= POOL {
            return Err(Refusal::Full);
        }
        if self.waiting.contains(&transaction.hash) {
            return Err(Refusal::AlreadyKnown);
        }
        if self.nonces.contains_key(&transaction.nonce) {
            return Err(Refusal::NonceUsed);
        }
        let height = U256::from(self.height());
        let furthest = height.saturating_add(U256::from(WINDOW));
        if transaction.block_limit <= height || transaction.block_limit > furthest {
            return Err(Refusal::BlockLimit);
        }
        if self.waiting_nonces.contains(&transaction.nonce) {
            return Err(Refusal::NonceWaits);
        }
        transaction.belongs_to(&self.chain_id, &self.id)
    }

    /// Makes a block of what waits, if anything does; what has expired meanwhile is dropped.
    pub fn seal(&mut self) -> bool {
        let next = U256::from(self.height().saturating_add(1));
        let (good, expired): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pool)
            .into_iter()
            .partition(|transaction| transaction.block_limit >= next);
        for transaction in &expired {
            self.forget_waiting(transaction);
        }
        if !expired.is_empty() {
            self.sealed.send_modify(|count| *count = count.wrapping_add(1));
        }
        self.pool = good;
        if self.pool.is_empty() {
            return false;
        }
        let most = self.system_config("tx_count_limit").and_then(|text| text.parse().ok());
        let count = self.pool.len().min(most.unwrap_or(BLOCK_TRANSACTIONS).max(1));
        let transactions: Vec<_> = self.pool.drain(..count).collect();
        self.make_block(transactions, now());
        true
    }

    /// Makes blocks: of what waits, and empty ones for the rest.
    pub fn advance(&mut self, blocks: u64) {
        for _ in 0..blocks {
            if !self.seal() {
                self.make_block(Vec::new(), now());
            }
        }
    }

    /// Sets how many contracts an account has created, as if it had a history.
    pub fn set_creations(&mut self, account: Address, count: u64) {
        let mut info = self.state.account(account).cloned().unwrap_or_default();
        info.nonce = count;
        self.state.set_account(account, Some(info));
        self.state.end_block();
    }

    /// Makes empty blocks and leaves alone what waits, as if others had made them.
    pub fn make_empty(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.make_block(Vec::new(), now());
        }
    }

    /// Makes no blocks by itself from now on.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Makes blocks by itself again, of what waits at once.
    pub fn release(&mut self) {
        self.held = false;
        while self.seal() {}
    }

    /// What the clock does with [`Sealing::Every`].
    pub fn tick(&mut self) {
        if !self.held {
            self.seal();
        }
    }

    /// Forgets the blocks below; with 0, has them again.
    pub fn prune(&mut self, below: u64) {
        self.kept_from = below.min(self.height());
    }

    fn forget_waiting(&mut self, transaction: &Transaction) {
        self.waiting.remove(&transaction.hash);
        self.waiting_nonces.remove(&transaction.nonce);
    }

    fn make_block(&mut self, transactions: Vec<Arc<Transaction>>, time: u64) {
        let parent = self.blocks.last().map(|block| (block.hash, block.header.timestamp));
        let (parent_hash, before) = parent.unwrap_or_default();
        let number = self.height().saturating_add(1);
        let timestamp = time.max(before.saturating_add(1));
        let gas_limit = self.gas_limit();
        // What the block changes of the sealers holds from the next one on.
        let sealers = self.sealer_ids();
        let mut receipts = Vec::with_capacity(transactions.len());
        for (place, transaction) in transactions.iter().enumerate() {
            let message = Message {
                from: transaction.from,
                to: transaction.to,
                input: transaction.input.clone(),
                gas_limit,
                number,
                timestamp,
                place: place as u64,
            };
            let view = View::newest(&self.state, &self.hashes);
            receipts.push(match execute(&self.rules, view, &message) {
                Ok(outcome) => self.settle(transaction, outcome),
                Err(_) => nothing(gas_limit),
            });
        }
        let changes = self.state.changes();
        let root = if changes.is_empty() { B256::ZERO } else { self.suite.hash(&changes) };
        for receipt in &mut receipts {
            receipt.state_root = root;
        }
        let (transactions_root, receipts_root) = match self.generation {
            Generation::Two => v2::roots(self.suite, &transactions, &receipts),
            Generation::Three => v3::roots(self.suite, number, &transactions, &receipts),
        };
        let header = Header {
            number,
            parent_hash,
            state_root: root,
            transactions_root,
            receipts_root,
            db_hash: root,
            gas_used: match self.generation {
                Generation::Two => 0,
                Generation::Three => receipts.iter().map(|receipt| receipt.gas_used).sum(),
            },
            timestamp,
            sealer: number.checked_rem(sealers.len() as u64).unwrap_or_default(),
            sealers,
            extra_data: Vec::new(),
        };
        if let Some(log) = &self.log
            && log.append(number, timestamp, &transactions).is_err()
        {
            // Without a disk this stays a node in memory; a test that starts it again will tell.
            self.log = None;
        }
        self.append(header, transactions, receipts);
    }

    fn settle(&mut self, transaction: &Transaction, outcome: Outcome) -> Receipt {
        let Outcome { ending, gas_used, mut output, created, logs, changes } = outcome;
        let status = Status::of(&ending);
        if transaction.to.is_none() && status == Status::Good {
            output = Bytes::new();
        }
        if let (Some(contract), Fields::V3(fields)) = (created, &transaction.fields) {
            self.abis.insert(contract, fields.abi.clone());
        }
        self.state.commit(changes);
        Receipt { status, gas_used, output, contract: created, logs, state_root: B256::ZERO }
    }

    fn append(&mut self, header: Header, transactions: Vec<Arc<Transaction>>, receipts: Vec<Receipt>) {
        let number = self.blocks.len();
        let hash = header.hash(self.generation, self.suite);
        for (index, transaction) in transactions.iter().enumerate() {
            self.places.insert(transaction.hash, (number, index));
            self.nonces.insert(transaction.nonce.clone(), number as u64);
            self.forget_waiting(transaction);
        }
        self.failed += receipts.iter().filter(|receipt| receipt.status != Status::Good).count() as u64;
        if let Some(left) = (number as u64).checked_sub(WINDOW) {
            let left = self.blocks.get(usize::try_from(left).unwrap_or_default());
            for transaction in left.map(|block| block.transactions.as_slice()).unwrap_or_default() {
                self.nonces.remove(&transaction.nonce);
            }
        }
        self.state.end_block();
        self.hashes.push(hash);
        self.by_hash.insert(hash, number);
        let nodes = Arc::clone(&self.sealers);
        let signed = OnceLock::new();
        self.blocks.push(Block { header, hash, transactions, receipts, nodes, signed });
        self.sealed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn nothing(gas_used: u64) -> Receipt {
    Receipt {
        status: Status::Unknown,
        gas_used,
        output: Bytes::new(),
        contract: None,
        logs: Vec::new(),
        state_root: B256::ZERO,
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> u64 {
    now() / 1000
}
