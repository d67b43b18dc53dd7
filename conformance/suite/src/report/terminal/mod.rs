//! A run at a terminal: what happens while it happens, and then the end.

mod ending;
mod live;

use std::io::IsTerminal;

pub use ending::write;
pub use live::Live;

use super::words::{self, mark, plain};
use crate::verdict::{CheckResult, Outcome};

/// Columns of a line.
const WIDTH: usize = 80;

/// How to write to a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether what is shown can be changed again.
    pub is_terminal: bool,
    /// Whether there is colour.
    pub colour: bool,
}

impl Style {
    /// What suits this stream: colours only at a terminal, and not where the environment's `NO_COLOR` says otherwise.
    #[must_use]
    pub fn of(stream: &impl IsTerminal) -> Self {
        let is_terminal = stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Style { is_terminal, colour: is_terminal && !unwanted }
    }

    fn paint(self, ink: Ink, text: &str) -> String {
        if self.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) } else { text.to_owned() }
    }
}

/// What a text is, and so its colour.
#[derive(Clone, Copy)]
enum Ink {
    Strong,
    Faint,
    Of(Outcome),
    StrongOf(Outcome),
}

impl Ink {
    /// The parameters of the terminal's "select graphic rendition".
    fn code(self) -> &'static str {
        match self {
            Ink::Strong => "1",
            Ink::Faint => "2",
            Ink::Of(Outcome::Pass) => "32",
            Ink::Of(Outcome::NotApplicable | Outcome::Waived) => "2",
            Ink::Of(Outcome::Warn | Outcome::Unknown) => "33",
            Ink::Of(Outcome::Fail) => "31",
            Ink::Of(Outcome::Error) => "35",
            Ink::StrongOf(Outcome::Pass) => "1;32",
            Ink::StrongOf(Outcome::Warn | Outcome::Unknown) => "1;33",
            Ink::StrongOf(Outcome::Fail) => "1;31",
            Ink::StrongOf(_) => "1;35",
        }
    }
}

/// The heading of an area.
fn heading(style: Style, name: &str, title: &str) -> String {
    format!("{} {}", style.paint(Ink::Strong, &plain(title)), style.paint(Ink::Faint, &plain(name)))
}

/// One line for one clause: its mark, id, outcome, the names of its checks or the reason, and how long they took.
fn line(style: Style, clause: &str, results: &[&CheckResult]) -> String {
    let Some(worst) = Outcome::worst(results.iter().map(|result| result.outcome)) else {
        return String::new();
    };
    let of_worst: Vec<_> = results.iter().filter(|result| result.outcome == worst).collect();
    let names =
        |results: &[&&CheckResult]| results.iter().map(|result| result.name()).collect::<Vec<_>>().join(", ");
    let text = match (worst, of_worst.first().and_then(|result| result.reason.clone())) {
        (Outcome::Pass | Outcome::Fail | Outcome::Warn, _) | (_, None) => names(&of_worst),
        (_, Some(reason)) => reason,
    };
    let took = words::time(results.iter().map(|result| result.took).sum());
    let word = match worst {
        Outcome::NotApplicable => "n/a".into(),
        Outcome::Fail | Outcome::Error => words::word(worst).to_uppercase(),
        other => words::word(other).to_owned(),
    };
    let left = format!("{} {:<9}{word:<8}", mark(worst), plain(clause));
    let room = WIDTH.saturating_sub(2 + left.chars().count() + 1 + took.chars().count());
    let text = words::cut(&plain(&text), room);
    let line = format!("  {}{text:<room$} {took}", style.paint(Ink::Of(worst), &left));
    line.trim_end().to_owned()
}

/// Lines of at most [`WIDTH`] columns, each after the first with so many spaces before it; `column` is where the first
/// begins. A word that fits no line is broken.
fn wrapped(text: &str, column: usize, indent: usize) -> String {
    let mut lines = String::new();
    let mut at = column;
    let mut is_first = true;
    for word in plain(text).split(' ') {
        let width = word.chars().count();
        if !is_first && at + 1 + width > WIDTH && at > indent {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            at = indent;
        } else if !is_first {
            lines.push(' ');
            at += 1;
        }
        for c in word.chars() {
            if at >= WIDTH {
                lines.push('\n');
                lines.push_str(&" ".repeat(indent));
                at = indent;
            }
            lines.push(c);
            at += 1;
        }
        is_first = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_wrapped_text_is_too_wide() {
        let text = format!("{} {} {}", "word ".repeat(40), "x".repeat(200), "é ".repeat(90));
        let shown = wrapped(&text, 12, 12);
        let first = shown.lines().next().unwrap().chars().count() + 12;
        assert!(first <= WIDTH && shown.lines().skip(1).all(|line| line.chars().count() <= WIDTH), "{shown}");
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&shown), letters(&text));
    }
}
