//! `berth certify replay`.

use std::process::ExitCode;

use berth_suite::{
    Conclusion, Evidence, EvidenceError, Outcome, Replay, Verdict, chosen,
    report::{plain, terminal::Live},
};
use serde_json::json;

use super::{run::run_failed, show, subject, subject::Tested};
use crate::{arguments::CertifyReplay, failure::Failure, files};

/// The most bytes of a packed evidence file.
const MOST: u64 = 256 << 20;
/// Differences that are told; the rest is counted.
const TOLD: usize = 12;

/// Does it.
pub(super) async fn run(arguments: CertifyReplay) -> Result<ExitCode, Failure> {
    let CertifyReplay { file, evidence, native, json, no_cache } = arguments;
    let tested = Tested::of(file.as_ref(), native.as_ref())?;
    let packed = files::read_at_most(&evidence, MOST)?;
    let recorded = Evidence::unpack(&packed).map_err(|error| evidence_failed(&evidence, &error))?;
    let subject = subject::Subject::load(&subject::host(no_cache)?, &tested).await?;
    let verdict = &recorded.verdict;
    let opening = format!(
        "{} {}: replay of a run on {}, seed {}, without a network",
        subject.descriptor.name, subject.descriptor.version, verdict.node.version, verdict.seed
    );
    show::say(&format!("{}\n", plain(&opening)), json);

    let checks = chosen(verdict.quick, &recorded.only);
    let (adapter, component) = (subject.adapter, subject.component);
    let replay = if json {
        let live = Live::new(std::io::stderr(), show::style(true), &checks);
        berth_suite::replay(adapter, component, &recorded, &live).await
    } else {
        let live = Live::new(std::io::stdout(), show::style(false), &checks);
        berth_suite::replay(adapter, component, &recorded, &live).await
    };
    let mut replay = replay.map_err(|error| run_failed(&error))?;
    replay.verdict.adapter.program_sha256 = subject.program;
    let comparison = Comparison::new(verdict, &replay);
    show::say(&comparison.text(), json);
    if json {
        println!("{:#}", comparison.document());
    }
    Ok(ExitCode::from(comparison.exit_code()))
}

/// What a replay shows of its evidence.
struct Comparison<'a> {
    recorded: &'a Verdict,
    replay: &'a Replay,
    /// What the two verdicts do not have in common, each in one line.
    differences: Vec<String>,
    /// Checks that fail in the replay alone.
    now_fail: Vec<&'a str>,
}

impl<'a> Comparison<'a> {
    fn new(recorded: &'a Verdict, replay: &'a Replay) -> Self {
        let replayed = &replay.verdict;
        let mut differences = Vec::new();
        let mut compare = |what: &str, recorded: String, replayed: String| {
            if recorded != replayed {
                differences.push(format!("{what}: {replayed}, and in the evidence {recorded}"));
            }
        };
        let named = |digest: &Option<String>| digest.clone().unwrap_or("none".into());
        let (before, now) = (&recorded.adapter, &replayed.adapter);
        compare("another component", named(&before.component_sha256), named(&now.component_sha256));
        compare("another program", named(&before.program_sha256), named(&now.program_sha256));
        compare("another standard", recorded.standard.digest.clone(), replayed.standard.digest.clone());
        compare("another suite", recorded.suite.digest.clone(), replayed.suite.digest.clone());
        let outcome = |verdict: &Verdict, check: &str| {
            let result = verdict.results.iter().find(|result| result.check == check);
            result.map_or("not run", |result| result.outcome.name()).to_owned()
        };
        let mut now_fail = Vec::new();
        for result in &replayed.results {
            let before = outcome(recorded, &result.check);
            if result.outcome == Outcome::Fail && before != Outcome::Fail.name() {
                now_fail.push(result.check.as_str());
            }
            compare(&result.check, before, result.outcome.name().to_owned());
        }
        for result in &recorded.results {
            if !replayed.results.iter().any(|one| one.check == result.check) {
                compare(&result.check, result.outcome.name().to_owned(), "not run".into());
            }
        }
        if differences.is_empty() && recorded.digest() != replayed.digest() {
            differences.push("the same outcomes with other details".into());
        }
        Comparison { recorded, replay, differences, now_fail }
    }

    fn is_the_same(&self) -> bool {
        self.replay.divergences.is_empty() && self.recorded.digest() == self.replay.verdict.digest()
    }

    /// The same verdict has its own exit code. Otherwise 1 where the adapter did all that is recorded and now fails, else 3:
    /// what it does after it parted from the recording says nothing.
    fn exit_code(&self) -> u8 {
        if self.is_the_same() {
            self.recorded.conclusion().exit_code()
        } else if self.replay.divergences.is_empty() && !self.now_fail.is_empty() {
            Conclusion::NotConformant.exit_code()
        } else {
            Conclusion::HarnessError.exit_code()
        }
    }

    fn text(&self) -> String {
        let digest = self.recorded.digest();
        if self.is_the_same() {
            let conclusion = self.recorded.conclusion().name().replace('-', " ");
            return format!(
                "\nThe replay came to the very verdict of the evidence: {conclusion}.\n  verdict  {digest}\n  evidence {}\n",
                plain(&self.recorded.evidence)
            );
        }
        let mut text = format!(
            "\nThe replay did not come to the verdict of the evidence.\n  in the evidence {digest}\n  in the replay   {}\n",
            self.replay.verdict.digest()
        );
        let divergences = self.replay.divergences.iter();
        let divergences: Vec<_> =
            divergences.map(|(check, what)| format!("{check}: not what is recorded: {what}")).collect();
        for lines in [&divergences, &self.differences] {
            for line in lines.iter().take(TOLD) {
                text.push_str(&format!("  - {}\n", plain(line)));
            }
            if lines.len() > TOLD {
                text.push_str(&format!("  - and {} more\n", lines.len() - TOLD));
            }
        }
        text.push_str(
            "Replay with the very component and the version of this program that made the evidence.\n",
        );
        text
    }

    fn document(&self) -> serde_json::Value {
        let divergences = self.replay.divergences.iter();
        let divergences: Vec<_> =
            divergences.map(|(check, what)| json!({"check": check, "what": what})).collect();
        json!({
            "same": self.is_the_same(),
            "recorded_digest": self.recorded.digest(),
            "differences": self.differences,
            "divergences": divergences,
            "now_fail": self.now_fail,
            "replay": show::document(&self.replay.verdict),
        })
    }
}

fn evidence_failed(path: &std::path::Path, error: &EvidenceError) -> Failure {
    let next = match error {
        EvidenceError::Version(_) => "Use the version of this program that made it.",
        EvidenceError::Digest { .. } => "It was changed after the run: ask the certifier for it again.",
        _ => "Name the evidence.berth that --report wrote, or fetch it again and compare its digest.",
    };
    Failure::host(format!("{} cannot be replayed", path.display()), error).next(next)
}
