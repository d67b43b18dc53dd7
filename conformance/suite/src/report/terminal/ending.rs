//! The end of a run: what went wrong, told in full, and what it all came to.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use adapter_spec::standard::{Clause, Strength};

use super::{Ink, Style, WIDTH, wrapped};
use crate::{
    report::{
        Report, Standing,
        words::{self, OUTCOMES, headline, mark, plain, statement, word},
    },
    verdict::{CallReport, CheckResult, Conclusion, LEVELS, Outcome, Verdict},
};

/// Columns of the labels.
const LABELS: usize = 12;
/// Characters of an argument, request or answer; the files have more.
const SHOWN: usize = 280;

/// Writes what went wrong, and what it all came to.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, report: &Report<'_>, style: Style) -> fmt::Result {
    let mut page = Page { out, style };
    page.unknown(report)?;
    for outcome in [Outcome::Warn, Outcome::Error, Outcome::Fail] {
        for (clause, result) in report.outline.with_outcome(outcome) {
            page.told_in_full(report, clause, result)?;
        }
    }
    page.summary(report)
}

struct Page<'a, W> {
    out: &'a mut W,
    style: Style,
}

impl<W: Write> Page<'_, W> {
    fn field(&mut self, label: &str, text: &str) -> fmt::Result {
        self.inked(None, label, text)
    }

    fn inked(&mut self, ink: Option<Ink>, label: &str, text: &str) -> fmt::Result {
        let column = LABELS + 3;
        let text = wrapped(text, column, column);
        let text = ink.map_or(text.clone(), |ink| self.style.paint(ink, &text));
        writeln!(self.out, "  {} {text}", self.style.paint(Ink::Faint, &format!("{label:<LABELS$}")))
    }

    /// A title with a rule after it.
    fn title(&mut self, ink: Ink, rule: &str, title: &str) -> fmt::Result {
        let rest = rule.repeat(WIDTH.saturating_sub(4 + title.chars().count()));
        let title = self.style.paint(ink, &format!("{rule}{rule} {title}"));
        writeln!(self.out, "\n{title} {rest}")
    }

    /// What could not be found out, the checks with one reason together: often one entry of the test bed helps them all.
    fn unknown(&mut self, report: &Report<'_>) -> fmt::Result {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (_, result) in report.outline.with_outcome(Outcome::Unknown) {
            by_reason.entry(result.reason.as_deref().unwrap_or_default()).or_default().push(&result.check);
        }
        if by_reason.is_empty() {
            return Ok(());
        }
        self.title(Ink::StrongOf(Outcome::Unknown), "─", "UNKNOWN")?;
        for (reason, checks) in by_reason {
            writeln!(self.out, "  {}", self.style.paint(Ink::Strong, &wrapped(reason, 2, 2)))?;
            writeln!(self.out, "    {}", wrapped(&checks.join(", "), 4, 4))?;
        }
        Ok(())
    }

    /// The clause, what was expected, what came, what led there, and how to see it again.
    fn told_in_full(&mut self, report: &Report<'_>, clause: &Clause, result: &CheckResult) -> fmt::Result {
        let title = format!("{} {}", word(result.outcome).to_uppercase(), plain(&result.check));
        self.title(Ink::StrongOf(result.outcome), "─", &title)?;
        let strength = match clause.strength {
            Strength::Must => "MUST",
            Strength::Should => "SHOULD",
        };
        self.field(strength, &clause.text)?;
        if !clause.reason.is_empty() {
            self.field("because", &clause.reason)?;
        }
        if let Some(reason) = &result.reason {
            self.inked(Some(Ink::Strong), word(result.outcome), reason)?;
        }
        if let Some(fault) = &result.fault {
            self.field("expected", &fault.expected)?;
            self.inked(Some(Ink::Strong), "actual", &fault.actual)?;
            for (number, call) in fault.calls.iter().enumerate() {
                self.call(if number == 0 { "what led here" } else { "" }, call)?;
            }
        }
        // A command is copied, so it is not broken into lines.
        let repeat = report.repeat(result);
        writeln!(self.out, "  {} {repeat}", self.style.paint(Ink::Faint, &format!("{:<LABELS$}", "repeat")))
    }

    fn call(&mut self, label: &str, call: &CallReport) -> fmt::Result {
        let shown = |text: &str| words::cut(text, SHOWN);
        let what = format!("{}: {} {}", call.application, call.function, shown(&call.arguments));
        self.field(label, &what)?;
        for exchange in &call.exchanges {
            self.step("→", &format!("{} {}", exchange.import, shown(&exchange.request)))?;
            let answer = exchange.answer.as_deref().unwrap_or("no answer before the call ended");
            self.step("←", &shown(answer))?;
        }
        self.step("=", &shown(&call.result))
    }

    /// What happened in a call, further in than a field.
    fn step(&mut self, sign: &str, text: &str) -> fmt::Result {
        let column = LABELS + 7;
        let sign = self.style.paint(Ink::Faint, &format!("{sign:>width$}", width = column - 1));
        writeln!(self.out, "{sign} {}", wrapped(text, column, column))
    }

    fn summary(&mut self, report: &Report<'_>) -> fmt::Result {
        let verdict = report.verdict;
        let conclusion = verdict.conclusion();
        let ink = Ink::StrongOf(ink_of(conclusion));
        self.title(ink, "═", &headline(conclusion).to_uppercase())?;
        writeln!(self.out, "  {}", wrapped(&statement(verdict), 2, 2))?;
        if let Some(obstacle) = verdict.obstacle() {
            let line = format!("NOT CERTIFIABLE: {obstacle}.");
            writeln!(self.out, "  {}", self.style.paint(ink, &wrapped(&line, 2, 2)))?;
        }
        writeln!(self.out)?;
        self.field("checks", &counts(verdict))?;
        self.field("clauses", &clauses(report))?;
        self.field("levels", &levels(verdict))?;
        self.field("took", &words::time(verdict.results.iter().map(|result| result.took).sum()))?;
        self.field("node", &node(verdict))?;
        if let Some(digest) = &verdict.adapter.component_sha256 {
            self.field("component", digest)?;
        }
        if let Some(digest) = &verdict.adapter.program_sha256 {
            self.field("program", digest)?;
        }
        self.field("seed", &verdict.seed.to_string())?;
        self.field("evidence", &verdict.evidence)?;
        self.field("verdict", &verdict.digest())
    }
}

