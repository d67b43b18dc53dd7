//! The last check: what the component wants from a host and offers to it.

use wasmparser::{Parser, Payload};

use crate::{Error, Interface, PACKAGE};

/// Checks that a component imports nothing but the standard's interfaces, and exports `core` and no stranger.
pub(crate) fn check(component: &[u8]) -> Result<(), Error> {
    let mut exports_core = false;
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(Error::InvalidComponent)? {
            // The parts inside have imports and exports too, which are wired up within the component.
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth = depth.saturating_add(1)
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let name = import.map_err(Error::InvalidComponent)?.name.name;
                    if !name.starts_with(PACKAGE) {
                        return Err(Error::ForeignImport { module: name.into(), name: name.into() });
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let name = export.map_err(Error::InvalidComponent)?.name.name;
                    match Interface::from_full_name(name) {
                        Some(interface) => exports_core |= interface == Interface::Core,
                        None => return Err(Error::ForeignExport(name.into())),
                    }
                }
            }
            _ => {}
        }
    }
    if exports_core { Ok(()) } else { Err(Error::MissingCore) }
}
