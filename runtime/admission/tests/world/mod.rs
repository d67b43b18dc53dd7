//! A small world: certifiers, a witness, a log, a policy, an adapter, and everything that is done with them. The same
//! keys and times in every run.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "helpers of tests; not every test uses each of them"
)]

use std::{collections::BTreeSet, sync::Arc};

use berth_admission::{
    Admission, Admitted, Bundle, Certificate, Denial, Digest, Mode, Past, Places, Policy, Terms,
    admit::{Described, ListDenied, OpenError},
    certificate::{
        self, AdapterIdentity, Counts, EvidenceReference, FrameworkTested, Limits, NodeProgram, Release, Tier,
    },
    dsse::Envelope,
    evidence::{self, TestResult},
    keys::PrivateKey,
    log::{
        checkpoint::Checkpoint,
        merkle::{TreeHead, leaf_hash, node_hash},
        note::{SignedNote, Witness},
        proof::LogProof,
    },
    policy::{Accepted, Certifiers, Floors, LimitsCeiling, LogTrust, Waivers},
    revocation::RevocationList,
    statement::{PAYLOAD_TYPE, Statement},
};
use jiff::Timestamp;
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::Value;

pub const ORIGIN: &str = "log.example/certificates";
pub const WITNESS: &str = "witness.example/one";

/// The key of this number; the same in every run.
pub fn key(number: u8) -> PrivateKey {
    let scalar = p256::ecdsa::SigningKey::from_slice(&[number; 32]).unwrap();
    PrivateKey::from_pem(&scalar.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).unwrap()).unwrap()
}

/// Who is who.
pub const CERTIFIERS: [u8; 3] = [1, 2, 3];
pub const WITNESS_KEY: u8 = 9;
pub const STRANGERS: [u8; 2] = [20, 21];

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The present of these tests.
pub fn now() -> Timestamp {
    time("2026-06-01T00:00:00Z")
}

pub fn component(imports: &[&str]) -> Vec<u8> {
    let imports: String = imports.iter().map(|name| format!("(import {name:?} (instance))")).collect();
    wat::parse_str(format!("(component {imports})")).unwrap()
}

pub const IMPORTS: [&str; 2] = ["bsn:framework/types@0.1.0", "bsn:framework/endpoints@0.1.0"];

pub fn limits() -> Limits {
    Limits {
        wall_time_millis: 30_000,
        compute_time_millis: 5_000,
        memory_bytes: 64 << 20,
        table_elements: 20_000,
        handles: 64,
        host_calls: 10_000,
        bytes_in: 64 << 20,
        bytes_out: 16 << 20,
        log_bytes: 64 << 10,
        state_value_bytes: 64 << 10,
        result_bytes: 32 << 20,
    }
}

pub fn release(what: &str) -> Release {
    Release { version: "0.1.0".parse().unwrap(), digest: Digest::of(what.as_bytes()).into() }
}

pub fn certificate() -> Certificate {
    Certificate {
        adapter: AdapterIdentity {
            name: "notebook".into(),
            version: "1.2.3".parse().unwrap(),
            security_version: 4,
        },
        framework: FrameworkTested { name: "paper".into(), versions_tested: vec!["7.0".into()] },
        standard: release("standard"),
        suite: release("suite"),
        tier: Tier::Component,
        levels: BTreeSet::from(["core".into(), "store".into()]),
        imports: IMPORTS.map(str::to_owned).into(),
        limits: limits(),
        engine_configuration: Digest::of(b"engine").into(),
        seed: "5eed".into(),
        counts: Counts { pass: 3, warn: 1, not_applicable: 2, ..Counts::default() },
        waivers: Vec::new(),
        evidence: EvidenceReference {
            digest: Digest::of(b"recording").into(),
            uri: "https://certificates.example/notebook/1.2.3/evidence".into(),
            statement: Digest::of(b"filled in when drafted").into(),
        },
        node: NodeProgram {
            digest: Digest::of(b"node").into(),
            version: "paperd 7.0.1".into(),
            genesis: "0x00".into(),
        },
        recorded_by: "Certifier One, laboratory 3".into(),
        issued: time("2026-05-01T00:00:00Z"),
        not_before: time("2026-05-01T00:00:00Z"),
        not_after: time("2027-05-01T00:00:00Z"),
        status_uri: "https://certificates.example/status".into(),
        critical: vec!["limits".into(), "imports".into()],
    }
}

