//! `berth certify key`.

use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

use berth_admission::keys::PrivateKey;
use clap::Args;

use crate::failure::Failure;

/// `berth certify key`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth certify key certifier.pem

Any other P-256 key in PKCS#8 PEM will do as well.")]
pub(crate) struct Key {
    /// Where the private key is written, PKCS#8 in PEM; beside it FILE.pub, the public key. Neither may be there already
    pub(crate) file: PathBuf,
}

pub(super) fn run(arguments: &Key) -> Result<(), Failure> {
    let key = PrivateKey::generate().map_err(|error| Failure::host("no key could be made", &error))?;
    let pem = key.to_pem().map_err(|error| Failure::host("the key cannot be written as PEM", &error))?;
    let public =
        key.public().to_pem().map_err(|error| Failure::host("the key cannot be written as PEM", &error))?;
    let beside = arguments.file.with_added_extension("pub");
    for (path, text, is_secret) in [(&arguments.file, pem.as_str(), true), (&beside, public.as_str(), false)]
    {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_secret { 0o600 } else { 0o644 });
        let written = options.open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| {
            Failure::host(format_args!("{} cannot be written", path.display()), &error)
                .next("A key is never overwritten: choose another name, or remove the file yourself.")
        })?;
    }
    println!("private key  {}  (keep it: whoever has it signs in your name)", arguments.file.display());
    println!("public key   {}  id {}", beside.display(), key.public().id());
    Ok(())
}
