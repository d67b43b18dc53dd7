//! A city node of several frameworks: `cargo xtask demo` ends with it. Every step is a command that anybody can type, or a request
//! that any client can make.

mod desk;
mod kills;
mod ledgers;
mod participant;

use std::{error::Error, path::PathBuf, process::ExitCode};

use berth_api::Until;
use berth_client::{Application, Client, ClientError, IdempotencyKey};
use clap::Parser;
use desk::{Desk, Serving};
use ledgers::{Ledger, Ledgers, Testbed};
use participant::Person;

/// Anything that stops the demonstration.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// Certifies and lets in the adapters that exist, runs a node with an application on a ledger of each framework, and uses them
/// all as one participant.
#[derive(Parser)]
struct Arguments {
    /// The folder of components
    #[arg(long)]
    components: PathBuf,
    /// The program `anvil`
    #[arg(long)]
    anvil: PathBuf,
    /// The project's folder
    #[arg(long)]
    root: PathBuf,
    /// The folder for all files of the demonstration; its content is removed
    #[arg(long)]
    folder: PathBuf,
    /// Certify nothing, and have a policy that asks for no certificates: in seconds, for a test or a first look
    #[arg(long)]
    uncertified: bool,
    /// Kill the node so often while it is written through, and then count on each ledger
    #[arg(long, default_value_t = 0)]
    kills: u64,
    /// Keep the node and the ledgers running until Ctrl-C
    #[arg(long)]
    stay: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let shown = tokio::select! {
        shown = demonstrate(&arguments) => shown,
        // Ledgers and node end as they are dropped.
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("\nThe demonstration ended early: {trouble}");
            let mut cause = trouble.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn title(text: &str) {
    println!("\n── {text}");
}

async fn demonstrate(arguments: &Arguments) -> Result<(), Trouble> {
    let desk = Desk::new(&arguments.folder)?;
    println!(
        "One node, three frameworks, one identity. The files of this part stay in {}.",
        desk.folder.display()
    );

    title("Three ledgers start on this machine");
    let ledgers = Ledgers::start(&arguments.anvil, &arguments.root).await?;
    for ledger in &ledgers.all {
        println!("   {:10} {}", ledger.application, ledger.what);
    }

    if arguments.uncertified {
        for ledger in &ledgers.all {
            put_back(&desk, ledger, &arguments.components)?;
        }
        desk.write("policy.toml", "version = 1\nmode = \"off\"\n")?;
    } else {
        certify_all(&desk, &ledgers, &arguments.components)?;
    }

    title("The operator makes a node, and says whom it trusts");
    desk.berth(&["node", "init", "city"])?;
    configure(&desk, &ledgers, !arguments.uncertified)?;
    let mut node = desk.serve()?;
    println!("   it listens at {}, and shows itself at {}", node.address, node.page);

    title("Alice is enrolled once, and has an application on each ledger");
    let alice = Person::new(&desk, "alice")?;
    let bob = Person::new(&desk, "bob")?;
    for ledger in &ledgers.all {
        let lend = format!("{}.lend.toml", ledger.application);
        desk.write(&lend, &ledger.lend)?;
        for (file, text) in ledger.lent_files()? {
            desk.write(file, &text)?;
        }
        let name = ledger.application;
        let create = ["node", "app", "create", name, "--adapter", ledger.adapter, "--owner", "alice"];
        let rest = ["--settings", &ledger.settings, "--lend", &lend, "--config", "city/node.toml"];
        desk.berth(&[&create[..], &rest].concat())?;
    }

    title("The same calls, as one participant, on every ledger");
    let mut client = alice.client(&node)?;
    let mut stores = Vec::new();
    for ledger in &ledgers.all {
        stores.push((ledger.application, write_and_read(ledger, &client).await?));
    }
    if arguments.kills > 0 {
        title("The node is killed under load, and every accepted write is on its ledger once");
        node = kills::kill(&desk, node, &alice, &stores, arguments.kills).await?;
        client = alice.client(&node)?;
    }

    title("Bob has no role there, and learns nothing, not even that it exists");
    let first = ledgers.all.first().ok_or("there is no ledger")?;
    let refused = bob.client(&node)?.application(first.application).status().await;
    match refused {
        Err(ClientError::Problem(problem)) => {
            println!("   {} {}: {}", problem.status, problem.title, problem.detail)
        }
        other => return Err(format!("bob was not refused: {other:?}").into()),
    }

    title("A changed copy of an adapter is not let in; the running one goes on");
    tamper(&desk, first, arguments.uncertified)?;
    desk.berth_fails(&["node", "upgrade", "--config", "city/node.toml"])?;
    client.application(first.application).status().await?;
    put_back(&desk, first, &arguments.components)?;

    title("What was used, in signed and chained records");
    for ledger in &ledgers.all {
        desk.berth(&["node", "usage", ledger.application, "--config", "city/node.toml"])?;
    }
    if arguments.stay {
        stay(&desk, &node, &ledgers).await;
    }
    title("The node stops, and the ledgers with it");
    node.stop()
}

/// Has every adapter certified, and writes the policy of an operator who trusts this certifier.
fn certify_all(desk: &Desk, ledgers: &Ledgers, components: &std::path::Path) -> Result<(), Trouble> {
    title(
        "Each adapter is certified on its ledger: every check of the suite, a signature, an entry in a log",
    );
    desk.berth(&["certify", "key", "certifier.pem"])?;
    desk.berth(&["certify", "key", "witness.pem"])?;
    let witness = ["--witness", "witness.example", "--key", "witness.pem"];
    desk.berth(&[&["certify", "log", "init", "log", "--origin", "log.example"][..], &witness].concat())?;
    desk.berth(&["certify", "revoke", "--list", "revocations.json", "--key", "certifier.pem"])?;
    for ledger in &ledgers.all {
        certify(desk, ledger, components)?;
    }
    write_policy(desk)
}

/// Runs the suite against the ledger, signs what it showed, and puts that into the log.
fn certify(desk: &Desk, ledger: &Ledger, components: &std::path::Path) -> Result<(), Trouble> {
    let file = ledger.file();
    std::fs::copy(components.join(&file), desk.folder.join(&file))?;
    let report = format!("report-{}", ledger.adapter);
    let mut run = vec!["certify", "run", &file, "--report", &report];
    let testbed = testbed(desk, ledger)?;
    run.extend(["--testbed", &testbed]);
    let places: Vec<_> = ledger.places.iter().map(|(name, value)| format!("{name}={value}")).collect();
    for place in &places {
        run.extend(["--set", place]);
    }
    desk.berth(&run)?;
    let evidence = format!("{report}/evidence.berth");
    let sign = ["certify", "sign", &file, "--key", "certifier.pem", "--evidence", &evidence];
    desk.berth(&[&sign[..], &["--framework-version", ledger.framework_version]].concat())?;
    let append = ["certify", "log", "append", &file, "--log", "log"];
    desk.berth(&[&append[..], &["--witness", "witness.example", "--key", "witness.pem"]].concat())
}

/// The test bed's file. One that was made is written beside copies of the files that it names.
fn testbed(desk: &Desk, ledger: &Ledger) -> Result<String, Trouble> {
    match &ledger.testbed {
        Testbed::At(path) => Ok(path.to_string_lossy().into_owned()),
        Testbed::Made { text, folder } => {
            let own = format!("testbed-{}", ledger.adapter);
            let target = desk.folder.join(&own);
            std::fs::create_dir_all(&target)?;
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    std::fs::copy(entry.path(), target.join(entry.file_name()))?;
                }
            }
            let file = format!("{own}/testbed.toml");
            desk.write(&file, text)?;
            Ok(file)
        }
    }
}

