//! What unit tests share.

/// The bytes with one bit changed, wherever in them `place` falls; as they are where there are none.
pub(crate) fn changed(bytes: &[u8], place: usize, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(place % length) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}
