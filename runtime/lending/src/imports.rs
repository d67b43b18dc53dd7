//! What an adapter reaches while a call runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use adapter_spec::{
    Ended, GrpcStream, Imports, Limit, async_trait,
    types::{
        Error, ErrorCode, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput, Transport,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};
use futures_util::stream::{StreamExt as _, iter};

use crate::{
    access::Access,
    environment::one_line,
    grpc, http, json_rpc,
    lending::{LentEndpoint, Shared},
    state::StateError,
    trace::{self, traced},
};

/// Requests of one list that run at once; the others wait.
const SIDE_BY_SIDE: usize = 64;
/// Random bytes that are given at a time (ENV-5).
const MAX_RANDOM: u32 = 64 << 10;

/// What one call has, with this access.
pub(crate) struct LentImports {
    shared: Arc<Shared>,
    access: Access,
    /// The latest time that the call was told, milliseconds since 1970.
    latest: AtomicU64,
}

impl LentImports {
    pub(crate) fn new(shared: Arc<Shared>, access: Access) -> Self {
        LentImports { shared, access, latest: AtomicU64::new(0) }
    }

    /// The endpoint, if this call may reach it and it speaks this.
    fn endpoint(&self, name: &str, transport: Transport) -> Result<&LentEndpoint, Failure> {
        if self.access == Access::Nothing {
            return Err(Failure::Refused("this function reaches no endpoint".into()));
        }
        let endpoint = self.shared.endpoints.get(name);
        let endpoint =
            endpoint.ok_or_else(|| Failure::Refused(format!("no endpoint {name:.60?} is lent")))?;
        if endpoint.transport != transport {
            return Err(Failure::Refused(format!(
                "the endpoint {name:?} is lent for {:?}",
                endpoint.transport
            )));
        }
        Ok(endpoint)
    }

    /// Tells the operator, and the host through `state_failure`, what the adapter cannot be told.
    fn report(&self, error: &StateError) {
        let application = &self.shared.application;
        if error.is_limit() {
            tracing::warn!(target: "state", application, %error, "a write was refused");
        } else {
            tracing::error!(target: "state", application, %error, "the store failed");
            let _ = self.shared.state_failure.set(error.to_string());
        }
    }
}

/// The answers of all requests, in order.
async fn side_by_side<R, A, F>(requests: Vec<R>, carry_out: impl Fn(R) -> F) -> Vec<A>
where
    F: Future<Output = A>,
{
    iter(requests.into_iter().map(carry_out)).buffered(SIDE_BY_SIDE).collect().await
}

#[async_trait]
impl Imports for LentImports {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        if self.access == Access::Nothing {
            return Vec::new();
        }
        self.shared.lent.get(need).cloned().unwrap_or_default()
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        side_by_side(requests, async |request: HttpRequest| {
            let endpoint = self.endpoint(&request.endpoint, Transport::Http)?;
            traced(trace::http(&request), http::exchange(endpoint, self.access, request)).await
        })
        .await
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        side_by_side(requests, async |request: JsonRpcRequest| {
            let endpoint =
                self.endpoint(&request.endpoint, Transport::JsonRpc).map_err(JsonRpcFailure::Transport)?;
            traced(trace::json_rpc(&request), json_rpc::call(endpoint, self.access, request)).await
        })
        .await
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        side_by_side(requests, async |request: GrpcRequest| {
            let endpoint =
                self.endpoint(&request.endpoint, Transport::Grpc).map_err(GrpcFailure::Transport)?;
            traced(trace::grpc(&request), grpc::unary(endpoint, self.access, request)).await
        })
        .await
    }

    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        let endpoint = self.endpoint(&request.endpoint, Transport::Grpc).map_err(GrpcFailure::Transport)?;
        traced(trace::grpc_stream(&request), grpc::open(endpoint, self.access, request)).await
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        let key = self.shared.keys.get(name);
        key.map(|(_, public)| public.clone()).ok_or_else(|| no_key(name))
    }

    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error> {
        let (key, _) = self.shared.keys.get(name).ok_or_else(|| no_key(name))?;
        key.sign(&input).map_err(|error| Error::new(ErrorCode::InvalidArgument, error.to_string()))
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        berth_crypto::hash(algorithm, data).to_vec()
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        berth_crypto::verify(key, input, signature)
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        berth_crypto::recover(scheme, digest, signature)
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        let value = self.shared.state.get(&self.shared.application, key).await;
        value.unwrap_or_else(|error| {
            self.report(&error);
            None
        })
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        let application = &self.shared.application;
        let swapped = self.shared.state.swap(application, key, expected.as_deref(), new.as_deref()).await;
        swapped.unwrap_or_else(|error| {
            self.report(&error);
            false
        })
    }

    async fn state_trouble(&self, key: &str, new: Option<&[u8]>) -> Option<Ended> {
        let error = self.shared.state.check(&self.shared.application, key, new).await.err();
        if let Some(error) = &error
            && error.is_limit()
        {
            return Some(Ended::LimitReached { limit: Limit::StateSize, allowed: error.to_string() });
        }
        let failure =
            error.map(|error| error.to_string()).or_else(|| self.shared.state_failure.get().cloned());
        failure.map(|message| Ended::Host { message })
    }

    /// The clock's time. When the system's clock is set back in the middle of a call, time stands still for the rest of it.
    fn now_millis(&self) -> u64 {
        let now = self.shared.clock.now_millis();
        self.latest.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// No bytes at all when more than 64 KiB are asked for or the system has none: an adapter that wants a number of bytes
    /// fails on that, and never goes on with weaker ones.
    fn random(&self, length: u32) -> Vec<u8> {
        if length > MAX_RANDOM {
            return Vec::new();
        }
        let mut bytes = vec![0; length as usize];
        match self.shared.randomness.fill(&mut bytes) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.shared.log.log(&self.shared.application, level, &one_line(message));
    }
}

fn no_key(name: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("no service key {name:.60?} is lent"))
}
