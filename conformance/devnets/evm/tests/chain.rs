//! What a chain of either generation and either cryptography does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod support;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{B256, I256, U256, address};
use berth_devnet_evm::{
    encoding::parse_data,
    fisco::{FiscoConfig, FiscoNode, Generation, v2, v3},
    suite::Suite,
};
use serde_json::{Value, json};
use support::{Bed, ECHO, created, texts};

const ALL: [(Generation, Suite); 4] = [
    (Generation::Two, Suite::Standard),
    (Generation::Two, Suite::Sm),
    (Generation::Three, Suite::Standard),
    (Generation::Three, Suite::Sm),
];

fn code() -> Vec<u8> {
    hex::decode(ECHO).unwrap()
}

fn status(receipt: &Value) -> String {
    receipt["status"].to_string().replace('"', "")
}

#[tokio::test]
async fn a_contract_is_created_called_and_read() {
    for (generation, suite) in ALL {
        let bed = Bed::new(generation, suite);
        let receipt = bed.send(None, &code()).await;
        assert!(matches!(status(&receipt).as_str(), "0" | "0x0"), "{generation:?} {suite:?}: {receipt}");
        let contract = created(&receipt);
        let word = [9_u8; 32];
        let receipt = bed.send(Some(contract), &word).await;
        let logs = receipt.get("logs").or_else(|| receipt.get("logEntries")).unwrap();
        assert_eq!(logs[0]["data"], format!("0x{}", hex::encode(word)));
        assert_eq!(receipt["from"], format!("0x{}", hex::encode(bed.account())));
        assert_eq!(bed.call(contract, &word).await, word);
        assert_eq!(bed.height(), 2);
    }
}

