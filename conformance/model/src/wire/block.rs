//! Blocks: a header whose hash is the block's, and a record of what each transaction came to.

use super::{Hash, Malformed, Reader, Wire, Writer, merkle, sha256};

/// A block's header. The SHA-256 of its encoding is the block's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The ledger's name.
    pub chain: String,
    /// The space on it.
    pub space: String,
    /// Height; the first block has 0.
    pub number: u64,
    /// Hash of the block before; zeros in the first.
    pub parent: Hash,
    /// Milliseconds since 1970, UTC.
    pub time: u64,
    /// How many times the chain was reorganised before: blocks of another branch differ by it.
    pub fork: u64,
    /// Root of the tree of the records.
    pub records: Hash,
    /// Root of the tree of the state's entries after this block, in order of their encodings.
    pub state: Hash,
    /// Hash of the encoding of the space's [`Validators`](super::Validators).
    pub validators: Hash,
}

/// What a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The transaction's id.
    pub id: Hash,
    /// 0, or a code of what went wrong.
    pub status: i64,
    /// What the contract said went wrong.
    pub reason: String,
    /// What the contract gave back; see [`value`](super::value).
    pub output: Vec<u8>,
    /// The contract that was made.
    pub created: Option<String>,
    /// Units that were used.
    pub units: u64,
    /// What was paid for them.
    pub fee: u128,
    /// What was announced.
    pub events: Vec<Announced>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// By this contract.
    pub contract: String,
    /// Under this name.
    pub name: String,
    /// With this content.
    pub payload: Vec<u8>,
    /// Its place among the events of the block.
    pub index: u32,
}

/// One thing that the state holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The contract or area that it belongs to.
    pub area: String,
    /// Where it is there.
    pub key: Vec<u8>,
    /// What is there.
    pub value: Vec<u8>,
}

impl Header {
    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(&[&self.encode()])
    }
}

/// The root of the tree of a block's records.
#[must_use]
pub fn records_root(records: &[Record]) -> Hash {
    let leaves: Vec<Hash> = records.iter().map(|record| merkle::leaf(&record.encode())).collect();
    merkle::root(&leaves)
}

impl Wire for Header {
    const KIND: [u8; 2] = [b'H', 1];

    fn write(&self, to: &mut Writer) {
        to.text(&self.chain).text(&self.space).u64(self.number).fixed(&self.parent).u64(self.time);
        to.u64(self.fork).fixed(&self.records).fixed(&self.state).fixed(&self.validators);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Header {
            chain: from.text()?,
            space: from.text()?,
            number: from.u64()?,
            parent: from.fixed()?,
            time: from.u64()?,
            fork: from.u64()?,
            records: from.fixed()?,
            state: from.fixed()?,
            validators: from.fixed()?,
        })
    }
}

impl Wire for Record {
    const KIND: [u8; 2] = [b'R', 1];

    fn write(&self, to: &mut Writer) {
        to.fixed(&self.id).fixed(&self.status.to_be_bytes()).text(&self.reason).bytes(&self.output);
        to.option(self.created.as_deref(), |to, created| {
            to.text(created);
        });
        to.u64(self.units).u128(self.fee).list(&self.events, |to, event| {
            to.text(&event.contract).text(&event.name).bytes(&event.payload).u32(event.index);
        });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Record {
            id: from.fixed()?,
            status: i64::from_be_bytes(from.fixed()?),
            reason: from.text()?,
            output: from.bytes()?,
            created: from.option(Reader::text)?,
            units: from.u64()?,
            fee: from.u128()?,
            events: from.list(|from| {
                Ok(Announced {
                    contract: from.text()?,
                    name: from.text()?,
                    payload: from.bytes()?,
                    index: from.u32()?,
                })
            })?,
        })
    }
}

impl Wire for Entry {
    const KIND: [u8; 2] = [b'E', 1];

    fn write(&self, to: &mut Writer) {
        to.text(&self.area).bytes(&self.key).bytes(&self.value);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Entry { area: from.text()?, key: from.bytes()?, value: from.bytes()? })
    }
}
