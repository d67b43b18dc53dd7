//! Blocks on disk: what each was made of. A node that is started again makes the same chain of it again.

use std::sync::Arc;

use super::{StartError, Transaction};

/// One group's log: by height, the block's time and its transactions as they were sent.
pub(super) struct Log(sled::Tree);

/// What a block was made of: its time in milliseconds, and its transactions.
pub(super) type Made = (u64, Vec<Vec<u8>>);

impl Log {
    pub fn open(store: &sled::Db, chain: &str) -> Result<Self, StartError> {
        Ok(Log(store.open_tree(chain)?))
    }

    /// Notes the block at this height.
    pub fn append(&self, number: u64, time: u64, transactions: &[Arc<Transaction>]) -> sled::Result<()> {
        let mut bytes = time.to_be_bytes().to_vec();
        for transaction in transactions {
            let length = u32::try_from(transaction.raw.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&transaction.raw);
        }
        self.0.insert(number.to_be_bytes(), bytes).map(drop)
    }

    /// The blocks from height 1.
    pub fn read(&self) -> Result<Vec<Made>, StartError> {
        let mut blocks = Vec::new();
        for entry in &self.0 {
            let (key, value) = entry?;
            let number = (blocks.len() as u64).saturating_add(1);
            let made = if key.iter().eq(&number.to_be_bytes()) { parse(&value) } else { None };
            blocks.push(made.ok_or(StartError::Log(number))?);
        }
        Ok(blocks)
    }
}

fn parse(bytes: &[u8]) -> Option<Made> {
    let (time, mut rest) = bytes.split_first_chunk::<8>()?;
    let mut transactions = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (transaction, tail) = tail.split_at_checked(length)?;
        transactions.push(transaction.to_vec());
        rest = tail;
    }
    rest.is_empty().then_some((u64::from_be_bytes(*time), transactions))
}
