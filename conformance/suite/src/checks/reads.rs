//! The methods that an adapter declares as reads.

use adapter_spec::types::EndpointNeed;

/// Whether one pattern of a descriptor's `reads` takes in this method: of JSON-RPC and gRPC its name, of HTTP the method,
/// a space, and the path.
pub(super) fn is_taken(read: &str, method: &str) -> bool {
    if let Some(prefix) = read.strip_suffix('*') {
        return method.starts_with(prefix);
    }
    match (method.split_once(" /"), read.split_once(" /")) {
        // A bare path prefix means GET.
        (Some(("GET", path)), None) if read.starts_with('/') => {
            path.starts_with(read.trim_start_matches('/'))
        }
        (Some((of, path)), Some((asked, prefix))) => of == asked && path.starts_with(prefix),
        (Some(_), None) => false,
        (None, _) => read == method,
    }
}

/// Whether any of the needs declares this method as a read.
pub(super) fn is_read(needs: &[EndpointNeed], method: &str) -> bool {
    needs.iter().flat_map(|need| &need.reads).any(|read| is_taken(read, method))
}

#[cfg(test)]
mod tests {
    use adapter_spec::types::Transport;

    use super::*;

    #[test]
    fn patterns_take_in_exact_names_prefixes_before_a_star_and_paths_by_their_method() {
        assert!(is_taken("eth_call", "eth_call") && !is_taken("eth_call", "eth_callMany"));
        assert!(is_taken("/a.B/*", "/a.B/Get") && !is_taken("/a.B/*", "/a.C/Get"));
        assert!(is_taken("/page", "GET /page/3") && !is_taken("/page", "POST /page"));
        assert!(is_taken("POST /query", "POST /query?x") && !is_taken("POST /query", "GET /query"));
        assert!(!is_taken("GET /notes", "POST /notes"));
        assert!(!is_taken("page", "GET /page"));
    }

    #[test]
    fn a_method_is_a_read_where_any_need_says_so() {
        let need = |reads: &[&str]| EndpointNeed {
            name: "node".into(),
            transport: Transport::JsonRpc,
            required: true,
            many: false,
            reads: reads.iter().map(|read| (*read).to_owned()).collect(),
            purpose: String::new(),
        };
        let needs = [need(&["height"]), need(&["block", "state_*"])];
        assert!(["height", "block", "state_of"].iter().all(|method| is_read(&needs, method)));
        assert!(!is_read(&needs, "send") && !is_read(&[], "height"));
    }
}
