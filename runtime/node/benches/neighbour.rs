//! What a hostile tenant costs its neighbour. A node in a process of its own runs one adapter for two applications. One tenant writes at
//! a steady rate, alone and beside another that does one harmful thing after the other: endless loops, huge answers, floods of
//! reads, floods of writes at the application's quota and beyond. The hostile tenant's client is a third process, which the
//! system puts behind the others (`nice`): what is measured is the node, not the machine.
//!
//! `cargo bench --profile dev --workspace --bench neighbour`; `BERTH_BENCH_SECONDS` says how long each part takes (10). A word
//! after `--` chooses harms by their names.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use adapter_spec::{
    Adapter as _,
    types::{Descriptor, SignatureScheme},
};
use berth_gateway::{KeyMode, Offered, Order, Quotas};
use berth_host::{Compiler, Host, HostConfig, Limits};
use berth_identity::request::Signer;
use berth_node::{Configuration, Node};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tokio::runtime::Builder;

const FOLDER: &str = "BERTH_NEIGHBOUR_FOLDER";
/// What the third process does; the second, the node, has none.
const HARM: &str = "BERTH_NEIGHBOUR_HARM";
/// Writes of the quiet tenant in a second.
const RATE: f64 = 40.0;
/// Times that a harm is measured, each beside as many seconds without.
const ROUNDS: usize = 3;

/// What the hostile tenant does, the name of the act, and how often at once.
const HARMS: [(&str, &[(&str, usize)]); 5] = [
    ("endless loops, 32 at once", &[("spin", 32)]),
    ("huge answers, 8 at once", &[("huge-answer", 8)]),
    ("a flood of reads, 32 at once", &[("status", 32)]),
    ("a flood of writes at the quota and beyond, 32 at once", &[("echo", 32)]),
    ("all of that", &[("spin", 32), ("huge-answer", 8), ("status", 32), ("echo", 32)]),
];

