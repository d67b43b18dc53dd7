//! One entry of the journal, and the form in which it is kept.

use std::fmt;

use adapter_spec::types::Envelope;
pub use berth_api::Settlement;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    error::JournalError,
    key::{EntryKey, PayloadDigest, Salt},
};

/// The version of the form. A later one reads this one too; this one refuses a later one and leaves it alone.
const VERSION: u32 = 1;
/// Longer messages of adapters are cut to this many bytes before they are kept.
const MAX_MESSAGE: usize = 4 << 10;

/// What the journal knows of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: EntryKey,
    /// What it is bound to.
    pub payload: PayloadDigest,
    /// The key's salt.
    pub salt: Salt,
    /// When it was begun: milliseconds since 1970, UTC.
    pub begun_millis: u64,
    /// The entry of the same application whose transaction this one can only take effect instead of.
    pub replaces: Option<EntryKey>,
    /// Entries of the same application that were made to take effect instead of this one.
    pub replaced_by: Vec<EntryKey>,
    /// How far it has come.
    pub state: State,
}

/// How far an entry has come. It only ever goes down this list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// There is no envelope, so nothing can have been sent: the call may be begun again, with the same salt.
    Begun,
    /// There is an envelope, for good. It may have been sent.
    Signed(Signed),
    /// A node has said that it has the transaction.
    Sent(Signed),
    /// It is known for good what became of it.
    Settled(Settled),
}

/// An envelope that is bound to its key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Signed {
    /// The envelope.
    pub envelope: Envelope,
    /// How often it was given out to be sent.
    pub given_out: u32,
}

/// What is kept once nothing can change any more. The envelope's bytes are dropped: they are never sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settled {
    /// The transaction; none where the call ended in an answer.
    pub transaction: Option<SettledTransaction>,
    /// What became of it.
    pub settlement: Settlement,
    /// When it was settled: milliseconds since 1970, UTC.
    pub settled_millis: u64,
}

/// What is kept of an envelope that is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SettledTransaction {
    /// Its id.
    pub id: String,
    /// What `receipt` needs to find it.
    #[serde(with = "hex::serde")]
    pub tracking: Vec<u8>,
    /// SHA-256 of the envelope's bytes.
    pub bytes_digest: PayloadDigest,
}

/// What became of a call, with texts of a bounded length.
pub(crate) fn bounded(mut settlement: Settlement) -> Settlement {
    match &mut settlement {
        Settlement::Never(error) => {
            cut(&mut error.message);
            error.native.iter_mut().for_each(cut);
        }
        Settlement::Superseded(id) => cut(id),
        Settlement::Answered | Settlement::Final { .. } | Settlement::Expired => {}
    }
    settlement
}

fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(MAX_MESSAGE));
}

impl State {
    /// The envelope, while it may have to be sent.
    #[must_use]
    pub fn signed(&self) -> Option<&Signed> {
        match self {
            State::Signed(signed) | State::Sent(signed) => Some(signed),
            State::Begun | State::Settled(_) => None,
        }
    }
}

impl SettledTransaction {
    pub(crate) fn of(envelope: &Envelope) -> Self {
        SettledTransaction {
            id: envelope.transaction.clone(),
            tracking: envelope.tracking.clone(),
            bytes_digest: PayloadDigest::from_bytes(Sha256::digest(&envelope.bytes).into()),
        }
    }
}

/// An envelope may hold what only the ledger's members may see.
impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("transaction", &self.envelope.transaction)
            .field("bytes", &format_args!("<{} bytes>", self.envelope.bytes.len()))
            .field("valid_until", &self.envelope.valid_until)
            .field("given_out", &self.given_out)
            .finish_non_exhaustive()
    }
}

/// What is kept; the key is where it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Record {
    version: u32,
    payload: PayloadDigest,
    salt: Salt,
    begun_millis: u64,
    replaces: Option<String>,
    replaced_by: Vec<String>,
    state: State,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Entry {
    pub(crate) fn new(key: EntryKey, payload: PayloadDigest, salt: Salt, begun_millis: u64) -> Self {
        let (replaces, replaced_by, state) = (None, Vec::new(), State::Begun);
        Entry { key, payload, salt, begun_millis, replaces, replaced_by, state }
    }

    /// JSON: it can be read with any tool when something went wrong, and by every later version.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, JournalError> {
        let name = |key: &EntryKey| key.idempotency().to_string();
        let record = Record {
            version: VERSION,
            payload: self.payload,
            salt: self.salt,
            begun_millis: self.begun_millis,
            replaces: self.replaces.as_ref().map(name),
            replaced_by: self.replaced_by.iter().map(name).collect(),
            state: self.state.clone(),
        };
        serde_json::to_vec(&record)
            .map_err(|source| JournalError::Damaged { key: self.key.clone(), source: source.into() })
    }

    pub(crate) fn decode(key: &EntryKey, bytes: &[u8]) -> Result<Self, JournalError> {
        let damaged =
            |source: serde_json::Error| JournalError::Damaged { key: key.clone(), source: source.into() };
        let Version { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version != VERSION {
            return Err(JournalError::Version { key: key.clone(), version });
        }
        let record: Record = serde_json::from_slice(bytes).map_err(damaged)?;
        Ok(Entry {
            key: key.clone(),
            payload: record.payload,
            salt: record.salt,
            begun_millis: record.begun_millis,
            replaces: record.replaces.map(|name| key.sibling(name)),
            replaced_by: record.replaced_by.into_iter().map(|name| key.sibling(name)).collect(),
            state: record.state,
        })
    }
}

