//! Our formats against implementations that others wrote: securesystemslib (DSSE) and in-toto-attestation from PyPI, and
//! for the log `golang.org/x/mod/sumdb` with transparency-dev's formats.
//!
//! They run when `BERTH_PYTHON` names a Python that has `cross_check/requirements.txt`, and `BERTH_GO` a Go 1.26 that has
//! or can get the modules of `cross_check/log/go.mod`; they say so when they do not run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod world;

use std::{fs, path::Path, process::Command};

use berth_admission::{
    dsse::Envelope,
    evidence::{self, TestResult},
    keys::PublicKey,
    log::{note::Witness, store::Log},
    statement::Statement,
};
use world::Attempt;

/// Runs the other side; none when there is no Python to run it with.
fn python(mode: &str, folder: &Path) -> Option<()> {
    let Some(python) = std::env::var_os("BERTH_PYTHON") else {
        eprintln!(
            "DID NOT RUN: the cross-check needs BERTH_PYTHON, a Python with tests/cross_check/requirements.txt installed"
        );
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cross_check/check.py");
    let output = Command::new(python).arg(script).arg(mode).arg(folder).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.trim() == "ok", "{out}\n{err}");
    Some(())
}

#[test]
fn others_verify_what_we_make() {
    let folder = tempfile::tempdir().unwrap();
    let issued = Attempt::default().issue();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("bundle.json", &issued.json);
    write("component", &issued.file);
    write("list.json", &world::signed_list(&world::list(), &[1, 2]));
    for (name, number) in
        [("certifier-1.pem", 1), ("certifier-2.pem", 2), ("witness.pem", world::WITNESS_KEY)]
    {
        write(name, world::key(number).public().to_pem().unwrap().as_bytes());
    }
    python("verify", folder.path());
}

#[test]
fn we_verify_what_others_make() {
    let folder = tempfile::tempdir().unwrap();
    let component = world::component(&world::IMPORTS);
    fs::write(folder.path().join("component"), &component).unwrap();
    if python("make", folder.path()).is_none() {
        return;
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let key = |name: &str| PublicKey::from_pem(&String::from_utf8(read(name)).unwrap()).unwrap();
    let keys = [key("theirs-1.pem"), key("theirs-2.pem")];
    let envelope = Envelope::from_json(&read("theirs.json")).unwrap();
    assert_eq!(envelope.verify(&keys, 2).unwrap().len(), 2);
    let statement = Statement::<TestResult>::from_envelope(&envelope, evidence::PREDICATE_TYPE).unwrap();
    assert_eq!(statement.subject().digest.sha256, berth_admission::Digest::of(&component));
    let mut certificate = world::certificate();
    certificate.counts.warn = 0;
    statement.predicate().check(&certificate).unwrap();
    // As the library makes them, about every second signature has s in the upper half, which is refused as that.
    let as_made = Envelope::from_json(&read("theirs-as-made.json")).unwrap();
    if let Err(threshold) = as_made.verify(&keys, 2) {
        let high = berth_admission::keys::SignatureFault::HighS;
        assert!(threshold.refused.iter().all(|(_, fault)| *fault == high), "{threshold}");
    }
}

#[test]
fn others_read_a_log_that_we_keep() {
    let Some(go) = std::env::var_os("BERTH_GO") else {
        eprintln!("DID NOT RUN: the cross-check of the log needs BERTH_GO, a Go of at least 1.26");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let witness = world::key(world::WITNESS_KEY);
    let mut log = Log::create(folder.path(), world::ORIGIN, world::WITNESS, &witness).unwrap();
    let entries: Vec<Vec<u8>> = (0..300_usize).map(|number| vec![7; number * 3]).collect();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    // Two steps, so that full tiles follow partial ones.
    log.append_all(&entries[..200], world::WITNESS, &witness).unwrap();
    log.append_all(&entries, world::WITNESS, &witness).unwrap();
    fs::create_dir(folder.path().join("proofs")).unwrap();
    for index in 0..300 {
        let proof = log.prove(index).unwrap().to_string();
        fs::write(folder.path().join("proofs").join(index.to_string()), proof).unwrap();
    }
    let key = Witness { name: world::WITNESS.into(), key: witness.public().clone() }.verifier_key();
    let output = Command::new(go)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cross_check/log"))
        .args(["run", "."])
        .arg(folder.path())
        .args([&key, world::ORIGIN])
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.trim() == "ok", "{out}\n{err}");
}
