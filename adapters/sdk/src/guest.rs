//! A vendor's adapter as a component: between the code that wit-bindgen generates and [`FrameworkAdapter`].

use std::{
    future::Future,
    marker::PhantomData,
    pin::pin,
    sync::Once,
    task::{Context, Poll, Waker},
};

use adapter_spec::{
    GrpcStream, Imports, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Envelope, Error, Estimate, EventFilter,
        EventPage, EventStart, Goal, HashAlgorithm, LedgerStatus, Output, Party, PlannedCall, Proof,
        PublicKey, Receipt, SendFailure, Signature, SignatureScheme, SigningInput, Step, StoreAnswer,
        StoreOperation,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};

use crate::FrameworkAdapter;

/// What wit-bindgen generates from `wit/`.
#[allow(missing_docs, unsafe_code, clippy::all, clippy::pedantic, reason = "generated code")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "framework-adapter",
        with: {
            "bsn:framework/types@0.1.0": adapter_spec::types,
            "bsn:framework/transport@0.1.0": adapter_spec::types::transport,
        },
        pub_export_macro: true,
    });
}

use bindings::{
    bsn::framework::{crypto, endpoints, environment, service_keys, state},
    exports::bsn::framework::{
        blocks, core,
        core::{Ledger, LedgerBorrow},
        events, proofs, store,
    },
};

/// The component's imports. Each returns when it is done, so no future here is ever pending.
struct Host;

#[async_trait]
impl Imports for Host {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        endpoints::lent_as(need)
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        endpoints::http(&requests)
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        endpoints::json_rpc(&requests)
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        endpoints::grpc(&requests)
    }

    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        Ok(Box::new(Stream(endpoints::GrpcStream::open(&request)?)))
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        service_keys::public(name)
    }

    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error> {
        service_keys::sign(name, &input)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        crypto::hash(algorithm, data)
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        crypto::verify(key, input, signature)
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        crypto::recover(scheme, digest, signature)
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        state::get(key)
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        state::swap(key, expected.as_deref(), new.as_deref())
    }

    fn now_millis(&self) -> u64 {
        environment::now_millis()
    }

    fn random(&self, length: u32) -> Vec<u8> {
        environment::random(length)
    }

    fn log(&self, level: LogLevel, message: &str) {
        environment::log(level, message);
    }
}

/// A server stream of the host's.
struct Stream(endpoints::GrpcStream);

#[async_trait]
impl GrpcStream for Stream {
    async fn next(&mut self, wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure> {
        self.0.next(wait_millis)
    }
}

/// Runs a future of a [`FrameworkAdapter`]. It waits for nothing but [`Host`], whose futures are ready at once.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Sends a panic's message to the log before the trap that follows it.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| environment::log(LogLevel::Error, &info.to_string())));
    });
}

/// The component that exports `T`; made by [`export!`](crate::export).
pub struct Component<T>(PhantomData<T>);

/// An opened ledger, as the component's resource.
pub struct LedgerResource<T>(T);

impl<T: FrameworkAdapter> core::Guest for Component<T> {
    type Ledger = LedgerResource<T>;

    fn describe() -> Descriptor {
        report_panics();
        T::describe()
    }
}

impl<T: FrameworkAdapter> core::GuestLedger for LedgerResource<T> {
    fn open(settings: String) -> Result<Ledger, Error> {
        report_panics();
        T::open(&settings).map(|ledger| Ledger::new(LedgerResource(ledger)))
    }

    fn status(&self) -> Result<LedgerStatus, Error> {
        run(self.0.status(&Host))
    }

    fn accounts(&self, key: PublicKey) -> Result<Vec<String>, Error> {
        run(self.0.accounts(&Host, key))
    }

    fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, Error> {
        run(self.0.begin(&Host, call, parties, options))
    }

    fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, Error> {
        run(self.0.resume(&Host, continuation, signatures))
    }

    fn abandon(&self, continuation: Vec<u8>) -> Result<(), Error> {
        run(self.0.abandon(&Host, continuation))
    }

    fn send(&self, envelope: Envelope) -> Result<(), SendFailure> {
        run(self.0.send(&Host, envelope))
    }

    fn replace(&self, original: Envelope, parties: Vec<Party>, options: CallOptions) -> Result<Step, Error> {
        run(self.0.replace(&Host, original, parties, options))
    }

    fn receipt(&self, transaction: String, tracking: Vec<u8>) -> Result<Receipt, Error> {
        run(self.0.receipt(&Host, transaction, tracking))
    }

    fn estimate(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Estimate, Error> {
        run(self.0.estimate(&Host, call, parties, options))
    }

    fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, Error> {
        run(self.0.plan(&Host, goal))
    }

    fn contract_abi(&self, contract: String) -> Result<Option<String>, Error> {
        run(self.0.contract_abi(&Host, contract))
    }
}

impl<T: FrameworkAdapter> blocks::Guest for Component<T> {
    fn get(ledger: LedgerBorrow<'_>, selector: BlockSelector) -> Result<Block, Error> {
        run(ledger.get::<LedgerResource<T>>().0.block(&Host, selector))
    }
}

impl<T: FrameworkAdapter> events::Guest for Component<T> {
    fn read(
        ledger: LedgerBorrow<'_>,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, Error> {
        run(ledger.get::<LedgerResource<T>>().0.events(&Host, filter, start, limit, max_bytes))
    }
}

impl<T: FrameworkAdapter> store::Guest for Component<T> {
    fn to_call(ledger: LedgerBorrow<'_>, contract: String, operation: StoreOperation) -> Result<Call, Error> {
        run(ledger.get::<LedgerResource<T>>().0.to_call(&Host, contract, operation))
    }

    fn from_outcome(
        ledger: LedgerBorrow<'_>,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, Error> {
        run(ledger.get::<LedgerResource<T>>().0.from_outcome(&Host, operation, outcome))
    }
}

impl<T: FrameworkAdapter> proofs::Guest for Component<T> {
    fn prove(ledger: LedgerBorrow<'_>, claim: Claim) -> Result<Proof, Error> {
        run(ledger.get::<LedgerResource<T>>().0.prove(&Host, claim))
    }

    fn verify(anchor: Vec<u8>, proof: Proof) -> Result<(), Error> {
        run(T::verify(&Host, anchor, proof))
    }
}
