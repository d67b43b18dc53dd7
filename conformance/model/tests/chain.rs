//! Blocks, events and receipts while the chain changes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers test functions only"
)]

mod support;

use adapter_spec::{Adapter as _, types::*};
use berth_model::{MAIN_SPACE, native};
use support::*;

fn filter(contract: Option<&str>, confidence: Confidence) -> EventFilter {
    EventFilter { contract: contract.map(Into::into), name: None, abi: None, confidence }
}

fn add(probe: &str, amount: i128) -> Call {
    invoke(probe, "add(integer)", vec![integer(amount)])
}

async fn page(bed: &Bed, filter: &EventFilter, start: EventStart, limit: u32) -> EventPage {
    bed.ledger.events(filter.clone(), start, limit, 1 << 20).await.unwrap()
}

fn jsons(page: &EventPage) -> Vec<(String, bool)> {
    page.events.iter().map(|event| (event.json.clone().unwrap(), event.retracted)).collect()
}

#[tokio::test]
async fn blocks_link_and_their_bytes_hash_to_their_ids() {
    let bed = bed().await;
    bed.deploy(b"probe").await;
    bed.mine(2);
    let head = bed.ledger.status().await.unwrap().head;
    let mut parent = Vec::new();
    for number in 0..=head.number {
        let block = bed.ledger.block(BlockSelector::Number(number)).await.unwrap();
        let header = block.header.clone().unwrap();
        assert_eq!(berth_crypto::hash(header.hash, &header.bytes).to_vec(), block.reference.hash);
        assert_eq!((block.reference.number, &block.parent), (number, &parent));
        let again = bed.ledger.block(BlockSelector::Hash(block.reference.hash.clone())).await.unwrap();
        assert_eq!(again, block);
        parent = block.reference.hash;
    }
    let code = async |selector| answered(bed.ledger.block(selector).await).code;
    assert_eq!(code(BlockSelector::Number(head.number + 1)).await, ErrorCode::OutOfRange);
    assert_eq!(code(BlockSelector::Hash(vec![9; 32])).await, ErrorCode::NotFound);
    assert_eq!(code(BlockSelector::Hash(vec![9; 31])).await, ErrorCode::InvalidArgument);
    bed.node.prune(MAIN_SPACE, 2);
    assert_eq!(code(BlockSelector::Number(1)).await, ErrorCode::Pruned);
    assert!(bed.ledger.block(BlockSelector::Number(2)).await.is_ok());
}

#[tokio::test]
async fn status_has_head_and_final_block() {
    let bed = bed().await;
    bed.mine(5);
    let status = bed.ledger.status().await.unwrap();
    assert_eq!(status.head.number - status.finalized.number, 2);
    assert!(status.synced);
    assert_eq!(status.peers, 3);
    bed.node.set_syncing(true);
    assert!(!bed.ledger.status().await.unwrap().synced);
}

#[tokio::test]
async fn a_receipt_from_a_block_that_left_the_chain_is_withdrawn() {
    for keep in [true, false] {
        let bed = bed().await;
        let probe = bed.deploy(b"probe").await;
        bed.mine(3);
        let envelope = bed.sign(bed.begin(add(&probe, 1)).await.unwrap()).await.unwrap();
        bed.send(&envelope).await.unwrap();
        let before = bed.receipt(&envelope).await;
        bed.node.reorganise(MAIN_SPACE, 2, keep);
        let now = bed.receipt(&envelope).await.inclusion;
        assert_eq!(now, if keep { Inclusion::Pending } else { Inclusion::Unknown });
        // The very same bytes are sent again, as after a crash.
        bed.send(&envelope).await.unwrap();
        bed.mine(1);
        let after = bed.receipt(&envelope).await;
        assert!(matches!(after.inclusion, Inclusion::Included(_)));
        assert_ne!(before.block, after.block);
        assert_eq!(bed.count(&probe).await, "1");
    }
}

