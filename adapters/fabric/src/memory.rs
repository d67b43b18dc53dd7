//! What the application's state keeps: each a bounded list that is changed by `swap` alone. Without any of it calls may be
//! refused or come later, and none is made twice.

use adapter_sdk::{Imports, types::HashAlgorithm};

/// Calls that were given up: until when each would be taken, and its hash.
const ABANDONED: &str = "abandoned";
/// Transactions whose receipt was final: the hashes of their ids.
const FINAL: &str = "final";
/// What private arguments in continuations are sealed with.
const SEAL: &str = "seal";

/// Transactions that were sent: the hashes of their ids.
const SENT: &str = "sent";

/// Calls that are remembered as given up, and transactions that are remembered as sent or final. The lists have their full length
/// from the first entry on.
const MOST: usize = 256;
/// Bytes of a hash that are kept.
const SHORT: usize = 16;
/// An entry: until when it matters, milliseconds since 1970, big-endian, and a hash.
const ENTRY: usize = 8 + SHORT;
/// What a value begins with. One that begins otherwise is a newer version's, and is left alone.
const VERSION: u8 = 1;

/// An entry of a hash.
fn entry(host: &dyn Imports, bytes: &[u8], until: u64) -> Vec<u8> {
    let mut hash = host.hash(HashAlgorithm::Sha256, bytes);
    hash.truncate(SHORT);
    [until.to_be_bytes().as_slice(), &hash].concat()
}

/// The entries of a list; none where a newer version wrote it.
fn entries(list: Option<&[u8]>) -> Option<Vec<&[u8]>> {
    match list {
        None => Some(Vec::new()),
        Some(list) => Some(list.strip_prefix(&[VERSION])?.chunks_exact(ENTRY).collect()),
    }
}

fn has(list: Option<&[u8]>, entry: &[u8]) -> bool {
    entries(list).is_some_and(|entries| entries.iter().any(|other| other.get(8..) == entry.get(8..)))
}

/// Puts an entry to the end of a list, and says whether it was there before. The oldest one is forgotten.
async fn remember(host: &dyn Imports, key: &str, entry: &[u8]) -> bool {
    // Others change it too, but each change is short: so many times nobody is unlucky.
    for _ in 0..64 {
        let old = host.state_get(key).await;
        if has(old.as_deref(), entry) {
            return true;
        }
        let Some(mut kept) = entries(old.as_deref()) else { return false };
        let empty = [0; ENTRY];
        while kept.len() < MOST {
            kept.insert(0, &empty);
        }
        kept.remove(0);
        kept.push(entry);
        let new = [&[VERSION], kept.concat().as_slice()].concat();
        if host.state_swap(key, old, Some(new)).await {
            return false;
        }
    }
    false
}

/// Remembers that a call was given up, until it is not taken any more.
pub(crate) async fn abandon(host: &dyn Imports, continuation: &[u8], until: u64) {
    if until >= host.now_millis() {
        remember(host, ABANDONED, &entry(host, continuation, until)).await;
    }
}

/// Whether a call was given up.
pub(crate) async fn is_abandoned(host: &dyn Imports, continuation: &[u8]) -> bool {
    has(host.state_get(ABANDONED).await.as_deref(), &entry(host, continuation, 0))
}

/// Remembers that a transaction is sent, and says whether it was before.
pub(crate) async fn remember_sent(host: &dyn Imports, transaction: &str) -> bool {
    remember(host, SENT, &entry(host, transaction.as_bytes(), 0)).await
}

/// Remembers that a transaction's receipt was final.
pub(crate) async fn remember_final(host: &dyn Imports, transaction: &str) {
    remember(host, FINAL, &entry(host, transaction.as_bytes(), 0)).await;
}

/// Whether a transaction's receipt was final, as far as is remembered.
pub(crate) async fn was_final(host: &dyn Imports, transaction: &str) -> bool {
    has(host.state_get(FINAL).await.as_deref(), &entry(host, transaction.as_bytes(), 0))
}

/// The application's sealing key, where there is one.
pub(crate) async fn find_sealing_key(host: &dyn Imports) -> Option<Vec<u8>> {
    host.state_get(SEAL).await?.strip_prefix(&[VERSION]).map(<[u8]>::to_vec)
}

/// The same; made where there is none, and none where a newer version has one of its own.
pub(crate) async fn sealing_key(host: &dyn Imports) -> Option<Vec<u8>> {
    if host.state_get(SEAL).await.is_none() {
        let key = [&[VERSION], host.random(32).as_slice()].concat();
        // Whoever comes first makes it.
        host.state_swap(SEAL, None, Some(key)).await;
    }
    find_sealing_key(host).await
}
