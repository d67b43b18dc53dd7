//! Server streams.

use std::{sync::Mutex, time::Duration};

use adapter_spec::{
    GrpcStream, async_trait,
    types::transport::{Failure, GrpcFailure, GrpcRequest},
};
use hyper_util::client::legacy::ResponseFuture;
use tokio::sync::oneshot;

use super::{Messages, prepare, read};
use crate::{
    access::Access,
    http::{failure, prepare_headers, within_deadline},
    lending::LentEndpoint,
    network::RequestBody,
};

/// Opens a stream. It is open once the request is on its way: many servers say nothing before they have a first message,
/// and a refusal of theirs is then what the first `next` answers.
pub(crate) async fn open(
    endpoint: &LentEndpoint,
    access: Access,
    request: GrpcRequest,
) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
    let (head, body) = prepare(endpoint, access, request)?.into_parts();
    let (body, on_its_way) = RequestBody::telling(body);
    let mut request = http::Request::from_parts(head, body);
    prepare_headers(endpoint, request.headers_mut());
    let cap = endpoint.max_response_bytes;
    let mut answer = endpoint.clients.grpc.request(request);
    let state = within_deadline(endpoint, async {
        tokio::select! {
            biased;
            answer = &mut answer => {
                let answer = answer.map_err(|error| GrpcFailure::Transport(failure(&error)))?;
                Ok::<_, GrpcFailure>(Some(read(answer, cap)?))
            }
            () = sent(on_its_way) => Ok(None),
        }
    })
    .await?;
    let state = match state {
        Some(messages) => State::Open(messages),
        None => State::Sent(answer),
    };
    Ok(Box::new(Stream { state: Mutex::new(state), cap }))
}

/// Comes when the connection took the body; never when the request failed before.
async fn sent(on_its_way: oneshot::Receiver<()>) {
    if on_its_way.await.is_err() {
        std::future::pending().await
    }
}

struct Stream {
    /// Never contended: there is one owner. It makes the stream shareable, which the body alone is not.
    state: Mutex<State>,
    cap: u64,
}

enum State {
    /// No answer yet.
    Sent(ResponseFuture),
    Open(Messages),
    /// Refused or broken before it was open.
    Failed(GrpcFailure),
}

impl State {
    /// The next message. Dropping the future loses nothing.
    async fn next(&mut self, cap: u64) -> Result<Option<Vec<u8>>, GrpcFailure> {
        if let State::Sent(answer) = self {
            *self = match answer.await {
                Err(error) => State::Failed(GrpcFailure::Transport(failure(&error))),
                Ok(answer) => read(answer, cap).map_or_else(State::Failed, State::Open),
            };
        }
        match self {
            State::Open(messages) => messages.next().await,
            State::Failed(failure) => Err(failure.clone()),
            // Replaced above.
            State::Sent(_) => Ok(None),
        }
    }
}

#[async_trait]
impl GrpcStream for Stream {
    async fn next(&mut self, wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure> {
        let state = self.state.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let wait = Duration::from_millis(wait_millis.into());
        tokio::time::timeout(wait, state.next(self.cap))
            .await
            .unwrap_or(Err(GrpcFailure::Transport(Failure::Timeout)))
    }
}
