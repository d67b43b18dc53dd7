//! Chaincode definitions: what `_lifecycle` keeps and answers.

use prost::Message as _;

use crate::{
    contract::{Call, Contract, Failure},
    policy::{EndorsementPolicy, n_out_of, role},
    proto::{
        collection::{
            CollectionConfig, CollectionConfigPackage, CollectionPolicyConfig, StaticCollectionConfig,
        },
        definition::{
            ChaincodeEndorsementInfo, ChaincodeValidationInfo, StateData, StateMetadata, StateValue,
        },
        lifecycle::{
            ChaincodeDefinition, CommitChaincodeDefinitionArgs, QueryChaincodeDefinitionArgs,
            QueryChaincodeDefinitionResult, QueryChaincodeDefinitionsResult,
        },
        msp::MspRoleType,
    },
};

/// The chaincode's name and namespace.
pub const LIFECYCLE: &str = "_lifecycle";

/// A chaincode of a channel.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Who must endorse.
    pub policy: EndorsementPolicy,
    /// An encoded `CollectionConfigPackage`; empty where it has no private collections.
    pub collections: Vec<u8>,
}

impl Definition {
    /// The version of every built-in contract.
    pub const VERSION: &str = "1";

    /// The definition of a contract with these private collections, of which all organisations are members.
    #[must_use]
    pub fn new(name: &str, policy: EndorsementPolicy, collections: &[&str]) -> Definition {
        let config = |collection: &&str| {
            let members = policy.organisations.iter().map(|msp_id| role(msp_id, MspRoleType::Member));
            let policy = CollectionPolicyConfig { signature_policy: Some(n_out_of(1, members.collect())) };
            let collection = StaticCollectionConfig {
                name: (*collection).to_owned(),
                member_orgs_policy: Some(policy),
                required_peer_count: 0,
                maximum_peer_count: 1,
                block_to_live: 0,
                member_only_read: true,
                member_only_write: true,
            };
            CollectionConfig { static_collection_config: Some(collection) }
        };
        let package = CollectionConfigPackage { config: collections.iter().map(config).collect() };
        Definition { name: name.to_owned(), collections: package.encode_to_vec(), policy }
    }

    /// The arguments by which it is committed.
    #[must_use]
    pub fn to_arguments(&self) -> Vec<u8> {
        CommitChaincodeDefinitionArgs {
            sequence: 1,
            name: self.name.clone(),
            version: Definition::VERSION.into(),
            endorsement_plugin: "escc".into(),
            validation_plugin: "vscc".into(),
            validation_parameter: self.policy.to_parameter(),
            collections: Some(self.collections.clone()).filter(|package| !package.is_empty()),
            init_required: false,
        }
        .encode_to_vec()
    }
}

/// Where the lifecycle keeps a chaincode's sequence, which each of its transactions reads.
#[must_use]
pub fn sequence_key(chaincode: &str) -> String {
    field(chaincode, "Sequence")
}

fn field(chaincode: &str, field: &str) -> String {
    format!("namespaces/fields/{chaincode}/{field}")
}

/// The lifecycle's contract: definitions are committed by the network when a channel is made, and queried by anybody.
pub struct Lifecycle;

impl Contract for Lifecycle {
    fn invoke(&self, call: &mut Call<'_>) -> Result<Vec<u8>, Failure> {
        let [argument] = call.take()?;
        let argument = argument.to_vec();
        match call.function.as_str() {
            "CommitChaincodeDefinition" => {
                let definition: CommitChaincodeDefinitionArgs = decode(&argument)?;
                commit(call, definition)?;
                Ok(Vec::new())
            }
            "QueryChaincodeDefinition" => {
                let QueryChaincodeDefinitionArgs { name } = decode(&argument)?;
                let found = query(call, &name)?;
                let approvals = call.organisations.iter().map(|msp_id| (msp_id.clone(), true)).collect();
                let ChaincodeDefinition { sequence, version, endorsement_plugin, .. } = found;
                Ok(QueryChaincodeDefinitionResult {
                    sequence,
                    version,
                    endorsement_plugin,
                    validation_plugin: found.validation_plugin,
                    validation_parameter: found.validation_parameter,
                    collections: found.collections,
                    init_required: found.init_required,
                    approvals,
                }
                .encode_to_vec())
            }
            "QueryChaincodeDefinitions" => {
                let prefix = "namespaces/metadata/";
                // '0' is the character after '/'.
                let names = call.range(prefix, "namespaces/metadata0");
                let names =
                    names.into_iter().filter_map(|(key, _)| key.strip_prefix(prefix).map(str::to_owned));
                let names: Vec<_> = names.collect();
                let found: Result<Vec<_>, _> = names.iter().map(|name| query(call, name)).collect();
                Ok(QueryChaincodeDefinitionsResult { chaincode_definitions: found? }.encode_to_vec())
            }
            other => Err(Failure::new(format!(
                "failed to invoke backing implementation of '{other}': this Fabric-like network has no such function"
            ))),
        }
    }
}

