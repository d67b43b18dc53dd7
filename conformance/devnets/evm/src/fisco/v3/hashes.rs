//! What receipts and headers hash (`bcos-tars-protocol/impl/TarsHashable.h`): fields one after the other, integers
//! big-endian, texts without their length.

use alloy_primitives::{Address, B256, Log};

use crate::{
    fisco::{Generation, Header, Receipt},
    suite::Suite,
};

/// An address as 3.x writes it into receipts: forty digits, or nothing.
#[must_use]
pub fn address_text(address: Option<Address>) -> String {
    address.map(hex::encode).unwrap_or_default()
}

/// The hash of a receipt of version 0.
#[must_use]
pub fn receipt(receipt: &Receipt, number: u64, suite: Suite) -> B256 {
    let mut bytes = 0_i32.to_be_bytes().to_vec();
    bytes.extend_from_slice(receipt.gas_used.to_string().as_bytes());
    bytes.extend_from_slice(address_text(receipt.contract).as_bytes());
    bytes.extend_from_slice(&receipt.status.code(Generation::Three).to_be_bytes());
    bytes.extend_from_slice(&receipt.output);
    for log in &receipt.logs {
        append_log(log, &mut bytes);
    }
    bytes.extend_from_slice(&number.to_be_bytes());
    suite.hash(&bytes)
}

fn append_log(log: &Log, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(address_text(Some(log.address)).as_bytes());
    for topic in log.topics() {
        bytes.extend_from_slice(topic.as_slice());
    }
    bytes.extend_from_slice(&log.data.data);
}

/// The version that headers carry: 3.16.4 as a number, a byte each.
pub const VERSION: u32 = 0x0310_0400;

/// The weight of every sealer.
pub const WEIGHT: u64 = 1;

/// The block's hash.
#[must_use]
pub fn header(header: &Header, suite: Suite) -> B256 {
    let mut bytes = VERSION.to_be_bytes().to_vec();
    if let Some(parent) = header.number.checked_sub(1) {
        bytes.extend_from_slice(&parent.to_be_bytes());
        bytes.extend_from_slice(header.parent_hash.as_slice());
    }
    // The first block is hashed before its roots and its gas are set; shown, they are zero.
    let set = header.number > 0;
    if set {
        bytes.extend_from_slice(header.transactions_root.as_slice());
        bytes.extend_from_slice(header.receipts_root.as_slice());
        bytes.extend_from_slice(header.state_root.as_slice());
    }
    bytes.extend_from_slice(&header.number.to_be_bytes());
    if set {
        bytes.extend_from_slice(header.gas_used.to_string().as_bytes());
    }
    bytes.extend_from_slice(&header.timestamp.to_be_bytes());
    bytes.extend_from_slice(&header.sealer.to_be_bytes());
    for sealer in &header.sealers {
        bytes.extend_from_slice(sealer);
    }
    bytes.extend_from_slice(&header.extra_data);
    for _ in &header.sealers {
        bytes.extend_from_slice(&WEIGHT.to_be_bytes());
    }
    suite.hash(&bytes)
}
