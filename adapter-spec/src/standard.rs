//! The numbered clauses of `STANDARD.md`, as programs read them.

use std::sync::LazyLock;

/// The text of the standard.
pub const TEXT: &str = include_str!("../STANDARD.md");

/// How much a clause binds, after RFC 2119.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Without exception.
    Must,
    /// Unless there is a good reason.
    Should,
}

/// Whom a clause binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The adapter, as a component or a native plug-in.
    Adapter,
    /// The host.
    Host,
}

/// One clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Its id, e.g. `ONCE-1`; never used again for another clause.
    pub id: String,
    /// How much it binds.
    pub strength: Strength,
    /// Whom.
    pub bound: Bound,
    /// What it says, on one line.
    pub text: String,
    /// Why it says so, on one line.
    pub reason: String,
}

impl Clause {
    /// The area, e.g. `ONCE`.
    #[must_use]
    pub fn area(&self) -> &str {
        self.id.split_once('-').map_or(&self.id, |(area, _)| area)
    }
}

/// All clauses, in the standard's order.
///
/// The text is compiled in and its form is tested, so nothing is left out here.
#[must_use]
pub fn clauses() -> &'static [Clause] {
    static CLAUSES: LazyLock<Vec<Clause>> = LazyLock::new(|| parse(TEXT).unwrap_or_default());
    &CLAUSES
}

/// The clause with this id.
#[must_use]
pub fn clause(id: &str) -> Option<&'static Clause> {
    clauses().iter().find(|clause| clause.id == id)
}

/// Reads the clauses of a text in the standard's form.
///
/// # Errors
/// The line that does not fit.
pub fn parse(standard: &str) -> Result<Vec<Clause>, String> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut area = None;
    for line in standard.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            clauses.push(heading_of(heading, area).map_err(|fault| format!("{fault}: {line}"))?);
        } else if let Some(heading) = line.strip_prefix("## ") {
            area = Some(heading.split_once(": ").ok_or_else(|| format!("no area: {line}"))?.0);
        } else if line.starts_with('#') && !line.starts_with("# ") {
            return Err(format!("a heading of another kind: {line}"));
        } else if let Some(clause) = clauses.last_mut() {
            let reason = line.strip_prefix("Why: ");
            let is_reason = reason.is_some() || !clause.reason.is_empty();
            let part = if is_reason { &mut clause.reason } else { &mut clause.text };
            let words = reason.unwrap_or(line).trim();
            if !part.is_empty() && !words.is_empty() {
                part.push(' ');
            }
            part.push_str(words);
        }
    }
    Ok(clauses)
}

/// A clause's heading, without its text.
fn heading_of(heading: &str, area: Option<&str>) -> Result<Clause, &'static str> {
    let mut parts = heading.split(" · ");
    let (id, strength, bound) = (parts.next(), parts.next(), parts.next());
    let strength = match strength {
        Some("MUST") => Strength::Must,
        Some("SHOULD") => Strength::Should,
        _ => return Err("neither MUST nor SHOULD"),
    };
    let bound = match (bound, parts.next()) {
        (Some("adapter"), None) => Bound::Adapter,
        (Some("host"), None) => Bound::Host,
        _ => return Err("neither adapter nor host"),
    };
    let (of, number) = id.and_then(|id| id.split_once('-')).ok_or("no id")?;
    if area != Some(of) {
        return Err("a clause outside its area");
    }
    let number: u32 = number.parse().map_err(|_| "no number")?;
    Ok(Clause { id: format!("{of}-{number}"), strength, bound, text: String::new(), reason: String::new() })
}
