//! Blocks on disk. The state is made again from them when a channel is opened.

use std::{collections::BTreeMap, path::Path};

use prost::Message as _;

use super::BlockEntry;
use crate::{
    error::NetworkError,
    proto::{common::Block, ledger::TxPvtReadWriteSet},
};

/// The blocks of one channel, by number, big-endian, and the private data of their transactions.
pub struct Store {
    folder: std::path::PathBuf,
    database: sled::Db,
    blocks: sled::Tree,
    private: sled::Tree,
}

impl Store {
    /// Opens the folder of a channel.
    pub fn open(folder: &Path, channel: &str) -> Result<Store, NetworkError> {
        let folder = folder.join(channel);
        let failed =
            |error: sled::Error| NetworkError::Store { folder: folder.clone(), reason: error.to_string() };
        let database = sled::open(&folder).map_err(failed)?;
        let blocks = database.open_tree("blocks").map_err(failed)?;
        let private = database.open_tree("private").map_err(failed)?;
        Ok(Store { blocks, private, database, folder })
    }

    fn failed(&self, reason: impl ToString) -> NetworkError {
        NetworkError::Store { folder: self.folder.clone(), reason: reason.to_string() }
    }

    /// Keeps a block; it is on disk when this returns.
    pub fn append(&self, entry: &BlockEntry) -> Result<(), NetworkError> {
        for (place, data) in &entry.private {
            let key = [entry.number.to_be_bytes(), place.to_be_bytes()].concat();
            self.private.insert(key, data.encode_to_vec()).map_err(|error| self.failed(error))?;
        }
        let key = entry.number.to_be_bytes();
        self.blocks.insert(key, entry.block.encode_to_vec()).map_err(|error| self.failed(error))?;
        self.database.flush().map(drop).map_err(|error| self.failed(error))
    }

    /// All blocks in order, each with the private data of its transactions by their places.
    pub fn blocks(
        &self,
    ) -> impl Iterator<Item = Result<(Block, BTreeMap<u64, TxPvtReadWriteSet>), NetworkError>> {
        self.blocks.iter().map(|found| {
            let (number, bytes) = found.map_err(|error| self.failed(error))?;
            let block = Block::decode(bytes.as_ref()).map_err(|error| self.failed(error))?;
            let mut private = BTreeMap::new();
            for found in self.private.scan_prefix(&number) {
                let (key, bytes) = found.map_err(|error| self.failed(error))?;
                let place = key.last_chunk::<8>().ok_or_else(|| self.failed("a key is too short"))?;
                let data = TxPvtReadWriteSet::decode(bytes.as_ref()).map_err(|error| self.failed(error))?;
                private.insert(u64::from_be_bytes(*place), data);
            }
            Ok((block, private))
        })
    }
}
