//! BLK: blocks.

mod content;
mod forged;
mod found;

use adapter_spec::types::{Block, BlockSelector, Confidence, HeaderPreimage};

use crate::{
    boxed,
    check::{Check, Checked, Expect as _, Need, Stop, rule, scenario},
    trial::{Application, Trial, Written},
};

const BLOCKS: &[Need] = &[Need::Blocks];
const PRUNES: &[Need] = &[Need::Blocks, Need::Control("prune")];
const FORKS: &[Need] = &[Need::Blocks, Need::Forks, Need::Control("reorganise")];
const HOLDS: &[Need] =
    &[Need::Blocks, Need::Control("hold"), Need::Control("release"), Need::Entry("two-parties")];

pub(super) const CHECKS: &[Check] = &[
    rule("BLK-1", "the-block-that-is-asked-for", BLOCKS, found::asked_for),
    scenario("BLK-1", "by-number-hash-and-confidence", BLOCKS, boxed!(found::every_way)),
    scenario("BLK-1", "blocks-that-are-not-there", BLOCKS, boxed!(found::not_there)),
    scenario("BLK-1", "dropped-blocks", PRUNES, boxed!(found::dropped)),
    scenario("BLK-2", "parents-link", BLOCKS, boxed!(content::parents_link)),
    rule("BLK-3", "headers-hash-to-their-id", BLOCKS, content::headers_hash),
    rule("BLK-4", "every-block-has-its-header", BLOCKS, content::has_header),
    scenario("BLK-5", "changed-answers", BLOCKS, boxed!(forged::changed_answers)).slow(),
    scenario("BLK-5", "another-blocks-answer", BLOCKS, boxed!(forged::another_block)),
    scenario("BLK-5", "broken-answers", BLOCKS, boxed!(forged::broken_answers)),
    scenario("BLK-6", "the-same-hash-the-same-block", BLOCKS, boxed!(found::same_block)),
    scenario("BLK-6", "also-when-it-left-the-chain", FORKS, boxed!(found::same_block_off_the_chain)),
    scenario("BLK-7", "written-transactions-are-in-it", BLOCKS, boxed!(content::transactions)),
    scenario("BLK-7", "many-transactions-in-order", HOLDS, boxed!(content::many_transactions)),
    scenario("BLK-7", "failed-transactions-are-not-good", FAILS, boxed!(content::failed_transaction)),
    rule("BLK-8", "time-in-milliseconds", BLOCKS, content::milliseconds),
];

/// A write of the store that lost is in a block without effect.
const FAILS: &[Need] = &[Need::Blocks, Need::Store, Need::Entry("two-parties")];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];

/// What every reader of blocks does: rules watch it.
pub(super) async fn ordinary_use(trial: &mut Trial, application: &Application) -> Checked {
    for confidence in [Confidence::Latest, Confidence::Safe, Confidence::Final] {
        let Ok(block) = application.block(BlockSelector::At(confidence)).await else { continue };
        application.block(BlockSelector::Hash(block.reference.hash)).await.ok();
        for back in 1..3 {
            let number = block.reference.number.saturating_sub(back);
            application.block(BlockSelector::Number(number)).await.ok();
        }
    }
    let first = trial.below(3);
    application.block(BlockSelector::Number(u64::try_from(first).unwrap_or_default())).await.ok();
    Ok(())
}

async fn get(application: &Application, selector: BlockSelector) -> Result<Block, Stop> {
    let what = format!("the block {}", shown(&selector));
    application.block(selector).await.expected(&what)
}

fn shown(selector: &BlockSelector) -> String {
    match selector {
        BlockSelector::At(confidence) => format!("newest of the confidence {confidence:?}"),
        BlockSelector::Number(number) => number.to_string(),
        BlockSelector::Hash(hash) => hex::encode(hash),
    }
}

/// The hash that the header has by its own word.
fn hash_of(header: &HeaderPreimage, number: u64) -> Vec<u8> {
    let mut hash = berth_crypto::hash(header.hash, &header.bytes).to_vec();
    if header.number_prefix {
        let prefix = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        hash.splice(..4, prefix);
    }
    hash
}

/// A transaction of the probe's, in a block.
async fn written(trial: &mut Trial, application: &Application) -> Result<Written, Stop> {
    let actor = trial.actor(application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    application.write_well(call, &actor, options).await
}
