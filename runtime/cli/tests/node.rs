//! The real program as a node: made, served, used, killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anvil_process::Anvil;
use berth_identity::request::Signer;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes};
use serde_json::{Value, json};
use support::Berth;
use support::running::{Http, Life, ask_to_stop, city, client, enrol, let_everything_in, node, send, serve};

#[test]
fn what_is_wrong_in_a_configuration_is_told_with_its_line() {
    let berth = city("");
    let file = berth.folder.path().join("city/node.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("max_body_bytes", "max_boddy_bytes")).unwrap();
    let shown = node(&berth, &["serve"]);
    assert_eq!(shown.code, 3);
    let line = text.lines().position(|line| line.starts_with("max_body_bytes")).unwrap() + 1;
    assert!(shown.stderr.contains(&format!("city/node.toml:{line}:1: ")), "{}", shown.stderr);
    assert!(shown.stderr.contains("max_boddy_bytes"), "{}", shown.stderr);
}

#[test]
fn a_log_for_programs_is_one_object_a_line() {
    let berth = city("\n[[adapters]]\nfile = \"broken.wasm\"\n");
    let_everything_in(&berth);
    let file = berth.folder.path().join("city/node.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("format = \"text\""), "{text}");
    fs::write(&file, text.replace("format = \"text\"", "format = \"json\"")).unwrap();
    fs::write(berth.folder.path().join("city/broken.wasm"), "no component").unwrap();
    let said = berth.folder.path().join("said");
    let mut life = Life::begin_with(&berth, |command| {
        command.stderr(fs::File::create(&said).unwrap()).env_remove("RUST_LOG");
    });
    assert!(life.stop());
    let said = fs::read_to_string(said).unwrap();
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_told = |line: &Value| {
        line["level"] == "ERROR"
            && line["timestamp"].is_string()
            && line["message"].as_str().unwrap().contains("broken.wasm is not let in: ")
    };
    assert!(lines.iter().any(is_told), "{said}");
}

