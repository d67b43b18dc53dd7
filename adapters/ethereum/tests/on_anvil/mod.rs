//! The adapter against a real node: Anvil, named by the environment variable `BERTH_ANVIL`.

use std::sync::Arc;

use crate::support::{
    TestHost, User, answered,
    anvil::{Anvil, open},
    options,
};
use adapter_spec::{Ledger, types::*};
use alloy_primitives::keccak256;
use anvil_process::{FIRST_KEY, SECOND_KEY};
use serde_json::{Value as Json, json};

/// Starts Anvil, or ends the test and says that it did not run.
macro_rules! anvil {
    ($($argument:expr),*) => {
        match Anvil::start(&[$($argument),*]) {
            Some(anvil) => anvil,
            None => return,
        }
    };
}

struct Setting {
    node: Arc<Anvil>,
    lent: Arc<TestHost>,
    ledger: Arc<dyn Ledger>,
    user: User,
    salts: std::cell::Cell<u64>,
}

impl Setting {
    async fn new(node: &Arc<Anvil>, settings: Json) -> Self {
        let lent = node.lend();
        let ledger = open(&lent, settings).await;
        let salts = std::cell::Cell::new(0);
        Setting { node: Arc::clone(node), lent, ledger, user: User::from_hex(FIRST_KEY), salts }
    }

    fn salt(&self) -> Vec<u8> {
        self.salts.set(self.salts.get() + 1);
        self.salts.get().to_be_bytes().to_vec()
    }

    async fn sign(&self, call: Call) -> Result<Envelope, Error> {
        let step = answered(self.ledger.begin(call, self.user.party(), options(&self.salt())).await)?;
        self.user.finish(&*self.ledger, step).await
    }

    async fn send(&self, envelope: &Envelope) {
        self.ledger.send(envelope.clone()).await.unwrap();
    }

    async fn receipt(&self, envelope: &Envelope) -> Receipt {
        answered(self.ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await).unwrap()
    }

    /// Signs, sends and mines.
    async fn run(&self, call: Call) -> Result<Receipt, Error> {
        let envelope = self.sign(call).await?;
        self.send(&envelope).await;
        self.node.mine(1);
        Ok(self.receipt(&envelope).await)
    }

    async fn evaluate(&self, call: ContractCall) -> Result<Output, Error> {
        let step = self.ledger.begin(Call::Evaluate(call), Vec::new(), CallOptions::default()).await;
        match answered(step)? {
            Step::Answer(output) => Ok(output),
            other => panic!("{other:?}"),
        }
    }

    async fn deploy(&self, name: &str, arguments: Vec<Value>) -> String {
        let path = format!("{}/contracts/out/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let compiled: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let deployment = Deployment {
            name: name.into(),
            version: "1".into(),
            code: alloy_primitives::hex::decode(compiled["bytecode"].as_str().unwrap()).unwrap(),
            abi: Some(compiled["abi"].to_string()),
            arguments,
        };
        self.run(Call::Deploy(deployment)).await.unwrap().created.unwrap()
    }

    async fn token(&self) -> String {
        self.deploy("TestToken", vec![Value::Integer("1000".into())]).await
    }

    async fn store(&self, contract: &str, operation: StoreOperation) -> Result<StoreAnswer, Error> {
        let call = answered(self.ledger.to_call(contract, operation.clone()).await)?;
        let outcome = match call {
            Call::Evaluate(call) => self.evaluate(call).await,
            call => match self.run(call).await {
                Ok(receipt) => receipt.outcome.unwrap(),
                Err(error) => Err(error),
            },
        };
        answered(self.ledger.from_outcome(operation, outcome).await)
    }

    async fn events(&self, filter: &EventFilter, start: EventStart, limit: u32) -> EventPage {
        answered(self.ledger.events(filter.clone(), start, limit, 1 << 20).await).unwrap()
    }
}

fn transfer(token: &str, value: u64) -> Call {
    Call::Invoke(call(
        token,
        "transfer(address,uint256)",
        vec![
            Value::Text("0x00000000000000000000000000000000000000aa".into()),
            Value::Integer(value.to_string()),
        ],
    ))
}

