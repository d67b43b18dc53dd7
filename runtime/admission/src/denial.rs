//! Why a file is not let in: one reason, and the step that found it.

use std::fmt;

use jiff::Timestamp;
use semver::Version;
use thiserror::Error;

use crate::{
    audit::AuditError,
    bundle::BundleError,
    certificate::{CertificateFault, Tier},
    component::ComponentFault,
    digest::Digest,
    dsse::ThresholdNotMet,
    evidence::EvidenceFault,
    log::proof::LogProofError,
    memory::MemoryError,
    revocation::RevokedKind,
    statement::StatementError,
};

/// The steps of admission, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The file is read, within bounds, and its digest taken.
    File,
    /// The bundle is decoded.
    Bundle,
    /// Enough certifiers signed.
    Signatures,
    /// The payload is what it has to be.
    Types,
    /// The certificate is about this file, name and kind.
    Identity,
    /// Verdict, levels, versions, waivers and evidence meet the policy.
    Verdict,
    /// It holds now, and is not revoked.
    Validity,
    /// It is in the log.
    Log,
    /// No later mend of its faults was ever seen.
    SecurityVersion,
    /// It imports and may use no more than was certified.
    Boundary,
    /// It describes itself as it was certified.
    Description,
    /// The decision is on record.
    Record,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::File => "file",
            Step::Bundle => "bundle",
            Step::Signatures => "signatures",
            Step::Types => "types",
            Step::Identity => "identity",
            Step::Verdict => "verdict",
            Step::Validity => "validity",
            Step::Log => "log",
            Step::SecurityVersion => "security-version",
            Step::Boundary => "boundary",
            Step::Description => "description",
            Step::Record => "record",
        })
    }
}

