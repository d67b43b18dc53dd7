//! What a certificate is about: a component file, or a native plug-in of this program.

use std::path::{Path, PathBuf};

use berth_admission::{bundle::Bundle, certificate::Tier};
use clap::Args;

use crate::{failure::Failure, natives};

/// Exactly one of the two.
#[derive(Args, Debug, Clone)]
#[group(required = true, multiple = false)]
pub(crate) struct Given {
    /// The component; its certificate lies beside it, as FILE.certificate.json
    #[arg(value_name = "COMPONENT")]
    file: Option<PathBuf>,
    /// A plug-in that is linked into this very program; its certificate lies beside the program, as
    /// PROGRAM.NAME.certificate.json
    #[arg(long, value_name = "NAME")]
    pub(crate) native: Option<String>,
}

impl Given {
    /// The file that a certificate is about: the component, or this program.
    ///
    /// # Errors
    /// When this program does not know its own file, or has no such plug-in.
    pub(crate) fn file(&self) -> Result<PathBuf, Failure> {
        match (&self.file, &self.native) {
            (Some(file), _) => Ok(file.clone()),
            (None, Some(name)) => natives::named(name).and_then(|_| natives::program()),
            // The command line is not read without either.
            (None, None) => Err(Failure::usage("a COMPONENT or --native is needed")),
        }
    }

    /// Where its certificate lies, with which `file` it is.
    pub(crate) fn beside(&self, file: &Path) -> PathBuf {
        match &self.native {
            Some(name) => Bundle::path_of_native(file, name),
            None => Bundle::path_beside(file),
        }
    }

    /// What it is certified as.
    pub(crate) fn tier(&self) -> Tier {
        if self.native.is_some() { Tier::Native } else { Tier::Component }
    }
}
