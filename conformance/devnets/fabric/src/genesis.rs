//! The first block of a channel: its configuration, as `configtxgen` makes it.

use std::collections::BTreeMap;

use prost::Message;
use sha2::{Digest as _, Sha256};

use crate::{
    members::{Member, Members, ORDERER_MSP},
    options::{Batch, Consensus, Options},
    policy::{any_role, implicit, n_out_of, signature},
    proposal::transaction_id,
    proto::{
        common::{
            Block, BlockData, BlockHeader, BlockMetadata, ChannelHeader, Envelope, Header, HeaderType,
            ImplicitMetaRule::{Any, Majority},
            LastConfig, Metadata, OrdererBlockMetadata, Payload, Policy, SignatureHeader,
        },
        configuration::{
            BlockDataHashingStructure, Capabilities, Capability, Config, ConfigEnvelope, ConfigGroup,
            ConfigPolicy, ConfigValue, Consenter, HashingAlgorithm, OrdererAddresses, Orderers,
        },
        google::Timestamp,
        msp::{
            FabricCryptoConfig, FabricMspConfig, FabricNodeOus, FabricOuIdentifier, MspConfig, MspPrincipal,
            MspRoleType::{Admin, Client, Member as AnyMember, Peer},
            PrincipalClassification, SerializedIdentity,
        },
        orderer::{
            BatchSize, BatchTimeout, BftOptions, ChannelRestrictions, ConsensusType, RaftConsenter,
            RaftMetadata, RaftOptions,
        },
        peer::{AnchorPeer, AnchorPeers},
    },
};

/// Who may change what is in the configuration.
const ADMINS: &str = "Admins";

/// The genesis block of a channel.
pub fn block(channel: &str, options: &Options, members: &Members) -> Block {
    let config = Config { sequence: 0, channel_group: Some(channel_group(options, members)) };
    let data = ConfigEnvelope { config: Some(config), last_update: None }.encode_to_vec();
    // From the seed, so that the same network has the same first block.
    let nonce = Sha256::new().chain_update(&options.seed).chain_update([0]).chain_update(channel).finalize();
    let signer = SignatureHeader { creator: Vec::new(), nonce: nonce.iter().take(24).copied().collect() };
    let milliseconds = options.genesis_time.unwrap_or_else(crate::clock::milliseconds);
    let channel_header = ChannelHeader {
        r#type: HeaderType::Config as i32,
        version: 1,
        timestamp: Some(Timestamp {
            seconds: (milliseconds / 1000).try_into().unwrap_or_default(),
            nanos: 0,
        }),
        channel_id: channel.to_owned(),
        tx_id: transaction_id(&signer),
        ..ChannelHeader::default()
    };
    let header =
        Header { channel_header: channel_header.encode_to_vec(), signature_header: signer.encode_to_vec() };
    let payload = Payload { header: Some(header), data }.encode_to_vec();
    let envelope = Envelope { payload, signature: Vec::new() }.encode_to_vec();
    let header =
        BlockHeader { number: 0, previous_hash: Vec::new(), data_hash: Sha256::digest(&envelope).to_vec() };
    let last_config =
        OrdererBlockMetadata { last_config: Some(LastConfig { index: 0 }), consenter_metadata: Vec::new() };
    let signatures = Metadata { value: last_config.encode_to_vec(), signatures: Vec::new() }.encode_to_vec();
    Block {
        header: Some(header),
        data: Some(BlockData { data: vec![envelope] }),
        metadata: Some(BlockMetadata {
            metadata: vec![signatures, Vec::new(), Vec::new(), Vec::new(), Vec::new()],
        }),
    }
}

