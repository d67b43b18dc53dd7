//! What the preset contract holds and gives, and other forms that contracts share.

use adapter_sdk::types::{SigningInput, Value};

use super::{Hash, Malformed, Reader, Wire, Writer, sha256, value};

/// Where a key's value is in a preset contract's storage.
#[must_use]
pub fn value_key(key: &str) -> Vec<u8> {
    [b"value ", key.as_bytes()].concat()
}

/// A state that a key had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// None: deleted.
    pub value: Option<Vec<u8>>,
    /// By this transaction.
    pub transaction: Hash,
    /// In the block at this height.
    pub number: u64,
    /// With this hash. Zeros in the state, which cannot know the hash of its own block.
    pub block: Hash,
}

/// All versions of a key, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(pub Vec<Version>);

impl Wire for History {
    const KIND: [u8; 2] = [b'Y', 1];

    fn write(&self, to: &mut Writer) {
        to.list(&self.0, |to, version| {
            to.option(version.value.as_deref(), |to, value| {
                to.bytes(value);
            });
            to.fixed(&version.transaction).u64(version.number).fixed(&version.block);
        });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let versions = from.list(|from| {
            Ok(Version {
                value: from.option(Reader::bytes)?,
                transaction: from.fixed()?,
                number: from.u64()?,
                block: from.fixed()?,
            })
        })?;
        Ok(History(versions))
    }
}

/// What names a deployment, whoever makes it.
#[must_use]
pub fn deployment_digest(
    name: &str,
    version: &str,
    code: &[u8],
    abi: Option<&str>,
    arguments: &[Value],
) -> Hash {
    let mut content = Writer::default();
    content.text(name).text(version).bytes(code).option(abi, |to, abi| {
        to.text(abi);
    });
    content.list(arguments, |to, item| {
        to.bytes(&value::encode(item));
    });
    sha256(&[&content.done()])
}

/// What an auditor signs to read private arguments.
#[must_use]
pub fn private_question(chain: &str, space: &str, contract: &str, name: &str) -> SigningInput {
    let mut content = Writer::default();
    content.text("private").text(chain).text(space).text(contract).text(name);
    SigningInput::Message(content.done())
}
