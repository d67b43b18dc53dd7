//! What several organisations' administrators must do, in order, to put a chaincode on a channel.

use adapter_sdk::{
    Imports,
    types::{Call, ContractCall, Deployment, Error, ErrorCode, Goal, HashAlgorithm, PlannedCall, Value},
};
use prost::Message as _;

use crate::{
    blocks::{self, Configurations},
    errors::invalid,
    hex,
    peers::{Client, Peers, QSCC},
    proto::lifecycle::{
        ApproveChaincodeDefinitionForMyOrgArgs, ChaincodeSource, CommitChaincodeDefinitionArgs,
        InstallChaincodeArgs, QueryChaincodeDefinitionArgs, QueryChaincodeDefinitionResult, chaincode_source,
    },
    settings::{self, Settings},
};

/// The system chaincode of the lifecycle.
const LIFECYCLE: &str = "_lifecycle";

/// The calls that reach a goal. Each organisation installs the package on its own peers and approves the definition; then one of
/// them commits it.
pub(crate) async fn plan(
    settings: &Settings,
    host: &dyn Imports,
    goal: Goal,
) -> Result<Vec<PlannedCall>, Error> {
    match goal {
        Goal::Preset if settings.preset_chaincode.is_some() => Ok(Vec::new()),
        Goal::Preset => Err(Error::unsupported(
            "a plan for the preset store without its package: build it, and ask for the goal `deploy`",
        )),
        Goal::Deploy(deployment) => deploy(settings, host, &deployment).await,
        Goal::Account(_) => {
            Err(Error::unsupported("a plan for accounts: an organisation's authority makes them"))
        }
        Goal::Space(name) if name == settings.channel => Ok(Vec::new()),
        Goal::Space(_) => {
            Err(Error::unsupported("a plan for channels: orderers make them, not transactions"))
        }
    }
}

async fn deploy(
    settings: &Settings,
    host: &dyn Imports,
    deployment: &Deployment,
) -> Result<Vec<PlannedCall>, Error> {
    if !settings::is_chaincode(&deployment.name) || deployment.version.is_empty() {
        return Err(invalid(
            "a chaincode has a name, of letters, digits, hyphens and underscores, and a version",
        ));
    }
    if deployment.code.is_empty() {
        return Err(invalid("the code of a chaincode is its package"));
    }
    if !deployment.arguments.is_empty() {
        return Err(invalid("a chaincode is not deployed with arguments"));
    }
    let (peers, client) = (Peers::lent(host)?, Client::lent(settings, host).await?);
    let there = defined(&client, &peers, &deployment.name).await?;
    if there.as_ref().is_some_and(|there| there.version == deployment.version) {
        return Ok(Vec::new());
    }
    let sequence = there.map_or(1, |there| there.sequence.saturating_add(1));
    let info = client.query(&peers, QSCC, client.of_channel("GetChainInfo", &[])).await?;
    let head = blocks::by_number(&client, &peers, blocks::height(&info)?.head.number).await?;
    let mut known = Configurations::default();
    let organisations: Vec<String> =
        known.of(&client, &peers, &head).await?.application.keys().cloned().collect();

    // The package names its label; the one that `peer lifecycle chaincode package` is given here.
    let label = format!("{}_{}", deployment.name, deployment.version);
    let digest = hex::encode(&host.hash(HashAlgorithm::Sha256, &deployment.code));
    let package_id = format!("{label}:{digest}");
    let mut calls = Vec::new();
    for organisation in &organisations {
        let install = InstallChaincodeArgs { chaincode_install_package: deployment.code.clone() };
        let labelled = |(name, value): &(String, String)| name == "organisation" && value == organisation;
        let peer = peers.lent.iter().find(|peer| peer.labels.iter().any(labelled));
        calls.push(PlannedCall {
            call: call("InstallChaincode", install.encode_to_vec()),
            role: format!("administrator of {organisation}, on each of its peers"),
            endpoint: peer.map(|peer| peer.endpoint.clone()),
        });
    }
    for organisation in &organisations {
        let local = chaincode_source::Local { package_id: package_id.clone() };
        let approve = ApproveChaincodeDefinitionForMyOrgArgs {
            sequence,
            name: deployment.name.clone(),
            version: deployment.version.clone(),
            endorsement_plugin: "escc".into(),
            validation_plugin: "vscc".into(),
            source: Some(ChaincodeSource { r#type: Some(chaincode_source::Type::LocalPackage(local)) }),
            ..Default::default()
        };
        calls.push(PlannedCall {
            call: call("ApproveChaincodeDefinitionForMyOrg", approve.encode_to_vec()),
            role: format!("administrator of {organisation}"),
            endpoint: None,
        });
    }
    let commit = CommitChaincodeDefinitionArgs {
        sequence,
        name: deployment.name.clone(),
        version: deployment.version.clone(),
        endorsement_plugin: "escc".into(),
        validation_plugin: "vscc".into(),
        ..Default::default()
    };
    calls.push(PlannedCall {
        call: call("CommitChaincodeDefinition", commit.encode_to_vec()),
        role: "administrator of any organisation of the channel".into(),
        endpoint: None,
    });
    Ok(calls)
}

/// The definition that the channel has; none where it has none.
async fn defined(
    client: &Client<'_>,
    peers: &Peers<'_>,
    name: &str,
) -> Result<Option<QueryChaincodeDefinitionResult>, Error> {
    let asked = QueryChaincodeDefinitionArgs { name: name.into() }.encode_to_vec();
    match client.query(peers, LIFECYCLE, vec![b"QueryChaincodeDefinition".to_vec(), asked]).await {
        Ok(answer) => QueryChaincodeDefinitionResult::decode(answer.as_slice()).map(Some).map_err(|error| {
            crate::errors::corrupt(format!("a chaincode's definition does not decode: {error}"))
        }),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn call(function: &str, argument: Vec<u8>) -> Call {
    Call::Invoke(ContractCall {
        contract: LIFECYCLE.into(),
        function: function.into(),
        arguments: vec![Value::Bytes(argument)],
        abi: None,
        private_arguments: Vec::new(),
    })
}