/// The policy is a pipe: while nobody writes to it, the node is on its way.
#[test]
fn a_stop_that_comes_while_the_node_starts_is_no_failure() {
    let berth = city("");
    let_everything_in(&berth);
    let config = berth.folder.path().join("city/node.toml");
    let text = fs::read_to_string(&config).unwrap();
    let pipe = berth.folder.path().join("city/pipe.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(&config, text.replace("policy.toml", "pipe.toml")).unwrap();
    let mut starting = serve(&berth).stdout(Stdio::null()).spawn().unwrap();
    let mut policy = fs::File::options().write(true).open(&pipe).unwrap();
    ask_to_stop(&starting);
    policy.write_all(b"version = 1\nmode = \"off\"\n").unwrap();
    drop(policy);
    assert!(starting.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_made_served_stopped_and_remembers() {
    let berth = city("");
    let again = berth.run(&["node", "init", "city"]);
    assert!(again.code == 2 && again.stderr.contains("is there already"), "{}", again.stderr);
    let early = node(&berth, &["app", "list"]);
    assert!(early.code == 3 && early.stderr.contains("berth node serve"), "{}", early.stderr);

    let mut life = Life::begin(&berth);
    let alice = enrol(&berth, "alice");
    let create = ["app", "create", "shop", "--adapter", "none", "--owner", "alice"];
    let refused = node(&berth, &create);
    assert!(refused.code == 1 && refused.stderr.contains("\"none\" is not admitted"), "{}", refused.stderr);
    let (status, body) =
        send(&client(), &life.address, &alice, "GET", "/v1/applications", None, None).await.unwrap();
    assert_eq!((status, body["participant"].as_str()), (200, Some("alice")), "{body}");
    let second = berth.run(&["node", "serve", "--config", "city/node.toml"]);
    assert!(second.code == 3 && second.stderr.contains("another node"), "{}", second.stderr);

    assert!(life.stop(), "a stop is no failure");
    let life = Life::begin(&berth);
    let (status, _) =
        send(&client(), &life.address, &alice, "GET", "/v1/applications", None, None).await.unwrap();
    assert_eq!(status, 200, "who was enrolled before is known after");
    let revoked = node(&berth, &["participant", "revoke", "alice", "--reason", "lost"]);
    assert_eq!(revoked.code, 0, "{}", revoked.stderr);
    let (status, _) =
        send(&client(), &life.address, &alice, "GET", "/v1/applications", None, None).await.unwrap();
    assert_eq!(status, 401);
    let list = node(&berth, &["participant", "list"]);
    assert!(list.stdout.contains("revoked: lost"), "{}", list.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_backed_up_running_and_at_rest_and_put_back() {
    let berth = city("");
    let early = node(&berth, &["backup", "--out", "early"]);
    assert!(early.code == 3 && early.stderr.contains("no node's store"), "{}", early.stderr);
    let state = berth.folder.path().join("city/state");
    assert!(!state.exists() && !berth.folder.path().join("early").exists(), "nothing is made by that");

    let mut life = Life::begin(&berth);
    let alice = enrol(&berth, "alice");
    let running = node(&berth, &["backup", "--out", "running", "--json"]);
    assert_eq!(running.code, 0, "{}", running.stderr);
    let said: Value = serde_json::from_str(&running.stdout).unwrap();
    let size = fs::metadata(berth.folder.path().join("running")).unwrap().len();
    assert_eq!((&said["running"], said["bytes"].as_u64()), (&json!(true), Some(size)), "{said}");
    let again = node(&berth, &["backup", "--out", "running"]);
    assert!(again.code == 2 && again.stderr.contains("is there already"), "{}", again.stderr);
    let busy = node(&berth, &["restore", "running", "--force"]);
    assert!(busy.code == 2 && busy.stderr.contains("Stop the node first"), "{}", busy.stderr);
    enrol(&berth, "bob");
    assert!(life.stop());

    let rest = node(&berth, &["backup", "--out", "rest", "--json"]);
    assert_eq!(rest.code, 0, "{}", rest.stderr);
    assert!(rest.stdout.contains("\"running\": false"), "{}", rest.stdout);
    let used = node(&berth, &["restore", "running"]);
    assert!(used.code == 2 && used.stderr.contains("--force"), "{}", used.stderr);
    let forced = node(&berth, &["restore", "running", "--force", "--json"]);
    assert_eq!(forced.code, 0, "{}", forced.stderr);
    assert!(forced.stderr.contains("carried out twice"), "{}", forced.stderr);
    let said: Value = serde_json::from_str(&forced.stdout).unwrap();
    let aside = berth.folder.path().join(said["moved_aside"].as_str().unwrap());
    assert!(aside.join("store").exists(), "nothing is deleted");

    let mut life = Life::begin(&berth);
    let list = node(&berth, &["participant", "list"]);
    assert!(list.stdout.contains("alice") && !list.stdout.contains("bob"), "{}", list.stdout);
    let (status, _) =
        send(&client(), &life.address, &alice, "GET", "/v1/applications", None, None).await.unwrap();
    assert_eq!(status, 200, "the certificate from before the backup is good");
    assert!(life.stop());

    let mut bytes = fs::read(berth.folder.path().join("rest")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(berth.folder.path().join("damaged"), &bytes).unwrap();
    let damaged = node(&berth, &["restore", "damaged", "--force"]);
    assert!(damaged.code == 3 && damaged.stderr.contains("Nothing was written"), "{}", damaged.stderr);
    assert_eq!(fs::read_dir(berth.folder.path().join("city")).unwrap().count(), 4, "nothing more is there");
    let restored = node(&berth, &["restore", "rest", "--force"]);
    assert_eq!(restored.code, 0, "{}", restored.stderr);
    let _life = Life::begin(&berth);
    let list = node(&berth, &["participant", "list"]);
    assert!(list.stdout.contains("bob"), "{}", list.stdout);
}

/// A node's folder with a component's file of its own: the file, and what is in it. None where the component was not built.
fn with_notebook() -> Option<(Berth, PathBuf, Vec<u8>)> {
    let component = support::component("notebook")?;
    let berth = city("\n[[adapters]]\nfile = \"notebook.wasm\"\nname = \"notebook\"\n");
    let_everything_in(&berth);
    let file = berth.folder.path().join("city/notebook.wasm");
    let first = fs::read(component).unwrap();
    fs::write(&file, &first).unwrap();
    Some((berth, file, first))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_takes_new_versions_and_goes_on_with_old_ones_where_they_are_refused() {
    let Some((berth, file, first)) = with_notebook() else { return };
    let _life = Life::begin(&berth);
    enrol(&berth, "alice");
    let create = ["app", "create", "notes", "--adapter", "notebook", "--owner", "alice"];
    let created = node(&berth, &[&create[..], &["--endpoint", "service=http://127.0.0.1:1"]].concat());
    assert_eq!(created.code, 0, "{}", created.stderr);
    // A key from elsewhere, once.
    fs::write(berth.folder.path().join("alice.hex"), "5a".repeat(32)).unwrap();
    let import = ["participant", "import-key", "alice", "--application", "notes", "--key", "alice.hex"];
    let import = [&import[..], &["--scheme", "ecdsa-p256-sha256"]].concat();
    let imported = node(&berth, &import);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let twice = node(&berth, &import);
    assert!(twice.code == 1 && twice.stderr.contains("already"), "{}", twice.stderr);
    assert!(!twice.stderr.contains("5a5a"), "{}", twice.stderr);

    let changed = |shown: &support::Shown| -> Value {
        let report: Value = serde_json::from_str(&shown.stdout).unwrap();
        report["adapters"][0][1].clone()
    };
    let upgrade = || node(&berth, &["upgrade", "--json"]);
    assert_eq!(changed(&upgrade()), "unchanged");
    let week = node(&berth, &["upgrade", "--trial", "604801"]);
    assert!(week.code == 1 && week.stderr.contains("at most 604800"), "{}", week.stderr);

    // Another file of the same version: a custom section more.
    fs::write(&file, [&first[..], &[0, 3, 1, b'n', 7]].concat()).unwrap();
    let upgraded = upgrade();
    assert_eq!(upgraded.code, 0, "{}", upgraded.stderr);
    let upgraded = changed(&upgraded);
    assert_eq!(upgraded["upgraded"]["applications"], 1, "{upgraded}");
    let back = node(&berth, &["upgrade", "--take-back", "notebook", "--reason", "to see"]);
    assert!(back.code == 0 && back.stdout.contains("the version before goes on"), "{}", back.stderr);
    let again = node(&berth, &["upgrade", "--take-back", "notebook", "--reason", "to see"]);
    assert!(again.code == 1 && again.stderr.contains("on trial"), "{}", again.stderr);

    fs::write(&file, &first[..first.len() / 2]).unwrap();
    let refused = node(&berth, &["upgrade"]);
    assert!(refused.code == 1 && refused.stdout.contains("refused: "), "{}", refused.stdout);
    assert!(refused.stderr.contains("What was there goes on"), "{}", refused.stderr);
    let shown = node(&berth, &["app", "show", "notes"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_back_does_not_come_back_with_the_next_start() {
    let Some((berth, file, first)) = with_notebook() else { return };
    let mut life = Life::begin(&berth);
    let upgraded = |what: &str| {
        let shown = node(&berth, &["upgrade", "--json"]);
        let report: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert!(report["adapters"][0][1].to_string().contains(what), "{report}");
    };
    // Over the file of the version before, which is nowhere else then.
    fs::write(&file, [&first[..], &[0, 3, 1, b'n', 7]].concat()).unwrap();
    upgraded("upgraded");
    let back = node(&berth, &["upgrade", "--take-back", "notebook", "--reason", "receipts look odd"]);
    assert_eq!(back.code, 0, "{}", back.stderr);
    for _ in 0..2 {
        assert!(life.stop());
        let said = berth.folder.path().join("said");
        life = Life::begin_with(&berth, |command| {
            command.stderr(fs::File::create(&said).unwrap());
        });
        let said = fs::read_to_string(said).unwrap();
        assert!(
            said.contains("receipts look odd") && said.contains("the version before it goes on"),
            "{said}"
        );
        upgraded("upgraded");
        let back = node(&berth, &["upgrade", "--take-back", "notebook", "--reason", "receipts look odd"]);
        assert_eq!(back.code, 0, "{}", back.stderr);
    }
    assert!(life.stop());
    // A start that may not run the kept version leaves it for the next one that may.
    let config = berth.folder.path().join("city/node.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("# frameworks = [\"NAME\"]", "frameworks = [\"another\"]")).unwrap();
    assert!(Life::begin(&berth).stop());
    fs::write(&config, text).unwrap();
    let mut life = Life::begin(&berth);
    upgraded("upgraded");
    let back = node(&berth, &["upgrade", "--take-back", "notebook", "--reason", "receipts look odd"]);
    assert_eq!(back.code, 0, "{}", back.stderr);
    // Another file is none that was taken back, and what nothing goes back to any more goes.
    assert!(life.stop());
    let versions = berth.folder.path().join("city/state/versions");
    assert_eq!(fs::read_dir(&versions).unwrap().count(), 1);
    fs::write(&file, &first).unwrap();
    let _life = Life::begin(&berth);
    upgraded("unchanged");
    assert_eq!(fs::read_dir(&versions).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_lets_in_only_the_kinds_of_adapters_that_its_operator_names() {
    let Some(component) = support::component("notebook") else { return };
    let berth = city(&format!("\n[[adapters]]\nfile = {component:?}\n"));
    let_everything_in(&berth);
    let file = berth.folder.path().join("city/node.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("# frameworks = [\"NAME\"]", "frameworks = [\"another\"]")).unwrap();
    let _life = Life::begin(&berth);
    enrol(&berth, "alice");
    let create = ["app", "create", "notes", "--adapter", "notebook", "--owner", "alice"];
    let refused = node(&berth, &create);
    assert!(refused.code == 1 && refused.stderr.contains("not admitted on this node"), "{}", refused.stderr);
    let upgrade = node(&berth, &["upgrade"]);
    assert!(upgrade.code == 1 && upgrade.stdout.contains("`frameworks`"), "{}", upgrade.stdout);
}

async fn rpc(client: &Http, url: &str, method: &str, params: Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let request = Request::post(url).header("content-type", "application/json");
    let answer = client.request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Value>(&body).unwrap()["result"].clone()
}

struct Shop {
    berth: Berth,
    life: Mutex<Option<Life>>,
    alice: Signer,
    done: AtomicBool,
}

impl Shop {
    async fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let address = self.life.lock().unwrap().as_ref()?.address.clone();
        send(&client(), &address, &self.alice, method, path, key, body).await
    }
}

/// Writes key after key into the preset store, each until it is accepted.
async fn lane(shop: Arc<Shop>, contract: String, lane: usize) -> u64 {
    let mut number = 0;
    while !shop.done.load(Ordering::SeqCst) {
        let key = format!("{lane}-{number}");
        let insert = json!({"contract": contract, "operation": {"insert": {"key": key, "value": "0x76"}}});
        loop {
            match shop.send("POST", "/v1/applications/shop/store", Some(&key), Some(&insert)).await {
                Some((200, _)) => break,
                Some((status @ (400..=409), body)) => panic!("{key}: {status} {body}"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        number += 1;
    }
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_ledger_every_write_happens_once_though_the_node_is_killed() {
    let (Some(component), Some(anvil)) =
        (support::component("ethereum"), Anvil::of_environment(&["--slots-in-an-epoch", "1"]))
    else {
        return;
    };
    let kills: u64 = env::var("BERTH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let berth = city(&format!("\n[[adapters]]\nfile = {component:?}\n"));
    let_everything_in(&berth);

    let life = Life::begin(&berth);
    let alice = enrol(&berth, "alice");
    let endpoint = format!("node={}", anvil.url());
    let create = [
        "app",
        "create",
        "shop",
        "--adapter",
        "ethereum",
        "--owner",
        "alice",
        "--tps",
        "0",
        "--open",
        "0",
        "--settings",
        "{\"chain_id\": 31337}",
        "--endpoint",
        &endpoint,
    ];
    let created = node(&berth, &create);
    assert_eq!(created.code, 0, "{}", created.stderr);
    let shop = Arc::new(Shop { berth, life: Mutex::new(Some(life)), alice, done: AtomicBool::new(false) });

    let (_, account) = shop.send("GET", "/v1/applications/shop/account", None, None).await.unwrap();
    let account = account["accounts"][0].as_str().unwrap_or_else(|| panic!("{account}")).to_owned();
    let http = client();
    rpc(&http, anvil.url(), "anvil_setBalance", json!([account, "0x56bc75e2d63100000"])).await;
    let (_, plan) = shop
        .send("POST", "/v1/applications/shop/plan", None, Some(&json!({"goal": "preset"})))
        .await
        .unwrap();
    let deployment = &plan["calls"][0]["call"]["deploy"];
    assert!(deployment.is_object(), "{plan}");
    let path = "/v1/applications/shop/deploy?until=included";
    let (status, deployed) = shop.send("POST", path, Some("deploy"), Some(deployment)).await.unwrap();
    assert_eq!(status, 200, "{deployed}");
    let contract = deployed["receipt"]["created"].as_str().unwrap_or_else(|| panic!("{deployed}")).to_owned();

    let mut lanes = tokio::task::JoinSet::new();
    for number in 0..3 {
        lanes.spawn(lane(shop.clone(), contract.clone(), number));
    }
    for number in 0..kills {
        // At other moments each time, from the beginning of a life to well into it.
        tokio::time::sleep(Duration::from_millis(50 + number * 137 % 900)).await;
        let life = shop.life.lock().unwrap().take();
        tokio::task::block_in_place(|| {
            drop(life);
            *shop.life.lock().unwrap() = Some(Life::begin(&shop.berth));
        });
    }
    shop.done.store(true, Ordering::SeqCst);
    let mut written = 0;
    // A write that is never answered fails the test, in place of hanging it.
    let patience = Duration::from_secs(120);
    while let Some(lane) = tokio::time::timeout(patience, lanes.join_next()).await.unwrap() {
        written += lane.unwrap();
    }
    // The ledger itself: the deployment and one transaction for each write, none lost and none twice.
    for _ in 0..600 {
        let latest = rpc(&http, anvil.url(), "eth_getTransactionCount", json!([account, "latest"])).await;
        let count = u64::from_str_radix(latest.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
        assert!(count <= written + 1, "{count} transactions for {written} writes");
        if count == written + 1 {
            eprintln!("{kills} kills, {written} writes");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not all of {written} writes are in the ledger");
}
