//! Server-sent events, as they come in pieces.

/// The most bytes of one event.
const MOST: usize = 16 << 20;

/// One event of the stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) kind: String,
    pub(super) data: String,
    pub(super) id: Option<String>,
}

/// What has come and was not taken.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Takes a piece in; false where there is no end to an event.
    pub(super) fn push(&mut self, piece: &[u8]) -> bool {
        self.bytes.extend_from_slice(piece);
        self.bytes.len() <= MOST
    }

    /// The next whole event.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
            let whole: Vec<u8> = self.bytes.drain(..end + 2).collect();
            let mut line = Line::default();
            for field in String::from_utf8_lossy(&whole).lines() {
                let Some((name, value)) = field.split_once(':') else { continue };
                let value = value.strip_prefix(' ').unwrap_or(value);
                match name {
                    "event" => value.clone_into(&mut line.kind),
                    "id" => line.id = Some(value.to_owned()),
                    "data" if line.data.is_empty() => value.clone_into(&mut line.data),
                    "data" => line.data.push_str(&format!("\n{value}")),
                    // A comment, which says that somebody is there.
                    _ => {}
                }
            }
            if !line.data.is_empty() {
                return Some(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut_and_comments_are_none() {
        let text = ":\n\nevent: event\ndata: {\"a\":\ndata: 1}\nid: 07\n\nevent: scanned\ndata: 2\n\n";
        let mut lines = Lines::default();
        let mut heard = Vec::new();
        for byte in text.bytes() {
            assert!(lines.push(&[byte]));
            heard.extend(lines.next());
        }
        let first = Line { kind: "event".into(), data: "{\"a\":\n1}".into(), id: Some("07".into()) };
        let second = Line { kind: "scanned".into(), data: "2".into(), id: None };
        assert_eq!(heard, [first, second]);
    }

    #[test]
    fn an_event_without_an_end_is_not_collected_for_ever() {
        let mut lines = Lines::default();
        assert!(lines.push(&vec![b'a'; MOST]));
        assert!(!lines.push(b"a"));
    }
}