fn seconds() -> Duration {
    let seconds = env::var("BERTH_BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10))
}

/// The built component.
fn component() -> PathBuf {
    let folder = env::var_os("BERTH_COMPONENTS").map(PathBuf::from).unwrap_or_else(|| {
        let program = env::current_exe().unwrap();
        program.ancestors().nth(3).unwrap().join("components")
    });
    folder.join("hostile.component.wasm")
}

/// The node, until it is killed.
async fn node(folder: &Path) {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    file("master.key", &"5a".repeat(32));
    let text = "state = \"state\"\nmaster_key = { file = \"master.key\" }\n\n[gateway]\nlisten = \"127.0.0.1:0\"\ntls = false\n";
    let configuration = Configuration::read(&file("node.toml", text)).unwrap();
    let node = Node::start(&configuration, Compiler::InProcess, None).await.unwrap();
    let bytes = fs::read(component()).unwrap_or_else(|error| panic!("{error}; run cargo xtask components"));
    let host = Host::new(HostConfig { long_calls_aside: true, ..HostConfig::default() }).unwrap();
    let adapter = host.load(&bytes, Limits::default()).await.unwrap();
    // It says that it takes no keys, which an application needs that the node holds keys for.
    let schemes = vec![SignatureScheme::EcdsaP256Sha256];
    let descriptor = Descriptor { schemes, ..adapter.describe().await.unwrap() };
    let adapter = Arc::new(adapter);
    let offered = Offered { adapter, descriptor, sandboxed: true, digest: None, certificate: None };
    node.gateway().adapters().put(offered).unwrap();
    for name in ["quiet", "hostile"] {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let (_, certificate) = node.gateway().enrol(name, &request, 30).await.unwrap();
        file(&format!("{name}.pem"), &certificate);
        file(&format!("{name}.key"), &key.serialize_pem());
        let order = Order {
            name: name.into(),
            adapter: "hostile".into(),
            settings: json!({}),
            endpoints: Vec::new(),
            key_mode: KeyMode::Trust,
            owner: name.into(),
            quotas: Quotas::default(),
        };
        node.gateway().create(order).await.unwrap();
    }
    println!("listens at {}", node.address);
    std::future::pending::<()>().await;
}

/// A tenant, as the node's clients see themselves.
struct Tenant {
    client: Client<HttpConnector, Full<Bytes>>,
    address: String,
    signer: Signer,
    application: &'static str,
    /// Before each idempotency key.
    run: String,
}

impl Tenant {
    fn new(folder: &Path, application: &'static str, run: String) -> Arc<Self> {
        let text = |name: String| fs::read_to_string(folder.join(name)).unwrap();
        let signer = Signer::new(&text(format!("{application}.pem")), &text(format!("{application}.key")));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let address = text("address".into());
        Arc::new(Tenant { client, address, signer: signer.unwrap(), application, run })
    }

    /// One call of an act, or of `status`; its HTTP status, once the answer is whole.
    async fn act(&self, act: &str, number: usize) -> Option<u16> {
        let reads = act == "status";
        let end = if reads { "status" } else { "native" };
        let method = if reads { Method::GET } else { Method::POST };
        let body = if reads { String::new() } else { json!({"name": act, "arguments": 1}).to_string() };
        let uri = format!("http://{}/v1/applications/{}/{end}", self.address, self.application);
        let mut request = Request::builder().method(method).uri(uri).header("host", &self.address);
        if !reads {
            request = request
                .header("idempotency-key", format!("{}-{act}-{number}", self.run))
                .header("content-type", "application/json")
                .header("content-length", body.len());
        }
        let mut request = request.body(Full::new(Bytes::from(body.clone()))).unwrap();
        // For the near future: what was signed in the second of a start is not taken.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let created = Timestamp::now().as_second() + 2;
        self.signer.sign(&method, &uri, request.headers_mut(), body.as_bytes(), created).unwrap();
        let answer = self.client.request(request).await.ok()?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await.ok()?;
        Some(status)
    }

    /// Writes at the steady rate: how long each took, from when it should have begun.
    async fn latencies(self: &Arc<Self>) -> Vec<Duration> {
        let begin = Instant::now();
        let mut tasks = Vec::new();
        for number in 0..(RATE * seconds().as_secs_f64()) as usize {
            let due = begin + Duration::from_secs_f64(number as f64 / RATE);
            tokio::time::sleep_until(due.into()).await;
            let tenant = self.clone();
            tasks.push(tokio::spawn(async move {
                let status = tenant.act("echo", number).await;
                (status, due.elapsed())
            }));
        }
        let mut took = Vec::new();
        for task in tasks {
            let (status, time) = task.await.unwrap();
            assert_eq!(status, Some(200), "the quiet tenant is answered");
            took.push(time);
        }
        took
    }
}

/// Does harm until it is killed.
async fn harm(folder: &Path, which: usize) {
    let run = format!("{which}-{}", Timestamp::now().as_millisecond());
    let tenant = Tenant::new(folder, "hostile", run);
    let mut lanes = tokio::task::JoinSet::new();
    for (act, at_once) in HARMS[which].1 {
        for lane in 0..*at_once {
            let tenant = tenant.clone();
            lanes.spawn(async move {
                for number in (lane..).step_by(*at_once) {
                    let _ = tenant.act(act, number).await;
                }
            });
        }
    }
    lanes.join_all().await;
}

/// A process of this program, until it is dropped.
struct Other(Child);

impl Other {
    fn new(folder: &Path, harm: Option<usize>) -> Self {
        let program = env::current_exe().unwrap();
        let mut command = match harm {
            None => Command::new(program),
            Some(which) => {
                let mut nice = Command::new("nice");
                nice.args(["-n", "19"]).arg(program).env(HARM, which.to_string());
                nice
            }
        };
        Other(command.env(FOLDER, folder).stdout(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn quantile(sorted: &[Duration], of: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * of) as usize].as_secs_f64() * 1_000.0
}

/// A node of its own, which nobody has used yet, alone and then beside the harm: how long the quiet tenant's writes took.
fn round(which: usize) -> [Vec<Duration>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Other::new(folder.path(), None);
    let mut lines = BufReader::new(node.0.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| Some(line.unwrap().strip_prefix("listens at ")?.to_owned()));
    fs::write(folder.path().join("address"), address.unwrap()).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let run = |name: &str| {
        let tenant = Tenant::new(folder.path(), "quiet", name.into());
        runtime.block_on(async { tenant.latencies().await })
    };
    let alone = run("alone");
    let _hostile = Other::new(folder.path(), Some(which));
    // Until it is under way.
    std::thread::sleep(Duration::from_secs(1));
    [alone, run("beside")]
}

fn measure() {
    println!(
        "| beside | median, alone | beside | 99th percentile, alone | beside | ratio of the 99th percentiles (goal 2) | |"
    );
    println!("|---|---|---|---|---|---|---|");
    let wanted = env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    for (which, (name, _)) in HARMS.iter().enumerate().filter(|(_, (name, _))| name.contains(&wanted)) {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let [without, with] = round(which);
            alone.extend(without);
            beside.extend(with);
        }
        alone.sort_unstable();
        beside.sort_unstable();
        let [m0, m1] = [&alone, &beside].map(|took| quantile(took, 0.5));
        let [p0, p1] = [&alone, &beside].map(|took| quantile(took, 0.99));
        let met = if p1 <= 2.0 * p0 { "met" } else { "missed" };
        println!("| {name} | {m0:.1} ms | {m1:.1} ms | {p0:.1} ms | {p1:.1} ms | {:.1} | {met} |", p1 / p0);
    }
}

fn main() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return measure() };
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    match env::var(HARM).ok().and_then(|which| which.parse().ok()) {
        Some(which) => runtime.block_on(harm(&folder, which)),
        None => runtime.block_on(node(&folder)),
    }
}
