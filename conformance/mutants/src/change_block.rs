//! Changes which block is asked for, and what comes.

use adapter_spec::{
    CallError, async_trait,
    types::{Block, BlockSelector, Error},
};

use crate::{Honest, Mutation};

/// A change to `blocks.get`.
pub(crate) struct ChangeBlock {
    /// What is asked for instead.
    pub(crate) asked: fn(BlockSelector) -> BlockSelector,
    /// What comes of a block.
    pub(crate) found: fn(Block) -> Block,
    /// What is asked for after an error; none: the error stays, as changed.
    pub(crate) failed: fn(Error) -> Result<BlockSelector, Error>,
}

impl Default for ChangeBlock {
    fn default() -> Self {
        ChangeBlock { asked: |selector| selector, found: |block| block, failed: Err }
    }
}

#[async_trait]
impl Mutation for ChangeBlock {
    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        let found = match honest.ledger.block((self.asked)(selector)).await {
            Err(CallError::Answered(error)) => match (self.failed)(error) {
                Ok(instead) => honest.ledger.block(instead).await,
                Err(error) => Err(CallError::Answered(error)),
            },
            found => found,
        };
        found.map(self.found)
    }
}
