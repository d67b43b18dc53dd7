//! Membership: `msp/identities.proto`, `msp/msp_config.proto`, `msp/msp_principal.proto`.

/// Who: an MSP and a certificate in PEM.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SerializedIdentity {
    #[prost(string, tag = "1")]
    pub mspid: String,
    #[prost(bytes = "vec", tag = "2")]
    pub id_bytes: Vec<u8>,
}

/// Value `MSP` of an organisation; type 0 is [`FabricMspConfig`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MspConfig {
    #[prost(int32, tag = "1")]
    pub r#type: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub config: Vec<u8>,
}

/// An MSP of X.509 certificates, each in PEM.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FabricMspConfig {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub root_certs: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub intermediate_certs: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub admins: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub revocation_list: Vec<Vec<u8>>,
    #[prost(message, optional, tag = "6")]
    pub signing_identity: Option<SigningIdentityInfo>,
    #[prost(message, repeated, tag = "7")]
    pub organizational_unit_identifiers: Vec<FabricOuIdentifier>,
    #[prost(message, optional, tag = "8")]
    pub crypto_config: Option<FabricCryptoConfig>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub tls_root_certs: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "10")]
    pub tls_intermediate_certs: Vec<Vec<u8>>,
    #[prost(message, optional, tag = "11")]
    pub fabric_node_ous: Option<FabricNodeOus>,
}

/// Names of hash families.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FabricCryptoConfig {
    #[prost(string, tag = "1")]
    pub signature_hash_family: String,
    #[prost(string, tag = "2")]
    pub identity_identifier_hash_function: String,
}

/// Never in a channel's configuration.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SigningIdentityInfo {
    #[prost(bytes = "vec", tag = "1")]
    pub public_signer: Vec<u8>,
}

/// An organisational unit, and the certificate that must have issued it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FabricOuIdentifier {
    #[prost(bytes = "vec", tag = "1")]
    pub certificate: Vec<u8>,
    #[prost(string, tag = "2")]
    pub organizational_unit_identifier: String,
}

/// Which units tell clients, peers, administrators and orderers apart.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FabricNodeOus {
    #[prost(bool, tag = "1")]
    pub enable: bool,
    #[prost(message, optional, tag = "2")]
    pub client_ou_identifier: Option<FabricOuIdentifier>,
    #[prost(message, optional, tag = "3")]
    pub peer_ou_identifier: Option<FabricOuIdentifier>,
    #[prost(message, optional, tag = "4")]
    pub admin_ou_identifier: Option<FabricOuIdentifier>,
    #[prost(message, optional, tag = "5")]
    pub orderer_ou_identifier: Option<FabricOuIdentifier>,
}

/// Whoever fits this.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MspPrincipal {
    #[prost(enumeration = "PrincipalClassification", tag = "1")]
    pub principal_classification: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub principal: Vec<u8>,
}

/// What a principal's bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PrincipalClassification {
    Role = 0,
    OrganizationUnit = 1,
    Identity = 2,
    Anonymity = 3,
    Combined = 4,
}

/// Everybody of an MSP in a role.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MspRole {
    #[prost(string, tag = "1")]
    pub msp_identifier: String,
    #[prost(enumeration = "MspRoleType", tag = "2")]
    pub role: i32,
}

/// Roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MspRoleType {
    Member = 0,
    Admin = 1,
    Client = 2,
    Peer = 3,
    Orderer = 4,
}

/// Everybody of an organisational unit.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct OrganizationUnit {
    #[prost(string, tag = "1")]
    pub msp_identifier: String,
    #[prost(string, tag = "2")]
    pub organizational_unit_identifier: String,
    #[prost(bytes = "vec", tag = "3")]
    pub certifiers_identifier: Vec<u8>,
}
