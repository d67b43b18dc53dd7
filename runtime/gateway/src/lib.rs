//! Applications, and the gateway that serves them.
//!
//! - [`Gateway`]: all applications and participants of a node, in one [`Store`](berth_journal::Store).
//! - [`http`]: the same over HTTP, for participants and for the operator.
//! - [`Adapters`]: what was let in. How an adapter is loaded is not known here: a component and a native plug-in are each
//!   an [`Adapter`](adapter_spec::Adapter).
//!
//! # A write
//!
//! Every write has an idempotency key. The [`berth_journal`] binds it to the request, keeps the signed envelope before it is
//! sent, and after a crash the very bytes are sent again or their receipt is asked for. One follower for each
//! application asks for receipts, and only where the ledger has a new block.
//!
//! # Who may what
//!
//! A request is signed, or comes over mutual TLS; its sender is a participant of the node, and has roles in an application
//! where its owner gave them some. Everything else is refused, and an application in which somebody has no role is not
//! there for them.

mod adapters;
mod application;
mod bill;
mod calls;
mod chain;
mod events;
mod follower;
mod gateway;
mod grants;
pub mod http;
mod keys;
mod lent;
mod metrics;
mod operate;
mod participants;
mod problem;
mod quota;
mod records;
mod store;
mod trace;
mod upgrade;
mod upload;
mod usage;
mod webhooks;

pub use adapters::{Adapters, NotPermitted, Offered, Permitted, Slot, TakenBack, Trial};
pub use application::{
    ApplicationRecord, EndpointOrder, KeyMode, MAX_IDEMPOTENCY_KEY, Order, Role, endpoints,
};
pub use berth_api::{ChainError, Place, SignedRecord};
pub use bill::{UsageEntry, verify_usage};
pub use calls::{
    DeployRequest, FunctionRequest, HexBytes, MAX_WAIT, NativeRequest, OptionsRequest, Until, Written,
    WrittenState,
};
pub use events::EventParameters;
pub use gateway::{Gateway, OpenError, Parts};
pub use grants::{
    AcceptRequest, Grant, GrantCall, GrantCalls, GrantEntry, GrantRequest, GrantedAnswer, GrantedFunction,
    GrantedRead, GrantedUse, verify_grant_calls,
};
pub use lent::{EndpointSecrets, LentSecrets, Secret, ServiceKeySecret};
pub use metrics::Counter;
pub use operate::Standing;
pub use participants::{Caller, Participant, fingerprint_of};
pub use problem::{Problem, TYPE_PREFIX};
pub use quota::Quotas;
pub use records::RecordError;
pub use store::{StoreRequest, Stored};
pub use upgrade::{NotUpgraded, UpgradeTerms, Upgraded, taken_back};
pub use upload::{KeyRequest, Next, ResumeRequest, ToSign, possession};
pub use usage::{AdapterCall, Usage};
pub use webhooks::{
    MAX_WEBHOOKS, Pace, Receivers, ReceiversError, WebhookFailure, WebhookFilter, WebhookRequest,
    WebhookShown, WebhookStanding,
};
