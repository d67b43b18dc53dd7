//! Bounds, from both sides: what is exactly allowed is taken, and what is one more is not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod world;

use berth_admission::{
    Admission, Denial, Digest, Past, Places, Policy,
    admit::ListDenied,
    audit::{AuditError, AuditLog, Event, Head, MAX_LINE_BYTES, RECENT},
    certificate::{clause_area, is_name},
    component::{self, ComponentFault},
    dsse::{Envelope, MAX_PAYLOAD_BYTES},
    json::{self, JsonError, MAX_DEPTH, MAX_INTEGER},
    log::merkle::{MAX_SIZE, ProofError, TreeHead},
    log::{
        note::{MAX_NOTE_BYTES, MAX_SIGNATURES, NoteError, SignedNote, Witness},
        proof::{LogProof, LogProofError},
    },
    memory::{Floor, Memory, MemoryError},
    policy::{MAX_POLICY_BYTES, PolicyError},
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

#[test]
fn a_number_written_with_an_exponent_has_the_same_bound() {
    check("9007199254740991e0").unwrap();
    assert_eq!(check("9007199254740992e0"), Err(JsonError::Number));
}

#[test]
fn a_component_imports_as_many_as_the_bound_and_no_more() {
    let of = |count: usize| {
        let names: Vec<_> = (0..count).map(|number| format!("a:b/c{number}")).collect();
        component::imports(&world::component(&names.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    assert_eq!(of(256).unwrap().len(), 256);
    assert!(matches!(of(257), Err(ComponentFault::TooManyImports)));
}

#[test]
fn a_name_has_digits_and_hyphens_and_at_most_64_characters() {
    for name in ["a", "7", "-", "two-words-2", &"a".repeat(64)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "A", "a b", "a_b", "ä", &"a".repeat(65)] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn a_witness_s_name_has_no_space_no_control_character_and_no_plus() {
    for name in ["witness.example/one", &"w".repeat(256)] {
        assert!(Witness::is_key_name(name), "{name}");
    }
    for name in ["", "a b", "a+b", "a\u{7f}b", "a\u{a0}b", &"w".repeat(257)] {
        assert!(!Witness::is_key_name(name), "{name:?}");
    }
}

#[test]
fn a_note_is_read_up_to_its_size_and_its_number_of_signatures() {
    let mut note = SignedNote::unsigned("text\n".to_owned());
    (0..MAX_SIGNATURES).for_each(|number| note.sign(&format!("w{number}"), &world::key(1)));
    assert_eq!(SignedNote::parse(&note.to_string()).unwrap().signatures.len(), MAX_SIGNATURES);
    note.sign("one-more", &world::key(1));
    assert!(matches!(SignedNote::parse(&note.to_string()), Err(NoteError::TooLarge)));

    let of_size = |size: usize| {
        let mut note = SignedNote::unsigned("text\n".to_owned());
        note.sign("w", &world::key(1));
        let missing = size - note.to_string().len();
        note.text = format!("{}text\n", "t".repeat(missing));
        note.to_string()
    };
    SignedNote::parse(&of_size(MAX_NOTE_BYTES)).unwrap();
    assert!(matches!(SignedNote::parse(&of_size(MAX_NOTE_BYTES + 1)), Err(NoteError::TooLarge)));
}

#[test]
fn a_proof_is_read_up_to_its_size_and_its_number_of_hashes() {
    let of = |hashes: usize, size: usize| {
        let path = vec![Digest::of(b"hash"); hashes];
        let mut text = LogProof { index: 0, path, checkpoint: String::new() }.to_string();
        text.push_str(&"c".repeat(size.saturating_sub(text.len())));
        LogProof::parse(&text)
    };
    assert_eq!(of(64, 0).unwrap().path.len(), 64);
    assert!(matches!(of(65, 0), Err(LogProofError::Form("too many hashes"))));
    of(1, MAX_NOTE_BYTES + 8192).unwrap();
    assert!(matches!(of(1, MAX_NOTE_BYTES + 8193), Err(LogProofError::Form("too large"))));
}

#[test]
fn a_policy_file_is_read_up_to_its_size() {
    let of = |size: usize| Policy::from_toml("#".repeat(size).as_bytes());
    assert!(!matches!(of(MAX_POLICY_BYTES), Err(PolicyError::TooLarge(_))));
    assert!(matches!(of(MAX_POLICY_BYTES + 1), Err(PolicyError::TooLarge(_))));
}

#[test]
fn a_line_of_the_audit_log_is_written_up_to_its_bound_and_a_longer_one_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let denied = |bytes| Event::Denied {
        component: Digest::of(b"file"),
        step: "step".into(),
        reason: "r".repeat(bytes),
    };
    let length = |log: &std::path::Path| std::fs::read(log).unwrap().len();
    let mut log = AuditLog::open(&path, world::now(), |_, _| {}).unwrap();
    log.append(world::now(), denied(0)).unwrap();
    let bare = length(&path) - 1;
    log.append(world::now(), denied(MAX_LINE_BYTES - bare)).unwrap();
    assert_eq!(length(&path), bare + 1 + MAX_LINE_BYTES + 1);
    for more in [1, 2, MAX_LINE_BYTES] {
        let refused = log.append(world::now(), denied(MAX_LINE_BYTES - bare + more));
        assert!(matches!(refused, Err(AuditError::LineTooLarge(_))), "{more}");
    }
    drop(log);
    let head = AuditLog::open(&path, world::now(), |_, _| {}).unwrap().head();
    assert_eq!(head.lines, 2);
}

#[test]
fn an_open_audit_log_has_its_last_lines_at_hand_also_after_it_was_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let numbers = |log: &AuditLog| log.recent().map(|record| record.sequence).collect::<Vec<_>>();
    let mut log = AuditLog::open(&path, world::now(), |_, _| {}).unwrap();
    assert_eq!(numbers(&log), [] as [u64; 0]);
    for bytes in 0..RECENT as u64 + 3 {
        log.append(world::now(), Event::Torn { bytes }).unwrap();
    }
    let expected: Vec<_> = (3..RECENT as u64 + 3).rev().collect();
    assert_eq!(numbers(&log), expected);
    drop(log);
    assert_eq!(numbers(&AuditLog::open(&path, world::now(), |_, _| {}).unwrap()), expected);
}

#[test]
fn what_is_torn_off_the_audit_log_is_no_longer_than_a_line() {
    for (bytes, is_torn) in [(MAX_LINE_BYTES + 1, true), (MAX_LINE_BYTES + 2, false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, vec![b'x'; bytes]).unwrap();
        let opened = AuditLog::open(&path, world::now(), |_, _| {});
        assert_eq!(opened.is_ok(), is_torn, "{bytes}");
    }
}

#[test]
fn a_floor_of_the_number_that_was_seen_does_not_make_another_list_of_that_number_welcome() {
    let folder = tempfile::tempdir().unwrap();
    let places =
        Places { memory: folder.path().join("memory.json"), audit: folder.path().join("audit.jsonl") };
    let mut policy = world::policy();
    let (list, mut other) = (world::list(), world::list());
    other.issued += jiff::SignedDuration::from_secs(1);
    let door = Admission::open(policy.clone(), &places, Past::Whole, world::now()).unwrap();
    door.take_revocation_list(&world::signed_list(&list, &[2, 3]), world::now()).unwrap();
    drop(door);
    policy.floors.revocation_number = list.number;
    let door = Admission::open(policy, &places, Past::Whole, world::now()).unwrap();
    let taken = door.take_revocation_list(&world::signed_list(&other, &[2, 3]), world::now());
    assert!(matches!(taken, Err(ListDenied::Contradiction(7))), "{taken:?}");
}

#[test]
fn a_security_version_of_zero_is_nothing_to_remember() {
    let mut floor = Floor::default();
    floor.raise_security_version("notebook", 0);
    assert_eq!(floor, Floor::default());
    floor.raise_security_version("notebook", 2);
    floor.raise_security_version("notebook", 1);
    assert_eq!(floor.security_version("notebook"), 2);
}

#[test]
fn keys_and_digests_are_shown_by_their_digits_and_refused_signatures_by_their_fault() {
    let (digest, key) = (Digest::of(b"file"), world::key(1));
    assert_eq!(format!("{digest:?}"), digest.to_string());
    assert_eq!(format!("{:?}", key.public()), format!("PublicKey({})", key.public().id()));
    let signed = world::signed(Envelope::unsigned("type", b"payload".to_vec()), &[1]);
    let refused = signed.verify(&[world::key(2).public().clone()], 1).unwrap_err().to_string();
    assert!(refused.contains("signature 0: "), "{refused}");
}

#[test]
fn a_policy_trusts_up_to_sixteen_certifiers() {
    let of = |count: u8| {
        let mut policy = world::policy();
        policy.certifiers.keys =
            (1..=count).map(|number| world::key(100 + number).public().clone()).collect();
        policy.check()
    };
    of(16).unwrap();
    assert!(matches!(of(17), Err(PolicyError::TooManyKeys { .. })));
}

#[test]
fn a_certificate_names_the_versions_that_were_tested() {
    for versions in [Vec::new(), vec![String::new()], vec!["7\n".to_owned()], vec!["7".to_owned(); 257]] {
        let mut attempt = Attempt::default();
        attempt.certificate.framework.versions_tested = versions.clone();
        assert!(matches!(attempt.run(), Outcome::Denied(_)), "{versions:?}");
    }
}

#[test]
fn a_policy_says_in_words_what_it_does_not_let_run() {
    use berth_admission::certificate::Tier;
    for (tier, words) in [(Tier::Component, "let components run"), (Tier::Native, "let native plug-ins run")]
    {
        assert!(Denial::TierNotAllowed(tier).to_string().ends_with(words), "{tier}");
    }
}

#[test]
fn a_memory_that_cannot_be_read_is_not_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::at(&folder.path().join("memory.json"));
    assert_eq!(memory.read().unwrap(), None);
    // A folder can be opened as a file, and not read.
    let memory = Memory::at(folder.path());
    assert!(matches!(memory.read(), Err(MemoryError::File { .. })));
}

/// An admission that has seen this list, in a folder of its own.
fn door(list: &berth_admission::revocation::RevocationList) -> (tempfile::TempDir, Places, Admission) {
    let folder = tempfile::tempdir().unwrap();
    let places =
        Places { memory: folder.path().join("memory.json"), audit: folder.path().join("audit.jsonl") };
    let door = Admission::open(world::policy(), &places, Past::Whole, world::now()).unwrap();
    door.take_revocation_list(&world::signed_list(list, &[2, 3]), world::now()).unwrap();
    (folder, places, door)
}

#[test]
fn what_has_just_the_lowest_security_version_stays_in() {
    let mut list = world::list();
    list.demand_security_version("notebook", world::certificate().adapter.security_version);
    let (_folder, _, door) = door(&list);
    let issued = Attempt::default().issue();
    let admitted = door.admit(issued.file.into(), &world::terms(Some(&issued.json)), world::now()).unwrap();
    door.recheck(&admitted, world::now()).unwrap();
}

#[test]
fn the_audit_log_says_why_somebody_was_not_let_in() {
    let (_folder, places, door) = door(&world::list());
    let issued = Attempt::default().issue();
    let denial = door.admit(issued.file.into(), &world::terms(None), world::now()).unwrap_err();
    drop(door);
    let mut reasons = Vec::new();
    AuditLog::read(&places.audit, |record, _| {
        if let Event::Denied { reason, .. } = &record.event {
            reasons.push(reason.clone());
        }
    })
    .unwrap();
    assert_eq!(reasons, [denial.to_string()]);
}
