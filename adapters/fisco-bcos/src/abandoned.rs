//! Which calls were given up, so that a late signature of one is not taken (ABAN-4). Nothing is reserved by a call, so losing this
//! note loses no more than that.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode},
};
use alloy_primitives::FixedBytes;
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::{codec, continuation::Continuation, settings::Settings};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'a', 2);
/// The most calls of one account that are remembered; the oldest are forgotten first.
const MAX: usize = 256;
/// How often the note is made when others are made at the same time.
const ATTEMPTS: u32 = 16;

type Mark = FixedBytes<16>;

#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Noted {
    mark: Mark,
    /// After this block the call is over by itself, and the note of no use.
    block_limit: u64,
}

fn key(host: &dyn Imports, settings: &Settings, call: &Continuation) -> String {
    format!("abandoned/{}", settings.crypto.address(host, &call.coordinates))
}

fn mark(host: &dyn Imports, settings: &Settings, continuation: &[u8]) -> Mark {
    let digest = settings.crypto.hash(host, continuation);
    digest.first_chunk::<16>().map(|start| Mark::from(*start)).unwrap_or_default()
}

fn decode(stored: Option<&[u8]>) -> Result<Vec<Noted>, Error> {
    stored.map_or(Ok(Vec::new()), |stored| {
        codec::decode_state(KIND.0, KIND.1, stored, "the note of calls that were given up")
    })
}

/// Notes that the call is given up.
pub(crate) async fn note(settings: &Settings, host: &dyn Imports, continuation: &[u8]) -> Result<(), Error> {
    let call = Continuation::decode(settings, continuation)?;
    let (key, mark) = (key(host, settings, &call), mark(host, settings, continuation));
    for _ in 0..ATTEMPTS {
        let stored = host.state_get(&key).await;
        let mut notes = decode(stored.as_deref())?;
        if notes.iter().any(|note| note.mark == mark) {
            return Ok(());
        }
        // The chain was at `head` when this call began, so whatever ends before is over.
        notes.retain(|note| note.block_limit > call.head);
        notes.push(Noted { mark, block_limit: call.unsigned.block_limit() });
        let beyond = notes.len().saturating_sub(MAX);
        notes.drain(..beyond);
        if host.state_swap(&key, stored, Some(codec::encode(KIND.0, KIND.1, &notes))).await {
            return Ok(());
        }
    }
    Err(Error::retryable(ErrorCode::Conflict, "too many calls of this account are given up at once"))
}

/// Whether the call was given up.
pub(crate) async fn is_noted(
    settings: &Settings,
    host: &dyn Imports,
    call: &Continuation,
    continuation: &[u8],
) -> Result<bool, Error> {
    let stored = host.state_get(&key(host, settings, call)).await;
    let mark = mark(host, settings, continuation);
    Ok(decode(stored.as_deref())?.iter().any(|note| note.mark == mark))
}
