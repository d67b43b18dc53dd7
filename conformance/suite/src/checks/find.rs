//! Whether bytes are in other bytes, in one of the encodings that protocols have.

use memchr::memmem;

/// Whether `haystack` holds `needle` as it is, in hexadecimal, in base64, or as a list of decimal numbers.
pub(super) fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let contains = |haystack: &[u8], needle: &[u8]| memmem::find(haystack, needle).is_some();
    let numbers = || needle.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    // None can be found in bytes that are fewer, and each is longer than the one before.
    contains(haystack, needle)
        || (haystack.len() > needle.len()
            && (in_base64(needle).iter().any(|text| contains(haystack, text))
                || contains(&haystack.to_ascii_lowercase(), hex::encode(needle).as_bytes())
                || contains(haystack, numbers().as_bytes())))
}

/// What of the bytes shows in base64, at each of the three places in a group where they can begin. Short texts show too
/// little to be told from chance, and are left out.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    const DIGITS: [&[u8; 64]; 2] = [
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    ];
    let mut texts = Vec::new();
    for digits in DIGITS {
        for start in 0..3_usize {
            // Whole groups only: the bytes before and behind change the others.
            let whole = bytes.get((3 - start) % 3..).unwrap_or_default();
            let mut text = Vec::new();
            for group in whole.chunks_exact(3) {
                let number = group.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
                let digit = |shift: usize| digits.get(number >> shift & 63).copied().unwrap_or_default();
                text.extend([digit(18), digit(12), digit(6), digit(0)]);
            }
            if text.len() >= 8 {
                texts.push(text);
            }
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_as_they_are_in_hexadecimal_in_base64_and_as_numbers() {
        let needle = b"a secret word";
        for haystack in [
            "this is a secret word.".to_owned(),
            "0x61207365637265742077 6f7264".replace(' ', ""),
            "0X61207365637265742 0776F7264".replace(' ', ""),
            // "xa secret word" and "xya secret word" begin at the other places.
            "eGEgc2VjcmV0IHdvcmQ=".to_owned(),
            "eHlhIHNlY3JldCB3b3Jk".to_owned(),
            "YSBzZWNyZXQgd29yZA==".to_owned(),
            "[97,32,115,101,99,114,101,116,32,119,111,114,100]".to_owned(),
        ] {
            assert!(holds(haystack.as_bytes(), needle), "{haystack}");
        }
        assert!(!holds(b"a secret ward", needle));
        // A digit is no byte.
        assert!(!holds(b"7", &[7]) && holds(b"[7]", &[7]));
    }

    #[test]
    fn bytes_are_found_in_base64_where_two_whole_groups_of_them_show() {
        // At the three places: 6 bytes are two groups at once, 7 and 8 after what fills another's group.
        for (haystack, needle) in
            [("c2VjcmV0", &b"secret"[..]), ("eHlzZWNyZXRz", b"secrets"), ("eHNlY3JldHNz", b"secretss")]
        {
            assert!(holds(haystack.as_bytes(), needle), "{haystack}");
            let shorter = needle.get(..needle.len() - 1).unwrap();
            assert!(!holds(haystack.as_bytes(), shorter), "{haystack}");
        }
        // In both alphabets.
        let in_both = [0xfb, 0xef, 0xff, 0xfb, 0xef, 0xff];
        assert!(holds(b"++//++//", &in_both) && holds(b"--__--__", &in_both));
    }
}
