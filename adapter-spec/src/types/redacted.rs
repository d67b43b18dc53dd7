//! `Debug` for what may hold secrets: logs and errors show that there is something, not what.

use std::fmt;

use super::{
    ContractCall,
    transport::{GrpcRequest, HttpRequest, JsonRpcRequest},
};

/// Shown instead of a secret: its length in bytes.
struct Hidden(usize);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes hidden>", self.0)
    }
}

/// Shows `value`, or only its length where it is sensitive.
fn show<'a>(
    sensitive: bool,
    value: &'a dyn fmt::Debug,
    length: usize,
    hidden: &'a mut Hidden,
) -> &'a dyn fmt::Debug {
    *hidden = Hidden(length);
    if sensitive { hidden } else { value }
}

impl fmt::Debug for ContractCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let private: Vec<_> =
            self.private_arguments.iter().map(|(name, value)| (name, Hidden(value.len()))).collect();
        f.debug_struct("ContractCall")
            .field("contract", &self.contract)
            .field("function", &self.function)
            .field("arguments", &self.arguments)
            .field("abi", &self.abi)
            .field("private_arguments", &private)
            .finish()
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", show(self.sensitive, &self.headers, self.headers.len(), &mut Hidden(0)))
            .field("body", show(self.sensitive, &self.body, self.body.len(), &mut Hidden(0)))
            .field("sensitive", &self.sensitive)
            .finish()
    }
}

impl fmt::Debug for JsonRpcRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonRpcRequest")
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .field("params", show(self.sensitive, &self.params, self.params.len(), &mut Hidden(0)))
            .field("sensitive", &self.sensitive)
            .finish()
    }
}

impl fmt::Debug for GrpcRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcRequest")
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .field("message", show(self.sensitive, &self.message, self.message.len(), &mut Hidden(0)))
            .field("sensitive", &self.sensitive)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_arguments_and_sensitive_requests_do_not_show_in_debug() {
        let call = ContractCall {
            contract: "c".into(),
            function: "f".into(),
            arguments: vec![],
            abi: None,
            private_arguments: vec![("price".into(), b"canary".to_vec())],
        };
        let shown = format!("{call:?}");
        assert!(shown.contains("price") && shown.contains("6 bytes hidden"), "{shown}");
        let request = JsonRpcRequest {
            endpoint: "node".into(),
            method: "m".into(),
            params: "[\"canary\"]".into(),
            sensitive: true,
        };
        assert!(!format!("{request:?}").contains("canary"));
        assert!(format!("{:?}", JsonRpcRequest { sensitive: false, ..request }).contains("canary"));
    }
}
