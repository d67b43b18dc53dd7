//! One space: its blocks, its pool, and what can happen to both.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use adapter_sdk::types::{Signature, SignatureScheme};

use super::{
    contracts::{Refusal, refuse},
    execute::{self, Place, SPACES},
    state::{ADMINISTRATORS, Account, NONCES, State},
};
use crate::wire::{
    Action, Body, Hash, Header, Parcel, Record, Wire as _, codes, private_digest, records_root,
};

/// Under so many blocks, its own included, validators call a block final.
pub(crate) const FINAL_DEPTH: u64 = 3;
/// The most blocks between a transaction's coming and the last block that may carry it.
pub(crate) const MAX_WINDOW: u64 = 1000;
/// The most bytes of a transaction with its private arguments.
pub(crate) const MAX_PARCEL: usize = 1 << 18;
const MAX_POOL: usize = 4096;
const MAX_IN_BLOCK: usize = 256;
/// What time the first block has: 2023-11-14, 22:13:20 UTC.
pub(crate) const FIRST_TIME: u64 = 1_700_000_000_000;
/// Milliseconds between blocks, at least.
const BLOCK_MILLIS: u64 = 1000;

/// A change of accounts that no transaction makes: how test beds begin. Kept with its block, so that a reorganisation
/// does not lose it.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) amount: u128,
    pub(crate) administrator: bool,
}

/// A block as the node keeps it.
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) hash: Hash,
    pub(crate) records: Vec<Record>,
    pub(crate) state: Arc<State>,
    parcels: Vec<Parcel>,
    grants: Vec<Grant>,
}

/// One space.
pub(crate) struct Chain {
    name: String,
    pub(crate) space: String,
    validators: Hash,
    blocks: Vec<Arc<Block>>,
    orphans: HashMap<Hash, Arc<Block>>,
    /// In the order in which they came.
    pool: Vec<(Hash, Parcel)>,
    /// Height and place by id, of the chain's blocks.
    index: HashMap<Hash, (u64, usize)>,
    /// Private arguments by their digest.
    secrets: BTreeMap<Hash, Vec<(String, Vec<u8>)>>,
    forks: u64,
    /// The first block whose records and state are kept.
    pub(crate) first_kept: u64,
    /// The least price of a unit.
    pub(crate) price: u64,
    /// Block makers' clock, milliseconds since 1970; blocks are never earlier than their parents.
    pub(crate) clock: u64,
}

impl Chain {
    pub(crate) fn new(name: &str, space: &str, validators: Hash, spaces: &[String]) -> Self {
        let mut state = State::default();
        for known in spaces {
            state.set(SPACES, known.as_bytes(), b"");
        }
        let mut chain = Chain {
            name: name.into(),
            space: space.into(),
            validators,
            blocks: Vec::new(),
            orphans: HashMap::new(),
            pool: Vec::new(),
            index: HashMap::new(),
            secrets: BTreeMap::new(),
            forks: 0,
            first_kept: 0,
            price: 1,
            clock: FIRST_TIME,
        };
        chain.append(Arc::new(state), Vec::new(), Vec::new(), Vec::new());
        chain
    }

    pub(crate) fn head(&self) -> u64 {
        u64::try_from(self.blocks.len()).unwrap_or(u64::MAX).saturating_sub(1)
    }

    /// The block at a height of the chain, whether or not its content is kept.
    pub(crate) fn at(&self, number: u64) -> Option<&Arc<Block>> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// A block by its hash, whether or not it is in the chain.
    pub(crate) fn by_hash(&self, hash: &Hash) -> Option<&Arc<Block>> {
        self.orphans.get(hash).or_else(|| self.blocks.iter().rev().find(|block| block.hash == *hash))
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.blocks.last().map(|block| block.state.clone()).unwrap_or_default()
    }

    pub(crate) fn hash_at(&self, number: u64) -> Option<Hash> {
        self.at(number).map(|block| block.hash)
    }

    /// The newest block that validators call final.
    pub(crate) fn last_final(&self) -> u64 {
        (self.head() + 1).saturating_sub(FINAL_DEPTH)
    }

    /// Whether the transaction waits in the pool.
    pub(crate) fn is_pooled(&self, id: &Hash) -> bool {
        self.pool.iter().any(|(known, _)| known == id)
    }

    /// The height and the place in its block of a transaction of the chain.
    pub(crate) fn place_of(&self, id: &Hash) -> Option<(u64, usize)> {
        self.index.get(id).copied()
    }

