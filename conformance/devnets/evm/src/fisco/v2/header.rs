//! Block headers (`libethcore/BlockHeader.cpp`).

use alloy_primitives::{B256, Bloom};
use alloy_rlp::Encodable as _;

use super::merkle::{list, string};
use crate::{fisco::Header, suite::Suite};

/// The header's RLP: parent hash, state root, transactions root, receipts root, database hash, bloom (empty), number, gas
/// limit and gas used (both 0), time, extra data as a list, the sealer's place, the sealers.
#[must_use]
pub fn encode(header: &Header) -> Vec<u8> {
    let mut items = Vec::new();
    for hash in [
        &header.parent_hash,
        &header.state_root,
        &header.transactions_root,
        &header.receipts_root,
        &header.db_hash,
    ] {
        hash.encode(&mut items);
    }
    Bloom::ZERO.encode(&mut items);
    header.number.encode(&mut items);
    0_u64.encode(&mut items);
    0_u64.encode(&mut items);
    header.timestamp.encode(&mut items);
    let mut extra = Vec::new();
    if !header.extra_data.is_empty() {
        string(&header.extra_data, &mut extra);
    }
    items.extend(list(&extra));
    header.sealer.encode(&mut items);
    let mut sealers = Vec::new();
    for sealer in &header.sealers {
        string(sealer, &mut sealers);
    }
    items.extend(list(&sealers));
    list(&items)
}

/// The block's hash: that of the header's RLP.
#[must_use]
pub fn hash(header: &Header, suite: Suite) -> B256 {
    suite.hash(&encode(header))
}
