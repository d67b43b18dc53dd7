//! A recorded run is the same again without a network, and tells where it parts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

mod support;

use std::sync::Arc;

use adapter_spec::{
    Function, Imports, Lender,
    types::{
        HashAlgorithm, SignatureScheme, SigningInput, Transport,
        transport::{Failure, JsonRpcFailure, LogLevel},
    },
};
use berth_crypto::SigningKey;
use berth_lending::{
    Endpoint, Lending, Network, ServiceKey,
    recording::{OperatorKey, Recorder, Recording, RecordingError, Replayer, Room},
};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{HeaderMap, Response, body::Frame};
use proptest::prelude::*;
use support::{call, descriptor, echo, framed, grpc, serve};

async fn lend() -> Arc<dyn Lender> {
    let rpc = serve(|request| async move { echo(&request) }).await;
    let peer = serve(|_| async {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let frames = [Frame::data(framed(b"block")), Frame::trailers(trailers)].map(Ok);
        let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
        Response::builder().header("content-type", "application/grpc").body(body).unwrap()
    })
    .await;
    Lending::builder("app")
        .endpoint(Endpoint::new("node", "rpc", Transport::JsonRpc, rpc.url()))
        .endpoint(Endpoint::new("peer", "peer", Transport::Grpc, peer.url()))
        .service_key(ServiceKey {
            name: "reader".into(),
            key: SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap(),
            certificate: None,
        })
        .build(&descriptor(), &Network::new())
        .unwrap()
}

/// Uses every kind of import, and says all that came.
async fn run(lender: &dyn Lender) -> String {
    let mut seen = String::new();
    for function in [Function::Begin, Function::Status, Function::Begin] {
        let host: Arc<dyn Imports> = lender.imports(function);
        let now = host.now_millis();
        let random = host.random(8);
        let key = host.service_public_key("reader").await;
        let input = SigningInput::Message(random.clone());
        let signature = host.service_sign("reader", input.clone()).await;
        let verified = host.verify(key.as_ref().unwrap(), &input, signature.as_ref().unwrap());
        let answers = host.json_rpc(vec![call("call", &format!("[{now}]")), call("write", "[]")]).await;
        let unary = host.grpc(vec![peer("/test.Peer/Get")]).await;
        let mut stream = host.grpc_stream(peer("/test.Peer/Watch")).await.unwrap();
        let messages = (stream.next(5000).await, stream.next(5000).await);
        let old = host.state_get("count").await;
        let swapped = host.state_swap("count", old.clone(), Some(random.clone())).await;
        host.log(LogLevel::Info, "done");
        let hash = host.hash(HashAlgorithm::Sha256, &random);
        let point = host.recover(SignatureScheme::EcdsaP256Sha256, &hash, signature.as_ref().unwrap());
        let lent = host.lent_as("rpc");
        seen +=
            &format!("{now} {random:?} {key:?} {signature:?} {verified} {answers:?} {unary:?} {messages:?} ");
        seen += &format!("{old:?} {swapped} {hash:?} {point:?} {lent:?}\n");
    }
    seen
}

fn peer(method: &str) -> adapter_spec::types::transport::GrpcRequest {
    adapter_spec::types::transport::GrpcRequest { endpoint: "peer".into(), ..grpc(method, b"x") }
}

async fn recorder(key: Option<OperatorKey>) -> Arc<Recorder> {
    Recorder::new(lend().await, key, Room::new(1 << 20)).unwrap()
}

fn reread(recording: &Recording) -> Recording {
    Recording::from_json(&recording.to_json().unwrap(), 1 << 20).unwrap()
}

#[tokio::test]
async fn a_recorded_run_is_the_same_again_without_a_network() {
    let recorder = recorder(None).await;
    let seen = run(&*recorder).await;
    let replayer = Replayer::new(reread(&recorder.recording().unwrap()), None);
    assert_eq!(run(&*replayer).await, seen);
    assert_eq!(replayer.divergences(), []);
    assert_eq!(replayer.leftovers(), []);
}

