//! FISCO-like 3.x, after FISCO BCOS 3.16.

pub mod hashes;
pub mod merkle;
mod present;
pub mod rpc;
pub mod socket;
pub mod tars;
pub mod transaction;

use std::sync::Arc;

use alloy_primitives::B256;

use super::{Receipt, Transaction};
use crate::suite::Suite;

/// The roots over transactions and receipts of the block with this number.
pub(super) fn roots(
    suite: Suite,
    number: u64,
    transactions: &[Arc<Transaction>],
    receipts: &[Receipt],
) -> (B256, B256) {
    let transactions: Vec<B256> = transactions.iter().map(|transaction| transaction.hash).collect();
    let receipts: Vec<B256> =
        receipts.iter().map(|receipt| hashes::receipt(receipt, number, suite)).collect();
    (merkle::root(suite, &transactions), merkle::root(suite, &receipts))
}
