//! The file: written and read record by record, in bounded memory.

use std::io::{self, Read, Write};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::error::{BackupError, machine, millis};

/// What a backup begins with.
const MAGIC: &[u8; 12] = b"berth-backup";
/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// The most bytes of a tree's or file's name.
pub const MAX_NAME: usize = 64;
/// The most bytes of a key: more than any store of the node takes.
pub const MAX_KEY: usize = 4 << 10;
/// The most bytes of a value, and of one part of a file.
pub const MAX_VALUE: usize = 16 << 20;

const END: u8 = 0;
const ENTRY: u8 = 1;
const GONE: u8 = 2;
const PART: u8 = 3;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A key of a tree has this value.
    Entry {
        /// The tree.
        tree: String,
        /// The key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// A key of a tree, seen before, is not there any more.
    Gone {
        /// The tree.
        tree: String,
        /// The key.
        key: Vec<u8>,
    },
    /// The next part of a file.
    Part {
        /// The file.
        file: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// What a whole backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// When it was made.
    pub made: Timestamp,
    /// Its records.
    pub records: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The SHA-256 at its end.
    pub digest: [u8; 32],
}

/// Writes a backup.
pub struct Writer<W> {
    out: W,
    hash: Sha256,
    made: Timestamp,
    records: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// [`BackupError::Machine`]
    pub fn begin(out: W, made: Timestamp) -> Result<Self, BackupError> {
        let mut writer = Writer { out, hash: Sha256::new(), made, records: 0, bytes: 0 };
        writer.put(MAGIC)?;
        writer.put(&VERSION.to_be_bytes())?;
        writer.put(&millis(made).to_be_bytes())?;
        Ok(writer)
    }

    /// A key of a tree has this value.
    ///
    /// # Errors
    /// Where something is longer than the format takes, or cannot be written.
    pub fn entry(&mut self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        self.record(ENTRY, tree, key, value)
    }

    /// A key of a tree is not there any more.
    ///
    /// # Errors
    /// Where something is longer than the format takes, or cannot be written.
    pub fn gone(&mut self, tree: &str, key: &[u8]) -> Result<(), BackupError> {
        self.record(GONE, tree, key, &[])
    }

    /// The next part of a file.
    ///
    /// # Errors
    /// Where something is longer than the format takes, or cannot be written.
    pub fn part(&mut self, file: &str, bytes: &[u8]) -> Result<(), BackupError> {
        self.record(PART, file, &[], bytes)
    }

    /// The end: without it the file is cut short.
    ///
    /// # Errors
    /// [`BackupError::Machine`]
    pub fn end(mut self) -> Result<Summary, BackupError> {
        self.put(&[END])?;
        self.put(&self.records.to_be_bytes())?;
        let digest: [u8; 32] = self.hash.clone().finalize().into();
        self.put(&digest)?;
        self.out.flush().map_err(machine("the backup cannot be written"))?;
        Ok(Summary { made: self.made, records: self.records, bytes: self.bytes, digest })
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn record(&mut self, kind: u8, name: &str, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        let long = |what| BackupError::TooLong { what };
        let name_length = u8::try_from(name.len()).ok().filter(|_| is_name(name.as_bytes()));
        let name_length = name_length.ok_or(long("a name"))?;
        let key_length = u16::try_from(key.len()).ok().filter(|_| key.len() <= MAX_KEY);
        let key_length = key_length.ok_or(long("a key"))?;
        let value_length = u32::try_from(value.len()).ok().filter(|_| value.len() <= MAX_VALUE);
        let value_length = value_length.ok_or(long("a value"))?;
        self.put(&[kind, name_length])?;
        self.put(name.as_bytes())?;
        self.put(&key_length.to_be_bytes())?;
        self.put(key)?;
        self.put(&value_length.to_be_bytes())?;
        self.put(value)?;
        self.records += 1;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.out.write_all(bytes).map_err(machine("the backup cannot be written"))?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Reads a backup. Only when [`Reader::next`] has given none is any of it to be believed.
pub struct Reader<R> {
    from: R,
    hash: Sha256,
    made: Timestamp,
    records: u64,
    at: u64,
    end: Option<Summary>,
}

impl<R: Read> Reader<R> {
    /// Begins one.
    ///
    /// # Errors
    /// Where it is no backup, or a later version's.
    pub fn begin(from: R) -> Result<Self, BackupError> {
        let made = Timestamp::UNIX_EPOCH;
        let mut reader = Reader { from, hash: Sha256::new(), made, records: 0, at: 0, end: None };
        match reader.fixed::<12>() {
            Ok(magic) if &magic == MAGIC => {}
            Ok(_) | Err(BackupError::Truncated { .. }) => return Err(BackupError::NotABackup),
            Err(error) => return Err(error),
        }
        let found = u32::from_be_bytes(reader.fixed()?);
        match found {
            VERSION => {}
            0 => return Err(reader.damaged("there is no version 0")),
            found => return Err(BackupError::NewerVersion { found }),
        }
        let made = Timestamp::from_millisecond(i64::from_be_bytes(reader.fixed()?));
        reader.made = made.map_err(|_| reader.damaged("its time is none"))?;
        Ok(reader)
    }

    /// The next record; none at an end that fits all that came before.
    ///
    /// # Errors
    /// Where the file is damaged, cut short, or cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it fails, and stops at the first failure")]
    pub fn next(&mut self) -> Result<Option<Record>, BackupError> {
        let [kind] = self.fixed()?;
        if kind == END {
            return self.read_end().map(|()| None);
        }
        let [length] = self.fixed()?;
        let name = self.bytes(usize::from(length), MAX_NAME, "a name is too long")?;
        let name = String::from_utf8(name).ok().filter(|name| is_name(name.as_bytes()));
        let name = name.ok_or_else(|| self.damaged("a name is none"))?;
        let length = u16::from_be_bytes(self.fixed()?);
        let key = self.bytes(usize::from(length), MAX_KEY, "a key is too long")?;
        let length = u32::from_be_bytes(self.fixed()?);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let value = self.bytes(length, MAX_VALUE, "a value is too long")?;
        self.records += 1;
        match kind {
            ENTRY => Ok(Some(Record::Entry { tree: name, key, value })),
            GONE if value.is_empty() => Ok(Some(Record::Gone { tree: name, key })),
            PART if key.is_empty() => Ok(Some(Record::Part { file: name, bytes: value })),
            _ => Err(self.damaged("a record is of no kind")),
        }
    }

    /// What the backup is, once its end was read.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        self.end
    }

    /// Bytes so far.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    fn read_end(&mut self) -> Result<(), BackupError> {
        if u64::from_be_bytes(self.fixed()?) != self.records {
            return Err(self.damaged("it has another number of records"));
        }
        let found: [u8; 32] = self.hash.clone().finalize().into();
        let digest: [u8; 32] = self.fixed()?;
        if digest != found {
            return Err(self.damaged("its SHA-256 does not fit"));
        }
        match self.fixed::<1>() {
            Err(BackupError::Truncated { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(self.damaged("there is something after its end")),
        }
        self.end = Some(Summary { made: self.made, records: self.records, bytes: self.at, digest });
        Ok(())
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], BackupError> {
        let mut bytes = [0; N];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(BackupError::Truncated { at: self.at });
            }
            Err(error) => return Err(machine("the backup cannot be read")(error)),
        }
        self.took(&bytes);
        Ok(bytes)
    }

    fn bytes(&mut self, length: usize, most: usize, long: &'static str) -> Result<Vec<u8>, BackupError> {
        if length > most {
            return Err(self.damaged(long));
        }
        // Grows with what is there: a length alone takes no memory.
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(length as u64).read_to_end(&mut bytes);
        read.map_err(machine("the backup cannot be read"))?;
        if bytes.len() < length {
            return Err(BackupError::Truncated { at: self.at });
        }
        self.took(&bytes);
        Ok(bytes)
    }

    fn took(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
    }

    fn damaged(&self, what: &'static str) -> BackupError {
        BackupError::Damaged { what, at: self.at }
    }
}

/// Letters that no path and no terminal reads anything into.
fn is_name(name: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    (1..=MAX_NAME).contains(&name.len()) && name.iter().all(plain)
}
