//! The adapter as a component in the host, over real HTTP, against Geth in `--dev` mode, named by the environment variable
//! `BERTH_GETH`: `cargo xtask test --real ethereum`. Without it this says that it did not run.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use adapter_spec::{Adapter, CallError, Ledger, types::*};
use alloy_primitives::keccak256;
use berth_crypto::SigningKey;
use berth_host::{ComponentAdapter, Host, HostConfig, Limits};
use berth_lending::{Endpoint, Lending, Network};

/// The key of Geth's developer account, 0x71562b71999873DB5b286dF957af199Ec94617F7 (geth, `--dev`).
const DEVELOPER: &str = "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291";

/// A developer chain in a folder of its own; it mines when there is something to mine.
struct Geth {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Geth {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

impl Geth {
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("BERTH_GETH") else {
            eprintln!(
                "NOT RUN: BERTH_GETH does not name the geth program (cargo xtask test --real ethereum)"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let (http, engine) = (free_port(), free_port());
        let mut child = Command::new(program)
            .args([
                "--dev",
                "--nodiscover",
                "--maxpeers",
                "0",
                "--port",
                "0",
                "--ipcdisable",
                "--cache",
                "128",
            ])
            .args(["--http", "--http.addr", "127.0.0.1", "--http.api", "eth,net,web3", "--http.port", &http])
            .args(["--authrpc.addr", "127.0.0.1", "--authrpc.port", &engine])
            .arg("--datadir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("geth starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("HTTP server started")), "geth ended before it served");
        // Its output must be read, or it stops.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Geth { child, url: format!("http://127.0.0.1:{http}"), _folder: folder })
    }
}

async fn component() -> ComponentAdapter {
    let folder = std::env::var_os("BERTH_COMPONENTS").expect("BERTH_COMPONENTS: run cargo xtask test");
    let bytes = std::fs::read(PathBuf::from(folder).join("ethereum.component.wasm")).unwrap();
    let host = Host::new(HostConfig { instances: 16, ..HostConfig::default() }).unwrap();
    host.load(&bytes, Limits::default()).await.unwrap()
}

struct Application {
    ledger: Arc<dyn Ledger>,
    key: SigningKey,
    salts: std::cell::Cell<u64>,
}

impl Application {
    async fn open(adapter: &ComponentAdapter, geth: &Geth, settings: &str) -> Self {
        let descriptor = adapter.describe().await.unwrap();
        let lending = Lending::builder("geth")
            .endpoint(Endpoint::new("geth", "node", Transport::JsonRpc, geth.url.clone()))
            .build(&descriptor, &Network::new())
            .unwrap();
        let ledger = adapter.open(lending, settings).await.unwrap();
        let key = SigningKey::from_hex(SignatureScheme::EcdsaSecp256k1Keccak256, DEVELOPER).unwrap();
        Application { ledger, key, salts: std::cell::Cell::new(0) }
    }

    async fn sign(&self, call: Call) -> Result<Envelope, CallError> {
        self.salts.set(self.salts.get() + 1);
        let party = Party { account: None, keys: vec![self.key.public_key()] };
        let options = CallOptions { salt: self.salts.get().to_be_bytes().to_vec(), ..CallOptions::default() };
        let mut step = self.ledger.begin(call, vec![party], options).await?;
        loop {
            match step {
                Step::Sign(request) => {
                    let signatures =
                        request.items.iter().map(|item| self.key.sign(&item.input).unwrap()).collect();
                    step = self.ledger.resume(request.continuation, signatures).await?;
                }
                Step::Send(envelope) => return Ok(envelope),
                Step::Answer(answer) => panic!("{answer:?}"),
            }
        }
    }

