//! Why nothing can be lent as it is configured.

use adapter_spec::types::{SignatureScheme, Transport};
use thiserror::Error;

/// What is wrong with what should be lent. Never holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LendingError {
    /// The adapter cannot work without it.
    #[error(
        "the adapter needs an endpoint for \"{need}\" ({purpose}), and none is lent; lend one under this name"
    )]
    Missing {
        /// The descriptor's name.
        need: String,
        /// What the adapter says it is for.
        purpose: String,
    },
    /// The descriptor has no such name.
    #[error(
        "the endpoint \"{endpoint}\" is lent as \"{need}\", which the adapter does not declare; it declares: {declared}"
    )]
    Undeclared {
        /// The endpoint's name.
        endpoint: String,
        /// The name it is lent under.
        need: String,
        /// The names that the descriptor has.
        declared: String,
    },
    /// The adapter would speak another protocol to it.
    #[error("the endpoint \"{endpoint}\" is {lent:?}, and the adapter speaks {needed:?} to \"{need}\"")]
    OtherTransport {
        /// The endpoint's name.
        endpoint: String,
        /// The name it is lent under.
        need: String,
        /// The transport it is lent with.
        lent: Transport,
        /// The transport that the descriptor declares.
        needed: Transport,
    },
    /// The descriptor takes one.
    #[error("several endpoints are lent as \"{need}\", and the adapter takes one; leave one of them")]
    Several {
        /// The descriptor's name.
        need: String,
    },
    /// Requests name endpoints, so that names must differ.
    #[error("two endpoints have the name \"{endpoint}\"; give each its own")]
    SameName {
        /// The name.
        endpoint: String,
    },
    /// Not an address that can be lent.
    #[error("the address of the endpoint \"{endpoint}\" cannot be used: {reason}")]
    Address {
        /// The endpoint's name.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A header of the operator's that is none.
    #[error("the header \"{header}\" of the endpoint \"{endpoint}\" is no valid HTTP header")]
    Header {
        /// The endpoint's name.
        endpoint: String,
        /// The header's name.
        header: String,
    },
    /// Certificates or a private key that cannot be used.
    #[error("the TLS settings of the endpoint \"{endpoint}\" cannot be used: {reason}")]
    Tls {
        /// The endpoint's name.
        endpoint: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A service key that the adapter does not ask for.
    #[error("the service key \"{name}\" is not one that the adapter declares")]
    UndeclaredKey {
        /// The key's name.
        name: String,
    },
    /// A service key that cannot sign what the adapter asks for.
    #[error("the service key \"{name}\" signs with {lent:?}, and the adapter needs {needed:?}")]
    OtherScheme {
        /// The key's name.
        name: String,
        /// The key's scheme.
        lent: SignatureScheme,
        /// The scheme that the descriptor declares.
        needed: SignatureScheme,
    },
    /// An application needs a name, since its state is kept under it.
    #[error("the application's name must have 1 to 255 bytes, not {0}")]
    Application(usize),
}
