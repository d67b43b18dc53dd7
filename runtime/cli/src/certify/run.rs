//! `berth certify run`.

use std::{collections::BTreeMap, path::Path, process::ExitCode, sync::Arc};

use berth_host::Host;
use berth_lending::{Randomness as _, SystemRandomness};
use berth_suite::{
    Evidence, MostRecorded, NetworkGround, Plan, RunError, Testbed, TestbedError, chosen, is_waivable,
    report::{Report, terminal::Live},
};

use super::{list, show, subject, subject::Tested};
use crate::{
    arguments::{CertifyRun, SuiteRun},
    failure::Failure,
};

/// Does it.
pub(super) async fn run(arguments: CertifyRun) -> Result<ExitCode, Failure> {
    let CertifyRun { run, quick, waive } = arguments;
    let checks = chosen_by(quick, &run.only)?;
    if run.list {
        list(&checks, run.json);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some((clause, _)) = waive.iter().find(|(clause, _)| !is_waivable(clause)) {
        return Err(run_failed(&RunError::Waived(clause.clone())));
    }
    if let Some((clause, _)) = waive.iter().find(|(name, _)| adapter_spec::standard::clause(name).is_none()) {
        return Err(Failure::usage(format!("the standard has no clause {clause}, so it cannot be waived"))
            .next("`berth certify run --list` shows the clauses that are checked."));
    }
    let bench =
        Bench { command: "berth certify run".into(), quick, waived: waive.into_iter().collect(), run };
    let evidence = Rounds::new(bench)?.once(None).await?;
    Ok(ExitCode::from(evidence.conclusion().exit_code()))
}

/// The checks with these names.
pub(crate) fn chosen_by(quick: bool, only: &[String]) -> Result<Vec<berth_suite::Check>, Failure> {
    if let Some(name) = only.iter().find(|name| chosen(false, std::slice::from_ref(name)).is_empty()) {
        return Err(run_failed(&RunError::Nothing(name.clone())));
    }
    let checks = chosen(quick, only);
    if checks.is_empty() {
        return Err(Failure::usage("all the chosen checks are slow, and slow ones are left out")
            .next("Leave --quick away; with `berth adapter check` add --full."));
    }
    Ok(checks)
}

/// What is run, and how it is told.
pub(crate) struct Bench {
    /// The command's words before its arguments.
    pub(crate) command: String,
    pub(crate) run: SuiteRun,
    pub(crate) quick: bool,
    pub(crate) waived: BTreeMap<String, String>,
}

/// Runs of the suite on one host.
pub(crate) struct Rounds {
    bench: Bench,
    host: Host,
}

impl Rounds {
    /// Looks whether everything is there that can be looked at beforehand.
    pub(crate) fn new(bench: Bench) -> Result<Self, Failure> {
        if let Some(folder) = &bench.run.report {
            show::prepare(folder)?;
        }
        let host = subject::host(bench.run.no_cache)?;
        Ok(Rounds { bench, host })
    }

    /// The files that a run depends on: the test bed, and the component where it is one.
    pub(crate) fn files(&self) -> Result<Vec<&Path>, Failure> {
        let component = self.bench.run.file.as_deref();
        Ok(component.into_iter().chain([self.testbed()?]).collect())
    }

    fn testbed(&self) -> Result<&Path, Failure> {
        // The command line is not read without it.
        self.bench.run.testbed.as_deref().ok_or_else(|| Failure::usage("a run needs a --testbed"))
    }

    fn tested(&self) -> Result<Tested, Failure> {
        Tested::of(self.bench.run.file.as_ref(), self.bench.run.native.as_ref())
    }

    /// Runs the suite once, tells people and programs what it came to, and writes the files. `only` takes the place of the
    /// filter that was typed.
    pub(crate) async fn once(&self, only: Option<&[String]>) -> Result<Evidence, Failure> {
        let Bench { run, quick, waived, .. } = &self.bench;
        let testbed_file = self.testbed()?;
        let only = only.unwrap_or(&run.only).to_vec();
        let checks = chosen_by(*quick, &only)?;
        let places = run.set.iter().cloned().collect();
        let testbed = Testbed::read(testbed_file, &places).map_err(|error| testbed_failed(&error))?;
        let subject = subject::Subject::load(&self.host, &self.tested()?).await?;
        let seed = run.seed.map_or_else(random_seed, Ok)?;
        show::say(&self.opening(&subject, &testbed, seed, checks.len()), run.json);

        let plan = Plan {
            ground: Arc::new(NetworkGround::new(testbed.clone(), subject.descriptor)),
            adapter: subject.adapter,
            component: subject.component,
            testbed,
            seed,
            quick: *quick,
            only,
            waived: waived.clone(),
            most_recorded: MostRecorded::default(),
        };
        let evidence = if run.json {
            berth_suite::run(plan, &Live::new(std::io::stderr(), show::style(true), &checks)).await
        } else {
            berth_suite::run(plan, &Live::new(std::io::stdout(), show::style(false), &checks)).await
        };
        let mut evidence = evidence.map_err(|error| run_failed(&error))?;
        evidence.verdict.adapter.program_sha256 = subject.program;
        self.tell(&evidence)?;
        Ok(evidence)
    }

    fn opening(&self, subject: &subject::Subject, testbed: &Testbed, seed: u64, checks: usize) -> String {
        let line = format!(
            "{} {} on {}: {checks} checks, seed {seed}",
            subject.descriptor.name, subject.descriptor.version, testbed.node.version
        );
        format!("{}\n", crate::show::plain(&line))
    }

    fn tell(&self, evidence: &Evidence) -> Result<(), Failure> {
        let SuiteRun { report: folder, json, .. } = &self.bench.run;
        let (tested, testbed) = (self.tested()?, self.testbed()?);
        let mut report = Report::new(&evidence.verdict);
        report.ended = std::time::SystemTime::now().try_into().ok();
        // The files are for others, who have the component elsewhere.
        if let Some(folder) = folder {
            show::write(folder, evidence, &report)?;
        }
        let full = if self.bench.quick || !self.bench.command.ends_with("check") { "" } else { " --full" };
        let set = self.bench.run.set.iter();
        let set: String =
            set.map(|(name, value)| format!(" --set {}", quoted(&format!("{name}={value}")))).collect();
        let (tested, testbed) = (tested.words(quoted), quoted(&testbed.display().to_string()));
        report.command = format!("{} {tested} --testbed {testbed}{set}{full}", self.bench.command);
        show::people(&report, *json);
        if let Some(folder) = folder {
            show::say(&format!("The report is in {}.\n", folder.display()), *json);
        }
        if *json {
            println!("{:#}", show::document(&evidence.verdict));
        }
        Ok(())
    }
}

/// Small enough to be typed again.
fn random_seed() -> Result<u64, Failure> {
    let mut bytes = [0; 4];
    SystemRandomness.fill(&mut bytes).map_err(|error| Failure::host("there is no random seed", &error))?;
    Ok(u32::from_be_bytes(bytes).into())
}

/// A word as a shell reads it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn testbed_failed(error: &TestbedError) -> Failure {
    let next = match error {
        TestbedError::Read { .. } => "Check the path in --testbed, and those in the file.",
        TestbedError::TooLarge { .. } => "Check that it is the right file.",
        TestbedError::Malformed(_) => "Write it in the form that conformance/README.md describes.",
        TestbedError::Place { .. } => "The test bed's own comments say what it wants.",
        TestbedError::Field { .. } => "Check what the test bed's `…-file` entries name.",
    };
    Failure::host("there is no test bed", error).next(next)
}

/// Why a run came to no verdict.
pub(super) fn run_failed(error: &RunError) -> Failure {
    let next = match error {
        RunError::Describe(_) => "This is a fault in the adapter's `describe`: tell its vendor.",
        RunError::Nothing(_) => {
            "Name a clause as ONCE-3, a check as ONCE-3/its-name, or an area as ONCE; --list shows them."
        }
        RunError::Waived(_) => "Leave that --waive away: an adapter that does not keep it is not certified.",
    };
    Failure::host("the suite was not run", error).next(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_word_for_a_shell() {
        assert_eq!(quoted("a/b-1.wasm"), "a/b-1.wasm");
        assert_eq!(quoted("it's $(here)"), r"'it'\''s $(here)'");
    }

    #[test]
    fn a_name_that_no_check_has_is_told_even_beside_one_that_has() {
        let names = ["ONCE-3".to_owned(), "NONE-1".to_owned()];
        let why = chosen_by(false, &names).err().unwrap().why;
        assert!(why.contains("NONE-1") && !why.contains("ONCE-3"), "{why}");
    }
}
