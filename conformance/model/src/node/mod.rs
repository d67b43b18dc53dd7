//! The ledger in memory, and what a test bed does with it.

mod chain;
mod contracts;
mod execute;
mod lender;
mod rpc;
mod server;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use adapter_sdk::types::{PublicKey, SignatureScheme};
use berth_crypto::SigningKey;

use crate::wire::{Anchor, Hash, Validators, Wire as _, account_of, sha256};
use chain::{Chain, Grant};

pub use lender::ModelLender;
pub use rpc::RpcError;
pub use server::Served;

/// The space that settings name by default.
pub const MAIN_SPACE: &str = "main";
/// Another space, that is there from the beginning.
pub const OTHER_SPACE: &str = "other";
/// Validators of a space, and how many of them sign.
const VALIDATORS: u8 = 4;
const QUORUM: u8 = 3;

/// A ledger in memory with one node. Clones are the same ledger.
///
/// It makes a block of each transaction as soon as it comes, until [`automine`](Self::automine) turns that off.
#[derive(Clone)]
pub struct ModelNode {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    name: String,
    spaces: BTreeMap<String, Chain>,
    validators: Vec<SigningKey>,
    /// Points of keys that may read private arguments.
    auditors: BTreeSet<Vec<u8>>,
    automine: bool,
    syncing: bool,
    peers: u32,
    /// State of each application that was lent to in this process.
    applications: BTreeMap<String, lender::Kept>,
    submissions: u64,
}

impl Default for ModelNode {
    fn default() -> Self {
        ModelNode::new("model")
    }
}

impl fmt::Debug for ModelNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelNode").finish_non_exhaustive()
    }
}