pub fn test_result(certificate: &Certificate) -> TestResult {
    let names = |area: &str, count: u64| (1..=count).map(|number| format!("{area}-{number}")).collect();
    TestResult::new(
        certificate.suite.digest,
        certificate.evidence.digest,
        names("DESC", certificate.counts.pass),
        names("ERR", certificate.counts.warn),
    )
}

pub fn policy() -> Policy {
    let accepted =
        |release: Release| Accepted { version: release.version, digest: Some(release.digest.sha256) };
    Policy {
        mode: Mode::Enforce,
        certifiers: Certifiers {
            threshold: 2,
            keys: CERTIFIERS.iter().map(|number| key(*number).public().clone()).collect(),
        },
        log: LogTrust {
            origin: ORIGIN.into(),
            threshold: 1,
            witnesses: vec![Witness { name: WITNESS.into(), key: key(WITNESS_KEY).public().clone() }],
        },
        standards: vec![accepted(release("standard"))],
        suites: vec![accepted(release("suite"))],
        waivers: Waivers { maximum: 1, clauses: None },
        limits: LimitsCeiling { memory_bytes: Some(128 << 20), ..LimitsCeiling::default() },
        floors: Floors::default(),
        max_age_days: Some(400),
        ..Policy::off()
    }
}

pub fn list() -> RevocationList {
    let mut list = RevocationList::next(None, time("2026-05-30T00:00:00Z"), time("2026-06-06T00:00:00Z"));
    list.number = 7;
    list
}

pub fn signed(mut envelope: Envelope, signers: &[u8]) -> Envelope {
    for signer in signers {
        envelope.sign(&key(*signer));
    }
    envelope
}

pub fn signed_list(list: &RevocationList, signers: &[u8]) -> Vec<u8> {
    signed(list.to_envelope().unwrap(), signers).to_json()
}

/// A checkpoint of this head, signed by the true witness.
pub fn witnessed(origin: &str, head: TreeHead) -> String {
    let mut note = SignedNote::unsigned(Checkpoint { origin: origin.into(), head }.to_text());
    note.sign(WITNESS, &key(WITNESS_KEY));
    note.to_string()
}

/// The proof of an entry that came third into the log; the tree is made by hand, since files take long.
pub fn proof_of_third(entry: &[u8]) -> LogProof {
    let left = node_hash(&leaf_hash(b"somebody else's"), &leaf_hash(b"and another"));
    let head = TreeHead { size: 3, root: node_hash(&left, &leaf_hash(entry)) };
    LogProof { index: 2, path: vec![left], checkpoint: witnessed(ORIGIN, head) }
}

