//! What a file is and imports, read without compiling it.

use std::collections::BTreeSet;

use thiserror::Error;
use wasmparser::{Encoding, Parser, Payload};

/// Imports of one component, at most.
const MAX_IMPORTS: usize = 256;

/// Why bytes are not a component.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ComponentFault {
    /// No WebAssembly at all: perhaps native or precompiled code, which is never taken from outside.
    #[error("this is no WebAssembly; code that was compiled elsewhere is never loaded")]
    NotWasm,
    /// A core module, which has no typed imports.
    #[error("this is a WebAssembly core module, not a component")]
    CoreModule,
    /// It begins like a component and does not go on like one.
    #[error("this is no well-formed component: {0}")]
    Malformed(String),
    /// More imports than any component needs.
    #[error("a component with more than {MAX_IMPORTS} imports")]
    TooManyImports,
}

/// The names of a component's own imports, as they are written, versions included.
///
/// Reads the outermost layer to its end. Whether the component is valid is for whoever compiles it to say.
///
/// # Errors
/// [`ComponentFault`]
pub fn imports(bytes: &[u8]) -> Result<BTreeSet<String>, ComponentFault> {
    if !bytes.starts_with(b"\0asm") {
        return Err(ComponentFault::NotWasm);
    }
    let malformed = |error: wasmparser::BinaryReaderError| ComponentFault::Malformed(error.to_string());
    let mut names = BTreeSet::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(ComponentFault::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.insert(import.map_err(malformed)?.name.name.to_owned());
                    if names.len() > MAX_IMPORTS {
                        return Err(ComponentFault::TooManyImports);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(names)
}
