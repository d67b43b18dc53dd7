//! Why a file was not loaded as an adapter.

use thiserror::Error;

/// Why bytes are not an adapter that this host can run. Says what was wrong with them; the host goes on.
#[derive(Debug, Error)]
pub enum LoadError {
    /// More bytes than the host compiles.
    #[error("the component has {bytes} bytes; this host compiles at most {allowed}")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What is allowed.
        allowed: usize,
    },
    /// The bytes are no WebAssembly at all.
    #[error("this is no WebAssembly: it does not begin with \\0asm")]
    NotWasm,
    /// A core module, which has no types to check.
    #[error(
        "this is a WebAssembly core module, not a component: make a component of it (cargo xtask components)"
    )]
    CoreModule,
    /// Not a valid component.
    #[error("this is no valid component: {source}")]
    Invalid {
        /// What the validator says.
        source: wasmtime::Error,
    },
    /// Compiling it took more than is allowed.
    #[error("compiling the component took more than the {limit} that this host allows")]
    CompileLimit {
        /// What was not enough.
        limit: String,
    },
    /// The process that compiles could not do its work.
    #[error("{} could not compile the component: {source}", program.display())]
    Compiler {
        /// The program.
        program: std::path::PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A component, but of another world.
    #[error("this component is no adapter: it does not export {interface}")]
    NotAnAdapter {
        /// The interface that every adapter exports.
        interface: String,
    },
    /// An interface is exported without one of its functions.
    #[error("the component exports {interface} without {function}")]
    MissingExport {
        /// The interface.
        interface: String,
        /// The function that is missing.
        function: String,
    },
    /// An import that the standard does not lend.
    #[error("the component imports {import}, which this host does not lend; an adapter may import {allowed}")]
    ForeignImport {
        /// The import.
        import: String,
        /// What may be imported.
        allowed: String,
    },
    /// An import or export with other types than the standard's.
    #[error("the component does not fit the standard {version}: {source}")]
    OtherTypes {
        /// The version of the standard that this host runs.
        version: &'static str,
        /// What does not fit.
        source: wasmtime::Error,
    },
    /// It loads, but does not answer `describe`.
    #[error("the adapter did not describe itself: {source}")]
    Undescribed {
        /// How the call ended.
        source: adapter_spec::CallError,
    },
    /// It describes itself in a way that the standard does not allow.
    #[error("the adapter's descriptor does not keep the standard: {reason}")]
    BadDescriptor {
        /// What is wrong with it.
        reason: String,
    },
    /// The cache of compiled code could not be used.
    #[error("the cache of compiled code failed: {source}")]
    Cache {
        /// Why.
        source: std::io::Error,
    },
    /// The host's engine could not be set up.
    #[error("the host's engine could not be set up: {source}")]
    Engine {
        /// What wasmtime says.
        source: wasmtime::Error,
    },
}
