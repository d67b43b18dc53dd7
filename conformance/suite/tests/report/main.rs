//! Reports of a made-up verdict with every outcome and hostile texts, compared with golden files. `BLESS=1` writes them anew.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod judged;
mod kept;
mod made;

use std::{env, fs, path::Path};

use berth_suite::{
    Conclusion, Outcome, Verdict,
    report::{Report, html, json, junit, terminal},
};

/// Compares with a golden file.
#[track_caller]
fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).expect("a golden file; BLESS=1 writes it");
    assert_eq!(actual, expected, "{} differs; BLESS=1 writes it anew", path.display());
}

fn at_terminal(report: &Report<'_>, style: terminal::Style) -> String {
    let mut text = String::new();
    terminal::write(&mut text, report, style).unwrap();
    text
}

#[test]
fn the_end_of_a_run_at_a_terminal() {
    let verdict = made::verdict();
    golden("terminal.txt", &at_terminal(&made::report(&verdict), terminal::Style::default()));
}

#[test]
fn the_end_of_a_conformant_run_at_a_terminal() {
    let verdict = made::conformant();
    golden("terminal-conformant.txt", &at_terminal(&made::report(&verdict), terminal::Style::default()));
}

#[test]
fn the_run_as_junit() {
    let verdict = made::verdict();
    golden("junit.xml", &junit::junit(&made::report(&verdict)).unwrap());
}

#[test]
fn the_run_as_a_page() {
    let verdict = made::verdict();
    golden("report.html", &html::html(&made::report(&verdict)));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let verdict = made::verdict();
    let report = made::report(&verdict);
    let coloured = at_terminal(&report, terminal::Style { is_terminal: true, colour: true });
    assert!(coloured.contains("\u{1b}[1;31m"));
    let mut plain = String::new();
    for (place, part) in coloured.split("\u{1b}[").enumerate() {
        plain.push_str(if place == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(plain, at_terminal(&report, terminal::Style::default()));
}

#[test]
fn no_report_lets_a_hostile_text_steer_what_shows_it() {
    let verdict = made::verdict();
    let report = made::report(&verdict);
    let reports = [
        ("terminal", at_terminal(&report, terminal::Style::default())),
        ("junit", junit::junit(&report).unwrap()),
        ("html", html::html(&report)),
    ];
    for (name, text) in reports {
        assert!(text.contains("alert"), "{name} does not show the hostile text at all");
        let steers = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
        assert!(!text.contains(steers), "{name}");
        assert!(name == "terminal" || !text.contains("<script"), "{name}");
        assert!(name == "terminal" || !text.contains("]]>"), "{name}");
        assert!(!text.lines().any(|line| line.starts_with("forged")), "{name}");
    }
}

#[test]
fn the_page_asks_for_nothing_else() {
    let verdict = made::verdict();
    let page = html::html(&made::report(&verdict));
    assert!(page.contains("default-src 'none'"));
    for foreign in ["src=", "url(", "@import", "<script", "<link", "http://", "https://"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn every_check_is_in_every_report() {
    let verdict = made::verdict();
    let report = made::report(&verdict);
    let (junit, html) = (junit::junit(&report).unwrap(), html::html(&report));
    for result in &verdict.results {
        assert!(junit.contains(&format!("name=\"{}\"", result.check)), "{}", result.check);
        assert!(html.contains(result.name()), "{}", result.check);
    }
    assert_eq!(junit.matches("<testcase ").count(), verdict.results.len());
}

#[test]
fn the_whole_standard_fits_a_page_with_every_clause_on_it() {
    let verdict = made::of_the_whole_standard();
    let page = html::html(&Report::new(&verdict));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::write(folder.join("whole-standard.html"), &page).unwrap();
    for clause in adapter_spec::standard::clauses() {
        assert!(page.contains(&format!("<article id=\"{}\"", clause.id)), "{}", clause.id);
    }
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
}

#[test]
fn a_result_of_an_unknown_clause_is_not_lost() {
    let mut verdict = made::verdict();
    verdict.results[0].clause = "NEW-1".into();
    verdict.results[0].check = "NEW-1/new".into();
    let report = made::report(&verdict);
    assert!(html::html(&report).contains("NEW-1"));
    assert!(junit::junit(&report).unwrap().contains("NEW-1/new"));
}

#[test]
fn the_canonical_json_is_the_digested_text_and_reads_back() {
    let verdict = made::verdict();
    let text = json::canonical(&verdict);
    assert_eq!(text, verdict.canonical_json());
    assert!(text.starts_with("{\"adapter\":{\"component_sha256\":"), "{text:.60}");
    let read: Verdict = serde_json::from_str(&text).unwrap();
    assert_eq!(read.digest(), verdict.digest());
    let mut other = verdict;
    other.results[0].took += std::time::Duration::from_secs(1);
    assert_eq!(read.digest(), other.digest(), "time is no part of it");
    other.results[0].outcome = Outcome::Pass;
    other.seed += 1;
    assert_ne!(read.digest(), other.digest());
}

#[test]
fn only_a_whole_conformant_run_is_certifiable() {
    let conformant = made::conformant();
    let shown = |verdict: &Verdict| at_terminal(&made::report(verdict), terminal::Style::default());
    assert_eq!(conformant.conclusion(), Conclusion::Conformant);
    assert!(!shown(&conformant).contains("NOT CERTIFIABLE"));
    assert!(!html::html(&made::report(&conformant)).contains("Not certifiable"));
    for spoilt in [
        Verdict { quick: true, ..conformant.clone() },
        Verdict { filtered: true, ..conformant.clone() },
        made::verdict(),
    ] {
        assert!(shown(&spoilt).contains("NOT CERTIFIABLE"));
        assert!(html::html(&made::report(&spoilt)).contains("Not certifiable"));
    }
}