fn channel_group(options: &Options, members: &Members) -> ConfigGroup {
    let capability = match options.consensus {
        Consensus::Raft => "V2_0",
        Consensus::Bft => "V3_0",
    };
    let groups = [("Orderer", orderer_group(options, members)), ("Application", application_group(members))];
    group(
        groups.map(|(name, group)| (name.to_owned(), group)),
        [
            ("HashingAlgorithm", HashingAlgorithm { name: "SHA256".into() }.encode_to_vec()),
            ("BlockDataHashingStructure", BlockDataHashingStructure { width: u32::MAX }.encode_to_vec()),
            ("Capabilities", capabilities(capability)),
        ],
        [
            ("Admins", implicit(ADMINS, Majority)),
            ("Readers", implicit("Readers", Any)),
            ("Writers", implicit("Writers", Any)),
        ],
    )
}

fn application_group(members: &Members) -> ConfigGroup {
    let organisations = members.peers.iter().map(|peer| {
        let msp_id = peer.msp_id.as_str();
        let anchor = AnchorPeer { host: "127.0.0.1".into(), port: i32::from(peer.port()) };
        let values = [
            ("MSP", msp(members, msp_id)),
            ("AnchorPeers", AnchorPeers { anchor_peers: vec![anchor] }.encode_to_vec()),
        ];
        let policies = [
            ("Endorsement", any_role(msp_id, &[Peer])),
            ("Readers", any_role(msp_id, &[Admin, Peer, Client])),
            ("Writers", any_role(msp_id, &[Admin, Client])),
            ("Admins", any_role(msp_id, &[Admin])),
        ];
        (msp_id.to_owned(), group([], values, policies))
    });
    group(
        organisations,
        [("Capabilities", capabilities("V2_5"))],
        [
            ("Writers", implicit("Writers", Any)),
            ("Admins", implicit(ADMINS, Majority)),
            ("Endorsement", implicit("Endorsement", Majority)),
            ("LifecycleEndorsement", implicit("Endorsement", Majority)),
            ("Readers", implicit("Readers", Any)),
        ],
    )
}

