//! The component's imports: counts what goes through, and hands it to what the application lends.

use std::future::Future;

use adapter_spec::{
    GrpcStream, Limit,
    types::{
        Error, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};
use wasmtime::component::{HasSelf, Linker, Resource};

use crate::{instance::CallState, limits::LimitReached};

/// What wasmtime generates from `wit/`: the traits of the imports. The exports are looked up by hand, one by one.
#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package berth:host@0.1.0;
            world imports {
                import bsn:framework/endpoints@0.1.0;
                import bsn:framework/service-keys@0.1.0;
                import bsn:framework/crypto@0.1.0;
                import bsn:framework/state@0.1.0;
                import bsn:framework/environment@0.1.0;
            }
        ",
        path: "../../wit",
        imports: {
            "bsn:framework/endpoints.lent-as": trappable,
            "bsn:framework/endpoints.http": async | trappable,
            "bsn:framework/endpoints.json-rpc": async | trappable,
            "bsn:framework/endpoints.grpc": async | trappable,
            "bsn:framework/endpoints.[static]grpc-stream.open": async | trappable,
            "bsn:framework/endpoints.[method]grpc-stream.next": async | trappable,
            "bsn:framework/endpoints.[drop]grpc-stream": trappable,
            "bsn:framework/service-keys.public": async | trappable,
            "bsn:framework/service-keys.sign": async | trappable,
            "bsn:framework/crypto.hash": trappable,
            "bsn:framework/crypto.verify": trappable,
            "bsn:framework/crypto.recover": trappable,
            "bsn:framework/state.get": async | trappable,
            "bsn:framework/state.swap": async | trappable,
            "bsn:framework/environment.now-millis": trappable,
            "bsn:framework/environment.random": trappable,
            "bsn:framework/environment.log": trappable,
        },
        with: {
            "bsn:framework/types": crate::words::types,
            "bsn:framework/transport": crate::words::transport,
            "bsn:framework/endpoints.grpc-stream": crate::imports::OpenStream,
        },
    });
}

use bindings::bsn::framework::{crypto, endpoints, environment, service_keys, state};

/// A gRPC server stream that an instance holds.
pub struct OpenStream(Box<dyn GrpcStream>);

/// Makes the standard's imports available to components. Nothing else is.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    bindings::Imports::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}

/// Roughly the bytes of an answer that failed: its message.
fn failure_size(failure: &Failure) -> usize {
    match failure {
        Failure::Refused(message) | Failure::Unreachable(message) | Failure::Interrupted(message) => {
            message.len()
        }
        Failure::Timeout | Failure::TooLarge(_) | Failure::Exhausted => 0,
    }
}

fn grpc_failure_size(failure: &GrpcFailure) -> usize {
    match failure {
        GrpcFailure::Status(status) => status.message.len() + status.details.len(),
        GrpcFailure::Transport(failure) => failure_size(failure),
    }
}

fn headers_size(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}

impl CallState {
    /// Waits for something outside, at most until the call's time is over. The wait is not compute time.
    async fn wait<T>(&mut self, outside: impl Future<Output = T>) -> Result<T, LimitReached> {
        self.computed();
        self.turns.end();
        self.meter.pause();
        let deadline = self.meter.deadline(&self.limits);
        let answer = tokio::time::timeout_at(deadline.into(), outside).await;
        self.meter.go_on();
        answer.map_err(|_| LimitReached::time(Limit::WallTime, self.limits.wall_time))
    }

    /// Ends the call when its state cannot be relied on.
    async fn no_trouble(&mut self, key: &str, new: Option<&[u8]>) -> wasmtime::Result<()> {
        let imports = self.imports.clone();
        match self.wait(imports.state_trouble(key, new)).await? {
            None => Ok(()),
            Some(ended) => Err(wasmtime::Error::new(ended)),
        }
    }

    fn host_call(&mut self) -> Result<(), LimitReached> {
        self.meter.host_call(&self.limits)
    }

    fn bytes_out(&mut self, bytes: usize) -> Result<(), LimitReached> {
        self.meter.bytes_out(&self.limits, bytes)
    }

    fn bytes_in(&mut self, bytes: usize) -> Result<(), LimitReached> {
        self.meter.bytes_in(&self.limits, bytes)
    }
}

impl endpoints::Host for CallState {
    fn lent_as(&mut self, need: String) -> wasmtime::Result<Vec<Lent>> {
        self.host_call()?;
        Ok(self.imports.lent_as(&need))
    }

    async fn http(
        &mut self,
        requests: Vec<HttpRequest>,
    ) -> wasmtime::Result<Vec<Result<HttpResponse, Failure>>> {
        self.host_call()?;
        let size = |r: &HttpRequest| r.method.len() + r.path.len() + headers_size(&r.headers) + r.body.len();
        self.bytes_out(requests.iter().map(size).sum())?;
        let imports = self.imports.clone();
        let answers = self.wait(imports.http(requests)).await?;
        let size = |answer: &Result<HttpResponse, Failure>| match answer {
            Ok(response) => headers_size(&response.headers) + response.body.len(),
            Err(failure) => failure_size(failure),
        };
        self.bytes_in(answers.iter().map(size).sum())?;
        Ok(answers)
    }

    async fn json_rpc(
        &mut self,
        requests: Vec<JsonRpcRequest>,
    ) -> wasmtime::Result<Vec<Result<String, JsonRpcFailure>>> {
        self.host_call()?;
        self.bytes_out(requests.iter().map(|r| r.method.len() + r.params.len()).sum())?;
        let imports = self.imports.clone();
        let answers = self.wait(imports.json_rpc(requests)).await?;
        let size = |answer: &Result<String, JsonRpcFailure>| match answer {
            Ok(result) => result.len(),
            Err(JsonRpcFailure::Error(error)) => {
                error.message.len() + error.data.as_ref().map_or(0, String::len)
            }
            Err(JsonRpcFailure::Transport(failure)) => failure_size(failure),
        };
        self.bytes_in(answers.iter().map(size).sum())?;
        Ok(answers)
    }

