//! The chain: its pool, the making of blocks, taking them back.

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::{Address, B256, U256, keccak256};
use revm::{
    Context, ExecuteEvm as _, MainBuilder as _, MainContext as _,
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::{block::BlobExcessGasAndPrice, result::ExecutionResult},
    primitives::{TxKind, hardfork::SpecId},
    state::{AccountInfo, EvmState},
};
use thiserror::Error;

use super::{Block, EthereumConfig, Receipt, transaction::Transaction};
use crate::evm::state::{State, View};

/// The rules of execution.
pub(super) const SPEC: SpecId = SpecId::PRAGUE;
/// Gas that a block may use.
pub(super) const GAS_LIMIT: u64 = 30_000_000;
/// The base fee of the first block.
const FIRST_BASE_FEE: u64 = 1_000_000_000;
/// The most bytes of a transaction.
const MAX_BYTES: usize = 128 * 1024;
/// The most transactions that wait.
const POOL: usize = 10_000;

/// Why the pool does not take a transaction, in the words of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is in a block or waits already.
    #[error("transaction already imported")]
    Known,
    /// Another chain's.
    #[error("invalid chain ID")]
    OtherChain,
    /// Its nonce is used.
    #[error("nonce too low")]
    NonceTooLow,
    /// The sender cannot pay.
    #[error("Insufficient funds for gas * price + value")]
    InsufficientFunds,
    /// It offers less than a tenth more than the one that it would replace.
    #[error("replacement transaction underpriced")]
    Underpriced,
    /// It offers less than the base fee.
    #[error("max fee per gas less than block base fee")]
    FeeTooLow,
    /// Its tip is more than its whole fee.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFee,
    /// Its gas does not pay its input.
    #[error("intrinsic gas too low")]
    GasTooLow,
    /// Its gas is more than a block has.
    #[error("intrinsic gas too high -- tx.gas_limit > env.block.gas_limit")]
    GasTooHigh,
    /// Too many bytes.
    #[error("oversized data")]
    TooLarge,
    /// Too many wait.
    #[error("txpool is full")]
    Full,
}

/// The chain.
pub struct Chain {
    /// Its id.
    pub chain_id: u64,
    slots: u64,
    pub(super) state: State,
    blocks: Vec<Block>,
    hashes: Vec<B256>,
    by_hash: HashMap<B256, usize>,
    places: HashMap<B256, (usize, usize)>,
    pool: Vec<Arc<Transaction>>,
    held: bool,
    made: u64,
    kept_from: u64,
}

impl Chain {
    pub(super) fn new(config: &EthereumConfig) -> Self {
        let mut chain = Chain {
            chain_id: config.chain_id,
            slots: config.slots_in_an_epoch,
            state: State::default(),
            blocks: Vec::new(),
            hashes: Vec::new(),
            by_hash: HashMap::new(),
            places: HashMap::new(),
            pool: Vec::new(),
            held: config.hold,
            made: 0,
            kept_from: 0,
        };
        for address in &config.rich {
            chain.set_balance(*address, config.balance);
        }
        chain.state.end_block();
        chain.append(Vec::new(), Vec::new(), crate::fisco::now_seconds());
        chain
    }