fn commit(call: &mut Call<'_>, definition: CommitChaincodeDefinitionArgs) -> Result<(), Failure> {
    let name = definition.name;
    let refused = |why: String| {
        Failure::new(format!("failed to invoke backing implementation of 'CommitChaincodeDefinition': {why}"))
    };
    if call.get(&sequence_key(&name)).is_some() {
        return Err(refused("this Fabric-like network defines each chaincode once".into()));
    }
    if definition.sequence != 1 {
        return Err(refused(format!(
            "requested sequence is {}, but new definition must be sequence 1",
            definition.sequence
        )));
    }
    let endorsement = ChaincodeEndorsementInfo {
        version: definition.version,
        init_required: definition.init_required,
        endorsement_plugin: definition.endorsement_plugin,
    };
    let validation = ChaincodeValidationInfo {
        validation_plugin: definition.validation_plugin,
        validation_parameter: definition.validation_parameter,
    };
    let fields = [
        ("Sequence", StateValue::Int64(definition.sequence)),
        ("EndorsementInfo", StateValue::Bytes(endorsement.encode_to_vec())),
        ("ValidationInfo", StateValue::Bytes(validation.encode_to_vec())),
        ("Collections", StateValue::Bytes(definition.collections.unwrap_or_default())),
    ];
    let metadata = StateMetadata {
        datatype: "ChaincodeDefinition".into(),
        fields: fields.iter().map(|(name, _)| (*name).to_owned()).collect(),
    };
    for (written, value) in fields {
        call.put(&field(&name, written), StateData { value: Some(value) }.encode_to_vec());
    }
    call.put(&format!("namespaces/metadata/{name}"), metadata.encode_to_vec());
    Ok(())
}

fn query(call: &mut Call<'_>, name: &str) -> Result<ChaincodeDefinition, Failure> {
    let undefined = || {
        Failure::new(format!(
            "failed to invoke backing implementation of 'QueryChaincodeDefinition': namespace {name} is not defined"
        ))
    };
    let mut read = |written: &str| {
        let bytes = call.get(&field(name, written)).ok_or_else(undefined)?;
        decode::<StateData>(&bytes)?.value.ok_or_else(undefined)
    };
    let StateValue::Int64(sequence) = read("Sequence")? else { return Err(undefined()) };
    let StateValue::Bytes(endorsement) = read("EndorsementInfo")? else { return Err(undefined()) };
    let StateValue::Bytes(validation) = read("ValidationInfo")? else { return Err(undefined()) };
    let StateValue::Bytes(collections) = read("Collections")? else { return Err(undefined()) };
    let endorsement: ChaincodeEndorsementInfo = decode(&endorsement)?;
    let validation: ChaincodeValidationInfo = decode(&validation)?;
    Ok(ChaincodeDefinition {
        name: name.to_owned(),
        sequence,
        version: endorsement.version,
        endorsement_plugin: endorsement.endorsement_plugin,
        validation_plugin: validation.validation_plugin,
        validation_parameter: validation.validation_parameter,
        collections: Some(collections),
        init_required: endorsement.init_required,
    })
}

fn decode<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, Failure> {
    M::decode(bytes).map_err(|error| Failure::new(format!("failed to decode input arg: {error}")))
}
