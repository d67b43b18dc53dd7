//! Functions by name, and what they take.
//!
//! An interface description is JSON: `{"functions": ["add(integer)", "count()"]}`.

use adapter_sdk::types::{Error, ErrorCode, Value};
use serde::Deserialize;

use super::errors::{cut, invalid};
use crate::wire::value;

/// The most bytes of an interface description.
pub(super) const MAX_ABI: usize = 16 * 1024;
const MAX_SIGNATURE: usize = 256;

/// The functions that a description names.
pub(super) fn functions(abi: &str) -> Result<Vec<String>, Error> {
    #[derive(Deserialize)]
    struct Abi {
        functions: Vec<String>,
    }
    if abi.len() > MAX_ABI {
        return Err(Error::new(ErrorCode::TooLarge, format!("an abi has at most {MAX_ABI} bytes")));
    }
    let abi: Abi = serde_json::from_str(abi)
        .map_err(|_| invalid("an abi is JSON: {\"functions\": [\"name(type,…)\"]}"))?;
    for function in &abi.functions {
        types(function)?;
    }
    Ok(abi.functions)
}

/// The types in a signature.
fn types(signature: &str) -> Result<Vec<&str>, Error> {
    let wrong = || invalid("a function's signature is its name and types, e.g. add(integer)");
    if signature.len() > MAX_SIGNATURE {
        return Err(wrong());
    }
    let (name, rest) = signature.split_once('(').ok_or_else(wrong)?;
    let rest = rest.strip_suffix(')').ok_or_else(wrong)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(wrong());
    }
    let types: Vec<_> = if rest.is_empty() { Vec::new() } else { rest.split(',').collect() };
    let known = ["text", "bytes", "integer", "boolean", "json"];
    if types.iter().all(|name| known.contains(name)) { Ok(types) } else { Err(wrong()) }
}

/// Whether a function is named by name alone, so that its types must come from elsewhere.
pub(super) fn is_bare(function: &str) -> bool {
    !function.contains('(')
}

/// The signature of the one function with this name.
pub(super) fn signature(name: &str, abi: &str) -> Result<String, Error> {
    let functions = functions(abi)?;
    let mut found = functions.into_iter().filter(|function| function.split('(').next() == Some(name));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Error::new(ErrorCode::NotFound, "the abi has no function of this name")),
        (Some(_), Some(_)) => Err(invalid("several functions have this name: give the signature")),
    }
}

/// Refuses arguments that do not fit the signature.
pub(super) fn check(signature: &str, arguments: &[Value]) -> Result<(), Error> {
    let wanted = types(signature)?;
    check_values(arguments)?;
    let given: Vec<_> = arguments.iter().map(value::type_name).collect();
    if wanted == given {
        return Ok(());
    }
    let given = given.join(",");
    Err(invalid(format!("the function takes ({}), not ({})", wanted.join(","), cut(&given, MAX_SIGNATURE))))
}

/// Refuses values that cannot be spelt.
pub(super) fn check_values(arguments: &[Value]) -> Result<(), Error> {
    for argument in arguments {
        value::check(argument)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_enough_where_one_function_has_it() {
        let abi = r#"{"functions": ["add(integer)", "echo(text)", "echo(bytes)", "count()"]}"#;
        assert_eq!(signature("add", abi).unwrap(), "add(integer)");
        assert_eq!(signature("echo", abi).unwrap_err().code, ErrorCode::InvalidArgument);
        assert_eq!(signature("ad", abi).unwrap_err().code, ErrorCode::NotFound);
        for wrong in ["", "{}", r#"{"functions": ["add"]}"#, r#"{"functions": ["add(int)"]}"#] {
            assert_eq!(functions(wrong).unwrap_err().code, ErrorCode::InvalidArgument, "{wrong}");
        }
    }

    #[test]
    fn arguments_fit_their_types_or_are_refused() {
        assert!(check("f(integer,bytes)", &[Value::Integer("1".into()), Value::Bytes(vec![])]).is_ok());
        for (signature, arguments) in [
            ("f(integer)", vec![Value::Integer("01".into())]),
            ("f(integer)", vec![Value::Text("1".into())]),
            ("f(integer)", vec![]),
            ("f()", vec![Value::Boolean(true)]),
            ("f(json)", vec![Value::Json("{".into())]),
            ("f(", vec![]),
            ("(text)", vec![Value::Text(String::new())]),
        ] {
            assert_eq!(check(signature, &arguments).unwrap_err().code, ErrorCode::InvalidArgument);
        }
    }
}
