//! Signed notes (C2SP signed-note), with ECDSA signatures (type 0x02).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::keys::{PrivateKey, PublicKey, SignatureFault};

/// Bytes of a note, at most.
pub const MAX_NOTE_BYTES: usize = 64 << 10;
/// Signature lines that are looked at, at most; a note with more is refused.
pub const MAX_SIGNATURES: usize = 32;

/// The signature type of ECDSA over SHA-256 in a verifier key's text.
const ECDSA_SHA256: u8 = 0x02;

/// Somebody who watches a log and signs its checkpoints: a name and a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// The key's name in signature lines: no white space, no `+`.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

/// Text with signatures below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    /// The signed text, which ends in a line feed.
    pub text: String,
    /// The lines below it.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The first four bytes that name the key; for ECDSA of the SHA-256 digest of its DER `SubjectPublicKeyInfo`.
    pub key_id: [u8; 4],
    /// The signature itself; for ECDSA in DER.
    pub signature: Vec<u8>,
}

/// Why bytes are not a note that was signed as needed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Too many bytes, or too many signatures.
    #[error("the note is larger than is read")]
    TooLarge,
    /// Not a note's form.
    #[error("not a signed note: {0}")]
    Form(&'static str),
    /// A trusted key's signature that does not verify: somebody tampered with the note.
    #[error("the signature of {name} does not verify: {fault}")]
    BadSignature {
        /// Whose.
        name: String,
        /// Why.
        fault: SignatureFault,
    },
    /// Fewer trusted keys signed than are needed.
    #[error("{valid} of {needed} needed witnesses signed")]
    ThresholdNotMet {
        /// How many must.
        needed: usize,
        /// How many did.
        valid: usize,
    },
}

impl Witness {
    /// Whether the name can stand in a signature line.
    #[must_use]
    pub fn is_key_name(name: &str) -> bool {
        (1..=256).contains(&name.len())
            && !name.chars().any(|char| char.is_whitespace() || char.is_control() || char == '+')
    }

    /// What its signature lines name the key by.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.key)
    }

    /// The text that other programs read a verifier key from: `name+8 hexadecimal digits+base64(0x02 || SPKI)`.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        let key = [&[ECDSA_SHA256], self.key.spki()].concat();
        format!("{}+{}+{}", self.name, hex::encode(self.key_id()), STANDARD.encode(key))
    }
}

fn key_id(key: &PublicKey) -> [u8; 4] {
    let [a, b, c, d, ..] = *key.id().as_bytes();
    [a, b, c, d]
}

impl SignedNote {
    /// A note that nobody has signed yet.
    #[must_use]
    pub fn unsigned(text: String) -> Self {
        SignedNote { text, signatures: Vec::new() }
    }

    /// Adds a signature line; replaces one of the same name and key.
    pub fn sign(&mut self, name: &str, key: &PrivateKey) {
        let key_id = key_id(key.public());
        self.signatures.retain(|line| line.name != name || line.key_id != key_id);
        let signature = key.sign(self.text.as_bytes());
        self.signatures.push(NoteSignature { name: name.to_owned(), key_id, signature });
    }

    /// Reads a note. Says nothing of its signatures.
    ///
    /// # Errors
    /// [`NoteError`]
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        if note.chars().any(|char| char < ' ' && char != '\n') {
            return Err(NoteError::Form("a control character"));
        }
        let split = note.rfind("\n\n").ok_or(NoteError::Form("no empty line before the signatures"))?;
        let (text, below) = note.split_at(split + 1);
        let below = below.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = below.ok_or(NoteError::Form("the last line does not end"))?;
        let signatures = lines
            .split('\n')
            .take(MAX_SIGNATURES + 1)
            .map(NoteSignature::parse)
            .collect::<Result<Vec<_>, NoteError>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::TooLarge);
        }
        Ok(SignedNote { text: text.to_owned(), signatures })
    }

    /// Checks that at least `threshold` of the witnesses signed, each key counted once. Lines of others are ignored, as
    /// the specification has it; a line of a witness that does not verify refuses the whole note.
    ///
    /// # Errors
    /// [`NoteError`]
    pub fn verify(&self, witnesses: &[Witness], threshold: usize) -> Result<(), NoteError> {
        let mut signers: Vec<&PublicKey> = Vec::new();
        for line in &self.signatures {
            let known = |witness: &&Witness| witness.name == line.name && witness.key_id() == line.key_id;
            let Some(witness) = witnesses.iter().find(known) else { continue };
            witness
                .key
                .verify(self.text.as_bytes(), &line.signature)
                .map_err(|fault| NoteError::BadSignature { name: line.name.clone(), fault })?;
            if !signers.contains(&&witness.key) {
                signers.push(&witness.key);
            }
        }
        if threshold == 0 || signers.len() < threshold {
            return Err(NoteError::ThresholdNotMet { needed: threshold, valid: signers.len() });
        }
        Ok(())
    }
}

impl std::fmt::Display for SignedNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let bytes = [&line.key_id, line.signature.as_slice()].concat();
            writeln!(f, "\u{2014} {} {}", line.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let form = NoteError::Form("a signature line");
        let (name, text) =
            line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(form.clone())?;
        let bytes = STANDARD.decode(text).map_err(|_| form.clone())?;
        let (key_id, signature) = bytes.split_first_chunk().ok_or(form.clone())?;
        if !Witness::is_key_name(name) || signature.is_empty() {
            return Err(form);
        }
        Ok(NoteSignature { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }
}
