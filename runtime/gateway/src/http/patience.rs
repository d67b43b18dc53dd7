//! How long a peer is waited for: a body that comes too slowly breaks off, and a connection on which nothing happens ends.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use thiserror::Error;
use tokio::time::Sleep;

use super::limits::Limits;

/// Bytes of a body that give it a second more.
const A_SECOND: u64 = 64 << 10;

/// Why a body broke off.
#[derive(Debug, Error)]
enum BodyError {
    /// It came too slowly.
    #[error("it came too slowly")]
    Slow,
    /// The connection ended, or the peer does not keep to the protocol.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// A request's body that has to come in time.
struct Hurried {
    body: Incoming,
    begun: Instant,
    most: Duration,
    received: u64,
    /// Set while the next part is not there.
    late: Option<Pin<Box<Sleep>>>,
}

/// The body, as long as it does not come too slowly.
pub(super) fn hurried(body: Incoming, limits: &Limits) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(Hurried { body, begun: Instant::now(), most: limits.body, received: 0, late: None })
}

impl HttpBody for Hurried {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => {
                this.late = None;
                if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
                    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                    this.received = this.received.saturating_add(length);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| BodyError::from(error).into())))
            }
            Poll::Pending => {
                let more = Duration::from_secs(this.received / A_SECOND);
                let until = this.begun + this.most.saturating_add(more);
                let late = this.late.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until.into())));
                ready!(late.as_mut().poll(context));
                Poll::Ready(Some(Err(BodyError::Slow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What happens on one connection.
pub(super) struct Activity {
    begun: Instant,
    /// Requests so far.
    requests: AtomicU64,
    /// Requests that somebody works for.
    running: AtomicUsize,
    /// Milliseconds after `begun` at which a request came, its answer began, or a part of one was taken.
    last: AtomicU64,
}

/// A request that somebody works for, until its answer begins.
pub(super) struct Running(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Activity {
            begun: Instant::now(),
            requests: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            last: AtomicU64::new(0),
        })
    }

    /// A request came.
    pub(super) fn runs(self: &Arc<Self>) -> Running {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        self.moved();
        Running(self.clone())
    }

    fn moved(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Returns once no request came in the beginning, or nothing has happened for too long.
    pub(super) async fn idle(&self, limits: &Limits) {
        tokio::time::sleep(limits.headers).await;
        if self.requests.load(Ordering::Relaxed) == 0 {
            return;
        }
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let idle = self.begun.elapsed().saturating_sub(last);
            let busy = self.running.load(Ordering::Relaxed) > 0;
            let left = limits.idle.saturating_sub(idle);
            if left.is_zero() && !busy {
                return;
            }
            // Whoever works is looked at again now and then; what they do ends by itself.
            tokio::time::sleep(if busy { limits.idle } else { left }).await;
        }
    }
}

impl Running {
    /// The answer, of which each part that is taken counts as activity.
    pub(super) fn answers(self, body: Body) -> Taken {
        Taken { body, activity: self.0.clone() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.moved();
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body that tells when its parts are taken.
pub(super) struct Taken {
    body: Body,
    activity: Arc<Activity>,
}

impl HttpBody for Taken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.activity.moved();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
