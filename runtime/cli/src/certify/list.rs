//! Which checks there are.

use adapter_spec::standard;
use berth_suite::check::{Check, Run};
use serde_json::json;

use crate::show::Sheet;

/// Prints the checks of a run, by clause.
pub(crate) fn list(checks: &[Check], json: bool) {
    if json {
        let checks: Vec<_> = checks.iter().map(document).collect();
        println!("{:#}", json!(checks));
        return;
    }
    let mut sheet = Sheet::default();
    let mut clause = "";
    for check in checks {
        if check.clause != clause {
            if !clause.is_empty() {
                sheet.gap();
            }
            clause = check.clause;
            let text = standard::clause(clause).map_or("", |clause| &clause.text);
            sheet.field(clause, text);
        }
        sheet.field("", &format!("- {}{}", check.name, remark(check)));
    }
    print!("{}", sheet.into_text());
}

fn remark(check: &Check) -> &'static str {
    match (check.slow, check.run) {
        (true, _) => " (slow)",
        (false, Run::Rule(_)) => " (in every call)",
        (false, Run::Scenario(_)) => "",
    }
}

fn document(check: &Check) -> serde_json::Value {
    json!({
        "clause": check.clause,
        "check": check.id(),
        "slow": check.slow,
        "watches_every_call": matches!(check.run, Run::Rule(_)),
    })
}
