//! An adapter that does on purpose what the host must survive. The name of a native call says what it does; the
//! host's tests say how each of them must end.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};

use adapter_sdk::{
    FrameworkAdapter, Imports, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Descriptor, EndpointNeed, Envelope, Error, ErrorCode,
        Estimate, Goal, LedgerStatus, NativeCall, Output, Party, PlannedCall, PublicKey, Receipt,
        SendFailure, Signature, Step, Transport,
        transport::{GrpcRequest, HttpRequest, JsonRpcFailure, JsonRpcRequest, LogLevel},
    },
};

/// What the settings make it do.
pub struct Hostile {
    trap_everywhere: bool,
}

/// Counts the calls that this instance has seen: what one application must never learn of another.
static SEEN: AtomicU64 = AtomicU64::new(0);

fn trap() -> ! {
    std::process::abort()
}

fn answer(text: impl Into<String>) -> Result<Step, Error> {
    let text = text.into();
    Ok(Step::Answer(Output { raw: text.clone().into_bytes(), json: None }))
}

fn rpc(endpoint: &str, method: &str, params: String) -> JsonRpcRequest {
    JsonRpcRequest { endpoint: endpoint.into(), method: method.into(), params, sensitive: false }
}

async fn ask(host: &dyn Imports, request: JsonRpcRequest) -> Result<Step, Error> {
    match host.json_rpc(vec![request]).await.pop() {
        Some(Ok(result)) => answer(result),
        Some(Err(JsonRpcFailure::Transport(failure))) => answer(format!("{failure:?}")),
        other => answer(format!("{other:?}")),
    }
}

#[expect(unconditional_recursion, reason = "the stack is meant to overflow")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    1 + recurse(depth + 1) + frame.iter().sum::<u64>()
}

impl Hostile {
    /// Traps if the settings ask for it in every function.
    fn maybe_trap<T>(&self, operation: &str) -> Result<T, Error> {
        if self.trap_everywhere {
            trap();
        }
        Err(Error::unsupported(operation))
    }

    async fn act(&self, host: &dyn Imports, act: NativeCall) -> Result<Step, Error> {
        match act.name.as_str() {
            "echo" => answer(act.json),
            "spin" => loop {
                black_box(0);
            },
            "trap" => trap(),
            "recurse" => answer(recurse(0).to_string()),
            "grow" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(black_box(vec![1u8; 1 << 20]));
                }
            }
            "call-the-host" => loop {
                host.now_millis();
            },
            "flood-the-log" => loop {
                host.log(LogLevel::Info, &"x".repeat(1_000));
            },
            "log" => {
                host.log(LogLevel::Info, &act.json);
                answer("")
            }
            "hoard-state" => {
                host.state_swap("big", None, Some(vec![0; 1 << 20])).await;
                answer("")
            }
            "flood-the-state" => {
                let mut stored = 0u32;
                for n in 0..100_000 {
                    if !host.state_swap(&format!("key-{n}"), None, Some(vec![7; 10_000])).await {
                        break;
                    }
                    stored += 1;
                }
                answer(stored.to_string())
            }
            "remember" => {
                host.state_swap("memory", host.state_get("memory").await, Some(act.json.into_bytes())).await;
                answer("")
            }
            "recall" => answer(String::from_utf8_lossy(&host.state_get("memory").await.unwrap_or_default())),
            "huge-answer" => answer("x".repeat(48 << 20)),
            "ask-for-randomness" => answer(host.random(u32::MAX).len().to_string()),
            "seen" => answer(SEEN.load(Ordering::Relaxed).to_string()),
            "hoard-and-read" => {
                let hoard = black_box(vec![1u8; 8 << 20]);
                let read = ask(host, rpc(&act.json, "read", "[]".into())).await;
                drop(hoard);
                read
            }
            "read" => ask(host, rpc(&act.json, "read", "[]".into())).await,
            "write" => ask(host, rpc(&act.json, "write", "[]".into())).await,
            "flood-an-endpoint" => loop {
                host.json_rpc(vec![rpc("node", "read", format!("[\"{}\"]", "x".repeat(1 << 20)))]).await;
            },
            "swallow" => loop {
                host.json_rpc(vec![rpc("node", "read", "[\"much\"]".into())]).await;
            },
            "hoard-streams" => {
                let mut streams = Vec::new();
                loop {
                    let request = GrpcRequest {
                        endpoint: "streams".into(),
                        method: "/test.Test/Stream".into(),
                        message: Vec::new(),
                        sensitive: false,
                    };
                    match host.grpc_stream(request).await {
                        Ok(stream) => streams.push(stream),
                        Err(failure) => return answer(format!("{failure:?}")),
                    }
                }
            }
            "http" => {
                let request = HttpRequest {
                    endpoint: "web".into(),
                    method: "GET".into(),
                    path: act.json,
                    headers: Vec::new(),
                    body: Vec::new(),
                    sensitive: false,
                };
                answer(format!("{:?}", host.http(vec![request]).await))
            }
            name => Err(Error::new(ErrorCode::InvalidArgument, format!("there is no act {name:?}"))),
        }
    }
}

