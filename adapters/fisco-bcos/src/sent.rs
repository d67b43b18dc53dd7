//! Which envelopes were made and not handed to a node yet, so that a send that does not get through says truly whether an earlier one
//! may have.
//!
//! An envelope is noted when it is made, and the note goes when it is sent: whatever is not noted counts as sent, and nothing is promised
//! of it. So the state holds no more than what was signed and never sent, and losing it costs a promise.

use adapter_sdk::{Imports, types::Error};
use alloy_primitives::{B256, FixedBytes};

use crate::codec;

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b's', 2);
/// The most envelopes in one of 256 notes; the oldest are forgotten first.
const MAX: usize = 64;
/// How often a note is made when others are made at the same time.
const ATTEMPTS: u32 = 16;

type Mark = FixedBytes<16>;

fn mark(id: B256) -> Mark {
    id.first_chunk::<16>().map(|start| Mark::from(*start)).unwrap_or_default()
}

/// Changes the note that has this id; `how` says whether there is anything to change. False where there is not, or others were always
/// faster.
async fn change(
    host: &dyn Imports,
    id: B256,
    mut how: impl FnMut(&mut Vec<Mark>) -> bool + Send,
) -> Result<bool, Error> {
    let key = format!("unsent/{:02x}", id.first().copied().unwrap_or_default());
    for _ in 0..ATTEMPTS {
        let stored = host.state_get(&key).await;
        let mut notes: Vec<Mark> = match stored.as_deref() {
            Some(stored) => codec::decode_state(KIND.0, KIND.1, stored, "the note of what is not sent yet")?,
            None => Vec::new(),
        };
        if !how(&mut notes) {
            return Ok(false);
        }
        let beyond = notes.len().saturating_sub(MAX);
        notes.drain(..beyond);
        let new = (!notes.is_empty()).then(|| codec::encode(KIND.0, KIND.1, &notes));
        if host.state_swap(&key, stored, new).await {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An envelope is made, or one that was about to be sent did not leave or was refused. That it cannot be noted costs a promise, and nothing
/// else.
pub(crate) async fn not_sent(host: &dyn Imports, id: B256) -> Result<(), Error> {
    let mark = mark(id);
    change(host, id, |notes| {
        let is_new = !notes.contains(&mark);
        notes.extend(is_new.then_some(mark));
        is_new
    })
    .await?;
    Ok(())
}

/// It is sent now. True where it certainly never was before.
pub(crate) async fn first(host: &dyn Imports, id: B256) -> Result<bool, Error> {
    let mark = mark(id);
    change(host, id, |notes| {
        let before = notes.len();
        notes.retain(|note| *note != mark);
        notes.len() < before
    })
    .await
}
