//! How far up the chain is safe, and how far it is final.

use adapter_sdk::types::{Confidence, Error, ErrorCode};

use crate::{
    rpc::{self, Answers, Ask, BlockId, Head},
    settings::{FinalityRule, Settings},
};

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
