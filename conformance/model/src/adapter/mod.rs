//! The honest adapter of the model ledger. It offers everything of the standard, in the simplest way that is right.
//!
//! One file for each function of the standard; `rpc` asks the nodes, `errors` says what their refusals mean, `leases`
//! says why no nonce is lost or signed twice.

mod abi;
mod begin;
mod blocks;
mod call;
mod errors;
mod events;
mod leases;
mod proofs;
mod receipt;
mod records;
mod resume;
mod rpc;
mod send;
mod settings;
mod store;

use adapter_sdk::{
    FrameworkAdapter, Imports, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, EndpointNeed, Envelope, Error, Estimate,
        EventFilter, EventPage, EventStart, Finality, Goal, LedgerStatus, Output, Party, PlannedCall, Proof,
        PublicKey, Receipt, SendFailure, ServiceKeyNeed, Signature, SignatureScheme, Step, StoreAnswer,
        StoreOperation, Transport,
    },
};

use crate::wire::SCHEMES;
pub use proofs::with_signatures;
use rpc::Nodes;
use settings::Settings;

/// The descriptor's name for the endpoints.
pub const NEED: &str = "node";
/// The descriptor's name for the service key.
pub const AUDITOR: &str = "auditor";
/// Every method that is asked outside `send`.
pub const READS: &[&str] = &[
    "ledger_account",
    "ledger_attestation",
    "ledger_block",
    "ledger_call",
    "ledger_contract",
    "ledger_entry",
    "ledger_header",
    "ledger_nonce",
    "ledger_private",
    "ledger_space",
    "ledger_status",
    "ledger_transaction",
    "ledger_try",
    "ledger_validators",
];
/// What is declared beside the native calls.
const CAPABILITIES: [&str; 6] = ["deploy", "replace", "estimate", "plan", "contract-abi", "preset-history"];

/// One application's view of one space of the ledger.
pub struct ModelAdapter {
    settings: Settings,
}

adapter_sdk::export!(ModelAdapter: blocks, events, store, proofs);

#[async_trait]
impl FrameworkAdapter for ModelAdapter {
    fn describe() -> Descriptor {
        Descriptor {
            framework_versions: vec!["1".into()],
            permissioned: true,
            schemes: SCHEMES.to_vec(),
            finality: Finality::Depth(3),
            ordered_accounts: true,
            endpoints: vec![EndpointNeed {
                name: NEED.into(),
                transport: Transport::JsonRpc,
                required: true,
                many: true,
                reads: READS.iter().map(|method| (*method).into()).collect(),
                purpose: "JSON-RPC of nodes of the ledger, asked in their order until one answers".into(),
            }],
            service_keys: vec![ServiceKeyNeed {
                name: AUDITOR.into(),
                scheme: SignatureScheme::EcdsaP256Sha256,
                purpose: "signs requests to read private arguments that a contract keeps".into(),
            }],
            settings_schema: settings::SCHEMA.into(),
            max_payload: call::MAX_PAYLOAD,
            capabilities: CAPABILITIES
                .iter()
                .chain(&call::NATIVE)
                .chain(&proofs::KINDS)
                .map(|name| (*name).into())
                .collect(),
            ..adapter_sdk::descriptor("model", env!("CARGO_PKG_VERSION"), "model")
        }
    }

    fn open(settings: &str) -> Result<Self, Error> {
        Ok(ModelAdapter { settings: Settings::parse(settings)? })
    }

    async fn status(&self, host: &dyn Imports) -> Result<LedgerStatus, Error> {
        blocks::status(&self.settings, &Nodes::lent(host)?).await
    }

    async fn accounts(&self, host: &dyn Imports, key: PublicKey) -> Result<Vec<String>, Error> {
        let account = call::signer(&key)?.account;
        let ask = begin::ask_account(&self.settings, &account);
        let found: begin::Account = Nodes::lent(host)?.one(ask).await?;
        Ok(if found.admitted { vec![account] } else { Vec::new() })
    }

    async fn begin(
        &self,
        host: &dyn Imports,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, Error> {
        begin::begin(&self.settings, host, call, &parties, &options).await
    }

    async fn resume(
        &self,
        host: &dyn Imports,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, Error> {
        resume::resume(&self.settings, host, &continuation, &signatures).await
    }

    async fn abandon(&self, host: &dyn Imports, continuation: Vec<u8>) -> Result<(), Error> {
        resume::abandon(&self.settings, host, &continuation).await
    }

    async fn send(&self, host: &dyn Imports, envelope: Envelope) -> Result<(), SendFailure> {
        send::send(&self.settings, host, &envelope).await
    }

    async fn replace(
        &self,
        host: &dyn Imports,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, Error> {
        resume::replace(&self.settings, host, &original, &parties, &options).await
    }

    async fn receipt(
        &self,
        host: &dyn Imports,
        transaction: String,
        tracking: Vec<u8>,
    ) -> Result<Receipt, Error> {
        receipt::receipt(&self.settings, host, &transaction, &tracking).await
    }

    async fn estimate(
        &self,
        host: &dyn Imports,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, Error> {
        begin::estimate(&self.settings, host, call, &parties, &options).await
    }

    async fn plan(&self, host: &dyn Imports, goal: Goal) -> Result<Vec<PlannedCall>, Error> {
        store::plan(&self.settings, host, goal).await
    }

    async fn contract_abi(&self, host: &dyn Imports, contract: String) -> Result<Option<String>, Error> {
        begin::contract_abi(&self.settings, &Nodes::lent(host)?, &contract).await
    }

    async fn block(&self, host: &dyn Imports, selector: BlockSelector) -> Result<Block, Error> {
        blocks::block(&self.settings, &Nodes::lent(host)?, &selector).await
    }

    async fn events(
        &self,
        host: &dyn Imports,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, Error> {
        events::read(&self.settings, &Nodes::lent(host)?, &filter, start, limit, max_bytes).await
    }

    async fn to_call(
        &self,
        _host: &dyn Imports,
        contract: String,
        operation: StoreOperation,
    ) -> Result<Call, Error> {
        store::to_call(&self.settings, &contract, operation)
    }

    async fn from_outcome(
        &self,
        _host: &dyn Imports,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, Error> {
        store::from_outcome(&operation, outcome)
    }

    async fn prove(&self, host: &dyn Imports, claim: Claim) -> Result<Proof, Error> {
        proofs::prove(&self.settings, &Nodes::lent(host)?, claim).await
    }

    async fn verify(host: &dyn Imports, anchor: Vec<u8>, proof: Proof) -> Result<(), Error> {
        proofs::verify(host, &anchor, &proof)
    }
}
