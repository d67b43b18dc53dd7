//! A client of a node's gateway, for applications.
//!
//! ```no_run
//! use berth_client::{Client, IdempotencyKey, Identity, Options};
//! use adapter_spec::types::{ContractCall, Value};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let identity = Identity::certificate(&std::fs::read_to_string("alice.pem")?, &std::fs::read_to_string("alice.key")?)?;
//! let client = Client::builder("https://localhost:8443")
//!     .authority(&std::fs::read_to_string("authority.pem")?)
//!     .identity(identity)
//!     .build()?;
//! let shop = client.application("shop");
//! let call = ContractCall {
//!     contract: "notes".into(),
//!     function: "add(text)".into(),
//!     arguments: vec![Value::Text("first".into())],
//!     abi: None,
//!     private_arguments: Vec::new(),
//! };
//! shop.invoke(&IdempotencyKey::new("note-1")?, &call, &Options::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! - Every write takes an [`IdempotencyKey`]. What a broken connection left open is sent again with the same key, with growing
//!   pauses, and happens once; so it is when the program itself starts anew and takes the same key.
//! - A read is asked again in the same way. Only a continuation is never sent twice: it is taken once.
//! - [`Events`] go on after the last position that was heard.
//! - [`Grants`] is for what applications let each other read and write.
//! - [`OwnKeys`] is for applications whose participants hold their keys; [`Sign`] is whatever has such a key.

mod application;
mod client;
mod error;
mod events;
mod grants;
mod identity;
mod key;
mod own_keys;
mod retry;
mod store;
mod transport;

pub use application::{Account, Application};
pub use berth_api::{
    ChainError, Grant, GrantCall, GrantEntry, GrantRequest, GrantedAnswer, GrantedFunction, GrantedRead,
    GrantedUse, Next, OptionsRequest as Options, Settlement, Stored, ToSign, Until, Written, WrittenState,
};
pub use client::{Client, ClientBuilder, Listed};
pub use error::{ClientError, Problem};
pub use events::{Events, Filter};
pub use grants::{Grants, VerifiedCalls};
pub use identity::Identity;
pub use key::IdempotencyKey;
pub use own_keys::{OwnKeys, Sign};
pub use store::Store;