#[tokio::test]
async fn another_request_diverges_there_and_the_call_gets_nothing_more() {
    let recorder = recorder(None).await;
    let host = recorder.imports(Function::Begin);
    for number in 0..3 {
        host.json_rpc(vec![call("call", &format!("[{number}]"))]).await;
    }
    let replayer = Replayer::new(recorder.recording().unwrap(), None);
    let host = replayer.imports(Function::Begin);
    assert_eq!(host.json_rpc(vec![call("call", "[0]")]).await, [Ok("[0]".to_string())]);
    let refused = |answers: &[Result<String, JsonRpcFailure>]| {
        matches!(answers, [Err(JsonRpcFailure::Transport(Failure::Refused(_)))])
    };
    assert!(refused(&host.json_rpc(vec![call("call", "[9]")]).await));
    assert!(refused(&host.json_rpc(vec![call("call", "[2]")]).await));
    assert_eq!(host.now_millis(), 0);
    let [divergence] = &replayer.divergences()[..] else { panic!("not one divergence") };
    assert_eq!((divergence.call, divergence.exchange), (Some(0), 1));
    assert!(divergence.expected.contains("[1]") && divergence.came.contains("[9]"), "{divergence}");
    let [leftover] = &replayer.leftovers()[..] else { panic!("not one leftover") };
    assert_eq!((leftover.replayed, leftover.recorded), (Some(1), 3));
}

#[tokio::test]
async fn a_call_too_many_and_a_call_too_few_are_both_told() {
    let recorder = recorder(None).await;
    recorder.imports(Function::Begin).now_millis();
    recorder.imports(Function::Status).now_millis();
    let replayer = Replayer::new(recorder.recording().unwrap(), None);
    replayer.imports(Function::Begin).now_millis();
    assert_eq!(replayer.imports(Function::Begin).now_millis(), 0);
    assert_eq!(replayer.divergences()[0].call, None);
    let [leftover] = &replayer.leftovers()[..] else { panic!("not one leftover") };
    assert_eq!((leftover.function, leftover.replayed), (Function::Status, None));
}

#[tokio::test]
async fn what_is_sensitive_is_sealed_and_opens_only_with_the_operators_key_in_its_place() {
    let mut secret = call("call", "[\"canary\"]");
    secret.sensitive = true;
    let key = OperatorKey::new([7; 32]);
    assert!(!format!("{key:?}").contains('7'));
    for operator in [None, Some(key.clone())] {
        let recorder = recorder(operator).await;
        let host = recorder.imports(Function::Begin);
        let answers = host.json_rpc(vec![secret.clone()]).await;
        let signed = host.service_sign("reader", SigningInput::Message(b"canary".to_vec())).await;
        let json = String::from_utf8(recorder.recording().unwrap().to_json().unwrap()).unwrap();
        assert!(!json.contains("canary") && !json.contains(&hex::encode("canary")));

        let with_key = Replayer::new(reread(&recorder.recording().unwrap()), Some(key.clone()));
        let host = with_key.imports(Function::Begin);
        let replayed = host.json_rpc(vec![secret.clone()]).await;
        if json.contains("\"ciphertext\":null") && !json.contains("\"ciphertext\":\"0x") {
            assert!(replayed[0].is_err());
            continue;
        }
        assert_eq!(replayed, answers);
        assert_eq!(host.service_sign("reader", SigningInput::Message(b"canary".to_vec())).await, signed);
        assert_eq!(with_key.divergences(), []);

        let other_key =
            Replayer::new(reread(&recorder.recording().unwrap()), Some(OperatorKey::new([8; 32])));
        assert!(other_key.imports(Function::Begin).json_rpc(vec![secret.clone()]).await[0].is_err());
        assert!(!format!("{:?}", other_key.divergences()).contains("canary"));

        let mut moved = recorder.recording().unwrap();
        moved.calls.insert(0, moved.calls[0].clone());
        let moved = Replayer::new(moved, Some(key.clone()));
        let _first = moved.imports(Function::Begin);
        assert!(moved.imports(Function::Begin).json_rpc(vec![secret.clone()]).await[0].is_err());
    }
}

