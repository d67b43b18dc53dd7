//! The run as one page: it needs nothing but itself, and runs no program.
//!
//! - this file: the page's frame.
//! - `summary`: the verdict, the numbers, and what was tested.
//! - `clauses`: the clauses by area, with their checks and faults.

mod clauses;
mod summary;

use maud::{DOCTYPE, Markup, PreEscaped, html as page};

use super::{Area, Report, words};
use crate::{report::words::plain, verdict::Outcome};

/// The whole style; no font, picture or script comes from elsewhere.
const STYLE: &str = include_str!("style.css");
/// Nothing may be fetched and no script may run, even if a hostile text were to get through.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
#[must_use]
pub fn html(report: &Report<'_>) -> String {
    let verdict = report.verdict;
    let title = plain(&format!("{} {}", verdict.adapter.name, verdict.adapter.version));
    let headline = words::headline(verdict.conclusion());
    let page = page! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) ": " (headline) " – conformance report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#clauses" { "Skip to the clauses" }
                (summary::header(report))
                div.columns {
                    (navigation(report))
                    main {
                        (summary::sections(report))
                        (clauses::sections(report))
                    }
                }
                (footer(report))
            }
        }
    };
    page.into_string() + "\n"
}

fn navigation(report: &Report<'_>) -> Markup {
    page! {
        nav aria-label="Parts of this report" {
            ul {
                li { a href="#numbers" { "In numbers" } }
                @if report.outline.entries().any(|entry| entry.outcome().is_some_and(is_remarkable)) {
                    li { a href="#remarks" { "What to look at" } }
                }
                li { a href="#tested" { "What was tested" } }
                li { a href="#repeat" { "How to repeat it" } }
            }
            p.nav-title { "Clauses" }
            ul {
                @for area in &report.outline.areas {
                    li {
                        a href={ "#" (plain(&area.name)) } {
                            span.area-name { (plain(&area.name)) }
                            @match worst(area) {
                                Some(outcome) => (mark(outcome)),
                                None => span.mark.none { "·" span.hidden { " not checked" } },
                            }
                        }
                    }
                }
            }
        }
    }
}

fn footer(report: &Report<'_>) -> Markup {
    page! {
        footer {
            h2 { "How to read this report" }
            dl.legend {
                @for outcome in words::OUTCOMES {
                    div {
                        dt { (badge(outcome)) }
                        dd { (words::meaning(outcome)) }
                    }
                }
            }
            p {
                "A pass says that the suite looked for a breach and found none. It is no proof that there is none. "
                "Clauses that bind the host are tested with the host."
            }
            p.small { "Made by the Berth conformance suite " (plain(&report.verdict.suite.version)) "." }
        }
    }
}

/// Outcomes that a reader should look at.
fn is_remarkable(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fail | Outcome::Error | Outcome::Unknown | Outcome::Warn)
}

fn worst(area: &Area<'_>) -> Option<Outcome> {
    Outcome::worst(area.entries.iter().filter_map(super::Entry::outcome))
}

/// The outcome as a sign, with its word for those who do not see it.
fn mark(outcome: Outcome) -> Markup {
    page! {
        span class={ "mark " (outcome.name()) } {
            span aria-hidden="true" { (words::mark(outcome)) }
            span.hidden { " " (words::word(outcome)) }
        }
    }
}

/// The outcome as a sign and a word.
fn badge(outcome: Outcome) -> Markup {
    page! {
        span class={ "badge " (outcome.name()) } {
            span aria-hidden="true" { (words::mark(outcome)) " " }
            (words::word(outcome))
        }
    }
}

/// Text with code in backquotes, as the standard writes it.
fn prose(text: &str) -> Markup {
    let text = plain(text);
    let parts: Vec<_> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return page! { (text) };
    }
    page! {
        @for (place, part) in parts.iter().enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backquotes_are_code_and_markup_stays_text() {
        assert_eq!(prose("`a<b>` & c").into_string(), "<code>a&lt;b&gt;</code> &amp; c");
        assert_eq!(prose("it`s").into_string(), "it`s");
    }
}
