//! A node whose database can grow no further, as on a full disk: the system refuses the database's writes, no test does. The node runs in a
//! process of its own whose files may have so many bytes and no more, which needs no rights; the ledger is in the test's process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{env, fs, path::Path, process::Command, sync::Arc};

use axum::http::Method;
use berth_gateway::http;
use berth_identity::{Authority, request::Signer};
use berth_journal::{SledStore, Store};
use berth_model::{MAIN_SPACE, ModelNode};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::{CHAIN, Participant, World, gateway_on, hex0, order, read};

const FOLDER: &str = "BERTH_FULL_FOLDER";
const APP: &str = "/v1/applications/shop";
/// What the process' files may grow to, in blocks of 512 bytes: 2 MiB, some times what the node has at its start.
const BLOCKS: u32 = 4 << 10;
/// Bytes of each value.
const VALUE: usize = 12_000;

fn write(key: &str) -> Value {
    let value = hex0(&vec![b'v'; VALUE]);
    json!({
        "contract": "preset",
        "function": "insert(text,bytes)",
        "arguments": [{"text": key}, {"bytes": value}],
    })
}

/// The gateway on the database in this folder; its ledger is elsewhere.
async fn open(folder: &Path) -> (World, Participant) {
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let store: Arc<dyn Store> = loop {
        // What the tasks of an earlier gateway hold, they let go of soon.
        match SledStore::open(&folder.join("store")) {
            Ok(store) => break Arc::new(store),
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let authority = Authority::load(&text("authority.pem"), &text("authority.key")).unwrap();
    let gateway = gateway_on(store.clone(), &"0f".repeat(32), authority).await;
    let router = http::router(&gateway);
    let ledger = ModelNode::new(CHAIN);
    let (url, served) = ledger.serve().await.unwrap();
    let (certificate_pem, key_pem) = (text("alice.pem"), text("alice.key"));
    let signer = Signer::new(&certificate_pem, &key_pem).unwrap();
    let alice = Participant { name: "alice".into(), signer, certificate_pem, key_pem };
    (World { ledger, url, served, gateway, router, store }, alice)
}

/// Not a test of its own: what runs in the process with the small files. It writes until it is refused.
#[tokio::test]
#[ignore = "it is run by the test below, in a process of its own"]
async fn node() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let (world, alice) = open(Path::new(&folder)).await;
    let ask = |method, path: String, key: Option<String>, body| {
        let (world, alice) = (&world, &alice);
        async move { world.shown(alice, method, &path, key.as_deref(), body).await }
    };
    let invoke =
        |key: &str| ask(Method::POST, format!("{APP}/invoke"), Some(key.to_owned()), Some(write(key)));
    let mut accepted = 0;
    let refused = loop {
        let answer = invoke(&format!("w{accepted}")).await;
        if answer.status != 200 {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 1_000, "the file system is never full");
    };
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (503, &json!("node-trouble")),
        "{refused:?}"
    );
    assert_eq!((&refused.body["retryable"], &refused.body["effect"]), (&json!(true), &json!("unknown")));
    // A small one would still fit, and does not come in before the node was started anew.
    let small = support::insert("small", "v");
    let small = ask(Method::POST, format!("{APP}/invoke"), Some("small".into()), Some(small)).await;
    assert_eq!(small.status, 503, "{small:?}");
    let ready = world.send(None, Method::GET, "/readyz", &[], None).await;
    assert_eq!(ready.status, 503, "{ready:?}");
    let status = ask(Method::GET, format!("{APP}/status"), None, None).await;
    assert_eq!(status.status, 200, "{status:?}");
    let found = ask(Method::POST, format!("{APP}/evaluate"), None, Some(read("w0"))).await;
    assert_eq!(found.status, 200, "{found:?}");
    println!("\naccepted {accepted}");
}

#[tokio::test]
async fn a_file_system_that_is_full_refuses_writes_and_loses_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    keep("authority.pem", authority.certificate_pem());
    keep("authority.key", &authority.key_pem());
    let store = Arc::new(SledStore::open(&folder.path().join("store")).unwrap());
    let World { ledger, url: _url, served: _served, gateway, router, store } = {
        let world = World::of(store, authority).await;
        let alice = world.enrol("alice").await;
        let mut order = order("shop", &world.url, "alice");
        order.quotas.transactions_per_second = 0;
        world.application_of(order, &alice).await;
        keep("alice.pem", &alice.certificate_pem);
        keep("alice.key", &alice.key_pem);
        let account = world.get(&alice, &format!("{APP}/account")).await;
        keep("account", account.body["accounts"][0].as_str().unwrap());
        world
    };
    let account = fs::read_to_string(folder.path().join("account")).unwrap();
    let before = ledger.transactions(MAIN_SPACE, &account);
    gateway.stopped().await;
    store.flush().await.unwrap();
    drop((gateway, router, store));

    // Beyond the limit a write fails instead of ending the process, since the signal is ignored.
    // `sh` may count in other units than POSIX' 512 bytes; there is only more room then.
    let limited = format!("trap '' XFSZ; ulimit -f {BLOCKS} && exec \"$@\"");
    let mut child = Command::new("sh");
    child.args(["-c", &limited, "sh"]).arg(env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "node", "--nocapture"]).env(FOLDER, folder.path());
    let ran = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    let accepted = said.lines().find_map(|line| line.strip_prefix("accepted ")).expect(&said);
    let accepted: u64 = accepted.parse().unwrap();
    assert!(accepted > 3, "{accepted} writes were accepted");

    // There is room again.
    let (world, alice) = open(folder.path()).await;
    assert_eq!(world.send(None, Method::GET, "/readyz", &[], None).await.status, 200);
    for number in 0..=accepted {
        let key = format!("w{number}");
        let path = format!("{APP}/invoke");
        let again = world.shown(&alice, Method::POST, &path, Some(&key), Some(write(&key))).await;
        assert_eq!(again.status, 200, "{key}: {again:?}");
    }
    assert_eq!(ledger.transactions(MAIN_SPACE, &account) - before, accepted + 1, "each once");
}
