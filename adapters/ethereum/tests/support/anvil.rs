//! Anvil, started for one test on a port of its own.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock},
};

use adapter_spec::{
    Adapter, Ledger,
    types::transport::{Failure, JsonRpcError, JsonRpcFailure},
};
use berth_host::{ComponentAdapter, Host, HostConfig, Limits};
use serde_json::{Value, json};

use super::{Application, TestHost};

/// Anvil's first well-known key; the account has 10,000 ether.
pub const FIRST_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Its second.
pub const SECOND_KEY: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

pub struct Anvil {
    child: Child,
    url: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Anvil {
    /// Mines only when it is told to. None, and a line that says so, when the program is not given.
    pub fn start(arguments: &[&str]) -> Option<Arc<Self>> {
        let Ok(program) = std::env::var("BERTH_ANVIL") else {
            eprintln!("NOT RUN: BERTH_ANVIL does not name the anvil program");
            return None;
        };
        let mut child = Command::new(program)
            .args(["--port", "0", "--host", "127.0.0.1", "--slots-in-an-epoch", "2", "--no-mining"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("anvil says where it listens").unwrap();
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.to_owned();
            }
        };
        // Its output must be read, or it stops.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Arc::new(Anvil { child, url: format!("http://{address}") }))
    }

    /// Asks the node, as the adapter's endpoint does.
    pub fn ask(&self, method: &str, params: &str) -> Result<String, JsonRpcFailure> {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let cut = |error: ureq::Error| JsonRpcFailure::Transport(Failure::Interrupted(error.to_string()));
        let mut response =
            ureq::post(&self.url).header("content-type", "application/json").send(body).map_err(cut)?;
        let answer: Value =
            serde_json::from_str(&response.body_mut().read_to_string().map_err(cut)?).unwrap();
        match answer.get("error") {
            Some(error) => Err(JsonRpcFailure::Error(JsonRpcError {
                code: error["code"].as_i64().unwrap(),
                message: error["message"].as_str().unwrap().into(),
                data: error.get("data").map(ToString::to_string),
            })),
            None => Ok(answer["result"].to_string()),
        }
    }

    /// Something that only tests do.
    pub fn tell(&self, method: &str, params: Value) -> Value {
        serde_json::from_str(&self.ask(method, &params.to_string()).unwrap()).unwrap()
    }

    pub fn mine(&self, blocks: u64) {
        self.tell("anvil_mine", json!([format!("{blocks:#x}")]));
    }

    /// What one application is lent.
    pub fn lend(self: &Arc<Self>) -> Arc<TestHost> {
        let node = Arc::clone(self);
        TestHost::new(Arc::new(move |method: &str, params: &str| node.ask(method, params)))
    }
}

/// The adapter as one application has it, run in the way of this test program.
pub async fn open(lent: &Arc<TestHost>, settings: Value) -> Arc<dyn Ledger> {
    let lender = Arc::new(Application(Arc::clone(lent)));
    let adapter: Box<dyn Adapter> =
        if crate::AS_COMPONENT { Box::new(component().await) } else { Box::new(adapter_ethereum::native()) };
    adapter.open(lender, &settings.to_string()).await.unwrap()
}

/// The component that `cargo xtask components` made, in a host of its own: what a restart of the node gives.
async fn component() -> ComponentAdapter {
    static CACHE: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    let folder = std::env::var_os("BERTH_COMPONENTS").expect("BERTH_COMPONENTS: run cargo xtask test");
    let bytes = std::fs::read(PathBuf::from(folder).join("ethereum.component.wasm")).unwrap();
    let cache = Some(CACHE.path().to_owned());
    let host = Host::new(HostConfig { instances: 32, cache, ..HostConfig::default() }).unwrap();
    host.load(&bytes, Limits::default()).await.unwrap()
}
