//! The organisations with their authorities, peers, orderers and users.

use std::{collections::BTreeMap, net::SocketAddr};

use prost::Message as _;

use crate::{
    error::NetworkError,
    identity::{Authority, Identities, Key, Role, Subject},
    options::Options,
    proto::msp::SerializedIdentity,
};

/// The orderers' organisation.
pub const ORDERER_MSP: &str = "OrdererMSP";

/// A peer or an orderer.
pub struct Member {
    /// Its organisation's MSP id.
    pub msp_id: String,
    /// Its host's name, which its TLS certificate has.
    pub host: String,
    /// Where it listens.
    pub listens: SocketAddr,
    /// Its certificate, PEM.
    pub pem: String,
    /// Its serialised identity.
    pub identity: Vec<u8>,
    /// The certificate of its TLS server, PEM.
    pub tls_pem: String,
    /// The key of its certificate.
    pub key: Key,
    /// The key of its TLS server.
    pub tls_key: Key,
}

impl Member {
    /// Host and port.
    #[must_use]
    pub fn address(&self) -> String {
        self.listens.to_string()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listens.port()
    }
}

/// Somebody with a key that the network made.
pub struct User {
    /// The organisation.
    pub msp_id: String,
    /// The common name.
    pub name: String,
    /// The certificate, PEM.
    pub pem: String,
    /// The key.
    pub key: Key,
}

impl User {
    /// The serialised identity.
    #[must_use]
    pub fn identity(&self) -> Vec<u8> {
        serialized(&self.msp_id, &self.pem)
    }
}

/// All members of a network.
pub struct Members {
    seed: String,
    authorities: BTreeMap<String, Authorities>,
    /// One peer for each organisation.
    pub peers: Vec<Member>,
    /// The orderers.
    pub orderers: Vec<Member>,
    /// One administrator and two users for each organisation.
    pub users: Vec<User>,
    /// By which the organisations' identities are judged. The orderers' organisation is not among them, for it does not use channels.
    pub identities: Identities,
}

struct Authorities {
    identities: Authority,
    tls: Authority,
}

impl Members {
    /// Makes them; peers and orderers listen where they are told.
    ///
    /// # Errors
    /// When the options contradict each other, or a certificate cannot be made.
    pub fn new(
        options: &Options,
        peers: &[SocketAddr],
        orderers: &[SocketAddr],
    ) -> Result<Members, NetworkError> {
        let seed = &options.seed;
        let mut members = Members {
            seed: seed.clone(),
            authorities: BTreeMap::new(),
            peers: Vec::new(),
            orderers: Vec::new(),
            users: Vec::new(),
            identities: Identities::default(),
        };
        for msp_id in options.organisations.iter().map(String::as_str).chain([ORDERER_MSP]) {
            let domain = domain(msp_id);
            let authorities = Authorities {
                identities: Authority::new(seed, &domain, &format!("ca.{domain}"))?,
                tls: Authority::new(seed, &domain, &format!("tlsca.{domain}"))?,
            };
            if msp_id != ORDERER_MSP {
                members.identities.add(msp_id, authorities.identities.point());
            }
            if members.authorities.insert(msp_id.to_owned(), authorities).is_some() {
                return Err(NetworkError::Options(format!("there are two organisations {msp_id}")));
            }
        }
        for (msp_id, listens) in options.organisations.iter().zip(peers) {
            let host = format!("peer0.{}", domain(msp_id));
            let peer = members.member(msp_id, host, Role::Peer, *listens)?;
            members.peers.push(peer);
            for (name, role) in [("Admin", Role::Admin), ("User1", Role::Client), ("User2", Role::Client)] {
                let user = members.user(msp_id, name, role)?;
                members.users.push(user);
            }
        }
        for (number, listens) in orderers.iter().enumerate() {
            let host = format!("orderer{number}.{}", domain(ORDERER_MSP));
            let orderer = members.member(ORDERER_MSP, host, Role::Orderer, *listens)?;
            members.orderers.push(orderer);
        }
        Ok(members)
    }

    fn authorities(&self, msp_id: &str) -> Result<&Authorities, NetworkError> {
        let none = || NetworkError::Options(format!("there is no organisation {msp_id}"));
        self.authorities.get(msp_id).ok_or_else(none)
    }

    fn member(
        &self,
        msp_id: &str,
        host: String,
        role: Role,
        listens: SocketAddr,
    ) -> Result<Member, NetworkError> {
        let authorities = self.authorities(msp_id)?;
        let key = Key::derive(&self.seed, &host)?;
        let tls_key = Key::derive(&self.seed, &format!("tls {host}"))?;
        let pem = authorities.identities.issue(&Subject::member(&host, role), key.point())?;
        let tls_pem = authorities.tls.issue(&Subject::server(&host), tls_key.point())?;
        let identity = serialized(msp_id, &pem);
        Ok(Member { msp_id: msp_id.to_owned(), host, listens, pem, identity, tls_pem, key, tls_key })
    }

    fn user(&self, msp_id: &str, name: &str, role: Role) -> Result<User, NetworkError> {
        let name = format!("{name}@{}", domain(msp_id));
        let key = Key::derive(&self.seed, &name)?;
        let pem = self.enrol(msp_id, &Subject::member(&name, role), key.point())?;
        Ok(User { msp_id: msp_id.to_owned(), name, pem, key })
    }

    /// A certificate of an organisation's authority for this public point (SEC1, uncompressed), PEM.
    ///
    /// # Errors
    /// When there is no such organisation, or the certificate cannot be made.
    pub fn enrol(&self, msp_id: &str, subject: &Subject, point: &[u8]) -> Result<String, NetworkError> {
        self.authorities(msp_id)?.identities.issue(subject, point)
    }

    /// Certificates of an organisation's authorities, PEM: for identities, and for TLS. Empty for an unknown one.
    #[must_use]
    pub fn roots(&self, msp_id: &str) -> (&str, &str) {
        self.authorities.get(msp_id).map_or(("", ""), |authorities| {
            (authorities.identities.pem.as_str(), authorities.tls.pem.as_str())
        })
    }

    /// The organisation's peer.
    #[must_use]
    pub fn peer(&self, msp_id: &str) -> Option<&Member> {
        self.peers.iter().find(|peer| peer.msp_id == msp_id)
    }

    /// The organisation's user or administrator with this name before the `@`.
    #[must_use]
    pub fn named(&self, msp_id: &str, name: &str) -> Option<&User> {
        let name = format!("{name}@");
        self.users.iter().find(|user| user.msp_id == msp_id && user.name.starts_with(&name))
    }
}

/// `org1.example.com` for `Org1MSP`.
fn domain(msp_id: &str) -> String {
    format!("{}.example.com", msp_id.strip_suffix("MSP").unwrap_or(msp_id).to_lowercase())
}

/// The identity as messages carry it.
#[must_use]
pub fn serialized(msp_id: &str, pem: &str) -> Vec<u8> {
    SerializedIdentity { mspid: msp_id.to_owned(), id_bytes: pem.as_bytes().to_vec() }.encode_to_vec()
}
