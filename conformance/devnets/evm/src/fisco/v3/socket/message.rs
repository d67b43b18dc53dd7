//! The frame around everything that is said over a websocket of 3.x (`bcos-boostssl/websocket/WsMessage.h`): version, type,
//! status, length of the number, number, flags, then the payload up to the end; all big-endian.

use thiserror::Error;

/// What a message is about (`bcos-framework/protocol/Protocol.h`).
pub mod kind {
    /// The first request of a client, and its answer.
    pub const HANDSHAKE: u16 = 0x100;
    /// A group has a new block.
    pub const BLOCK: u16 = 0x101;
    /// A JSON-RPC request.
    pub const RPC: u16 = 0x102;
    /// A client wants to be told of events.
    pub const SUBSCRIBE: u16 = 0x120;
    /// It does not any more.
    pub const UNSUBSCRIBE: u16 = 0x121;
    /// Events.
    pub const EVENTS: u16 = 0x122;
    /// The node gives the answer to a JSON-RPC request no type; the client knows it by its number.
    pub const RPC_ANSWER: u16 = 0;
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Zero so far.
    pub version: u16,
    /// What it is about, one of [`kind`].
    pub kind: u16,
    /// Zero where all is well.
    pub status: i16,
    /// By which the client knows the answer: 32 hexadecimal digits of its choice. Nothing in what the node says by itself.
    pub seq: Vec<u8>,
    /// Flags; bit 0 is for answers, but the node does not set it.
    pub ext: u16,
    /// JSON, in all messages that are read or written here.
    pub payload: Vec<u8>,
}

/// A message that ends before its head does.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the message ends before its head does")]
pub struct BrokenOff;

impl Message {
    /// What the node says by itself.
    #[must_use]
    pub fn news(kind: u16, payload: impl Into<Vec<u8>>) -> Self {
        Message { kind, payload: payload.into(), ..Message::default() }
    }

    /// The same with another payload: an answer is known by its number.
    #[must_use]
    pub fn answered(self, payload: impl Into<Vec<u8>>) -> Self {
        Message { payload: payload.into(), ..self }
    }

    /// The bytes. A number of more than 65535 bytes, which no message that was read can have, is cut.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.seq.len()).unwrap_or(u16::MAX);
        let mut bytes =
            Vec::with_capacity(self.seq.len().saturating_add(self.payload.len()).saturating_add(10));
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(self.kind.to_be_bytes());
        bytes.extend(self.status.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.seq.iter().take(length.into()));
        bytes.extend(self.ext.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads what [`Message::encode`] writes.
    ///
    /// # Errors
    /// When it ends too early.
    pub fn decode(bytes: &[u8]) -> Result<Self, BrokenOff> {
        let (&[v0, v1, k0, k1, s0, s1, l0, l1], rest) = bytes.split_first_chunk().ok_or(BrokenOff)?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (seq, rest) = rest.split_at_checked(length).ok_or(BrokenOff)?;
        let (ext, payload) = rest.split_first_chunk().ok_or(BrokenOff)?;
        Ok(Message {
            version: u16::from_be_bytes([v0, v1]),
            kind: u16::from_be_bytes([k0, k1]),
            status: i16::from_be_bytes([s0, s1]),
            seq: seq.to_vec(),
            ext: u16::from_be_bytes(*ext),
            payload: payload.to_vec(),
        })
    }
}