impl ModelNode {
    /// A ledger of this name, with a first block in each of its two spaces. Validators' keys come from the name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let validators = (0..VALIDATORS).filter_map(|index| {
            let bytes = sha256(&[b"validator", name.as_bytes(), &[index]]);
            SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &bytes).ok()
        });
        let mut inner = Inner {
            name: name.into(),
            spaces: BTreeMap::new(),
            validators: validators.collect(),
            auditors: BTreeSet::new(),
            automine: true,
            syncing: false,
            peers: 3,
            applications: BTreeMap::new(),
            submissions: 0,
        };
        for space in [MAIN_SPACE, OTHER_SPACE] {
            inner.open_space(space);
        }
        ModelNode { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger's name: the setting `chain`.
    #[must_use]
    pub fn name(&self) -> String {
        self.lock().name.clone()
    }

    /// Admits an account to every space and gives it currency, in a block of its own. A reorganisation does not take it
    /// back.
    pub fn fund(&self, account: &str, amount: u128) {
        self.grant(account, amount, false);
    }

    /// The same for the account of a key.
    pub fn fund_key(&self, key: &PublicKey, amount: u128) {
        self.fund(&account_of(key.scheme, &key.point), amount);
    }

    /// Makes an account an administrator of every space.
    pub fn appoint(&self, account: &str) {
        self.grant(account, 0, true);
    }

    fn grant(&self, account: &str, amount: u128, administrator: bool) {
        for chain in self.lock().spaces.values_mut() {
            chain.mine(vec![Grant { account: account.into(), amount, administrator }], false);
        }
    }

    /// Lets a key read private arguments.
    pub fn let_audit(&self, key: &PublicKey) {
        self.lock().auditors.insert(key.point.clone());
    }

    /// Makes `blocks` blocks of a space from what waits in its pool.
    pub fn mine(&self, space: &str, blocks: u32) {
        self.lock().mine(space, blocks);
    }

    /// Whether each transaction makes a block at once.
    pub fn automine(&self, on: bool) {
        self.lock().automine = on;
    }

    /// Replaces the newest `depth` blocks of a space (never the first) with as many empty ones of another branch. With
    /// `keep_transactions` their transactions wait in the pool again; without they are lost.
    pub fn reorganise(&self, space: &str, depth: u64, keep_transactions: bool) {
        self.on(space, |chain| chain.reorganise(depth, keep_transactions));
    }

    /// Forgets the content of a space's blocks below this height. Their headers stay.
    pub fn prune(&self, space: &str, below: u64) {
        self.on(space, |chain| chain.first_kept = below);
    }

    /// Forgets the blocks of a space that have left the chain.
    pub fn forget_orphans(&self, space: &str) {
        self.on(space, Chain::forget_orphans);
    }

    /// Forgets what waits in a space's pool, as a node does that is started anew.
    pub fn empty_pool(&self, space: &str) {
        self.on(space, Chain::empty_pool);
    }

    /// The least price of a unit in a space.
    pub fn set_price(&self, space: &str, price: u64) {
        self.on(space, |chain| chain.price = price);
    }

    /// The block makers' clock, milliseconds since 1970. Blocks are never earlier than their parents.
    pub fn set_clock(&self, millis: u64) {
        for chain in self.lock().spaces.values_mut() {
            chain.clock = millis;
        }
    }

    /// Whether the node says that it is catching up; it takes no transaction then.
    pub fn set_syncing(&self, syncing: bool) {
        self.lock().syncing = syncing;
    }

    /// How many other nodes it says it is connected to.
    pub fn set_peers(&self, peers: u32) {
        self.lock().peers = peers;
    }

    /// Height of a space's newest block; 0 where there is no such space.
    #[must_use]
    pub fn head(&self, space: &str) -> u64 {
        self.lock().spaces.get(space).map_or(0, Chain::head)
    }

    /// An account's balance in a space, if it was admitted.
    #[must_use]
    pub fn balance(&self, space: &str, account: &str) -> Option<u128> {
        self.lock().spaces.get(space)?.account(account).map(|account| account.balance)
    }

    /// How many transactions an account has in a space's chain, failed ones too.
    #[must_use]
    pub fn transactions(&self, space: &str, account: &str) -> u64 {
        let inner = self.lock();
        inner.spaces.get(space).and_then(|chain| chain.account(account)).unwrap_or_default().nonce
    }

    /// How often a transaction was handed over, taken or not.
    #[must_use]
    pub fn submissions(&self) -> u64 {
        self.lock().submissions
    }

    /// What a verifier of a space's proofs trusts: its validators, and which contract is the preset contract.
    #[must_use]
    pub fn anchor(&self, space: &str, preset: &str) -> Vec<u8> {
        Anchor { validators: self.lock().validators(space), preset: preset.into() }.encode()
    }

    /// What lends this node to an application, in this process. Two with the same application share its state, as after
    /// a restart.
    #[must_use]
    pub fn lender(&self, application: &str) -> ModelLender {
        ModelLender::new(self.clone(), application)
    }

    fn on(&self, space: &str, change: impl FnOnce(&mut Chain)) {
        if let Some(chain) = self.lock().spaces.get_mut(space) {
            change(chain);
        }
    }
}

impl Inner {
    fn validators(&self, space: &str) -> Validators {
        Validators {
            chain: self.name.clone(),
            space: space.into(),
            quorum: QUORUM,
            points: self.validators.iter().map(|key| key.public_key().point).collect(),
        }
    }

    /// Makes a space, where there is none of this name.
    fn open_space(&mut self, space: &str) {
        let digest: Hash = sha256(&[&self.validators(space).encode()]);
        let spaces = [MAIN_SPACE.to_owned(), OTHER_SPACE.to_owned()];
        let name = self.name.clone();
        self.spaces.entry(space.into()).or_insert_with(|| Chain::new(&name, space, digest, &spaces));
    }

    fn mine(&mut self, space: &str, blocks: u32) {
        for _ in 0..blocks {
            let opened = self.spaces.get_mut(space).map(|chain| chain.mine(Vec::new(), true));
            for (opened, by) in opened.unwrap_or_default() {
                let is_new = !self.spaces.contains_key(&opened);
                self.open_space(&opened);
                if let (true, Some(chain)) = (is_new, self.spaces.get_mut(&opened)) {
                    chain.mine(vec![Grant { account: by, amount: 1 << 60, administrator: true }], false);
                }
            }
        }
    }
}
