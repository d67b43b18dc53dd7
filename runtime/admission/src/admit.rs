//! The door: judges what is offered, remembers what must not be forgotten, and writes every decision down.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use semver::Version;
use thiserror::Error;

use crate::{
    audit::{AuditError, AuditLog, Event, Head, Record},
    certificate::{Certificate, Limits, Tier},
    component,
    denial::Denial,
    digest::Digest,
    dsse::Envelope,
    files::read_bounded,
    memory::{Floor, Memory, MemoryError},
    policy::{Mode, Policy, PolicyError},
    revocation::{ListError, RevocationList},
    verify::{self, Certified, Grounds, Offer, Verified},
};

/// Reads a file of at most `max_bytes` bytes once, for [`Admission::admit`]. What the path names later no longer matters.
///
/// # Errors
/// When it cannot be read, or has more bytes.
pub fn read_once(path: &Path, max_bytes: u64) -> io::Result<Arc<[u8]>> {
    Ok(read_bounded(path, usize::try_from(max_bytes).unwrap_or(usize::MAX - 1))?.into())
}

/// Where an admission keeps what it must not forget. Better on two disks than on one: see [`crate::memory`].
#[derive(Clone, Debug)]
pub struct Places {
    /// The small file of what must never be forgotten.
    pub memory: PathBuf,
    /// The audit log.
    pub audit: PathBuf,
}

/// What an operator says of the past when the door is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Past {
    /// The audit log is as it was left.
    #[default]
    Whole,
    /// The audit log comes from a backup, or is lost; go on, and write that down.
    Restored,
}

/// Why the door cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The policy cannot be kept.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The audit log cannot be used.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The small file cannot be used.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The audit log is not the one that was left: lines were cut off, or it is another.
    #[error(
        "the audit log does not hold the line that it ended with ({lines} lines, {digest}): it was cut, replaced or \
         restored from a backup; if that was meant, open it as restored",
        lines = .remembered.lines,
        digest = .remembered.digest
    )]
    AuditLost {
        /// What is remembered of its end.
        remembered: Head,
    },
}

/// Why a revocation list is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListDenied {
    /// Not a list that was signed as needed.
    #[error(transparent)]
    List(#[from] ListError),
    /// A newer one was seen.
    #[error("the revocation list has the number {number}; {seen} was seen already")]
    Older {
        /// Its number.
        number: u64,
        /// The highest seen.
        seen: u64,
    },
    /// Another list of this number was seen: the certifiers contradict themselves.
    #[error("another revocation list of the number {0} was seen already")]
    Contradiction(u64),
    /// It could not be written down.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// It could not be remembered.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// What a loaded adapter says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described<'a> {
    /// The descriptor's name.
    pub name: &'a str,
    /// The descriptor's version.
    pub version: &'a str,
    /// The descriptor's framework.
    pub framework: &'a str,
}

/// A file that was let in: the very bytes that were verified, and what they may do. Only admission makes one.
#[derive(Debug)]
pub struct Admitted {
    file: Arc<[u8]>,
    tier: Tier,
    mode: Mode,
    verified: Verified,
    warning: Option<Denial>,
}

impl Admitted {
    /// The bytes that were verified. Compile these; the file that they came from may have changed.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.file
    }

    /// Their digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.verified.digest
    }

    /// What they may be loaded as.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Their certificate. In mode `warn` there may be none, and in mode `off` there is none.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.verified.certified.as_ref().map(|known| &known.certificate)
    }

    /// Digest of the certificate's payload.
    #[must_use]
    pub fn certificate_digest(&self) -> Option<Digest> {
        self.verified.certified.as_ref().map(|known| known.digest)
    }

    /// What they import. Lend nothing else.
    #[must_use]
    pub fn imports(&self) -> &BTreeSet<String> {
        &self.verified.imports
    }

    /// The limits to run them under. Without a certificate these are the policy's own, [`u64::MAX`] where it has none.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.verified.limits
    }

    /// The mode that let them in.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What `enforce` would have kept them out for.
    #[must_use]
    pub fn warning(&self) -> Option<&Denial> {
        self.warning.as_ref()
    }
}

/// The door of one host. One program has it open at a time.
#[derive(Debug)]
pub struct Admission {
    policy: Policy,
    memory: Memory,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    floor: Floor,
    audit: AuditLog,
    list: Option<RevocationList>,
}

impl State {
    /// Writes an event down, learns from it, and remembers. The audit log is first: it alone is enough to learn from.
    fn record(&mut self, memory: &Memory, now: Timestamp, event: Event) -> Result<(), RecordError> {
        self.floor.learn(&event);
        self.audit.append(now, event)?;
        self.floor.audit = self.audit.head();
        Ok(memory.write(&self.floor)?)
    }
}

/// A decision could not be put on record.
#[derive(Debug, Error)]
enum RecordError {
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl From<RecordError> for Denial {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Audit(error) => error.into(),
            RecordError::Memory(error) => error.into(),
        }
    }
}

