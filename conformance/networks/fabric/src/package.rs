//! Chaincode packages for chaincode-as-a-service: what `peer lifecycle chaincode install` takes.
//!
//! A package is a gzipped tar of `metadata.json` (`type` and `label`) and `code.tar.gz`, which has `connection.json`: where the
//! peer finds the service (Fabric's documentation, "Running Chaincode as an External Service"). Times, owners and modes in it are
//! fixed and nothing is compressed, so that the same label and address give the same bytes and the same id on every machine.

use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use sha2::{Digest as _, Sha256};

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What a file has.
    pub bytes: Vec<u8>,
    /// The id that a peer gives it: the label, a colon, SHA-256 of the bytes in hexadecimal.
    pub id: String,
}

impl Package {
    /// The package of the chaincode service at `address` (`host:port`), which is spoken to without TLS. A label has letters,
    /// digits, `.`, `_`, `+` and `-`.
    ///
    /// # Errors
    /// None in practice: everything is written into memory.
    pub fn new(label: &str, address: &str) -> io::Result<Package> {
        let connection =
            serde_json::json!({ "address": address, "dial_timeout": "10s", "tls_required": false });
        let metadata = serde_json::json!({ "label": label, "type": "ccaas" });
        let code = archive(&[("connection.json", connection.to_string().as_bytes())])?;
        let bytes =
            archive(&[("metadata.json", metadata.to_string().as_bytes()), ("code.tar.gz", code.as_slice())])?;
        let id = format!("{label}:{}", hex::encode(Sha256::digest(&bytes)));
        Ok(Package { bytes, id })
    }
}

fn archive(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let gzip: GzEncoder<Vec<u8>> = GzBuilder::new().mtime(0).write(Vec::new(), Compression::none());
    let mut tar = tar::Builder::new(gzip);
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, name, *content)?;
    }
    let mut gzip = tar.into_inner()?;
    gzip.flush()?;
    gzip.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut tar = tar::Archive::new(GzDecoder::new(archive));
        let read = |entry: io::Result<tar::Entry<'_, GzDecoder<&[u8]>>>| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().to_string_lossy().into_owned(), content)
        };
        tar.entries().unwrap().map(read).collect()
    }

    #[test]
    fn a_package_says_what_it_is_and_where_the_service_listens() {
        let package = Package::new("preset_1", "127.0.0.1:9999").unwrap();
        let outer = files(&package.bytes);
        assert_eq!(outer[0], ("metadata.json".into(), br#"{"label":"preset_1","type":"ccaas"}"#.to_vec()));
        assert_eq!(outer[1].0, "code.tar.gz");
        let connection = &files(&outer[1].1)[0];
        assert_eq!(connection.0, "connection.json");
        let connection: serde_json::Value = serde_json::from_slice(&connection.1).unwrap();
        assert_eq!(connection["address"], "127.0.0.1:9999");
        assert_eq!(connection["tls_required"], false);
    }

    #[test]
    fn the_same_package_has_the_same_id_everywhere() {
        let id = |label, address| Package::new(label, address).unwrap().id;
        assert_eq!(
            id("preset_1", "127.0.0.1:9999"),
            "preset_1:ac560e67595da14f22f5d8dc5f693cddd223902ee5d75ed63aeeb38ec32dc228"
        );
        assert_ne!(id("preset_1", "127.0.0.1:9999"), id("preset_1", "127.0.0.1:9998"));
    }
}
