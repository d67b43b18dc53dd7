//! What a core module says by the names of its imports and exports.

use std::collections::BTreeSet;

use wasmparser::{Parser, Payload, Validator};

use crate::{Error, Interface, MAX_MODULE_BYTES, PACKAGE};

/// In front of the name of an interface that the module itself exports, where it imports something that comes with
/// exporting it, such as making a handle of its own resource.
const FOR_EXPORTED: &str = "[export]";

/// The standard's interfaces that a valid module exports; `core` is among them.
pub(crate) fn exported_interfaces(module: &[u8]) -> Result<BTreeSet<Interface>, Error> {
    if module.len() > MAX_MODULE_BYTES {
        return Err(Error::TooLarge(module.len()));
    }
    if Parser::is_component(module) {
        return Err(Error::AlreadyComponent);
    }
    Validator::new().validate_all(module).map_err(Error::InvalidModule)?;

    let mut interfaces = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(Error::InvalidModule)? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(Error::InvalidModule)?;
                    check_import(import.module, import.name)?;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(Error::InvalidModule)?;
                    interfaces.extend(interface_of_export(export.name)?);
                }
            }
            _ => {}
        }
    }
    if interfaces.contains(&Interface::Core) { Ok(interfaces) } else { Err(Error::MissingCore) }
}

fn check_import(module: &str, name: &str) -> Result<(), Error> {
    if module.strip_prefix(FOR_EXPORTED).unwrap_or(module).starts_with(PACKAGE) {
        Ok(())
    } else {
        Err(Error::ForeignImport { module: module.into(), name: name.into() })
    }
}

/// The interface that an exported function belongs to; none for the module's memory and helpers.
fn interface_of_export(name: &str) -> Result<Option<Interface>, Error> {
    let Some((full_name, _function)) = name.split_once('#') else {
        return Ok(None);
    };
    if !full_name.starts_with(PACKAGE) {
        // Such as "cabi_post_bsn:framework/core@0.1.0#describe", which frees what an answer held.
        return Ok(None);
    }
    Interface::from_full_name(full_name).map(Some).ok_or_else(|| Error::UnknownInterface(full_name.into()))
}
