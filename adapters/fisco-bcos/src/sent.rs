//! Which envelopes were handed to a node, so that a send that does not get through says truly whether an earlier one may have.
//!
//! An envelope is noted when it is made and again when it is sent. One that is not noted, because the state was lost or it is long ago,
//! counts as sent: then nothing is promised of it.

use adapter_sdk::{Imports, types::Error};
use alloy_primitives::{B256, FixedBytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::codec;

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b's', 1);
/// The most envelopes in one of 256 notes; the oldest are forgotten first.
const MAX: usize = 64;
/// How often a note is made when others are made at the same time.
const ATTEMPTS: u32 = 16;

#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Noted {
    mark: FixedBytes<16>,
    sent: bool,
}

fn mark(id: B256) -> FixedBytes<16> {
    id.first_chunk::<16>().map(|start| FixedBytes::from(*start)).unwrap_or_default()
}

/// Changes the note that has this id. False where others were always faster.
async fn change(
    host: &dyn Imports,
    id: B256,
    mut how: impl FnMut(&mut Vec<Noted>) -> bool + Send,
) -> Result<bool, Error> {
    let key = format!("sent/{:02x}", id.first().copied().unwrap_or_default());
    for _ in 0..ATTEMPTS {
        let stored = host.state_get(&key).await;
        let mut notes: Vec<Noted> = match stored.as_deref() {
            Some(stored) => codec::decode_state(KIND.0, KIND.1, stored, "the note of what was sent")?,
            None => Vec::new(),
        };
        if !how(&mut notes) {
            return Ok(false);
        }
        let beyond = notes.len().saturating_sub(MAX);
        notes.drain(..beyond);
        if host.state_swap(&key, stored, Some(codec::encode(KIND.0, KIND.1, &notes))).await {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An envelope is made. That it cannot be noted costs a promise, and nothing else.
pub(crate) async fn made(host: &dyn Imports, id: B256) -> Result<(), Error> {
    let mark = mark(id);
    change(host, id, |notes| {
        let is_new = notes.iter().all(|note| note.mark != mark);
        notes.extend(is_new.then_some(Noted { mark, sent: false }));
        is_new
    })
    .await?;
    Ok(())
}

/// Notes that it is sent now. True where it certainly never was before.
pub(crate) async fn first(host: &dyn Imports, id: B256) -> Result<bool, Error> {
    set(host, id, true).await
}

/// It did not leave, or was refused: as if it had not been sent.
pub(crate) async fn not_sent(host: &dyn Imports, id: B256) -> Result<(), Error> {
    set(host, id, false).await.map(drop)
}

async fn set(host: &dyn Imports, id: B256, sent: bool) -> Result<bool, Error> {
    let mark = mark(id);
    change(host, id, |notes| {
        let found = notes.iter_mut().find(|note| note.mark == mark && note.sent != sent);
        found.map(|note| note.sent = sent).is_some()
    })
    .await
}
