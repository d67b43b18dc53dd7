//! Transactions, blocks, signatures and receipts that others made: exchanges recorded from a node of 2.9.1, values that the
//! documentation and the C++ SDK's tests of 3.x publish, and transactions of the Java SDK 3.6.0.

use adapter_sdk::types::Signature;
use alloy_primitives::{B256, hex};
use berth_crypto::NothingLent;
use serde_json::{Value, json};

use crate::{
    crypto::{Crypto, Seal, Signer},
    executed::{Executed, Form},
    header::{Chained, Header},
    merkle, quorum,
    settings::Generation,
    transaction::{Data, Fields, Signed, Unsigned},
};

fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("../tests/vectors/fisco-bcos-2.9.1-exchanges.json")).unwrap()
}

fn published() -> Value {
    serde_json::from_str(include_str!("../tests/vectors/fisco-bcos-3.json")).unwrap()
}

fn bytes(json: &Value) -> Vec<u8> {
    hex::decode(json.as_str().unwrap()).unwrap()
}

fn hash_of(json: &Value) -> B256 {
    json.as_str().unwrap().parse().unwrap()
}

fn answers(exchanges: &[Value], method: &str) -> Vec<(Value, Value)> {
    let of = exchanges.iter().filter(|exchange| exchange["request"]["method"] == method);
    of.map(|exchange| (exchange["request"]["params"].clone(), exchange["response"].clone())).collect()
}

#[test]
fn recorded_transactions_of_two_have_the_ids_that_the_node_gave_them() {
    let sent = answers(&recorded(), "sendRawTransaction");
    let mut accepted = 0;
    for (params, answer) in &sent {
        let raw = bytes(&params[1]);
        let Some(signed) = Signed::decode(&NothingLent, Generation::Two, Crypto::Standard, &raw) else {
            panic!("{params}")
        };
        if answer["result"].is_string() {
            assert_eq!(signed.id, hash_of(&answer["result"]));
            accepted += 1;
        }
        let Unsigned::Two(fields) = &signed.unsigned else { panic!() };
        assert_eq!(
            Unsigned::decode(Generation::Two, &signed.unsigned.encode()),
            Some(signed.unsigned.clone())
        );
        // The same seal around the same fields gives the same bytes.
        let (r, s) = (&raw[raw.len() - 65..raw.len() - 33], &raw[raw.len() - 32..]);
        if raw[raw.len() - 66] == 0xa0 && raw[raw.len() - 33] == 0xa0 {
            let parity = raw[raw.len() - 67] - 27;
            let seal =
                Seal { r: B256::from_slice(r), s: B256::from_slice(s), signer: Signer::Parity(parity) };
            assert_eq!(Unsigned::Two(fields.clone()).sealed(&NothingLent, Crypto::Standard, &seal), raw);
        }
    }
    assert_eq!(accepted, 3);
}

#[test]
fn recorded_transactions_are_signed_by_whom_the_node_says() {
    let (_, answer) = answers(&recorded(), "getTransactionByHash").remove(0);
    let json = &answer["result"];
    let raw = Fields::signed_from_json(json).unwrap();
    let signed = Signed::decode(&NothingLent, Generation::Two, Crypto::Standard, &raw).unwrap();
    assert_eq!(signed.id, hash_of(&json["hash"]));
    let whole = bytes(&json["signature"]["signature"]);
    let signature = Signature { bytes: whole[..64].to_vec(), recovery_id: Some(whole[64]) };
    let message = signed.unsigned.signing_bytes();
    let digest = Crypto::Standard.hash(&NothingLent, &message);
    let point = berth_crypto::recover(Crypto::Standard.scheme(), digest.as_slice(), &signature).unwrap();
    let address = Crypto::Standard.address(&NothingLent, &point[1..]);
    assert_eq!(crate::transaction::shown(address), json["from"].as_str().unwrap());
    // What our own signer's signature would become.
    let seal = Crypto::Standard.seal(
        &NothingLent,
        &point[1..],
        &message,
        &Signature { recovery_id: None, ..signature },
    );
    assert_eq!(signed.unsigned.sealed(&NothingLent, Crypto::Standard, &seal.unwrap()), raw);
}

