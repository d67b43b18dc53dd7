//! `berth adapter check`: the suite, for those who write adapters. It makes no certificate.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use berth_suite::{Evidence, Outcome};
use notify::{
    EventKind, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::sync::mpsc;

use crate::{
    arguments::Check,
    certify::{Bench, Rounds, chosen_by, list},
    failure::Failure,
};

/// How long files must lie still before they are read: whoever builds a component writes it in several steps.
const STILL: Duration = Duration::from_millis(300);

/// Does it.
pub(crate) async fn run(arguments: Check) -> Result<ExitCode, Failure> {
    let Check { run, full, watch } = arguments;
    let checks = chosen_by(!full, &run.only)?;
    if run.list {
        list(&checks, run.json);
        return Ok(ExitCode::SUCCESS);
    }
    let json = run.json;
    let bench =
        Bench { command: "berth adapter check".into(), quick: !full, waived: Default::default(), run };
    let rounds = Rounds::new(bench)?;
    if watch {
        return again_and_again(&rounds).await;
    }
    let evidence = rounds.once(None).await?;
    // Even a whole run that went well: certificates come from certifiers.
    if evidence.verdict.obstacle().is_none() {
        let line =
            "NOT CERTIFIABLE: `berth adapter check` is for vendors; certifiers use `berth certify run`.";
        if json { eprintln!("{line}") } else { println!("{line}") }
    }
    Ok(ExitCode::from(evidence.conclusion().exit_code()))
}

/// Runs whenever a file changes, until the process is ended.
async fn again_and_again(rounds: &Rounds) -> Result<ExitCode, Failure> {
    let mut changes = Changes::of(&rounds.files()?)?;
    let mut failed: Vec<String> = Vec::new();
    loop {
        match round(rounds, &failed).await {
            Ok(evidence) => failed = to_do(&evidence),
            // A component that is half written, a test bed with a slip: the next change may mend it.
            Err(failure) => failure.report(false),
        }
        println!("\nWaiting for a change of the component or the test bed (Ctrl-C ends).");
        changes.next().await?;
        println!();
    }
}

/// What failed last time first; where it still fails, nothing else is worth the time.
async fn round(rounds: &Rounds, failed: &[String]) -> Result<Evidence, Failure> {
    if !failed.is_empty() {
        println!("What failed last time first:");
        let evidence = rounds.once(Some(failed)).await?;
        if !to_do(&evidence).is_empty() {
            println!("\nThe other checks wait until these pass.");
            return Ok(evidence);
        }
        println!("\nWhat failed last time passes. Now everything:");
    }
    rounds.once(None).await
}

/// The checks to look at first next time.
fn to_do(evidence: &Evidence) -> Vec<String> {
    let results = evidence.verdict.results.iter();
    let failed = results.filter(|result| result.outcome == Outcome::Fail && !result.is_preparation());
    failed.map(|result| result.check.clone()).collect()
}

/// Changes of some files.
struct Changes {
    heard: mpsc::UnboundedReceiver<()>,
    /// It stops when it is dropped.
    _watcher: notify::RecommendedWatcher,
}

impl Changes {
    /// The folders are watched, not the files: a build puts a new file in the old one's place.
    fn of(files: &[&Path]) -> Result<Self, Failure> {
        let failed = |file: &Path, error: &dyn std::error::Error| {
            Failure::host(format!("{} cannot be watched", file.display()), error)
                .next("Check the path; without --watch it is read once.")
        };
        let mut whole: Vec<PathBuf> = Vec::new();
        for file in files {
            let absolute = std::path::absolute(file).map_err(|error| failed(file, &error))?;
            whole.push(absolute);
        }
        let (tell, heard) = mpsc::unbounded_channel();
        let wanted = whole.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if changes(&event.kind) && event.paths.iter().any(|path| wanted.contains(path)) {
                // Nobody hears it after the end.
                let _ = tell.send(());
            }
        })
        .map_err(|error| Failure::host("files cannot be watched", &error).next("Leave --watch away."))?;
        for file in &whole {
            let folder = file.parent().unwrap_or(file);
            watcher.watch(folder, RecursiveMode::NonRecursive).map_err(|error| failed(file, &error))?;
        }
        Ok(Changes { heard, _watcher: watcher })
    }

    /// Waits for a change, and until the files lie still.
    async fn next(&mut self) -> Result<(), Failure> {
        if self.heard.recv().await.is_none() {
            return Err(Failure::usage("the files are no longer watched").next("Start it again."));
        }
        while let Ok(Some(())) = tokio::time::timeout(STILL, self.heard.recv()).await {}
        Ok(())
    }
}

/// Reading a file is no change of it.
fn changes(kind: &EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Modify(_) => true,
        EventKind::Access(AccessKind::Close(mode)) => *mode == AccessMode::Write,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_file_that_is_replaced_is_a_change_and_one_that_is_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        fs::write(&file, "one").unwrap();
        let mut changes = Changes::of(&[&file]).unwrap();
        fs::read(&file).unwrap();
        fs::write(folder.path().join("other"), "x").unwrap();
        fs::write(folder.path().join("new"), "two").unwrap();
        fs::rename(folder.path().join("new"), &file).unwrap();
        changes.next().await.unwrap();
        assert!(changes.heard.try_recv().is_err());
        fs::read(&file).unwrap();
        fs::write(folder.path().join("other"), "y").unwrap();
        let nothing = tokio::time::timeout(STILL, changes.heard.recv()).await;
        assert!(nothing.is_err(), "{nothing:?}");
    }
}