#[tokio::test]
async fn a_quorum_of_sealers_signs_the_hash_that_the_header_has() {
    for (generation, suite) in ALL {
        let bed = Bed::new(generation, suite);
        bed.send(None, &code()).await;
        let group = bed.node.group(bed.group()).unwrap();
        let block = group.block(1).unwrap();
        assert_eq!(block.header.hash(generation, suite), block.hash);
        // Four sealers, of whom one may be faulty.
        assert_eq!(block.signatures().len(), 3);
        for (place, signature) in block.signatures() {
            let sealer = &block.header.sealers[usize::try_from(*place).unwrap()];
            match suite {
                Suite::Standard => {
                    let signature = signature.as_slice().try_into().unwrap();
                    assert_eq!(&suite.recover(&block.hash, &signature).unwrap().to_vec(), sealer);
                }
                Suite::Sm => {
                    let (signature, key) = signature.split_at(64);
                    assert_eq!(key, sealer);
                    let (key, signature) = (key.try_into().unwrap(), signature.try_into().unwrap());
                    assert!(suite.verify_sm2(&key, &block.hash, &signature));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_transaction_does_not_come_twice() {
    for (generation, suite) in ALL {
        let bed = Bed::new(generation, suite);
        let raw = format!("0x{}", hex::encode(bed.transaction(None, &code())));
        let (method, params) = match generation {
            Generation::Two => ("sendRawTransaction", json!([1, raw])),
            Generation::Three => ("sendTransaction", json!(["group0", "", raw, false])),
        };
        bed.result(method, params.clone()).await;
        let (number, text) = bed.error(method, params).await;
        match generation {
            Generation::Two => {
                assert!(number == -32603 && text.contains("TransactionNonceCheckFail"), "{text}")
            }
            Generation::Three => assert_eq!((number, text.as_str()), (10000, "NonceCheckFail")),
        }
        assert_eq!(bed.height(), 1);
    }
}

#[tokio::test]
async fn only_creations_advance_an_accounts_nonce_in_2x() {
    let bed = Bed::new(Generation::Two, Suite::Standard);
    let first = created(&bed.send(None, &code()).await);
    bed.send(Some(first), &[0; 32]).await;
    let second = created(&bed.send(None, &code()).await);
    assert_eq!(first, bed.account().create(0));
    assert_eq!(second, bed.account().create(1));
}

#[tokio::test]
async fn the_hash_of_a_contracts_program_is_the_chains() {
    // CALLDATALOAD 0, MSTORE 0, KECCAK256(0, 32), MSTORE 0, RETURN(0, 32).
    let run = hex::decode("600035600052602060002060005260206000f3").unwrap();
    let mut creation =
        hex::decode(format!("60{:02x}600c60003960{:02x}6000f3", run.len(), run.len())).unwrap();
    creation.extend(&run);
    for (generation, suite) in ALL {
        let bed = Bed::new(generation, suite);
        let contract = created(&bed.send(None, &creation).await);
        assert_eq!(bed.call(contract, &[5; 32]).await, suite.hash(&[5; 32]).to_vec());
    }
}

#[tokio::test]
async fn push0_is_no_instruction() {
    for (generation, suite) in ALL {
        let bed = Bed::new(generation, suite);
        let receipt = bed.send(None, &[0x5f, 0x5f, 0xf3]).await;
        assert!(matches!(status(&receipt).as_str(), "10" | "0xa"), "{receipt}");
    }
}

#[tokio::test]
async fn proofs_lead_to_the_headers_roots() {
    for (generation, suite) in ALL {
        let bed = Bed::new(generation, suite);
        bed.node.group(bed.group()).unwrap().hold();
        let raws: Vec<_> = (0..20).map(|_| bed.transaction(None, &code())).collect();
        {
            let mut group = bed.node.group(bed.group()).unwrap();
            for raw in &raws {
                let transaction = match generation {
                    Generation::Two => v2::transaction::decode(raw, suite).unwrap(),
                    Generation::Three => v3::transaction::decode(raw, suite).unwrap(),
                };
                group.submit(transaction).unwrap();
            }
            group.release();
        }
        assert_eq!(bed.height(), 1);
        let group = bed.node.group(bed.group()).unwrap();
        let block = group.block(1).unwrap();
        for index in 0..20 {
            match generation {
                Generation::Two => {
                    let leaves = v2::transaction_leaves(&block.transactions);
                    let steps = v2::merkle::proof(suite, leaves.clone(), index);
                    assert_eq!(
                        v2::merkle::climb(suite, &leaves[index], &steps),
                        block.header.transactions_root
                    );
                    let leaves = v2::receipt_leaves(suite, &block.receipts);
                    let steps = v2::merkle::proof(suite, leaves.clone(), index);
                    assert_eq!(v2::merkle::climb(suite, &leaves[index], &steps), block.header.receipts_root);
                }
                Generation::Three => {
                    let hashes: Vec<B256> = block.transactions.iter().map(|one| one.hash).collect();
                    let proof = v3::merkle::proof(suite, &hashes, index);
                    assert_eq!(climb_three(suite, hashes[index], &proof), block.header.transactions_root);
                }
            }
        }
    }
}

/// Climbs a 3.x proof as its clients do: a count, then that many hashes, of which one is the node below.
fn climb_three(suite: Suite, leaf: B256, proof: &[Vec<u8>]) -> B256 {
    let mut node = leaf;
    let mut rest = proof;
    while let [count, tail @ ..] = rest {
        let count = usize::try_from(u32::from_be_bytes(count.as_slice().try_into().unwrap())).unwrap();
        let (pair, tail) = tail.split_at(count);
        assert!(pair.contains(&node.to_vec()));
        node = suite.hash(&pair.concat());
        rest = tail;
    }
    node
}

#[tokio::test]
async fn sending_in_3x_waits_for_the_block() {
    let bed = Bed::new(Generation::Three, Suite::Standard);
    bed.node.group("group0").unwrap().hold();
    let node = bed.node.clone();
    let code = code();
    let (receipt, ()) = tokio::join!(bed.send(None, &code), async move {
        while node.group("group0").unwrap().pool().is_empty() {
            tokio::task::yield_now().await;
        }
        node.group("group0").unwrap().release();
    });
    assert_eq!(receipt["blockNumber"], 1);
}

#[tokio::test]
async fn what_3x_refuses_has_its_codes() {
    let bed = Bed::new(Generation::Three, Suite::Standard);
    let send = async |raw: Vec<u8>| {
        bed.error("sendTransaction", json!(["group0", "", format!("0x{}", hex::encode(raw)), false])).await
    };
    let with = |change: &dyn Fn(&mut v3::transaction::Fields)| {
        let mut fields = bed.fields(None, &code());
        change(&mut fields);
        bed.three(fields)
    };
    assert_eq!(send(with(&|fields| fields.block_limit = 0)).await.0, 10001);
    assert_eq!(send(with(&|fields| fields.block_limit = 1001)).await.0, 10001);
    assert_eq!(send(with(&|fields| fields.group_id = "group1".into())).await.0, 10007);
    assert_eq!(
        send(with(&|fields| fields.chain_id = "other".into())).await,
        (-1, "Chain ID mismatch!".into())
    );
    // The input is another one than was hashed and signed.
    let mut broken = with(&|_| {});
    let place = broken.windows(4).position(|four| *four == code()[..4]).unwrap();
    broken[place] ^= 1;
    assert_eq!(send(broken).await, (10008, "InvalidSignature".into()));
    let sm = Bed::new(Generation::Three, Suite::Sm);
    assert_eq!(send(sm.transaction(None, &code())).await.0, 10008);
    assert_eq!(bed.error("getBlockNumber", json!(["nothing", ""])).await.0, -32000);
    assert_eq!(bed.height(), 0);
}

#[test]
fn a_published_transaction_of_3x_has_its_published_hash() {
    // bcos-sdk/tests/unittests/tx/TransactionTest.cpp, test_transaction: set(string,string,string) with three texts.
    let mut input = hex::decode("2fe99bdc").unwrap();
    input.extend(texts(&["test1", "test2", "test3"]));
    let fields = v3::transaction::Fields {
        chain_id: "chain0".into(),
        group_id: "group0".into(),
        block_limit: 501,
        nonce: "82456994196425209985513938878262806289094428076435270713862099506789849517246".into(),
        to: "0x6849f21d1e455e9f0712b1e99fa4fcd23758e8f1".into(),
        input,
        ..Default::default()
    };
    assert_eq!(
        hex::encode(fields.hash(Suite::Standard)),
        "0359a5588c5e9c9dcfd2f4ece850d6f4c41bc88e2c27cc051890f26ef0ef118f"
    );
}

#[tokio::test]
async fn contracts_have_names() {
    let contract = "0x0102e8b6fc8cdf9626fddc1c3ea8c1e79b3fce94";
    for suite in [Suite::Standard, Suite::Sm] {
        let bed = Bed::new(Generation::Two, suite);
        let cns = address!("0000000000000000000000000000000000001004");
        let mut insert = bed.selector("insert(string,string,string,string)");
        insert.extend(texts(&["store", "1", contract, "[]"]));
        bed.send(Some(cns), &insert).await;
        let mut get = bed.selector("getContractAddress(string,string)");
        get.extend(texts(&["store", "1"]));
        assert_eq!(hex::encode(&bed.call(cns, &get).await[12..]), contract[2..]);
        let again = bed.send(Some(cns), &insert).await;
        let output = parse_data(again["output"].as_str().unwrap()).unwrap();
        let code = U256::from_be_slice(&output);
        assert_eq!(code, U256::ZERO.wrapping_sub(U256::from(51200)));

        let bed = Bed::new(Generation::Three, suite);
        let bfs = address!("000000000000000000000000000000000000100e");
        let mut link = bed.selector("link(string,string,string,string)");
        link.extend(texts(&["store", "1", contract, "[]"]));
        bed.send(Some(bfs), &link).await;
        let mut read = bed.selector("readlink(string)");
        read.extend(texts(&["/apps/store/1"]));
        assert_eq!(hex::encode(&bed.call(bfs, &read).await[12..]), contract[2..]);
    }
}

#[tokio::test]
async fn a_sealer_becomes_an_observer_with_the_next_block() {
    for (generation, suite) in ALL {
        let bed = Bed::new(generation, suite);
        let contract = address!("0000000000000000000000000000000000001003");
        let id = hex::encode(&bed.node.group(bed.group()).unwrap().sealer_ids()[1]);
        let mut call = bed.selector("addObserver(string)");
        call.extend(texts(&[&id]));
        bed.send(Some(contract), &call).await;
        bed.node.group(bed.group()).unwrap().advance(1);
        let node = bed.node.clone();
        let group = node.group(bed.group()).unwrap();
        assert_eq!(group.block(1).unwrap().header.sealers.len(), 4);
        let block = group.block(2).unwrap();
        assert_eq!((block.header.sealers.len(), block.signatures().len()), (3, 3));
        assert_eq!(group.observer_ids().len(), 1);
    }
}

#[tokio::test]
async fn what_a_group_of_3x_says_of_its_nodes_follows_what_they_do() {
    let bed = Bed::new(Generation::Three, Suite::Standard);
    let contract = address!("0000000000000000000000000000000000001003");
    let order = async |signature: &str, id: &str| {
        let mut call = bed.selector(signature);
        call.extend(match signature {
            "addSealer(string,uint256)" => DynSolValue::Tuple(vec![
                DynSolValue::String(id.into()),
                DynSolValue::Uint(U256::from(1), 256),
            ])
            .abi_encode_params(),
            _ => texts(&[id]),
        });
        let receipt = bed.send(Some(contract), &call).await;
        I256::from_be_bytes::<32>(
            hex::decode(&receipt["output"].as_str().unwrap()[2..]).unwrap().try_into().unwrap(),
        )
        .as_i64()
    };
    let status = async |method: &str| -> Value {
        let text = bed.result(method, json!(["group0", ""])).await;
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    };
    let ids: Vec<String> = bed.node.group("group0").unwrap().node_ids().iter().map(hex::encode).collect();
    let own = ids[0].as_str();

    assert_eq!(order("addObserver(string)", own).await, 0);
    assert_eq!(bed.result("getObserverList", json!(["group0", ""])).await, json!([own]));
    let consensus = status("getConsensusStatus").await;
    assert_eq!((&consensus["nodeID"], &consensus["isConsensusNode"]), (&json!(own), &json!(false)));
    // The others are its peers still, and it is still the node that is asked.
    let sync = status("getSyncStatus").await;
    assert_eq!((&sync["nodeID"], sync["peers"].as_array().unwrap().len()), (&json!(own), 3));
    assert_eq!(bed.result("getGroupNodeInfo", json!(["group0", "node0"])).await["nodeID"], own);
    assert_eq!(order("addSealer(string,uint256)", own).await, 0);

    // A node that was removed is of the group's network still; it comes back as an observer first.
    assert_eq!(order("remove(string)", &ids[3]).await, 0);
    assert_eq!(order("remove(string)", &ids[3]).await, -51103);
    assert_eq!(order("addSealer(string,uint256)", &ids[3]).await, -51104);
    assert_eq!(status("getSyncStatus").await["peers"].as_array().unwrap().len(), 2);
    assert_eq!(bed.result("getGroupPeers", json!(["group0", ""])).await, json!(ids));
    assert_eq!(order("addObserver(string)", &ids[3]).await, 0);
    assert_eq!(order("addSealer(string,uint256)", &ids[3]).await, 0);
    assert_eq!(status("getConsensusStatus").await["consensusNodesNum"], 4);
}

#[tokio::test]
async fn groups_are_chains_of_their_own() {
    let mut config = FiscoConfig::new(Generation::Two, Suite::Standard);
    config.groups = vec!["1".into(), "2".into()];
    let bed = Bed::with(config);
    bed.send(None, &code()).await;
    assert_eq!(bed.result("getGroupList", json!([])).await, json!([1, 2]));
    assert_eq!(bed.result("getBlockNumber", json!([1])).await, "0x1");
    assert_eq!(bed.result("getBlockNumber", json!([2])).await, "0x0");
}

#[tokio::test]
async fn a_transaction_that_waits_too_long_is_dropped() {
    let bed = Bed::new(Generation::Two, Suite::Standard);
    bed.node.group("1").unwrap().hold();
    let raw = bed.two(None, &code(), 2);
    let transaction = v2::transaction::decode(&raw, Suite::Standard).unwrap();
    let hash = bed.node.group("1").unwrap().submit(transaction).unwrap();
    let later = bed.two(None, &code(), 500);
    let later = v2::transaction::decode(&later, Suite::Standard).unwrap();
    let node = bed.node.clone();
    let mut group = node.group("1").unwrap();
    // Blocks that others made.
    group.make_empty(2);
    let later = group.submit(later).unwrap();
    group.release();
    assert!(group.place(&hash).is_none() && !group.waits(&hash));
    assert!(group.place(&later).is_some());
}

#[tokio::test]
async fn pruned_blocks_are_gone_and_come_back() {
    let bed = Bed::new(Generation::Two, Suite::Standard);
    bed.node.group("1").unwrap().advance(5);
    bed.node.group("1").unwrap().prune(3);
    assert_eq!(bed.error("getBlockByNumber", json!([1, "0x2", false])).await.0, -40004);
    bed.result("getBlockByNumber", json!([1, "0x3", false])).await;
    bed.node.group("1").unwrap().prune(0);
    bed.result("getBlockByNumber", json!([1, "0x2", false])).await;
}

#[tokio::test]
async fn a_node_that_is_started_again_has_its_chain_on_disk() {
    for (generation, suite) in ALL {
        let folder = tempfile::tempdir().unwrap();
        let mut config = FiscoConfig::new(generation, suite);
        config.folder = Some(folder.path().into());
        let bed = Bed::with(config.clone());
        let contract = created(&bed.send(None, &code()).await);
        bed.node.group(bed.group()).unwrap().advance(2);
        let hash = |bed: &Bed| bed.node.group(bed.group()).unwrap().block(3).unwrap().hash;
        let before = hash(&bed);
        drop(bed);
        let bed = Bed::with(config.clone());
        assert_eq!((bed.height(), hash(&bed)), (3, before));
        assert_eq!(bed.call(contract, &[4; 32]).await, [4; 32]);
        drop(bed);
        config.suite = if suite == Suite::Sm { Suite::Standard } else { Suite::Sm };
        assert!(FiscoNode::new(config).is_err());
    }
}

#[test]
fn the_groups_of_2x_have_numbers() {
    let mut config = FiscoConfig::new(Generation::Two, Suite::Standard);
    config.groups = vec!["group0".into()];
    assert!(FiscoNode::new(config).is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_the_decoders(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        for suite in [Suite::Standard, Suite::Sm] {
            let _ = v2::transaction::decode(&bytes, suite);
            let _ = v3::transaction::decode(&bytes, suite);
        }
    }

    #[test]
    fn no_change_of_a_transaction_keeps_its_sender_and_its_hash(place in 0_usize..400, bit in 0_u8..8) {
        for (generation, suite) in [(Generation::Two, Suite::Standard), (Generation::Three, Suite::Sm)] {
            let bed = Bed::new(generation, suite);
            let mut raw = bed.transaction(None, &code());
            let decode = |raw: &[u8]| match generation {
                Generation::Two => v2::transaction::decode(raw, suite).ok(),
                Generation::Three => v3::transaction::decode(raw, suite).ok(),
            };
            let good = decode(&raw).unwrap();
            let place = place % raw.len();
            raw[place] ^= 1 << bit;
            if let Some(changed) = decode(&raw) {
                // What is not signed may change: the attribute and the extra data of 3.x.
                proptest::prop_assert!(
                    changed.from != good.from || changed.hash != good.hash || generation == Generation::Three
                );
                proptest::prop_assert!(changed.from != good.from || changed.input == good.input);
            }
        }
    }
}
