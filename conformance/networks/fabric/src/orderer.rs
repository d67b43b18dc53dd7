//! An orderer: started, and made to serve a channel by channel participation.

use std::{path::PathBuf, process::Command};

use crate::{
    config,
    material::Material,
    process::{self, NetworkError, Service},
    programs::Programs,
};

/// An orderer that runs.
#[derive(Debug)]
pub struct Orderer {
    service: Service,
    folder: PathBuf,
    port: u16,
    admin: u16,
}

impl Orderer {
    /// Starts the orderer of this number on its port; `admin` is the port for `osnadmin`.
    pub fn start(
        programs: &Programs,
        material: &Material,
        number: usize,
        port: u16,
        admin: u16,
    ) -> Result<Orderer, NetworkError> {
        let folder = material.folder.join(format!("orderer{number}"));
        process::folder(&folder)?;
        let text =
            config::orderer(&folder, &material.orderer(number), &material.ordering_admin(), port, admin);
        process::write(&folder.join("orderer.yaml"), text.to_string())?;
        let name = format!("orderer {number}");
        let service = Service::start(
            &name,
            Command::new(programs.program("orderer")).current_dir(&folder).env("FABRIC_CFG_PATH", &folder),
            folder.join("log"),
        )?;
        Ok(Orderer { service, folder: material.ordering_admin(), port, admin })
    }

    /// Where it listens, with TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits until it serves, and has it join a channel.
    pub fn join(
        &mut self,
        programs: &Programs,
        material: &Material,
        channel: &str,
    ) -> Result<(), NetworkError> {
        self.service.serves(self.admin)?;
        let mut command = Command::new(programs.program("osnadmin"));
        command.args(["channel", "join", "--channelID", channel, "--config-block"]);
        command.arg(material.block(channel)).arg("-o").arg(format!("127.0.0.1:{}", self.admin));
        command.arg("--ca-file").arg(material.orderer(0).join("tls/ca.crt"));
        command.arg("--client-cert").arg(self.folder.join("tls/client.crt"));
        command.arg("--client-key").arg(self.folder.join("tls/client.key"));
        let said = process::run(&mut command)?;
        // The command ends well whatever the orderer answers.
        if said.contains("Status: 201") { Ok(()) } else { Err(process::failed(&command, &said)) }
    }
}
