//! Which requests to endpoints hand transactions over.

use adapter_spec::Function;

use crate::{
    check::Facts,
    trial::{Observed, Request, Which},
};

/// Whether a method fits a pattern of the form of the descriptor's `reads`. `method` is as in [`Request`].
fn fits(pattern: &str, method: &str) -> bool {
    // Of HTTP a method has a verb, and a pattern is a prefix of the path.
    if let Some((verb, path)) = method.split_once(' ') {
        let (wanted, prefix) = pattern.split_once(' ').unwrap_or(("GET", pattern));
        return verb == wanted && path.starts_with(prefix.trim_end_matches('*'));
    }
    match pattern.strip_suffix('*') {
        Some(prefix) => method.starts_with(prefix),
        None => method == pattern,
    }
}

/// Whether the descriptor calls the method a read.
pub(super) fn is_read(facts: &Facts, method: &str) -> bool {
    let needs = &facts.descriptor.endpoints;
    needs.iter().flat_map(|need| &need.reads).any(|read| fits(read, method))
}

/// Whether the method submits transactions: the test bed says so, or it is no read.
pub(super) fn is_submission(facts: &Facts, method: &str) -> bool {
    facts.testbed.submits.iter().any(|submits| fits(submits, method)) || !is_read(facts, method)
}

/// The requests of a call that submit.
pub(super) fn submissions(call: &Observed, facts: &Facts) -> Vec<Request> {
    let requests = call.requests();
    requests.iter().filter(|request| is_submission(facts, &request.method)).cloned().collect()
}

/// The requests of `send` that submit, to be disturbed.
pub(super) fn submitting(facts: &Facts) -> Vec<Which> {
    let of = |method: &String| {
        let method = method.trim_end_matches('*').to_owned();
        Which { method: Some(method), ..Which::of(Function::Send) }
    };
    facts.testbed.submits.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_by_exact_name_by_prefix_and_of_http_by_verb_and_path() {
        assert!(fits("eth_call", "eth_call") && !fits("eth_call", "eth_callMany"));
        assert!(fits("ledger_*", "ledger_status") && !fits("ledger_*", "model_mine"));
        assert!(fits("/pkg.Service/Method", "/pkg.Service/Method"));
        assert!(fits("/notes/", "GET /notes/7") && !fits("/notes/", "POST /notes/7"));
        assert!(fits("POST /query", "POST /query?x") && !fits("POST /query", "GET /query"));
    }
}
