//! A certificate from a run's evidence.

use std::time::Duration;

use berth_admission::{
    bundle::Bundle,
    certificate::{
        AdapterIdentity, Certificate, Counts, EvidenceReference, FrameworkTested, Limits, NodeProgram,
        Release, Tier, Waiver,
    },
    digest::Digest,
    evidence::TestResult,
};
use berth_suite::{Evidence, Outcome, Verdict};
use jiff::Timestamp;

use crate::failure::Failure;

/// What the certifier says beyond the evidence.
pub(super) struct Said {
    pub(super) security_version: u64,
    pub(super) versions_tested: Vec<String>,
    pub(super) valid_for: Duration,
    pub(super) recorded_by: String,
    pub(super) evidence_uri: String,
    pub(super) status_uri: String,
    pub(super) now: Timestamp,
}

/// The draft of the certificate of this file, which nobody has signed.
///
/// # Errors
/// When the evidence bears no certificate, or is of another file.
pub(super) fn draft(file: &[u8], tier: Tier, packed: &[u8], said: Said) -> Result<Bundle, Failure> {
    let evidence = Evidence::unpack(packed).map_err(|error| Failure::host("the evidence", &error))?;
    let verdict = &evidence.verdict;
    let refuse = |why: String| Failure::host("no certificate can be made", &std::io::Error::other(why));
    if let Some(obstacle) = verdict.obstacle() {
        return Err(refuse(obstacle)
            .next("Run the whole suite: berth certify run COMPONENT --testbed FILE --report DIR"));
    }
    let digest = Digest::of(file);
    let tested = match tier {
        Tier::Component => &verdict.adapter.component_sha256,
        Tier::Native => &verdict.adapter.program_sha256,
    };
    match tested {
        None => {
            let (is, was) = match tier {
                Tier::Component => ("a component", "a native plug-in"),
                Tier::Native => ("a native plug-in", "a component"),
            };
            return Err(refuse(format!("the evidence is of {was}, and this is {is}"))
                .next("Give what was tested: COMPONENT or --native NAME."));
        }
        Some(tested) if *tested != digest.to_string() => {
            return Err(refuse("the evidence is of another file".into())
                .next("Give the very file that was tested, or test this one."));
        }
        Some(_) => {}
    }
    let node = &verdict.node;
    let program = node.program_sha256.as_deref().and_then(|text| text.parse::<Digest>().ok());
    let (Some(program), Some(genesis)) = (program, node.genesis.clone()) else {
        return Err(refuse(
            "the test bed does not name the digest of the node's program and its genesis".into(),
        )
        .next(
            "Fill in program-sha256 and genesis under [node] in the test bed file, and run the suite again.",
        ));
    };
    let parsed = |text: &str, what: &str| {
        text.parse().map_err(|error| Failure::host(format_args!("{what}'s version {text:?}"), &error))
    };
    let release = |versioned: &berth_suite::Versioned, what: &str| {
        let digest: Digest = versioned
            .digest
            .parse()
            .map_err(|error| Failure::host(format_args!("{what}'s digest"), &error))?;
        Ok::<_, Failure>(Release { version: parsed(&versioned.version, what)?, digest: digest.into() })
    };
    let until = said
        .now
        .checked_add(jiff::SignedDuration::try_from(said.valid_for).unwrap_or(jiff::SignedDuration::MAX))
        .map_err(|error| Failure::host("the end of the validity", &error))?;
    let suite = release(&verdict.suite, "the suite")?;
    let evidence_digest = Digest::of(packed).into();
    let certificate = Certificate {
        adapter: AdapterIdentity {
            name: verdict.adapter.name.clone(),
            version: parsed(&verdict.adapter.version, "the adapter")?,
            security_version: said.security_version,
        },
        framework: FrameworkTested {
            name: verdict.adapter.framework.clone(),
            versions_tested: said.versions_tested,
        },
        standard: release(&verdict.standard, "the standard")?,
        suite: suite.clone(),
        tier,
        levels: verdict.levels().into_iter().map(str::to_owned).collect(),
        imports: verdict.adapter.imports.iter().flatten().cloned().collect(),
        limits: limits(&berth_host::Limits::default()),
        engine_configuration: Digest::from(berth_host::engine_digest()).into(),
        seed: verdict.seed.to_string(),
        counts: counts(verdict),
        waivers: waivers(verdict, until),
        evidence: EvidenceReference {
            digest: evidence_digest,
            uri: said.evidence_uri,
            statement: digest.into(),
        },
        node: NodeProgram { digest: program.into(), version: node.version.clone(), genesis },
        recorded_by: said.recorded_by,
        issued: said.now,
        not_before: said.now,
        not_after: until,
        status_uri: said.status_uri,
        critical: Vec::new(),
    };
    let named = |outcome| {
        let of = verdict.results.iter().filter(move |result| result.outcome == outcome);
        of.map(|result| result.check.clone()).collect()
    };
    let test = TestResult::new(suite.digest, evidence_digest, named(Outcome::Pass), named(Outcome::Warn));
    Bundle::draft(file, certificate, test)
        .map_err(|error| Failure::host("no certificate can be made", &error))
}

fn counts(verdict: &Verdict) -> Counts {
    let counts = verdict.counts();
    let of = |outcome| counts.get(&outcome).copied().unwrap_or(0);
    Counts {
        pass: of(Outcome::Pass),
        fail: of(Outcome::Fail),
        warn: of(Outcome::Warn),
        not_applicable: of(Outcome::NotApplicable),
        waived: of(Outcome::Waived),
        error: of(Outcome::Error),
        unknown: of(Outcome::Unknown),
    }
}

fn waivers(verdict: &Verdict, until: Timestamp) -> Vec<Waiver> {
    let mut waivers: Vec<Waiver> = Vec::new();
    for result in verdict.results.iter().filter(|result| result.outcome == Outcome::Waived) {
        if waivers.iter().all(|waiver| waiver.clause != result.clause) {
            let reason = result.reason.clone().unwrap_or_default();
            waivers.push(Waiver { clause: result.clause.clone(), reason, until });
        }
    }
    waivers
}

/// The host's limits in a certificate's words.
fn limits(limits: &berth_host::Limits) -> Limits {
    let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Limits {
        wall_time_millis: millis(limits.wall_time),
        compute_time_millis: millis(limits.compute_time),
        memory_bytes: number(limits.memory),
        table_elements: number(limits.table_elements),
        handles: number(limits.handles),
        host_calls: limits.host_calls.into(),
        bytes_in: limits.bytes_in,
        bytes_out: limits.bytes_out,
        log_bytes: limits.log_bytes,
        state_value_bytes: number(limits.state_value),
        result_bytes: number(limits.result_bytes),
    }
}
