//! The trust policy: whom an operator believes, and what must be shown.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    certificate::{Limits, NEVER_WAIVED, Tier, clause_area},
    digest::Digest,
    keys::PublicKey,
    log::note::Witness,
};

/// Bytes of a policy file, at most.
pub const MAX_POLICY_BYTES: usize = 256 << 10;
/// Keys of one kind, at most.
const MAX_KEYS: usize = 16;

/// What a host lends, without versions: what a component may import, if a policy does not say otherwise.
pub const STANDARD_IMPORTS: [&str; 7] = [
    "bsn:framework/endpoints",
    "bsn:framework/service-keys",
    "bsn:framework/crypto",
    "bsn:framework/state",
    "bsn:framework/environment",
    "bsn:framework/types",
    "bsn:framework/transport",
];

/// What becomes of what the policy does not allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is let in, and the audit log says that nothing was checked.
    Off,
    /// It is let in with a warning, unless it imports or may use more than is allowed.
    Warn,
    /// It is not let in.
    #[default]
    Enforce,
}

/// A trust policy. A file of TOML; a key that is not known here is an error, since it may have been meant to forbid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The version of the file's format: 1.
    pub version: u32,
    /// What becomes of what is not allowed.
    #[serde(default)]
    pub mode: Mode,
    /// Who may certify and revoke.
    #[serde(default)]
    pub certifiers: Certifiers,
    /// Which log, and who watches it.
    #[serde(default)]
    pub log: LogTrust,
    /// Levels that an adapter must have passed.
    #[serde(default = "core_level")]
    pub levels: BTreeSet<String>,
    /// Releases of the standard that are accepted.
    #[serde(default)]
    pub standards: Vec<Accepted>,
    /// Releases of the suite that are accepted.
    #[serde(default)]
    pub suites: Vec<Accepted>,
    /// Configurations of the engine that are accepted, by digest; every one when left out.
    #[serde(default)]
    pub engines: Option<BTreeSet<Digest>>,
    /// What may be forgiven. Nothing, when left out.
    #[serde(default)]
    pub waivers: Waivers,
    /// Kinds of files that may run. Components alone, when left out.
    #[serde(default = "components")]
    pub tiers: BTreeSet<Tier>,
    /// Names of adapters that may run; every one when left out.
    #[serde(default)]
    pub adapters: Option<BTreeSet<String>>,
    /// Frameworks that may be served; every one when left out.
    #[serde(default)]
    pub frameworks: Option<BTreeSet<String>>,
    /// Interfaces that may be imported, without their versions. What the standard lends, when left out.
    #[serde(default = "standard_imports")]
    pub imports: BTreeSet<String>,
    /// The most that an adapter may ever use.
    #[serde(default)]
    pub limits: LimitsCeiling,
    /// How old a certificate may be, in days of 24 hours since it was issued; any age within its validity when left out.
    #[serde(default)]
    pub max_age_days: Option<u32>,
    /// What is never undercut, whatever a restored backup says.
    #[serde(default)]
    pub floors: Floors,
    /// Bytes of a file, at most. 64 MiB when left out; for native plug-ins it has to be more than the program has.
    #[serde(default = "file_bytes")]
    pub max_file_bytes: u64,
}

/// Who may certify and revoke.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certifiers {
    /// How many different keys must sign a certificate, its evidence, and a revocation list.
    pub threshold: usize,
    /// The keys, each a PEM text.
    pub keys: Vec<PublicKey>,
}

/// Which log, and who watches it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogTrust {
    /// The log's name: the first line of its checkpoints.
    pub origin: String,
    /// How many different witnesses must have signed a checkpoint.
    pub threshold: usize,
    /// The witnesses. None of them is a certifier.
    pub witnesses: Vec<Witness>,
}

/// A release that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Its version, exactly.
    pub version: Version,
    /// Its digest; any when left out.
    #[serde(default)]
    pub digest: Option<Digest>,
}

