//! The types' JSON form: whatever is written is read back, and the form does not change by accident. `BLESS=1`
//! rewrites the golden files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::{fmt::Debug, fs, path::Path};

use adapter_spec::types::{transport::*, *};
use proptest::{collection::vec, option::of, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

/// Writes and reads back.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let text = serde_json::to_string(value).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let read: T = serde_json::from_str(&text).map_err(|e| TestCaseError::fail(format!("{e} in {text}")))?;
    prop_assert_eq!(&read, value);
    Ok(())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> + Clone {
    vec(any::<u8>(), 0..24)
}

/// Any text: control characters, quotes and every plane of Unicode among it.
fn text() -> impl Strategy<Value = String> + Clone {
    vec(any::<char>(), 0..8).prop_map(|characters| characters.into_iter().collect())
}

fn extensions() -> impl Strategy<Value = Vec<Extension>> {
    vec((text(), bytes()).prop_map(|(key, value)| Extension { key, value }), 0..3)
}

fn block_ref() -> impl Strategy<Value = BlockRef> {
    (any::<u64>(), bytes()).prop_map(|(number, hash)| BlockRef { number, hash })
}

fn confidence() -> impl Strategy<Value = Confidence> {
    prop_oneof![Just(Confidence::Latest), Just(Confidence::Safe), Just(Confidence::Final)]
}

fn selector() -> impl Strategy<Value = BlockSelector> {
    prop_oneof![
        confidence().prop_map(BlockSelector::At),
        any::<u64>().prop_map(BlockSelector::Number),
        bytes().prop_map(BlockSelector::Hash),
    ]
}

fn scheme() -> impl Strategy<Value = SignatureScheme> {
    prop_oneof![
        Just(SignatureScheme::EcdsaP256Sha256),
        Just(SignatureScheme::EcdsaSecp256k1Keccak256),
        Just(SignatureScheme::EcdsaSecp256k1Sha256Canonical),
        Just(SignatureScheme::Sm2Sm3),
    ]
}

fn hash_algorithm() -> impl Strategy<Value = HashAlgorithm> {
    prop_oneof![
        Just(HashAlgorithm::Sha256),
        Just(HashAlgorithm::DoubleSha256),
        Just(HashAlgorithm::Keccak256),
        Just(HashAlgorithm::Sm3),
    ]
}

fn public_key() -> impl Strategy<Value = PublicKey> {
    (scheme(), bytes(), of(bytes())).prop_map(|(scheme, point, certificate)| PublicKey {
        scheme,
        point,
        certificate,
    })
}

fn party() -> impl Strategy<Value = Party> {
    (of(text()), vec(public_key(), 0..3)).prop_map(|(account, keys)| Party { account, keys })
}

fn signing_input() -> impl Strategy<Value = SigningInput> {
    prop_oneof![
        bytes().prop_map(SigningInput::Message),
        (bytes(), bytes()).prop_map(|(id, data)| SigningInput::Sm2(Sm2Message { id, data })),
        text().prop_map(SigningInput::TypedData),
        bytes().prop_map(SigningInput::Digest),
    ]
}

fn signature() -> impl Strategy<Value = Signature> {
    (bytes(), of(any::<u8>())).prop_map(|(bytes, recovery_id)| Signature { bytes, recovery_id })
}

fn error() -> impl Strategy<Value = Error> {
    let code = prop_oneof![
        Just(ErrorCode::Unsupported),
        Just(ErrorCode::Conflict),
        Just(ErrorCode::CorruptResponse)
    ];
    (code, text(), of(text()), any::<bool>()).prop_map(|(code, message, native, retryable)| Error {
        code,
        message,
        native,
        retryable,
    })
}

fn value() -> impl Strategy<Value = adapter_spec::types::Value> {
    use adapter_spec::types::Value;
    prop_oneof![
        text().prop_map(Value::Text),
        bytes().prop_map(Value::Bytes),
        any::<i128>().prop_map(|number| Value::Integer(number.to_string())),
        any::<bool>().prop_map(Value::Boolean),
        text().prop_map(Value::Json),
    ]
}

fn contract_call() -> impl Strategy<Value = ContractCall> {
    (text(), text(), vec(value(), 0..4), of(text()), vec((text(), bytes()), 0..3)).prop_map(
        |(contract, function, arguments, abi, private_arguments)| ContractCall {
            contract,
            function,
            arguments,
            abi,
            private_arguments,
        },
    )
}

fn deployment() -> impl Strategy<Value = Deployment> {
    (text(), text(), bytes(), of(text()), vec(value(), 0..3))
        .prop_map(|(name, version, code, abi, arguments)| Deployment { name, version, code, abi, arguments })
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        contract_call().prop_map(Call::Invoke),
        contract_call().prop_map(Call::Evaluate),
        deployment().prop_map(Call::Deploy),
        (text(), text()).prop_map(|(name, json)| Call::Native(NativeCall { name, json })),
    ]
}

