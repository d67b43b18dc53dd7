//! How an adapter comes in: file, admission, bounded compilation, description, registry.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use adapter_spec::{Adapter, CallError};
use berth_admission::{
    Admission, Admitted, Denial, Described, Terms,
    admit::read_once,
    bundle::Bundle,
    certificate::{self, Tier},
};
use berth_host::{Facts, Host, Limits, LoadError};
use jiff::Timestamp;
use thiserror::Error;

use crate::withdrawable::Withdrawable;

/// The most bytes of a component file and of the bundle beside it.
pub(crate) const MAX_FILE: u64 = 64 << 20;

/// Why an adapter was not let in.
#[derive(Debug, Error)]
pub enum DoorError {
    /// The file or the bundle beside it cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Admission says no.
    #[error("{} is not let in: {denial}", path)]
    Denied {
        /// The file.
        path: String,
        /// The step that says no, and why.
        denial: Box<Denial>,
    },
    /// What was let in cannot be loaded.
    #[error("{path} was let in and cannot be loaded")]
    Load {
        /// The file.
        path: String,
        /// Why.
        source: LoadError,
    },
    /// It does not describe itself.
    #[error("the native plug-in does not describe itself")]
    Describe(#[source] CallError),
    /// There is one of this name.
    #[error(
        "there is an adapter {0:?} already: a node runs one of each name, and another version by an upgrade"
    )]
    NameTaken(String),
}

/// An adapter that was let in.
pub struct LetIn {
    /// The adapter's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What the host knows of the component; none of a native plug-in.
    pub facts: Option<Facts>,
    /// What admission says of it.
    pub admitted: Admitted,
    /// The bundle that it was judged by; none where there was none.
    pub bundle: Option<Arc<[u8]>>,
    /// The adapter itself.
    pub adapter: Arc<Withdrawable>,
}

/// The one way for adapters into a node.
pub struct Door {
    admission: Admission,
    host: Host,
    inside: Mutex<Vec<Arc<LetIn>>>,
}

impl Door {
    /// A door with this admission, into this host. For components that nobody vouches for, the host should compile in a
    /// child; see [`berth_host::Compiler`].
    #[must_use]
    pub fn new(admission: Admission, host: Host) -> Self {
        Door { admission, host, inside: Mutex::default() }
    }

    /// The admission.
    #[must_use]
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The adapters that are in and not withdrawn, in the order in which they came; a name is here twice while a new version is
    /// beside an old one.
    #[must_use]
    pub fn inside(&self) -> Vec<Arc<LetIn>> {
        self.lock().clone()
    }

    /// Lets a component in: reads the file and the bundle beside it once each, judges, compiles the bytes that were judged,
    /// and compares what the adapter says of itself with what was certified. `name` is the adapter that the operator asked
    /// for; any when there is none.
    ///
    /// # Errors
    /// [`DoorError`]
    pub async fn let_in(&self, path: &Path, name: Option<&str>) -> Result<Arc<LetIn>, DoorError> {
        let let_in = self.judge(path, name).await?;
        self.take_in(let_in, false)
    }

    /// Lets an adapter in, beside another version of it where there is one.
    ///
    /// # Errors
    /// [`DoorError`]
    pub async fn let_in_beside(&self, path: &Path, name: Option<&str>) -> Result<Arc<LetIn>, DoorError> {
        let let_in = self.judge(path, name).await?;
        self.take_in(let_in, true)
    }

    async fn judge(&self, path: &Path, name: Option<&str>) -> Result<LetIn, DoorError> {
        let shown = path.display().to_string();
        let read = |path: &Path, source| DoorError::Read { path: path.display().to_string(), source };
        let file = read_once(path, MAX_FILE).map_err(|source| read(path, source))?;
        let beside = Bundle::path_beside(path);
        let bundle = match read_once(&beside, MAX_FILE) {
            Ok(bundle) => Some(bundle),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(read(&beside, source)),
        };
        let denied = |denial| DoorError::Denied { path: shown.clone(), denial: Box::new(denial) };
        let terms = Terms { bundle: bundle.as_deref(), tier: Tier::Component, name, limits: None };
        let admitted = self.admission.admit(file, &terms, Timestamp::now()).map_err(denied)?;
        let limits = host_limits(admitted.limits());
        let loaded = self.host.load(admitted.bytes(), limits).await;
        let loaded = loaded.map_err(|source| DoorError::Load { path: shown.clone(), source })?;
        let facts = loaded.facts().clone();
        let described = Described {
            name: &facts.descriptor.name,
            version: &facts.descriptor.version,
            framework: &facts.descriptor.framework,
        };
        self.admission.confirm(&admitted, &described, Timestamp::now()).map_err(denied)?;
        Ok(LetIn {
            name: facts.descriptor.name.clone(),
            version: facts.descriptor.version.clone(),
            facts: Some(facts),
            admitted,
            bundle,
            adapter: Arc::new(Withdrawable::new(Arc::new(loaded))),
        })
    }