impl From<RecordError> for ListDenied {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Audit(error) => error.into(),
            RecordError::Memory(error) => error.into(),
        }
    }
}

impl From<RecordError> for OpenError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Audit(error) => error.into(),
            RecordError::Memory(error) => error.into(),
        }
    }
}

impl Admission {
    /// Opens the door: walks through the audit log, and takes the highest of what it, the small file and the policy say.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(policy: Policy, places: &Places, past: Past, now: Timestamp) -> Result<Self, OpenError> {
        policy.check()?;
        let memory = Memory::at(&places.memory);
        let mut floor = memory.read()?.unwrap_or_default();
        let remembered = floor.audit;
        let mut found = remembered.lines == 0;
        let audit = AuditLog::open(&places.audit, now, |record, head| {
            floor.learn(&record.event);
            found |= head == remembered;
        })?;
        if !found && past == Past::Whole {
            return Err(OpenError::AuditLost { remembered });
        }
        if policy.floors.revocation_number > floor.revocation_number {
            floor.revocation_number = policy.floors.revocation_number;
            floor.revocation_list = None;
        }
        for (name, version) in &policy.floors.security_versions {
            floor.raise_security_version(name, *version);
        }
        let mut state = State { floor, audit, list: None };
        if found {
            state.floor.audit = state.audit.head();
            memory.write(&state.floor)?;
        } else {
            state.record(&memory, now, Event::Restored { remembered })?;
        }
        Ok(Admission { policy, memory, state: Mutex::new(state) })
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What was seen so far.
    #[must_use]
    pub fn floor(&self) -> Floor {
        self.state().floor.clone()
    }

    /// The last lines of the audit log, the newest first; see [`RECENT`](crate::audit::RECENT).
    #[must_use]
    pub fn recent(&self) -> Vec<Record> {
        self.state().audit.recent().cloned().collect()
    }

    /// The revocation list that is in force.
    #[must_use]
    pub fn revocation_list(&self) -> Option<RevocationList> {
        self.state().list.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here is left half-done by a panic: the audit log refuses to go on after a failed write.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a revocation list: an envelope's JSON, signed as a certificate is. Its number is remembered for good. A stale
    /// list is taken too, for what it revokes.
    ///
    /// # Errors
    /// [`ListDenied`]; the list that was in force stays so.
    pub fn take_revocation_list(&self, json: &[u8], now: Timestamp) -> Result<u64, ListDenied> {
        let envelope = Envelope::from_json(json).map_err(ListError::from)?;
        let certifiers = &self.policy.certifiers;
        let list = RevocationList::verify(&envelope, &certifiers.keys, certifiers.threshold)?;
        let digest = envelope.payload_digest();
        let mut state = self.state();
        let (number, seen) = (list.number, state.floor.revocation_number);
        if number < seen {
            return Err(ListDenied::Older { number, seen });
        }
        if number == seen && state.floor.revocation_list.is_some_and(|known| known != digest) {
            return Err(ListDenied::Contradiction(number));
        }
        // The same list once more, as at every start, is no news for the audit log.
        if state.floor.revocation_list != Some(digest) {
            let minimum_security_versions = list.minimum_security_versions.clone();
            let event = Event::RevocationList { number, list: digest, minimum_security_versions };
            state.record(&self.memory, now, event)?;
        }
        state.list = Some(list);
        Ok(number)
    }

    /// Judges a file by all steps in their order, and writes down what came of it. The file is the bytes that were read,
    /// once; the bundle and the rest of the offer are beside it.
    ///
    /// # Errors
    /// [`Denial`]: the first step that says no.
    pub fn admit(&self, file: Arc<[u8]>, terms: &Terms<'_>, now: Timestamp) -> Result<Admitted, Denial> {
        let offer = Offer {
            file: &file,
            bundle: terms.bundle,
            tier: terms.tier,
            name: terms.name,
            limits: terms.limits,
        };
        let mut state = self.state();
        let judged = {
            let grounds =
                Grounds { policy: &self.policy, list: state.list.as_ref(), floor: &state.floor, now };
            judge(&offer, &grounds)
        };
        let mode = self.policy.mode;
        match judged {
            Ok((verified, warning)) => {
                // Only what passed every step may raise what is remembered.
                let clean = warning.is_none() && mode != Mode::Off;
                let known = verified.certified.as_ref().filter(|_| clean);
                let event = Event::Admitted {
                    component: verified.digest,
                    certificate: verified.certified.as_ref().map(|known| known.digest),
                    adapter: known.map(|known| known.certificate.adapter.name.clone()),
                    security_version: known.map(|known| known.certificate.adapter.security_version),
                    mode,
                    warning: warning.as_ref().map(brief),
                };
                state.record(&self.memory, now, event)?;
                Ok(Admitted { file: Arc::clone(&file), tier: terms.tier, mode, verified, warning })
            }
            Err(denial) => {
                let event = Event::Denied {
                    component: Digest::of(&file),
                    step: denial.step().to_string(),
                    reason: brief(&denial),
                };
                state.record(&self.memory, now, event)?;
                Err(denial)
            }
        }
    }

    /// Compares what a loaded adapter says of itself with its certificate. Call it before anything else uses the adapter.
    /// Without a certificate (modes `off` and `warn`) there is nothing to compare; with one, `warn` lets it go on.
    ///
    /// # Errors
    /// [`Denial::OtherDescription`]; or the decision could not be put on record.
    pub fn confirm(
        &self,
        admitted: &Admitted,
        described: &Described<'_>,
        now: Timestamp,
    ) -> Result<(), Denial> {
        let Some(certificate) = admitted.certificate() else { return Ok(()) };
        let Err(denial) = check_description(certificate, described) else { return Ok(()) };
        let (component, step, reason) = (admitted.digest(), denial.step().to_string(), brief(&denial));
        let enforce = admitted.mode == Mode::Enforce;
        let event = match enforce {
            true => Event::Denied { component, step, reason },
            false => Event::Warned { component, step, reason },
        };
        self.state().record(&self.memory, now, event)?;
        if enforce { Err(denial) } else { Ok(()) }
    }

    /// Whether what runs may go on running: it is not revoked, its certificate still holds, and no list demands a higher
    /// security version. Writes nothing down. When it says no, let running calls end, start no new ones, and show why.
    ///
    /// Says yes to all in mode `off` and `warn`; those let in what may not be.
    ///
    /// # Errors
    /// [`Denial`]
    pub fn recheck(&self, admitted: &Admitted, now: Timestamp) -> Result<(), Denial> {
        let Some(Certified { certificate, digest }) = &admitted.verified.certified else { return Ok(()) };
        if admitted.mode != Mode::Enforce {
            return Ok(());
        }
        let state = self.state();
        if let Some(list) = &state.list {
            verify::still_admitted(admitted.digest(), Some(*digest), list)?;
        }
        verify::check_validity(&self.policy, certificate, now)?;
        let lowest = state.list.as_ref().map_or(0, |list| {
            list.minimum_security_versions.get(&certificate.adapter.name).copied().unwrap_or(0)
        });
        let certified = certificate.adapter.security_version;
        if certified < lowest {
            return Err(Denial::SecurityVersion {
                name: certificate.adapter.name.clone(),
                certified,
                lowest,
            });
        }
        Ok(())
    }
}

/// What is offered besides the file itself; see [`Offer`].
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The bundle beside the file, undecoded.
    pub bundle: Option<&'a [u8]>,
    /// What the file is about to be loaded as.
    pub tier: Tier,
    /// The adapter's name that the operator asked for; any when there is none.
    pub name: Option<&'a str>,
    /// The limits that it would run under; those of the certificate when there are none.
    pub limits: Option<Limits>,
}