fn call_options() -> impl Strategy<Value = CallOptions> {
    (bytes(), of(text()), of(text()), of(selector()), extensions()).prop_map(
        |(salt, amount, max_fee, at, extensions)| CallOptions { salt, amount, max_fee, at, extensions },
    )
}

fn validity() -> impl Strategy<Value = Validity> {
    prop_oneof![
        any::<u64>().prop_map(Validity::Block),
        any::<u64>().prop_map(Validity::Millis),
        Just(Validity::Unbounded),
    ]
}

fn envelope() -> impl Strategy<Value = Envelope> {
    (text(), bytes(), validity(), bytes()).prop_map(|(transaction, bytes, valid_until, tracking)| Envelope {
        transaction,
        bytes,
        valid_until,
        tracking,
    })
}

fn output() -> impl Strategy<Value = Output> {
    (bytes(), of(text())).prop_map(|(raw, json)| Output { raw, json })
}

fn step() -> impl Strategy<Value = Step> {
    let item = (public_key(), signing_input()).prop_map(|(key, input)| SignItem { key, input });
    let request = (vec(item, 0..3), bytes(), validity(), of(text()), text()).prop_map(
        |(items, continuation, valid_until, max_fee, summary)| SignRequest {
            items,
            continuation,
            valid_until,
            max_fee,
            summary,
        },
    );
    prop_oneof![
        request.prop_map(Step::Sign),
        envelope().prop_map(Step::Send),
        output().prop_map(Step::Answer),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let names = (text(), text(), text(), text());
    (names, bytes(), of(text()), block_ref(), any::<u32>(), any::<bool>(), extensions()).prop_map(
        |((id, contract, name, transaction), payload, json, block, index, retracted, extensions)| Event {
            id,
            contract,
            name,
            payload,
            json,
            transaction,
            block,
            index,
            retracted,
            extensions,
        },
    )
}

fn inclusion() -> impl Strategy<Value = Inclusion> {
    prop_oneof![
        Just(Inclusion::Unknown),
        Just(Inclusion::Pending),
        any::<u32>().prop_map(Inclusion::Included),
        Just(Inclusion::Final),
        Just(Inclusion::Expired),
        text().prop_map(Inclusion::Superseded),
    ]
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let outcome = of(prop_oneof![output().prop_map(Ok), error().prop_map(Err)]);
    let place = (of(block_ref()), of(any::<u32>()));
    (text(), inclusion(), place, outcome, of(text()), vec(event(), 0..3), of(text()), extensions()).prop_map(
        |(transaction, inclusion, (block, index), outcome, created, events, fee, extensions)| Receipt {
            transaction,
            inclusion,
            block,
            index,
            outcome,
            created,
            events,
            fee,
            extensions,
        },
    )
}

fn block() -> impl Strategy<Value = Block> {
    let header = (bytes(), hash_algorithm(), any::<bool>())
        .prop_map(|(bytes, hash, number_prefix)| HeaderPreimage { bytes, hash, number_prefix });
    let entry =
        (text(), of(any::<bool>())).prop_map(|(transaction, failed)| BlockEntry { transaction, failed });
    (block_ref(), bytes(), of(any::<u64>()), of(header), vec(entry, 0..4), extensions()).prop_map(
        |(reference, parent, timestamp_millis, header, transactions, extensions)| Block {
            reference,
            parent,
            timestamp_millis,
            header,
            transactions,
            extensions,
        },
    )
}

fn store_operation() -> impl Strategy<Value = StoreOperation> {
    let entry = || (text(), bytes()).prop_map(|(key, value)| StoreEntry { key, value });
    prop_oneof![
        entry().prop_map(StoreOperation::Insert),
        entry().prop_map(StoreOperation::Update),
        text().prop_map(StoreOperation::Delete),
        text().prop_map(StoreOperation::Get),
        text().prop_map(StoreOperation::History),
    ]
}

fn store_answer() -> impl Strategy<Value = StoreAnswer> {
    let version = (of(bytes()), text(), block_ref()).prop_map(|(value, transaction, block)| StoreVersion {
        value,
        transaction,
        block,
    });
    prop_oneof![
        Just(StoreAnswer::Done),
        bytes().prop_map(StoreAnswer::Value),
        vec(version, 0..3).prop_map(StoreAnswer::History),
    ]
}

fn proof() -> impl Strategy<Value = Proof> {
    let preset = (text(), of(bytes())).prop_map(|(key, value)| PresetValue { key, value });
    let slot =
        (text(), bytes(), of(bytes())).prop_map(|(contract, key, value)| Slot { contract, key, value });
    let claim = prop_oneof![
        text().prop_map(Claim::Included),
        text().prop_map(Claim::Succeeded),
        event().prop_map(Claim::Event),
        preset.prop_map(Claim::PresetValue),
        slot.prop_map(Claim::Slot),
    ];
    (claim, block_ref(), bytes()).prop_map(|(claim, block, bytes)| Proof { claim, block, bytes })
}

fn failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        text().prop_map(Failure::Refused),
        text().prop_map(Failure::Unreachable),
        text().prop_map(Failure::Interrupted),
        Just(Failure::Timeout),
        any::<u64>().prop_map(Failure::TooLarge),
        Just(Failure::Exhausted),
    ]
}