/// The outcome with the colour of a conclusion.
fn ink_of(conclusion: Conclusion) -> Outcome {
    match conclusion {
        Conclusion::Conformant => Outcome::Pass,
        Conclusion::NotConformant => Outcome::Fail,
        Conclusion::Unknown => Outcome::Unknown,
        Conclusion::HarnessError => Outcome::Error,
    }
}

fn counts(verdict: &Verdict) -> String {
    let counts = verdict.counts();
    let each = OUTCOMES.iter().filter_map(|outcome| {
        let number = counts.get(outcome)?;
        Some(format!("{} {number} {}", mark(*outcome), word(*outcome)))
    });
    let whole = verdict.results.len();
    format!("{whole}: {}", each.collect::<Vec<_>>().join(", "))
}

fn clauses(report: &Report<'_>) -> String {
    let number = |which: fn(&Standing) -> bool| {
        report.outline.entries().filter(|entry| which(&entry.standing)).count() as u64
    };
    let mut text = format!("{} checked", number(|standing| matches!(standing, Standing::Checked(_))));
    type Is = fn(&Standing) -> bool;
    let others: [(&str, Is); 3] = [
        ("not run", |standing| matches!(standing, Standing::NotRun(_))),
        ("without a check", |standing| matches!(standing, Standing::Unchecked(_))),
        ("of the host's", |standing| matches!(standing, Standing::Host(_))),
    ];
    for (what, which) in others {
        let number = number(which);
        if number > 0 {
            text.push_str(&format!(", {number} {what}"));
        }
    }
    text
}

fn levels(verdict: &Verdict) -> String {
    let passed = verdict.levels();
    let missed: Vec<_> =
        LEVELS.iter().map(|(level, _)| *level).filter(|level| !passed.contains(level)).collect();
    match (passed.is_empty(), missed.is_empty()) {
        (true, _) => "none passed".into(),
        (false, true) => format!("all passed: {}", passed.join(", ")),
        (false, false) => format!("passed: {}; not passed: {}", passed.join(", "), missed.join(", ")),
    }
}

fn node(verdict: &Verdict) -> String {
    let node = &verdict.node;
    format!("{} (test bed \"{}\")", node.version, verdict.testbed)
}
