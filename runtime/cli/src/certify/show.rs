//! What a run came to, for people, programs and files.

use std::{fs, io::Write as _, path::Path};

use berth_suite::{
    Evidence, Verdict,
    report::{Report, terminal},
};
use serde_json::json;

use crate::{failure::Failure, files};

/// The end of a run for people, on standard error where standard output is for programs.
pub(super) fn people(report: &Report<'_>, json: bool) {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = terminal::write(&mut text, report, style(json));
    text.push('\n');
    say(&text, json);
}

/// Says something to people, on standard error where standard output is for programs.
pub(super) fn say(text: &str, json: bool) {
    // Whoever closed the stream does not want to read on.
    let _ = if json {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::io::stdout().write_all(text.as_bytes())
    };
}

/// How to write where people read.
pub(super) fn style(json: bool) -> terminal::Style {
    if json { terminal::Style::of(&std::io::stderr()) } else { terminal::Style::of(&std::io::stdout()) }
}

/// The verdict for programs, with what follows from it.
pub(super) fn document(verdict: &Verdict) -> serde_json::Value {
    let counts: serde_json::Map<_, _> = verdict
        .counts()
        .into_iter()
        .map(|(outcome, number)| (outcome.name().into(), number.into()))
        .collect();
    json!({
        "conclusion": verdict.conclusion().name(),
        "not_certifiable": verdict.obstacle(),
        "digest": verdict.digest(),
        "levels": verdict.levels(),
        "counts": counts,
        "verdict": verdict,
    })
}

/// Makes the folder, so that a run of minutes does not end in a folder that cannot be made.
pub(super) fn prepare(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::host(format!("the folder {} cannot be made", folder.display()), &error)
            .next("Name a folder in a place that you can write to.")
    })
}

/// Writes the files of a run.
pub(super) fn write(folder: &Path, evidence: &Evidence, report: &Report<'_>) -> Result<(), Failure> {
    let made = report.files(evidence);
    let made = made.map_err(|error| Failure::host("the files of the run were not written", &error))?;
    made.iter().try_for_each(|(name, bytes)| files::write_public(&folder.join(name), bytes))
}
