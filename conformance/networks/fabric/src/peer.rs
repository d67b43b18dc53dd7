//! A peer, and the `peer` command in the name of its organisation's administrator.

use std::{path::PathBuf, process::Command};

use crate::{
    config,
    material::{Material, PEER_MSPS, file},
    ports,
    process::{self, NetworkError, Service},
    programs::Programs,
};

/// The scripts by which a peer takes chaincode services (Fabric's documentation, "External Builders and Launchers").
const BUILDER: [(&str, &str); 3] = [
    ("detect", "#!/bin/sh\nexec grep -q '\"type\" *: *\"ccaas\"' \"$2/metadata.json\"\n"),
    ("build", "#!/bin/sh\nexec cp \"$1/connection.json\" \"$3/connection.json\"\n"),
    (
        "release",
        "#!/bin/sh\nset -e\nmkdir -p \"$2/chaincode/server\"\ncp \"$1/connection.json\" \"$2/chaincode/server/\"\n",
    ),
];

/// Writes the external builder and gives its folder.
pub fn write_builder(material: &Material) -> Result<PathBuf, NetworkError> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = material.folder.join("builder");
    process::folder(&folder.join("bin"))?;
    for (name, script) in BUILDER {
        let path = folder.join("bin").join(name);
        process::write(&path, script)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .map_err(|source| NetworkError::File { doing: "write", path, source })?;
    }
    Ok(folder)
}

/// A peer that runs, one an organisation.
#[derive(Debug)]
pub struct Peer {
    service: Service,
    folder: PathBuf,
    /// The organisation's number.
    number: usize,
    port: u16,
    admin: PathBuf,
    authority: String,
}

impl Peer {
    /// Starts the peer of an organisation on its port.
    pub fn start(
        programs: &Programs,
        material: &Material,
        builder: &std::path::Path,
        number: usize,
        port: u16,
    ) -> Result<Peer, NetworkError> {
        let msp = PEER_MSPS.get(number).copied().unwrap_or_default();
        let (folder, certificates) = (material.folder.join(msp), material.peer(number));
        process::folder(&folder)?;
        let [chaincode] = ports::free()?;
        // A filter that came with Fabric 3.
        let has_window = !programs.version()?.starts_with("v2.");
        let text = config::peer(&folder, &certificates, builder, msp, [port, chaincode], has_window);
        process::write(&folder.join("core.yaml"), text.to_string())?;
        let service = Service::start(
            &format!("the peer of {msp}"),
            Command::new(programs.program("peer"))
                .args(["node", "start"])
                .current_dir(&folder)
                .env("FABRIC_CFG_PATH", &folder),
            folder.join("log"),
        )?;
        Ok(Peer {
            service,
            folder,
            number,
            port,
            admin: material.user(number, "Admin")?.folder,
            authority: file(&certificates, "tls/ca.crt"),
        })
    }

    /// Where it listens, with TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with its TLS authority, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The number of its organisation.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Waits until it serves, and has it join a channel.
    pub fn join(
        &mut self,
        programs: &Programs,
        material: &Material,
        channel: &str,
    ) -> Result<(), NetworkError> {
        self.service.serves(self.port)?;
        process::run_until_well(|| {
            let mut command = self.command(programs);
            command.args(["channel", "join", "-b"]).arg(material.block(channel));
            command
        })
        .map(drop)
    }

    /// The `peer` command, which speaks to this peer.
    pub fn command(&self, programs: &Programs) -> Command {
        let mut command = Command::new(programs.program("peer"));
        command
            .current_dir(&self.folder)
            .env("FABRIC_CFG_PATH", &self.folder)
            .env("FABRIC_LOGGING_SPEC", "error")
            .env("CORE_PEER_MSPCONFIGPATH", &self.admin);
        command
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        self.service.log_tail()
    }
}
