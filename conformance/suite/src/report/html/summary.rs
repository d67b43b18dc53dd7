//! What it came to, in numbers, of what, and how to see for oneself.

use maud::{Markup, html as page};

use super::{badge, is_remarkable, mark};
use crate::{
    report::{
        Report,
        words::{self, OUTCOMES, counted, headline, plain, statement},
    },
    verdict::{Conclusion, LEVELS, Outcome, Verdict},
};

pub(super) fn header(report: &Report<'_>) -> Markup {
    let verdict = report.verdict;
    let (adapter, conclusion) = (&verdict.adapter, verdict.conclusion());
    let (sign, class) = match conclusion {
        Conclusion::Conformant => (words::mark(Outcome::Pass), "pass"),
        Conclusion::NotConformant => (words::mark(Outcome::Fail), "fail"),
        Conclusion::Unknown => (words::mark(Outcome::Unknown), "unknown"),
        Conclusion::HarnessError => (words::mark(Outcome::Error), "error"),
    };
    page! {
        header.top {
            p.kicker { "Conformance report" }
            h1 { (plain(&adapter.name)) " " span.version { (plain(&adapter.version)) } }
            p.lead {
                "An adapter for " strong { (plain(&adapter.framework)) }
                " " (plain(&adapter.framework_versions.join(", ")))
                @if let Some(ended) = report.ended {
                    ", tested on "
                    time datetime=(ended) { (ended.strftime("%-d %B %Y, %H:%M UTC")) }
                }
            }
            div class={ "verdict " (class) } {
                span.sign aria-hidden="true" { (sign) }
                div {
                    p.headline { (headline(conclusion)) }
                    p { (statement(verdict)) }
                    @if let Some(obstacle) = verdict.obstacle() {
                        p.obstacle { strong { "Not certifiable" } ": " (obstacle) "." }
                    }
                }
            }
        }
    }
}

pub(super) fn sections(report: &Report<'_>) -> Markup {
    page! {
        (numbers(report.verdict))
        (remarks(report))
        (tested(report.verdict))
        (repeat(report.verdict))
    }
}

fn numbers(verdict: &Verdict) -> Markup {
    let counts = verdict.counts();
    let whole = counted(verdict.results.len() as u64, "check");
    let present = || OUTCOMES.iter().filter_map(|outcome| Some((*outcome, *counts.get(outcome)?)));
    page! {
        section #numbers aria-labelledby="numbers-title" {
            h2 #numbers-title { "In numbers" }
            div.bar aria-hidden="true" {
                @for (outcome, number) in present() {
                    span class=(outcome.name()) style={ "flex-grow:" (number) } {}
                }
            }
            ul.counts aria-label=(whole) {
                @for (outcome, number) in present() {
                    li { span.number { (number) } " " (badge(outcome)) }
                }
            }
            h3 { "Levels" }
            ul.levels {
                @for (level, areas) in LEVELS {
                    @let (outcome, why) = level_of(verdict, level, areas);
                    li class=(outcome.name()) {
                        (mark(outcome)) " " strong { (level) } " " span.why { (why) }
                    }
                }
            }
        }
    }
}

/// How the verdict stands to a level, and why.
fn level_of(verdict: &Verdict, level: &str, areas: &[&str]) -> (Outcome, String) {
    if verdict.levels().contains(&level) {
        return (Outcome::Pass, "passed".into());
    }
    let of_level = || {
        verdict.results.iter().filter(|result| {
            let area = result.clause.split_once('-').map_or("", |(area, _)| area);
            areas.contains(&area)
        })
    };
    let missed = of_level().filter(|result| !result.outcome.is_certifiable()).count() as u64;
    match Outcome::worst(of_level().map(|result| result.outcome)) {
        None => (Outcome::NotApplicable, "not checked".into()),
        Some(worst) if missed > 0 => (worst, format!("{} not passed", counted(missed, "check"))),
        Some(_) => (Outcome::NotApplicable, "does not apply".into()),
    }
}

