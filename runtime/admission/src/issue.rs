//! Making certificates: draft, signatures, log. Admission needs none of this.

use jiff::Timestamp;
use thiserror::Error;

use crate::{
    bundle::Bundle,
    certificate::{self, Certificate, CertificateFault, Tier},
    component::{self, ComponentFault},
    digest::Digest,
    evidence::{self, EvidenceFault, TestResult},
    keys::PrivateKey,
    log::store::{Log, LogError},
    revocation::{RevocationList, Revoked},
    statement::{Statement, StatementError},
};

/// Why nothing was issued.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The certificate could be accepted by nobody.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// The evidence does not bear the certificate out.
    #[error(transparent)]
    Evidence(#[from] EvidenceFault),
    /// The file is not a component, and is to be certified as one.
    #[error(transparent)]
    Component(#[from] ComponentFault),
    /// The certificate does not list what the component imports.
    #[error("the component imports {0}, which the certificate does not list")]
    ImportNotListed(String),
    /// The draft does not decode.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The draft is about another file than the one at hand.
    #[error("the draft is about the file {drafted}, and this one is {offered}")]
    OtherFile {
        /// What was drafted.
        drafted: Digest,
        /// What is at hand.
        offered: Digest,
    },
    /// The bundle is in the log: another signature would make it another entry.
    #[error("the certificate is in the log already; make a new draft to sign")]
    InLog,
    /// Nobody has signed.
    #[error("nobody has signed the certificate")]
    Unsigned,
    /// The log could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// JSON could not be written.
    #[error("the statement could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl Bundle {
    /// A draft that nobody has signed. Fills in which evidence statement the certificate rests on; all else of the
    /// certificate is the caller's. Refuses what no policy could accept.
    ///
    /// # Errors
    /// [`IssueError`]
    pub fn draft(file: &[u8], mut certificate: Certificate, test: TestResult) -> Result<Self, IssueError> {
        let digest = Digest::of(file);
        let name = certificate.adapter.name.clone();
        certificate.check()?;
        test.check(&certificate)?;
        if certificate.tier == Tier::Component {
            let listed = &certificate.imports;
            if let Some(import) = component::imports(file)?.into_iter().find(|name| !listed.contains(name)) {
                return Err(IssueError::ImportNotListed(import));
            }
        }
        let evidence =
            Statement::new(name.clone(), digest, evidence::PREDICATE_TYPE, test).into_envelope()?;
        certificate.evidence.statement = evidence.payload_digest().into();
        let certificate =
            Statement::new(name, digest, certificate::PREDICATE_TYPE, certificate).into_envelope()?;
        Ok(Bundle { certificate, evidence, log_proof: None })
    }

    /// What the certificate says, whoever signed it: to be looked at before signing, never to be believed.
    ///
    /// # Errors
    /// When it does not decode.
    pub fn unverified(&self) -> Result<Statement<Certificate>, StatementError> {
        Statement::from_envelope(&self.certificate, certificate::PREDICATE_TYPE)
    }

    /// Adds a certifier's signatures to both envelopes, after checking once more what they would stand for.
    ///
    /// # Errors
    /// [`IssueError`]
    pub fn sign(&mut self, file: &[u8], key: &PrivateKey) -> Result<(), IssueError> {
        if self.log_proof.is_some() {
            return Err(IssueError::InLog);
        }
        let statement = self.unverified()?;
        let (drafted, offered) = (statement.subject().digest.sha256, Digest::of(file));
        if drafted != offered {
            return Err(IssueError::OtherFile { drafted, offered });
        }
        statement.predicate().check()?;
        let evidence = Statement::<TestResult>::from_envelope(&self.evidence, evidence::PREDICATE_TYPE)?;
        evidence.predicate().check(statement.predicate())?;
        self.certificate.sign(key);
        self.evidence.sign(key);
        Ok(())
    }

    /// Enters the signed certificate into the log and takes the proof with it. Done again, it takes a newer proof.
    ///
    /// # Errors
    /// [`IssueError`]
    pub fn enter(&mut self, log: &mut Log, witness: &str, key: &PrivateKey) -> Result<u64, IssueError> {
        if self.certificate.signatures.is_empty() {
            return Err(IssueError::Unsigned);
        }
        let index = log.append(&self.certificate.to_json(), witness, key)?;
        self.log_proof = Some(log.prove(index)?.to_string());
        Ok(index)
    }
}

impl RevocationList {
    /// The list after `previous`, with all its entries and demands; the first has the number 1.
    #[must_use]
    pub fn next(previous: Option<&RevocationList>, issued: Timestamp, next_update: Timestamp) -> Self {
        let number = previous.map_or(1, |list| list.number.saturating_add(1));
        RevocationList {
            number,
            issued,
            next_update,
            minimum_security_versions: previous
                .map(|list| list.minimum_security_versions.clone())
                .unwrap_or_default(),
            revoked: previous.map(|list| list.revoked.clone()).unwrap_or_default(),
            critical: Vec::new(),
        }
    }

    /// Adds an entry, unless the same thing is on the list already.
    pub fn revoke(&mut self, entry: Revoked) {
        if !self.revoked.iter().any(|other| (other.kind, other.digest) == (entry.kind, entry.digest)) {
            self.revoked.push(entry);
        }
    }

    /// Demands at least this security version of an adapter; never lowers a demand.
    pub fn demand_security_version(&mut self, adapter: &str, version: u64) {
        let demanded = self.minimum_security_versions.entry(adapter.to_owned()).or_insert(version);
        *demanded = version.max(*demanded);
    }
}
