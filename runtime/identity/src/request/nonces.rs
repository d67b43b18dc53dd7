//! Requests that were seen before.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::Presented;
use crate::fingerprint::Fingerprint;

/// The most requests of one signer that are remembered. A signer who sends more is refused until some are forgotten.
const MAX_REMEMBERED: usize = 1 << 19;

/// Why a request is not taken although its signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It was made too long ago, or before this node started.
    #[error("the signature was made too long ago: sign anew; if this repeats, look at your clock")]
    Stale,
    /// It was made later than now.
    #[error("the signature is of the future: look at your clock")]
    Early,
    /// The same request came before.
    #[error("this request was seen before: sign anew with another nonce")]
    Replayed,
    /// The signer has sent too many.
    #[error("too many signed requests in a short time: wait")]
    TooMany,
}

/// Remembers the nonces of signed requests for as long as their signatures are taken. What was signed before the start is
/// refused, so that a restart forgets nothing that matters, but for what was signed by a clock ahead of this one: until that second has
/// come, a node that was started anew meanwhile takes it once more.
pub struct Nonces {
    /// Seconds since 1970.
    started: i64,
    /// For how many seconds a signature is taken.
    window: i64,
    signers: Mutex<HashMap<Fingerprint, Seen>>,
}

/// Two generations, of which the older is forgotten once nothing in it would be taken anyway.
struct Seen {
    since: i64,
    newer: HashSet<[u8; 16]>,
    older: HashSet<[u8; 16]>,
}

impl Nonces {
    /// How far a signer's clock may go before this one's, in seconds.
    pub const SKEW: i64 = 5;

    /// Nothing seen so far. `started` is now, in seconds since 1970; `window` is for how many seconds a signature is taken.
    #[must_use]
    pub fn new(started: i64, window: u32) -> Self {
        Nonces { started, window: i64::from(window.max(1)), signers: Mutex::default() }
    }

    /// Takes a request whose signature was verified, once.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn take(&self, request: &Presented, now: i64) -> Result<(), Refused> {
        // Of the second of the start nobody knows what came before it.
        if request.created < now.saturating_sub(self.window) || request.created <= self.started {
            return Err(Refused::Stale);
        }
        if request.expires.is_some_and(|expires| now > expires) {
            return Err(Refused::Stale);
        }
        if request.created > now.saturating_add(Self::SKEW) {
            return Err(Refused::Early);
        }
        let mut mark = [0; 16];
        let digest = Sha256::digest(request.nonce.as_bytes());
        mark.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = signers.entry(request.signer).or_insert_with(|| Seen {
            since: now,
            newer: HashSet::new(),
            older: HashSet::new(),
        });
        if now.saturating_sub(seen.since) > self.window + Self::SKEW {
            seen.older = std::mem::take(&mut seen.newer);
            seen.since = now;
        }
        if seen.newer.contains(&mark) || seen.older.contains(&mark) {
            return Err(Refused::Replayed);
        }
        if seen.newer.len() >= MAX_REMEMBERED {
            return Err(Refused::TooMany);
        }
        seen.newer.insert(mark);
        Ok(())
    }
}
