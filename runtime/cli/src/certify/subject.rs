//! The adapter that is tested.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use adapter_spec::{Adapter, types::Descriptor};
use berth_admission::digest::Digest;
use berth_host::{Host, HostConfig, Limits};

use crate::{certificates::digest_of, failure::Failure, inspect, natives};

/// Which adapter that is.
#[derive(Clone, Debug)]
pub(crate) enum Tested {
    /// The one in this component file.
    Component(PathBuf),
    /// The one of this name that is linked into this program.
    Native(String),
}

impl Tested {
    /// As the command line gave it: one of the two.
    ///
    /// # Errors
    /// When neither was given.
    pub(crate) fn of(file: Option<&PathBuf>, native: Option<&String>) -> Result<Self, Failure> {
        match (file, native) {
            (Some(file), _) => Ok(Tested::Component(file.clone())),
            (None, Some(name)) => Ok(Tested::Native(name.clone())),
            // The command line is not read without either.
            (None, None) => Err(Failure::usage("a component or --native is needed")),
        }
    }

    /// Words of a command line that name it.
    pub(super) fn words(&self, quoted: impl Fn(&str) -> String) -> String {
        match self {
            Tested::Component(file) => quoted(&file.display().to_string()),
            Tested::Native(name) => format!("--native {}", quoted(name)),
        }
    }
}

/// An adapter, ready to be tested.
pub(super) struct Subject {
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) descriptor: Descriptor,
    /// Of a component: its SHA-256 in hexadecimal, and its imports.
    pub(super) component: Option<(String, Vec<String>)>,
    /// Of a native plug-in: this program's SHA-256 in hexadecimal.
    pub(super) program: Option<String>,
}

/// A host for runs of the suite.
pub(super) fn host(no_cache: bool) -> Result<Host, Failure> {
    let config = HostConfig {
        cache: inspect::cache(no_cache),
        // Enough for every application that a check opens at once.
        instances: 256,
        // None goes idle on the way, so that a replay opens as many as the run that was recorded.
        idle: Duration::from_secs(24 * 3600),
        ..HostConfig::default()
    };
    Host::new(config).map_err(inspect::host_failed)
}

impl Subject {
    /// Makes it ready.
    pub(super) async fn load(host: &Host, tested: &Tested) -> Result<Self, Failure> {
        match tested {
            Tested::Component(file) => Subject::component(host, file).await,
            Tested::Native(name) => Subject::native(name).await,
        }
    }

    async fn native(name: &str) -> Result<Self, Failure> {
        let adapter = natives::named(name)?;
        let described = adapter.describe().await;
        let descriptor =
            described.map_err(|error| Failure::host("the plug-in does not describe itself", &error))?;
        let program: Digest = digest_of(&natives::program()?)?;
        Ok(Subject { adapter, descriptor, component: None, program: Some(program.to_string()) })
    }

    /// A component under the limits that every host sets where nobody asks for others.
    async fn component(host: &Host, file: &Path) -> Result<Self, Failure> {
        let adapter = inspect::load(host, file, Limits::default()).await?;
        let facts = adapter.facts();
        Ok(Subject {
            descriptor: facts.descriptor.clone(),
            component: Some((hex::encode(facts.digest), facts.imports.clone())),
            program: None,
            adapter: Arc::new(adapter),
        })
    }
}
