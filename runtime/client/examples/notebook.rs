//! Keeps notes in the preset store of an application on a node, and tells what it hears.
//!
//! ```sh
//! cargo run --workspace --example notebook -- https://localhost:8443 shop authority.pem alice.pem alice.key
//! ```
//!
//! README, "Run a node", makes a node, the application `shop` and alice's certificate, and puts the preset contract on the ledger.

use std::{error::Error, fs, time::Duration};

use adapter_spec::types::{BlockSelector, Confidence, EventStart};
use berth_client::{Client, Filter, IdempotencyKey, Identity};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&std::env::args().skip(1).collect::<Vec<_>>()).await
}

/// The whole program; the client's tests run it too.
pub async fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [address, application, authority, certificate, key, rest @ ..] = arguments else {
        return Err("notebook ADDRESS APPLICATION AUTHORITY.pem CERTIFICATE.pem KEY.pem [CONTRACT]".into());
    };
    let identity = Identity::certificate(&fs::read_to_string(certificate)?, &fs::read_to_string(key)?)?;
    let client =
        Client::builder(address).authority(fs::read_to_string(authority)?).identity(identity).build()?;
    let application = client.application(application);

    let head = application.block(&BlockSelector::At(Confidence::Latest)).await?.reference.number;
    println!("{} writes into {} at block {head}", client.participant().await?, address);

    // A program that may be started twice takes a key that says what the write is, such as an order's number.
    let write = IdempotencyKey::random()?;
    let notes = application.store(rest.first().map(String::as_str));
    let name = format!("note-{write}");
    let stored = notes.insert(&write, &name, b"remember the milk").await?;
    println!("{name} is written: {:?}", stored.answer);
    let value = notes.get(&name).await?.ok_or("the note is gone")?;
    println!("it says {:?}", String::from_utf8_lossy(&value));

    let mut filter = Filter { start: EventStart::Block(head), ..Filter::new() };
    // As soon as they are in a block, which may still disappear; by default only what is final is told.
    filter.events.confidence = Confidence::Latest;
    let mut events = application.events(filter);
    match tokio::time::timeout(Duration::from_secs(5), events.next()).await {
        Ok(Some(event)) => println!("heard {}", event?.name),
        Ok(None) | Err(_) => println!("the contract announces nothing of it"),
    }

    if let Some(receipt) = application.receipt(&write).await? {
        println!(
            "the ledger says: {:?}, fee {}",
            receipt.inclusion,
            receipt.fee.as_deref().unwrap_or("none")
        );
    }
    Ok(())
}
