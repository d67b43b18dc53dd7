//! Ethereum for the framework-adaptation standard: any chain with Ethereum's JSON-RPC and transactions.
//!
//! One file for each function of the standard; `rpc` asks the node, `errors` says what its refusals mean, `nonces` says
//! why no nonce is lost or used twice.

#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "tests index what they made; clippy.toml covers test functions only"
    )
)]

mod begin;
mod blocks;
mod continuation;
mod errors;
mod evaluate;
mod events;
mod fees;
mod finality;
mod nonces;
mod parties;
mod receipt;
mod replace;
mod resume;
mod rpc;
mod send;
mod settings;
mod status;
mod store;
mod transaction;

use adapter_evm_abi::codec;
use adapter_sdk::{
    FrameworkAdapter, Imports, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Descriptor, EndpointNeed, Envelope, Error, Estimate,
        EventFilter, EventPage, EventStart, Finality, Goal, LedgerStatus, Output, Party, PlannedCall,
        PublicKey, Receipt, SendFailure, Signature, SignatureScheme, Step, StoreAnswer, StoreOperation,
        Transport,
    },
};

use adapter_evm_abi as abi;
use settings::Settings;

/// One application's view of one Ethereum chain.
pub struct Ethereum {
    settings: Settings,
}

adapter_sdk::export!(Ethereum: blocks, events, store);

#[async_trait]
impl FrameworkAdapter for Ethereum {
    fn describe() -> Descriptor {
        Descriptor {
            framework_versions: ["osaka", "prague", "cancun", "shanghai", "london"].map(Into::into).to_vec(),
            permissioned: false,
            schemes: vec![SignatureScheme::EcdsaSecp256k1Keccak256],
            finality: Finality::Announced,
            ordered_accounts: true,
            endpoints: vec![EndpointNeed {
                name: rpc::NEED.into(),
                transport: Transport::JsonRpc,
                required: true,
                many: false,
                reads: rpc::READS.iter().map(|method| (*method).into()).collect(),
                purpose: "JSON-RPC of an Ethereum node".into(),
            }],
            settings_schema: settings::SCHEMA.into(),
            max_payload: begin::MAX_PAYLOAD,
            capabilities: ["deploy", "estimate", "plan", "preset-history", "replace"]
                .map(Into::into)
                .to_vec(),
            ..adapter_sdk::descriptor("ethereum", env!("CARGO_PKG_VERSION"), "ethereum")
        }
    }

    fn open(settings: &str) -> Result<Self, Error> {
        Ok(Ethereum { settings: Settings::parse(settings)? })
    }

    async fn status(&self, host: &dyn Imports) -> Result<LedgerStatus, Error> {
        status::status(&self.settings, host).await
    }

    async fn accounts(&self, _host: &dyn Imports, key: PublicKey) -> Result<Vec<String>, Error> {
        Ok(vec![parties::sender_of(&key)?.address.to_checksum(None)])
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
        replace::replace(&self.settings, host, &original, &parties, &options).await
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

    async fn plan(&self, _host: &dyn Imports, goal: Goal) -> Result<Vec<PlannedCall>, Error> {
        store::plan(&self.settings, goal)
    }

    async fn block(&self, host: &dyn Imports, selector: BlockSelector) -> Result<Block, Error> {
        blocks::block(&self.settings, host, &selector).await
    }

    async fn events(
        &self,
        host: &dyn Imports,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, Error> {
        events::read(&self.settings, host, &filter, start, limit, max_bytes).await
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
}
