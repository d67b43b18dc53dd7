//! The real program as a node, for tests that use it over HTTP.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use berth_identity::request::Signer;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;

use super::{Berth, Shown};

pub type Http = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

/// What serves a node, and says on a pipe where.
pub fn serve(berth: &Berth) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
    command
        .args(["node", "serve", "--config", "city/node.toml"])
        .current_dir(berth.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}

/// SIGTERM.
pub fn ask_to_stop(child: &Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
}

/// A node that runs.
pub struct Life {
    child: Child,
    pub address: String,
    /// The operator's page.
    pub page: String,
}

impl Life {
    pub fn begin(berth: &Berth) -> Self {
        Self::begin_with(berth, |_| ())
    }

    /// With something else about the process.
    pub fn begin_with(berth: &Berth, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = serve(berth);
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().expect("the node says where it listens").unwrap();
        let address = line.strip_prefix("The node listens at http://").expect(&line).to_owned();
        let page = lines.nth(1).expect("the node says where its page is").unwrap();
        let page = page.trim().strip_prefix("look at it: ").expect(&page).to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Life { child, address, page }
    }

    /// SIGKILL.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and whether it ended well.
    pub fn stop(&mut self) -> bool {
        ask_to_stop(&self.child);
        self.child.wait().unwrap().success()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A node's folder, without TLS, on a free port, with these lines more.
pub fn city(more: &str) -> Berth {
    let berth = Berth::new();
    let made = berth.run(&["node", "init", "city"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let file = berth.folder.path().join("city/node.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("127.0.0.1:8443", "127.0.0.1:0").replace("tls = true", "tls = false");
    let text = text.replace("127.0.0.1:9464", "127.0.0.1:0");
    fs::write(&file, format!("{text}{more}")).unwrap();
    berth
}

pub fn node(berth: &Berth, words: &[&str]) -> Shown {
    let words: Vec<_> = [&["node"][..], words, &["--config", "city/node.toml"]].concat();
    berth.run(&words)
}

pub fn enrol(berth: &Berth, name: &str) -> Signer {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    fs::write(berth.folder.path().join("request.pem"), request).unwrap();
    let enrolled = node(berth, &["participant", "enrol", name, "--request", "request.pem"]);
    assert_eq!(enrolled.code, 0, "{}", enrolled.stderr);
    Signer::new(&enrolled.stdout, &key.serialize_pem()).unwrap()
}

/// One request, signed for the near future, so that it is not taken for one from before a start. None where nobody answers.
pub async fn send(
    client: &Http,
    address: &str,
    by: &Signer,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    let key: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
    send_with(client, address, by, method, path, &key, body).await
}

/// The same with these headers.
pub async fn send_with(
    client: &Http,
    address: &str,
    by: &Signer,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    let bytes = body.map(Value::to_string).unwrap_or_default();
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request
        .header("host", address)
        .header("content-type", "application/json")
        .header("content-length", bytes.len())
        .body(Full::new(Bytes::from(bytes.clone())))
        .unwrap();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let created = jiff::Timestamp::now().as_second() + 2;
    by.sign(&method, &uri, request.headers_mut(), bytes.as_bytes(), created).unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(30), client.request(request)).await.ok()?.ok()?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

pub fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Names an admission policy that lets everything in.
pub fn let_everything_in(berth: &Berth) {
    let folder = berth.folder.path().join("city");
    fs::write(folder.join("policy.toml"), "version = 1\nmode = \"off\"\n").unwrap();
    let text = fs::read_to_string(folder.join("node.toml")).unwrap();
    fs::write(folder.join("node.toml"), text.replace("# policy = ", "policy = ")).unwrap();
}
