//! The door: what is let in, what is remembered, and what is written down.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod world;

use std::{fs, path::Path, sync::Arc};

use berth_admission::{
    Admission, Admitted, Bundle, Denial, Digest, Mode, Past, Places, Policy,
    admit::{ListDenied, OpenError, read_once},
    audit::{AuditError, AuditLog, Event, Record},
    certificate::{Certificate, FIELDS, Limits, Tier, Waiver},
    revocation::{Revoked, RevokedKind},
};
use serde_json::json;
use world::{Attempt, Outcome, now, terms, time};

fn places(folder: &Path) -> Places {
    Places { memory: folder.join("memory.json"), audit: folder.join("audit.jsonl") }
}

fn open(folder: &Path) -> Admission {
    Admission::open(world::policy(), &places(folder), Past::Whole, now()).unwrap()
}

/// A door with a list in force.
fn ready(folder: &Path) -> Admission {
    let door = open(folder);
    door.take_revocation_list(&world::signed_list(&world::list(), &[1, 2]), now()).unwrap();
    door
}

fn issued_with_security_version(version: u64) -> world::Issued {
    let mut attempt = Attempt::default();
    attempt.certificate.adapter.security_version = version;
    attempt.issue()
}

fn admit(door: &Admission, issued: &world::Issued) -> Result<Admitted, Denial> {
    door.admit(issued.file.clone().into(), &terms(Some(&issued.json)), now())
}

fn admitted(attempt: &Attempt) -> Admitted {
    match attempt.run() {
        Outcome::Admitted(admitted) => *admitted,
        other => panic!("{other:?}"),
    }
}

fn records(folder: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    AuditLog::read(&places(folder).audit, |record, _| records.push(record.clone())).unwrap();
    records
}

// ---- What is let in ---------------------------------------------------------------------------------------

#[test]
fn a_file_swapped_on_disk_after_it_was_read_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let issued = Attempt::default().issue();
    let path = folder.path().join("notebook.wasm");
    fs::write(&path, &issued.file).unwrap();
    let file = read_once(&path, 1 << 20).unwrap();
    fs::write(&path, "something else").unwrap();
    let admitted = ready(folder.path()).admit(file, &terms(Some(&issued.json)), now()).unwrap();
    assert_eq!(admitted.bytes().as_ref(), issued.file);
    assert_eq!(admitted.digest(), Digest::of(&issued.file));
}

#[test]
fn a_file_is_read_no_further_than_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [0; 100]).unwrap();
    assert_eq!(read_once(&path, 100).unwrap().len(), 100);
    assert!(read_once(&path, 99).is_err());
}

#[test]
fn a_field_that_is_unknown_and_not_critical_is_ignored() {
    let attempt = Attempt {
        edit_statement: |statement| statement["predicate"]["mascot"] = json!({"animal": "heron"}),
        ..Attempt::default()
    };
    admitted(&attempt);
}

#[test]
fn more_signers_than_needed_do_no_harm() {
    admitted(&Attempt { signers: vec![3, 20, 1, 2], ..Attempt::default() });
}

#[test]
fn signatures_without_key_ids_count_as_well() {
    let attempt = Attempt {
        edit_signed: |envelope| envelope.signatures.iter_mut().for_each(|one| one.key_id = None),
        ..Attempt::default()
    };
    admitted(&attempt);
}

#[test]
fn url_safe_base64_and_white_space_change_nothing() {
    let attempt = Attempt {
        edit_json: |json| {
            let mut bundle: serde_json::Value = serde_json::from_slice(&json).unwrap();
            let payload =
                bundle["certificate"]["payload"].as_str().unwrap().replace('+', "-").replace('/', "_");
            bundle["certificate"]["payload"] = json!(payload);
            format!("\n\t{bundle}\r\n ").into_bytes()
        },
        ..Attempt::default()
    };
    admitted(&attempt);
}

#[test]
fn a_certificate_holds_from_its_first_moment_to_its_last() {
    let mut attempt = Attempt::default();
    attempt.certificate.issued = now();
    attempt.certificate.not_before = now();
    attempt.certificate.not_after = now() + jiff::SignedDuration::from_nanos(1);
    admitted(&attempt);
}

#[test]
fn a_certificate_is_young_enough_on_the_last_day_that_the_policy_allows() {
    let mut attempt = Attempt::default();
    attempt.policy.max_age_days = Some(31);
    admitted(&attempt);
}

