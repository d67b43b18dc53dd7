//! Where what was set up lies, told to tests and benchmarks by environment variables.

use std::{path::PathBuf, process::Command};

use crate::{node_tools::NodeTools, python::Python};

/// What a test or a benchmark may need.
pub struct Places {
    /// The folder of components.
    pub components: PathBuf,
    /// The folder that reports of the conformance suite are written into.
    pub reports: PathBuf,
    /// What npm installed.
    pub node_tools: NodeTools,
    /// Geth, where it was asked for.
    pub geth: Option<PathBuf>,
    /// The folder of Fabric's programs, where they were asked for and can be had.
    pub fabric: Option<PathBuf>,
    /// The folder `node_modules` of Fabric's chaincodes and official client.
    pub fabric_modules: PathBuf,
    /// The client of FISCO BCOS's Go SDK, where it could be built.
    pub go_sdk: Option<PathBuf>,
    /// The jars of the client of FISCO BCOS's Java SDK, where it could be built and its native library loads.
    pub java_sdk: Option<PathBuf>,
    /// The npm packages that the local EVM nodes are held against, where they could be installed.
    pub evm_packages: Option<PathBuf>,
    /// Chromium, where it could be had.
    pub browser: Option<PathBuf>,
    /// What pip installed, where it could.
    pub python: Option<Python>,
}

impl Places {
    /// Sets `BERTH_COMPONENTS`, `BERTH_REPORTS`, `BERTH_ANVIL`, `BERTH_NODE_TOOLS`, `BERTH_FABRIC_MODULES`,
    /// `BERTH_GETH` and `BERTH_FABRIC` where they were asked for, `BERTH_FISCO_GO_SDK`, `BERTH_FISCO_JAVA_SDK`,
    /// `BERTH_EVM_CLIENTS`, `BERTH_CHROMIUM` and `BERTH_PYTHON` where they could be had.
    pub fn tell(&self, command: &mut Command) {
        command.env("BERTH_COMPONENTS", &self.components);
        command.env("BERTH_REPORTS", &self.reports);
        command.env("BERTH_ANVIL", &self.node_tools.anvil);
        command.env("BERTH_NODE_TOOLS", &self.node_tools.folder);
        match &self.geth {
            Some(geth) => command.env("BERTH_GETH", geth),
            None => command.env_remove("BERTH_GETH"),
        };
        command.env("BERTH_FABRIC_MODULES", &self.fabric_modules);
        match &self.fabric {
            Some(fabric) => command.env("BERTH_FABRIC", fabric),
            None => command.env_remove("BERTH_FABRIC"),
        };
        match &self.go_sdk {
            Some(client) => command.env("BERTH_FISCO_GO_SDK", client),
            None => command.env_remove("BERTH_FISCO_GO_SDK"),
        };
        match &self.java_sdk {
            Some(jars) => command.env("BERTH_FISCO_JAVA_SDK", jars),
            None => command.env_remove("BERTH_FISCO_JAVA_SDK"),
        };
        match &self.evm_packages {
            Some(packages) => command.env("BERTH_EVM_CLIENTS", packages),
            None => command.env_remove("BERTH_EVM_CLIENTS"),
        };
        match &self.browser {
            Some(program) => command.env("BERTH_CHROMIUM", program),
            None => command.env_remove("BERTH_CHROMIUM"),
        };
        match &self.python {
            Some(python) => command.env("BERTH_PYTHON", "python3").env("PYTHONPATH", &python.packages),
            None => command.env_remove("BERTH_PYTHON"),
        };
    }
}