    /// The newest block's height.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.blocks.len().saturating_sub(1) as u64
    }

    /// The newest height that is safe: an epoch back.
    #[must_use]
    pub fn safe(&self) -> u64 {
        self.height().saturating_sub(self.slots)
    }

    /// The newest height that is final: two epochs back.
    #[must_use]
    pub fn finalized(&self) -> u64 {
        self.height().saturating_sub(self.slots.saturating_mul(2))
    }

    /// A block.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// A block by its hash, while it is in the chain.
    #[must_use]
    pub fn block_by_hash(&self, hash: &B256) -> Option<&Block> {
        self.blocks.get(*self.by_hash.get(hash)?)
    }

    /// The block that has a transaction, and the place in it.
    #[must_use]
    pub fn place(&self, transaction: &B256) -> Option<(&Block, usize)> {
        let (number, index) = *self.places.get(transaction)?;
        Some((self.blocks.get(number)?, index))
    }

    /// What waits.
    #[must_use]
    pub fn pool(&self) -> &[Arc<Transaction>] {
        &self.pool
    }

    /// Whether the state and the block at this height are forgotten.
    #[must_use]
    pub fn pruned(&self, number: u64) -> bool {
        number < self.kept_from
    }

    /// Forgets what is below; with 0, has it again.
    pub fn prune(&mut self, below: u64) {
        self.kept_from = below.min(self.height());
    }

    /// The state after the block at this height.
    #[must_use]
    pub fn view(&self, number: u64) -> View<'_> {
        let from = usize::try_from(number).unwrap_or(usize::MAX).saturating_add(1);
        let later = self.blocks.get(from..).unwrap_or_default().iter().rev().map(|block| &block.undo);
        View::before(&self.state, later, &self.hashes)
    }

    /// The count of an account with what waits.
    #[must_use]
    pub fn pending_nonce(&self, account: Address) -> u64 {
        let mut nonce = self.state.account(account).map(|info| info.nonce).unwrap_or_default();
        while self.pool.iter().any(|one| one.from == account && one.nonce == nonce) {
            nonce = nonce.saturating_add(1);
        }
        nonce
    }

    /// The base fee of the next block (EIP-1559).
    #[must_use]
    pub fn next_base_fee(&self) -> u64 {
        let Some(newest) = self.blocks.last() else { return FIRST_BASE_FEE };
        if newest.number == 0 {
            return FIRST_BASE_FEE;
        }
        let target = newest.gas_limit / 2;
        let (base, used) = (u128::from(newest.base_fee), newest.gas_used);
        let change = |difference: u64| {
            let change = base * u128::from(difference) / u128::from(target.max(1)) / 8;
            u64::try_from(change).unwrap_or(u64::MAX)
        };
        match used.cmp(&target) {
            std::cmp::Ordering::Equal => newest.base_fee,
            std::cmp::Ordering::Greater => {
                newest.base_fee.saturating_add(change(used.saturating_sub(target)).max(1))
            }
            std::cmp::Ordering::Less => newest.base_fee.saturating_sub(change(target.saturating_sub(used))),
        }
    }

    /// Sets an account's balance.
    pub fn set_balance(&mut self, account: Address, balance: U256) {
        let info = self.state.account(account).cloned().unwrap_or_default();
        self.state.set_account(account, Some(AccountInfo { balance, ..info }));
    }

    /// Takes a transaction into the pool; unless blocks are held, it is in one when this returns.
    ///
    /// # Errors
    /// When nodes would refuse it.
    pub fn submit(&mut self, transaction: Transaction) -> Result<B256, Refusal> {
        let replaced = self.admit(&transaction)?;
        let hash = transaction.hash;
        if let Some(replaced) = replaced {
            self.pool.retain(|one| one.hash != replaced);
        }
        self.pool.push(Arc::new(transaction));
        if !self.held {
            self.mine(1);
        }
        Ok(hash)
    }

    fn admit(&self, transaction: &Transaction) -> Result<Option<B256>, Refusal> {
        if self.pool.iter().any(|one| one.hash == transaction.hash)
            || self.places.contains_key(&transaction.hash)
        {
            return Err(Refusal::Known);
        }
        if transaction.chain_id.is_some_and(|chain| chain != self.chain_id) {
            return Err(Refusal::OtherChain);
        }
        if transaction.raw.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        if transaction.gas_limit > GAS_LIMIT {
            return Err(Refusal::GasTooHigh);
        }
        if transaction.max_tip > transaction.max_fee {
            return Err(Refusal::TipAboveFee);
        }
        let account = self.state.account(transaction.from);
        if transaction.nonce < account.map(|info| info.nonce).unwrap_or_default() {
            return Err(Refusal::NonceTooLow);
        }
        if transaction.gas_limit < intrinsic_gas(transaction) {
            return Err(Refusal::GasTooLow);
        }
        let cost = U256::from(transaction.max_fee)
            .saturating_mul(U256::from(transaction.gas_limit))
            .saturating_add(transaction.value);
        if cost > account.map(|info| info.balance).unwrap_or_default() {
            return Err(Refusal::InsufficientFunds);
        }
        let same = |one: &&Arc<Transaction>| one.from == transaction.from && one.nonce == transaction.nonce;
        if let Some(replaced) = self.pool.iter().find(same) {
            let enough = |new: u128, old: u128| new >= old.saturating_add(old / 10);
            let better = enough(transaction.max_fee, replaced.max_fee)
                && enough(transaction.max_tip, replaced.max_tip);
            return if better { Ok(Some(replaced.hash)) } else { Err(Refusal::Underpriced) };
        }
        if transaction.max_fee < u128::from(self.next_base_fee()) {
            return Err(Refusal::FeeTooLow);
        }
        if self.pool.len() >= POOL { Err(Refusal::Full) } else { Ok(None) }
    }

    /// Makes blocks: each of what is ready, the best paying first.
    pub fn mine(&mut self, blocks: u64) {
        self.mine_at(blocks, crate::fisco::now_seconds());
    }

    fn mine_at(&mut self, blocks: u64, time: u64) {
        for _ in 0..blocks {
            let base_fee = self.next_base_fee();
            let before = self.blocks.last().map(|block| block.timestamp).unwrap_or_default();
            let timestamp = time.max(before.saturating_add(1));
            let mut transactions = Vec::new();
            let mut receipts = Vec::new();
            let mut cumulative = 0_u64;
            while let Some(next) = self.ready(base_fee, GAS_LIMIT.saturating_sub(cumulative)) {
                let transaction = self.pool.remove(next);
                let (number, index) = (self.blocks.len() as u64, transactions.len());
                // What the EVM does not take at all (an account with code that sends, say) is dropped.
                let Ok((result, changes)) = self.run(&transaction, number, timestamp, base_fee) else {
                    continue;
                };
                self.state.commit(changes);
                let gas_used = result.gas().tx_gas_used();
                cumulative = cumulative.saturating_add(gas_used);
                receipts.push(Receipt {
                    good: result.is_success(),
                    gas_used,
                    cumulative,
                    contract: transaction.to.is_none().then(|| transaction.from.create(transaction.nonce)),
                    logs: result.into_logs(),
                });
                self.places.insert(transaction.hash, (self.blocks.len(), index));
                transactions.push(transaction);
            }
            self.append(transactions, receipts, timestamp);
        }
    }

    /// The place in the pool of what may come next.
    fn ready(&self, base_fee: u64, gas: u64) -> Option<usize> {
        let ready = |one: &Transaction| {
            let nonce = self.state.account(one.from).map(|info| info.nonce).unwrap_or_default();
            one.nonce == nonce && one.max_fee >= u128::from(base_fee) && one.gas_limit <= gas
        };
        let ready = self.pool.iter().enumerate().filter(|(_, one)| ready(one));
        // The first of those that pay most.
        ready.rev().max_by_key(|(_, one)| one.price(base_fee)).map(|(place, _)| place)
    }

    fn run(
        &self,
        transaction: &Transaction,
        number: u64,
        timestamp: u64,
        base_fee: u64,
    ) -> Result<(ExecutionResult, EvmState), String> {
        let mut tx = TxEnv {
            tx_type: transaction.kind,
            caller: transaction.from,
            gas_limit: transaction.gas_limit,
            gas_price: transaction.max_fee,
            kind: transaction.to.map_or(TxKind::Create, TxKind::Call),
            value: transaction.value,
            data: transaction.input.clone(),
            nonce: transaction.nonce,
            chain_id: transaction.chain_id,
            gas_priority_fee: (transaction.kind == 2).then_some(transaction.max_tip),
            ..TxEnv::default()
        };
        tx.access_list.0 = transaction
            .access_list
            .iter()
            .map(|(address, storage_keys)| revm::context_interface::transaction::AccessListItem {
                address: *address,
                storage_keys: storage_keys.clone(),
            })
            .collect();
        let cfg = CfgEnv::new_with_spec(SPEC).with_chain_id(self.chain_id);
        let block = block_env(number, timestamp, base_fee);
        let view = View::newest(&self.state, &self.hashes);
        let mut evm = Context::mainnet().with_db(view).with_cfg(cfg).with_block(block).build_mainnet();
        let result = evm.transact(tx).map_err(|error| error.to_string())?;
        Ok((result.result, result.state))
    }

    fn append(&mut self, transactions: Vec<Arc<Transaction>>, receipts: Vec<Receipt>, timestamp: u64) {
        let number = self.blocks.len();
        self.made = self.made.wrapping_add(1);
        let mut block = Block {
            hash: B256::ZERO,
            number: number as u64,
            parent_hash: self.hashes.last().copied().unwrap_or_default(),
            state_root: B256::ZERO,
            transactions_root: B256::ZERO,
            receipts_root: B256::ZERO,
            bloom: Default::default(),
            gas_limit: GAS_LIMIT,
            gas_used: 0,
            timestamp,
            mix: keccak256(self.made.to_be_bytes()),
            base_fee: self.next_base_fee(),
            transactions,
            receipts,
            undo: self.state.end_block(),
        };
        block.seal(&self.state);
        self.hashes.push(block.hash);
        self.by_hash.insert(block.hash, number);
        self.blocks.push(block);
    }

    /// Drops the newest blocks with their transactions, and makes as many others.
    pub fn reorganise(&mut self, depth: u64) {
        let depth = depth.min(self.height());
        for _ in 0..depth {
            let Some(block) = self.blocks.pop() else { break };
            self.hashes.pop();
            self.by_hash.remove(&block.hash);
            for transaction in &block.transactions {
                self.places.remove(&transaction.hash);
            }
            self.state.take_back(block.undo);
        }
        let pool = std::mem::take(&mut self.pool);
        self.mine(depth);
        // What waited still waits, unless its nonce is not the sender's any more.
        self.pool = pool;
    }

    /// Whether blocks are made only when told.
    pub fn hold(&mut self, hold: bool) {
        self.held = hold;
    }
}

