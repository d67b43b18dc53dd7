//! A component's exports: which functions of the standard are there, found once when it is loaded.

use std::collections::BTreeMap;

use adapter_spec::{Function, Interfaces};
use wasmtime::component::{Component, ComponentExportIndex};

use crate::load_error::LoadError;

/// The package and version whose interfaces this host runs.
pub(crate) const PACKAGE: &str = "bsn:framework";
/// The version of the standard.
pub(crate) const VERSION: &str = "0.1.0";

/// The functions of an interface, and their names in it.
type Functions = &'static [(Function, &'static str)];

const CORE: Functions = &[
    (Function::Describe, "describe"),
    (Function::Open, "[static]ledger.open"),
    (Function::Status, "[method]ledger.status"),
    (Function::Accounts, "[method]ledger.accounts"),
    (Function::Begin, "[method]ledger.begin"),
    (Function::Resume, "[method]ledger.resume"),
    (Function::Abandon, "[method]ledger.abandon"),
    (Function::Send, "[method]ledger.send"),
    (Function::Replace, "[method]ledger.replace"),
    (Function::Receipt, "[method]ledger.receipt"),
    (Function::Estimate, "[method]ledger.estimate"),
    (Function::Plan, "[method]ledger.plan"),
    (Function::ContractAbi, "[method]ledger.contract-abi"),
];
const BLOCKS: Functions = &[(Function::Block, "get")];
const EVENTS: Functions = &[(Function::Events, "read")];
const STORE: Functions = &[(Function::ToCall, "to-call"), (Function::FromOutcome, "from-outcome")];
const PROOFS: Functions = &[(Function::Prove, "prove"), (Function::Verify, "verify")];

/// The name of an interface in a component: `bsn:framework/core@0.1.0`.
pub(crate) fn interface_name(interface: &str) -> String {
    format!("{PACKAGE}/{interface}@{VERSION}")
}

/// Where a component's functions are.
#[derive(Clone)]
pub(crate) struct Exports {
    functions: BTreeMap<Function, ComponentExportIndex>,
    pub(crate) interfaces: Interfaces,
}

impl Exports {
    /// Finds the functions of every interface that the component exports.
    pub(crate) fn find(component: &Component) -> Result<Self, LoadError> {
        let mut functions = BTreeMap::new();
        let mut find = |interface: &str, names: Functions| -> Result<bool, LoadError> {
            let name = interface_name(interface);
            let Some(instance) = component.get_export_index(None, &name) else { return Ok(false) };
            for (function, export) in names {
                let index = component.get_export_index(Some(&instance), export).ok_or_else(|| {
                    LoadError::MissingExport { interface: name.clone(), function: (*export).to_owned() }
                })?;
                functions.insert(*function, index);
            }
            Ok(true)
        };
        if !find("core", CORE)? {
            return Err(LoadError::NotAnAdapter { interface: interface_name("core") });
        }
        let interfaces = Interfaces {
            blocks: find("blocks", BLOCKS)?,
            events: find("events", EVENTS)?,
            store: find("store", STORE)?,
            proofs: find("proofs", PROOFS)?,
        };
        Ok(Exports { functions, interfaces })
    }

    /// Where a function is; none if its interface is not exported.
    pub(crate) fn index(&self, function: Function) -> Option<&ComponentExportIndex> {
        self.functions.get(&function)
    }
}