#[test]
fn recorded_blocks_hash_to_their_ids_and_their_sealers_signed_them() {
    let exchanges = recorded();
    let mut seen = 0;
    for method in ["getBlockByNumber", "getBlockHeaderByNumber"] {
        for (_, answer) in answers(&exchanges, method) {
            let header = Header::from_json(Generation::Two, &answer["result"], method).unwrap();
            header.check(&NothingLent, Crypto::Standard, method).unwrap();
            let fields = header.fields.clone();
            let again = Header::from_fields(
                &NothingLent,
                Generation::Two,
                Crypto::Standard,
                &fields,
                header.signatures.clone(),
            );
            assert_eq!(again.as_ref(), Some(&header));
            if header.signatures.is_empty() {
                continue;
            }
            quorum::check(&NothingLent, Crypto::Standard, &[], &header, method).unwrap();
            let mut forged = header.clone();
            forged.signatures[0].1[5] ^= 1;
            assert!(quorum::check(&NothingLent, Crypto::Standard, &[], &forged, method).is_err());
            forged.signatures.clear();
            assert!(quorum::check(&NothingLent, Crypto::Standard, &[], &forged, method).is_err());
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn the_recorded_transactions_root_is_that_of_the_blocks_list() {
    let (_, answer) =
        answers(&recorded(), "getBlockByNumber").into_iter().find(|(params, _)| params[2] == false).unwrap();
    let block = Chained::from_json(Generation::Two, &answer["result"], None, "").unwrap();
    let (root, path) = merkle::tree(&NothingLent, Generation::Two, Crypto::Standard, &block.transactions, 0);
    assert_eq!(root, block.header.transactions_root);
    // The node gives the path of a single transaction as one level with nothing beside it, and so do we.
    assert_eq!(path, [merkle::Level::default()]);
}

#[test]
fn a_node_with_the_other_cryptography_is_named_by_the_setting() {
    let (_, answer) = answers(&recorded(), "getBlockByNumber").remove(0);
    let header = Header::from_json(Generation::Two, &answer["result"], "").unwrap();
    let error = header.check(&NothingLent, Crypto::Sm, "").unwrap_err();
    assert!(error.message.contains("`crypto`"), "{error}");
}

#[test]
fn the_published_sm2_transaction_is_reproduced_byte_for_byte_and_its_signature_holds() {
    let vector = &published()["sm"];
    let raw = bytes(&vector["transaction"]);
    let signed = Signed::decode(&NothingLent, Generation::Three, Crypto::Sm, &raw).unwrap();
    assert_eq!(signed.id, hash_of(&vector["transactionHash"]));
    let signature = &raw[raw.len() - 128..];
    let (r_and_s, point) = signature.split_at(64);
    let message = signed.unsigned.signing_bytes();
    assert!(Crypto::Sm.verifies(&NothingLent, point, &message, r_and_s));
    assert!(!Crypto::Sm.verifies(&NothingLent, point, &[message.as_slice(), &[0]].concat(), r_and_s));
    let given = Signature { bytes: r_and_s.to_vec(), recovery_id: None };
    let seal = Crypto::Sm.seal(&NothingLent, point, &message, &given).unwrap();
    assert_eq!(signed.unsigned.sealed(&NothingLent, Crypto::Sm, &seal), raw);
}

#[test]
fn transactions_of_the_java_sdk_are_read_and_sealed_to_the_same_bytes() {
    let vectors: Value = serde_json::from_str(include_str!("../tests/vectors/java-sdk-3.6.0.json")).unwrap();
    for vector in vectors["transactions"].as_array().unwrap() {
        let raw = bytes(&vector["signed"]);
        let crypto = if vector["crypto"] == "sm" { Crypto::Sm } else { Crypto::Standard };
        let signed = Signed::decode(&NothingLent, Generation::Three, crypto, &raw).unwrap();
        assert_eq!(signed.id, hash_of(&vector["hash"]));
        assert_eq!(signed.unsigned.data(), bytes(&vector["input"]));
        // In version 1 the SDK adds, behind the signature, which coding the arguments have; no hash covers it, and the adapter
        // does not say it. Behind r and s stands the parity of the signer's point, or the point.
        let raw = raw.strip_suffix(&[0x50, 1]).unwrap_or(&raw);
        let length = if crypto == Crypto::Sm { 64 } else { 1 };
        let (before, signer) = raw.split_at(raw.len() - length);
        let (before, s) = before.split_at(before.len() - 32);
        let r = B256::from_slice(&before[before.len() - 32..]);
        let signer = match crypto {
            Crypto::Sm => Signer::Point(signer.try_into().unwrap()),
            Crypto::Standard => Signer::Parity(signer[0]),
        };
        let seal = Seal { r, s: B256::from_slice(s), signer };
        assert_eq!(signed.unsigned.sealed(&NothingLent, crypto, &seal), raw);
    }
}

#[test]
fn the_published_sm_block_hashes_to_its_id_and_three_of_four_sealers_signed_it() {
    let vector = &published()["sm"];
    let block = &vector["block"];
    let header = Header::from_json(Generation::Three, block, "").unwrap();
    header.check(&NothingLent, Crypto::Sm, "").unwrap();
    assert_eq!((header.signatures.len(), header.sealers.len()), (3, 4));
    quorum::check(&NothingLent, Crypto::Sm, &[], &header, "").unwrap();
    let mut fewer = header.clone();
    fewer.signatures.pop();
    assert!(quorum::check(&NothingLent, Crypto::Sm, &[], &fewer, "").is_err(), "two of four are no quorum");
    fewer.signatures.push(fewer.signatures[0].clone());
    assert!(quorum::check(&NothingLent, Crypto::Sm, &[], &fewer, "").is_err(), "one sealer counts once");
    let mut trusted = header.named_sealers();
    trusted[0].key[0] ^= 1;
    assert!(quorum::check(&NothingLent, Crypto::Sm, &trusted, &header, "").is_err(), "a stranger signed");
    let again = Header::from_fields(
        &NothingLent,
        Generation::Three,
        Crypto::Sm,
        &header.fields,
        header.signatures.clone(),
    );
    assert_eq!(again, Some(header));
    let genesis = Header::from_json(Generation::Three, &vector["genesis"], "").unwrap();
    genesis.check(&NothingLent, Crypto::Sm, "").unwrap();
}

#[test]
fn the_published_sm_receipt_leads_to_its_blocks_root() {
    let vector = &published()["sm"];
    let receipt = Executed::from_json(Generation::Three, &vector["receipt"], "").unwrap();
    let root = hash_of(&vector["block"]["receiptsRoot"]);
    let (form, path) = receipt.proven(&NothingLent, Generation::Three, Crypto::Sm, 0, root).unwrap();
    assert_eq!(form.hash(&NothingLent, Crypto::Sm), hash_of(&vector["receipt"]["hash"]));
    assert_eq!(path, []);
    assert_eq!(form.facts().created.as_deref(), Some("0x82a3c3289a9f234a38aceed3016d1ff0e0f922b3"));
    let id = hash_of(&vector["receipt"]["transactionHash"]);
    let (root, _) = merkle::tree(&NothingLent, Generation::Three, Crypto::Sm, &[id], 0);
    assert_eq!(root, hash_of(&vector["block"]["txsRoot"]));
}

#[test]
fn the_published_hashes_of_three_are_reproduced_for_both_versions() {
    let vector = &published()["standard"];
    let mut json = vector["v0"].clone();
    let data = Data::from_json(&json).unwrap();
    let hash = |data: &Data| Crypto::Standard.hash(&NothingLent, &data.hashed_bytes());
    let nonce = json["nonce"].as_str().unwrap().to_owned();
    assert_eq!(hash(&data.clone().with_nonce(nonce.clone())), hash_of(&json["hash"]));
    // As nodes show it.
    json["nonce"] = json!(hex::encode(&nonce));
    assert_eq!(hash(&Data::from_json(&json).unwrap()), hash_of(&json["hash"]));

    let raw = bytes(&vector["v1"]["transaction"]);
    let signed = Signed::decode(&NothingLent, Generation::Three, Crypto::Standard, &raw).unwrap();
    assert_eq!(signed.id, hash_of(&vector["v1"]["hash"]));
    let signature = &raw[raw.len() - 65..];
    let seal = Seal {
        r: B256::from_slice(&signature[..32]),
        s: B256::from_slice(&signature[32..64]),
        signer: Signer::Parity(signature[64]),
    };
    assert_eq!(signed.unsigned.sealed(&NothingLent, Crypto::Standard, &seal), raw);
}

#[test]
fn the_published_receipt_hash_of_three_is_reproduced() {
    let receipt = &published()["standard"]["receipt"];
    let executed = Executed::from_json(Generation::Three, receipt, "").unwrap();
    let hashes: Vec<B256> =
        executed.forms.iter().map(|form| form.hash(&NothingLent, Crypto::Standard)).collect();
    assert!(hashes.contains(&hash_of(&receipt["hash"])));
    assert_eq!(executed.facts.logs[0].contract, "0x6849f21d1e455e9f0712b1e99fa4fcd23758e8f1");
}

#[test]
fn a_receipt_of_three_says_nothing_that_its_hash_does_not_cover() {
    let receipt = &published()["sm"]["receipt"];
    let executed = Executed::from_json(Generation::Three, receipt, "").unwrap();
    let (form, hash) = (&executed.forms[0], executed.forms[0].hash(&NothingLent, Crypto::Sm));
    let bytes = form.encode();
    assert_eq!(Form::decode(Generation::Three, &bytes).as_ref(), Some(form));
    for (place, bit) in (0..bytes.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << bit;
        if let Some(other) = Form::decode(Generation::Three, &changed) {
            assert_ne!(other.hash(&NothingLent, Crypto::Sm), hash, "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn paths_of_every_leaf_lead_to_the_root_and_no_other_place_does() {
    for (generation, crypto) in [(Generation::Two, Crypto::Standard), (Generation::Three, Crypto::Sm)] {
        for count in [1usize, 2, 3, 15, 16, 17, 33, 130, 300] {
            let leaf = |place: usize| crypto.hash(&NothingLent, &place.to_be_bytes());
            let leaves: Vec<B256> = (0..count).map(leaf).collect();
            for place in [0, count / 2, count - 1] {
                let (root, path) = merkle::tree(&NothingLent, generation, crypto, &leaves, place);
                let lead = |index: usize, hash| {
                    merkle::root(&NothingLent, generation, crypto, index as u64, hash, &path)
                };
                assert_eq!(lead(place, leaves[place]), Some(root), "{generation:?} {place} of {count}");
                assert_ne!(lead(place + 1, leaves[place]), Some(root));
                assert_ne!(lead(place, leaf(count)), Some(root));
            }
        }
    }
}

#[test]
fn the_selectors_of_sm_chains_are_those_of_the_recorded_contract() {
    let hash = |name: &[u8]| Crypto::Sm.hash(&NothingLent, name);
    assert_eq!(hex::encode(adapter_evm_abi::selector("get()", &hash)), "299f7f9d");
    assert_eq!(hex::encode(adapter_evm_abi::selector("set(string)", &hash)), "3590b49f");
}

#[test]
fn the_compiled_contracts_have_their_chains_selectors() {
    let compiled = |text: &str| {
        let json: Value = serde_json::from_str(text).unwrap();
        json["bytecode"].as_str().unwrap().to_owned()
    };
    let standard = compiled(include_str!("../contracts/out/PresetStore.json"));
    let sm = compiled(include_str!("../contracts/out/PresetStore.sm.json"));
    for crypto in [Crypto::Standard, Crypto::Sm] {
        let hash = |name: &[u8]| crypto.hash(&NothingLent, name);
        for function in [
            "insert(string,bytes)",
            "update(string,bytes)",
            "remove(string)",
            "get(string)",
            "history(string)",
        ] {
            let selector = format!("63{}", hex::encode(adapter_evm_abi::selector(function, &hash)));
            assert_eq!(standard.contains(&selector), crypto == Crypto::Standard, "{function}");
            assert_eq!(sm.contains(&selector), crypto == Crypto::Sm, "{function}");
        }
        let topic = hex::encode(hash(adapter_evm_abi::preset::WRITTEN.as_bytes()));
        assert_eq!(standard.contains(&topic), crypto == Crypto::Standard);
        assert_eq!(sm.contains(&topic), crypto == Crypto::Sm);
    }
}