#[async_trait]
impl FrameworkAdapter for Hostile {
    fn describe() -> Descriptor {
        SEEN.fetch_add(1, Ordering::Relaxed);
        let need = |name: &str, transport, reads: &[&str]| EndpointNeed {
            name: name.into(),
            transport,
            required: false,
            many: false,
            reads: reads.iter().map(|read| (*read).into()).collect(),
            purpose: "to be misused".into(),
        };
        Descriptor {
            endpoints: vec![
                need("node", Transport::JsonRpc, &["read"]),
                need("streams", Transport::Grpc, &["/test.Test/Stream"]),
                need("web", Transport::Http, &["/"]),
            ],
            ..adapter_sdk::descriptor("hostile", "0.1.0", "hostile")
        }
    }

    fn open(settings: &str) -> Result<Self, Error> {
        match settings {
            "{}" => Ok(Hostile { trap_everywhere: false }),
            r#"{"trap":true}"# => Ok(Hostile { trap_everywhere: true }),
            r#"{"trap":"open"}"# => trap(),
            _ => Err(Error::new(ErrorCode::InvalidArgument, "settings must be {} or {\"trap\":true}")),
        }
    }

    async fn status(&self, _host: &dyn Imports) -> Result<LedgerStatus, Error> {
        self.maybe_trap("status")
    }

    async fn accounts(&self, _host: &dyn Imports, _key: PublicKey) -> Result<Vec<String>, Error> {
        self.maybe_trap("accounts")
    }

    async fn begin(
        &self,
        host: &dyn Imports,
        call: Call,
        _parties: Vec<Party>,
        _options: CallOptions,
    ) -> Result<Step, Error> {
        SEEN.fetch_add(1, Ordering::Relaxed);
        match call {
            Call::Native(act) if !self.trap_everywhere => self.act(host, act).await,
            Call::Invoke(call) if !self.trap_everywhere => answer(format!("{}", call.arguments.len())),
            _ => self.maybe_trap("begin"),
        }
    }

    async fn resume(
        &self,
        _host: &dyn Imports,
        _continuation: Vec<u8>,
        _signatures: Vec<Signature>,
    ) -> Result<Step, Error> {
        self.maybe_trap("resume")
    }

    async fn abandon(&self, _host: &dyn Imports, _continuation: Vec<u8>) -> Result<(), Error> {
        self.maybe_trap("abandon")
    }

    async fn send(&self, host: &dyn Imports, envelope: Envelope) -> Result<(), SendFailure> {
        if self.trap_everywhere {
            trap();
        }
        let answer = host.json_rpc(vec![rpc(&envelope.transaction, "write", "[]".into())]).await.pop();
        match answer {
            Some(Ok(_)) => Ok(()),
            other => Err(SendFailure {
                error: Error::new(ErrorCode::Unavailable, format!("{other:?}")),
                effect: adapter_sdk::types::Effect::Unknown,
            }),
        }
    }

    async fn replace(
        &self,
        _host: &dyn Imports,
        _original: Envelope,
        _parties: Vec<Party>,
        _options: CallOptions,
    ) -> Result<Step, Error> {
        self.maybe_trap("replace")
    }

    async fn receipt(
        &self,
        _host: &dyn Imports,
        _transaction: String,
        _tracking: Vec<u8>,
    ) -> Result<Receipt, Error> {
        self.maybe_trap("receipt")
    }

    async fn estimate(
        &self,
        _host: &dyn Imports,
        _call: Call,
        _parties: Vec<Party>,
        _options: CallOptions,
    ) -> Result<Estimate, Error> {
        self.maybe_trap("estimate")
    }

    async fn plan(&self, _host: &dyn Imports, _goal: Goal) -> Result<Vec<PlannedCall>, Error> {
        self.maybe_trap("plan")
    }

    async fn contract_abi(&self, _host: &dyn Imports, _contract: String) -> Result<Option<String>, Error> {
        self.maybe_trap("contract-abi")
    }

    async fn block(&self, _host: &dyn Imports, _selector: BlockSelector) -> Result<Block, Error> {
        self.maybe_trap("blocks")
    }
}

adapter_sdk::export!(Hostile: blocks);