fn http_request() -> impl Strategy<Value = HttpRequest> {
    (text(), text(), text(), vec((text(), text()), 0..3), bytes(), any::<bool>()).prop_map(
        |(endpoint, method, path, headers, body, sensitive)| HttpRequest {
            endpoint,
            method,
            path,
            headers,
            body,
            sensitive,
        },
    )
}

fn json_rpc_failure() -> impl Strategy<Value = JsonRpcFailure> {
    let error = (any::<i64>(), text(), of(text())).prop_map(|(code, message, data)| JsonRpcError {
        code,
        message,
        data,
    });
    prop_oneof![error.prop_map(JsonRpcFailure::Error), failure().prop_map(JsonRpcFailure::Transport)]
}

fn grpc_failure() -> impl Strategy<Value = GrpcFailure> {
    let status = (any::<u32>(), text(), bytes()).prop_map(|(code, message, details)| GrpcStatus {
        code,
        message,
        details,
    });
    prop_oneof![status.prop_map(GrpcFailure::Status), failure().prop_map(GrpcFailure::Transport)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn calls_and_steps_are_read_back_as_they_were_written(
        call in call(), options in call_options(), party in party(), signature in signature(), step in step(),
    ) {
        round_trip(&call)?;
        round_trip(&options)?;
        round_trip(&party)?;
        round_trip(&signature)?;
        round_trip(&step)?;
    }

    #[test]
    fn receipts_events_blocks_and_proofs_are_read_back_as_they_were_written(
        receipt in receipt(), event in event(), block in block(), proof in proof(), error in error(),
    ) {
        round_trip(&receipt)?;
        round_trip(&event)?;
        round_trip(&block)?;
        round_trip(&proof)?;
        round_trip(&SendFailure { error, effect: Effect::Unknown })?;
    }

    #[test]
    fn store_and_transport_words_are_read_back_as_they_were_written(
        operation in store_operation(), answer in store_answer(), request in http_request(),
        json_rpc in json_rpc_failure(), grpc in grpc_failure(),
    ) {
        round_trip(&operation)?;
        round_trip(&answer)?;
        round_trip(&request)?;
        round_trip(&json_rpc)?;
        round_trip(&grpc)?;
    }

    #[test]
    fn any_text_is_read_or_refused_and_never_a_panic(text in ".{0,60}", bytes in bytes()) {
        let _ = serde_json::from_str::<Call>(&text);
        let _ = serde_json::from_slice::<Receipt>(&bytes);
        let _ = serde_json::from_value::<BlockSelector>(serde_json::json!({ "hash": text }));
    }
}

/// Compares a value's JSON with its golden file, and reads the file back.
fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    let written = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let kept =
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; BLESS=1 writes it", path.display()));
    assert_eq!(written, kept, "the JSON form of {name} has changed; BLESS=1 if that is meant");
    assert_eq!(&serde_json::from_str::<T>(&kept).unwrap(), value);
}

fn block_42() -> BlockRef {
    BlockRef { number: 42, hash: vec![0xab; 4] }
}

