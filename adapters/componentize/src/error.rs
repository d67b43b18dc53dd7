//! What can be wrong with a module.

use crate::{MAX_MODULE_BYTES, PACKAGE, VERSION};

/// Why no component was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than [`MAX_MODULE_BYTES`].
    #[error("the module has {0} bytes, more than the {MAX_MODULE_BYTES} that are taken")]
    TooLarge(usize),

    /// The bytes are a component already.
    #[error(
        "this is a component already: give the core module that cargo built, from target/wasm32-unknown-unknown"
    )]
    AlreadyComponent,

    /// The bytes are no valid core module: no WebAssembly at all, damaged, or cut off.
    #[error("this is no valid WebAssembly module: {0}")]
    InvalidModule(#[source] wasmparser::BinaryReaderError),

    /// An import that is none of the standard's.
    #[error(
        "the module imports {name:?} from {module:?}, which no host lends; only {PACKAGE}* is (does a dependency of \
         the adapter want a system interface?)"
    )]
    ForeignImport {
        /// Where it is imported from.
        module: String,
        /// What is imported.
        name: String,
    },

    /// A name of the standard's package that this version of the standard does not have.
    #[error(
        "the module uses {0:?}, which is not an interface of {PACKAGE}*@{VERSION}: build it with the sdk of that version"
    )]
    UnknownInterface(String),

    /// The interface that every adapter must export is missing.
    #[error(
        "the module does not export {PACKAGE}core@{VERSION}: does the adapter's crate call adapter_sdk::export!?"
    )]
    MissingCore,

    /// An export of the component that is none of the standard's.
    #[error("the component exports {0:?}, which is not among the standard's interfaces")]
    ForeignExport(String),

    /// The standard's own WIT, which is compiled in, does not resolve.
    #[error("the WIT text inside this tool does not resolve; build the tool again from a whole repository")]
    Wit(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The exports' types could not be written into the module.
    #[error("the exports' types could not be written into the module")]
    Metadata(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The module's functions or embedded types are not those of the standard.
    #[error("the module does not fit the standard's interfaces of version {VERSION}")]
    Mismatch(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The encoded component does not decode.
    #[error("the component that was made does not decode: {0}")]
    InvalidComponent(#[source] wasmparser::BinaryReaderError),
}
