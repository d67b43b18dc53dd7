//! Chaincode lifecycle: `peer/lifecycle/lifecycle.proto`. Functions of the chaincode `_lifecycle` take these, encoded,
//! as their one argument.

use std::collections::BTreeMap;

/// Argument of `InstallChaincode`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct InstallChaincodeArgs {
    #[prost(bytes = "vec", tag = "1")]
    pub chaincode_install_package: Vec<u8>,
}

/// Answer of `InstallChaincode`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct InstallChaincodeResult {
    #[prost(string, tag = "1")]
    pub package_id: String,
    #[prost(string, tag = "2")]
    pub label: String,
}

/// Argument of `ApproveChaincodeDefinitionForMyOrg`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ApproveChaincodeDefinitionForMyOrgArgs {
    #[prost(int64, tag = "1")]
    pub sequence: i64,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub version: String,
    #[prost(string, tag = "4")]
    pub endorsement_plugin: String,
    #[prost(string, tag = "5")]
    pub validation_plugin: String,
    #[prost(bytes = "vec", tag = "6")]
    pub validation_parameter: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub collections: Option<Vec<u8>>,
    #[prost(bool, tag = "8")]
    pub init_required: bool,
    #[prost(message, optional, tag = "9")]
    pub source: Option<ChaincodeSource>,
}

/// Where an organisation has the chaincode's package.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeSource {
    #[prost(oneof = "chaincode_source::Type", tags = "1, 2")]
    pub r#type: Option<chaincode_source::Type>,
}

/// Parts of [`ChaincodeSource`].
pub mod chaincode_source {
    /// The organisation has no package.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
    pub struct Unavailable {}

    /// Installed on its peers.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
    pub struct Local {
        #[prost(string, tag = "1")]
        pub package_id: String,
    }

    /// Which of both.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
    pub enum Type {
        #[prost(message, tag = "1")]
        Unavailable(Unavailable),
        #[prost(message, tag = "2")]
        LocalPackage(Local),
    }
}

/// Argument of `CommitChaincodeDefinition`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct CommitChaincodeDefinitionArgs {
    #[prost(int64, tag = "1")]
    pub sequence: i64,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub version: String,
    #[prost(string, tag = "4")]
    pub endorsement_plugin: String,
    #[prost(string, tag = "5")]
    pub validation_plugin: String,
    #[prost(bytes = "vec", tag = "6")]
    pub validation_parameter: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub collections: Option<Vec<u8>>,
    #[prost(bool, tag = "8")]
    pub init_required: bool,
}

/// Argument of `QueryChaincodeDefinition`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct QueryChaincodeDefinitionArgs {
    #[prost(string, tag = "1")]
    pub name: String,
}

/// Answer of `QueryChaincodeDefinition`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct QueryChaincodeDefinitionResult {
    #[prost(int64, tag = "1")]
    pub sequence: i64,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(string, tag = "3")]
    pub endorsement_plugin: String,
    #[prost(string, tag = "4")]
    pub validation_plugin: String,
    #[prost(bytes = "vec", tag = "5")]
    pub validation_parameter: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "6")]
    pub collections: Option<Vec<u8>>,
    #[prost(bool, tag = "7")]
    pub init_required: bool,
    #[prost(btree_map = "string, bool", tag = "8")]
    pub approvals: BTreeMap<String, bool>,
}

/// Argument of `QueryChaincodeDefinitions`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct QueryChaincodeDefinitionsArgs {}

/// Answer of `QueryChaincodeDefinitions`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct QueryChaincodeDefinitionsResult {
    #[prost(message, repeated, tag = "1")]
    pub chaincode_definitions: Vec<ChaincodeDefinition>,
}

/// One committed definition.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeDefinition {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(int64, tag = "2")]
    pub sequence: i64,
    #[prost(string, tag = "3")]
    pub version: String,
    #[prost(string, tag = "4")]
    pub endorsement_plugin: String,
    #[prost(string, tag = "5")]
    pub validation_plugin: String,
    #[prost(bytes = "vec", tag = "6")]
    pub validation_parameter: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub collections: Option<Vec<u8>>,
    #[prost(bool, tag = "8")]
    pub init_required: bool,
}

/// Answer of `QueryInstalledChaincodes`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct QueryInstalledChaincodesResult {
    #[prost(message, repeated, tag = "1")]
    pub installed_chaincodes: Vec<InstalledChaincode>,
}

/// One installed package.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct InstalledChaincode {
    #[prost(string, tag = "1")]
    pub package_id: String,
    #[prost(string, tag = "2")]
    pub label: String,
}
