//! Evidence, as it is packed and read again.

use std::{collections::BTreeMap, path::Path};

use berth_lending::recording::Recording;
use berth_suite::{Evidence, EvidenceError, MostRecorded, Testbed};
use serde_json::json;

use crate::made;

fn recording(calls: &serde_json::Value) -> Recording {
    serde_json::from_value(json!({ "version": 1, "salt": "0x00", "calls": calls })).unwrap()
}

/// A run with two recordings, whose verdict names them by `digest`.
fn evidence(digest: &str) -> Evidence {
    let testbed = "name = 'quay'\n[node]\nversion = '7'\n[probe]\n";
    let exchange = json!({ "import": "now-millis", "request": { "clear": null }, "answer": { "clear": 7 } });
    let calls = json!([{ "function": "status", "exchanges": [exchange] }]);
    let mut verdict = made::verdict();
    verdict.evidence = digest.into();
    Evidence {
        version: 1,
        testbed: Testbed::from_toml(testbed, Path::new(""), &BTreeMap::new()).unwrap(),
        only: vec!["ONCE".into()],
        verdict,
        recordings: BTreeMap::from([
            ("FIN-1/never-goes-back".into(), vec![recording(&calls), recording(&json!([]))]),
            ("ONCE-1/only-send-writes".into(), vec![]),
        ]),
    }
}

fn json(evidence: &Evidence) -> String {
    serde_json::to_string(evidence).unwrap()
}

/// The digest of the recordings, as whoever reads them finds it.
fn digest() -> String {
    match Evidence::unpack(&evidence("none").pack().unwrap()) {
        Err(EvidenceError::Digest { actual, named }) => {
            assert_eq!(named, "none");
            actual
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn evidence_reads_back_where_its_verdict_names_its_recordings() {
    use sha2::Digest as _;
    let digest = digest();
    let kept = evidence(&digest);
    let recordings = serde_json::to_vec(&kept.recordings).unwrap();
    assert_eq!(digest, hex::encode(sha2::Sha256::digest(recordings)));
    assert_eq!(json(&Evidence::unpack(&kept.pack().unwrap()).unwrap()), json(&kept));
    let mut other = kept;
    other.recordings.clear();
    assert!(matches!(Evidence::unpack(&other.pack().unwrap()), Err(EvidenceError::Digest { .. })));
}

#[test]
fn evidence_of_another_version_and_what_is_none_are_refused() {
    let other = Evidence { version: 2, ..evidence(&digest()) };
    assert!(matches!(Evidence::unpack(&other.pack().unwrap()), Err(EvidenceError::Version(2))));
    assert!(matches!(Evidence::unpack(b"{}"), Err(EvidenceError::Unpack(_))));
    let empty = zstd::encode_all(&b"{}"[..], 1).unwrap();
    assert!(matches!(Evidence::unpack(&empty), Err(EvidenceError::Malformed(_))));
}

#[test]
fn evidence_is_read_up_to_its_bound_and_no_further() {
    let kept = evidence(&digest());
    let (packed, length) = (kept.pack().unwrap(), json(&kept).len() as u64);
    assert!(Evidence::unpack_at_most(&packed, length).is_ok());
    for most in [0, 1, length / 2, length - 1] {
        let refused = Evidence::unpack_at_most(&packed, most);
        assert!(matches!(refused, Err(EvidenceError::TooLarge { most: said }) if said == most), "{most}");
    }
}

#[test]
fn a_run_may_record_more_than_a_check_and_less_than_evidence_may_have() {
    let most = MostRecorded::default();
    // With room for the wordiest check and the wordiest run of an honest adapter.
    assert!((64 << 20) < most.check && most.check < most.run);
    assert!((384 << 20) < most.run && most.run < 1 << 30);
}