#[tokio::test]
async fn a_recording_that_is_too_large_of_another_version_or_broken_is_refused() {
    let recorder = recorder(None).await;
    recorder.imports(Function::Begin).now_millis();
    let json = recorder.recording().unwrap().to_json().unwrap();
    assert!(matches!(Recording::from_json(&json, json.len() - 1), Err(RecordingError::TooLarge { .. })));
    let other = String::from_utf8(json.clone()).unwrap().replace("\"version\":1", "\"version\":2");
    assert!(matches!(Recording::from_json(other.as_bytes(), 1 << 20), Err(RecordingError::Version(2))));
    for length in 0..json.len() {
        assert!(Recording::from_json(&json[..length], 1 << 20).is_err());
    }
}

#[tokio::test]
async fn of_a_run_that_asks_for_more_than_there_is_room_for_there_is_no_recording_and_nothing_is_kept() {
    let room = Room::new(10_000);
    let recorder = Recorder::new(lend().await, None, room.clone()).unwrap();
    let host = recorder.imports(Function::Begin);
    assert_eq!(host.random(1_000).len(), 1_000);
    assert_eq!(recorder.recording().unwrap().calls[0].exchanges.len(), 1);
    // Two digits for each byte: the fifth answer has no room any more.
    for _ in 0..4 {
        assert_eq!(host.random(1_000).len(), 1_000);
    }
    assert_eq!((recorder.calls(), recorder.call(0).is_none()), (0, true));
    assert!(matches!(recorder.recording(), Err(RecordingError::CutOff { allowed: 10_000 })));
    tokio::time::timeout(std::time::Duration::from_secs(30), room.overflowed()).await.unwrap();
    // The adapter is lent what it was lent before, and what would fit again is not taken for a whole.
    assert_eq!((host.random(1).len(), recorder.imports(Function::Status).random(8).len()), (1, 8));
    assert!(recorder.recording().is_err() && room.taken() <= room.most());
}

#[tokio::test]
async fn a_call_a_request_and_an_answer_that_have_no_room_each_cut_the_recording_off() {
    let recorded = |most: u64| async move {
        let recorder = Recorder::in_clear(lend().await, Room::new(most));
        recorder.imports(Function::Begin).now_millis();
        recorder
    };
    let whole = recorded(u64::MAX).await;
    let needed = {
        let room = Room::new(u64::MAX);
        Recorder::in_clear(lend().await, room.clone()).imports(Function::Begin).now_millis();
        room.taken()
    };
    assert_eq!(whole.calls(), 1);
    for most in [0, needed / 3 - 1, needed / 3, needed / 2, needed - 1] {
        assert!(recorded(most).await.recording().is_err(), "{most} of {needed}");
    }
    assert!(recorded(needed).await.recording().is_ok());
}

#[tokio::test]
async fn recordings_share_their_room_and_none_has_more_bytes_than_were_counted_for_it() {
    let room = Room::new(1 << 20);
    for key in [None, Some(OperatorKey::new([7; 32]))] {
        let before = room.taken();
        let recorder = Recorder::new(lend().await, key, room.clone()).unwrap();
        run(&*recorder).await;
        let mut secret = call("call", "[\"canary\"]");
        secret.sensitive = true;
        recorder.imports(Function::Begin).json_rpc(vec![secret]).await;
        let length = recorder.recording().unwrap().to_json().unwrap().len();
        let counted = room.taken() - before;
        assert!(length as u64 <= counted, "{length} bytes, counted as {counted}");
    }
}

proptest! {
    #[test]
    fn random_bytes_are_no_recording(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Recording::from_json(&bytes, 1 << 20).is_err());
    }
}
