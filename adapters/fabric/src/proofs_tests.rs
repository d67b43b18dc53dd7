//! Proofs of a real network's transactions.

use adapter_sdk::types::{Claim, ErrorCode, Proof};
use berth_crypto::NothingLent;
use prost::Message as _;

use super::{Bytes, verify};
use crate::{
    block::{
        self, Block,
        tests::{channel, recorded},
    },
    proto::common::{BlockData, Metadata},
};

/// That the one transaction of a recorded block is included.
fn included(number: usize) -> Proof {
    let block = Block::decode(&NothingLent, &recorded()[number].0).unwrap();
    let signed = block.signatures().unwrap();
    let millis = block.millis().unwrap();
    let bytes = Bytes {
        version: 1,
        signed: block::quorum(&NothingLent, &channel(), &block.header_der, &signed, millis),
        header: Some(block.header),
        data: Some(BlockData { data: block.data }),
        statements: Vec::new(),
    };
    let id = block.entries[0].id.clone();
    Proof { claim: Claim::Included(id), block: block.reference, bytes: bytes.encode_to_vec() }
}

fn anchor() -> Vec<u8> {
    recorded()[0].0.clone()
}

fn refused(proof: &Proof) {
    assert_eq!(verify(&NothingLent, &anchor(), proof).unwrap_err().code, ErrorCode::CorruptResponse);
}

#[test]
fn a_real_block_proves_that_its_transaction_is_included_and_not_that_it_succeeded() {
    for number in 1..10 {
        let proof = included(number);
        verify(&NothingLent, &anchor(), &proof).unwrap();
        let Claim::Included(id) = proof.claim.clone() else { unreachable!() };
        refused(&Proof { claim: Claim::Succeeded(id), ..proof.clone() });
        refused(&Proof { claim: included(number % 9 + 1).claim, ..included(number.max(2) - 1) });
    }
    let other = verify(&NothingLent, &recorded()[1].0, &included(1)).unwrap_err();
    assert_eq!(other.code, ErrorCode::InvalidArgument);
}

#[test]
fn no_byte_of_a_proof_is_without_meaning() {
    let proof = included(4);
    for at in 0..proof.bytes.len() {
        let mut bytes = proof.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        refused(&Proof { bytes, ..proof.clone() });
    }
}

#[test]
fn a_proof_without_a_quorum_or_with_more_than_one_is_refused() {
    let proof = included(2);
    let with = |change: &dyn Fn(&mut Metadata)| {
        let mut bytes = Bytes::decode(proof.bytes.as_slice()).unwrap();
        change(bytes.signed.as_mut().unwrap());
        refused(&Proof { bytes: bytes.encode_to_vec(), ..proof.clone() });
    };
    with(&|signed| signed.signatures.clear());
    with(&|signed| {
        let twice = signed.signatures[0].clone();
        signed.signatures.push(twice);
    });
}

/// The file that the suite's test bed takes its proofs from.
const MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/proofs.json");

/// Where the suite's proofs that were made beforehand come from: blocks of a real network. `BLESS=1` writes them anew.
#[test]
fn the_test_beds_proofs_are_of_the_recorded_blocks() {
    let proof = included(2);
    let mut unsigned = Bytes::decode(proof.bytes.as_slice()).unwrap();
    unsigned.signed.as_mut().unwrap().signatures.clear();
    let Claim::Included(transaction) = &proof.claim else { unreachable!() };
    let of = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    let made = serde_json::json!({
        "anchor": of(&anchor()),
        "transaction": transaction,
        "hash": of(&proof.block.hash),
        "included": of(&proof.bytes),
        "unsigned": of(&unsigned.encode_to_vec()),
    });
    let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(MADE, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(MADE).unwrap(), made, "BLESS=1 writes {MADE} anew");
}