    async fn receipt(&self, envelope: &Envelope) -> Receipt {
        for _ in 0..1000 {
            match self.ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await {
                Ok(receipt) if receipt.outcome.is_some() => return receipt,
                Ok(_) => {}
                // A chain that has just begun still indexes its transactions.
                Err(CallError::Answered(error)) if error.retryable => {}
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} is in no block after 10 s", envelope.transaction)
    }

    async fn run(&self, call: Call) -> Result<Receipt, CallError> {
        let envelope = self.sign(call).await?;
        self.ledger.send(envelope.clone()).await.unwrap();
        // Sending the same envelope again is harmless, whether it waits or is in a block already.
        self.ledger.send(envelope.clone()).await.unwrap();
        let receipt = self.receipt(&envelope).await;
        self.ledger.send(envelope).await.unwrap();
        Ok(receipt)
    }

    async fn store(&self, contract: &str, operation: StoreOperation) -> Result<StoreAnswer, Error> {
        let answered = |error: CallError| error.answered().cloned().unwrap();
        let outcome = match self.ledger.to_call(contract, operation.clone()).await.unwrap() {
            Call::Evaluate(call) => self.evaluate(call).await.map_err(answered),
            call => self.run(call).await.map_err(answered).and_then(|receipt| receipt.outcome.unwrap()),
        };
        self.ledger.from_outcome(operation, outcome).await.map_err(answered)
    }

    async fn evaluate(&self, call: ContractCall) -> Result<Output, CallError> {
        match self.ledger.begin(Call::Evaluate(call), Vec::new(), CallOptions::default()).await? {
            Step::Answer(output) => Ok(output),
            step => panic!("{step:?}"),
        }
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_store_and_a_token_on_geth_do_what_the_standard_says() {
    let Some(geth) = Geth::start() else { return };
    let adapter = component().await;
    let on = Application::open(&adapter, &geth, r#"{"chain_id":1337}"#).await;
    assert_eq!(
        on.ledger.accounts(on.key.public_key()).await.unwrap(),
        ["0x71562b71999873DB5b286dF957af199Ec94617F7"]
    );
    let deployment = on.ledger.plan(Goal::Preset).await.unwrap().remove(0).call;
    let preset = on.run(deployment).await.unwrap().created.unwrap();
    let entry = |value: &[u8]| StoreEntry { key: "colour".into(), value: value.to_vec() };
    on.store(&preset, StoreOperation::Insert(entry(b"blue"))).await.unwrap();
    let twice = on.store(&preset, StoreOperation::Insert(entry(b"red"))).await.unwrap_err();
    assert_eq!(twice.code, ErrorCode::AlreadyExists);
    on.store(&preset, StoreOperation::Update(entry(b"green"))).await.unwrap();
    let value = on.store(&preset, StoreOperation::Get("colour".into())).await.unwrap();
    assert_eq!(value, StoreAnswer::Value(b"green".to_vec()));
    let history = on.store(&preset, StoreOperation::History("colour".into())).await.unwrap();
    let StoreAnswer::History(history) = history else { panic!("{history:?}") };
    assert_eq!(history.len(), 2);

    let compiled: serde_json::Value =
        serde_json::from_str(include_str!("../contracts/out/TestToken.json")).unwrap();
    let token = Deployment {
        name: "TestToken".into(),
        version: "1".into(),
        code: alloy_primitives::hex::decode(compiled["bytecode"].as_str().unwrap()).unwrap(),
        abi: Some(compiled["abi"].to_string()),
        arguments: vec![Value::Integer("1000".into())],
    };
    let token = on.run(Call::Deploy(token)).await.unwrap().created.unwrap();
    let to = Value::Text("0x00000000000000000000000000000000000000aa".into());
    let transfer = |value: &str| {
        Call::Invoke(call(
            &token,
            "transfer(address,uint256)",
            vec![to.clone(), Value::Integer(value.into())],
        ))
    };
    let receipt = on.run(transfer("30")).await.unwrap();
    assert!(matches!(receipt.outcome, Some(Ok(_))), "{receipt:?}");
    assert_eq!(receipt.events.len(), 1);
    let balance = on.evaluate(call(&token, "balanceOf(address)(uint256)", vec![to.clone()])).await.unwrap();
    assert_eq!(balance.json.as_deref(), Some("\"30\""));
    let too_much = on.run(transfer("5000")).await.unwrap_err();
    assert_eq!(too_much.answered().unwrap().code, ErrorCode::Reverted, "{too_much}");

    let block = on.ledger.block(BlockSelector::Hash(receipt.block.unwrap().hash)).await.unwrap();
    assert_eq!(keccak256(block.header.unwrap().bytes).to_vec(), block.reference.hash);
    let filter = EventFilter { contract: Some(token), name: None, abi: None, confidence: Confidence::Latest };
    let page = on.ledger.events(filter, EventStart::Earliest, 10, 1 << 16).await.unwrap();
    assert_eq!(page.events.len(), 2, "the deployment's and the transfer's");
}

#[tokio::test(flavor = "multi_thread")]
async fn geths_own_refusals_have_the_standards_codes() {
    let Some(geth) = Geth::start() else { return };
    let adapter = component().await;
    let other_chain = Application::open(&adapter, &geth, r#"{"chain_id":1}"#).await;
    let nothing = Call::Invoke(call("0x00000000000000000000000000000000000000aa", "", vec![]));
    let error = other_chain.sign(nothing.clone()).await.unwrap_err();
    assert!(error.to_string().contains("chain_id"), "{error}");

    let mut poor = Application::open(&adapter, &geth, r#"{"chain_id":1337}"#).await;
    poor.key = SigningKey::from_bytes(SignatureScheme::EcdsaSecp256k1Keccak256, &[9; 32]).unwrap();
    let refused = match poor.sign(nothing.clone()).await {
        Err(error) => error.answered().unwrap().clone(),
        Ok(envelope) => match poor.ledger.send(envelope).await.unwrap_err() {
            CallError::Answered(failure) => {
                assert_eq!(failure.effect, Effect::Never);
                failure.error
            }
            CallError::Ended(ended) => panic!("{ended}"),
        },
    };
    assert_eq!(refused.code, ErrorCode::InsufficientFunds, "{refused}");

    // A second application with the same key and no shared state takes the same nonce: one of them wins.
    let (one, two) = (
        Application::open(&adapter, &geth, r#"{"chain_id":1337}"#).await,
        Application::open(&adapter, &geth, r#"{"chain_id":1337}"#).await,
    );
    two.salts.set(100);
    let (first, second) = (one.sign(nothing.clone()).await.unwrap(), {
        let other = Call::Invoke(call("0x00000000000000000000000000000000000000bb", "", vec![]));
        two.sign(other).await.unwrap()
    });
    one.ledger.send(first.clone()).await.unwrap();
    assert!(one.receipt(&first).await.outcome.unwrap().is_ok());
    let CallError::Answered(lost) = two.ledger.send(second).await.unwrap_err() else { panic!() };
    assert_eq!((lost.error.code, lost.effect), (ErrorCode::Conflict, Effect::Never), "{lost}");
}
