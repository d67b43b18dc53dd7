//! Accounts and storage, with what takes a block back.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    convert::Infallible,
};

use alloy_primitives::{Address, B256, U256};
use revm::{
    Database,
    bytecode::Bytecode,
    state::{AccountInfo, EvmState},
};

/// The state after the newest block.
#[derive(Debug, Default)]
pub struct State {
    accounts: HashMap<Address, AccountInfo>,
    storage: HashMap<Address, HashMap<U256, U256>>,
    undo: Undo,
}

/// What was there before a block changed it.
#[derive(Clone, Debug, Default)]
pub struct Undo {
    accounts: BTreeMap<Address, Option<AccountInfo>>,
    storage: BTreeMap<(Address, U256), U256>,
}

impl Undo {
    /// Puts the older values of an earlier block over these.
    fn cover_with(&mut self, earlier: &Undo) {
        self.accounts.extend(earlier.accounts.iter().map(|(address, info)| (*address, info.clone())));
        self.storage.extend(&earlier.storage);
    }
}

impl State {
    /// Takes over what a transaction changed.
    pub fn commit(&mut self, changes: EvmState) {
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            if account.is_selfdestructed() {
                self.clear_storage(address);
                self.set_account(address, None);
                continue;
            }
            if account.is_created() {
                self.clear_storage(address);
            }
            for (slot, value) in &account.storage {
                if value.is_changed() {
                    self.set_slot(address, *slot, value.present_value());
                }
            }
            // EIP-161: what is empty is not there. Accounts with storage are the system contracts'.
            let empty = account.info.is_empty() && !self.storage.contains_key(&address);
            self.set_account(address, (!empty).then_some(account.info));
        }
    }

    /// Sets an account, or removes it.
    pub fn set_account(&mut self, address: Address, info: Option<AccountInfo>) {
        let before = match info {
            Some(info) => self.accounts.insert(address, info),
            None => self.accounts.remove(&address),
        };
        if self.accounts.get(&address) != before.as_ref() {
            self.undo.accounts.entry(address).or_insert(before);
        }
    }

    fn set_slot(&mut self, address: Address, slot: U256, value: U256) {
        let slots = self.storage.entry(address).or_default();
        let before = if value.is_zero() { slots.remove(&slot) } else { slots.insert(slot, value) };
        if slots.is_empty() {
            self.storage.remove(&address);
        }
        self.undo.storage.entry((address, slot)).or_insert(before.unwrap_or_default());
    }

    fn clear_storage(&mut self, address: Address) {
        let slots: Vec<U256> =
            self.storage.get(&address).map(|slots| slots.keys().copied().collect()).unwrap_or_default();
        for slot in slots {
            self.set_slot(address, slot, U256::ZERO);
        }
    }

    /// An account.
    #[must_use]
    pub fn account(&self, address: Address) -> Option<&AccountInfo> {
        self.accounts.get(&address)
    }

    /// A storage slot.
    #[must_use]
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        self.storage.get(&address).and_then(|slots| slots.get(&slot)).copied().unwrap_or_default()
    }

    /// Every account, in the order of addresses.
    #[must_use]
    pub fn accounts(&self) -> BTreeMap<Address, &AccountInfo> {
        self.accounts.iter().map(|(address, info)| (*address, info)).collect()
    }

    /// An account's storage, in the order of slots.
    #[must_use]
    pub fn storage(&self, address: Address) -> BTreeMap<U256, U256> {
        self.storage.get(&address).into_iter().flatten().map(|(slot, value)| (*slot, *value)).collect()
    }

    /// What a block changed, in a fixed order: every account and slot with what it holds now. For hashing.
    #[must_use]
    pub fn changes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for address in self.undo.accounts.keys() {
            bytes.extend_from_slice(address.as_slice());
            if let Some(info) = self.accounts.get(address) {
                bytes.extend_from_slice(&info.balance.to_be_bytes::<32>());
                bytes.extend_from_slice(&info.nonce.to_be_bytes());
                bytes.extend_from_slice(info.code_hash.as_slice());
            }
        }
        for (address, slot) in self.undo.storage.keys() {
            bytes.extend_from_slice(address.as_slice());
            bytes.extend_from_slice(&slot.to_be_bytes::<32>());
            bytes.extend_from_slice(&self.slot(*address, *slot).to_be_bytes::<32>());
        }
        bytes
    }

    /// Ends a block: gives what takes it back.
    pub fn end_block(&mut self) -> Undo {
        std::mem::take(&mut self.undo)
    }

    /// Takes the newest block back.
    pub fn take_back(&mut self, undo: Undo) {
        for (address, info) in undo.accounts {
            self.set_account(address, info);
        }
        for ((address, slot), value) in undo.storage {
            self.set_slot(address, slot, value);
        }
        self.undo = Undo::default();
    }
}

/// The state as it was after some block, read by the EVM.
#[derive(Debug)]
pub struct View<'a> {
    state: &'a State,
    earlier: Undo,
    changed: HashSet<Address>,
    hashes: &'a [B256],
}

impl<'a> View<'a> {
    /// The newest state. `hashes` are the blocks', by number, for BLOCKHASH.
    #[must_use]
    pub fn newest(state: &'a State, hashes: &'a [B256]) -> Self {
        View { state, earlier: Undo::default(), changed: HashSet::new(), hashes }
    }

    /// The state before these blocks, the newest first.
    #[must_use]
    pub fn before<'u>(state: &'a State, blocks: impl Iterator<Item = &'u Undo>, hashes: &'a [B256]) -> Self {
        let mut earlier = Undo::default();
        for undo in blocks {
            earlier.cover_with(undo);
        }
        let changed = earlier.storage.keys().map(|(address, _)| *address).collect();
        View { state, earlier, changed, hashes }
    }

    /// An account.
    #[must_use]
    pub fn account(&self, address: Address) -> Option<&AccountInfo> {
        match self.earlier.accounts.get(&address) {
            Some(info) => info.as_ref(),
            None => self.state.account(address),
        }
    }

    /// A storage slot.
    #[must_use]
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        let earlier = || self.earlier.storage.get(&(address, slot)).copied();
        let earlier = if self.changed.contains(&address) { earlier() } else { None };
        earlier.unwrap_or_else(|| self.state.slot(address, slot))
    }
}

impl Database for View<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.account(address).cloned())
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Infallible> {
        // Accounts carry their code.
        Ok(Bytecode::default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.slot(address, slot))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        Ok(self.hashes.get(number).copied().unwrap_or_default())
    }
}
