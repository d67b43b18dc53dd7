//! FISCO BCOS 2.x and 3.x for the framework-adaptation standard, with secp256k1 and Keccak-256 or with SM2 and SM3.
//!
//! One file for each function of the standard. What the generations write differently is in `transaction`, `header`, `executed` and
//! `merkle`; `rpc` asks the node in the words of its generation; `errors::table` says what its refusals mean.

#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "tests index what they made; clippy.toml covers test functions only"
    )
)]

mod abandoned;
mod begin;
mod blocks;
mod continuation;
mod crypto;
mod errors;
mod evaluate;
mod events;
mod executed;
mod header;
mod interface;
mod merkle;
mod names;
mod number;
mod parties;
mod proofs;
mod quorum;
mod receipt;
mod resume;
mod rpc;
mod send;
mod sent;
mod settings;
mod settled;
mod status;
mod store;
mod tars;
#[cfg(test)]
mod testing;
mod transaction;
#[cfg(test)]
mod vectors;

use adapter_evm_abi::codec;
use adapter_sdk::{
    FrameworkAdapter, Imports, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, EndpointNeed, Envelope, Error,
        EventFilter, EventPage, EventStart, Finality, Goal, LedgerStatus, Output, Party, PlannedCall, Proof,
        PublicKey, Receipt, SendFailure, Signature, SignatureScheme, Step, StoreAnswer, StoreOperation,
        Transport,
    },
};

use settings::Settings;

/// One application's view of one group.
pub struct FiscoBcos {
    settings: Settings,
}

adapter_sdk::export!(FiscoBcos: blocks, events, store, proofs);

#[async_trait]
impl FrameworkAdapter for FiscoBcos {
    fn describe() -> Descriptor {
        Descriptor {
            framework_versions: ["3.16.4", "2.10.0", "2.9.1"].map(Into::into).to_vec(),
            schemes: vec![SignatureScheme::EcdsaSecp256k1Keccak256, SignatureScheme::Sm2Sm3],
            signs_digests: Some(
                "no digest input is asked for, but on chains with SM2 the message that nodes verify is the SM3 hash of the \
                 transaction"
                    .into(),
            ),
            finality: Finality::Immediate,
            endpoints: vec![EndpointNeed {
                name: rpc::NEED.into(),
                transport: Transport::JsonRpc,
                required: true,
                many: false,
                reads: rpc::READS.iter().map(|method| (*method).into()).collect(),
                purpose: "JSON-RPC over HTTP of a FISCO BCOS node of the group".into(),
            }],
            settings_schema: settings::SCHEMA.into(),
            max_payload: begin::MAX_PAYLOAD,
            capabilities: [
                "contract-abi",
                "deploy",
                "event",
                "included",
                "plan",
                "preset-history",
                "succeeded",
            ]
            .map(Into::into)
            .to_vec(),
            ..adapter_sdk::descriptor("fisco-bcos", env!("CARGO_PKG_VERSION"), "fisco-bcos")
        }
    }

    fn open(settings: &str) -> Result<Self, Error> {
        Ok(FiscoBcos { settings: Settings::parse(settings)? })
    }

    async fn status(&self, host: &dyn Imports) -> Result<LedgerStatus, Error> {
        status::status(&self.settings, host).await
    }

    async fn accounts(&self, host: &dyn Imports, key: PublicKey) -> Result<Vec<String>, Error> {
        let sender = parties::sender_of(host, self.settings.crypto, &key)?;
        Ok(vec![transaction::shown(sender.address)])
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
        abandoned::note(&self.settings, host, &continuation).await
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

    async fn plan(&self, _host: &dyn Imports, goal: Goal) -> Result<Vec<PlannedCall>, Error> {
        store::plan(&self.settings, goal)
    }

    async fn contract_abi(&self, host: &dyn Imports, contract: String) -> Result<Option<String>, Error> {
        interface::contract_abi(&self.settings, host, &contract).await
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
        adapter_evm_abi::preset::answer(&operation, outcome)
    }

    async fn prove(&self, host: &dyn Imports, claim: Claim) -> Result<Proof, Error> {
        proofs::prove(&self.settings, host, claim).await
    }

    async fn verify(host: &dyn Imports, anchor: Vec<u8>, proof: Proof) -> Result<(), Error> {
        proofs::verify(host, &anchor, &proof)
    }
}