/// What may be forgiven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    /// How many clauses, at most.
    pub maximum: usize,
    /// Which; every one that can be waived, when left out.
    #[serde(default)]
    pub clauses: Option<BTreeSet<String>>,
}

/// The most that an adapter may ever use; units as in [`Limits`]. What is left out is not limited by the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of `Limits`, which says what they are")]
pub struct LimitsCeiling {
    pub wall_time_millis: Option<u64>,
    pub compute_time_millis: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub table_elements: Option<u64>,
    pub handles: Option<u64>,
    pub host_calls: Option<u64>,
    pub bytes_in: Option<u64>,
    pub bytes_out: Option<u64>,
    pub log_bytes: Option<u64>,
    pub state_value_bytes: Option<u64>,
    pub result_bytes: Option<u64>,
}

/// What is never undercut. An operator raises these by hand, for example after a restored backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floors {
    /// The lowest number of a revocation list.
    #[serde(default)]
    pub revocation_number: u64,
    /// The lowest security version, by adapter name.
    #[serde(default)]
    pub security_versions: BTreeMap<String, u64>,
}

/// Why a text is no policy that can be kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// More bytes than are read.
    #[error("the policy has {0} bytes; at most {MAX_POLICY_BYTES} are read")]
    TooLarge(usize),
    /// Not UTF-8.
    #[error("the policy is not UTF-8")]
    NotUtf8,
    /// Not TOML, or not a policy's.
    #[error("the policy does not decode: {0}")]
    Syntax(String),
    /// Another version of the format.
    #[error("the policy's format is version {0}; this program knows 1")]
    Version(u32),
    /// A threshold of zero, or above the number of keys.
    #[error("{of}: a threshold of {threshold} with {keys} keys can never mean anything")]
    Threshold {
        /// Of what.
        of: &'static str,
        /// What is asked.
        threshold: usize,
        /// How many keys there are.
        keys: usize,
    },
    /// More keys than are tried.
    #[error("{of}: more than {MAX_KEYS} keys")]
    TooManyKeys {
        /// Of what.
        of: &'static str,
    },
    /// The same key twice, which would count as one.
    #[error("{of}: the key {key} is there twice")]
    DuplicateKey {
        /// Of what.
        of: &'static str,
        /// Which.
        key: Digest,
    },
    /// A certifier who watches themselves.
    #[error("the witness {name:?} has a certifier's key; a witness watches certifiers and cannot be one")]
    WitnessIsCertifier {
        /// Which.
        name: String,
    },
    /// A name that cannot stand in a checkpoint.
    #[error("{0:?} is no name of a log or witness: white space and + do not belong there")]
    Name(String),
    /// A list without which nothing can ever be let in.
    #[error("the policy accepts no {0}, and so no adapter at all")]
    NothingAccepted(&'static str),
    /// A waiver is allowed for what is no clause or for what cannot be waived.
    #[error("{0:?} cannot be waived, or is no clause's id")]
    NeverWaived(String),
}

fn core_level() -> BTreeSet<String> {
    BTreeSet::from(["core".to_owned()])
}

fn components() -> BTreeSet<Tier> {
    BTreeSet::from([Tier::Component])
}

fn standard_imports() -> BTreeSet<String> {
    STANDARD_IMPORTS.map(str::to_owned).into()
}

fn file_bytes() -> u64 {
    64 << 20
}

