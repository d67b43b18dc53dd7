//! Hyperledger Fabric for the framework-adaptation standard: channels of Fabric 2.4 and later, through a peer's gateway.
//!
//! One file for each function of the standard. Below them: `peers` asks, `errors` says what refusals mean, `block` makes hashes
//! anew and counts orderers, `channel` and `policy` read a channel's configuration, `certificate` and `identity` are X.509.
//! [`proto`] has Fabric's messages.

#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "tests index what they made; clippy.toml covers test functions only"
    )
)]

mod begin;
mod block;
mod blocks;
mod certificate;
mod channel;
mod codec;
mod continuation;
mod deliver;
mod endorsed;
mod errors;
mod events;
mod hex;
mod identity;
mod memory;
mod peers;
mod plan;
mod policy;
mod proofs;
mod proposal;
pub mod proto;
mod receipt;
mod resume;
mod send;
mod settings;
mod signature;
mod store;
mod transaction;
mod validation;

use adapter_sdk::{
    FrameworkAdapter, Imports, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, EndpointNeed, Envelope, Error,
        EventFilter, EventPage, EventStart, Finality, Goal, LedgerStatus, Output, Party, PlannedCall, Proof,
        PublicKey, Receipt, SendFailure, ServiceKeyNeed, Signature, SignatureScheme, Step, StoreAnswer,
        StoreOperation, Transport,
    },
};

use settings::Settings;

/// One application's view of one channel.
pub struct Fabric {
    settings: Settings,
}

adapter_sdk::export!(Fabric: blocks, events, store, proofs);

#[async_trait]
impl FrameworkAdapter for Fabric {
    fn describe() -> Descriptor {
        Descriptor {
            framework_versions: ["3.1", "3.0", "2.5", "2.4"].map(Into::into).to_vec(),
            permissioned: true,
            schemes: vec![SignatureScheme::EcdsaP256Sha256],
            finality: Finality::Immediate,
            ordered_accounts: false,
            endpoints: vec![EndpointNeed {
                name: peers::NEED.into(),
                transport: Transport::Grpc,
                required: true,
                many: true,
                reads: peers::READS.iter().map(|method| (*method).into()).collect(),
                purpose: "gateway of a peer; one of each organisation for proofs of success".into(),
            }],
            service_keys: vec![ServiceKeyNeed {
                name: peers::CLIENT.into(),
                scheme: SignatureScheme::EcdsaP256Sha256,
                purpose: "signs reads of the channel's height, blocks, events and proofs, as a member of it"
                    .into(),
            }],
            settings_schema: settings::SCHEMA.into(),
            max_payload: begin::MAX_PAYLOAD,
            capabilities: ["included", "plan", "preset-history", "succeeded"].map(Into::into).to_vec(),
            ..adapter_sdk::descriptor("fabric", env!("CARGO_PKG_VERSION"), "fabric")
        }
    }

    fn open(settings: &str) -> Result<Self, Error> {
        Ok(Fabric { settings: Settings::parse(settings)? })
    }

    async fn status(&self, host: &dyn Imports) -> Result<LedgerStatus, Error> {
        blocks::status(&self.settings, host).await
    }

    async fn accounts(&self, host: &dyn Imports, key: PublicKey) -> Result<Vec<String>, Error> {
        let certificate = identity::certificate_of(&key)?;
        Ok(vec![identity::account(host, &self.settings.msp_id, &certificate)])
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
        resume::abandon(host, &continuation).await
    }

    async fn send(&self, host: &dyn Imports, envelope: Envelope) -> Result<(), SendFailure> {
        send::send(&self.settings, host, &envelope).await
    }

    async fn receipt(
        &self,
        host: &dyn Imports,
        transaction: String,
        tracking: Vec<u8>,
    ) -> Result<Receipt, Error> {
        receipt::receipt(&self.settings, host, &transaction, &tracking).await
    }

    async fn plan(&self, host: &dyn Imports, goal: Goal) -> Result<Vec<PlannedCall>, Error> {
        plan::plan(&self.settings, host, goal).await
    }

    async fn block(&self, host: &dyn Imports, selector: BlockSelector) -> Result<Block, Error> {
        blocks::get(&self.settings, host, &selector).await
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

    async fn prove(&self, host: &dyn Imports, claim: Claim) -> Result<Proof, Error> {
        proofs::prove(&self.settings, host, claim).await
    }

    async fn verify(host: &dyn Imports, anchor: Vec<u8>, proof: Proof) -> Result<(), Error> {
        proofs::verify(host, &anchor, &proof)
    }
}
