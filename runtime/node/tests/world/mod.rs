//! A certifier, a witness with its log, a policy that trusts both, and a door: what the tests and the benchmark of the
//! door need.

#![allow(dead_code, reason = "the test and the benchmark each use a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::{fs, path::PathBuf};

use berth_admission::{
    Admission, Bundle, Certificate, Digest, Mode, Past, Places, Policy,
    certificate::{
        AdapterIdentity, Counts, EvidenceReference, FrameworkTested, Limits, NodeProgram, Release, Tier,
    },
    evidence::TestResult,
    keys::PrivateKey,
    log::{note::Witness, store::Log},
    policy::{Accepted, Certifiers, LogTrust},
    revocation::{RevocationList, Revoked},
};
use berth_host::{Host, HostConfig};
use berth_node::Door;
use jiff::{SignedDuration, Timestamp};

/// Who certifies, and what they certified.
pub struct World {
    folder: tempfile::TempDir,
    certifier: PrivateKey,
    witness: PrivateKey,
}

pub fn now() -> Timestamp {
    Timestamp::now()
}

fn folder() -> PathBuf {
    std::env::var_os("BERTH_COMPONENTS").map(PathBuf::from).unwrap_or_else(|| {
        let program = std::env::current_exe().unwrap();
        program.ancestors().nth(3).unwrap().join("components")
    })
}

/// The built component of this name.
pub fn component(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.component.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("{} ({error}); run cargo xtask components", path.display()))
}

/// The name of the largest component that was built: what takes longest to load.
pub fn largest() -> String {
    let files = fs::read_dir(folder()).unwrap().map(Result::unwrap);
    let largest = files.max_by_key(|file| file.metadata().unwrap().len()).unwrap().file_name();
    largest.to_str().unwrap().strip_suffix(".component.wasm").unwrap().to_owned()
}

fn release(of: &str) -> Release {
    Release { version: "0.1.0".parse().unwrap(), digest: Digest::of(of.as_bytes()).into() }
}

impl World {
    pub fn new() -> Self {
        World {
            folder: tempfile::tempdir().unwrap(),
            certifier: PrivateKey::generate().unwrap(),
            witness: PrivateKey::generate().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn policy(&self, mode: Mode) -> Policy {
        let accepted = |of: &str| Accepted { version: release(of).version, digest: None };
        let witness = Witness { name: "witness.example".into(), key: self.witness.public().clone() };
        Policy {
            mode,
            certifiers: Certifiers { threshold: 1, keys: vec![self.certifier.public().clone()] },
            log: LogTrust { origin: "log.example".into(), threshold: 1, witnesses: vec![witness] },
            standards: vec![accepted("standard")],
            suites: vec![accepted("suite")],
            ..Policy::off()
        }
    }

    pub fn list(&self, revoked: Vec<Revoked>, number: u64) -> Vec<u8> {
        let mut list = RevocationList::next(None, now(), now() + SignedDuration::from_hours(1));
        list.number = number;
        list.revoked = revoked;
        let mut envelope = list.to_envelope().unwrap();
        envelope.sign(&self.certifier);
        envelope.to_json()
    }

    /// A door with a first, empty revocation list.
    pub fn door(&self, mode: Mode) -> Door {
        Door::new(self.admission(mode), self.host())
    }

    /// An admission that knows a first, empty revocation list.
    pub fn admission(&self, mode: Mode) -> Admission {
        let places = Places { memory: self.path("memory.json"), audit: self.path("audit.jsonl") };
        let admission = Admission::open(self.policy(mode), &places, Past::Whole, now()).unwrap();
        admission.take_revocation_list(&self.list(Vec::new(), 1), now()).unwrap();
        admission
    }

    /// A host that keeps compiled code in the world's folder.
    pub fn host(&self) -> Host {
        let cache = Some(self.path("code"));
        Host::new(HostConfig { instances: 8, cache, ..HostConfig::default() }).unwrap()
    }

    /// Writes the component with a good certificate of this name beside it.
    pub fn certified(&self, bytes: &[u8], name: &str) -> PathBuf {
        let imports = berth_admission::component::imports(bytes).unwrap();
        let path = self.path("adapter.component.wasm");
        fs::write(&path, bytes).unwrap();
        let certificate = Certificate {
            adapter: AdapterIdentity {
                name: name.into(),
                version: "0.1.0".parse().unwrap(),
                security_version: 1,
            },
            framework: FrameworkTested { name: name.into(), versions_tested: vec!["1".into()] },
            standard: release("standard"),
            suite: release("suite"),
            tier: Tier::Component,
            levels: ["core".to_owned()].into(),
            imports: imports.into_iter().collect(),
            limits: Limits {
                wall_time_millis: 1_000,
                compute_time_millis: 1_000,
                memory_bytes: 32 << 20,
                table_elements: 10_000,
                handles: 8,
                host_calls: 100,
                bytes_in: 1 << 20,
                bytes_out: 1 << 20,
                log_bytes: 1 << 10,
                state_value_bytes: 1 << 10,
                result_bytes: 1 << 20,
            },
            engine_configuration: Digest::from(berth_host::engine_digest()).into(),
            seed: "1".into(),
            counts: Counts { pass: 1, ..Counts::default() },
            waivers: Vec::new(),
            evidence: EvidenceReference {
                digest: Digest::of(b"recording").into(),
                uri: "evidence.berth".into(),
                statement: Digest::of(b"").into(),
            },
            node: NodeProgram {
                digest: Digest::of(b"node").into(),
                version: "1".into(),
                genesis: "0x00".into(),
            },
            recorded_by: "a test".into(),
            issued: now() - SignedDuration::from_hours(1),
            not_before: now() - SignedDuration::from_hours(1),
            not_after: now() + SignedDuration::from_hours(1),
            status_uri: "about:blank".into(),
            critical: Vec::new(),
        };
        let evidence = certificate.evidence.digest;
        let test = TestResult::new(certificate.suite.digest, evidence, vec!["DESC-1/a".into()], Vec::new());
        let mut bundle = Bundle::draft(bytes, certificate, test).unwrap();
        bundle.sign(bytes, &self.certifier).unwrap();
        let folder = self.path("log");
        let mut log = Log::open(&folder)
            .or_else(|_| Log::create(&folder, "log.example", "witness.example", &self.witness))
            .unwrap();
        bundle.enter(&mut log, "witness.example", &self.witness).unwrap();
        fs::write(Bundle::path_beside(&path), bundle.to_json()).unwrap();
        path
    }
}