fn transfer_event() -> Event {
    Event {
        id: "abababab/3".into(),
        contract: "token".into(),
        name: "Transfer".into(),
        payload: vec![1, 2],
        json: Some(r#"{"to":"bob"}"#.into()),
        transaction: "t1".into(),
        block: block_42(),
        index: 3,
        retracted: false,
        extensions: vec![Extension { key: "framework.detail".into(), value: vec![9] }],
    }
}

#[test]
fn the_json_form_of_calls_is_the_golden_one() {
    use adapter_spec::types::Value;
    let transfer = ContractCall {
        contract: "token".into(),
        function: "transfer".into(),
        arguments: vec![
            Value::Text("bob".into()),
            Value::Integer("-340282366920938463463374607431768211456".into()),
            Value::Bytes(vec![0, 255]),
            Value::Boolean(true),
            Value::Json("[1]".into()),
        ],
        abi: None,
        private_arguments: vec![("price".into(), vec![7])],
    };
    golden(
        "call",
        &[Call::Invoke(transfer), Call::Native(NativeCall { name: "freeze".into(), json: "{}".into() })],
    );
    let at = Some(BlockSelector::At(Confidence::Final));
    golden(
        "call-options",
        &CallOptions { salt: vec![1; 4], amount: Some("5".into()), at, ..Default::default() },
    );
    let key = PublicKey { scheme: SignatureScheme::Sm2Sm3, point: vec![4, 1], certificate: None };
    let input = SigningInput::Sm2(Sm2Message { id: b"id".to_vec(), data: vec![3] });
    let sign = Step::Sign(SignRequest {
        items: vec![SignItem { key, input }],
        continuation: vec![5],
        valid_until: Validity::Block(50),
        max_fee: None,
        summary: "transfer".into(),
    });
    let send = Step::Send(Envelope {
        transaction: "t1".into(),
        bytes: vec![6],
        valid_until: Validity::Unbounded,
        tracking: Vec::new(),
    });
    golden("step", &[sign, send, Step::Answer(Output { raw: vec![8], json: Some("8".into()) })]);
}

#[test]
fn the_json_form_of_what_a_ledger_tells_is_the_golden_one() {
    let receipt = Receipt {
        transaction: "t1".into(),
        inclusion: Inclusion::Included(2),
        block: Some(block_42()),
        index: Some(0),
        outcome: Some(Ok(Output { raw: Vec::new(), json: None })),
        created: None,
        events: vec![transfer_event()],
        fee: Some("21000".into()),
        extensions: Vec::new(),
    };
    let reverted = Error::new(ErrorCode::Reverted, "too little").with_native("0x16");
    let failed = Receipt {
        outcome: Some(Err(reverted)),
        inclusion: Inclusion::Final,
        events: vec![],
        ..receipt.clone()
    };
    golden("receipt", &[receipt, failed]);
    let header = HeaderPreimage { bytes: vec![1], hash: HashAlgorithm::DoubleSha256, number_prefix: true };
    let block = Block {
        reference: block_42(),
        parent: vec![0xaa; 4],
        timestamp_millis: Some(1_700_000_000_000),
        header: Some(header),
        transactions: vec![BlockEntry { transaction: "t1".into(), failed: Some(false) }],
        extensions: Vec::new(),
    };
    golden("block", &block);
    golden("event-page", &EventPage { events: vec![transfer_event()], cursor: vec![1, 2], scanned: 42 });
    let deleted = StoreVersion { value: None, transaction: "t2".into(), block: block_42() };
    let empty = StoreVersion { value: Some(Vec::new()), ..deleted.clone() };
    golden("store-answer", &[StoreAnswer::Done, StoreAnswer::History(vec![empty, deleted])]);
    let claim = Claim::PresetValue(PresetValue { key: "k".into(), value: None });
    golden("proof", &Proof { claim, block: block_42(), bytes: vec![1] });
}

#[test]
fn the_json_form_of_a_descriptor_and_of_failures_is_the_golden_one() {
    let descriptor = Descriptor {
        name: "example".into(),
        version: "1.2.3".into(),
        framework: "example".into(),
        framework_versions: vec!["2".into()],
        permissioned: true,
        schemes: vec![SignatureScheme::EcdsaP256Sha256, SignatureScheme::EcdsaSecp256k1Sha256Canonical],
        signs_digests: None,
        finality: Finality::Depth(12),
        ordered_accounts: true,
        endpoints: vec![EndpointNeed {
            name: "node".into(),
            transport: Transport::JsonRpc,
            required: true,
            many: false,
            reads: vec!["get_*".into()],
            purpose: "everything".into(),
        }],
        service_keys: vec![ServiceKeyNeed {
            name: "reader".into(),
            scheme: SignatureScheme::Sm2Sm3,
            purpose: "signed reads".into(),
        }],
        settings_schema: "{}".into(),
        max_payload: 1024,
        capabilities: vec!["deploy".into()],
        extensions: Vec::new(),
    };
    golden("descriptor", &descriptor);
    let refused = SendFailure::from(Failure::Refused("not lent".into()));
    golden("send-failure", &[refused, SendFailure::from(Failure::TooLarge(9))]);
}