    /// Lets a native plug-in in, which is linked into this very program: `program` is the program's own file, and the
    /// plug-in's bundle lies beside it ([`Bundle::path_of_native`]).
    ///
    /// # Errors
    /// [`DoorError`]
    pub async fn let_native_in(
        &self,
        program: &Path,
        plug_in: Arc<dyn Adapter>,
    ) -> Result<Arc<LetIn>, DoorError> {
        let shown = program.display().to_string();
        let read = |source| DoorError::Read { path: shown.clone(), source };
        let file = read_once(program, u64::MAX >> 1).map_err(read)?;
        let descriptor = plug_in.describe().await.map_err(DoorError::Describe)?;
        let bundle = read_once(&Bundle::path_of_native(program, &descriptor.name), MAX_FILE).ok();
        let terms = Terms {
            bundle: bundle.as_deref(),
            tier: Tier::Native,
            name: Some(&descriptor.name),
            limits: None,
        };
        let denied = |denial| DoorError::Denied { path: shown.clone(), denial: Box::new(denial) };
        let admitted = self.admission.admit(file, &terms, Timestamp::now()).map_err(denied)?;
        let described = Described {
            name: &descriptor.name,
            version: &descriptor.version,
            framework: &descriptor.framework,
        };
        self.admission.confirm(&admitted, &described, Timestamp::now()).map_err(denied)?;
        let adapter = Arc::new(Withdrawable::new(plug_in));
        self.take_in(
            LetIn {
                name: descriptor.name,
                version: descriptor.version,
                facts: None,
                admitted,
                bundle,
                adapter,
            },
            false,
        )
    }

    fn take_in(&self, let_in: LetIn, beside: bool) -> Result<Arc<LetIn>, DoorError> {
        let mut inside = self.lock();
        if !beside && inside.iter().any(|other| other.name == let_in.name) {
            return Err(DoorError::NameTaken(let_in.name));
        }
        let let_in = Arc::new(let_in);
        inside.push(let_in.clone());
        Ok(let_in)
    }

    /// Forgets those who are not used any more; they are not looked at again. Whoever somebody still holds stays: it may be on its way
    /// to be used, and what is used must be looked at again.
    pub fn keep(&self, used: impl Fn(&LetIn) -> bool) {
        self.lock().retain(|let_in| Arc::strong_count(let_in) > 1 || used(let_in));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<LetIn>>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at everybody who is in again, as after a new revocation list and now and then for the time: who may not stay is
    /// withdrawn. Gives them, and why.
    pub fn look_again(&self, now: Timestamp) -> Vec<(Arc<LetIn>, Denial)> {
        let mut withdrawn = Vec::new();
        self.lock().retain(|let_in| match self.admission.recheck(&let_in.admitted, now) {
            Ok(()) => true,
            Err(denial) => {
                tracing::warn!(adapter = let_in.name, %denial, "the adapter is withdrawn");
                let_in.adapter.withdraw(&denial.to_string());
                withdrawn.push((let_in.clone(), denial));
                false
            }
        });
        withdrawn
    }
}

/// Certified limits as the host takes them; never beyond what the host would give by itself to an adapter that nobody has
/// certified anything of.
#[must_use]
pub fn host_limits(certified: &certificate::Limits) -> Limits {
    let own = Limits::default();
    let size = |certified: u64, own: usize| usize::try_from(certified).unwrap_or(usize::MAX).min(own);
    Limits {
        wall_time: Duration::from_millis(certified.wall_time_millis).min(own.wall_time),
        compute_time: Duration::from_millis(certified.compute_time_millis).min(own.compute_time),
        memory: size(certified.memory_bytes, own.memory),
        table_elements: size(certified.table_elements, own.table_elements),
        handles: size(certified.handles, own.handles),
        host_calls: u32::try_from(certified.host_calls).unwrap_or(u32::MAX).min(own.host_calls),
        bytes_in: certified.bytes_in.min(own.bytes_in),
        bytes_out: certified.bytes_out.min(own.bytes_out),
        log_bytes: certified.log_bytes.min(own.log_bytes),
        state_value: size(certified.state_value_bytes, own.state_value),
        result_bytes: size(certified.result_bytes, own.result_bytes),
        ..own
    }
}
