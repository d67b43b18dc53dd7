//! Somebody whom the node knows.

use std::time::Duration;

use berth_client::{Client, ClientBuilder, Identity};
use rcgen::{CertificateParams, KeyPair};

use crate::{
    Trouble,
    desk::{Desk, Serving},
};

/// A participant with their key and certificate.
pub struct Person {
    certificate_pem: String,
    key_pem: String,
    authority_pem: String,
}

impl Person {
    /// Makes a key, and has the node enrol it.
    pub fn new(desk: &Desk, name: &str) -> Result<Self, Trouble> {
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        desk.write(&format!("{name}.csr"), &CertificateParams::default().serialize_request(&key)?.pem()?)?;
        desk.write(&format!("{name}.key"), &key_pem)?;
        let request = format!("{name}.csr");
        let enrol = ["node", "participant", "enrol", name, "--request", &request];
        let certificate_pem = desk.answer(&[&enrol[..], &["--config", "city/node.toml"]].concat())?;
        desk.write(&format!("{name}.pem"), &certificate_pem)?;
        Ok(Person { certificate_pem, key_pem, authority_pem: desk.read("city/state/authority.pem")? })
    }

    /// A client over mutual TLS.
    pub fn client(&self, node: &Serving) -> Result<Client, Trouble> {
        Ok(self.builder(node)?.build()?)
    }

    /// The same, which does not ask again where the node is gone.
    pub fn hasty(&self, node: &Serving) -> Result<Client, Trouble> {
        Ok(self.builder(node)?.patience(Duration::ZERO).build()?)
    }

    fn builder(&self, node: &Serving) -> Result<ClientBuilder, Trouble> {
        let identity = Identity::certificate(&self.certificate_pem, &self.key_pem)?;
        Ok(Client::builder(&node.address).authority(&self.authority_pem).identity(identity))
    }
}