#[cfg(test)]
mod tests {
    use adapter_spec::types::{Error, ErrorCode, Validity};
    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;

    fn key() -> EntryKey {
        EntryKey::new("shop", "k").unwrap()
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..8)
    }

    fn state() -> impl Strategy<Value = State> {
        let validity = prop_oneof![
            any::<u64>().prop_map(Validity::Block),
            any::<u64>().prop_map(Validity::Millis),
            Just(Validity::Unbounded)
        ];
        let signed = (any::<String>(), bytes(), validity, bytes(), any::<u32>()).prop_map(
            |(transaction, bytes, valid_until, tracking, given_out)| {
                let envelope = Envelope { transaction, bytes, valid_until, tracking };
                Signed { envelope, given_out }
            },
        );
        let signed = signed.boxed();
        let settlement = prop_oneof![
            Just(Settlement::Answered),
            any::<bool>().prop_map(|succeeded| Settlement::Final { succeeded }),
            Just(Settlement::Expired),
            any::<String>().prop_map(Settlement::Superseded),
            any::<String>().prop_map(|message| Settlement::Never(Error::new(ErrorCode::Rejected, message))),
        ];
        let settled = (proptest::option::of(signed.clone()), settlement, any::<u64>()).prop_map(
            |(signed, settlement, settled_millis)| {
                let transaction = signed.map(|signed| SettledTransaction::of(&signed.envelope));
                State::Settled(Settled { transaction, settlement, settled_millis })
            },
        );
        prop_oneof![
            Just(State::Begun),
            signed.clone().prop_map(State::Signed),
            signed.prop_map(State::Sent),
            settled
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(3), ..ProptestConfig::default() })]

        #[test]
        fn what_is_kept_is_read_back(
            state in state(),
            payload in any::<[u8; 32]>(),
            salt in any::<[u8; 32]>(),
            begun in any::<u64>(),
            replaces in proptest::option::of("[a-z]{1,5}"),
            replaced_by in proptest::collection::vec("[a-z]{1,5}", 0..3),
        ) {
            let mut entry =
                Entry::new(key(), PayloadDigest::from_bytes(payload), Salt::from_bytes(salt), begun);
            entry.replaces = replaces.map(|name| key().sibling(name));
            entry.replaced_by = replaced_by.into_iter().map(|name| key().sibling(name)).collect();
            entry.state = state;
            prop_assert_eq!(Entry::decode(&key(), &entry.encode().unwrap()).unwrap(), entry);
        }

        #[test]
        fn damage_is_an_error_and_never_a_panic(state in state(), at in any::<prop::sample::Index>(), bits in 1_u8..) {
            let entry = Entry { state, ..Entry::new(key(), PayloadDigest::from_bytes([1; 32]), Salt::from_bytes([2; 32]), 3) };
            let mut bytes = entry.encode().unwrap();
            let at = at.index(bytes.len());
            bytes.truncate(at);
            let damaged = matches!(Entry::decode(&key(), &bytes), Err(JournalError::Damaged { .. }));
            prop_assert!(damaged);
            bytes.push(bits);
            let _ = Entry::decode(&key(), &bytes);
        }
    }

    /// Entries of today are read by every later version: this one may only be added to.
    #[test]
    fn the_form_is_that_of_version_1() {
        let envelope = Envelope {
            transaction: "t".into(),
            bytes: vec![0xab],
            valid_until: Validity::Millis(5),
            tracking: vec![1],
        };
        let state = State::Signed(Signed { envelope, given_out: 1 });
        let entry = Entry {
            state,
            replaces: Some(key().sibling("j".into())),
            ..Entry::new(key(), PayloadDigest::from_bytes([1; 32]), Salt::from_bytes([2; 32]), 3)
        };
        let text = format!(
            concat!(
                r#"{{"version":1,"payload":"{}","salt":"{}","begun-millis":3,"replaces":"j","replaced-by":[],"#,
                r#""state":{{"signed":{{"envelope":{{"transaction":"t","bytes":"0xab","#,
                r#""valid_until":{{"millis":5}},"tracking":"0x01"}},"given-out":1}}}}}}"#
            ),
            "01".repeat(32),
            "02".repeat(32)
        );
        assert_eq!(String::from_utf8(entry.encode().unwrap()).unwrap(), text);
        assert_eq!(Entry::decode(&key(), text.as_bytes()).unwrap(), entry);
        let later = text.replace(r#""version":1"#, r#""version":2,"new":0"#);
        assert!(matches!(
            Entry::decode(&key(), later.as_bytes()),
            Err(JournalError::Version { version: 2, .. })
        ));
    }
}
