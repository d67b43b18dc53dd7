//! The chaincodes: services of Node.js, installed, approved by both organisations and committed.

use std::{path::PathBuf, process::Command};

use serde_json::json;

use crate::{
    material::Material,
    network::CHANNELS,
    orderer::Orderer,
    package::Package,
    peer::Peer,
    ports,
    process::{self, NetworkError, Service},
    programs::Programs,
};

/// The name of the preset contract's chaincode.
pub const PRESET: &str = "preset";
/// The name of the conformance probe's chaincode.
pub const PROBE: &str = "probe";
/// Who must endorse: a peer of each organisation.
pub const ORGANISATION_POLICY: &str = "AND('Org1MSP.peer','Org2MSP.peer')";

/// The files of `adapters/fabric/chaincode`.
const FILES: [(&str, &str); 5] = [
    ("package.json", include_str!("../../../../adapters/fabric/chaincode/package.json")),
    ("contract.mjs", include_str!("../../../../adapters/fabric/chaincode/contract.mjs")),
    ("preset.mjs", include_str!("../../../../adapters/fabric/chaincode/preset.mjs")),
    ("probe.mjs", include_str!("../../../../adapters/fabric/chaincode/probe.mjs")),
    ("server.mjs", include_str!("../../../../adapters/fabric/chaincode/server.mjs")),
];

/// A chaincode that serves.
#[derive(Debug)]
pub struct Chaincode {
    name: &'static str,
    package: Package,
    file: PathBuf,
    _service: Service,
}

/// Writes the chaincodes' sources beside the modules that they need.
pub fn write_sources(programs: &Programs, material: &Material) -> Result<(), NetworkError> {
    let folder = material.folder.join("chaincode");
    process::folder(&folder)?;
    for (name, content) in FILES {
        process::write(&folder.join(name), content)?;
    }
    let path = folder.join("node_modules");
    std::os::unix::fs::symlink(programs.modules(), &path).map_err(|source| NetworkError::File {
        doing: "write",
        path,
        source,
    })?;
    // A collection that both organisations may read, for private arguments.
    let collections = json!([{
        "name": "secrets", "policy": "OR('Org1MSP.member','Org2MSP.member')",
        "requiredPeerCount": 0, "maxPeerCount": 1, "blockToLive": 0,
        "memberOnlyRead": true, "memberOnlyWrite": true,
    }]);
    process::write(&material.folder.join("collections.json"), collections.to_string())
}

impl Chaincode {
    /// Starts the service and packs the package that leads to it.
    pub fn start(name: &'static str, material: &Material) -> Result<Chaincode, NetworkError> {
        let [port] = ports::free()?;
        let address = format!("127.0.0.1:{port}");
        let file = material.folder.join(format!("{name}.tgz"));
        let package = Package::new(&format!("{name}_1"), &address).map_err(|source| NetworkError::File {
            doing: "write",
            path: file.clone(),
            source,
        })?;
        process::write(&file, &package.bytes)?;
        let folder = material.folder.join("chaincode");
        let mut service = Service::start(
            &format!("the chaincode {name}"),
            Command::new("node")
                .args(["server.mjs", name])
                .current_dir(&folder)
                .env("CHAINCODE_ID", &package.id)
                .env("CHAINCODE_SERVER_ADDRESS", &address)
                .env("CORE_CHAINCODE_LOGGING_LEVEL", "CRITICAL"),
            material.folder.join(format!("{name}.log")),
        )?;
        service.serves(port)?;
        Ok(Chaincode { name, package, file, _service: service })
    }

    /// The package's id.
    pub fn id(&self) -> &str {
        &self.package.id
    }

    /// Installs it on a peer.
    pub fn install(&self, programs: &Programs, peer: &Peer) -> Result<(), NetworkError> {
        let mut command = peer.command(programs);
        process::run(command.args(["lifecycle", "chaincode", "install"]).arg(&self.file)).map(drop)
    }

    /// Approves it in the name of a peer's organisation.
    pub fn approve(
        &self,
        programs: &Programs,
        material: &Material,
        channel: &str,
        orderer: &Orderer,
        peer: &Peer,
    ) -> Result<(), NetworkError> {
        // Until the orderers have a leader, none takes it.
        process::run_until_well(|| {
            let mut command = peer.command(programs);
            command.args(["lifecycle", "chaincode", "approveformyorg", "--package-id", &self.package.id]);
            self.definition(&mut command, material, channel, orderer);
            command
        })
        .map(drop)
    }

    /// Commits it, endorsed by both organisations.
    pub fn commit(
        &self,
        programs: &Programs,
        material: &Material,
        channel: &str,
        orderer: &Orderer,
        peers: &[Peer],
    ) -> Result<(), NetworkError> {
        let Some(first) = peers.first() else { return Ok(()) };
        process::run_until_well(|| {
            let mut command = first.command(programs);
            command.args(["lifecycle", "chaincode", "commit"]);
            self.definition(&mut command, material, channel, orderer);
            for peer in peers {
                command.arg("--peerAddresses").arg(format!("127.0.0.1:{}", peer.port()));
                command.arg("--tlsRootCertFiles").arg(peer.authority());
            }
            command
        })
        .map(drop)
    }

    fn definition(&self, command: &mut Command, material: &Material, channel: &str, orderer: &Orderer) {
        command.args(["--channelID", channel, "--name", self.name, "--version", "1", "--sequence", "1"]);
        command.args(["--signature-policy", ORGANISATION_POLICY, "--collections-config"]);
        command.arg(material.folder.join("collections.json"));
        command.arg("-o").arg(format!("127.0.0.1:{}", orderer.port())).args(["--tls", "--cafile"]);
        command.arg(material.orderer(0).join("tls/ca.crt"));
    }
}

/// Puts all chaincodes on all channels.
pub fn deploy(
    programs: &Programs,
    material: &Material,
    chaincodes: &[Chaincode],
    orderer: &Orderer,
    peers: &[Peer],
) -> Result<(), NetworkError> {
    crate::network::at_once(peers, |peer| {
        chaincodes.iter().try_for_each(|chaincode| chaincode.install(programs, peer))
    })?;
    crate::network::at_once(&CHANNELS, |channel| {
        for chaincode in chaincodes {
            crate::network::at_once(peers, |peer| {
                chaincode.approve(programs, material, channel, orderer, peer)
            })?;
            chaincode.commit(programs, material, channel, orderer, peers)?;
        }
        Ok(())
    })
}
