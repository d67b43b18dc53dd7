//! What an adapter says of itself before it is given any network.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{Extension, SignatureScheme};

/// When a block stops being able to disappear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
pub enum Finality {
    /// Final as soon as it is in a block (BFT, Raft).
    #[cfg_attr(feature = "component", component(name = "immediate"))]
    Immediate,
    /// Final under this many blocks, its own included.
    #[cfg_attr(feature = "component", component(name = "depth"))]
    Depth(u32),
    /// When the ledger says so: a finalized tag, a last irreversible block.
    #[cfg_attr(feature = "component", component(name = "announced"))]
    Announced,
}

/// The kind of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[repr(u8)]
pub enum Transport {
    /// HTTP requests under a base address.
    #[cfg_attr(feature = "component", component(name = "http"))]
    Http,
    /// JSON-RPC 2.0 over HTTP POST.
    #[cfg_attr(feature = "component", component(name = "json-rpc"))]
    JsonRpc,
    /// gRPC over HTTP/2: unary calls and server streams.
    #[cfg_attr(feature = "component", component(name = "grpc"))]
    Grpc,
}

enum_from_discriminant!(Transport { Http, JsonRpc, Grpc });

/// An endpoint that the adapter wants lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct EndpointNeed {
    /// The adapter's name for it; the operator lends endpoints under this name.
    pub name: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// Without it the adapter cannot work.
    pub required: bool,
    /// Several may be lent under this name (a peer of each organisation).
    pub many: bool,
    /// What only reads; the host refuses everything else outside `core.ledger.send`. JSON-RPC and gRPC: exact method
    /// names, a trailing `*` makes a prefix. HTTP: "METHOD /path-prefix", a bare path prefix means GET.
    pub reads: Vec<String>,
    /// For the operator: what it is used for.
    pub purpose: String,
}

/// A key of the operator's that the adapter wants lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct ServiceKeyNeed {
    /// The adapter's name for it.
    pub name: String,
    /// How it must sign.
    pub scheme: SignatureScheme,
    /// For the operator: which reads are signed with it.
    pub purpose: String,
}

/// What an adapter says of itself before it is given any network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct Descriptor {
    /// The adapter's name: lower case letters, digits and hyphens.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// The framework's name, lower case: `ethereum`.
    pub framework: String,
    /// The versions of the framework it was made for, newest first.
    #[cfg_attr(feature = "component", component(name = "framework-versions"))]
    pub framework_versions: Vec<String>,
    /// Participants are admitted to the ledger; false for public chains.
    pub permissioned: bool,
    /// The signature schemes that parties may use.
    pub schemes: Vec<SignatureScheme>,
    /// Signs digests, not messages: the reason.
    #[cfg_attr(feature = "component", component(name = "signs-digests"))]
    pub signs_digests: Option<String>,
    /// When a block is final, with default settings.
    pub finality: Finality,
    /// Between `begin` and `send`, one call per account at a time (account nonces).
    #[cfg_attr(feature = "component", component(name = "ordered-accounts"))]
    pub ordered_accounts: bool,
    /// The endpoints it wants lent.
    pub endpoints: Vec<EndpointNeed>,
    /// The service keys it wants lent.
    #[cfg_attr(feature = "component", component(name = "service-keys"))]
    pub service_keys: Vec<ServiceKeyNeed>,
    /// JSON Schema of the settings that `open` takes.
    #[cfg_attr(feature = "component", component(name = "settings-schema"))]
    pub settings_schema: String,
    /// The most bytes that code, arguments and private arguments of one call may have together: of an argument its
    /// text or data, one for a boolean, and of a native call its JSON.
    #[cfg_attr(feature = "component", component(name = "max-payload"))]
    pub max_payload: u32,
    /// Finer capabilities than the exported interfaces, e.g. "deploy", "preset-history", "replace".
    pub capabilities: Vec<String>,
    /// Additions.
    pub extensions: Vec<Extension>,
}