#[tokio::test]
async fn events_of_a_receipt_are_those_that_are_read() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let receipt = bed.write(add(&probe, 4)).await;
    let read = page(&bed, &filter(None, Confidence::Latest), EventStart::Earliest, 10).await;
    assert_eq!(read.events, receipt.events);
    assert!(read.events[0].id.starts_with(&hex::encode(&receipt.block.unwrap().hash)));
}

#[tokio::test]
async fn pages_are_bounded_and_go_on_inside_a_block() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    bed.write(invoke(&probe, "announce-many(integer,integer)", vec![integer(7), integer(100)])).await;
    let all = filter(None, Confidence::Latest);
    let mut start = EventStart::Earliest;
    let mut given = Vec::new();
    loop {
        let read = bed.ledger.events(all.clone(), start, 3, 210).await.unwrap();
        assert!(read.events.len() <= 2 && read.cursor.len() <= 16 * 1024);
        if read.events.is_empty() {
            assert_eq!(read.scanned, bed.node.head(MAIN_SPACE));
            break;
        }
        given.extend(read.events.into_iter().map(|event| event.index));
        start = EventStart::Cursor(read.cursor);
    }
    assert_eq!(given, [0, 1, 2, 3, 4, 5, 6]);
    let large = bed.ledger.events(all.clone(), EventStart::Earliest, 3, 1).await.unwrap();
    assert_eq!(large.events.len(), 1);
    let error = answered(bed.ledger.events(all, EventStart::Earliest, 0, 1).await);
    assert_eq!(error.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn filters_match_exactly_and_bind_their_cursors() {
    let bed = bed().await;
    let (one, two) = (bed.deploy(b"probe").await, bed.deploy(b"probe").await);
    bed.write(add(&one, 1)).await;
    bed.write(add(&two, 2)).await;
    bed.write(invoke(&one, "announce(text,bytes)", vec![text("Odd"), Value::Bytes(vec![9])])).await;
    let of_one = filter(Some(&one), Confidence::Latest);
    let read = page(&bed, &of_one, EventStart::Earliest, 10).await;
    assert_eq!(read.events.len(), 2);
    assert_eq!((read.events[1].json.as_deref(), read.events[1].payload.as_slice()), (None, &[9][..]));
    let named = EventFilter { name: Some("Odd".into()), ..of_one };
    assert_eq!(page(&bed, &named, EventStart::Earliest, 10).await.events.len(), 1);
    let other = answered(bed.ledger.events(named, EventStart::Cursor(read.cursor), 10, 10).await);
    assert_eq!(other.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn starts_mean_what_they_say() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let first = bed.write(add(&probe, 1)).await.block.unwrap().number;
    bed.mine(3);
    let all = filter(None, Confidence::Latest);
    let latest = page(&bed, &all, EventStart::Latest, 10).await;
    assert!(latest.events.is_empty());
    bed.write(add(&probe, 2)).await;
    let come = page(&bed, &all, EventStart::Cursor(latest.cursor), 10).await;
    assert_eq!(jsons(&come), [("2".into(), false)]);
    assert_eq!(page(&bed, &all, EventStart::Block(first), 10).await.events.len(), 2);
    assert_eq!(page(&bed, &all, EventStart::Block(first + 1), 10).await.events.len(), 1);
    let future = answered(bed.ledger.events(all.clone(), EventStart::Block(1000), 1, 1).await);
    assert_eq!((future.code, future.retryable), (ErrorCode::OutOfRange, true));
    let safe = page(&bed, &filter(None, Confidence::Safe), EventStart::Block(first + 1), 10).await;
    assert!(safe.events.is_empty());
    bed.node.prune(MAIN_SPACE, 2);
    let pruned = answered(bed.ledger.events(all, EventStart::Earliest, 1, 1).await);
    assert_eq!(pruned.code, ErrorCode::Pruned);
}

#[tokio::test]
async fn events_of_blocks_that_left_the_chain_are_taken_back_before_others_come() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    for amount in 1..=4 {
        bed.write(add(&probe, amount)).await;
    }
    let all = filter(None, Confidence::Latest);
    let read = page(&bed, &all, EventStart::Earliest, 3).await;
    assert_eq!(jsons(&read), [("1".into(), false), ("2".into(), false), ("3".into(), false)]);
    bed.node.reorganise(MAIN_SPACE, 3, true);
    bed.mine(1);
    let mut cursor = read.cursor;
    let mut given = Vec::new();
    loop {
        let next = page(&bed, &all, EventStart::Cursor(cursor), 1).await;
        if next.events.is_empty() {
            break;
        }
        given.extend(next.events);
        cursor = next.cursor;
    }
    let shown: Vec<_> = given.iter().map(|event| (event.json.as_deref().unwrap(), event.retracted)).collect();
    assert_eq!(shown, [("3", true), ("2", true), ("2", false), ("3", false), ("4", false)]);
    assert_eq!(given[0], Event { retracted: true, ..read.events[2].clone() });
    assert_eq!(given[1], Event { retracted: true, ..read.events[1].clone() });
}

#[tokio::test]
async fn deep_reorganisations_are_undone_or_said_and_final_events_stay() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    bed.write(add(&probe, 1)).await;
    bed.mine(200);
    let all = filter(None, Confidence::Latest);
    let last = filter(None, Confidence::Final);
    let mut cursors = Vec::new();
    for wanted in [&all, &last] {
        let mut read = page(&bed, wanted, EventStart::Earliest, 10).await;
        assert_eq!(read.events.len(), 1);
        while read.scanned + 2 < bed.node.head(MAIN_SPACE) {
            read = page(&bed, wanted, EventStart::Cursor(read.cursor), 10).await;
        }
        cursors.push(read.cursor);
    }
    bed.node.reorganise(MAIN_SPACE, 201, true);
    let mut retracted = 0;
    let mut cursor = cursors[0].clone();
    for _ in 0..10 {
        let read = page(&bed, &all, EventStart::Cursor(cursor), 10).await;
        retracted += read.events.iter().filter(|event| event.retracted).count();
        cursor = read.cursor;
    }
    assert_eq!(retracted, 1);
    let final_changed = bed.ledger.events(last, EventStart::Cursor(cursors[1].clone()), 10, 10).await;
    assert_eq!(answered(final_changed).code, ErrorCode::Pruned);
    bed.node.forget_orphans(MAIN_SPACE);
    let forgotten = bed.ledger.events(all, EventStart::Cursor(cursors[0].clone()), 10, 10).await;
    assert_eq!(answered(forgotten).code, ErrorCode::Pruned);
}

#[tokio::test]
async fn spaces_are_apart() {
    let bed = bed().await;
    let settings = r#"{"chain": "model", "space": "other"}"#;
    let ledger = native().open(bed.lender.lend(), settings).await.unwrap();
    let other = Bed { node: bed.node.clone(), lender: bed.lender.clone(), ledger, key: p256(7) };
    let probe = bed.deploy(b"probe").await;
    bed.write(add(&probe, 1)).await;
    let count = other.read(evaluate(&probe, "count()", vec![])).await.unwrap_err();
    assert_eq!(count.code, ErrorCode::NotFound);
    let all = filter(None, Confidence::Latest);
    let read = page(&bed, &all, EventStart::Earliest, 10).await;
    assert!(page(&other, &all, EventStart::Earliest, 10).await.events.is_empty());
    let cursor = EventStart::Cursor(read.cursor);
    assert_eq!(answered(other.ledger.events(all, cursor, 10, 10).await).code, ErrorCode::InvalidArgument);
    let head = bed.ledger.status().await.unwrap().head;
    let block = other.ledger.block(BlockSelector::Hash(head.hash)).await;
    assert_eq!(answered(block).code, ErrorCode::NotFound);
}