#[test]
fn a_waiver_that_the_policy_forgives_lets_in() {
    let mut attempt = Attempt::default();
    attempt.policy.waivers.clauses = Some(["EVT-4".into()].into());
    attempt.certificate.counts.waived = 2;
    let until = time("2026-06-01T00:00:01Z");
    attempt.certificate.waivers =
        vec![Waiver { clause: "EVT-4".into(), reason: "mended soon".into(), until }];
    admitted(&attempt);
}

#[test]
fn native_code_is_let_in_where_the_policy_names_the_tier() {
    let mut attempt = Attempt { file: b"\x7fELF program".to_vec(), tier: Tier::Native, ..Attempt::default() };
    attempt.certificate.tier = Tier::Native;
    attempt.certificate.imports.clear();
    attempt.policy.tiers.insert(Tier::Native);
    let admitted = admitted(&attempt);
    assert_eq!(admitted.tier(), Tier::Native);
    assert!(admitted.imports().is_empty());
}

#[test]
fn lower_limits_than_certified_are_taken_as_asked() {
    let wanted = Limits { memory_bytes: 1 << 20, ..world::limits() };
    let admitted = admitted(&Attempt { limits: Some(wanted), ..Attempt::default() });
    assert_eq!(*admitted.limits(), wanted);
}

#[test]
fn without_a_wish_the_certified_limits_and_the_true_imports_hold() {
    let mut attempt = Attempt::default();
    attempt.certificate.imports.insert("bsn:framework/state@0.1.0".into());
    let admitted = admitted(&attempt);
    assert_eq!(*admitted.limits(), world::limits());
    // Certified, and not imported: not to be lent.
    assert_eq!(*admitted.imports(), world::IMPORTS.map(str::to_owned).into());
}

#[test]
fn a_revocation_of_something_else_revokes_nothing() {
    let attempt = Attempt {
        edit_list: |list, issued| {
            let entry = |kind, digest| Revoked { kind, digest, reason: "other".into(), when: now() };
            // Each digest under the other's kind.
            list.revoke(entry(RevokedKind::Component, issued.certificate));
            list.revoke(entry(RevokedKind::Certificate, Digest::of(&issued.file)));
        },
        ..Attempt::default()
    };
    admitted(&attempt);
}

#[test]
fn every_field_of_a_certificate_can_be_critical() {
    let mut certificate = world::certificate();
    certificate.critical = FIELDS.map(str::to_owned).into();
    certificate.check().unwrap();
    let value = serde_json::to_value(&certificate).unwrap();
    let mut written: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut fields = FIELDS.to_vec();
    written.sort_unstable();
    fields.sort_unstable();
    assert_eq!(written, fields);
    assert_eq!(serde_json::from_value::<Certificate>(value).unwrap(), certificate);
}

// ---- Modes ------------------------------------------------------------------------------------------------

#[test]
fn off_lets_everything_in_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let door = Admission::open(Policy::off(), &places(folder.path()), Past::Whole, now()).unwrap();
    let admitted = door.admit(Arc::from(b"anything".as_slice()), &terms(None), now()).unwrap();
    assert_eq!((admitted.mode(), admitted.certificate()), (Mode::Off, None));
    let records = records(folder.path());
    assert!(matches!(records[0].event, Event::Admitted { mode: Mode::Off, certificate: None, .. }));
}

#[test]
fn warn_lets_in_without_a_certificate_and_says_why_it_should_not() {
    let mut attempt = Attempt { bundle_is_there: false, ..Attempt::default() };
    attempt.policy.mode = Mode::Warn;
    let admitted = admitted(&attempt);
    assert!(matches!(admitted.warning(), Some(Denial::NoBundle)));
    assert_eq!(admitted.limits().memory_bytes, 128 << 20);
}

#[test]
fn warn_lets_in_without_a_revocation_list_and_says_why_it_should_not() {
    let mut attempt = Attempt { list: None, ..Attempt::default() };
    attempt.policy.mode = Mode::Warn;
    let admitted = admitted(&attempt);
    assert!(matches!(admitted.warning(), Some(Denial::NoRevocationList)));
    assert!(admitted.certificate().is_some());
}

#[test]
fn warn_does_not_believe_a_certificate_that_strangers_signed() {
    // It certifies more than the policy allows, and is signed by nobody who counts.
    let mut attempt = Attempt { signers: vec![20, 21], ..Attempt::default() };
    attempt.policy.mode = Mode::Warn;
    attempt.certificate.limits.memory_bytes = 1 << 30;
    let admitted = admitted(&attempt);
    assert!(admitted.certificate().is_none());
    assert_eq!(admitted.limits().memory_bytes, 128 << 20);
}

