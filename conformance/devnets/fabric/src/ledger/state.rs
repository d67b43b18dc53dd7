//! The state after a block: every key with the version that wrote it, private collections, and what happened before.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use crate::{contract::Change, proto::ledger::Version};

/// A value and who wrote it.
#[derive(Clone, Debug)]
pub struct Versioned {
    pub value: Vec<u8>,
    pub version: Version,
}

/// A namespace's private collection.
type Collection = (String, String);

/// All keys of a channel.
#[derive(Default)]
pub struct State {
    public: HashMap<String, BTreeMap<String, Versioned>>,
    /// By collection and SHA-256 of the key; the value is SHA-256 of the value.
    hashed: HashMap<Collection, BTreeMap<Vec<u8>, Versioned>>,
    private: HashMap<Collection, BTreeMap<String, Vec<u8>>>,
    history: HashMap<(String, String), Vec<Change>>,
}

impl State {
    pub fn get(&self, namespace: &str, key: &str) -> Option<&Versioned> {
        self.public.get(namespace)?.get(key)
    }

    /// Keys from `start` on; before `end`, where it is not empty.
    pub fn range<'a>(
        &'a self,
        namespace: &str,
        start: &str,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Versioned)> {
        let keys = self.public.get(namespace);
        keys.into_iter()
            .flat_map(move |keys| keys.range(start.to_owned()..))
            .take_while(move |(key, _)| end.is_empty() || key.as_str() < end)
    }

    pub fn history(&self, namespace: &str, key: &str) -> &[Change] {
        self.history.get(&(namespace.to_owned(), key.to_owned())).map_or(&[], Vec::as_slice)
    }

    pub fn hashed(&self, namespace: &str, collection: &str, key_hash: &[u8]) -> Option<&Versioned> {
        self.hashed.get(&(namespace.to_owned(), collection.to_owned()))?.get(key_hash)
    }

    pub fn private(&self, namespace: &str, collection: &str, key: &str) -> Option<&Vec<u8>> {
        self.private.get(&(namespace.to_owned(), collection.to_owned()))?.get(key)
    }

    /// Writes a key, or deletes it where there is no value. Fabric takes a value without bytes for a deletion too.
    pub fn write(
        &mut self,
        namespace: &str,
        key: &str,
        value: Option<Vec<u8>>,
        version: Version,
        transaction: &str,
    ) {
        let value = value.filter(|value| !value.is_empty());
        let change =
            Change { transaction: transaction.to_owned(), value: value.clone(), block: version.block_num };
        self.history.entry((namespace.to_owned(), key.to_owned())).or_default().push(change);
        let keys = self.public.entry(namespace.to_owned()).or_default();
        match value {
            Some(value) => keys.insert(key.to_owned(), Versioned { value, version }),
            None => keys.remove(key),
        };
    }

    /// Writes the hashes of a key of a private collection.
    pub fn write_hashed(
        &mut self,
        namespace: &str,
        collection: &str,
        key_hash: &[u8],
        value_hash: Option<Vec<u8>>,
        version: Version,
    ) {
        let keys = self.hashed.entry((namespace.to_owned(), collection.to_owned())).or_default();
        match value_hash {
            Some(value) => keys.insert(key_hash.to_vec(), Versioned { value, version }),
            None => keys.remove(key_hash),
        };
    }

    /// Writes a key of a private collection.
    pub fn write_private(&mut self, namespace: &str, collection: &str, key: &str, value: Option<Vec<u8>>) {
        let keys = self.private.entry((namespace.to_owned(), collection.to_owned())).or_default();
        match value {
            Some(value) => keys.insert(key.to_owned(), value),
            None => keys.remove(key),
        };
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}
