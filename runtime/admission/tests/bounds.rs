//! Bounds, from both sides: what is exactly allowed is taken, and what is one more is not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod world;

use berth_admission::{
    Digest,
    audit::{Event, Head},
    certificate::clause_area,
    component,
    dsse::{Envelope, MAX_PAYLOAD_BYTES},
    json::{self, JsonError, MAX_DEPTH, MAX_INTEGER},
    log::merkle::{MAX_SIZE, ProofError, TreeHead},
    memory::Floor,
};
use world::{Attempt, Outcome};

fn check(text: &str) -> Result<(), JsonError> {
    json::check(text.as_bytes(), 1 << 20)
}

#[test]
fn json_is_taken_up_to_its_bounds() {
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    check(&deep(MAX_DEPTH)).unwrap();
    assert_eq!(check(&deep(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
    let objects = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    check(&objects(MAX_DEPTH)).unwrap();
    assert_eq!(check(&objects(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
    // Beside one another is not within one another.
    check(&format!("[{}]", vec!["[]"; 1000].join(","))).unwrap();

    for number in [MAX_INTEGER.to_string(), format!("-{MAX_INTEGER}"), "1.5".into(), "1e15".into()] {
        check(&number).unwrap();
    }
    for number in ["9007199254740992", "-9007199254740992", "1e16", "-1e300", "99999999999999999999999"] {
        assert_eq!(check(number), Err(JsonError::Number), "{number}");
    }

    json::check(b"[1, 2]", 6).unwrap();
    assert_eq!(json::check(b"[1, 2]", 5), Err(JsonError::TooLarge { bytes: 6, allowed: 5 }));
    // The same key in two objects is no repetition.
    check("{\"a\":{\"a\":1},\"b\":{\"a\":1}}").unwrap();
    assert_eq!(check("{\"a\":1,\"b\":2,\"a\":3}"), Err(JsonError::DuplicateKey("a".into())));
    for text in [" true ", "null", "\"\\u0000\"", "-0"] {
        check(text).unwrap();
    }
    for text in ["", "tru", "'a'", "[1,]", "{a:1}", "NaN", "01", "\"\n\""] {
        assert!(matches!(check(text), Err(JsonError::Syntax(_))), "{text}");
    }
}

#[test]
fn a_file_of_exactly_the_allowed_size_is_taken() {
    let mut attempt = Attempt::default();
    attempt.policy.max_file_bytes = attempt.file.len() as u64;
    assert!(matches!(attempt.run(), Outcome::Admitted(_)));
}

#[test]
fn a_list_from_within_the_difference_of_clocks_is_taken() {
    let attempt = Attempt { now: world::time("2026-05-29T23:55:00Z"), ..Attempt::default() };
    assert!(matches!(attempt.run(), Outcome::Admitted(_)));
}

#[test]
fn a_threshold_of_zero_is_met_by_nobody() {
    let envelope = Envelope::unsigned("type", b"payload".to_vec());
    assert!(envelope.verify(&[], 0).is_err());
    let signed = world::signed(envelope, &[1]);
    assert!(signed.verify(&[world::key(1).public().clone()], 0).is_err());
    signed.verify(&[world::key(1).public().clone()], 1).unwrap();
}

#[test]
fn a_payload_of_exactly_the_allowed_size_is_taken() {
    let envelope = |size| Envelope::unsigned("type", vec![b' '; size]).to_json();
    Envelope::from_json(&envelope(MAX_PAYLOAD_BYTES)).unwrap();
    assert!(Envelope::from_json(&envelope(MAX_PAYLOAD_BYTES + 1)).is_err());
}

#[test]
fn the_largest_tree_is_looked_at_and_no_larger_one() {
    let head = |size| TreeHead { size, root: Digest::of(b"root") };
    let path = vec![Digest::of(b"hash"); 40];
    assert_eq!(head(MAX_SIZE).check_inclusion(b"entry", 0, &path), Err(ProofError::OtherRoot));
    let larger = head(MAX_SIZE + 1).check_inclusion(b"entry", 0, &path);
    assert_eq!(larger, Err(ProofError::TreeTooLarge(MAX_SIZE + 1)));
}

#[test]
fn imports_of_what_is_nested_are_not_the_component_s_own() {
    let nested = wat::parse_str(
        "(component (import \"a:b/c\" (instance)) (component (import \"d:e/f\" (instance))) (core module) \
         (import \"g:h/i\" (instance)))",
    )
    .unwrap();
    assert_eq!(component::imports(&nested).unwrap(), ["a:b/c".to_owned(), "g:h/i".to_owned()].into());
}

#[test]
fn a_clause_has_one_spelling() {
    for (clause, area) in [("EVT-1", "EVT"), ("ISO-9999", "ISO"), ("ABCDEFGH-10", "ABCDEFGH")] {
        assert_eq!(clause_area(clause), Some(area));
    }
    let bad = [
        "",
        "-",
        "EVT",
        "EVT-",
        "-1",
        "EVT-0",
        "EVT-01",
        "EVT-10000",
        "EVT-1a",
        "EvT-1",
        "EVT-1 ",
        "A1-1",
        "ABCDEFGHI-1",
    ];
    for clause in bad {
        assert_eq!(clause_area(clause), None, "{clause}");
    }
}

#[test]
fn a_floor_is_raised_by_what_it_learns_and_never_lowered() {
    let taken = |number, version| Event::RevocationList {
        number,
        list: Digest::of(&[number as u8]),
        minimum_security_versions: [("notebook".to_owned(), version)].into(),
    };
    let mut floor = Floor::default();
    floor.learn(&taken(5, 3));
    floor.learn(&taken(4, 2));
    floor.learn(&Event::Torn { bytes: 1 });
    assert_eq!((floor.revocation_number, floor.revocation_list), (5, Some(Digest::of(&[5]))));
    assert_eq!(floor.security_version("notebook"), 3);
    assert_eq!(floor.security_version("ledgerbook"), 0);
    floor.raise_security_version("notebook", 1);
    assert_eq!(floor.security_version("notebook"), 3);
    assert_eq!(floor.audit, Head::empty());
}