#[test]
fn warn_still_holds_to_certified_imports() {
    let mut attempt = Attempt { list: None, ..Attempt::default() };
    attempt.policy.mode = Mode::Warn;
    attempt.certificate.imports = [world::IMPORTS[0].to_owned()].into();
    assert!(matches!(attempt.run(), Outcome::Denied(Denial::ImportNotCertified(_))));
}

#[test]
fn warn_still_holds_to_the_imports_and_limits_of_the_policy() {
    let mut attempt = Attempt { bundle_is_there: false, ..Attempt::default() };
    attempt.policy.mode = Mode::Warn;
    attempt.limits = Some(Limits { memory_bytes: (128 << 20) + 1, ..world::limits() });
    assert!(matches!(attempt.run(), Outcome::Denied(Denial::LimitAbovePolicy { .. })));
    attempt.limits = None;
    attempt.file = world::component(&["wasi:filesystem/types@0.2.0"]);
    assert!(matches!(attempt.run(), Outcome::Denied(Denial::ImportNotAllowed(_))));
}

#[test]
fn warn_lets_an_adapter_with_another_name_go_on_and_says_so() {
    let mut attempt = Attempt { described: ["ledgerbook", "1.2.3", "paper"], ..Attempt::default() };
    attempt.policy.mode = Mode::Warn;
    admitted(&attempt);
}

#[test]
fn what_warn_let_in_with_a_warning_raises_no_security_version() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { mode: Mode::Warn, ..world::policy() };
    let door = Admission::open(policy, &places(folder.path()), Past::Whole, now()).unwrap();
    // No revocation list: a warning.
    admit(&door, &issued_with_security_version(9)).unwrap();
    assert_eq!(door.floor().security_version("notebook"), 0);
}

// ---- What is never forgotten ------------------------------------------------------------------------------

#[test]
fn security_versions_and_list_numbers_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    admit(&ready(folder.path()), &issued_with_security_version(5)).unwrap();
    let door = open(folder.path());
    assert_eq!((door.floor().security_version("notebook"), door.floor().revocation_number), (5, 7));
}

#[test]
fn an_older_security_version_is_refused_after_a_restart_and_after_a_restored_backup() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    let refused = |door: &Admission| {
        let denied = admit(door, &issued_with_security_version(4));
        assert!(matches!(denied, Err(Denial::SecurityVersion { certified: 4, lowest: 6, .. })));
    };
    drop(ready(folder.path()));
    let backup = fs::read(&places.memory).unwrap();
    let door = ready(folder.path());
    admit(&door, &issued_with_security_version(6)).unwrap();
    refused(&door);
    drop(door);
    refused(&ready(folder.path()));
    // The backup is older than version 6; the audit log, which is never restored, is not.
    fs::write(&places.memory, backup).unwrap();
    let door = Admission::open(world::policy(), &places, Past::Restored, now()).unwrap();
    door.take_revocation_list(&world::signed_list(&world::list(), &[1, 2]), now()).unwrap();
    refused(&door);
}

#[test]
fn losing_the_small_file_lowers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    admit(&ready(folder.path()), &issued_with_security_version(5)).unwrap();
    fs::remove_file(places(folder.path()).memory).unwrap();
    let door = open(folder.path());
    assert_eq!((door.floor().security_version("notebook"), door.floor().revocation_number), (5, 7));
}

#[test]
fn an_older_copy_of_the_small_file_lowers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let memory = places(folder.path()).memory;
    admit(&ready(folder.path()), &issued_with_security_version(5)).unwrap();
    let backup = fs::read(&memory).unwrap();
    admit(&ready(folder.path()), &issued_with_security_version(6)).unwrap();
    fs::write(&memory, backup).unwrap();
    assert_eq!(open(folder.path()).floor().security_version("notebook"), 6);
}

#[test]
fn an_older_copy_of_the_audit_log_is_found_out_and_lowers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    admit(&ready(folder.path()), &issued_with_security_version(5)).unwrap();
    let backup = fs::read(&places.audit).unwrap();
    admit(&ready(folder.path()), &issued_with_security_version(6)).unwrap();
    fs::write(&places.audit, backup).unwrap();
    let refused = Admission::open(world::policy(), &places, Past::Whole, now());
    assert!(matches!(refused, Err(OpenError::AuditLost { .. })));
    let door = Admission::open(world::policy(), &places, Past::Restored, now()).unwrap();
    assert_eq!(door.floor().security_version("notebook"), 6);
    drop(door);
    assert!(matches!(records(folder.path()).last().unwrap().event, Event::Restored { .. }));
    // Said once, it need not be said again.
    open(folder.path());
}

