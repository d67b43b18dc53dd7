//! How far up the chain is safe, and how far it is final.

use adapter_sdk::{
    Imports,
    types::{Confidence, Error, ErrorCode},
};

use crate::{
    codec,
    rpc::{self, Answers, Ask, BlockId, Head, Node},
    settings::{FinalityRule, Settings},
};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'f', 1);
/// How often the height is noted when others note theirs at the same time.
const ATTEMPTS: u32 = 8;

/// The newest block, and the heights up to which blocks stay.
#[derive(Clone, Debug)]
pub(crate) struct Heights {
    /// The newest block.
    pub(crate) head: Head,
    /// Up to here blocks are safe by the node's word.
    pub(crate) safe: u64,
    /// Up to here blocks cannot disappear. The first block never does.
    pub(crate) last_final: u64,
}

/// The questions; [`answered`] takes as many answers.
pub(crate) fn asks(settings: &Settings) -> Vec<Ask> {
    match settings.finality {
        FinalityRule::Announced => {
            vec![rpc::block(BlockId::Latest), rpc::block(BlockId::Safe), rpc::block(BlockId::Finalized)]
        }
        FinalityRule::Depth(_) => vec![rpc::block(BlockId::Latest)],
    }
}

/// Takes the answers to [`asks`].
pub(crate) fn answered(settings: &Settings, answers: &mut Answers) -> Result<Heights, Error> {
    let head: Head = answers.next()?;
    let number = head.number();
    let (safe, last_final) = match settings.finality {
        FinalityRule::Announced => {
            // A chain that has just begun has neither, and says null or "unknown block".
            let safe = answers.next_known::<Head>()?.map_or(0, |block| block.number());
            let last_final = answers.next_known::<Head>()?.map_or(0, |block| block.number());
            (safe.max(last_final), last_final)
        }
        FinalityRule::Depth(depth) => {
            let last_final = number.saturating_add(1).saturating_sub(depth);
            (last_final, last_final)
        }
    };
    // Asked side by side, the tags may already know a newer block than the head.
    Ok(Heights { head, safe: safe.min(number), last_final: last_final.min(number) })
}

impl Heights {
    /// The newest height of this confidence.
    pub(crate) fn at(&self, confidence: Confidence) -> u64 {
        match confidence {
            Confidence::Latest => self.head.number(),
            Confidence::Safe => self.safe,
            Confidence::Final => self.last_final,
        }
    }

    /// Refuses a height that does not exist yet.
    pub(crate) fn check(&self, number: u64) -> Result<(), Error> {
        if number <= self.head.number() {
            return Ok(());
        }
        Err(Error::retryable(
            ErrorCode::OutOfRange,
            format!("block {number} does not exist yet; the newest is {}", self.head.number()),
        ))
    }
}

/// The height of the last final block alone: one question.
pub(crate) async fn last_final(settings: &Settings, node: &Node<'_>) -> Result<u64, Error> {
    let (id, below) = match settings.finality {
        FinalityRule::Announced => (BlockId::Finalized, 0),
        FinalityRule::Depth(depth) => (BlockId::Latest, depth.saturating_sub(1)),
    };
    let block: Option<Head> = node.ask(vec![rpc::block(id)]).await.next_known()?;
    Ok(block.map_or(0, |block| block.number().saturating_sub(below)))
}

/// The chain's key in the host's store: the highest block of which a receipt was answered for good.
fn key(settings: &Settings) -> String {
    format!("final/{}", settings.chain_id)
}

fn decode(stored: Option<&[u8]>) -> Result<u64, Error> {
    stored.map_or(Ok(0), |stored| codec::decode_state(KIND.0, KIND.1, stored, "the height of what was final"))
}

/// The height that [`remember`] noted; 0 where there is none.
pub(crate) async fn remembered(settings: &Settings, host: &dyn Imports) -> Result<u64, Error> {
    decode(host.state_get(&key(settings)).await.as_deref())
}

/// Notes that a receipt is answered for good because of the block at this height, so that no node that is behind takes
/// it back. It is no fault of the receipt if the note cannot be made.
pub(crate) async fn remember(settings: &Settings, host: &dyn Imports, height: u64) -> Result<(), Error> {
    let key = key(settings);
    for _ in 0..ATTEMPTS {
        let stored = host.state_get(&key).await;
        if decode(stored.as_deref())? >= height {
            break;
        }
        let new = codec::encode(KIND.0, KIND.1, &height);
        if host.state_swap(&key, stored, Some(new)).await {
            break;
        }
    }
    Ok(())
}
