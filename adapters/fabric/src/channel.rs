//! A channel's configuration: who its organisations are, and what its policies ask.

use std::collections::BTreeMap;

use adapter_sdk::Imports;
use prost::Message;

use crate::{
    certificate::Certificate,
    identity::Identity,
    proto::{
        common::{Envelope, HeaderType},
        configuration::{Config, ConfigEnvelope, ConfigGroup, Consenter, Orderers},
        msp::{FabricMspConfig, FabricNodeOus, MspConfig, MspRoleType},
        orderer::ConsensusType,
    },
    transaction,
};

/// A channel's configuration, as its configuration block has it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    /// The channel's name.
    pub(crate) name: String,
    /// The group `Channel`.
    pub(crate) group: ConfigGroup,
    /// The MSPs of the application's organisations.
    pub(crate) application: BTreeMap<String, Msp>,
    /// The MSPs of the orderers' organisations.
    pub(crate) orderers: BTreeMap<String, Msp>,
    /// The consenters, where they are Byzantine fault tolerant; empty otherwise.
    pub(crate) consenters: Vec<Consenter>,
}

/// An organisation's authorities.
#[derive(Clone, Debug)]
pub(crate) struct Msp {
    roots: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    admins: Vec<Certificate>,
    units: Option<FabricNodeOus>,
}

impl Channel {
    /// Reads the one envelope of a configuration block. None where it is none.
    pub(crate) fn of_envelope(envelope: &[u8]) -> Option<Self> {
        let envelope = Envelope::decode(envelope).ok()?;
        let headers = transaction::Headers::of_payload(&envelope.payload)?;
        if headers.channel.r#type != HeaderType::Config as i32 {
            return None;
        }
        let config = ConfigEnvelope::decode(headers.data.as_slice()).ok()?.config?;
        Channel::of_config(headers.channel.channel_id, config)
    }

    /// The same of a configuration, of the channel of this name.
    pub(crate) fn of_config(name: String, config: Config) -> Option<Self> {
        let group = config.channel_group?;
        let organisations = |group: Option<&ConfigGroup>| -> BTreeMap<String, Msp> {
            group.into_iter().flat_map(|group| group.groups.values()).filter_map(Msp::of_group).collect()
        };
        let orderer = group.groups.get("Orderer")?;
        let consensus: ConsensusType = value(orderer, "ConsensusType")?;
        let consenters = match consensus.r#type.as_str() {
            "BFT" => value::<Orderers>(orderer, "Orderers")?.consenter_mapping,
            _ => Vec::new(),
        };
        if consensus.r#type == "BFT" && consenters.is_empty() {
            return None;
        }
        let (application, orderers) =
            (organisations(group.groups.get("Application")), organisations(Some(orderer)));
        Some(Channel { name, application, orderers, consenters, group })
    }
}

fn value<M: Message + Default>(group: &ConfigGroup, name: &str) -> Option<M> {
    M::decode(group.values.get(name)?.value.as_slice()).ok()
}

impl Msp {
    /// The MSP of an organisation's group, by its id.
    fn of_group(group: &ConfigGroup) -> Option<(String, Self)> {
        let config: MspConfig = value(group, "MSP")?;
        if config.r#type != 0 {
            return None;
        }
        let config = FabricMspConfig::decode(config.config.as_slice()).ok()?;
        let read =
            |pems: &[Vec<u8>]| pems.iter().filter_map(|pem| Certificate::from_pem(pem)).collect::<Vec<_>>();
        let msp = Msp {
            roots: read(&config.root_certs),
            intermediates: read(&config.intermediate_certs),
            admins: read(&config.admins),
            units: config.fabric_node_ous.filter(|units| units.enable),
        };
        Some((config.name, msp))
    }

    /// Whether the certificate is this organisation's at that moment.
    pub(crate) fn knows(&self, host: &dyn Imports, certificate: &Certificate, millis: u64) -> bool {
        certificate.is_issued_by(host, &self.roots, &self.intermediates, millis)
    }

    /// Whether a certificate of this organisation has the role. Without units by role, every member is taken for a client
    /// and a peer, as in Fabric before 1.4; for an orderer never.
    pub(crate) fn has_role(&self, certificate: &Certificate, role: MspRoleType) -> bool {
        let unit = |units: &FabricNodeOus| match role {
            MspRoleType::Member => None,
            MspRoleType::Admin => units.admin_ou_identifier.clone(),
            MspRoleType::Client => units.client_ou_identifier.clone(),
            MspRoleType::Peer => units.peer_ou_identifier.clone(),
            MspRoleType::Orderer => units.orderer_ou_identifier.clone(),
        };
        if role == MspRoleType::Member {
            return true;
        }
        if role == MspRoleType::Admin && self.admins.iter().any(|admin| admin.der == certificate.der) {
            return true;
        }
        match &self.units {
            Some(units) => unit(units).is_some_and(|unit| {
                !unit.organizational_unit_identifier.is_empty()
                    && certificate.units.contains(&unit.organizational_unit_identifier)
            }),
            None => matches!(role, MspRoleType::Client | MspRoleType::Peer),
        }
    }

    /// Whether organisational units tell roles apart.
    pub(crate) fn tells_roles(&self) -> bool {
        self.units.is_some()
    }
}

/// Somebody whose signature was verified, with the MSP that knows the certificate.
pub(crate) struct Signer<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) msp: &'a Msp,
}