fn call(contract: &str, function: &str, arguments: Vec<Value>) -> ContractCall {
    ContractCall {
        contract: contract.into(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: Vec::new(),
    }
}

fn balance() -> Vec<Value> {
    vec![Value::Text("0x00000000000000000000000000000000000000aa".into())]
}

fn transfers(token: &str) -> EventFilter {
    EventFilter {
        contract: Some(token.into()),
        name: Some("Transfer(address indexed from,address indexed to,uint256 value)".into()),
        abi: None,
        confidence: Confidence::Latest,
    }
}

fn settings() -> Json {
    json!({"chain_id": 31337})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preset_store_does_what_the_standard_says() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let plan = answered(on.ledger.plan(Goal::Preset).await).unwrap();
    let preset = on.run(plan[0].call.clone()).await.unwrap().created.unwrap();
    let entry = |key: &str, value: &[u8]| StoreEntry { key: key.into(), value: value.to_vec() };
    let get = |key: &str| on.store(&preset, StoreOperation::Get(key.into()));

    assert_eq!(get("ключ").await.unwrap_err().code, ErrorCode::NotFound);
    for (key, value) in [("ключ", b"one".as_slice()), ("empty", b"")] {
        let done = on.store(&preset, StoreOperation::Insert(entry(key, value))).await;
        assert_eq!(done.unwrap(), StoreAnswer::Done);
        assert_eq!(get(key).await.unwrap(), StoreAnswer::Value(value.to_vec()));
    }
    let again = on.store(&preset, StoreOperation::Insert(entry("ключ", b"two"))).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::AlreadyExists);
    let missing = on.store(&preset, StoreOperation::Update(entry("none", b"two"))).await;
    assert_eq!(missing.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(
        on.store(&preset, StoreOperation::Delete("none".into())).await.unwrap_err().code,
        ErrorCode::NotFound
    );
    on.store(&preset, StoreOperation::Update(entry("ключ", b"two"))).await.unwrap();
    on.store(&preset, StoreOperation::Delete("ключ".into())).await.unwrap();
    assert_eq!(get("ключ").await.unwrap_err().code, ErrorCode::NotFound);
    on.store(&preset, StoreOperation::Insert(entry("ключ", b"three"))).await.unwrap();

    let StoreAnswer::History(history) =
        on.store(&preset, StoreOperation::History("ключ".into())).await.unwrap()
    else {
        panic!()
    };
    let values: Vec<_> = history.iter().map(|version| version.value.clone()).collect();
    assert_eq!(values, [Some(b"one".to_vec()), Some(b"two".to_vec()), None, Some(b"three".to_vec())]);
    assert!(history.is_sorted_by_key(|version| version.block.number));
    let never = on.store(&preset, StoreOperation::History("never".into())).await;
    assert_eq!(never.unwrap_err().code, ErrorCode::NotFound);
    // The longest key and value fit a block.
    let longest = StoreEntry { key: "k".repeat(255), value: vec![0xff; 16 * 1024] };
    on.store(&preset, StoreOperation::Insert(longest.clone())).await.unwrap();
    assert_eq!(get(&longest.key).await.unwrap(), StoreAnswer::Value(longest.value));
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_calls_reads_and_reverts_of_a_token() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let receipt = on.run(transfer(&token, 30)).await.unwrap();
    assert!(receipt.outcome.unwrap().is_ok());
    assert_eq!(receipt.events.len(), 1);
    assert!(receipt.fee.unwrap().parse::<u128>().unwrap() > 0);

    let read = on.evaluate(call(&token, "balanceOf(address)(uint256)", balance())).await.unwrap();
    assert_eq!(read.json.as_deref(), Some("\"30\""));
    let text = on.evaluate(call(&token, "name() returns (string)", vec![])).await.unwrap();
    assert_eq!(text.json.as_deref(), Some("\"Test Token\""));

    let refused = on.sign(transfer(&token, 5000)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Reverted);
    assert!(refused.message.contains("balance too small"), "{}", refused.message);

    let nobody = "0x00000000000000000000000000000000000000bb";
    assert_eq!(on.sign(transfer(nobody, 1)).await.unwrap_err().code, ErrorCode::NotFound);
    let read = on.evaluate(call(nobody, "balanceOf(address)(uint256)", balance())).await;
    assert_eq!(read.unwrap_err().code, ErrorCode::NotFound);
    let unknown = on.evaluate(call(&token, "nothing()(uint256)", vec![])).await;
    assert_eq!(unknown.unwrap_err().code, ErrorCode::Reverted);

    let poor = User::number(77);
    let step = answered(on.ledger.begin(transfer(&token, 0), poor.party(), options(b"poor")).await).unwrap();
    let envelope = poor.finish(&*on.ledger, step).await.unwrap();
    let failure = on.ledger.send(envelope).await.unwrap_err();
    let failure = failure.answered().unwrap();
    assert_eq!((failure.error.code, failure.effect), (ErrorCode::InsufficientFunds, Effect::Never));

    let costly = CallOptions { max_fee: Some("1".into()), ..options(b"cheap") };
    let refused = answered(on.ledger.begin(transfer(&token, 1), on.user.party(), costly).await);
    assert_eq!(refused.unwrap_err().code, ErrorCode::Underpriced);
    let estimate =
        answered(on.ledger.estimate(transfer(&token, 1), on.user.party(), options(b"e")).await).unwrap();
    assert!(estimate.units.unwrap().parse::<u64>().unwrap() > 21_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_in_its_block_is_never_success() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let preset = on.deploy("PresetStore", vec![]).await;
    let token = on.token().await;
    let insert = StoreOperation::Insert(StoreEntry { key: "k".into(), value: vec![1] });
    let mut envelopes = Vec::new();
    for _ in 0..2 {
        let call = answered(on.ledger.to_call(&preset, insert.clone()).await).unwrap();
        envelopes.push(on.sign(call).await.unwrap());
    }
    envelopes.push(on.sign(transfer(&token, 600)).await.unwrap());
    envelopes.push(on.sign(transfer(&token, 600)).await.unwrap());
    for envelope in &envelopes {
        on.send(envelope).await;
        assert_eq!(on.receipt(envelope).await.inclusion, Inclusion::Pending);
    }
    node.mine(1);
    let mut codes = Vec::new();
    for envelope in &envelopes {
        let receipt = on.receipt(envelope).await;
        assert_eq!(receipt.inclusion, Inclusion::Included(1));
        codes.push(receipt.outcome.unwrap().err().map(|error| (error.code, error.message)));
    }
    assert_eq!(codes[0], None);
    assert_eq!(codes[1].as_ref().unwrap().0, ErrorCode::AlreadyExists);
    assert_eq!(codes[2], None);
    let (code, message) = codes[3].clone().unwrap();
    assert_eq!(code, ErrorCode::Reverted);
    assert!(message.contains("balance too small"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_senders_at_once_on_one_account_never_collide() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let mut tasks = Vec::new();
    for who in 0..2u8 {
        // Each has its own instance; they share the application's state.
        let (lent, token) = (Arc::clone(&on.lent), token.clone());
        tasks.push(tokio::spawn(async move {
            let ledger = open(&lent, settings()).await;
            let user = User::from_hex(FIRST_KEY);
            for n in 0..10u8 {
                let step = ledger.begin(transfer(&token, 1), user.party(), options(&[who, n])).await;
                let envelope = user.finish(&*ledger, answered(step).unwrap()).await.unwrap();
                ledger.send(envelope).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    node.mine(1);
    let read = on.evaluate(call(&token, "balanceOf(address)(uint256)", balance())).await.unwrap();
    assert_eq!(read.json.as_deref(), Some("\"20\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_abandoned_calls_leave_no_gap_not_even_over_a_restart() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let mut first = None;
    for n in 0..100u8 {
        let step =
            answered(on.ledger.begin(transfer(&token, 1), on.user.party(), options(&[n])).await).unwrap();
        let Step::Sign(request) = step else { panic!() };
        // Every other one is given up; the rest just never comes back.
        if n % 2 == 0 {
            answered(on.ledger.abandon(request.continuation).await).unwrap();
        } else {
            first.get_or_insert(request);
        }
    }
    let ledger = open(&on.lent, settings()).await;
    let step = answered(ledger.begin(transfer(&token, 7), on.user.party(), options(b"after")).await).unwrap();
    let envelope = on.user.finish(&*ledger, step).await.unwrap();
    ledger.send(envelope.clone()).await.unwrap();
    node.mine(1);
    assert_eq!(on.receipt(&envelope).await.inclusion, Inclusion::Included(1));

    // One that comes back in time goes through too, one that is late says so.
    let request = first.unwrap();
    let late = (request.continuation.clone(), vec![on.user.sign(&request.items[0].input)]);
    let envelope = on.user.finish(&*ledger, Step::Sign(request)).await.unwrap();
    ledger.send(envelope.clone()).await.unwrap();
    node.mine(1);
    assert_eq!(on.receipt(&envelope).await.inclusion, Inclusion::Included(1));
    on.lent.pass(121_000);
    let refused = answered(ledger.resume(late.0, late.1).await).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_whose_nonce_was_given_away_is_not_sent() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let unsent = on.sign(transfer(&token, 1)).await.unwrap();
    on.lent.pass(121_000);
    let other = on.sign(transfer(&token, 2)).await.unwrap();
    let failure = on.ledger.send(unsent.clone()).await.unwrap_err();
    let failure = failure.answered().unwrap().clone();
    assert_eq!((failure.error.code, failure.effect), (ErrorCode::Expired, Effect::Never));
    on.send(&other).await;
    node.mine(1);
    assert!(on.receipt(&other).await.outcome.unwrap().is_ok());
    // Only what is final takes another's place for good.
    assert_eq!(on.receipt(&unsent).await.inclusion, Inclusion::Unknown);
    node.mine(5);
    assert_eq!(on.receipt(&unsent).await.inclusion, Inclusion::Superseded(String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_one_envelope_many_times_makes_one_transaction() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let envelope = on.sign(transfer(&token, 5)).await.unwrap();
    for _ in 0..3 {
        on.send(&envelope).await;
    }
    node.mine(1);
    for _ in 0..3 {
        on.send(&envelope).await;
    }
    // After a restart, too, and long after.
    on.lent.pass(1_000_000);
    let ledger = open(&on.lent, settings()).await;
    ledger.send(envelope.clone()).await.unwrap();
    node.mine(1);
    let read = on.evaluate(call(&token, "balanceOf(address)(uint256)", balance())).await.unwrap();
    assert_eq!(read.json.as_deref(), Some("\"5\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_takes_effect_instead_of_the_original() {
    for kind in ["eip1559", "legacy"] {
        let node = anvil!();
        let on = Setting::new(&node, json!({"chain_id": 31337, "transaction_type": kind})).await;
        let token = on.token().await;
        let original = on.sign(transfer(&token, 5)).await.unwrap();
        on.send(&original).await;
        let other = User::from_hex(SECOND_KEY);
        let refused = on.ledger.replace(original.clone(), other.party(), options(b"r")).await;
        assert_eq!(answered(refused).unwrap_err().code, ErrorCode::PermissionDenied);
        let step = on.ledger.replace(original.clone(), on.user.party(), options(b"r")).await;
        let faster = on.user.finish(&*on.ledger, answered(step).unwrap()).await.unwrap();
        assert_ne!(faster.transaction, original.transaction);
        on.send(&faster).await;
        node.mine(2);
        assert_eq!(on.receipt(&faster).await.inclusion, Inclusion::Included(2));
        node.mine(5);
        assert_eq!(on.receipt(&faster).await.inclusion, Inclusion::Final);
        let superseded = Inclusion::Superseded(faster.transaction.clone());
        assert_eq!(on.receipt(&original).await.inclusion, superseded);
        let failure = on.ledger.send(original.clone()).await.unwrap_err();
        assert_eq!(failure.answered().unwrap().effect, Effect::Never);
        let read = on.evaluate(call(&token, "balanceOf(address)(uint256)", balance())).await.unwrap();
        assert_eq!(read.json.as_deref(), Some("\"5\""));
        let late = on.ledger.replace(faster, on.user.party(), options(b"s")).await;
        assert_eq!(answered(late).unwrap_err().code, ErrorCode::AlreadyExists);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reorganisation_drops_is_taken_back() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let filter = transfers(&token);
    let page = on.events(&filter, EventStart::Earliest, 10).await;
    assert_eq!(page.events.len(), 1, "the constructor's");
    let envelope = on.sign(transfer(&token, 5)).await.unwrap();
    on.send(&envelope).await;
    node.mine(1);
    let page = on.events(&filter, EventStart::Cursor(page.cursor), 10).await;
    let [event] = page.events.as_slice() else { panic!("{page:?}") };
    assert!(!event.retracted && event.json.as_deref().unwrap().contains("\"value\":\"5\""));
    assert!(event.id.contains(&alloy_primitives::hex::encode_prefixed(&event.block.hash)));
    assert!(matches!(on.receipt(&envelope).await.inclusion, Inclusion::Included(_)));

    // The last block goes, with its transaction, and two others come.
    node.tell("anvil_reorg", json!([1, []]));
    node.mine(2);
    let after = on.events(&filter, EventStart::Cursor(page.cursor), 10).await;
    let [taken_back] = after.events.as_slice() else { panic!("{after:?}") };
    assert!(taken_back.retracted);
    assert_eq!(taken_back.id, event.id);
    let receipt = on.receipt(&envelope).await;
    assert!(receipt.outcome.is_none(), "{receipt:?}");
    let rest = on.events(&filter, EventStart::Cursor(after.cursor), 10).await;
    assert!(rest.events.is_empty());
    // The same bytes go out again, and the event comes in another block.
    on.send(&envelope).await;
    node.mine(1);
    let again = on.events(&filter, EventStart::Cursor(rest.cursor), 10).await;
    let [again] = again.events.as_slice() else { panic!("{again:?}") };
    assert!(!again.retracted && again.id != event.id && again.transaction == event.transaction);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_pages_without_gap_or_repetition() {
    let node = anvil!();
    let on = Setting::new(&node, json!({"chain_id": 31337, "logs_block_range": 3})).await;
    let token = on.token().await;
    for block in 0..4u64 {
        for n in 0..5u64 {
            let envelope = on.sign(transfer(&token, block * 10 + n)).await.unwrap();
            on.send(&envelope).await;
        }
        node.mine(1);
    }
    node.mine(5);
    let head = answered(on.ledger.status().await).unwrap().head.number;
    for limit in [1, 2, 3, 7] {
        let (mut start, mut seen, mut scanned) = (EventStart::Earliest, Vec::new(), 0);
        for _ in 0..100 {
            let page = on.events(&transfers(&token), start, limit).await;
            assert!(page.events.len() <= limit as usize && page.scanned >= scanned);
            scanned = page.scanned;
            seen.extend(page.events.into_iter().map(|event| event.id));
            start = EventStart::Cursor(page.cursor);
            if scanned == head {
                break;
            }
        }
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((seen.len(), unique.len(), scanned), (21, 21, head), "limit {limit}");
    }
    let future = on.ledger.events(transfers(&token), EventStart::Block(head + 100), 1, 1000).await;
    assert_eq!(answered(future).unwrap_err().code, ErrorCode::OutOfRange);
    let latest = on.events(&transfers(&token), EventStart::Latest, 10).await;
    assert!(latest.events.is_empty() && latest.scanned == head);
    let last = EventFilter { confidence: Confidence::Final, ..transfers(&token) };
    let page = on.events(&last, EventStart::Earliest, 100).await;
    assert!(page.scanned < head);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_become_final_when_the_node_says_so_or_at_their_depth() {
    let node = anvil!();
    for settings in [settings(), json!({"chain_id": 31337, "finality": {"depth": 5}})] {
        let on = Setting::new(&node, settings).await;
        let token = on.token().await;
        let envelope = on.sign(transfer(&token, 1)).await.unwrap();
        on.send(&envelope).await;
        node.mine(1);
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.push(on.receipt(&envelope).await.inclusion);
            node.mine(1);
        }
        seen.push(on.receipt(&envelope).await.inclusion);
        assert_eq!(seen[0], Inclusion::Included(1));
        assert_eq!(seen[1], Inclusion::Included(2));
        assert_eq!(seen[5], Inclusion::Final, "{seen:?}");
        let status = answered(on.ledger.status().await).unwrap();
        assert!(status.synced && status.finalized.number < status.head.number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_hash_to_their_ids_and_link() {
    for fork in ["istanbul", "london", "shanghai", "cancun", "prague", "osaka"] {
        let node = anvil!("--hardfork", fork);
        let kind = if fork == "istanbul" { "legacy" } else { "eip1559" };
        let on = Setting::new(&node, json!({"chain_id": 31337, "transaction_type": kind})).await;
        on.token().await;
        node.mine(2);
        let mut parent: Option<Block> = None;
        for number in 0..=3 {
            let block = answered(on.ledger.block(BlockSelector::Number(number)).await).unwrap();
            let header = block.header.clone().unwrap();
            assert_eq!(keccak256(&header.bytes).as_slice(), block.reference.hash, "{fork}");
            if let Some(parent) = parent {
                assert_eq!(parent.reference.hash, block.parent);
            }
            let by_hash = answered(on.ledger.block(BlockSelector::Hash(block.reference.hash.clone())).await);
            assert_eq!(by_hash.unwrap(), block);
            parent = Some(block);
        }
        let beyond = on.ledger.block(BlockSelector::Number(99)).await;
        assert_eq!(answered(beyond).unwrap_err().code, ErrorCode::OutOfRange);
        let unknown = on.ledger.block(BlockSelector::Hash(vec![1; 32])).await;
        assert_eq!(answered(unknown).unwrap_err().code, ErrorCode::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_is_refused_by_the_settings_name() {
    let node = anvil!();
    let on = Setting::new(&node, json!({"chain_id": 1})).await;
    let refused = answered(on.ledger.status().await).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
    assert!(refused.message.contains("chain_id"), "{}", refused.message);
    let refused = on.sign(transfer("0x00000000000000000000000000000000000000bb", 1)).await.unwrap_err();
    assert!(refused.message.contains("chain_id"), "{}", refused.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_see_the_block_that_they_name() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let before = answered(on.ledger.status().await).unwrap().head;
    on.run(transfer(&token, 3)).await.unwrap();
    let read = |at: BlockSelector| {
        let options = CallOptions { at: Some(at), ..CallOptions::default() };
        let call = Call::Evaluate(call(&token, "balanceOf(address)(uint256)", balance()));
        let ledger = Arc::clone(&on.ledger);
        async move { answered(ledger.begin(call, Vec::new(), options).await) }
    };
    let value = |step: Result<Step, Error>| match step.unwrap() {
        Step::Answer(output) => output.json.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(value(read(BlockSelector::Number(before.number)).await), "\"0\"");
    assert_eq!(value(read(BlockSelector::Hash(before.hash)).await), "\"0\"");
    assert_eq!(value(read(BlockSelector::At(Confidence::Latest)).await), "\"3\"");
    assert_eq!(read(BlockSelector::Number(1000)).await.unwrap_err().code, ErrorCode::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_by_another_key_are_refused() {
    let node = anvil!();
    let on = Setting::new(&node, settings()).await;
    let token = on.token().await;
    let step = answered(on.ledger.begin(transfer(&token, 1), on.user.party(), options(b"x")).await).unwrap();
    let Step::Sign(request) = step else { panic!() };
    let wrong = User::from_hex(SECOND_KEY).sign(&request.items[0].input);
    let good = on.user.sign(&request.items[0].input);
    let flipped = Signature { recovery_id: good.recovery_id.map(|id| 1 - id), ..good.clone() };
    let short = Signature { bytes: good.bytes[..63].to_vec(), ..good.clone() };
    for signatures in [vec![wrong], vec![flipped], vec![short], vec![], vec![good.clone(), good.clone()]] {
        let refused = answered(on.ledger.resume(request.continuation.clone(), signatures).await);
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidArgument);
    }
    assert!(answered(on.ledger.resume(request.continuation, vec![good]).await).is_ok());
}
