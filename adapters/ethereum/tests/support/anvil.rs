//! Anvil, started for one test on a port of its own.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use adapter_spec::{
    Adapter, Ledger,
    types::transport::{Failure, JsonRpcError, JsonRpcFailure},
};
use berth_host::{ComponentAdapter, Host, HostConfig, Limits};
use serde_json::{Value, json};

use super::{Application, TestHost};

pub struct Anvil(anvil_process::Anvil);

impl Anvil {
    /// Mines only when it is told to. None, and a line that says so, when the program is not given.
    pub fn start(arguments: &[&str]) -> Option<Arc<Self>> {
        let arguments = [&["--slots-in-an-epoch", "2", "--no-mining"], arguments].concat();
        anvil_process::Anvil::of_environment(&arguments).map(|anvil| Arc::new(Anvil(anvil)))
    }

    /// Asks the node, as the adapter's endpoint does.
    pub fn ask(&self, method: &str, params: &str) -> Result<String, JsonRpcFailure> {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let cut = |error: ureq::Error| JsonRpcFailure::Transport(Failure::Interrupted(error.to_string()));
        let mut response =
            ureq::post(self.0.url()).header("content-type", "application/json").send(body).map_err(cut)?;
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
