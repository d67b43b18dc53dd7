//! What a function of the standard may reach.

use adapter_spec::Function;

/// How far a call's endpoints go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// No endpoint.
    Nothing,
    /// What the descriptor declares as reads.
    Reads,
    /// Every method.
    Everything,
}

impl Access {
    pub(crate) fn of(function: Function) -> Self {
        match function {
            Function::Describe | Function::Open | Function::Verify => Access::Nothing,
            Function::Send => Access::Everything,
            Function::Status
            | Function::Accounts
            | Function::Begin
            | Function::Resume
            | Function::Abandon
            | Function::Replace
            | Function::Receipt
            | Function::Estimate
            | Function::Plan
            | Function::ContractAbi
            | Function::Block
            | Function::Events
            | Function::ToCall
            | Function::FromOutcome
            | Function::Prove => Access::Reads,
        }
    }
}

/// The reads that a descriptor declares for a JSON-RPC or gRPC endpoint: whole method names, or with a trailing `*`
/// beginnings of them.
pub(crate) fn is_method_read(reads: &[String], method: &str) -> bool {
    reads.iter().any(|read| match read.strip_suffix('*') {
        Some(prefix) => method.starts_with(prefix),
        None => method == read,
    })
}

/// The reads that a descriptor declares for an HTTP endpoint: "METHOD /path", or "/path" alone for GET. The path is a
/// beginning of the request's; it is compared as it is written, so that an encoded variant is refused, not let through.
pub(crate) fn is_http_read(reads: &[String], method: &str, path: &str) -> bool {
    reads.iter().any(|read| {
        let (declared, prefix) = read.split_once(' ').unwrap_or(("GET", read));
        method == declared && prefix.starts_with('/') && path.starts_with(prefix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(of: &[&str]) -> Vec<String> {
        of.iter().map(|read| (*read).to_string()).collect()
    }

    #[test]
    fn a_method_is_a_read_when_it_is_named_whole_or_by_a_prefix_with_a_star() {
        let declared = reads(&["eth_call", "net_*"]);
        for (method, read) in [
            ("eth_call", true),
            ("eth_callMany", false),
            ("ETH_CALL", false),
            ("net_version", true),
            ("eth_sendRawTransaction", false),
            ("", false),
        ] {
            assert_eq!(is_method_read(&declared, method), read, "{method}");
        }
        assert!(!is_method_read(&[], "eth_call"));
    }

    #[test]
    fn a_path_alone_is_a_read_by_get_and_with_a_method_by_that_method_only() {
        let declared = reads(&["/v2/state", "POST /v1/chain/get_", "", "GET "]);
        for (method, path, read) in [
            ("GET", "/v2/state/x?y=1", true),
            ("POST", "/v2/state", false),
            ("HEAD", "/v2/state", false),
            ("get", "/v2/state", false),
            ("POST", "/v1/chain/get_info", true),
            ("POST", "/v1/chain/push_transaction", false),
            ("POST", "/v1/chain/%67et_info", false),
            ("GET", "/v1/chain/get_info", false),
            ("GET", "/", false),
        ] {
            assert_eq!(is_http_read(&declared, method, path), read, "{method} {path}");
        }
    }
}