    /// The next nonce of an account, behind those that wait without a gap.
    pub(crate) fn pending_nonce(&self, account: &str) -> u64 {
        let mut next = self.state().account(account).unwrap_or_default().nonce;
        while self.pool.iter().any(|(_, parcel)| is_of(&parcel.transaction.body, account, next)) {
            next = next.saturating_add(1);
        }
        next
    }

    /// The transaction of the chain that used a nonce, as of a block's state.
    pub(crate) fn used_nonce(state: &State, account: &str, nonce: u64) -> Option<Hash> {
        let key = [account.as_bytes(), &nonce.to_be_bytes()].concat();
        state.get(NONCES, &key)?.try_into().ok()
    }

    /// The private arguments with this digest.
    pub(crate) fn secret(&self, digest: &Hash) -> Option<&[(String, Vec<u8>)]> {
        self.secrets.get(digest).map(Vec::as_slice)
    }

    /// Takes a transaction into the pool.
    pub(crate) fn submit(&mut self, parcel: Parcel) -> Result<Hash, Refusal> {
        let body = &parcel.transaction.body;
        let id = body.id();
        if self.is_pooled(&id) || self.index.contains_key(&id) {
            return refuse(codes::KNOWN, "the transaction is known");
        }
        self.check(&parcel)?;
        let (sender, nonce, price) = (body.sender(), body.nonce, body.price);
        let rival = self.pool.iter().position(|(_, other)| is_of(&other.transaction.body, &sender, nonce));
        if let Some(place) = rival {
            let other = self.pool.get(place).map_or(0, |(_, other)| other.transaction.body.price);
            if price < other.saturating_add((other / 10).max(1)) {
                return refuse(
                    codes::REPLACEMENT_UNDERPRICED,
                    "a transaction with this nonce waits and pays as much",
                );
            }
            self.pool.remove(place);
        } else if self.pool.len() >= MAX_POOL {
            return refuse(codes::POOL_FULL, "the pool is full");
        }
        if let Some(digest) = body.private {
            self.secrets.insert(digest, parcel.private.clone());
        }
        self.pool.push((id, parcel));
        Ok(id)
    }

    fn check(&self, parcel: &Parcel) -> Result<(), Refusal> {
        let body = &parcel.transaction.body;
        if parcel.encode().len() > MAX_PARCEL {
            return refuse(codes::TOO_LARGE, "a transaction has at most 262144 bytes");
        }
        if body.chain != self.name || body.space != self.space {
            return refuse(codes::OTHER_CHAIN, "the transaction is of another ledger or space");
        }
        if !is_signed(parcel) {
            return refuse(codes::BAD_SIGNATURE, "the signature is not the sender's");
        }
        if body.private != private_digest(&body.mark, &parcel.private) {
            return refuse(codes::MALFORMED, "the private arguments are not those that were signed");
        }
        if body.last_block <= self.head() {
            return refuse(codes::WINDOW_PASSED, "no later block may carry the transaction");
        }
        if body.last_block > self.head() + MAX_WINDOW {
            return refuse(codes::MALFORMED, "the window ends too far ahead");
        }
        let Some(account) = self.state().account(&body.sender()) else {
            return refuse(codes::NOT_ADMITTED, "the sender is not admitted to this space");
        };
        if body.nonce < account.nonce {
            return refuse(codes::NONCE_USED, "the nonce is used");
        }
        if body.price < self.price {
            return refuse(codes::UNDERPRICED, format!("a unit costs at least {}", self.price));
        }
        let most = u128::from(body.units).saturating_mul(body.price.into()).saturating_add(body.amount);
        if account.balance < most {
            return refuse(codes::INSUFFICIENT_FUNDS, "the sender cannot pay amount and fee");
        }
        Ok(())
    }