#[test]
fn a_lost_audit_log_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    drop(ready(folder.path()));
    fs::remove_file(&places.audit).unwrap();
    let refused = Admission::open(world::policy(), &places, Past::Whole, now());
    assert!(matches!(refused, Err(OpenError::AuditLost { .. })));
}

#[test]
fn older_copies_of_both_meet_the_policy_floor_and_a_stale_list() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(folder.path());
    drop(ready(folder.path()));
    let (memory, audit) = (fs::read(&places.memory).unwrap(), fs::read(&places.audit).unwrap());
    admit(&ready(folder.path()), &issued_with_security_version(6)).unwrap();
    fs::write(&places.memory, memory).unwrap();
    fs::write(&places.audit, audit).unwrap();
    // Nothing on this disk knows of version 6 any more. The list that the backup knows is stale a week later.
    let door = open(folder.path());
    door.take_revocation_list(&world::signed_list(&world::list(), &[1, 2]), now()).unwrap();
    let old = issued_with_security_version(4);
    let later = time("2026-06-06T00:00:00Z");
    let denied = door.admit(old.file.clone().into(), &terms(Some(&old.json)), later);
    assert!(matches!(denied, Err(Denial::StaleRevocationList(_))));
    drop(door);
    // Before that, the operator's floor holds.
    let mut policy = world::policy();
    policy.floors.security_versions.insert("notebook".into(), 6);
    let door = Admission::open(policy, &places, Past::Whole, now()).unwrap();
    door.take_revocation_list(&world::signed_list(&world::list(), &[1, 2]), now()).unwrap();
    assert!(matches!(admit(&door, &old), Err(Denial::SecurityVersion { lowest: 6, .. })));
}

#[test]
fn one_adapter_s_security_version_says_nothing_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    admit(&door, &issued_with_security_version(5)).unwrap();
    let mut other = Attempt::default();
    other.certificate.adapter.name = "ledgerbook".into();
    other.certificate.adapter.security_version = 1;
    admit(&door, &other.issue()).unwrap();
}

#[test]
fn a_denied_file_raises_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let mut attempt = Attempt::default();
    attempt.certificate.adapter.security_version = 9;
    attempt.certificate.not_after = now();
    admit(&door, &attempt.issue()).unwrap_err();
    assert_eq!(door.floor().security_version("notebook"), 0);
}

#[test]
fn a_refused_list_leaves_the_one_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let mut older = world::list();
    older.number = 6;
    let refused = door.take_revocation_list(&world::signed_list(&older, &[1, 2]), now());
    assert!(matches!(refused, Err(ListDenied::Older { number: 6, seen: 7 })));
    assert_eq!(door.revocation_list().unwrap().number, 7);
}

#[test]
fn the_same_list_at_every_start_is_written_down_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        ready(folder.path());
    }
    let taken =
        records(folder.path()).iter().filter(|one| matches!(one.event, Event::RevocationList { .. })).count();
    assert_eq!(taken, 1);
}

#[test]
fn a_damaged_small_file_is_not_taken_for_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(places(folder.path()).memory, "{}").unwrap();
    let refused = Admission::open(world::policy(), &places(folder.path()), Past::Whole, now());
    assert!(matches!(refused, Err(OpenError::Memory(_))));
}

// ---- While it runs ----------------------------------------------------------------------------------------

#[test]
fn what_runs_may_go_on_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let admitted = admit(&door, &Attempt::default().issue()).unwrap();
    door.recheck(&admitted, now()).unwrap();
    let mut newer = world::list();
    newer.number = 8;
    let entry = |kind, digest| Revoked { kind, digest, reason: "leaks".into(), when: now() };
    newer.revoke(entry(RevokedKind::Certificate, admitted.certificate_digest().unwrap()));
    door.take_revocation_list(&world::signed_list(&newer, &[1, 2]), now()).unwrap();
    assert!(
        matches!(door.recheck(&admitted, now()), Err(Denial::Revoked { reason, .. }) if reason == "leaks")
    );
}

#[test]
fn what_runs_may_go_on_under_a_stale_list_and_not_beyond_its_own_end() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let admitted = admit(&door, &Attempt::default().issue()).unwrap();
    door.recheck(&admitted, time("2026-06-20T00:00:00Z")).unwrap();
    let end = door.recheck(&admitted, time("2027-05-01T00:00:00Z"));
    assert!(matches!(end, Err(Denial::Expired(_))));
}