    async fn grpc(
        &mut self,
        requests: Vec<GrpcRequest>,
    ) -> wasmtime::Result<Vec<Result<Vec<u8>, GrpcFailure>>> {
        self.host_call()?;
        self.bytes_out(requests.iter().map(|r| r.method.len() + r.message.len()).sum())?;
        let imports = self.imports.clone();
        let answers = self.wait(imports.grpc(requests)).await?;
        let size = |answer: &Result<Vec<u8>, GrpcFailure>| match answer {
            Ok(message) => message.len(),
            Err(failure) => grpc_failure_size(failure),
        };
        self.bytes_in(answers.iter().map(size).sum())?;
        Ok(answers)
    }
}

impl endpoints::HostGrpcStream for CallState {
    async fn open(
        &mut self,
        request: GrpcRequest,
    ) -> wasmtime::Result<Result<Resource<OpenStream>, GrpcFailure>> {
        self.host_call()?;
        self.bytes_out(request.method.len() + request.message.len())?;
        let imports = self.imports.clone();
        match self.wait(imports.grpc_stream(request)).await? {
            Ok(stream) => {
                let handle = self.streams.push(OpenStream(stream));
                let full = || LimitReached::new(Limit::Handles, self.limits.handles, "handles");
                Ok(Ok(handle.map_err(|_| full())?))
            }
            Err(failure) => {
                self.bytes_in(grpc_failure_size(&failure))?;
                Ok(Err(failure))
            }
        }
    }

    async fn next(
        &mut self,
        stream: Resource<OpenStream>,
        wait_millis: u32,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, GrpcFailure>> {
        self.host_call()?;
        // Taken out while it waits, so that the state can be used meanwhile.
        let mut open = std::mem::replace(self.streams.get_mut(&stream)?, OpenStream(Box::new(Closed)));
        let message = self.wait(open.0.next(wait_millis)).await?;
        *self.streams.get_mut(&stream)? = open;
        let size = match &message {
            Ok(message) => message.as_ref().map_or(0, Vec::len),
            Err(failure) => grpc_failure_size(failure),
        };
        self.bytes_in(size)?;
        Ok(message)
    }

    fn drop(&mut self, stream: Resource<OpenStream>) -> wasmtime::Result<()> {
        self.streams.delete(stream)?;
        Ok(())
    }
}

/// Stands in for a stream while one waits on it.
struct Closed;

#[adapter_spec::async_trait]
impl GrpcStream for Closed {
    async fn next(&mut self, _wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure> {
        Ok(None)
    }
}

impl service_keys::Host for CallState {
    async fn public(&mut self, name: String) -> wasmtime::Result<Result<PublicKey, Error>> {
        self.host_call()?;
        let imports = self.imports.clone();
        Ok(self.wait(imports.service_public_key(&name)).await?)
    }

    async fn sign(
        &mut self,
        name: String,
        input: SigningInput,
    ) -> wasmtime::Result<Result<Signature, Error>> {
        self.host_call()?;
        let imports = self.imports.clone();
        Ok(self.wait(imports.service_sign(&name, input)).await?)
    }
}

impl crypto::Host for CallState {
    fn hash(&mut self, algorithm: HashAlgorithm, data: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        self.host_call()?;
        Ok(self.imports.hash(algorithm, &data))
    }

    fn verify(
        &mut self,
        key: PublicKey,
        input: SigningInput,
        signature: Signature,
    ) -> wasmtime::Result<bool> {
        self.host_call()?;
        Ok(self.imports.verify(&key, &input, &signature))
    }

    fn recover(
        &mut self,
        scheme: SignatureScheme,
        digest: Vec<u8>,
        signature: Signature,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        self.host_call()?;
        Ok(self.imports.recover(scheme, &digest, &signature))
    }
}

impl state::Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.host_call()?;
        let imports = self.imports.clone();
        let value = self.wait(imports.state_get(&key)).await?;
        if value.is_none() {
            self.no_trouble(&key, None).await?;
        }
        Ok(value)
    }

    async fn swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> wasmtime::Result<bool> {
        self.host_call()?;
        let size = key.len() + new.as_ref().map_or(0, Vec::len);
        if size > self.limits.state_value {
            return Err(
                LimitReached::new(Limit::StateSize, self.limits.state_value, "bytes of one value").into()
            );
        }
        self.no_trouble(&key, new.as_deref()).await?;
        let imports = self.imports.clone();
        Ok(self.wait(imports.state_swap(&key, expected, new)).await?)
    }
}

/// The most random bytes that one call of `environment.random` gives.
const MAX_RANDOM: u32 = 64 << 10;

impl environment::Host for CallState {
    fn now_millis(&mut self) -> wasmtime::Result<u64> {
        self.host_call()?;
        Ok(self.imports.now_millis())
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        self.host_call()?;
        if length > MAX_RANDOM {
            return Err(LimitReached::new(Limit::ResultSize, MAX_RANDOM, "random bytes at once").into());
        }
        Ok(self.imports.random(length))
    }

    fn log(&mut self, level: LogLevel, message: String) -> wasmtime::Result<()> {
        self.host_call()?;
        self.meter.log(&self.limits, message.len())?;
        self.imports.log(level, &message);
        Ok(())
    }
}