fn write_policy(desk: &Desk) -> Result<(), Trouble> {
    let (certifier, witness) = (desk.read("certifier.pem.pub")?, desk.read("witness.pem.pub")?);
    let policy = format!(
        "version = 1\nmode = \"enforce\"\nlevels = [\"core\", \"store\", \"events\", \"blocks\"]\n\
         standards = [{{ version = \"0.1.0\" }}]\nsuites = [{{ version = \"0.1.0\" }}]\n\n\
         [certifiers]\nthreshold = 1\nkeys = [\"\"\"\n{}\n\"\"\"]\n\n[log]\norigin = \"log.example\"\nthreshold = 1\n\n\
         [[log.witnesses]]\nname = \"witness.example\"\nkey = \"\"\"\n{}\n\"\"\"\n",
        certifier.trim(),
        witness.trim()
    );
    desk.write("policy.toml", &policy)
}

/// Names the policy and the adapters in the node's configuration.
fn configure(desk: &Desk, ledgers: &Ledgers, revocations: bool) -> Result<(), Trouble> {
    let list = if revocations { "revocations = \"../revocations.json\"" } else { "" };
    let mut text = desk.read("city/node.toml")?;
    for (from, to) in [
        ("127.0.0.1:8443", "127.0.0.1:0"),
        ("127.0.0.1:9464", "127.0.0.1:0"),
        ("# policy = \"policy.toml\"", "policy = \"../policy.toml\""),
        ("# revocations = \"revocations.json\"", list),
    ] {
        if !text.contains(from) {
            return Err(format!("the node's configuration has no {from}").into());
        }
        text = text.replace(from, to);
    }
    for ledger in &ledgers.all {
        let (file, name) = (ledger.file(), ledger.adapter);
        text.push_str(&format!("\n[[adapters]]\nfile = \"../{file}\"\nname = \"{name}\"\n"));
    }
    desk.write("city/node.toml", &text)
}