fn orderer_group(options: &Options, members: &Members) -> ConfigGroup {
    let addresses = members.orderers.iter().map(Member::address).collect();
    let organisation = group(
        [],
        [("MSP", msp(members, ORDERER_MSP)), ("Endpoints", OrdererAddresses { addresses }.encode_to_vec())],
        [
            ("Admins", any_role(ORDERER_MSP, &[Admin])),
            ("Readers", any_role(ORDERER_MSP, &[AnyMember])),
            ("Writers", any_role(ORDERER_MSP, &[AnyMember])),
        ],
    );
    let Batch { max_messages, absolute_max_bytes, preferred_max_bytes, timeout } = options.batch;
    let size = BatchSize { max_message_count: max_messages, absolute_max_bytes, preferred_max_bytes };
    let timeout = format!("{}ms", timeout.as_millis());
    let mut values = vec![
        ("BatchSize", size.encode_to_vec()),
        ("BatchTimeout", BatchTimeout { timeout }.encode_to_vec()),
        ("ChannelRestrictions", ChannelRestrictions::default().encode_to_vec()),
        ("Capabilities", capabilities("V2_0")),
    ];
    let (kind, metadata, validation) = match options.consensus {
        Consensus::Raft => ("etcdraft", raft(members), implicit("Writers", Any)),
        Consensus::Bft => {
            values.push(("Orderers", consenters(members)));
            ("BFT", bft(options), quorum(options, members))
        }
    };
    let consensus = ConsensusType { r#type: kind.into(), metadata, state: 0 };
    values.push(("ConsensusType", consensus.encode_to_vec()));
    group(
        [("OrdererOrg".to_owned(), organisation)],
        values,
        [
            ("Writers", implicit("Writers", Any)),
            ("Admins", implicit(ADMINS, Majority)),
            ("BlockValidation", validation),
            ("Readers", implicit("Readers", Any)),
        ],
    )
}

fn raft(members: &Members) -> Vec<u8> {
    let consenters = members.orderers.iter().map(|orderer| RaftConsenter {
        host: "127.0.0.1".into(),
        port: u32::from(orderer.port()),
        client_tls_cert: orderer.tls_pem.clone().into_bytes(),
        server_tls_cert: orderer.tls_pem.clone().into_bytes(),
    });
    let options = RaftOptions {
        tick_interval: "500ms".into(),
        election_tick: 5,
        heartbeat_tick: 1,
        max_inflight_blocks: 5,
        snapshot_interval_size: 16 << 20,
    };
    RaftMetadata { consenters: consenters.collect(), options: Some(options) }.encode_to_vec()
}

fn bft(options: &Options) -> Vec<u8> {
    BftOptions {
        request_batch_max_count: u64::from(options.batch.max_messages),
        request_batch_max_bytes: u64::from(options.batch.absolute_max_bytes),
        request_batch_max_interval: format!("{}ms", options.batch.timeout.as_millis()),
    }
    .encode_to_vec()
}

/// Whose signatures under a block count, by number.
fn consenters(members: &Members) -> Vec<u8> {
    let consenter = |(id, orderer): (u32, &Member)| Consenter {
        id,
        host: "127.0.0.1".into(),
        port: u32::from(orderer.port()),
        msp_id: ORDERER_MSP.into(),
        identity: orderer.pem.clone().into_bytes(),
        client_tls_cert: orderer.tls_pem.clone().into_bytes(),
        server_tls_cert: orderer.tls_pem.clone().into_bytes(),
    };
    Orderers { consenter_mapping: (1..).zip(&members.orderers).map(consenter).collect() }.encode_to_vec()
}

/// So many of the consenters must sign a block.
fn quorum(options: &Options, members: &Members) -> Policy {
    let identity = |orderer: &Member| {
        let identity =
            SerializedIdentity { mspid: ORDERER_MSP.into(), id_bytes: orderer.pem.clone().into_bytes() };
        MspPrincipal {
            principal_classification: PrincipalClassification::Identity as i32,
            principal: identity.encode_to_vec(),
        }
    };
    let required = usize::try_from(options.consensus.quorum()).unwrap_or(usize::MAX);
    signature(&n_out_of(required, members.orderers.iter().map(identity).collect()))
}

fn msp(members: &Members, msp_id: &str) -> Vec<u8> {
    let (root, tls) = members.roots(msp_id);
    let root = root.as_bytes().to_vec();
    let unit = |unit: &str| {
        Some(FabricOuIdentifier { certificate: root.clone(), organizational_unit_identifier: unit.into() })
    };
    let config = FabricMspConfig {
        name: msp_id.to_owned(),
        root_certs: vec![root.clone()],
        tls_root_certs: vec![tls.as_bytes().to_vec()],
        crypto_config: Some(FabricCryptoConfig {
            signature_hash_family: "SHA2".into(),
            identity_identifier_hash_function: "SHA256".into(),
        }),
        fabric_node_ous: Some(FabricNodeOus {
            enable: true,
            client_ou_identifier: unit("client"),
            peer_ou_identifier: unit("peer"),
            admin_ou_identifier: unit("admin"),
            orderer_ou_identifier: unit("orderer"),
        }),
        ..FabricMspConfig::default()
    };
    MspConfig { r#type: 0, config: config.encode_to_vec() }.encode_to_vec()
}

fn capabilities(name: &str) -> Vec<u8> {
    Capabilities { capabilities: BTreeMap::from([(name.to_owned(), Capability {})]) }.encode_to_vec()
}

fn group<'a>(
    groups: impl IntoIterator<Item = (String, ConfigGroup)>,
    values: impl IntoIterator<Item = (&'a str, Vec<u8>)>,
    policies: impl IntoIterator<Item = (&'a str, Policy)>,
) -> ConfigGroup {
    let value = |(name, value): (&str, Vec<u8>)| {
        (name.to_owned(), ConfigValue { version: 0, value, mod_policy: ADMINS.into() })
    };
    let policy = |(name, policy): (&str, Policy)| {
        (name.to_owned(), ConfigPolicy { version: 0, policy: Some(policy), mod_policy: ADMINS.into() })
    };
    ConfigGroup {
        version: 0,
        groups: groups.into_iter().collect(),
        values: values.into_iter().map(value).collect(),
        policies: policies.into_iter().map(policy).collect(),
        mod_policy: ADMINS.into(),
    }
}
