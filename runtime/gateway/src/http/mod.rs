//! The gateway over HTTP.
//!
//! - `authenticate`: who sent a request: mutual TLS, or a signature (RFC 9421).
//! - `participants`: what participants reach, below `/v1`; `calls`, `trusted_keys`, `own_keys` and `events` are parts of it.
//! - `grants`: what one application reads of another.
//! - `webhooks`: events that are delivered.
//! - `openapi`: the description of all that, made of the routes.
//! - `operator`: what the operator reaches, on a socket of this machine.
//! - `page`: what the operator looks at in a browser.
//! - `trace`: the span of a request.
//! - `server`: listeners, TLS, the end; `limits` is how much of them peers may take, `patience` how long they are waited for.

mod authenticate;
mod calls;
mod events;
mod extract;
mod grants;
mod limits;
mod openapi;
mod operator;
mod own_keys;
mod page;
mod participants;
mod patience;
mod server;
pub(crate) mod trace;
mod trusted_keys;
mod webhooks;

pub use limits::Limits;
pub use operator::operator_router;
pub use page::{RecentAudit, page_router};
pub use participants::{openapi_document, router};
pub use rustls::ServerConfig;
pub use server::{Listening, PeerCertificate, ServerError, listen, listen_unix, listen_within, tls};
