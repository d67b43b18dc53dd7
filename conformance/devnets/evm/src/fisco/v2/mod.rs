//! FISCO-like 2.x, after FISCO BCOS 2.9.

pub mod header;
pub mod merkle;
mod present;
pub mod receipt;
pub mod rpc;
pub mod transaction;

use std::sync::Arc;

use alloy_primitives::B256;

use super::{Receipt, Transaction};
use crate::suite::Suite;

/// The leaves over a block's transactions: RLP of the place, then the transaction's hash.
#[must_use]
pub fn transaction_leaves(transactions: &[Arc<Transaction>]) -> Vec<Vec<u8>> {
    merkle::leaves(transactions.iter().map(|transaction| transaction.hash))
}

/// The leaves over a block's receipts: RLP of the place, then the receipt's hash.
#[must_use]
pub fn receipt_leaves(suite: Suite, receipts: &[Receipt]) -> Vec<Vec<u8>> {
    merkle::leaves(receipts.iter().map(|receipt| receipt::hash(receipt, suite)))
}

/// The roots over transactions and receipts.
pub(super) fn roots(suite: Suite, transactions: &[Arc<Transaction>], receipts: &[Receipt]) -> (B256, B256) {
    let root = |leaves| merkle::root(suite, leaves);
    (root(transaction_leaves(transactions)), root(receipt_leaves(suite, receipts)))
}
