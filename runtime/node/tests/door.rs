//! Nothing that was not proven gets in, and what no longer may stay is withdrawn.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use adapter_spec::{Adapter as _, CallError, Ended};
use berth_admission::{
    Admission, Bundle, Certificate, Denial, Digest, Mode, Past, Places, Policy,
    certificate::{
        AdapterIdentity, Counts, EvidenceReference, FrameworkTested, Limits, NodeProgram, Release, Tier,
    },
    evidence::TestResult,
    keys::PrivateKey,
    log::{note::Witness, store::Log},
    policy::{Accepted, Certifiers, LogTrust},
    revocation::{RevocationList, Revoked, RevokedKind},
};
use berth_host::{Host, HostConfig};
use berth_lending::ScriptedLender;
use berth_node::{Door, DoorError};
use jiff::{SignedDuration, Timestamp};

/// Who certifies, and what they certified.
struct World {
    folder: tempfile::TempDir,
    certifier: PrivateKey,
    witness: PrivateKey,
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn notebook() -> Vec<u8> {
    let folder = std::env::var_os("BERTH_COMPONENTS").map(PathBuf::from).unwrap_or_else(|| {
        let program = std::env::current_exe().unwrap();
        program.ancestors().nth(3).unwrap().join("components")
    });
    let path = folder.join("notebook.component.wasm");
    fs::read(&path).unwrap_or_else(|error| panic!("{} ({error}); run cargo xtask components", path.display()))
}

fn release(of: &str) -> Release {
    Release { version: "0.1.0".parse().unwrap(), digest: Digest::of(of.as_bytes()).into() }
}

impl World {
    fn new() -> Self {
        World {
            folder: tempfile::tempdir().unwrap(),
            certifier: PrivateKey::generate().unwrap(),
            witness: PrivateKey::generate().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
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

    fn list(&self, revoked: Vec<Revoked>, number: u64) -> Vec<u8> {
        let mut list = RevocationList::next(None, now(), now() + SignedDuration::from_hours(1));
        list.number = number;
        list.revoked = revoked;
        let mut envelope = list.to_envelope().unwrap();
        envelope.sign(&self.certifier);
        envelope.to_json()
    }

    /// A door with a first, empty revocation list.
    fn door(&self, mode: Mode) -> Door {
        let places = Places { memory: self.path("memory.json"), audit: self.path("audit.jsonl") };
        let admission = Admission::open(self.policy(mode), &places, Past::Whole, now()).unwrap();
        admission.take_revocation_list(&self.list(Vec::new(), 1), now()).unwrap();
        let cache = Some(self.path("code"));
        Door::new(admission, Host::new(HostConfig { instances: 8, cache, ..HostConfig::default() }).unwrap())
    }

    /// Writes the component with a good certificate of this name beside it.
    fn certified(&self, bytes: &[u8], name: &str, imports: &[String]) -> PathBuf {
        let path = self.path("adapter.component.wasm");
        fs::write(&path, bytes).unwrap();
        let certificate = Certificate {
            adapter: AdapterIdentity {
                name: name.into(),
                version: "0.1.0".parse().unwrap(),
                security_version: 1,
            },
            framework: FrameworkTested { name: "notebook".into(), versions_tested: vec!["1".into()] },
            standard: release("standard"),
            suite: release("suite"),
            tier: Tier::Component,
            levels: ["core".to_owned()].into(),
            imports: imports.iter().cloned().collect(),
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

    /// The notebook with its certificate.
    fn notebook(&self) -> PathBuf {
        let imports = berth_admission::component::imports(&notebook()).unwrap();
        self.certified(&notebook(), "notebook", &imports.into_iter().collect::<Vec<_>>())
    }
}

async fn denial(door: &Door, path: &Path) -> Denial {
    match door.let_in(path, None).await {
        Err(DoorError::Denied { denial, .. }) => *denial,
        Err(other) => panic!("not denied: {other}"),
        Ok(let_in) => panic!("{} was let in", let_in.name),
    }
}

#[tokio::test]
async fn a_certified_component_is_let_in_and_runs_under_its_certified_limits() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let let_in = door.let_in(&world.notebook(), Some("notebook")).await.unwrap();
    assert_eq!(let_in.name, "notebook");
    assert_eq!(let_in.adapter.describe().await.unwrap().name, "notebook");
    assert_eq!(door.registry().names(), ["notebook"]);
    assert_eq!(berth_node::host_limits(let_in.admitted.limits()).host_calls, 100);
}

#[tokio::test]
async fn a_tampered_copy_is_refused_and_nothing_of_it_is_loaded() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let path = world.notebook();
    let mut bytes = notebook();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(denial(&door, &path).await, Denial::OtherFile { .. }));
    assert!(door.registry().names().is_empty());
    assert!(fs::read_dir(world.path("code")).unwrap().all(|file| file.unwrap().file_name() == "key"));
}

#[tokio::test]
async fn an_adapter_that_says_another_name_than_its_certificate_is_refused_after_loading() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let imports: Vec<_> = berth_admission::component::imports(&notebook()).unwrap().into_iter().collect();
    let path = world.certified(&notebook(), "ledger-of-another", &imports);
    assert!(matches!(denial(&door, &path).await, Denial::OtherDescription { .. }));
    assert!(door.registry().names().is_empty());
}

#[tokio::test]
async fn without_a_certificate_enforce_refuses_and_warn_lets_in_and_says_so() {
    for mode in [Mode::Enforce, Mode::Warn] {
        let world = World::new();
        let path = world.notebook();
        fs::remove_file(Bundle::path_beside(&path)).unwrap();
        let door = world.door(mode);
        if mode == Mode::Enforce {
            assert!(matches!(denial(&door, &path).await, Denial::NoBundle));
        } else {
            assert!(door.let_in(&path, None).await.unwrap().admitted.warning().is_some());
        }
    }
}

#[tokio::test]
async fn a_revoked_adapter_ends_its_running_calls_begins_no_new_ones_and_says_why() {
    let world = World::new();
    let door = world.door(Mode::Enforce);
    let let_in = door.let_in(&world.notebook(), None).await.unwrap();
    // A node that never answers keeps a call running.
    let silent = ScriptedLender::new("application", |_| None);
    let ledger = let_in.adapter.open(Arc::new(silent), "{}").await.unwrap();
    assert!(door.look_again(now()).is_empty());

    let entry = Revoked {
        kind: RevokedKind::Component,
        digest: let_in.admitted.digest(),
        reason: "it signs other amounts".into(),
        when: now(),
    };
    door.admission().take_revocation_list(&world.list(vec![entry], 2), now()).unwrap();
    let withdrawn = door.look_again(now());
    assert!(matches!(withdrawn.as_slice(), [(name, Denial::Revoked { .. })] if name == "notebook"));
    assert!(door.registry().names().is_empty());
    match ledger.status().await {
        Err(CallError::Ended(Ended::Withdrawn { reason })) => {
            assert!(reason.contains("it signs other amounts"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    let_in.adapter.drained().await;
    assert_eq!(let_in.adapter.running(), 0);
    assert!(matches!(denial(&door, &world.path("adapter.component.wasm")).await, Denial::Revoked { .. }));
}
