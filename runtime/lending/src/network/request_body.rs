//! A request's body, all of it at hand.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

/// One piece of bytes that can tell when a connection took it. A connection takes it only once it is made.
#[derive(Debug)]
pub(crate) struct RequestBody {
    data: Option<Bytes>,
    taken: Option<oneshot::Sender<()>>,
}

impl RequestBody {
    /// A body, and what tells that it is on its way.
    pub(crate) fn telling(data: Bytes) -> (Self, oneshot::Receiver<()>) {
        let (taken, told) = oneshot::channel();
        (RequestBody { taken: Some(taken), ..RequestBody::from(data) }, told)
    }
}

impl From<Bytes> for RequestBody {
    fn from(data: Bytes) -> Self {
        RequestBody { data: (!data.is_empty()).then_some(data), taken: None }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(taken) = self.taken.take() {
            // Nobody listening is nobody to tell.
            let _ = taken.send(());
        }
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}
