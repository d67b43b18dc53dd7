//! What happens in a run, while it happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

use adapter_spec::standard;

use super::{Ink, Style, WIDTH, heading, line};
use crate::{
    check::{Check, Run},
    progress::Progress,
    report::{outline, words},
    verdict::CheckResult,
};

/// Writes one line for each clause when its last check has ended, under the heading of its area; at a terminal, the check
/// that runs stands below. A stream that cannot be written to does not stop the run.
pub struct Live<W: Write + Send> {
    style: Style,
    /// Clauses with a check that watches every call of the run, and so ends with the run.
    watched: BTreeSet<&'static str>,
    state: Mutex<State<W>>,
}

struct State<W> {
    out: W,
    /// By clause: how many of its checks have not ended.
    waiting: BTreeMap<String, usize>,
    ended: BTreeMap<String, Vec<CheckResult>>,
    area: String,
    in_watched: bool,
    has_status: bool,
}

impl<W: Write + Send> Live<W> {
    /// Writes to `out` what becomes of these checks; see [`crate::chosen`].
    pub fn new(out: W, style: Style, checks: &[Check]) -> Self {
        let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
        let mut watched = BTreeSet::new();
        for check in checks {
            *waiting.entry(check.clause.into()).or_default() += 1;
            if matches!(check.run, Run::Rule(_)) {
                watched.insert(check.clause);
            }
        }
        let state = State {
            out,
            waiting,
            ended: BTreeMap::new(),
            area: String::new(),
            in_watched: false,
            has_status: false,
        };
        Live { style, watched, state: Mutex::new(state) }
    }

    /// What was written to.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).out
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + Send> Progress for Live<W> {
    fn begins(&self, check: &str, left: usize) {
        if !self.style.is_terminal {
            return;
        }
        let mut state = self.state();
        let status = words::cut(&words::plain(&format!("  … {check} ({left} to go)")), WIDTH - 1);
        let status = self.style.paint(Ink::Faint, &status);
        state.write(format_args!("\r\u{1b}[2K{status}"));
        state.has_status = true;
    }

    fn ended(&self, result: &CheckResult) {
        let mut state = self.state();
        let clause = result.clause.clone();
        state.ended.entry(clause.clone()).or_default().push(result.clone());
        if !result.is_preparation() {
            let waiting = state.waiting.entry(clause.clone()).or_insert(1);
            *waiting = waiting.saturating_sub(1);
            if *waiting > 0 {
                return;
            }
        }
        if std::mem::take(&mut state.has_status) {
            state.write(format_args!("\r\u{1b}[2K"));
        }
        if self.watched.contains(clause.as_str()) && !state.in_watched {
            state.in_watched = true;
            state.area.clear();
            let watched = self.style.paint(Ink::Faint, "In every call of the run:");
            state.write(format_args!("\n{watched}\n"));
        }
        let area = clause.split_once('-').map_or(clause.as_str(), |(area, _)| area);
        if state.area != area {
            area.clone_into(&mut state.area);
            let title = outline::titles(standard::TEXT).find(|(name, _)| *name == area);
            let heading = heading(self.style, area, title.map_or("", |(_, title)| title));
            state.write(format_args!("\n{heading}\n"));
        }
        let results = state.ended.remove(&clause).unwrap_or_default();
        let line = line(self.style, &clause, &results.iter().collect::<Vec<_>>());
        state.write(format_args!("{line}\n"));
    }
}

impl<W: Write> State<W> {
    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Whoever closed the stream does not want to read on.
        let _ = self.out.write_fmt(text).and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{check, verdict::Outcome};

    fn two_of_one_clause() -> Vec<Check> {
        let never: check::Scenario = |_| Box::pin(async { Ok(()) });
        vec![
            check::scenario("ONCE-3", "first", &[], never),
            check::scenario("ONCE-3", "second", &[], never),
            check::rule("DESC-1", "third", &[], |_, _| None),
        ]
    }

    fn result(clause: &str, name: &str, outcome: Outcome, reason: Option<&str>) -> CheckResult {
        CheckResult {
            clause: clause.into(),
            check: format!("{clause}/{name}"),
            outcome,
            reason: reason.map(String::from),
            fault: None,
            calls: 1,
            took: Duration::from_millis(120),
        }
    }

    fn shown(style: Style) -> String {
        let live = Live::new(Vec::new(), style, &two_of_one_clause());
        live.begins("ONCE-3/first", 3);
        live.ended(&result("ONCE-3", "first", Outcome::Pass, None));
        live.begins("ONCE-3/second", 2);
        live.ended(&result("ONCE-3", "second", Outcome::Unknown, Some("no \u{1b}[2J\nnode")));
        live.ended(&result("DESC-1", "third", Outcome::Pass, None));
        String::from_utf8(live.into_inner()).unwrap()
    }

    #[test]
    fn a_clause_has_one_line_when_its_last_check_has_ended() {
        let expected = "\n\
            Exactly once: send, envelope, salt ONCE\n  \
            ? ONCE-3   unknown no \\u{1b}[2J\\nnode                                   240 ms\n\
            \n\
            In every call of the run:\n\
            \n\
            Describe, settings, open DESC\n  \
            ✔ DESC-1   pass    third                                                120 ms\n";
        assert_eq!(shown(Style::default()), expected);
    }

    #[test]
    fn only_at_a_terminal_does_the_running_check_stand_below_and_is_wiped_away() {
        let shown = shown(Style { is_terminal: true, colour: false });
        assert!(shown.contains("\r\u{1b}[2K  … ONCE-3/second (2 to go)\r\u{1b}[2K"), "{shown:?}");
    }

    #[test]
    fn colours_come_with_a_mark_and_a_word() {
        let shown = shown(Style { is_terminal: false, colour: true });
        assert!(shown.contains("\u{1b}[33m? ONCE-3   unknown \u{1b}[0m"), "{shown:?}");
    }

    #[test]
    fn what_fails_before_any_check_is_told_at_once() {
        let live = Live::new(Vec::new(), Style::default(), &two_of_one_clause());
        let preparation =
            CheckResult { check: "preparation".into(), ..result("CALL-1", "", Outcome::Fail, None) };
        live.ended(&preparation);
        let shown = String::from_utf8(live.into_inner()).unwrap();
        assert!(shown.contains("✘ CALL-1   FAIL    preparation"), "{shown}");
    }
}
