//! The network as a client sees it, without a client of others: what it refuses, what its blocks are, and what its control does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::collections::BTreeSet;

use berth_devnet_fabric::{
    BlockEntry, Consensus, Network, Options, header_bytes, header_hash,
    identity::{Identities, Key},
    members::{ORDERER_MSP, serialized},
    proto::{
        common::{BlockHeader, Envelope, IdentifierHeader, Metadata, OrdererBlockMetadata, Payload},
        configuration::{ConfigEnvelope, Orderers},
        orderer::ConsensusType,
        peer::TxValidationCode as TxCode,
    },
};
use p256::ecdsa;
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::Peer;
use tonic::{Code, Status};

async fn start() -> (Network, Peer) {
    let network = Network::start(Options::default()).await.unwrap();
    let peer = Peer::connect(&network.material().unwrap(), 0, "User1").await;
    (network, peer)
}

fn blocks(network: &Network) -> Vec<std::sync::Arc<BlockEntry>> {
    let channel = network.node().channel("mychannel").unwrap();
    (0..channel.ledger().height()).map(|number| channel.block(number).unwrap()).collect()
}

/// The messages in a status's details, which are an encoded `google.rpc.Status`.
fn details(status: &Status) -> String {
    String::from_utf8_lossy(status.details()).into_owned()
}

