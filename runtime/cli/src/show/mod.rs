//! Answers laid out for people: labels in one column, text in the next, at most 80 columns where lines can be broken.

mod block;
mod descriptor;
mod receipt;

pub(crate) use block::utc;
pub use block::{block, header_hash};
pub(crate) use descriptor::descriptor;
pub(crate) use receipt::{event, inclusion, output, receipt, store_answer};

use std::fmt::Write as _;

use adapter_spec::types::{BlockRef, SignatureScheme, Transport};

/// Columns of a line.
const WIDTH: usize = 80;
/// Columns of the labels.
const LABELS: usize = 14;
/// Bytes that are shown before the rest is only counted.
const SHOWN_BYTES: usize = 64;

/// Characters of a framework's own code that are shown.
const SHOWN_NATIVE: usize = 24;

/// A text that cannot steer a terminal or forge a line: control characters and those that change the direction of text
/// are escaped.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || steers {
            // Writing to a string cannot fail.
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// An error of the standard in one line; a long code of the framework's own is cut.
#[must_use]
pub fn error(error: &adapter_spec::types::Error) -> String {
    let cut = |native: &String| {
        let start: String = native.chars().take(SHOWN_NATIVE).collect();
        if start.len() < native.len() { format!("{start}…") } else { start }
    };
    adapter_spec::types::Error { native: error.native.as_ref().map(cut), ..error.clone() }.to_string()
}

/// A number with commas between its thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    grouped_digits(&number.to_string())
}

/// The same for decimal text; anything else stays as it is.
pub(crate) fn grouped_digits(digits: &str) -> String {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return plain(digits);
    }
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as hexadecimal text.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Bytes for people: text in quotes where it is text, else hexadecimal; a long one is cut.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let readable = |text: &&str| !text.is_empty() && !text.chars().any(char::is_control);
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(readable) {
        let shown: String = text.chars().take(SHOWN_BYTES).collect();
        let more =
            if shown.len() < text.len() { format!("… ({} bytes)", bytes.len()) } else { String::new() };
        return format!("\"{}\"{more}", plain(&shown));
    }
    match bytes.split_at_checked(SHOWN_BYTES) {
        Some((shown, rest)) if !rest.is_empty() => format!("{}… ({} bytes)", hex(shown), bytes.len()),
        _ if bytes.is_empty() => "no bytes".into(),
        _ => hex(bytes),
    }
}

/// A block's number and hash.
pub(crate) fn block_ref(block: &BlockRef) -> String {
    format!("{} ({})", block.number, hex(&block.hash))
}

/// The scheme's name in the standard.
#[must_use]
pub fn scheme(scheme: SignatureScheme) -> &'static str {
    match scheme {
        SignatureScheme::EcdsaP256Sha256 => "ecdsa-p256-sha256",
        SignatureScheme::EcdsaSecp256k1Keccak256 => "ecdsa-secp256k1-keccak256",
        SignatureScheme::EcdsaSecp256k1Sha256Canonical => "ecdsa-secp256k1-sha256-canonical",
        SignatureScheme::Sm2Sm3 => "sm2-sm3",
    }
}

/// The transport's name for people.
pub(crate) fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Http => "HTTP",
        Transport::JsonRpc => "JSON-RPC",
        Transport::Grpc => "gRPC",
    }
}

/// Lines of labels and texts.
#[derive(Default)]
pub struct Sheet {
    text: String,
}

impl Sheet {
    /// A line by itself.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(&plain(line));
        self.text.push('\n');
    }

    /// A text under a label, broken between words; the label stands once.
    pub fn field(&mut self, label: &str, text: &str) {
        self.indented(0, LABELS, label, text);
    }

    /// The same, further in.
    pub fn sub_field(&mut self, label: &str, text: &str) {
        self.indented(2, LABELS - 2, label, text);
    }

    /// The same, with so many columns for the labels.
    pub fn wide_field(&mut self, labels: usize, label: &str, text: &str) {
        self.indented(2, labels, label, text);
    }

    fn indented(&mut self, indent: usize, labels: usize, label: &str, text: &str) {
        let label = plain(label);
        let mut line = format!("{:indent$}{label:<labels$} ", "");
        let left = indent + labels + 1;
        if label.chars().count() > labels {
            line = format!("{:indent$}{label}\n{:left$}", "", "");
        }
        let mut column = left;
        for (place, word) in plain(text).split(' ').enumerate() {
            let width = word.chars().count();
            if place > 0 && column + 1 + width > WIDTH {
                line.push('\n');
                line.push_str(&" ".repeat(left));
                column = left;
            } else if place > 0 {
                line.push(' ');
                column += 1;
            }
            line.push_str(word);
            column += width;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// All of it.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(grouped_digits("-5"), "-5");
    }

    #[test]
    fn bytes_are_text_where_they_can_be_and_long_ones_are_cut() {
        assert_eq!(bytes(b"caf\xc3\xa9"), "\"café\"");
        assert_eq!(bytes(&[0, 255]), "0x00ff");
        assert_eq!(bytes(b""), "no bytes");
        assert!(bytes(&[7; 1000]).ends_with("… (1000 bytes)"));
        assert!(bytes("é".repeat(1000).as_bytes()).ends_with("é\"… (2000 bytes)"));
    }

    #[test]
    fn a_long_text_is_broken_between_words_and_stays_in_its_column() {
        let mut sheet = Sheet::default();
        sheet.field("label", &"word ".repeat(30));
        let text = sheet.into_text();
        assert!(text.lines().count() > 1);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with("               word")));
    }
}