/// What may be let in, with what `enforce` would have said of it.
fn judge(offer: &Offer<'_>, grounds: &Grounds<'_>) -> Result<(Verified, Option<Denial>), Denial> {
    let policy = grounds.policy;
    match policy.mode {
        Mode::Enforce => verify::verify(offer, grounds).map(|verified| (verified, None)),
        Mode::Warn => {
            let digest = verify::check_file(offer, policy)?;
            let mut certified = None;
            let warning = verify::examine(offer, grounds, digest, &mut certified).err();
            verify::check_boundary(offer, policy, digest, certified).map(|verified| (verified, warning))
        }
        Mode::Off => {
            let verified = Verified {
                digest: Digest::of(offer.file),
                certified: None,
                imports: component::imports(offer.file).unwrap_or_default(),
                limits: offer.limits.unwrap_or(policy.ceiling()),
            };
            Ok((verified, None))
        }
    }
}

fn check_description(certificate: &Certificate, described: &Described<'_>) -> Result<(), Denial> {
    let version = Version::parse(described.version).ok();
    let same_version = version.as_ref() == Some(&certificate.adapter.version);
    let certified_version = certificate.adapter.version.to_string();
    let compared = [
        (
            "name",
            described.name,
            certificate.adapter.name.as_str(),
            described.name == certificate.adapter.name,
        ),
        ("version", described.version, certified_version.as_str(), same_version),
        (
            "framework",
            described.framework,
            certificate.framework.name.as_str(),
            described.framework == certificate.framework.name,
        ),
    ];
    match compared.into_iter().find(|(_, _, _, same)| !same) {
        Some((what, described, certified, _)) => Err(Denial::OtherDescription {
            what,
            described: described.to_owned(),
            certified: certified.to_owned(),
        }),
        None => Ok(()),
    }
}

/// A reason as it goes into the audit log: bounded, since parts of it may come from outside.
fn brief(denial: &Denial) -> String {
    const MAX_CHARS: usize = 1000;
    denial.to_string().chars().take(MAX_CHARS).collect()
}
