//! The verdict as JSON: one text for one verdict.

use serde::Serialize;

/// Canonical JSON: keys sorted by their bytes, no spaces, no line's end. Numbers are integers, so that there is one way
/// to write each.
#[must_use]
pub fn canonical(value: &impl Serialize) -> String {
    let Ok(mut value) = serde_json::to_value(value) else { return String::new() };
    // Sorted already, unless some crate of the build turns on `preserve_order`.
    value.sort_all_objects();
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Record {
        z: u8,
        a: Inner,
    }

    #[derive(Serialize)]
    struct Inner {
        y: [Option<u8>; 2],
        b: &'static str,
    }

    #[test]
    fn keys_are_sorted_at_every_depth_and_nothing_is_spaced() {
        let record = Record { z: 1, a: Inner { y: [None, Some(2)], b: "x\ny" } };
        assert_eq!(canonical(&record), r#"{"a":{"b":"x\ny","y":[null,2]},"z":1}"#);
    }
}
