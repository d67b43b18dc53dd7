//! The tars encoding (TarsCloud's `TarsProtocol`), as far as transactions need it.

use std::collections::BTreeMap;

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 8;
/// The most items of a list.
const MAX_ITEMS: usize = 1 << 16;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer of any width.
    Integer(i64),
    /// A text, or a list of bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A structure: values by tag.
    Structure(Fields),
}

/// The fields of a structure, by tag.
pub type Fields = BTreeMap<u8, Value>;

/// The integer at a tag; 0 where there is none.
#[must_use]
pub fn integer(fields: &Fields, tag: u8) -> Option<i64> {
    match fields.get(&tag) {
        None => Some(0),
        Some(Value::Integer(number)) => Some(*number),
        Some(_) => None,
    }
}

/// The bytes at a tag; none where there are none.
#[must_use]
pub fn bytes(fields: &Fields, tag: u8) -> Option<Vec<u8>> {
    match fields.get(&tag) {
        None => Some(Vec::new()),
        Some(Value::Bytes(bytes)) => Some(bytes.clone()),
        // A list of single bytes is the other form of the same.
        Some(Value::List(items)) => items
            .iter()
            .map(|item| match item {
                Value::Integer(number) => Some(number.to_le_bytes()[0]),
                _ => None,
            })
            .collect(),
        Some(_) => None,
    }
}

/// The text at a tag; empty where there is none.
#[must_use]
pub fn text(fields: &Fields, tag: u8) -> Option<String> {
    String::from_utf8(bytes(fields, tag)?).ok()
}

/// Decodes the fields of a structure that has no marks around it.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Fields> {
    let mut reader = Reader { rest: bytes };
    let mut fields = Fields::new();
    while !reader.rest.is_empty() {
        let (tag, kind) = reader.head()?;
        fields.insert(tag, reader.value(kind, 0)?);
    }
    Some(fields)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn head(&mut self) -> Option<(u8, u8)> {
        let byte = self.byte()?;
        let tag = byte >> 4;
        let tag = if tag == 15 { self.byte()? } else { tag };
        Some((tag, byte & 15))
    }

    fn number(&mut self, kind: u8) -> Option<i64> {
        Some(match kind {
            0 => i64::from(i8::from_be_bytes(self.take(1)?.try_into().ok()?)),
            1 => i64::from(i16::from_be_bytes(self.take(2)?.try_into().ok()?)),
            2 => i64::from(i32::from_be_bytes(self.take(4)?.try_into().ok()?)),
            3 => i64::from_be_bytes(self.take(8)?.try_into().ok()?),
            12 => 0,
            _ => return None,
        })
    }

    /// A length: an integer with a head of its own.
    fn length(&mut self) -> Option<usize> {
        let (_, kind) = self.head()?;
        usize::try_from(self.number(kind)?).ok()
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            0..=3 | 12 => self.number(kind).map(Value::Integer),
            6 => {
                let length = usize::from(self.byte()?);
                Some(Value::Bytes(self.take(length)?.to_vec()))
            }
            7 => {
                let length = u32::from_be_bytes(self.take(4)?.try_into().ok()?);
                Some(Value::Bytes(self.take(usize::try_from(length).ok()?)?.to_vec()))
            }
            9 => {
                let count = self.length().filter(|count| *count <= MAX_ITEMS)?;
                let mut items = Vec::new();
                for _ in 0..count {
                    let (_, kind) = self.head()?;
                    items.push(self.value(kind, depth.saturating_add(1))?);
                }
                Some(Value::List(items))
            }
            10 => {
                let mut fields = Fields::new();
                loop {
                    let (tag, kind) = self.head()?;
                    if kind == 11 {
                        return Some(Value::Structure(fields));
                    }
                    fields.insert(tag, self.value(kind, depth.saturating_add(1))?);
                }
            }
            13 => {
                let (_, kind) = self.head()?;
                if kind != 0 {
                    return None;
                }
                let length = self.length()?;
                Some(Value::Bytes(self.take(length)?.to_vec()))
            }
            _ => None,
        }
    }
}

/// Writes fields, for tests and clients of tests: each integer in the shortest form that holds it, bytes as a simple list.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    fn head(&mut self, tag: u8, kind: u8) {
        if tag < 15 {
            self.0.push(tag << 4 | kind);
        } else {
            self.0.extend([0xf0 | kind, tag]);
        }
    }

    /// An integer.
    pub fn integer(&mut self, tag: u8, number: i64) {
        if number == 0 {
            self.head(tag, 12);
        } else if let Ok(number) = i8::try_from(number) {
            self.head(tag, 0);
            self.0.extend(number.to_be_bytes());
        } else if let Ok(number) = i16::try_from(number) {
            self.head(tag, 1);
            self.0.extend(number.to_be_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.head(tag, 2);
            self.0.extend(number.to_be_bytes());
        } else {
            self.head(tag, 3);
            self.0.extend(number.to_be_bytes());
        }
    }

    /// A text.
    pub fn text(&mut self, tag: u8, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length) => {
                self.head(tag, 6);
                self.0.push(length);
            }
            Err(_) => {
                self.head(tag, 7);
                self.0.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Bytes.
    pub fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.head(tag, 13);
        self.head(0, 0);
        self.integer(0, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.0.extend_from_slice(bytes);
    }

    /// A structure.
    pub fn structure(&mut self, tag: u8, write: impl FnOnce(&mut Writer)) {
        self.head(tag, 10);
        write(self);
        self.head(0, 11);
    }
}
