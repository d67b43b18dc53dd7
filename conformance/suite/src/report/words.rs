//! Outcomes and numbers in words, and text that cannot steer what shows it.

use std::{fmt::Write as _, time::Duration};

use crate::verdict::{Conclusion, Outcome, Verdict};

/// A text that cannot steer a terminal or a page, nor forge a line: control characters, and those that are invisible or
/// change the direction of text, are escaped.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if c.is_control() || steers {
            // Writing to a string cannot fail.
            let _ = write!(safe, "{}", c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// All outcomes, in the order in which reports list them.
pub(super) const OUTCOMES: [Outcome; 7] = [
    Outcome::Pass,
    Outcome::Warn,
    Outcome::NotApplicable,
    Outcome::Waived,
    Outcome::Fail,
    Outcome::Unknown,
    Outcome::Error,
];

/// A sign that stands for the outcome where there is no colour.
pub(super) fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✔",
        Outcome::Warn => "!",
        Outcome::NotApplicable => "–",
        Outcome::Waived => "~",
        Outcome::Fail => "✘",
        Outcome::Unknown => "?",
        Outcome::Error => "⚠",
    }
}

/// The outcome in a word or two.
pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotApplicable => "not applicable",
        other => other.name(),
    }
}

/// What the outcome means, a sentence.
pub(super) fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "The adapter keeps the clause, as far as the check looks.",
        Outcome::Warn => "The adapter does not keep a clause that says SHOULD.",
        Outcome::NotApplicable => "The adapter does not declare what the clause is about.",
        Outcome::Waived => "The certifier has waived the clause, for the reason that is given.",
        Outcome::Fail => "The adapter does not keep a clause that says MUST.",
        Outcome::Unknown => "It could not be found out. This is no pass.",
        Outcome::Error => "The suite or the test bed is broken; this says nothing of the adapter.",
    }
}

/// The conclusion as the head of a report.
pub(super) fn headline(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Conformant => "Conformant",
        Conclusion::NotConformant => "Not conformant",
        Conclusion::Unknown => "Unknown",
        Conclusion::HarnessError => "No result",
    }
}

/// What the run came to, a sentence.
pub(super) fn statement(verdict: &Verdict) -> String {
    let adapter = plain(&format!("{} {}", verdict.adapter.name, verdict.adapter.version));
    let standard = plain(&verdict.standard.version);
    let clauses = |outcome| {
        let mut ids: Vec<_> =
            verdict.results.iter().filter(|one| one.outcome == outcome).map(|one| &one.clause).collect();
        ids.sort();
        ids.dedup();
        counted(ids.len() as u64, "clause")
    };
    match verdict.conclusion() {
        Conclusion::Conformant => {
            format!("{adapter} keeps the standard {standard} in every check of this run.")
        }
        Conclusion::NotConformant => {
            let clauses = clauses(Outcome::Fail);
            format!("{adapter} does not keep {clauses} of the standard {standard}.")
        }
        Conclusion::Unknown => {
            let clauses = clauses(Outcome::Unknown);
            format!("Whether {adapter} keeps {clauses} of the standard {standard} could not be found out.")
        }
        Conclusion::HarnessError => {
            "The suite or the test bed is broken, or no check applied: this run decides nothing.".into()
        }
    }
}

/// So many of these.
pub(super) fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// How long something took, for people.
pub(super) fn time(took: Duration) -> String {
    match took.as_millis() {
        0 => String::new(),
        millis @ 1..1_000 => format!("{millis} ms"),
        millis @ 1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        millis => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// At most so many characters, with a sign where something is missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_turns_text_around_is_escaped() {
        let hostile = "\u{1b}[2J\r\n\u{202e}\u{200b}\u{feff}\u{9b}\u{7f}\u{e0041}";
        let safe = plain(hostile);
        assert!(safe.is_ascii() && !safe.contains(char::is_control), "{safe}");
        assert_eq!(plain("café ✔ 账本"), "café ✔ 账本");
    }

    #[test]
    fn times_are_rounded_to_what_a_person_reads() {
        let millis = [0, 7, 1_250, 61_000].map(|millis| time(Duration::from_millis(millis)));
        assert_eq!(millis, ["", "7 ms", "1.2 s", "1 min 1 s"]);
    }

    #[test]
    fn a_cut_text_shows_that_it_is_cut() {
        assert_eq!(cut("añb", 3), "añb");
        assert_eq!(cut("añbc", 3), "añ…");
    }
}