/// A block's environment for the EVM.
pub(super) fn block_env(number: u64, timestamp: u64, base_fee: u64) -> BlockEnv {
    BlockEnv {
        number: U256::from(number),
        timestamp: U256::from(timestamp),
        gas_limit: GAS_LIMIT,
        basefee: base_fee,
        prevrandao: Some(B256::ZERO),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
        ..BlockEnv::default()
    }
}

/// Gas before execution (Yellow Paper, section 6.2, EIP-2028, EIP-2930, EIP-3860, EIP-7623).
fn intrinsic_gas(transaction: &Transaction) -> u64 {
    let zeros = transaction.input.iter().filter(|byte| **byte == 0).count() as u64;
    let others = (transaction.input.len() as u64).saturating_sub(zeros);
    let mut gas =
        21_000_u64.saturating_add(zeros.saturating_mul(4)).saturating_add(others.saturating_mul(16));
    if transaction.to.is_none() {
        let words = (transaction.input.len() as u64).div_ceil(32);
        gas = gas.saturating_add(32_000).saturating_add(words.saturating_mul(2));
    }
    for (_, keys) in &transaction.access_list {
        gas = gas.saturating_add(2_400).saturating_add((keys.len() as u64).saturating_mul(1_900));
    }
    let tokens = zeros.saturating_add(others.saturating_mul(4));
    gas.max(21_000_u64.saturating_add(tokens.saturating_mul(10)))
}
