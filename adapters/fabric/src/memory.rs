//! What the application's state keeps: each a bounded list that is changed by `swap` alone. Without any of it calls may be
//! refused or come later, and none is made twice.

use adapter_sdk::{Imports, types::HashAlgorithm};

/// Calls that were given up: until when each would be taken, and its hash.
const ABANDONED: &str = "abandoned";
/// Transactions whose receipt was final: the hashes of their ids.
const FINAL: &str = "final";
/// What private arguments in continuations are sealed with.
const SEAL: &str = "seal";

/// Calls that are remembered as given up; each is forgotten when its continuation has expired anyway.
const MOST_ABANDONED: usize = 1024;
/// Transactions that are remembered as final.
const MOST_FINAL: usize = 256;
/// Bytes of a hash that are kept.
const SHORT: usize = 16;

fn short(host: &dyn Imports, bytes: &[u8]) -> Vec<u8> {
    let mut hash = host.hash(HashAlgorithm::Sha256, bytes);
    hash.truncate(SHORT);
    hash
}

/// Changes a list until nobody comes between.
async fn change(host: &dyn Imports, key: &str, change: impl Fn(&[u8]) -> Vec<u8>) {
    // Others change it too, but each change is short: so many times nobody is unlucky.
    for _ in 0..64 {
        let old = host.state_get(key).await;
        let new = change(old.as_deref().unwrap_or_default());
        if old.as_deref() == Some(&new) || host.state_swap(key, old, Some(new)).await {
            return;
        }
    }
}

const ENTRY: usize = 8 + SHORT;

/// Remembers that a call was given up.
pub(crate) async fn abandon(host: &dyn Imports, continuation: &[u8], until: u64) {
    let now = host.now_millis();
    if until < now {
        return;
    }
    let entry = [until.to_be_bytes().as_slice(), &short(host, continuation)].concat();
    change(host, ABANDONED, |old| {
        let waiting =
            old.chunks_exact(ENTRY).filter(|other| *other != entry.as_slice() && ends(other) >= now);
        let mut kept: Vec<&[u8]> = waiting.collect();
        let forgotten = kept.len().saturating_sub(MOST_ABANDONED - 1);
        kept.drain(..forgotten);
        kept.push(&entry);
        kept.concat()
    })
    .await;
}

fn ends(entry: &[u8]) -> u64 {
    let bytes = entry.get(..8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map(u64::from_be_bytes).unwrap_or_default()
}

/// Whether a call was given up.
pub(crate) async fn is_abandoned(host: &dyn Imports, continuation: &[u8]) -> bool {
    let hash = short(host, continuation);
    let list = host.state_get(ABANDONED).await.unwrap_or_default();
    list.chunks_exact(ENTRY).any(|entry| entry.get(8..) == Some(hash.as_slice()))
}

/// Remembers that a transaction's receipt was final.
pub(crate) async fn remember_final(host: &dyn Imports, transaction: &str) {
    let hash = short(host, transaction.as_bytes());
    change(host, FINAL, |old| {
        let mut kept: Vec<&[u8]> = old.chunks_exact(SHORT).collect();
        if kept.contains(&hash.as_slice()) {
            return old.to_vec();
        }
        let forgotten = kept.len().saturating_sub(MOST_FINAL - 1);
        kept.drain(..forgotten);
        kept.push(&hash);
        kept.concat()
    })
    .await;
}

/// Whether a transaction's receipt was final, as far as is remembered.
pub(crate) async fn was_final(host: &dyn Imports, transaction: &str) -> bool {
    let hash = short(host, transaction.as_bytes());
    let list = host.state_get(FINAL).await.unwrap_or_default();
    list.chunks_exact(SHORT).any(|entry| entry == hash)
}

/// The application's sealing key, where there is one.
pub(crate) async fn find_sealing_key(host: &dyn Imports) -> Option<Vec<u8>> {
    host.state_get(SEAL).await
}

/// The same; made where there is none.
pub(crate) async fn sealing_key(host: &dyn Imports) -> Vec<u8> {
    if let Some(key) = find_sealing_key(host).await {
        return key;
    }
    let key = host.random(32);
    match host.state_swap(SEAL, None, Some(key.clone())).await {
        true => key,
        // Somebody else made one in between.
        false => find_sealing_key(host).await.unwrap_or(key),
    }
}