#[test]
fn what_runs_drains_when_a_list_demands_a_higher_security_version() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let admitted = admit(&door, &Attempt::default().issue()).unwrap();
    let mut newer = world::list();
    newer.number = 8;
    newer.demand_security_version("notebook", 5);
    door.take_revocation_list(&world::signed_list(&newer, &[1, 2]), now()).unwrap();
    assert!(matches!(door.recheck(&admitted, now()), Err(Denial::SecurityVersion { lowest: 5, .. })));
}

#[test]
fn an_older_version_that_runs_goes_on_beside_a_newer_one() {
    // Upgrades drain the older one at their own pace; only a list ends it.
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let older = admit(&door, &Attempt::default().issue()).unwrap();
    admit(&door, &issued_with_security_version(5)).unwrap();
    door.recheck(&older, now()).unwrap();
}

// ---- The audit log ----------------------------------------------------------------------------------------

#[test]
fn every_decision_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let issued = Attempt::default().issue();
    admit(&door, &issued).unwrap();
    door.admit(Arc::from(b"other".as_slice()), &terms(Some(&issued.json)), now()).unwrap_err();
    let records = records(folder.path());
    let [list, good, bad] = records.as_slice() else { panic!("{records:?}") };
    assert!(matches!(list.event, Event::RevocationList { number: 7, .. }));
    let Event::Admitted { component, certificate, .. } = &good.event else { panic!("{good:?}") };
    assert_eq!((*component, *certificate), (Digest::of(&issued.file), Some(issued.certificate)));
    assert!(matches!(&bad.event, Event::Denied { step, .. } if step == "identity"));
}

/// A log of three lines, and what it is when `edit` is done with it.
fn after(edit: fn(&mut Vec<String>)) -> Result<u64, AuditError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut log = AuditLog::open(&path, now(), |_, _| {}).unwrap();
    for bytes in 1..=3 {
        log.append(now(), Event::Torn { bytes }).unwrap();
    }
    drop(log);
    let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    edit(&mut lines);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    AuditLog::read(&path, |_, _| {}).map(|head| head.lines)
}

#[test]
fn a_changed_dropped_swapped_or_inserted_line_breaks_the_chain() {
    assert_eq!(after(|_| {}).unwrap(), 3);
    let broken_at = |edit| match after(edit) {
        Err(AuditError::Broken(line)) => line,
        other => panic!("{other:?}"),
    };
    assert_eq!(broken_at(|lines| lines[0] = lines[0].replace(":1}", ":9}")), 1);
    assert_eq!(broken_at(|lines| drop(lines.remove(1))), 1);
    assert_eq!(broken_at(|lines| lines.swap(1, 2)), 1);
    assert_eq!(broken_at(|lines| lines.insert(1, lines[1].clone())), 2);
    assert_eq!(broken_at(|lines| lines.insert(3, "{}".into())), 3);
    assert_eq!(broken_at(|lines| lines[0].insert(1, ' ')), 1);
}

#[test]
fn a_line_torn_by_a_crash_is_cut_off_and_spoken_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = places(folder.path()).audit;
    drop(ready(folder.path()));
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [whole.as_slice(), b"{\"sequence\":1,\"prev"].concat()).unwrap();
    open(folder.path());
    let records = records(folder.path());
    assert!(matches!(records.last().unwrap().event, Event::Torn { bytes: 19 }));
}

#[test]
fn two_programs_cannot_write_one_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let second = Admission::open(world::policy(), &places(folder.path()), Past::Whole, now());
    assert!(matches!(second, Err(OpenError::Audit(AuditError::InUse(_)))));
}

#[test]
fn no_record_no_admission() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    // The memory's place becomes a folder: what must never be forgotten cannot be written.
    fs::remove_file(places(folder.path()).memory).unwrap();
    fs::create_dir(places(folder.path()).memory).unwrap();
    let denied = admit(&door, &Attempt::default().issue());
    assert!(matches!(denied, Err(Denial::Memory(_))));
}

#[test]
fn what_goes_into_the_audit_log_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let door = ready(folder.path());
    let long = "x".repeat(100_000);
    let issued = Attempt::default().issue();
    let terms = berth_admission::Terms { name: Some(&long), ..terms(Some(&issued.json)) };
    assert!(matches!(door.admit(issued.file.into(), &terms, now()), Err(Denial::OtherName { .. })));
}

#[test]
fn a_bundle_is_beside_its_file() {
    let path = Bundle::path_beside(Path::new("/adapters/notebook.wasm"));
    assert_eq!(path, Path::new("/adapters/notebook.wasm.certificate.json"));
    let path = Bundle::path_of_native(Path::new("/usr/bin/berth"), "notebook");
    assert_eq!(path, Path::new("/usr/bin/berth.notebook.certificate.json"));
}
