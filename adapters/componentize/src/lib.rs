//! Turns the core module that cargo builds from an adapter crate into a component, and checks the component.
//!
//! The sdk's `export!` writes an adapter's exported functions one interface at a time, so that an adapter exports
//! exactly what it declares. No single world describes that choice, and so the module says nothing of its exports'
//! types: it has only the functions, under names such as `bsn:framework/core@0.1.0#describe`. Here the missing
//! world is made from those names and the standard's own WIT, which is compiled in.
//!
//! The same module always gives the same bytes.

mod component;
mod error;
mod interface;
mod module;
mod world;

pub use error::Error;
pub use interface::Interface;

/// The most bytes that a module may have: 64 MiB. An adapter has a few hundred kilobytes.
pub const MAX_MODULE_BYTES: usize = 64 << 20;

/// What every name of the standard's begins with.
const PACKAGE: &str = "bsn:framework/";

/// The version of the standard's package that goes with this tool.
const VERSION: &str = "0.1.0";

/// Makes a component of the core module `module`.
///
/// # Errors
/// Says what is wrong with the module: no WebAssembly, no `core` interface, an import that no host lends, or
/// functions that do not match the standard's.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, Error> {
    let interfaces = module::exported_interfaces(module)?;
    let (resolve, world) = world::exporting(&interfaces)?;

    let mut described = module.to_vec();
    wit_component::embed_component_metadata(
        &mut described,
        &resolve,
        world,
        wit_component::StringEncoding::UTF8,
    )
    .map_err(|cause| Error::Metadata(cause.into()))?;

    let component = encode(&described).map_err(Error::Mismatch)?;
    component::check(&component)?;
    Ok(component)
}

/// Encodes and validates the component that the module's custom sections describe.
fn encode(module: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()?)
}