/// Why a file is not let in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Denial {
    /// More bytes than the policy allows.
    #[error("the file has {bytes} bytes; the policy allows {allowed}")]
    FileTooLarge {
        /// What it has.
        bytes: u64,
        /// What is allowed.
        allowed: u64,
    },
    /// There is no certificate beside it.
    #[error("there is no certificate")]
    NoBundle,
    /// What is beside it is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),

    /// Not signed by enough certifiers.
    #[error("the certificate: {0}")]
    Signatures(ThresholdNotMet),
    /// Signed, but not a certificate.
    #[error("the certificate: {0}")]
    Types(StatementError),

    /// The certificate is about another file.
    #[error("the certificate is about the file {certified}, and this one is {offered}")]
    OtherFile {
        /// What is certified.
        certified: Digest,
        /// What was offered.
        offered: Digest,
    },
    /// The certificate is about another adapter.
    #[error("the certificate is about {certified:?}, not {wanted:?}")]
    OtherName {
        /// What is certified.
        certified: String,
        /// What was asked for, or what the certificate says elsewhere.
        wanted: String,
    },
    /// A component was certified and is offered as native code, or the other way round.
    #[error("certified as {certified:?}, offered as {offered:?}")]
    OtherTier {
        /// What is certified.
        certified: Tier,
        /// What was offered.
        offered: Tier,
    },

    /// A certificate that nobody could accept.
    #[error(transparent)]
    Certificate(CertificateFault),
    /// A level that the policy demands was not passed.
    #[error("the level {0:?}, which the policy demands, was not passed")]
    LevelMissing(String),
    /// Another release of the standard or the suite than the policy accepts.
    #[error("the policy does not accept {what} {version} ({digest})")]
    ReleaseNotAccepted {
        /// "the standard" or "the suite".
        what: &'static str,
        /// Its version.
        version: Version,
        /// Its digest.
        digest: Digest,
    },
    /// Another engine.
    #[error("the policy does not accept the engine's configuration {0}")]
    EngineNotAccepted(Digest),
    /// A kind of file that the policy does not let run.
    #[error("the policy does not let {0} run")]
    TierNotAllowed(Tier),
    /// An adapter that the policy does not name.
    #[error("the policy does not name the adapter {0:?}")]
    AdapterNotAllowed(String),
    /// A framework that the policy does not name.
    #[error("the policy does not name the framework {0:?}")]
    FrameworkNotAllowed(String),
    /// More waivers than the policy forgives.
    #[error("{waivers} clauses are waived; the policy forgives {allowed}")]
    TooManyWaivers {
        /// How many there are.
        waivers: usize,
        /// How many may be.
        allowed: usize,
    },
    /// A clause that the policy does not forgive.
    #[error("the clause {0} is waived, which the policy does not forgive")]
    WaiverNotAllowed(String),
    /// A waiver that is over.
    #[error("the waiver of {clause} ended at {until}")]
    WaiverExpired {
        /// Which.
        clause: String,
        /// When.
        until: Timestamp,
    },
    /// The evidence is not signed by enough certifiers.
    #[error("the evidence: {0}")]
    EvidenceSignatures(ThresholdNotMet),
    /// The evidence is not a test result.
    #[error("the evidence: {0}")]
    EvidenceTypes(StatementError),
    /// The evidence is not the one that the certificate names.
    #[error("the evidence statement is {found}, and the certificate names {named}")]
    OtherEvidence {
        /// What there is.
        found: Digest,
        /// What is named.
        named: Digest,
    },
    /// The evidence is about another file.
    #[error("the evidence is about the file {0}")]
    EvidenceOfOtherFile(Digest),
    /// The evidence does not bear the certificate out.
    #[error(transparent)]
    Evidence(EvidenceFault),

    /// It holds later.
    #[error("the certificate holds from {0} on")]
    NotYetValid(Timestamp),
    /// It no longer holds.
    #[error("the certificate held until {0}")]
    Expired(Timestamp),
    /// Older than the policy allows.
    #[error("the certificate was issued at {issued}, more than {allowed_days} days ago")]
    TooOld {
        /// When.
        issued: Timestamp,
        /// How old it may be.
        allowed_days: u32,
    },
    /// The clock is behind what a signed list says of the time.
    #[error("this machine's clock is behind: the revocation list was issued at {0}")]
    ClockBehind(Timestamp),
    /// There is no revocation list.
    #[error("there is no revocation list")]
    NoRevocationList,
    /// The revocation list should have been replaced by now.
    #[error("the revocation list is stale since {0}")]
    StaleRevocationList(Timestamp),
    /// It was revoked.
    #[error("the {kind:?} was revoked: {reason}")]
    Revoked {
        /// The file or the certificate.
        kind: RevokedKind,
        /// Why.
        reason: String,
    },

    /// Nothing shows that it is in the log.
    #[error("nothing shows that the certificate is in the log")]
    NoLogProof,
    /// It is not shown to be in the log.
    #[error(transparent)]
    Log(#[from] LogProofError),
    /// A later mend of its faults was seen already.
    #[error("{name:?} has the security version {certified}; {lowest} is the lowest that may be loaded")]
    SecurityVersion {
        /// Which adapter.
        name: String,
        /// What it has.
        certified: u64,
        /// What it needs.
        lowest: u64,
    },

    /// Not a component.
    #[error(transparent)]
    Component(#[from] ComponentFault),
    /// An import that was not certified.
    #[error("it imports {0}, which was not certified")]
    ImportNotCertified(String),
    /// An import that the policy does not allow.
    #[error("it imports {0}, which the policy does not allow")]
    ImportNotAllowed(String),
    /// It would run with a higher limit than it was certified with.
    #[error("the limit {limit} would be {wanted}; it was certified with {certified}")]
    LimitAboveCertified {
        /// Which.
        limit: &'static str,
        /// What was asked for.
        wanted: u64,
        /// What is certified.
        certified: u64,
    },
    /// It would run with a higher limit than the policy allows.
    #[error("the limit {limit} would be {wanted}; the policy allows {allowed}")]
    LimitAbovePolicy {
        /// Which.
        limit: &'static str,
        /// What was asked for, or certified.
        wanted: u64,
        /// What is allowed.
        allowed: u64,
    },

    /// It describes itself as something else than was certified.
    #[error("its {what} is {described:?}; {certified:?} was certified")]
    OtherDescription {
        /// Name, version or framework.
        what: &'static str,
        /// What the descriptor says.
        described: String,
        /// What the certificate says.
        certified: String,
    },

    /// The decision could not be written to the audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What must never be forgotten could not be written.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl Denial {
    /// The step that found it.
    #[must_use]
    pub fn step(&self) -> Step {
        match self {
            Denial::FileTooLarge { .. } => Step::File,
            Denial::NoBundle | Denial::Bundle(_) => Step::Bundle,
            Denial::Signatures(_) => Step::Signatures,
            Denial::Types(_) => Step::Types,
            Denial::OtherFile { .. } | Denial::OtherName { .. } | Denial::OtherTier { .. } => Step::Identity,
            Denial::Certificate(_)
            | Denial::LevelMissing(_)
            | Denial::ReleaseNotAccepted { .. }
            | Denial::EngineNotAccepted(_)
            | Denial::TierNotAllowed(_)
            | Denial::AdapterNotAllowed(_)
            | Denial::FrameworkNotAllowed(_)
            | Denial::TooManyWaivers { .. }
            | Denial::WaiverNotAllowed(_)
            | Denial::WaiverExpired { .. }
            | Denial::EvidenceSignatures(_)
            | Denial::EvidenceTypes(_)
            | Denial::OtherEvidence { .. }
            | Denial::EvidenceOfOtherFile(_)
            | Denial::Evidence(_) => Step::Verdict,
            Denial::NotYetValid(_)
            | Denial::Expired(_)
            | Denial::TooOld { .. }
            | Denial::ClockBehind(_)
            | Denial::NoRevocationList
            | Denial::StaleRevocationList(_)
            | Denial::Revoked { .. } => Step::Validity,
            Denial::NoLogProof | Denial::Log(_) => Step::Log,
            Denial::SecurityVersion { .. } => Step::SecurityVersion,
            Denial::Component(_)
            | Denial::ImportNotCertified(_)
            | Denial::ImportNotAllowed(_)
            | Denial::LimitAboveCertified { .. }
            | Denial::LimitAbovePolicy { .. } => Step::Boundary,
            Denial::OtherDescription { .. } => Step::Description,
            Denial::Audit(_) | Denial::Memory(_) => Step::Record,
        }
    }
}
