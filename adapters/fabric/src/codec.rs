//! The adapter's own encodings: kind, version, a check sum, and a protobuf message that is written in one way only.

use adapter_sdk::{
    Imports,
    types::{Error, HashAlgorithm},
};
use prost::Message;

use crate::errors::invalid;

/// Bytes of the check sum: what was cut or mixed up is told from what an earlier version wrote.
const SUM: usize = 8;

/// Writes a message.
pub(crate) fn encode(host: &dyn Imports, kind: u8, version: u8, message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    [&[kind, version], sum(host, &body).as_slice(), &body].concat()
}

/// Reads a message; `what` names it in errors.
pub(crate) fn decode<M: Message + Default>(
    host: &dyn Imports,
    kind: u8,
    version: u8,
    what: &str,
    bytes: &[u8],
) -> Result<M, Error> {
    let broken = || invalid(format!("the {what} does not decode"));
    let (head, rest) = bytes.split_at_checked(2).ok_or_else(broken)?;
    if head != [kind, version] {
        return Err(invalid(format!("the {what} is not of this adapter's version 0")));
    }
    let (stated, body) = rest.split_at_checked(SUM).ok_or_else(broken)?;
    if stated != sum(host, body).as_slice() {
        return Err(broken());
    }
    M::decode(body).map_err(|_| broken())
}

fn sum(host: &dyn Imports, body: &[u8]) -> Vec<u8> {
    let mut hash = host.hash(HashAlgorithm::Sha256, body);
    hash.truncate(SUM);
    hash
}
