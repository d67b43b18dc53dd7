//! in-toto statements, version 1: what is said of which file.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
    digest::{Digest, DigestSet},
    dsse::{Envelope, MAX_PAYLOAD_BYTES},
    json::{self, JsonError},
};

/// The payload type of an envelope that holds a statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A statement about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    statement_type: &'static str,
    subject: [Subject; 1],
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The adapter's name.
    pub name: String,
    /// The digest of the file.
    pub digest: DigestSet,
}

/// Why a payload is not the statement that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StatementError {
    /// The envelope's payload type is another.
    #[error("the payload type is {found:?}, not {PAYLOAD_TYPE:?}")]
    PayloadType {
        /// What it is.
        found: String,
    },
    /// The payload is not strict JSON, or not of a statement's shape.
    #[error("not an in-toto statement: {0}")]
    Json(#[from] JsonError),
    /// `_type` is another.
    #[error("the statement's type is {found:?}, not {STATEMENT_TYPE:?}")]
    StatementType {
        /// What it is.
        found: String,
    },
    /// `predicateType` is another.
    #[error("the predicate's type is {found:?}, not {wanted:?}")]
    PredicateType {
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: &'static str,
    },
    /// Not one subject.
    #[error("the statement is about {0} files; it has to be about one")]
    Subjects(usize),
}

/// The outer shape, read before the predicate, so that a wrong type is told as such.
#[derive(Deserialize)]
struct Outer {
    #[serde(rename = "_type")]
    statement_type: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Inner<P> {
    predicate: P,
}

impl<P> Statement<P> {
    /// A statement about a file.
    #[must_use]
    pub fn new(name: impl Into<String>, file: Digest, predicate_type: &'static str, predicate: P) -> Self {
        Statement {
            statement_type: STATEMENT_TYPE,
            subject: [Subject { name: name.into(), digest: file.into() }],
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        let [subject] = &self.subject;
        subject
    }

    /// What it says.
    #[must_use]
    pub fn predicate(&self) -> &P {
        &self.predicate
    }

    /// What it says.
    #[must_use]
    pub fn into_predicate(self) -> P {
        self.predicate
    }
}

impl<P: Serialize> Statement<P> {
    /// An envelope around it that nobody has signed yet.
    ///
    /// # Errors
    /// When the predicate does not serialise.
    pub fn into_envelope(self) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::unsigned(PAYLOAD_TYPE, serde_json::to_vec(&self)?))
    }
}

impl<P: DeserializeOwned> Statement<P> {
    /// Reads the statement of an envelope whose signatures the caller has verified. The types must be these exactly.
    ///
    /// # Errors
    /// [`StatementError`]
    pub fn from_envelope(envelope: &Envelope, predicate_type: &'static str) -> Result<Self, StatementError> {
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(StatementError::PayloadType { found: envelope.payload_type.clone() });
        }
        let outer: Outer = json::from_slice(&envelope.payload, MAX_PAYLOAD_BYTES)?;
        if outer.statement_type != STATEMENT_TYPE {
            return Err(StatementError::StatementType { found: outer.statement_type });
        }
        if outer.predicate_type != predicate_type {
            return Err(StatementError::PredicateType {
                found: outer.predicate_type,
                wanted: predicate_type,
            });
        }
        let count = outer.subject.len();
        let Ok(subject) = <[Subject; 1]>::try_from(outer.subject) else {
            return Err(StatementError::Subjects(count));
        };
        let Inner { predicate } = json::from_slice(&envelope.payload, MAX_PAYLOAD_BYTES)?;
        Ok(Statement {
            statement_type: STATEMENT_TYPE,
            subject,
            predicate_type: outer.predicate_type,
            predicate,
        })
    }
}
