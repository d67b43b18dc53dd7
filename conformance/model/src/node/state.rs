//! What the ledger holds after a block: entries by area and key.

use std::{collections::BTreeMap, sync::Arc};

use crate::wire::{Entry, Hash, Wire as _, merkle};

/// Accounts: balance (16 bytes) and nonce (8 bytes) by name.
pub(crate) const ACCOUNTS: &str = "accounts";
/// Administrators, by account.
pub(crate) const ADMINISTRATORS: &str = "administrators";
/// Contracts by address.
pub(crate) const CONTRACTS: &str = "contracts";
/// Addresses of contracts by the digest of their deployment.
pub(crate) const DEPLOYED: &str = "deployed";
/// Ids of transactions by account and nonce.
pub(crate) const NONCES: &str = "nonces";

#[derive(Clone)]
struct Held {
    value: Arc<[u8]>,
    leaf: Hash,
}

/// All entries. A clone shares the values.
#[derive(Clone, Default)]
pub(crate) struct State {
    entries: BTreeMap<(String, Vec<u8>), Held>,
}

/// An account as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) balance: u128,
    pub(crate) nonce: u64,
}

impl State {
    pub(crate) fn get(&self, area: &str, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(&(area.to_owned(), key.to_vec())).map(|held| &*held.value)
    }

    pub(crate) fn set(&mut self, area: &str, key: &[u8], value: &[u8]) {
        let entry = Entry { area: area.to_owned(), key: key.to_vec(), value: value.to_vec() };
        let leaf = merkle::leaf(&entry.encode());
        self.entries.insert((entry.area, entry.key), Held { value: entry.value.into(), leaf });
    }

    pub(crate) fn remove(&mut self, area: &str, key: &[u8]) {
        self.entries.remove(&(area.to_owned(), key.to_vec()));
    }

    /// The account, if it was admitted.
    pub(crate) fn account(&self, name: &str) -> Option<Account> {
        let value = self.get(ACCOUNTS, name.as_bytes())?;
        let (balance, nonce) = value.split_at_checked(16)?;
        Some(Account {
            balance: u128::from_be_bytes(balance.try_into().ok()?),
            nonce: u64::from_be_bytes(nonce.try_into().ok()?),
        })
    }

    pub(crate) fn set_account(&mut self, name: &str, account: Account) {
        let value = [&account.balance.to_be_bytes()[..], &account.nonce.to_be_bytes()].concat();
        self.set(ACCOUNTS, name.as_bytes(), &value);
    }

    fn leaves(&self) -> Vec<Hash> {
        self.entries.values().map(|held| held.leaf).collect()
    }

    pub(crate) fn root(&self) -> Hash {
        merkle::root(&self.leaves())
    }

    /// The entry at a place, or else the ones before and after it; each with its path.
    pub(crate) fn around(&self, area: &str, key: &[u8]) -> Vec<(Entry, merkle::Path)> {
        let place = (area.to_owned(), key.to_vec());
        let before = self.entries.range(..&place).count();
        let wanted = match (self.entries.contains_key(&place), before) {
            (true, at) => at..at + 1,
            (false, 0) => 0..1,
            (false, at) => at - 1..at + 1,
        };
        let leaves = self.leaves();
        let entries = self.entries.iter().enumerate().skip(wanted.start).take(wanted.len());
        entries
            .filter_map(|(index, ((area, key), held))| {
                let entry = Entry { area: area.clone(), key: key.clone(), value: held.value.to_vec() };
                Some((entry, merkle::Path::new(&leaves, index)?))
            })
            .collect()
    }
}