/// Gives Alice's key on the ledger what it needs there, and writes and reads through the gateway. Gives the preset store's contract.
async fn write_and_read(ledger: &Ledger, client: &Client) -> Result<String, Trouble> {
    let application: Application = client.application(ledger.application);
    let account = ledger.admit(&application).await?;
    println!("\n   {} on {}: alice is {account}", ledger.application, ledger.what);
    let contract = match ledger.preset {
        Some(contract) => contract.to_owned(),
        None => deploy(&application).await?,
    };
    let store = application.store(Some(&contract));
    store.insert(&IdempotencyKey::new("order-17")?, "order-17", b"12 crates").await?;
    store.update(&IdempotencyKey::new("order-17-more")?, "order-17", b"15 crates").await?;
    // The same request once more, as after an answer that was lost.
    store.update(&IdempotencyKey::new("order-17-more")?, "order-17", b"15 crates").await?;
    let value = store.get("order-17").await?.ok_or("what was written is not there")?;
    let versions = store.history("order-17").await?;
    println!(
        "   order-17 = {:?}, after {} writes; the last was asked for twice and done once",
        String::from_utf8_lossy(&value),
        versions.len()
    );
    if versions.len() != 2 {
        return Err(format!("{} versions in place of two", versions.len()).into());
    }
    Ok(contract)
}

/// Puts the preset contract onto the ledger, as the adapter plans it.
async fn deploy(application: &Application) -> Result<String, Trouble> {
    use adapter_spec::types::{Call, Goal};
    let plan = application.plan(&Goal::Preset).await?;
    let mut created = None;
    for (number, planned) in plan.into_iter().enumerate() {
        let Call::Deploy(deployment) = planned.call else { return Err("the plan is no deployment".into()) };
        let key = IdempotencyKey::new(format!("preset-{number}"))?;
        application.deploy(&key, &deployment, &Default::default()).await?;
        let written = application.wait(&key, Until::Included, std::time::Duration::from_secs(30)).await?;
        created = written.receipt.and_then(|receipt| receipt.created).or(created);
    }
    created.ok_or_else(|| "the preset contract is not on the ledger".into())
}

/// Changes one byte of the file that the node's configuration names. Without certificates that may be as good a component as before,
/// so half of it goes.
fn tamper(desk: &Desk, ledger: &Ledger, uncertified: bool) -> Result<(), Trouble> {
    let path = desk.folder.join(ledger.file());
    let mut bytes = std::fs::read(&path)?;
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    if uncertified {
        bytes.truncate(bytes.len() / 2);
    }
    Ok(std::fs::write(path, bytes)?)
}

fn put_back(desk: &Desk, ledger: &Ledger, components: &std::path::Path) -> Result<(), Trouble> {
    let file = ledger.file();
    std::fs::copy(components.join(&file), desk.folder.join(&file))?;
    Ok(())
}

/// Says what there is to try, and waits for Ctrl-C.
async fn stay(desk: &Desk, node: &Serving, ledgers: &Ledgers) {
    let folder = desk.folder.display();
    title("The node stays up until Ctrl-C");
    println!("   look at it      {}", node.page);
    println!("   its numbers     {}metrics", node.page);
    println!("   as alice        cd {folder}");
    println!(
        "                   curl --cacert city/state/authority.pem --cert alice.pem --key alice.key {}/v1/applications",
        node.address
    );
    for ledger in &ledgers.all {
        println!(
            "                   curl --cacert city/state/authority.pem --cert alice.pem --key alice.key {}/v1/applications/{}/status",
            node.address, ledger.application
        );
    }
    println!("   as the operator berth node app list --config {folder}/city/node.toml");
    let _ = tokio::signal::ctrl_c().await;
}
