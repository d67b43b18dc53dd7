//! Up to which height receipts were answered for good, as final or as expired, so that no node that is behind takes one back.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode},
};

use crate::{codec, settings::Settings};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'f', 1);
/// How often the height is noted when others note theirs at the same time.
const ATTEMPTS: u32 = 8;

fn key(settings: &Settings) -> String {
    format!("final/{}/{}", settings.chain, settings.group)
}

fn decode(stored: Option<&[u8]>) -> Result<u64, Error> {
    stored.map_or(Ok(0), |stored| codec::decode_state(KIND.0, KIND.1, stored, "the height of what was final"))
}

/// The height that [`remember`] noted; 0 where there is none.
pub(crate) async fn remembered(settings: &Settings, host: &dyn Imports) -> Result<u64, Error> {
    decode(host.state_get(&key(settings)).await.as_deref())
}

/// Notes that a receipt of this height is answered for good. It is no fault of the receipt if the note cannot be made.
pub(crate) async fn remember(settings: &Settings, host: &dyn Imports, height: u64) -> Result<(), Error> {
    let key = key(settings);
    for _ in 0..ATTEMPTS {
        let stored = host.state_get(&key).await;
        if decode(stored.as_deref())? >= height {
            break;
        }
        if host.state_swap(&key, stored, Some(codec::encode(KIND.0, KIND.1, &height))).await {
            break;
        }
    }
    Ok(())
}

/// Why there is no block at `number` on a node that stands at `head`: it does not exist yet, or the node is behind. A height of 3.x is a bare
/// number, so that one that was cut off is a smaller one.
pub(crate) async fn beyond(settings: &Settings, host: &dyn Imports, number: u64, head: u64) -> Error {
    match remembered(settings, host).await {
        Ok(remembered) if head < remembered => behind(remembered),
        Ok(_) => Error::retryable(
            ErrorCode::OutOfRange,
            format!("block {number} does not exist yet; the newest is {head}"),
        ),
        Err(error) => error,
    }
}

/// The node is behind what was answered for good.
pub(crate) fn behind(remembered: u64) -> Error {
    Error::retryable(
        ErrorCode::Unavailable,
        format!("the node is behind: block {remembered} was there already; ask again later, or another node"),
    )
}
