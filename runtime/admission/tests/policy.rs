//! The policy file: what an operator writes, and mistakes that must not open the door.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod world;

use berth_admission::{
    Mode, Policy,
    certificate::Tier,
    policy::{PolicyError, STANDARD_IMPORTS},
};

fn text() -> String {
    let pem = |number| world::key(number).public().to_pem().unwrap();
    format!(
        r#"
version = 1
levels = ["core", "store"]
max_age_days = 400

[certifiers]
threshold = 2
keys = ["""
{}""", """
{}"""]

[log]
origin = "log.example/certificates"
threshold = 1

[[log.witnesses]]
name = "witness.example/one"
key = """
{}"""

[[standards]]
version = "0.1.0"

[[suites]]
version = "0.1.0"
digest = "{}"

[limits]
memory_bytes = 134_217_728

[floors]
revocation_number = 7
security_versions = {{ notebook = 4 }}
"#,
        pem(1),
        pem(2),
        pem(world::WITNESS_KEY),
        world::release("suite").digest.sha256,
    )
}

fn refused(from: &str, to: &str) -> PolicyError {
    let text = text();
    assert!(text.contains(from), "{from}");
    Policy::from_toml(text.replacen(from, to, 1).as_bytes()).unwrap_err()
}

#[test]
fn a_policy_is_read_and_what_it_leaves_out_is_strict() {
    let policy = Policy::from_toml(text().as_bytes()).unwrap();
    assert_eq!(policy.mode, Mode::Enforce);
    assert_eq!(policy.tiers, [Tier::Component].into());
    assert_eq!(policy.waivers.maximum, 0);
    assert_eq!(policy.imports, STANDARD_IMPORTS.map(str::to_owned).into());
    assert_eq!((policy.max_file_bytes, policy.ceiling().memory_bytes), (64 << 20, 128 << 20));
    assert_eq!(policy.floors.security_versions["notebook"], 4);
    assert_eq!(policy.ceiling().handles, u64::MAX);
}

#[test]
fn a_mistyped_key_is_an_error_and_not_ignored() {
    for (from, to) in [
        ("max_age_days", "max_age_day"),
        ("memory_bytes", "memory_byte"),
        ("revocation_number", "revocation_nr"),
        ("levels", "level"),
    ] {
        assert!(matches!(refused(from, to), PolicyError::Syntax(_)), "{to}");
    }
}

#[test]
fn a_key_written_twice_is_an_error() {
    assert!(matches!(
        refused("version = 1", "version = 1\nmode = \"off\"\nmode = \"enforce\""),
        PolicyError::Syntax(_)
    ));
}

#[test]
fn what_can_never_be_kept_is_refused() {
    assert!(matches!(refused("version = 1", "version = 2"), PolicyError::Version(2)));
    let zero = refused("threshold = 2", "threshold = 0");
    assert!(matches!(zero, PolicyError::Threshold { of: "certifiers", threshold: 0, keys: 2 }));
    let three = refused("threshold = 2", "threshold = 3");
    assert!(matches!(three, PolicyError::Threshold { of: "certifiers", threshold: 3, keys: 2 }));
    let none = refused("threshold = 1", "threshold = 0");
    assert!(matches!(none, PolicyError::Threshold { of: "witnesses", .. }));
    let suites = refused("[[suites]]\nversion = \"0.1.0\"\n", "[[standards]]\nversion = \"0.1.1\"\n");
    assert!(matches!(suites, PolicyError::NothingAccepted("release of the suite")));
    assert!(matches!(refused("[\"core\", \"store\"]", "[]"), PolicyError::NothingAccepted("level")));
    let no_tier = refused("version = 1", "version = 1\ntiers = []");
    assert!(matches!(no_tier, PolicyError::NothingAccepted("tier")));
    let name = refused("witness.example/one", "witness one");
    assert!(matches!(name, PolicyError::Name(name) if name == "witness one"));
    let origin = refused("log.example/certificates", "");
    assert!(matches!(origin, PolicyError::Name(name) if name.is_empty()));
}

#[test]
fn keys_are_counted_by_what_they_are() {
    let pem = |number| world::key(number).public().to_pem().unwrap();
    let twice = refused(&pem(2), &pem(1));
    assert!(matches!(twice, PolicyError::DuplicateKey { of: "certifiers", .. }));
    let watched = refused(&pem(world::WITNESS_KEY), &pem(2));
    assert!(matches!(watched, PolicyError::WitnessIsCertifier { .. }));
    let mut policy = world::policy();
    policy.certifiers.keys = (1..=17).map(|number| world::key(number).public().clone()).collect();
    assert!(matches!(policy.check(), Err(PolicyError::TooManyKeys { of: "certifiers" })));
}

#[test]
fn no_clause_that_cannot_be_waived_is_forgiven() {
    for clause in ["ISO-1", "LIM-9", "KEYS-20", "ONCE-3", "evt-1", "EVT", ""] {
        let waivers = format!("[waivers]\nmaximum = 1\nclauses = [\"{clause}\"]\n[limits]");
        assert!(matches!(refused("[limits]", &waivers), PolicyError::NeverWaived(_)), "{clause}");
    }
    let fits = text().replacen("[limits]", "[waivers]\nmaximum = 1\nclauses = [\"EVT-4\"]\n[limits]", 1);
    Policy::from_toml(fits.as_bytes()).unwrap();
}

#[test]
fn size_and_encoding_are_looked_at_first() {
    assert!(matches!(Policy::from_toml(&[b' '; 300_000]), Err(PolicyError::TooLarge(300_000))));
    assert!(matches!(Policy::from_toml(b"\xff"), Err(PolicyError::NotUtf8)));
}

#[test]
fn a_policy_that_is_off_needs_nothing_else() {
    assert_eq!(Policy::from_toml(b"version = 1\nmode = \"off\"").unwrap(), Policy::off());
}
