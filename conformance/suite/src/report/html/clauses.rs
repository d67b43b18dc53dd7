//! The clauses by area, with their checks and faults.

use adapter_spec::standard::Strength;
use maud::{Markup, html as page};

use super::{badge, is_remarkable, mark, prose};
use crate::{
    report::{
        Area, Entry, Report, Standing,
        words::{self, counted, plain},
    },
    ties::Shown,
    verdict::{CallReport, CheckResult, FaultReport, Outcome},
};

pub(super) fn sections(report: &Report<'_>) -> Markup {
    page! {
        section #clauses aria-labelledby="clauses-title" {
            h2 #clauses-title { "Clauses" }
            (filter(report))
        }
        @for area in &report.outline.areas {
            (section(report, area))
        }
    }
}

/// Choices that the style alone carries out.
fn filter(report: &Report<'_>) -> Markup {
    let number =
        |which: fn(&Entry<'_>) -> bool| report.outline.entries().filter(|entry| which(entry)).count();
    let choices = [
        ("all", "All", number(|_| true)),
        ("remarkable", "To look at", number(|entry| entry.outcome().is_some_and(is_remarkable))),
        ("checked", "Checked", number(|entry| entry.outcome().is_some())),
        ("unchecked", "Not checked", number(|entry| entry.outcome().is_none())),
    ];
    page! {
        fieldset.filter {
            legend { "Show" }
            @for (id, label, number) in choices {
                input type="radio" name="show" id={ "show-" (id) } checked[id == "all"];
                label for={ "show-" (id) } { (label) " " span.number { (number) } }
            }
        }
    }
}

fn section(report: &Report<'_>, area: &Area<'_>) -> Markup {
    let name = plain(&area.name);
    let kept = area.entries.iter().filter(|entry| entry.outcome() == Some(Outcome::Pass)).count();
    let checked = area.entries.iter().filter(|entry| entry.outcome().is_some()).count();
    let title = format!("{name}-title");
    page! {
        section.area id=(name) aria-labelledby=(title) {
            h2 id=(title) { (plain(&area.title)) " " span.area-name { (name) } }
            p.small {
                @if checked > 0 { (kept) " of " (counted(checked as u64, "checked clause")) " passed" }
                @else { "No clause of this area was checked" }
            }
            @for entry in &area.entries {
                (clause(report, entry))
            }
        }
    }
}

fn clause(report: &Report<'_>, entry: &Entry<'_>) -> Markup {
    let clause = &entry.clause;
    let kind = match entry.outcome() {
        Some(outcome) if is_remarkable(outcome) => "remarkable checked",
        Some(_) => "checked",
        None => "unchecked",
    };
    let (strength, id) = (strength(clause.strength), plain(&clause.id));
    page! {
        article id=(id) class={ "clause " (kind) } {
            div.clause-head {
                h3 { a href={ "#" (id) } { (id) } }
                span.strength { (strength) }
                @match &entry.standing {
                    Standing::Checked(outcome) => (badge(*outcome)),
                    Standing::NotRun(_) => span.badge.none { "not run" },
                    Standing::Host(_) => span.badge.none { "binds the host" },
                    Standing::Unchecked(_) => span.badge.none { "no check" },
                }
            }
            p.text { (prose(&clause.text)) }
            @if !clause.reason.is_empty() { p.why { "Why: " (prose(&clause.reason)) } }
            @match &entry.standing {
                Standing::Checked(_) => ul.checks { @for result in &entry.results { (check(report, result)) } },
                Standing::NotRun(checks) => p.note {
                    "This run left out "
                    @for (place, check) in checks.iter().enumerate() {
                        @if place > 0 { ", " }
                        code { (plain(check.split_once('/').map_or(check, |(_, name)| name))) }
                    }
                    "."
                },
                Standing::Host(Some(Shown::By(file, test))) => p.note {
                    "It binds the host, whose own tests show it: " code { (test) } " in " code { (file) } "."
                },
                Standing::Host(Some(Shown::NotYet(reason))) => p.note {
                    "It binds the host. Nothing shows it yet: " (reason) "."
                },
                Standing::Host(None) => p.note { "It binds the host, and is no matter of adapters." },
                Standing::Unchecked(Some(reason)) => p.note { "No check: " (prose(reason)) },
                Standing::Unchecked(None) => p.note { "This suite has no check for it." },
            }
        }
    }
}

fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Must => "MUST",
        Strength::Should => "SHOULD",
    }
}

fn check(report: &Report<'_>, result: &CheckResult) -> Markup {
    let took = words::time(result.took);
    page! {
        li {
            div.check-head {
                (mark(result.outcome)) " "
                span.name { (plain(result.name())) }
                span.cost {
                    @if result.calls > 0 { (counted(result.calls, "call")) }
                    @if result.calls > 0 && !took.is_empty() { " · " }
                    (took)
                }
            }
            @if let Some(reason) = &result.reason {
                p.what { strong { (words::word(result.outcome)) } ": " (plain(reason)) }
            }
            @if let Some(told) = &result.fault {
                (fault(told))
            }
            @if is_remarkable(result.outcome) {
                p.again { "Repeat: " code { (report.repeat(result)) } }
            }
        }
    }
}

fn fault(fault: &FaultReport) -> Markup {
    page! {
        dl.fault {
            div { dt { "Expected" } dd { (plain(&fault.expected)) } }
            div.actual { dt { "Actual" } dd { (plain(&fault.actual)) } }
        }
        @if !fault.calls.is_empty() {
            details {
                summary { "What led there: " (counted(fault.calls.len() as u64, "call")) }
                ol.calls { @for one in &fault.calls { (call(one)) } }
            }
        }
    }
}

fn call(call: &CallReport) -> Markup {
    page! {
        li {
            p { code.function { (plain(&call.function)) } " of application " code { (plain(&call.application)) } }
            dl.exchange {
                div { dt { "arguments" } dd { code { (plain(&call.arguments)) } } }
                @for exchange in &call.exchanges {
                    div {
                        dt { span aria-hidden="true" { "→ " } (plain(&exchange.import)) }
                        dd { code { (plain(&exchange.request)) } }
                    }
                    div {
                        dt { span aria-hidden="true" { "← " } "answer" }
                        dd {
                            @match &exchange.answer {
                                Some(answer) => code { (plain(answer)) },
                                None => em { "none before the call ended" },
                            }
                        }
                    }
                }
                div { dt { "result" } dd { code { (plain(&call.result)) } } }
            }
        }
    }
}