    /// Makes a block of what is due in the pool. Gives the spaces that it opens, with who opened them.
    pub(crate) fn mine(&mut self, grants: Vec<Grant>, with_pool: bool) -> Vec<(String, String)> {
        let before = self.state();
        let due =
            |state: &State, (_, parcel): &(Hash, Parcel)| execute::is_due(state, &parcel.transaction.body);
        let number = self.head() + 1;
        self.pool.retain(|(_, parcel)| parcel.transaction.body.last_block >= number);
        if grants.is_empty() && !(with_pool && self.pool.iter().any(|waiting| due(&before, waiting))) {
            self.append(before, Vec::new(), Vec::new(), grants);
            return Vec::new();
        }
        let mut state = (*before).clone();
        for grant in &grants {
            let mut account = state.account(&grant.account).unwrap_or_default();
            account.balance = account.balance.saturating_add(grant.amount);
            state.set_account(&grant.account, account);
            if grant.administrator {
                state.set(ADMINISTRATORS, grant.account.as_bytes(), b"");
            }
        }
        let (mut records, mut parcels, mut opened) = (Vec::new(), Vec::new(), Vec::new());
        let mut events: u32 = 0;
        while with_pool && records.len() < MAX_IN_BLOCK {
            let Some(next) = self.pool.iter().position(|waiting| due(&state, waiting)) else { break };
            let (_, parcel) = self.pool.remove(next);
            let body = &parcel.transaction.body;
            let hash_of = |number| self.hash_at(number);
            let place = Place { number, in_block: true, hash_of: &hash_of };
            let record = execute::include(&mut state, body, &place, events);
            events = events.saturating_add(u32::try_from(record.events.len()).unwrap_or(u32::MAX));
            if let (0, Action::OpenSpace { space }) = (record.status, &body.action) {
                opened.push((space.clone(), body.sender()));
            }
            records.push(record);
            parcels.push(parcel);
        }
        self.append(Arc::new(state), records, parcels, grants);
        opened
    }

    fn append(&mut self, state: Arc<State>, records: Vec<Record>, parcels: Vec<Parcel>, grants: Vec<Grant>) {
        let parent = self.blocks.last();
        let number = parent.map_or(0, |parent| parent.header.number + 1);
        let time = parent.map_or(0, |parent| parent.header.time.saturating_add(BLOCK_MILLIS)).max(self.clock);
        self.clock = time;
        let header = Header {
            chain: self.name.clone(),
            space: self.space.clone(),
            number,
            parent: parent.map_or([0; 32], |parent| parent.hash),
            time,
            fork: self.forks,
            records: records_root(&records),
            state: match parent {
                Some(parent) if Arc::ptr_eq(&parent.state, &state) => parent.header.state,
                _ => state.root(),
            },
            validators: self.validators,
        };
        for (place, record) in records.iter().enumerate() {
            self.index.insert(record.id, (number, place));
        }
        let hash = header.hash();
        self.blocks.push(Arc::new(Block { header, hash, records, state, parcels, grants }));
    }

    /// Replaces the newest `depth` blocks, never the first one, with as many empty ones. Their transactions wait in the
    /// pool again or are lost.
    pub(crate) fn reorganise(&mut self, depth: u64, keep: bool) {
        self.forks += 1;
        let (mut dropped, mut grants) = (Vec::new(), Vec::new());
        for _ in 0..depth.min(self.head()) {
            let Some(block) = self.blocks.pop() else { break };
            for record in &block.records {
                self.index.remove(&record.id);
            }
            self.orphans.insert(block.hash, block.clone());
            dropped.push(block);
        }
        let replaced = dropped.len();
        for block in dropped.into_iter().rev() {
            grants.extend(block.grants.iter().cloned());
            if keep {
                self.pool.extend(
                    block.parcels.iter().map(|parcel| (parcel.transaction.body.id(), parcel.clone())),
                );
            }
        }
        for _ in 0..replaced {
            self.mine(std::mem::take(&mut grants), false);
        }
    }

    /// Forgets blocks that are not in the chain.
    pub(crate) fn forget_orphans(&mut self) {
        self.orphans.clear();
    }

    /// Forgets what waits in the pool.
    pub(crate) fn empty_pool(&mut self) {
        self.pool.clear();
    }

    /// An account's balance and nonce.
    pub(crate) fn account(&self, name: &str) -> Option<Account> {
        self.state().account(name)
    }
}

fn is_of(body: &Body, account: &str, nonce: u64) -> bool {
    body.nonce == nonce && body.sender() == account
}

fn is_signed(parcel: &Parcel) -> bool {
    let body = &parcel.transaction.body;
    let signature = match (body.scheme, parcel.transaction.signature.as_slice()) {
        (SignatureScheme::EcdsaP256Sha256 | SignatureScheme::Sm2Sm3, rs) if rs.len() == 64 => {
            Signature { bytes: rs.to_vec(), recovery_id: None }
        }
        (_, [rs @ .., parity]) if rs.len() == 64 => {
            Signature { bytes: rs.to_vec(), recovery_id: Some(*parity) }
        }
        _ => return false,
    };
    berth_crypto::verify(&body.key(), &body.input(), &signature)
}
