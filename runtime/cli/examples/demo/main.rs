//! Shows the Ethereum adapter at work on a node of its own: `cargo xtask demo`.

mod application;
mod token;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use adapter_spec::{
    Adapter as _, Ledger,
    types::{
        BlockSelector, Call, Confidence, Deployment, EventFilter, EventStart, Goal, SignatureScheme,
        StoreAnswer, StoreEntry, StoreOperation, Transport, Value,
    },
};
use anvil_process::{Anvil, FIRST_KEY};
use application::{Application, function};
use berth_cli::{cost, places, show};
use berth_crypto::SigningKey;
use berth_host::{ComponentAdapter, Host, HostConfig, Limits};
use berth_lending::{
    Endpoint, Lending, Network,
    recording::{Recorder, Replayer, Room},
};
use clap::Parser;

/// The account of the second of Anvil's well-known keys.
const OTHER_ACCOUNT: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/// The chain that Anvil makes.
const CHAIN: u64 = 31_337;

/// Anything that stops the demonstration.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// The events of the token that are followed.
const TRANSFER: &str = "Transfer(address indexed from,address indexed to,uint256 value)";

/// Shows the Ethereum adapter at work on a node that it starts and stops.
#[derive(Parser)]
struct Arguments {
    /// The folder of components
    #[arg(long)]
    components: PathBuf,
    /// The program `anvil`
    #[arg(long)]
    anvil: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let shown = tokio::select! {
        shown = demonstrate(&arguments) => shown,
        // The node ends as it is dropped.
        _ = tokio::signal::ctrl_c() => Err("stopped by Ctrl-C".into()),
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("\nThe demonstration ended early: {}", show::plain(&trouble.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// A numbered step, and what came of it below.
struct Story {
    step: usize,
}

impl Story {
    fn step(&mut self, title: &str) {
        self.step += 1;
        println!("\n{:>2}. {title}", self.step);
    }
}

fn say(text: &str) {
    println!("    {}", show::plain(text));
}

/// The beginning of a long hexadecimal text.
fn short(text: &str) -> String {
    let start: String = text.chars().take(14).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

async fn demonstrate(arguments: &Arguments) -> Result<(), Trouble> {
    let mut story = Story { step: 0 };
    println!("Berth: one host, any blockchain framework. Here it is Ethereum.");

    story.step("Start a local Ethereum node (Anvil)");
    let mut node = Anvil::start(&arguments.anvil, &["--slots-in-an-epoch", "1"])?;
    say(&format!("it listens at {}, chain {}", node.url(), CHAIN));

    story.step("Load the adapter, a WebAssembly component in a sandbox");
    let meter = Arc::new(cost::Ledger::default());
    let adapter = load(&arguments.components, meter.clone()).await?;
    say("it has no files, network or keys: only what it is lent, here this node");

    let settings = format!("{{\"chain_id\": {}}}", CHAIN);
    let ledger = adapter.open(lend(&adapter, node.url())?, &settings).await?;
    let key = SigningKey::from_hex(SignatureScheme::EcdsaSecp256k1Keccak256, FIRST_KEY)?;
    let account =
        ledger.accounts(key.public_key()).await?.into_iter().next().ok_or("the key has no account")?;
    say(&format!("we are {account}, a well-known test account"));
    let descriptor = adapter.facts().descriptor.clone();
    let mut application = Application::new(ledger, descriptor, key, meter);
    application.note("load and open");

    preset_store(&mut story, &mut application).await?;
    let token = token_contract(&mut story, &mut application).await?;
    events(&mut story, &mut application, &token).await?;
    block(&mut story, &mut application).await?;
    replay(&mut story, &mut application, &adapter, node.url(), &token, &settings).await?;

    story.step("What it cost");
    say("time: from call to answer, with the node's; adapter: the sandbox's part");
    println!();
    print!("{}", cost::table("step", application.costs.iter().map(|(name, usage)| (name.as_str(), usage))));

    story.step("Stop the node");
    node.stop();
    say("done; nothing is left running");
    Ok(())
}

/// Loads the component, twice, so that the second load shows what the cache is worth.
async fn load(components: &Path, meter: Arc<cost::Ledger>) -> Result<ComponentAdapter, Trouble> {
    let file = components.join("ethereum.component.wasm");
    let bytes =
        std::fs::read(&file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let host = Host::new(HostConfig {
        instances: 64,
        cache: places::code_cache(),
        observer: Some(meter),
        ..HostConfig::default()
    })?;
    let start = Instant::now();
    let adapter = host.load(&bytes, Limits::default()).await?;
    let facts = adapter.facts();
    let how = if facts.from_cache { "from the cache of compiled code" } else { "compiled just now" };
    say(&format!(
        "{} {}, {} bytes, SHA-256 {}",
        facts.descriptor.name,
        facts.descriptor.version,
        show::grouped(facts.bytes as u64),
        short(&hex::encode(facts.digest))
    ));
    say(&format!("loaded in {}, {how}", cost::time(start.elapsed())));
    Ok(adapter)
}

/// What the application lends: the node, under the name that the adapter's descriptor has for it.
fn lend(adapter: &ComponentAdapter, url: &str) -> Result<Arc<Lending>, Trouble> {
    let endpoint = Endpoint::new("anvil", "node", Transport::JsonRpc, url);
    let lending = Lending::builder("demo").endpoint(endpoint);
    Ok(lending.build(&adapter.facts().descriptor, &Network::new())?)
}

/// The preset store: a key-value store that every framework has alike.
async fn preset_store(story: &mut Story, application: &mut Application) -> Result<(), Trouble> {
    story.step("Deploy the preset store, so that no contract has to be written");
    let plan = application.ledger.plan(Goal::Preset).await?;
    let mut contract = None;
    for planned in plan {
        let receipt = application.write(planned.call).await?;
        contract = receipt.created.or(contract);
    }
    let contract = contract.ok_or("the plan made no contract")?;
    say(&format!("planned by the adapter; it is at {contract}"));
    application.note("deploy the store");

    let entry = |value: &str| StoreEntry { key: "colour".into(), value: value.into() };
    story.step("Insert, update, read, and read the history");
    application.store(&contract, StoreOperation::Insert(entry("blue"))).await??;
    say("inserted colour = \"blue\"");
    application.note("insert");
    application.store(&contract, StoreOperation::Update(entry("green"))).await??;
    say("updated  colour = \"green\"");
    application.note("update");
    match application.store(&contract, StoreOperation::Get("colour".into())).await?? {
        StoreAnswer::Value(value) => {
            say(&format!("read     colour = \"{}\"", String::from_utf8_lossy(&value)))
        }
        other => return Err(format!("a read answered {other:?}").into()),
    }
    application.note("read");
    match application.store(&contract, StoreOperation::History("colour".into())).await?? {
        StoreAnswer::History(versions) => {
            let versions: Vec<_> = versions
                .iter()
                .map(|version| {
                    let value = version.value.as_deref().map_or("deleted".into(), String::from_utf8_lossy);
                    format!("\"{value}\" in block {}", version.block.number)
                })
                .collect();
            say(&format!("history  {}", versions.join(", then ")));
        }
        other => return Err(format!("a history answered {other:?}").into()),
    }
    application.note("history");

    story.step("Insert the same key again: an error with a code of the standard");
    match application.store(&contract, StoreOperation::Insert(entry("red"))).await? {
        Ok(_) => return Err("a second insert succeeded".into()),
        Err(error) => say(&format!("{}: {}", error.code.name(), error.message)),
    }
    application.note("second insert");
    Ok(())
}

/// A contract with types: an ERC-20 token. Gives its address.
async fn token_contract(story: &mut Story, application: &mut Application) -> Result<String, Trouble> {
    story.step("Deploy an ERC-20 token and transfer some of it");
    let deployment: Deployment = token::deployment(1_000)?;
    let receipt = application.write(Call::Deploy(deployment)).await?;
    let token = receipt.created.ok_or("the deployment made no contract")?;
    say(&format!("the token is {token}, with 1,000 for us"));
    application.note("deploy the token");

    let to = Value::Text(OTHER_ACCOUNT.into());
    let arguments = vec![to.clone(), Value::Integer("30".into())];
    let receipt =
        application.write(Call::Invoke(function(&token, "transfer(address,uint256)", arguments))).await?;
    let block = receipt.block.ok_or("the transfer is in no block")?;
    say(&format!("transfer(address,uint256) of 30 is in block {}", block.number));
    application.note("transfer");

    let balance = application.read(Call::Evaluate(balance_of(&token))).await?;
    say(&format!("balanceOf({}) is {}", short(OTHER_ACCOUNT), balance.json.unwrap_or_default()));
    application.note("read the balance");
    Ok(token)
}

fn balance_of(token: &str) -> adapter_spec::types::ContractCall {
    function(token, "balanceOf(address)(uint256)", vec![Value::Text(OTHER_ACCOUNT.into())])
}

/// Reads events, makes one more, and goes on where the first page ended.
async fn events(story: &mut Story, application: &mut Application, token: &str) -> Result<(), Trouble> {
    story.step("Follow the token's events from a cursor, as after a restart");
    let filter = EventFilter {
        contract: Some(token.into()),
        name: Some(TRANSFER.into()),
        abi: None,
        confidence: Confidence::Latest,
    };
    let first = application.ledger.events(filter.clone(), EventStart::Earliest, 10, 1 << 20).await?;
    say(&format!("{} events so far; the cursor has {} bytes", first.events.len(), first.cursor.len()));
    application.note("first events");

    let arguments = vec![Value::Text(OTHER_ACCOUNT.into()), Value::Integer("7".into())];
    application.write(Call::Invoke(function(token, "transfer(address,uint256)", arguments))).await?;
    application.note("another transfer");

    let next = application.ledger.events(filter, EventStart::Cursor(first.cursor), 10, 1 << 20).await?;
    for event in &next.events {
        let content: serde_json::Value = serde_json::from_str(event.json.as_deref().unwrap_or("null"))?;
        let value = content.get("value").map_or_else(|| content.to_string(), ToString::to_string);
        say(&format!("then, in block {}: Transfer, value {value}", event.block.number));
    }
    if next.events.len() != 1 {
        return Err(format!("one new event was expected, not {}", next.events.len()).into());
    }
    application.note("events from the cursor");
    Ok(())
}

/// A block that need not be believed.
async fn block(story: &mut Story, application: &mut Application) -> Result<(), Trouble> {
    story.step("Fetch the newest block and compute its hash here, not in the adapter");
    let block = application.ledger.block(BlockSelector::At(Confidence::Latest)).await?;
    let header = block.header.ok_or("the block has no header bytes")?;
    let computed = show::header_hash(&header, block.reference.number);
    say(&format!("block {} says {}", block.reference.number, short(&show::hex(&block.reference.hash))));
    let size = header.bytes.len();
    say(&format!("its {size} header bytes hash to {}", short(&show::hex(&computed))));
    if computed != block.reference.hash {
        return Err("the block's hash is not that of its header".into());
    }
    say("they are equal, so nobody has to trust the node for it");
    application.note("block");
    Ok(())
}

/// A call is recorded, and made again with the node's answers out of the recording alone.
async fn replay(
    story: &mut Story,
    application: &mut Application,
    adapter: &ComponentAdapter,
    url: &str,
    token: &str,
    settings: &str,
) -> Result<(), Trouble> {
    story.step("Record one call, and replay it without any network");
    let recorder = Recorder::new(lend(adapter, url)?, None, Room::new(1 << 20))?;
    let live = balance(adapter.open(recorder.clone(), settings).await?, token).await?;
    let recording = recorder.recording()?;
    let exchanges: usize = recording.calls.iter().map(|call| call.exchanges.len()).sum();
    application.note("recorded call");

    let replayer = Replayer::new(recording, None);
    let again = balance(adapter.open(replayer.clone(), settings).await?, token).await?;
    say(&format!("live: {live}; out of a recording of {exchanges} host calls: {again}"));
    if let Some(divergence) = replayer.divergences().first() {
        return Err(format!("the replay parted from the recording: {divergence}").into());
    }
    if live != again || !replayer.leftovers().is_empty() {
        return Err("the replay gave another answer".into());
    }
    say("the same answer, call for call: anybody can check what an adapter did");
    application.note("replayed call");
    Ok(())
}

async fn balance(ledger: Arc<dyn Ledger>, token: &str) -> Result<String, Trouble> {
    let call = Call::Evaluate(balance_of(token));
    match ledger.begin(call, Vec::new(), adapter_spec::types::CallOptions::default()).await? {
        adapter_spec::types::Step::Answer(output) => Ok(output.json.unwrap_or_default()),
        _ => Err("the adapter wants a signature for a read".into()),
    }
}