fn tested(verdict: &Verdict) -> Markup {
    let (adapter, node) = (&verdict.adapter, &verdict.node);
    page! {
        section #tested aria-labelledby="tested-title" {
            h2 #tested-title { "What was tested" }
            dl.facts {
                @match (&adapter.component_sha256, &adapter.program_sha256) {
                    (Some(digest), _) => (digest_fact("Component", digest)),
                    (None, Some(digest)) => (digest_fact("Native plug-in of the program", digest)),
                    (None, None) => (fact("Component", "none: a native plug-in")),
                }
                (fact("Interfaces", &adapter.interfaces.names().join(", ")))
                @if let Some(imports) = &adapter.imports {
                    div { dt { "Imports" } dd { ul.plain { @for import in imports { li { code { (plain(import)) } } } } } }
                }
                (version_fact("Standard", &verdict.standard.version, Some(&verdict.standard.digest)))
                (version_fact("Suite", &verdict.suite.version, Some(&verdict.suite.digest)))
                (version_fact("Node", &node.version, node.program_sha256.as_ref()))
                @if let Some(genesis) = &node.genesis { (code_fact("Chain", genesis)) }
                (fact("Test bed", &verdict.testbed))
                (code_fact("Seed", &verdict.seed.to_string()))
                (digest_fact("Evidence", &verdict.evidence))
                (digest_fact("Verdict", &verdict.digest()))
            }
        }
    }
}

fn fact(label: &str, text: &str) -> Markup {
    page! { div { dt { (label) } dd { (plain(text)) } } }
}

fn code_fact(label: &str, text: &str) -> Markup {
    page! { div { dt { (label) } dd { code { (plain(text)) } } } }
}

fn digest_fact(label: &str, digest: &str) -> Markup {
    page! { div { dt { (label) } dd { (sha256(digest)) } } }
}

fn version_fact(label: &str, version: &str, digest: Option<&String>) -> Markup {
    page! {
        div {
            dt { (label) }
            dd { (plain(version)) @if let Some(digest) = digest { br; (sha256(digest)) } }
        }
    }
}

fn sha256(digest: &str) -> Markup {
    page! { span.digest { span.kind { "SHA-256 " } code { (plain(digest)) } } }
}

fn repeat(verdict: &Verdict) -> Markup {
    page! {
        section #repeat aria-labelledby="repeat-title" {
            h2 #repeat-title { "How to repeat it" }
            p {
                "The evidence of this run holds all that the adapter was lent. Whoever has it and the component can repeat "
                "the run without a network:"
            }
            pre { code { "berth certify replay COMPONENT evidence.berth" } }
            p { "The replay must come to the verdict with this digest:" }
            pre { code { (verdict.digest()) } }
            p.small {
                "A replay shows that the verdict follows from the recording. It does not show that a real node made the "
                "recording; that is what the certifier stands for."
            }
        }
    }
}

/// Everything that is neither a pass nor left out for a reason, in one list.
fn remarks(report: &Report<'_>) -> Markup {
    let remarkable: Vec<_> = [Outcome::Fail, Outcome::Error, Outcome::Unknown, Outcome::Warn]
        .into_iter()
        .filter(|outcome| is_remarkable(*outcome))
        .flat_map(|outcome| report.outline.with_outcome(outcome))
        .collect();
    page! {
        @if !remarkable.is_empty() {
            section #remarks aria-labelledby="remarks-title" {
                h2 #remarks-title { "What to look at" }
                ul.remarks {
                    @for (clause, result) in remarkable {
                        @let fault = result
                            .fault
                            .as_ref()
                            .map(|fault| format!("Expected {}. Came: {}", fault.expected, fault.actual));
                        li {
                            (badge(result.outcome)) " "
                            a href={ "#" (plain(&clause.id)) } { (plain(&clause.id)) } " "
                            span.name { (plain(result.name())) }
                            @if let Some(what) = result.reason.clone().or(fault) {
                                p.what { (words::cut(&plain(&what), 240)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
