//! The tars encoding, as far as transactions of 3.x need it: integers, texts, bytes and structures.
//!
//! A field is a head, four bits of tag and four of type (a tag of 15 or more has a byte of its own), and its content
//! (TarsCloud "Tars protocol", section "TUP encoding"; FISCO BCOS `bcos-tars-protocol/tars/Transaction.tars`). Fields with their default
//! may be left out. Everything is big-endian.

/// Types of fields.
const INT8: u8 = 0;
const INT16: u8 = 1;
const INT32: u8 = 2;
const INT64: u8 = 3;
const FLOAT: u8 = 4;
const DOUBLE: u8 = 5;
const TEXT1: u8 = 6;
const TEXT4: u8 = 7;
const MAP: u8 = 8;
const LIST: u8 = 9;
const BEGIN: u8 = 10;
const END: u8 = 11;
const ZERO: u8 = 12;
const BYTES: u8 = 13;
/// How deep structures may nest in what is skipped.
const MAX_DEPTH: usize = 16;

/// Writes fields one after the other.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    fn head(&mut self, tag: u8, kind: u8) {
        if tag < 15 {
            self.0.push(tag << 4 | kind);
        } else {
            self.0.extend([0xf0 | kind, tag]);
        }
    }

    /// An integer, in as few bytes as it fits.
    pub(crate) fn integer(&mut self, tag: u8, value: i64) {
        if value == 0 {
            self.head(tag, ZERO);
        } else if let Ok(value) = i8::try_from(value) {
            self.head(tag, INT8);
            self.0.extend(value.to_be_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.head(tag, INT16);
            self.0.extend(value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.head(tag, INT32);
            self.0.extend(value.to_be_bytes());
        } else {
            self.head(tag, INT64);
            self.0.extend(value.to_be_bytes());
        }
    }

    /// A text; an empty one is left out.
    pub(crate) fn text(&mut self, tag: u8, text: &str) {
        match u8::try_from(text.len()) {
            Ok(0) => return,
            Ok(length) => {
                self.head(tag, TEXT1);
                self.0.push(length);
            }
            Err(_) => {
                self.head(tag, TEXT4);
                self.0.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        self.0.extend(text.as_bytes());
    }

    /// Bytes; none are left out.
    pub(crate) fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.head(tag, BYTES);
        self.head(0, INT8);
        self.integer(0, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.0.extend(bytes);
    }

    /// A structure, whose fields `content` has.
    pub(crate) fn structure(&mut self, tag: u8, content: &[u8]) {
        self.head(tag, BEGIN);
        self.0.extend(content);
        self.head(0, END);
    }

    /// What was written.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// One field's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// Of any size.
    Integer(i64),
    /// UTF-8, as its bytes.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Its fields, to be read on their own.
    Structure(&'a [u8]),
    /// A kind that no transaction has, passed over.
    Other,
}

/// Reads the fields of a structure in their order.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Of a structure's content.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// The next field with its tag; none at the end. An error where the bytes are no tars.
    pub(crate) fn next(&mut self) -> Result<Option<(u8, Field<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (tag, kind) = self.head()?;
        if kind == END {
            return Err(Malformed);
        }
        Ok(Some((tag, self.content(kind, 0)?)))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn head(&mut self) -> Result<(u8, u8), Malformed> {
        let [byte] = self.chunk()?;
        let (tag, kind) = (byte >> 4, byte & 15);
        if tag < 15 {
            return Ok((tag, kind));
        }
        let [tag] = self.chunk()?;
        Ok((tag, kind))
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        match self.head()? {
            (0, kind) => match self.content(kind, 0)? {
                Field::Integer(length) => usize::try_from(length).map_err(|_| Malformed),
                _ => Err(Malformed),
            },
            _ => Err(Malformed),
        }
    }

    fn content(&mut self, kind: u8, depth: usize) -> Result<Field<'a>, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed);
        }
        Ok(match kind {
            ZERO => Field::Integer(0),
            INT8 => Field::Integer(i8::from_be_bytes(self.chunk()?).into()),
            INT16 => Field::Integer(i16::from_be_bytes(self.chunk()?).into()),
            INT32 => Field::Integer(i32::from_be_bytes(self.chunk()?).into()),
            INT64 => Field::Integer(i64::from_be_bytes(self.chunk()?)),
            FLOAT => self.take(4).map(|_| Field::Other)?,
            DOUBLE => self.take(8).map(|_| Field::Other)?,
            TEXT1 => {
                let [length] = self.chunk()?;
                Field::Text(self.take(length.into())?)
            }
            TEXT4 => {
                let length = u32::from_be_bytes(self.chunk()?);
                Field::Text(self.take(usize::try_from(length).map_err(|_| Malformed)?)?)
            }
            BYTES => {
                if self.head()? != (0, INT8) {
                    return Err(Malformed);
                }
                let length = self.length()?;
                Field::Bytes(self.take(length)?)
            }
            MAP | LIST => {
                let entries = self.length()?;
                let fields = if kind == MAP { entries.checked_mul(2).ok_or(Malformed)? } else { entries };
                for _ in 0..fields {
                    let (_, kind) = self.head()?;
                    self.content(kind, depth + 1)?;
                }
                Field::Other
            }
            BEGIN => {
                let whole = self.0;
                loop {
                    let left = self.0.len();
                    let (_, kind) = self.head()?;
                    if kind == END {
                        let length = whole.len() - left;
                        break Field::Structure(whole.get(..length).ok_or(Malformed)?);
                    }
                    self.content(kind, depth + 1)?;
                }
            }
            _ => return Err(Malformed),
        })
    }
}

/// Bytes that are no tars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u8, Field<'_>)>, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut found = Vec::new();
        while let Some(field) = reader.next()? {
            found.push(field);
        }
        Ok(found)
    }

    #[test]
    fn integers_take_as_few_bytes_as_they_fit() {
        for (value, bytes) in [
            (0, vec![0x4c]),
            (-1, vec![0x40, 0xff]),
            (127, vec![0x40, 0x7f]),
            (128, vec![0x41, 0, 0x80]),
            (0x8000, vec![0x42, 0, 0, 0x80, 0]),
            (1 << 40, vec![0x43, 0, 0, 1, 0, 0, 0, 0, 0]),
        ] {
            let mut writer = Writer::default();
            writer.integer(4, value);
            let written = writer.finish();
            assert_eq!(written, bytes);
            assert_eq!(fields(&written), Ok(vec![(4, Field::Integer(value))]));
        }
    }

    #[test]
    fn lists_maps_and_high_tags_are_passed_over() {
        // A list of two integers, then a map with one entry, then a text with the tag 200.
        let bytes = [
            0x19, 0x00, 0x02, 0x00, 0x01, 0x0c, 0x28, 0x00, 0x01, 0x06, 0x01, b'a', 0x1c, 0xf6, 200, 1, b'z',
        ];
        let found = fields(&bytes).unwrap();
        assert_eq!(found, [(1, Field::Other), (2, Field::Other), (200, Field::Text(b"z"))]);
    }

    #[test]
    fn stated_lengths_are_not_believed() {
        let huge: [&[u8]; 4] = [
            &[0x17, 0xff, 0xff, 0xff, 0xff, 0],
            &[0x1d, 0, 2, 0x7f, 0xff, 0xff, 0xff],
            &[0x19, 2, 0x7f, 0xff, 0xff, 0xff],
            &[0x1d, 0, 0, 0xff],
        ];
        for bytes in huge {
            assert_eq!(fields(bytes), Err(Malformed), "{bytes:x?}");
        }
        assert_eq!(fields(&[0x1a; 100_000]), Err(Malformed));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(number: i64, text: String, data: Vec<u8>, tag in 1u8..=255) {
            let mut inner = Writer::default();
            inner.integer(1, number);
            inner.text(2, &text);
            inner.bytes(3, &data);
            let inner = inner.finish();
            let mut writer = Writer::default();
            writer.structure(tag, &inner);
            let bytes = writer.finish();
            proptest::prop_assert_eq!(fields(&bytes), Ok(vec![(tag, Field::Structure(&inner))]));
            let mut expected = vec![(1, Field::Integer(number))];
            if !text.is_empty() { expected.push((2, Field::Text(text.as_bytes()))); }
            if !data.is_empty() { expected.push((3, Field::Bytes(&data))); }
            proptest::prop_assert_eq!(fields(&inner), Ok(expected));
            for end in 1..bytes.len() {
                proptest::prop_assert_eq!(fields(&bytes[..end]), Err(Malformed));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = fields(&bytes);
        }
    }
}
