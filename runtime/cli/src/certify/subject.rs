//! The adapter that is tested.

use std::{path::Path, sync::Arc, time::Duration};

use adapter_spec::{Adapter, types::Descriptor};
use berth_host::{Host, HostConfig, Limits};

use crate::{failure::Failure, inspect};

/// A component file, loaded.
pub(super) struct Subject {
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) descriptor: Descriptor,
    /// Its SHA-256 in hexadecimal, and its imports.
    pub(super) component: (String, Vec<String>),
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
    /// Loads a component under the limits that every host sets where nobody asks for others.
    pub(super) async fn load(host: &Host, file: &Path) -> Result<Self, Failure> {
        let adapter = inspect::load(host, file, Limits::default()).await?;
        let facts = adapter.facts();
        Ok(Subject {
            descriptor: facts.descriptor.clone(),
            component: (hex::encode(facts.digest), facts.imports.clone()),
            adapter: Arc::new(adapter),
        })
    }
}
