//! The world that exports what one adapter exports.

use std::collections::BTreeSet;

use wit_parser::{Resolve, SourceMap, WorldId};

use crate::{Error, Interface, VERSION};

/// The standard's WIT.
const WIT: [(&str, &str); 4] = [
    ("adapter.wit", include_str!("../../../wit/adapter.wit")),
    ("host.wit", include_str!("../../../wit/host.wit")),
    ("transport.wit", include_str!("../../../wit/transport.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
];

/// The name of the world that is made here.
const WORLD: &str = "exports-of-adapter";

/// A world of the standard's package that exports exactly these interfaces.
pub(crate) fn exporting(interfaces: &BTreeSet<Interface>) -> Result<(Resolve, WorldId), Error> {
    let mut sources = SourceMap::default();
    for (file, text) in WIT {
        sources.push_str(file, text);
    }
    let exports: String =
        interfaces.iter().map(|interface| format!("  export {};\n", interface.name())).collect();
    sources.push_str(
        "exports-of-adapter.wit",
        format!("package bsn:framework@{VERSION};\nworld {WORLD} {{\n{exports}}}\n"),
    );

    let mut resolve = Resolve::default();
    let package = sources.parse().map_err(|(_, cause)| Error::Wit(cause.into()))?;
    let package = resolve.push_group(package).map_err(|cause| Error::Wit(cause.into()))?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(|cause| Error::Wit(cause.into()))?;
    Ok((resolve, world))
}