impl Policy {
    /// Reads a policy file, and checks that it can be kept.
    ///
    /// # Errors
    /// [`PolicyError`]
    pub fn from_toml(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::NotUtf8)?;
        let policy: Policy = toml::from_str(text).map_err(|error| PolicyError::Syntax(error.to_string()))?;
        policy.check()?;
        Ok(policy)
    }

    /// A policy that lets everything in, for development.
    #[must_use]
    pub fn off() -> Self {
        Policy {
            version: 1,
            mode: Mode::Off,
            certifiers: Certifiers::default(),
            log: LogTrust::default(),
            levels: core_level(),
            standards: Vec::new(),
            suites: Vec::new(),
            engines: None,
            waivers: Waivers::default(),
            tiers: components(),
            adapters: None,
            frameworks: None,
            imports: standard_imports(),
            limits: LimitsCeiling::default(),
            max_age_days: None,
            floors: Floors::default(),
            max_file_bytes: file_bytes(),
        }
    }

    /// Checks that the policy can be kept: a mistake in it must not open the door, nor close it for good unseen.
    ///
    /// # Errors
    /// [`PolicyError`]: the first thing that is wrong.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.version != 1 {
            return Err(PolicyError::Version(self.version));
        }
        if self.mode == Mode::Off {
            return Ok(());
        }
        check_keys("certifiers", self.certifiers.threshold, self.certifiers.keys.iter())?;
        check_keys("witnesses", self.log.threshold, self.log.witnesses.iter().map(|witness| &witness.key))?;
        for Witness { name, key } in &self.log.witnesses {
            if self.certifiers.keys.contains(key) {
                return Err(PolicyError::WitnessIsCertifier { name: name.clone() });
            }
        }
        let names = self.log.witnesses.iter().map(|witness| &witness.name).chain([&self.log.origin]);
        if let Some(name) = names.into_iter().find(|name| !Witness::is_key_name(name)) {
            return Err(PolicyError::Name(name.clone()));
        }
        let lists = [
            ("release of the standard", self.standards.is_empty()),
            ("release of the suite", self.suites.is_empty()),
            ("tier", self.tiers.is_empty()),
            ("level", self.levels.is_empty()),
        ];
        if let Some((list, _)) = lists.into_iter().find(|(_, empty)| *empty) {
            return Err(PolicyError::NothingAccepted(list));
        }
        let waivable = |clause: &str| clause_area(clause).is_some_and(|area| !NEVER_WAIVED.contains(&area));
        match self.waivers.clauses.iter().flatten().find(|clause| !waivable(clause)) {
            Some(clause) => Err(PolicyError::NeverWaived(clause.clone())),
            None => Ok(()),
        }
    }

    /// The policy's own limits; what it does not limit is [`u64::MAX`].
    #[must_use]
    pub fn ceiling(&self) -> Limits {
        let LimitsCeiling {
            wall_time_millis,
            compute_time_millis,
            memory_bytes,
            table_elements,
            handles,
            host_calls,
            bytes_in,
            bytes_out,
            log_bytes,
            state_value_bytes,
            result_bytes,
        } = self.limits;
        let or_none = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        Limits {
            wall_time_millis: or_none(wall_time_millis),
            compute_time_millis: or_none(compute_time_millis),
            memory_bytes: or_none(memory_bytes),
            table_elements: or_none(table_elements),
            handles: or_none(handles),
            host_calls: or_none(host_calls),
            bytes_in: or_none(bytes_in),
            bytes_out: or_none(bytes_out),
            log_bytes: or_none(log_bytes),
            state_value_bytes: or_none(state_value_bytes),
            result_bytes: or_none(result_bytes),
        }
    }

    /// Whether the policy lets an interface be imported, in whatever version.
    #[must_use]
    pub fn allows_import(&self, import: &str) -> bool {
        let name = import.split_once('@').map_or(import, |(name, _)| name);
        self.imports.contains(name)
    }
}

fn check_keys<'a>(
    of: &'static str,
    threshold: usize,
    keys: impl Iterator<Item = &'a PublicKey>,
) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key.id()) {
            return Err(PolicyError::DuplicateKey { of, key: key.id() });
        }
    }
    match seen.len() {
        keys if keys > MAX_KEYS => Err(PolicyError::TooManyKeys { of }),
        keys if threshold == 0 || threshold > keys => Err(PolicyError::Threshold { of, threshold, keys }),
        _ => Ok(()),
    }
}
