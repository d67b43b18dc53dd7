//! An adapter in one screen: a tally that anybody with a key may add to. Its node speaks JSON-RPC: `total` reads, `add`
//! takes what was signed. The ledger is made up; adapters/notebook is one that keeps the whole standard.

use adapter_sdk::{FrameworkAdapter, Imports, async_trait, descriptor, types::transport::*, types::*};

/// The one tally of the node that the application is lent.
pub struct Tally;

adapter_sdk::export!(Tally);

async fn ask(host: &dyn Imports, method: &str, params: String) -> Result<String, Error> {
    let node =
        host.lent_as("node").pop().ok_or_else(|| Error::new(ErrorCode::Unavailable, "no node is lent"))?;
    let request = JsonRpcRequest { endpoint: node.endpoint, method: method.into(), params, sensitive: false };
    match host.json_rpc(vec![request]).await.pop() {
        Some(Ok(result)) => Ok(result),
        Some(Err(JsonRpcFailure::Error(error))) => Err(Error::new(ErrorCode::Rejected, error.message)),
        Some(Err(JsonRpcFailure::Transport(failure))) => Err(failure.into()),
        None => Err(Error::new(ErrorCode::Internal, "the host gave no answer")),
    }
}

#[async_trait]
impl FrameworkAdapter for Tally {
    fn describe() -> Descriptor {
        let (name, purpose) = ("node".into(), "the tally".into());
        let (transport, reads) = (Transport::JsonRpc, vec!["total".into()]);
        let node = EndpointNeed { name, transport, required: true, many: false, reads, purpose };
        let schemes = vec![SignatureScheme::EcdsaP256Sha256];
        Descriptor { schemes, endpoints: vec![node], ..descriptor("tally", "0.1.0", "tally") }
    }

    fn open(_settings: &str) -> Result<Self, Error> {
        Ok(Tally)
    }

    async fn begin(
        &self,
        host: &dyn Imports,
        call: Call,
        by: Vec<Party>,
        _: CallOptions,
    ) -> Result<Step, Error> {
        match (call, by.into_iter().flat_map(|party| party.keys).next()) {
            (Call::Evaluate(_), _) => {
                let total = ask(host, "total", "[]".into()).await?;
                Ok(Step::Answer(Output { raw: total.clone().into_bytes(), json: Some(total) }))
            }
            (Call::Invoke(call), Some(key)) => {
                let what = call.function.into_bytes();
                Ok(Step::Sign(SignRequest {
                    items: vec![SignItem { key, input: SigningInput::Message(what.clone()) }],
                    continuation: what,
                    valid_until: Validity::Unbounded,
                    max_fee: None,
                    summary: "add to the tally".into(),
                }))
            }
            _ => Err(Error::unsupported("this kind of call, or one without a key")),
        }
    }

    async fn resume(
        &self,
        host: &dyn Imports,
        mut bytes: Vec<u8>,
        by: Vec<Signature>,
    ) -> Result<Step, Error> {
        bytes.extend(by.into_iter().flat_map(|signature| signature.bytes));
        let id = host.hash(HashAlgorithm::Sha256, &bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Step::Send(Envelope {
            transaction: id,
            bytes,
            valid_until: Validity::Unbounded,
            tracking: Vec::new(),
        }))
    }

    async fn send(&self, host: &dyn Imports, envelope: Envelope) -> Result<(), SendFailure> {
        let sent =
            ask(host, "add", serde_json::json!([envelope.transaction, envelope.bytes]).to_string()).await;
        sent.map(|_| ()).map_err(|error| SendFailure { error, effect: Effect::Unknown })
    }
}
