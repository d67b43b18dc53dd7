//! `--lend FILE`: endpoints and service keys with all that belongs to them, in TOML; secrets by reference.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use adapter_spec::types::SignatureScheme;
use berth_gateway::{EndpointOrder, EndpointSecrets, LentSecrets, Secret, ServiceKeySecret};
use berth_identity::Authority;
use berth_node::Secret as Reference;
use serde::Deserialize;

use crate::{failure::Failure, files};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LendFile {
    #[serde(default)]
    endpoints: Vec<LentEndpoint>,
    #[serde(default)]
    service_keys: Vec<LentKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LentEndpoint {
    need: String,
    url: String,
    name: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    ca: Option<PathBuf>,
    server_name: Option<String>,
    client_certificate: Option<PathBuf>,
    client_key: Option<Reference>,
    #[serde(default)]
    headers: BTreeMap<String, Reference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LentKey {
    name: String,
    scheme: SignatureScheme,
    key: Reference,
    certificate: Option<PathBuf>,
}

/// Endpoints, and what of them and beside them is secret.
#[derive(Default)]
pub(crate) struct Lent {
    pub(crate) endpoints: Vec<EndpointOrder>,
    pub(crate) secrets: LentSecrets,
}

/// Reads the file.
pub(crate) fn read(path: &Path) -> Result<Lent, Failure> {
    let text = read_text(path)?;
    let file: LendFile = toml::from_str(&text).map_err(|error| {
        Failure::host(format!("{} is no file for --lend", path.display()), &error)
            .next("`berth node app create --help` shows one.")
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let pem = |path: &Option<PathBuf>| path.as_ref().map(|path| read_text(&folder.join(path))).transpose();
    let secret = |reference: &Reference| match reference {
        Reference::File(path) => read_text(&folder.join(path)).map(Secret::new),
        Reference::Env(name) => std::env::var(name).map(Secret::new).map_err(|error| {
            Failure::host(format!("the environment variable {name}"), &error).next("Set it.")
        }),
    };
    let mut lent = Lent::default();
    for (place, endpoint) in file.endpoints.into_iter().enumerate() {
        let headers = endpoint.headers.iter().map(|(name, value)| {
            let value = secret(value)?;
            Ok((name.clone(), Secret::new(value.reveal().trim().to_owned())))
        });
        let secrets = EndpointSecrets {
            headers: headers.collect::<Result<_, Failure>>()?,
            client_key_pem: endpoint.client_key.as_ref().map(secret).transpose()?,
        };
        if !secrets.headers.is_empty() || secrets.client_key_pem.is_some() {
            lent.secrets.endpoints.insert(place, secrets);
        }
        lent.endpoints.push(EndpointOrder {
            ca_pem: pem(&endpoint.ca)?,
            client_certificate_pem: pem(&endpoint.client_certificate)?,
            need: endpoint.need,
            url: endpoint.url,
            name: endpoint.name,
            labels: endpoint.labels,
            server_name: endpoint.server_name,
        });
    }
    for key in file.service_keys {
        let certificate = key.certificate.map(|path| {
            let path = folder.join(path);
            let der = Authority::der_of(&read_text(&path)?)
                .ok_or_else(|| Failure::usage(format!("{} is no certificate in PEM", path.display())))?;
            Ok::<_, Failure>(hex::encode(der))
        });
        lent.secrets.service_keys.push(ServiceKeySecret {
            secret: secret(&key.key)?,
            name: key.name,
            scheme: key.scheme,
            certificate: certificate.transpose()?,
        });
    }
    Ok(lent)
}

fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(files::read(path)?)
        .map_err(|_| Failure::usage(format!("{} is no text in UTF-8", path.display())))
}
