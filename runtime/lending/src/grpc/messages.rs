//! Messages out of an answer's bytes.

use adapter_spec::types::transport::{Failure, GrpcFailure};
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{PREFIX, interrupted, status};
use crate::http::causes;

/// The messages of one answer, in order.
pub(super) struct Messages {
    body: Incoming,
    buffer: Buffer,
    /// How the answer ended, once it has.
    end: Option<Result<(), GrpcFailure>>,
}

impl Messages {
    pub(super) fn new(body: Incoming, cap: u64) -> Self {
        Messages { body, buffer: Buffer { bytes: BytesMut::new(), cap }, end: None }
    }

    /// The next message; none at the end. Dropping the future loses nothing; after the end it comes to the same again.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, GrpcFailure> {
        loop {
            if let Some(end) = &self.end {
                return end.clone().map(|()| None);
            }
            match self.buffer.take() {
                Ok(Some(message)) => return Ok(Some(message)),
                Ok(None) => {}
                Err(failure) => {
                    self.end = Some(Err(failure));
                    continue;
                }
            }
            match self.body.frame().await {
                None => self.end = Some(Err(interrupted("the server's answer ended without a status"))),
                Some(Err(error)) => self.end = Some(Err(interrupted(causes(&error)))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.buffer.push(data),
                    Err(frame) => {
                        let trailers = frame.into_trailers().unwrap_or_default();
                        self.end = Some(self.ended(&trailers));
                    }
                },
            }
        }
    }

    fn ended(&self, trailers: &http::HeaderMap) -> Result<(), GrpcFailure> {
        if let Some(status) = status::read(trailers)? {
            return Err(GrpcFailure::Status(status));
        }
        if status::code(trailers)?.is_none() {
            return Err(interrupted("the server's answer ended without a status"));
        }
        if !self.buffer.bytes.is_empty() {
            return Err(interrupted("the server's answer ended within a message"));
        }
        Ok(())
    }
}

/// Bytes that are no whole message yet. Holds at most the cap and one frame.
struct Buffer {
    bytes: BytesMut,
    cap: u64,
}

impl Buffer {
    fn push(&mut self, data: Bytes) {
        self.bytes.extend_from_slice(&data);
    }

    /// The next whole message, if it is there.
    fn take(&mut self) -> Result<Option<Vec<u8>>, GrpcFailure> {
        let Some((prefix, rest)) = self.bytes.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let [compressed, length @ ..] = *prefix;
        if compressed != 0 {
            return Err(interrupted("the server's message is compressed, which nobody asked for"));
        }
        let length = u32::from_be_bytes(length);
        if u64::from(length) > self.cap {
            return Err(GrpcFailure::Transport(Failure::TooLarge(self.cap)));
        }
        let length = length as usize;
        if rest.len() < length {
            return Ok(None);
        }
        self.bytes.advance(PREFIX);
        Ok(Some(self.bytes.split_to(length).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        [&[0], &u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
    }

    #[test]
    fn a_length_beyond_the_cap_is_refused_before_its_bytes_come() {
        let mut buffer = Buffer { bytes: BytesMut::new(), cap: 100 };
        buffer.push(Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]));
        assert_eq!(buffer.take(), Err(GrpcFailure::Transport(Failure::TooLarge(100))));
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_they_are_cut(
            messages in vec(vec(any::<u8>(), 0..30), 0..6), cut in 1_usize..20,
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
            let mut buffer = Buffer { bytes: BytesMut::new(), cap: 30 };
            let mut seen = Vec::new();
            for piece in bytes.chunks(cut) {
                buffer.push(Bytes::copy_from_slice(piece));
                while let Some(message) = buffer.take().unwrap() {
                    seen.push(message);
                }
            }
            prop_assert_eq!(seen, messages);
            prop_assert!(buffer.bytes.is_empty());
        }

        #[test]
        fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..100)) {
            let mut buffer = Buffer { bytes: BytesMut::new(), cap: 50 };
            buffer.push(bytes.into());
            while let Ok(Some(_)) = buffer.take() {}
        }
    }
}
