//! The interfaces that an adapter can export.

use crate::{PACKAGE, VERSION};

/// An interface that an adapter can export, in the order in which the standard lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interface {
    /// What every adapter has.
    Core,
    /// Blocks.
    Blocks,
    /// Events.
    Events,
    /// The preset contract's store.
    Store,
    /// Proofs.
    Proofs,
}

impl Interface {
    /// All of them.
    pub const ALL: [Interface; 5] =
        [Interface::Core, Interface::Blocks, Interface::Events, Interface::Store, Interface::Proofs];

    /// Its name in the WIT, without package and version.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Interface::Core => "core",
            Interface::Blocks => "blocks",
            Interface::Events => "events",
            Interface::Store => "store",
            Interface::Proofs => "proofs",
        }
    }

    /// The interface with this whole name, such as `bsn:framework/core@0.1.0`.
    pub(crate) fn from_full_name(full_name: &str) -> Option<Interface> {
        let (name, version) = full_name.strip_prefix(PACKAGE)?.split_once('@')?;
        Interface::ALL.into_iter().find(|interface| interface.name() == name && version == VERSION)
    }
}