/// Every step from a certificate to the door, each open to tampering.
pub struct Attempt {
    // Issuing.
    pub file: Vec<u8>,
    pub certificate: Certificate,
    pub test: Option<TestResult>,
    pub edit_statement: fn(&mut Value),
    pub edit_payload: fn(Vec<u8>) -> Vec<u8>,
    pub payload_type: String,
    pub edit_evidence: fn(&mut Value),
    pub signers: Vec<u8>,
    pub evidence_signers: Vec<u8>,
    pub edit_signed: fn(&mut Envelope),
    pub edit_proof: fn(&mut LogProof),
    pub edit_bundle: fn(&mut Bundle),
    pub edit_json: fn(Vec<u8>) -> Vec<u8>,
    pub bundle_is_there: bool,
    // At the door.
    pub policy: Policy,
    pub history: Vec<Vec<u8>>,
    /// Made when the rest is: entries may need the digests of what was issued.
    pub list: Option<RevocationList>,
    pub edit_list: fn(&mut RevocationList, &Issued),
    pub list_signers: Vec<u8>,
    pub edit_list_envelope: fn(&mut Envelope),
    pub edit_list_json: fn(Vec<u8>) -> Vec<u8>,
    /// Security versions of the same adapter that were admitted before.
    pub seen_security_version: u64,
    pub offered: Option<Vec<u8>>,
    pub tier: Tier,
    pub name: Option<&'static str>,
    pub limits: Option<Limits>,
    pub now: Timestamp,
    pub described: [&'static str; 3],
}

/// What came of issuing.
pub struct Issued {
    pub file: Vec<u8>,
    pub certificate: Digest,
    pub json: Vec<u8>,
}

impl Default for Attempt {
    fn default() -> Self {
        Attempt {
            file: component(&IMPORTS),
            certificate: certificate(),
            test: None,
            edit_statement: |_| {},
            edit_payload: |bytes| bytes,
            payload_type: PAYLOAD_TYPE.into(),
            edit_evidence: |_| {},
            signers: vec![1, 2],
            evidence_signers: vec![1, 2],
            edit_signed: |_| {},
            edit_proof: |_| {},
            edit_bundle: |_| {},
            edit_json: |bytes| bytes,
            bundle_is_there: true,
            policy: policy(),
            history: Vec::new(),
            list: Some(list()),
            edit_list: |_, _| {},
            list_signers: vec![2, 3],
            edit_list_envelope: |_| {},
            edit_list_json: |bytes| bytes,
            seen_security_version: 0,
            offered: None,
            tier: Tier::Component,
            name: None,
            limits: None,
            now: now(),
            described: ["notebook", "1.2.3", "paper"],
        }
    }
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Outcome {
    Admitted(Box<Admitted>),
    Denied(Denial),
    ListDenied(ListDenied),
    NotOpened(OpenError),
}

fn edited(payload: &[u8], edit: fn(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(payload).unwrap();
    let before = value.clone();
    edit(&mut value);
    if value == before { payload.to_vec() } else { serde_json::to_vec(&value).unwrap() }
}

impl Attempt {
    /// Issues without any of the checks that an honest issuer makes.
    pub fn issue(&self) -> Issued {
        let digest = Digest::of(&self.file);
        let mut certificate = self.certificate.clone();
        let name = certificate.adapter.name.clone();
        let test = self.test.clone().unwrap_or_else(|| test_result(&certificate));
        let statement = Statement::new(name.clone(), digest, evidence::PREDICATE_TYPE, test);
        let mut envelope = statement.into_envelope().unwrap();
        envelope.payload = edited(&envelope.payload, self.edit_evidence);
        let evidence = signed(envelope, &self.evidence_signers);

        certificate.evidence.statement = evidence.payload_digest().into();
        let statement = Statement::new(name, digest, certificate::PREDICATE_TYPE, certificate);
        let mut envelope = statement.into_envelope().unwrap();
        envelope.payload = (self.edit_payload)(edited(&envelope.payload, self.edit_statement));
        envelope.payload_type.clone_from(&self.payload_type);
        let mut certificate = signed(envelope, &self.signers);
        (self.edit_signed)(&mut certificate);

        let mut proof = proof_of_third(&certificate.to_json());
        (self.edit_proof)(&mut proof);
        let digest = certificate.payload_digest();
        let mut bundle = Bundle { certificate, evidence, log_proof: Some(proof.to_string()) };
        (self.edit_bundle)(&mut bundle);
        Issued { file: self.file.clone(), certificate: digest, json: (self.edit_json)(bundle.to_json()) }
    }

    pub fn run(&self) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let places =
            Places { memory: folder.path().join("memory.json"), audit: folder.path().join("audit.jsonl") };
        let issued = self.issue();
        let door = match Admission::open(self.policy.clone(), &places, Past::Whole, self.now) {
            Ok(door) => door,
            Err(error) => return Outcome::NotOpened(error),
        };
        for earlier in &self.history {
            door.take_revocation_list(earlier, self.now).unwrap();
        }
        if let Some(mut list) = self.list.clone() {
            (self.edit_list)(&mut list, &issued);
            let mut envelope = signed(list.to_envelope().unwrap(), &self.list_signers);
            (self.edit_list_envelope)(&mut envelope);
            let json = (self.edit_list_json)(envelope.to_json());
            if let Err(denied) = door.take_revocation_list(&json, self.now) {
                return Outcome::ListDenied(denied);
            }
        }
        if self.seen_security_version > 0 {
            let mut newer = Attempt::default();
            newer.certificate.adapter.security_version = self.seen_security_version;
            let newer = newer.issue();
            let terms = terms(Some(&newer.json));
            door.admit(newer.file.into(), &terms, self.now).unwrap();
        }
        let offered = self.offered.clone().unwrap_or(issued.file);
        let terms = Terms {
            bundle: self.bundle_is_there.then_some(issued.json.as_slice()),
            tier: self.tier,
            name: self.name,
            limits: self.limits,
        };
        let admitted = match door.admit(Arc::from(offered), &terms, self.now) {
            Ok(admitted) => admitted,
            Err(denial) => return Outcome::Denied(denial),
        };
        let [name, version, framework] = self.described;
        match door.confirm(&admitted, &Described { name, version, framework }, self.now) {
            Ok(()) => Outcome::Admitted(Box::new(admitted)),
            Err(denial) => Outcome::Denied(denial),
        }
    }
}

pub fn terms(bundle: Option<&[u8]>) -> Terms<'_> {
    Terms { bundle, tier: Tier::Component, name: None, limits: None }
}