async fn control(network: &Network, method: &str, params: Value) -> Value {
    use http_body_util::{BodyExt as _, Full};
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let address = network.control_url();
    let stream = tokio::net::TcpStream::connect(address.trim_start_matches("http://")).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("/")
        .header("host", "localhost")
        .body(Full::new(hyper::body::Bytes::from(request)));
    let response = sender.send_request(request.unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

// What it refuses.

#[tokio::test]
async fn a_certificate_that_has_ended_is_refused_at_every_step() {
    let (network, mut peer) = start().await;
    let point = hex::encode(peer.key.point());
    let expired = control(&network, "enrol", json!({ "point": point, "expired": true })).await;
    assert_eq!(expired["account"], Value::Null);
    peer.identity = serialized("Org1MSP", expired["pem"].as_str().unwrap());
    let refused = peer.endorse(peer.propose("probe", &[b"add", b"1"]).1).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    assert!(details(&refused).contains("proposal client identity expired"), "{refused:?}");
    let refused = peer.evaluate("probe", &[b"text"]).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(peer.committed("00".into()).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let (_network, mut peer) = start().await;
    let other = Network::start(Options { seed: "another".into(), ..Options::default() }).await.unwrap();
    let stranger = Peer::connect(&other.material().unwrap(), 0, "User1").await;
    (peer.identity, peer.key) = (stranger.identity, stranger.key);
    let refused = peer.endorse(peer.propose("probe", &[b"add", b"1"]).1).await.unwrap_err();
    assert!(details(&refused).contains("creator org unknown, creator is malformed"), "{refused:?}");

    // Of an organisation that nobody knows.
    peer.identity = serialized("Org9MSP", "no certificate");
    let refused = peer.evaluate("probe", &[b"text"]).await.unwrap_err();
    assert!(refused.message().contains("creator org unknown, creator is malformed"), "{refused:?}");
}

#[tokio::test]
async fn a_signature_with_a_high_s_is_refused_in_proposals_and_envelopes() {
    let (_network, peer) = start().await;
    let high = |signature: &[u8]| {
        let signature = ecdsa::Signature::from_der(signature).unwrap();
        let (r, s) = signature.split_scalars();
        ecdsa::Signature::from_scalars(r, -s).unwrap().to_der().as_bytes().to_vec()
    };
    let (_, mut proposed) = peer.propose("probe", &[b"add", b"1"]);
    proposed.signature = high(&proposed.signature);
    let refused = peer.endorse(proposed).await.unwrap_err();
    assert!(details(&refused).contains("creator org [Org1MSP]"), "{refused:?}");

    let prepared = peer.endorse(peer.propose("probe", &[b"add", b"1"]).1).await.unwrap();
    let mut signed = peer.client().sign(prepared).unwrap();
    signed.signature = high(&signed.signature);
    let refused = peer.submit(signed).await.unwrap_err();
    assert!(refused.message().contains("status=FORBIDDEN"), "{refused:?}");
}

#[tokio::test]
async fn a_transaction_id_that_is_not_of_nonce_and_creator_is_refused() {
    let (_network, peer) = start().await;
    let (id, mut proposed) = peer.propose("probe", &[b"add", b"1"]);
    let other = if id.starts_with('0') { "1" } else { "0" };
    let wrong = format!("{other}{}", id.get(1..).unwrap());
    let place = proposed.proposal_bytes.windows(64).position(|window| window == id.as_bytes()).unwrap();
    proposed.proposal_bytes.splice(place..place + 64, wrong.bytes());
    proposed.signature = peer.key.sign(&proposed.proposal_bytes).unwrap();
    let refused = peer.endorse(proposed).await.unwrap_err();
    assert!(
        details(&refused).contains(&format!("incorrectly computed txid '{wrong}' -- expected '{id}'")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn messages_above_the_limits_are_refused() {
    let options = Options { max_message_bytes: 1 << 20, ..Options::default() };
    let network = Network::start(options).await.unwrap();
    let peer = Peer::connect(&network.material().unwrap(), 0, "User1").await;
    let large = vec![b'x'; 2 << 20];
    let refused = peer.evaluate("probe", &[b"echoBytes", &large]).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");

    let mut options = Options::default();
    options.batch.absolute_max_bytes = 16 << 10;
    let network = Network::start(options).await.unwrap();
    let peer = Peer::connect(&network.material().unwrap(), 0, "User1").await;
    let refused = peer.transact("preset", &[b"insert", b"key", &vec![0; 32 << 10]]).await.unwrap_err();
    assert!(refused.message().contains("exceeds maximum allowed 16384 bytes"), "{refused:?}");
}

#[tokio::test]
async fn endorsements_that_disagree_make_no_transaction() {
    let (network, peer) = start().await;
    control(&network, "disagree", json!([true])).await;
    let refused = peer.endorse(peer.propose("probe", &[b"add", b"1"]).1).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    assert!(details(&refused).contains("ProposalResponsePayloads do not match"), "{refused:?}");
    control(&network, "disagree", json!([false])).await;
    assert_eq!(peer.transact("probe", &[b"add", b"1"]).await.unwrap().result, 0);
}

#[tokio::test]
async fn too_few_endorsements_are_found_when_the_block_is_validated() {
    let (_network, peer) = start().await;
    let (id, proposed) = peer.propose("probe", &[b"add", b"1"]);
    let request = berth_devnet_fabric::proto::gateway::EndorseRequest {
        proposed_transaction: Some(proposed),
        endorsing_organizations: vec!["Org1MSP".into()],
        ..Default::default()
    };
    let prepared: berth_devnet_fabric::proto::gateway::EndorseResponse =
        peer.call("/gateway.Gateway/Endorse", request).await.unwrap();
    peer.submit(peer.client().sign(prepared.prepared_transaction.unwrap()).unwrap()).await.unwrap();
    let found = peer.committed(id).await.unwrap();
    assert_eq!(found.result, TxCode::EndorsementPolicyFailure as i32);
    assert_eq!(peer.evaluate("probe", &[b"text"]).await.unwrap(), b"");
}

#[tokio::test]
async fn a_changed_result_is_found_when_the_block_is_validated() {
    let (_network, peer) = start().await;
    let (id, proposed) = peer.propose("probe", &[b"put", b"what was endorsed"]);
    let mut prepared = peer.endorse(proposed).await.unwrap();
    // The text is in the arguments and in the write set; the last is in what peers signed.
    let text = b"what was endorsed";
    let place = prepared.payload.windows(text.len()).rposition(|window| window == text).unwrap();
    prepared.payload.splice(place..place + text.len(), *b"what was no more!");
    peer.submit(peer.client().sign(prepared).unwrap()).await.unwrap();
    assert_eq!(peer.committed(id).await.unwrap().result, TxCode::EndorsementPolicyFailure as i32);
}

// What its blocks are.

/// The fields of messages that are messages themselves.
fn nested(kind: &str, field: u32) -> Option<&'static str> {
    Some(match (kind, field) {
        ("Block", 1) => "BlockHeader",
        ("Block", 2) => "BlockData",
        ("Block", 3) => "BlockMetadata",
        ("BlockData", 1) => "Envelope",
        ("Envelope", 1) => "Payload",
        ("Payload", 1) => "Header",
        ("Header", 1) => "ChannelHeader",
        ("Header", 2) => "SignatureHeader",
        ("ChannelHeader", 3) => "Timestamp",
        ("ChannelHeader", 7) => "HeaderExtension",
        ("HeaderExtension", 2) => "ChaincodeId",
        ("SignatureHeader", 1) => "SerializedIdentity",
        ("Transaction", 1) => "Action",
        ("Action", 1) => "SignatureHeader",
        ("Action", 2) => "ActionPayload",
        ("ActionPayload", 1) => "ProposalPayload",
        ("ActionPayload", 2) => "EndorsedAction",
        ("ProposalPayload", 1) => "InvocationSpec",
        ("InvocationSpec", 1) => "ChaincodeSpec",
        ("ChaincodeSpec", 2) => "ChaincodeId",
        ("ChaincodeSpec", 3) => "ChaincodeInput",
        ("EndorsedAction", 1) => "ResponsePayload",
        ("EndorsedAction", 2) => "Endorsement",
        ("Endorsement", 1) => "SerializedIdentity",
        ("ResponsePayload", 2) => "ChaincodeAction",
        ("ChaincodeAction", 1) => "TxSets",
        ("ChaincodeAction", 2) => "ChaincodeEvent",
        ("ChaincodeAction", 3) => "Response",
        ("ChaincodeAction", 4) => "ChaincodeId",
        ("TxSets", 2) => "NsSet",
        ("NsSet", 2) => "KvSet",
        ("KvSet", 1) => "KvRead",
        ("KvSet", 3) => "KvWrite",
        ("KvRead", 2) => "Version",
        ("ConfigEnvelope", 1) => "Config",
        ("Config", 2) => "Group",
        ("Group", 2) => "GroupEntry",
        ("GroupEntry", 2) => "Group",
        ("Group", 3) => "ValueEntry",
        ("ValueEntry", 2) => "Value",
        ("Group", 4) => "PolicyEntry",
        ("PolicyEntry", 2) => "ConfigPolicy",
        ("ConfigPolicy", 2) => "Policy",
        ("Metadata", 2) => "MetadataSignature",
        ("MetadataSignature", 1) => "SignatureHeader",
        _ => return None,
    })
}

/// Which fields a message has, all the way down, as paths; maps' keys stand in the path.
fn shape(kind: &str, bytes: &[u8], path: &str, data: &str, into: &mut BTreeSet<String>) {
    let mut slot = 0;
    let mut key = String::new();
    for (field, value) in fields(bytes) {
        let mut path = format!("{path}.{field}");
        if kind.ends_with("Entry") {
            match (field, &value) {
                (1, Some(name)) => key = String::from_utf8(name.clone()).unwrap(),
                _ => path = format!("{path}[{}]", key.replace("Org2MSP", "Org1MSP")),
            }
        }
        let value = value.unwrap_or_default();
        let inner = match (kind, field) {
            ("Payload", 2) => Some(data),
            // The metadata's slots, of which the third is the filter.
            ("BlockMetadata", 1) => {
                slot += 1;
                path = format!("{path}[{slot}]{}", if value.is_empty() { " empty" } else { "" });
                (slot != 3).then_some("Metadata")
            }
            _ => nested(kind, field),
        };
        into.insert(path.clone());
        if let Some(inner) = inner {
            shape(inner, &value, &path, data, into);
        }
    }
}

/// The fields of a message in their order; bytes where a field has some.
fn fields(mut bytes: &[u8]) -> Vec<(u32, Option<Vec<u8>>)> {
    use prost::encoding::{WireType, decode_key, decode_varint};
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (field, kind) = decode_key(&mut bytes).unwrap();
        let value = match kind {
            WireType::Varint => decode_varint(&mut bytes).map(|_| None).unwrap(),
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).unwrap()).unwrap();
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                Some(value.to_vec())
            }
            other => panic!("no message here has {other:?}"),
        };
        fields.push((field, value));
    }
    fields
}

fn shape_of(block: &[u8], data: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    shape("Block", block, "", data, &mut paths);
    paths
}

fn real_block(number: usize) -> Vec<u8> {
    use base64::Engine as _;
    let recorded = include_str!("../../../../adapters/fabric/tests/vectors/fabric-3.1.5-raft-blocks.json");
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    base64::engine::general_purpose::STANDARD.decode(recorded[number]["block"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn blocks_have_the_fields_of_a_real_networks_blocks() {
    let (network, peer) = start().await;
    let found = peer.transact("probe", &[b"add", b"77"]).await.unwrap();
    let blocks = blocks(&network);

    // A configuration. A real one writes empty values of maps out, which is the same to every reader.
    let ours = shape_of(&blocks[0].block.encode_to_vec(), "ConfigEnvelope");
    let real = shape_of(&real_block(0), "ConfigEnvelope");
    assert_eq!(ours.symmetric_difference(&real).collect::<Vec<_>>(), Vec::<&String>::new());

    // A transaction with an event. The recorded chaincode answers "ok", the probe nothing.
    let number = usize::try_from(found.block_number).unwrap();
    let ours = shape_of(&blocks[number].block.encode_to_vec(), "Transaction");
    let real = shape_of(&real_block(5), "Transaction");
    let different: Vec<_> = ours.symmetric_difference(&real).collect();
    let expected: Vec<_> =
        real.iter().filter(|path| path.ends_with(".2.1.2.3.3") && !ours.contains(*path)).collect();
    assert_eq!(different, expected);
    assert_eq!(expected.len(), 1);

    // A chaincode's definition: the recorded one was approved by the organisations before, which this network leaves out.
    let ours = shape_of(&blocks[1].block.encode_to_vec(), "Transaction");
    let real = shape_of(&real_block(3), "Transaction");
    let spare: Vec<_> = ours.difference(&real).collect();
    assert_eq!(spare, Vec::<&String>::new());
}

/// Checks a chain of blocks from its bytes alone, with nothing that made them.
fn verify_chain(blocks: &[std::sync::Arc<BlockEntry>]) {
    let mut previous = Vec::new();
    for (number, entry) in (0..).zip(blocks) {
        let BlockHeader { number: said, previous_hash, data_hash } = entry.block.header.as_ref().unwrap();
        assert_eq!((*said, previous_hash), (number, &previous));
        let data = entry.block.data.as_ref().unwrap().data.concat();
        assert_eq!(&Sha256::digest(data).to_vec(), data_hash);
        previous = header_hash(entry.block.header.as_ref().unwrap());
        assert_eq!(previous, entry.hash);
    }
}

#[tokio::test]
async fn the_chain_links_and_the_orderer_signs_every_block() {
    let (network, peer) = start().await;
    for number in 0..3_u32 {
        peer.transact("preset", &[b"insert", &number.to_be_bytes().map(|byte| byte + 65), b"value"])
            .await
            .unwrap();
    }
    let blocks = blocks(&network);
    verify_chain(&blocks);
    let mut orderers = Identities::default();
    orderers.add(ORDERER_MSP, authority(&network).point());
    for entry in blocks.iter().skip(1) {
        let metadata = entry.block.metadata.as_ref().unwrap();
        let Metadata { value, signatures } = Metadata::decode(metadata.metadata[0].as_slice()).unwrap();
        assert_eq!(OrdererBlockMetadata::decode(value.as_slice()).unwrap().last_config.unwrap().index, 0);
        let [signature] = signatures.as_slice() else { panic!("one orderer signs") };
        let signer = berth_devnet_fabric::proto::common::SignatureHeader::decode(
            signature.signature_header.as_slice(),
        );
        let orderer = orderers.identify(&signer.unwrap().creator).unwrap();
        let header = header_bytes(entry.block.header.as_ref().unwrap());
        let mut message = [value, signature.signature_header.clone(), header].concat();
        orderer.verify(&message, &signature.signature).unwrap();
        message[0] ^= 1;
        assert!(orderer.verify(&message, &signature.signature).is_err());
    }
}

fn authority(network: &Network) -> berth_devnet_fabric::identity::Authority {
    let seed = &network.node().options.seed;
    berth_devnet_fabric::identity::Authority::new(seed, "orderer.example.com", "ca.orderer.example.com")
        .unwrap()
}

#[tokio::test]
async fn a_quorum_of_the_configured_consenters_signs_where_they_tolerate_byzantine_faults() {
    let options = Options { consensus: Consensus::Bft, ..Options::default() };
    let network = Network::start(options).await.unwrap();
    let peer = Peer::connect(&network.material().unwrap(), 0, "User1").await;
    peer.transact("probe", &[b"add", b"1"]).await.unwrap();
    let blocks = blocks(&network);
    verify_chain(&blocks);

    let envelope = Envelope::decode(blocks[0].block.data.as_ref().unwrap().data[0].as_slice()).unwrap();
    let payload = Payload::decode(envelope.payload.as_slice()).unwrap();
    let config = ConfigEnvelope::decode(payload.data.as_slice()).unwrap().config.unwrap();
    let group = &config.channel_group.unwrap().groups["Orderer"];
    let consensus = ConsensusType::decode(group.values["ConsensusType"].value.as_slice()).unwrap();
    assert_eq!(consensus.r#type, "BFT");
    let consenters = Orderers::decode(group.values["Orderers"].value.as_slice()).unwrap().consenter_mapping;
    assert_eq!(consenters.len(), 4);

    let mut orderers = Identities::default();
    orderers.add(ORDERER_MSP, authority(&network).point());
    let entry = blocks.last().unwrap();
    let slot = &entry.block.metadata.as_ref().unwrap().metadata[0];
    let Metadata { value, signatures } = Metadata::decode(slot.as_slice()).unwrap();
    let mut signed = BTreeSet::new();
    for signature in signatures {
        assert!(signature.signature_header.is_empty());
        let identifier = IdentifierHeader::decode(signature.identifier_header.as_slice()).unwrap().identifier;
        let consenter = consenters.iter().find(|consenter| consenter.id == identifier).unwrap();
        let pem = String::from_utf8(consenter.identity.clone()).unwrap();
        let identity = orderers.identify(&serialized(&consenter.msp_id, &pem)).unwrap();
        let header = header_bytes(entry.block.header.as_ref().unwrap());
        let message = [value.clone(), signature.identifier_header.clone(), header].concat();
        identity.verify(&message, &signature.signature).unwrap();
        signed.insert(identifier);
    }
    assert_eq!(signed.len(), 3);
}

// What it keeps, and what its control does.

#[tokio::test]
async fn a_network_in_a_folder_is_taken_up_again_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { folder: Some(folder.path().to_path_buf()), ..Options::default() };
    let (height, hash, id) = {
        let network = Network::start(options.clone()).await.unwrap();
        let peer = Peer::connect(&network.material().unwrap(), 0, "User1").await;
        let (id, proposed) = peer.propose("preset", &[b"insert", b"key", b"value"]);
        let prepared = peer.endorse(proposed).await.unwrap();
        peer.submit(peer.client().sign(prepared).unwrap()).await.unwrap();
        peer.committed(id.clone()).await.unwrap();
        let newest = blocks(&network).last().unwrap().clone();
        (newest.number + 1, newest.hash.clone(), id)
    };
    // The database is let go of when the last task of the first network has ended.
    let network = loop {
        match Network::start(options.clone()).await {
            Ok(network) => break network,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let channel = network.node().channel("mychannel").unwrap().clone();
    assert_eq!(channel.ledger().height(), height);
    assert_eq!(channel.ledger().newest().unwrap().hash, hash);
    let peer = Peer::connect(&network.material().unwrap(), 0, "User1").await;
    assert_eq!(peer.evaluate("preset", &[b"get", b"key"]).await.unwrap(), b"value");
    assert_eq!(peer.committed(id).await.unwrap().block_number, height - 1);
    peer.transact("preset", &[b"update", b"key", b"other"]).await.unwrap();
    verify_chain(&blocks(&network));
}

#[tokio::test]
async fn the_control_makes_blocks_holds_them_and_forgets_them() {
    let (network, peer) = start().await;
    let before = control(&network, "heights", json!([])).await["mychannel"].as_u64().unwrap();
    let after = control(&network, "advance", json!({ "blocks": 3 })).await["mychannel"].as_u64().unwrap();
    assert_eq!(after, before + 3);

    control(&network, "hold", json!([])).await;
    let (id, proposed) = peer.propose("probe", &[b"put", b"held"]);
    let prepared = peer.endorse(proposed).await.unwrap();
    peer.submit(peer.client().sign(prepared).unwrap()).await.unwrap();
    control(&network, "advance", json!([1])).await;
    let channel = network.node().channel("mychannel").unwrap().clone();
    assert_eq!(channel.ledger().transaction(&id), None);
    control(&network, "release", json!([])).await;
    assert_eq!(peer.committed(id).await.unwrap().result, 0);

    control(&network, "prune", json!([after])).await;
    let first: [&[u8]; 3] = [b"GetBlockByNumber", b"mychannel", b"0"];
    let refused = peer.evaluate("qscc", &first).await.unwrap_err();
    assert!(details(&refused).contains("First available block"), "{refused:?}");
    control(&network, "prune", json!([0])).await;
    peer.evaluate("qscc", &first).await.unwrap();
}

#[tokio::test]
async fn a_key_that_was_enrolled_can_write_and_gets_the_same_certificate_again() {
    let (network, mut peer) = start().await;
    let key = Key::derive("a user", "of the test").unwrap();
    let question = json!({ "point": hex::encode(key.point()), "organisation": "Org2MSP" });
    let enrolled = control(&network, "enrol", question.clone()).await;
    assert_eq!(control(&network, "enrol", question).await, enrolled);
    peer.identity = serialized("Org2MSP", enrolled["pem"].as_str().unwrap());
    peer.key = std::sync::Arc::new(key);
    assert_eq!(peer.transact("probe", &[b"add", b"4"]).await.unwrap().result, 0);
    let account = enrolled["account"].as_str().unwrap();
    assert_eq!(peer.evaluate("probe", &[b"count", account.as_bytes()]).await.unwrap(), b"4");
}

#[tokio::test]
async fn channels_do_not_see_each_other() {
    let channels = vec!["one".into(), "two".into()];
    let network = Network::start(Options { channels, ..Options::default() }).await.unwrap();
    let mut peer = Peer::connect(&network.material().unwrap(), 0, "User1").await;
    assert_eq!(peer.channel, "one");
    peer.transact("preset", &[b"insert", b"key", b"value"]).await.unwrap();
    peer.channel = "two".into();
    let refused = peer.evaluate("preset", &[b"get", b"key"]).await.unwrap_err();
    assert!(refused.message().contains("not-found"), "{refused:?}");
}

#[tokio::test]
async fn options_that_contradict_each_other_are_refused() {
    for (options, word) in [
        (Options { channels: vec!["../x".into()], ..Options::default() }, "channel"),
        (Options { channels: vec!["one".into(), "one".into()], ..Options::default() }, "two channels"),
        (Options { organisations: Vec::new(), ..Options::default() }, "no organisation"),
        (Options { organisations: vec!["A".into(), "A".into()], ..Options::default() }, "two organisations"),
        (Options { endorsements: [("probe".into(), 3)].into(), ..Options::default() }, "probe"),
    ] {
        let refused = Network::start(options).await.err().unwrap().to_string();
        assert!(refused.contains(word), "{refused}");
    }
}
