//! What a host lends to an adapter: the standard's imports as traits.
//!
//! All that is not deterministic enters an adapter here. So recording, replay and fault injection are each one
//! implementation of [`Lender`] around another, for components and native plug-ins alike.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    Ended,
    types::{
        Error, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};

/// A function of the standard. What is lent depends on it: only [`Function::Send`] may reach endpoint methods that
/// are not declared reads; [`Function::Describe`], [`Function::Open`] and [`Function::Verify`] reach no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each case is the function of the same name in `Adapter` or `Ledger`")]
pub enum Function {
    Describe,
    Open,
    Status,
    Accounts,
    Begin,
    Resume,
    Abandon,
    Send,
    Replace,
    Receipt,
    Estimate,
    Plan,
    ContractAbi,
    Block,
    Events,
    ToCall,
    FromOutcome,
    Prove,
    Verify,
}

impl Function {
    /// The function's name in the standard, e.g. `core.ledger.begin`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Function::Describe => "core.describe",
            Function::Open => "core.ledger.open",
            Function::Status => "core.ledger.status",
            Function::Accounts => "core.ledger.accounts",
            Function::Begin => "core.ledger.begin",
            Function::Resume => "core.ledger.resume",
            Function::Abandon => "core.ledger.abandon",
            Function::Send => "core.ledger.send",
            Function::Replace => "core.ledger.replace",
            Function::Receipt => "core.ledger.receipt",
            Function::Estimate => "core.ledger.estimate",
            Function::Plan => "core.ledger.plan",
            Function::ContractAbi => "core.ledger.contract-abi",
            Function::Block => "blocks.get",
            Function::Events => "events.read",
            Function::ToCall => "store.to-call",
            Function::FromOutcome => "store.from-outcome",
            Function::Prove => "proofs.prove",
            Function::Verify => "proofs.verify",
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one application lends its adapter. A call asks once, and has what it got until it ends.
pub trait Lender: Send + Sync {
    /// The application's name, for logs and metering.
    fn application(&self) -> &str;

    /// What a call of `function` may reach.
    fn imports(&self, function: Function) -> Arc<dyn Imports>;
}

/// All that an adapter can reach while one call runs.
///
/// Errors of endpoints are answers, not failures of the call: the adapter decides what they mean. Limits on how
/// often and how much are the host's, not this trait's.
#[async_trait]
pub trait Imports: Send + Sync {
    /// The endpoints lent under a descriptor's name; none when nothing is lent under it.
    fn lent_as(&self, need: &str) -> Vec<Lent>;

    /// Carries the requests out side by side; as many answers, in the same order.
    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>>;

    /// Carries the calls out side by side; as many answers, in the same order. An answer is the JSON of `result`.
    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>>;

    /// Carries the unary calls out side by side; as many answers, in the same order.
    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>>;

    /// Opens a server stream.
    ///
    /// # Errors
    /// When the endpoint is not lent or cannot be reached, or the server refuses at once.
    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure>;

    /// The public key of a service key.
    ///
    /// # Errors
    /// `not-found` when no key is lent under this name.
    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error>;

    /// A signature by a service key.
    ///
    /// # Errors
    /// `not-found` when no key is lent under this name, `invalid-argument` when the input does not fit its scheme.
    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error>;

    /// The hash, 32 bytes.
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8>;

    /// Whether the signature is this key's over this input. False for anything malformed.
    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool;

    /// The point that signed `digest` (32 bytes): SEC1 uncompressed, 65 bytes. Only for schemes on secp256k1.
    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>>;

    /// A value of the application's state.
    async fn state_get(&self, key: &str) -> Option<Vec<u8>>;

    /// Writes `new` if the value is still `expected`; false if it is not. `None` is no value.
    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool;

    /// Why the call must end instead of writing this to the state, or instead of going on with what it read: the
    /// application's state is full, or its store is broken. The adapter cannot be told, so the host asks: before every
    /// write, and after a read that found nothing.
    async fn state_trouble(&self, _key: &str, _new: Option<&[u8]>) -> Option<Ended> {
        None
    }

    /// Milliseconds since 1970, UTC.
    fn now_millis(&self) -> u64;

    /// Random bytes, fit for keys.
    fn random(&self, length: u32) -> Vec<u8>;

    /// Writes a line to the application's log.
    fn log(&self, level: LogLevel, message: &str);
}

/// An open gRPC server stream; dropping it closes it.
#[async_trait]
pub trait GrpcStream: Send + Sync {
    /// The next message; `None` at the stream's end.
    ///
    /// # Errors
    /// `timeout` when nothing came within `wait_millis`, and the stream is still open; anything else ends it.
    async fn next(&mut self, wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure>;
}
