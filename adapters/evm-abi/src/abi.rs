//! Functions, arguments and results in Solidity's types.

use adapter_sdk::types::{Error, ErrorCode, Value};
use alloy_dyn_abi::{DynSolType, DynSolValue, EventExt, FunctionExt, JsonAbiExt, Specifier};
use alloy_json_abi::{Event, Function, JsonAbi, Param};
use alloy_primitives::{Address, B256, Bytes, U256};

use crate::{Hash, invalid};

/// The longest function or event signature, bytes.
const MAX_SIGNATURE: usize = 4096;
/// The largest interface description, bytes.
const MAX_ABI: usize = 1 << 20;
/// The most words of 32 bytes that a type may need at least; bounds arrays of a fixed size.
const MAX_WORDS: usize = 1 << 16;

/// Reads an address: 20 bytes as hexadecimal with `0x`; where letters differ in case, after EIP-55.
pub fn address(text: &str, what: &str) -> Result<Address, Error> {
    let refuse = || {
        invalid(format!("{what} must be an address: 0x and 40 hexadecimal digits, in one case or EIP-55's"))
    };
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40).ok_or_else(refuse)?;
    let mixed =
        digits.chars().any(|c| c.is_ascii_lowercase()) && digits.chars().any(|c| c.is_ascii_uppercase());
    let parsed = if mixed { Address::parse_checksummed(text, None).ok() } else { text.parse().ok() };
    parsed.ok_or_else(refuse)
}

/// Reads a decimal amount of the smallest unit.
pub fn amount(text: &str, what: &str) -> Result<U256, Error> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parsed = if digits { U256::from_str_radix(text, 10).ok() } else { None };
    parsed.ok_or_else(|| invalid(format!("{what} must be a decimal number below 2^256")))
}

fn interface(json: &str) -> Result<JsonAbi, Error> {
    if json.len() > MAX_ABI {
        return Err(Error::new(ErrorCode::TooLarge, format!("the ABI has more than {MAX_ABI} bytes")));
    }
    serde_json::from_str::<JsonAbi>(json)
        .map_err(|error| invalid(format!("the ABI does not decode: {error}")))
}

/// A type that is not unreasonably large.
fn sound(resolved: Result<DynSolType, alloy_dyn_abi::Error>, what: &str) -> Result<DynSolType, Error> {
    let resolved = resolved.map_err(|error| invalid(format!("{what}: {error}")))?;
    if resolved.minimum_words() > MAX_WORDS || resolved.nesting_depth() > 16 {
        return Err(invalid(format!("{what}: the type is too large or too deep")));
    }
    Ok(resolved)
}

fn sound_types(params: &[Param], what: &str) -> Result<Vec<DynSolType>, Error> {
    // From the canonical text, where structures are tuples whatever alloy's features are.
    let resolve = |param: &Param| sound(DynSolType::parse(&param.selector_type()), what);
    let types: Result<Vec<_>, _> = params.iter().map(resolve).collect();
    let types = types?;
    let words = types.iter().fold(0usize, |sum, one| sum.saturating_add(one.minimum_words()));
    if words > MAX_WORDS { Err(invalid(format!("{what}: the types are too large"))) } else { Ok(types) }
}

/// Finds the function: by its signature, or by its bare name in the interface description.
///
/// `transfer(address,uint256)`, `balanceOf(address)(uint256)` and `function balanceOf(address) returns (uint256)`
/// are signatures.
pub fn function(text: &str, abi: Option<&str>, arguments: usize) -> Result<Function, Error> {
    if text.len() > MAX_SIGNATURE {
        return Err(invalid(format!("the function's signature has more than {MAX_SIGNATURE} bytes")));
    }
    let abi = abi.map(interface).transpose()?;
    if text.contains('(') {
        let mut function =
            Function::parse(text).map_err(|error| invalid(format!("function {text:?}: {error}")))?;
        sound_types(&function.inputs, "the function's arguments")?;
        sound_types(&function.outputs, "the function's results")?;
        let described = abi.as_ref().and_then(|abi| {
            abi.function(&function.name)?.iter().find(|known| known.signature() == function.signature())
        });
        match (described, &abi) {
            (Some(known), _) if function.outputs.is_empty() => function.outputs.clone_from(&known.outputs),
            (None, Some(_)) => {
                return Err(Error::new(
                    ErrorCode::NotFound,
                    format!("the ABI has no function {}", function.signature()),
                ));
            }
            _ => {}
        }
        return Ok(function);
    }
    let Some(abi) = abi else {
        return Err(invalid(format!(
            "function {text:?} has no types: give its signature, such as `transfer(address,uint256)`, or an ABI"
        )));
    };
    let named = abi.function(text).map(Vec::as_slice).unwrap_or_default();
    let mut fitting = named.iter().filter(|function| function.inputs.len() == arguments);
    match (fitting.next(), fitting.next()) {
        (Some(function), None) => Ok(function.clone()),
        (Some(_), Some(_)) => Err(invalid(format!(
            "the ABI has several functions {text} with {arguments} arguments: give the signature"
        ))),
        (None, _) if named.is_empty() => {
            Err(Error::new(ErrorCode::NotFound, format!("the ABI has no function {text}")))
        }
        (None, _) => Err(invalid(format!("the ABI has no function {text} with {arguments} arguments"))),
    }
}

/// Coerces the arguments to the parameters' types.
fn coerced(params: &[Param], arguments: &[Value], what: &str) -> Result<Vec<DynSolValue>, Error> {
    let types = sound_types(params, what)?;
    if types.len() != arguments.len() {
        return Err(invalid(format!("{what} takes {} arguments, not {}", types.len(), arguments.len())));
    }
    let coerce = |(place, (param, (wanted, given))): (usize, (&Param, (&DynSolType, &Value)))| {
        let named = if param.name.is_empty() { String::new() } else { format!(" ({})", param.name) };
        crate::arguments::coerce(given, wanted)
            .map_err(|why| invalid(format!("argument {}{named} of {what} is not {wanted}: {why}", place + 1)))
    };
    params.iter().zip(types.iter().zip(arguments)).enumerate().map(coerce).collect()
}

/// The first four bytes of the hash of a function's signature.
pub fn selector(signature: &str, hash: Hash<'_>) -> [u8; 4] {
    let [a, b, c, d, ..] = hash(signature.as_bytes()).0;
    [a, b, c, d]
}

/// Selector and encoded arguments.
///
/// # Errors
/// `invalid-argument` where an argument does not fit.
pub fn call_data(function: &Function, arguments: &[Value], hash: Hash<'_>) -> Result<Bytes, Error> {
    let what = function.signature();
    let values = coerced(&function.inputs, arguments, &what)?;
    let encoded =
        function.abi_encode_input_raw(&values).map_err(|error| invalid(format!("{what}: {error}")))?;
    Ok([selector(&what, hash).as_slice(), &encoded].concat().into())
}

/// Creation code followed by the constructor's encoded arguments.
pub fn creation_data(code: &[u8], abi: Option<&str>, arguments: &[Value]) -> Result<Bytes, Error> {
    if code.is_empty() {
        return Err(invalid("the deployment has no code"));
    }
    let constructor = match abi {
        Some(abi) => interface(abi)?.constructor,
        None => None,
    };
    let params = constructor.map(|constructor| constructor.inputs).unwrap_or_default();
    if abi.is_none() && !arguments.is_empty() {
        return Err(invalid("the constructor's arguments have no types: give the ABI"));
    }
    let values = coerced(&params, arguments, "the constructor")?;
    let mut data = code.to_vec();
    // Parameters are encoded as a sequence: head and tail without an offset around them.
    data.extend(DynSolValue::Tuple(values).abi_encode_params());
    Ok(data.into())
}

/// The function's results as JSON: one alone as it is, several as an array. None where no types are known.
pub fn results(function: &Function, raw: &[u8]) -> Result<Option<String>, Error> {
    if function.outputs.is_empty() {
        return Ok(None);
    }
    sound_types(&function.outputs, "the function's results")?;
    let values = function.abi_decode_output(raw).map_err(|error| {
        invalid(format!(
            "the contract's answer to {} is not of the types that are given: {error}",
            function.signature()
        ))
    })?;
    Ok(Some(crate::json::one_or_many(values.iter().map(crate::json::of_value).collect()).to_string()))
}

/// The event that a filter names: by its signature, or by its bare name in the interface description.
pub fn event(text: &str, abi: Option<&str>) -> Result<Event, Error> {
    if text.len() > MAX_SIGNATURE {
        return Err(invalid(format!("the event's signature has more than {MAX_SIGNATURE} bytes")));
    }
    let abi = abi.map(interface).transpose()?;
    let event = if text.contains('(') {
        let parsed = Event::parse(text).map_err(|error| invalid(format!("event {text:?}: {error}")))?;
        // Which parameters are indexed stands in the description; a bare list of types does not say it.
        let described = abi.as_ref().and_then(|abi| {
            abi.event(&parsed.name)?.iter().find(|known| known.signature() == parsed.signature()).cloned()
        });
        described.unwrap_or(parsed)
    } else {
        let Some(abi) = abi else {
            return Err(invalid(format!(
                "event {text:?} has no types: give its signature, such as \
                 `Transfer(address indexed,address indexed,uint256)`, or an ABI"
            )));
        };
        match abi.event(text).map(Vec::as_slice).unwrap_or_default() {
            [event] => event.clone(),
            [] => return Err(Error::new(ErrorCode::NotFound, format!("the ABI has no event {text}"))),
            _ => return Err(invalid(format!("the ABI has several events {text}: give the signature"))),
        }
    };
    if event.anonymous {
        return Err(invalid("an anonymous event cannot be filtered by name"));
    }
    for param in &event.inputs {
        sound(param.resolve(), "the event's parameters")?;
    }
    Ok(event)
}

/// The events of an interface description, for logs that are not filtered by name.
pub fn events(abi: &str) -> Result<Vec<Event>, Error> {
    let events: Vec<Event> = interface(abi)?.events().cloned().collect();
    for param in events.iter().flat_map(|event| &event.inputs) {
        sound(param.resolve(), "the event's parameters")?;
    }
    Ok(events)
}

/// A log as JSON: an object where every parameter is named, an array otherwise. None where it does not decode:
/// another event may have the same signature with other indexed parameters.
///
/// That the first topic is the event's is the caller's to check, who knows the chain's hash.
pub fn event_json(event: &Event, topics: &[B256], data: &[u8]) -> Option<String> {
    // The decoder compares the first topic with Keccak's.
    let first = topics.first().map(|_| event.selector());
    let decoded =
        event.decode_log_parts(first.into_iter().chain(topics.iter().skip(1).copied()), data).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
    let values: Option<Vec<_>> = event
        .inputs
        .iter()
        .map(|input| if input.indexed { indexed.next() } else { body.next() }.map(crate::json::of_value))
        .collect();
    let names: Vec<&str> = event.inputs.iter().map(|input| input.name.as_str()).collect();
    Some(crate::json::named(&names, values?).to_string())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    const HOLDER: &str = "0x00000000000000000000000000000000000000aa";

    #[test]
    fn an_erc20_transfer_encodes_as_everywhere() {
        let function = function("transfer(address,uint256)", None, 2).unwrap();
        let data =
            call_data(&function, &[Value::Text(HOLDER.into()), Value::Integer("258".into())], &|name| {
                alloy_primitives::keccak256(name)
            })
            .unwrap();
        let expected = "a9059cbb00000000000000000000000000000000000000000000000000000000000000aa\
            0000000000000000000000000000000000000000000000000000000000000102";
        assert_eq!(hex::encode(&data), expected.replace(char::is_whitespace, ""));
        // `uint` is another name of `uint256`.
        assert_eq!(
            super::function("transfer(address,uint)", None, 2).unwrap().selector(),
            function.selector()
        );
    }

    #[test]
    fn results_are_known_from_every_form_of_signature() {
        let raw = U256::from(7).to_be_bytes::<32>();
        for text in [
            "balanceOf(address)(uint256)",
            "balanceOf(address) returns (uint256)",
            "function balanceOf(address owner) view returns (uint256)",
        ] {
            let function = function(text, None, 1).unwrap();
            assert_eq!(function.signature(), "balanceOf(address)", "{text}");
            assert_eq!(results(&function, &raw).unwrap().as_deref(), Some("\"7\""), "{text}");
        }
        let function = function("balanceOf(address)", None, 1).unwrap();
        assert_eq!(results(&function, &raw).unwrap(), None);
    }

    #[test]
    fn bare_names_are_found_in_the_abi_and_nowhere_else() {
        let abi = r#"[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint8"}],"outputs":[{"name":"","type":"bool"}],"stateMutability":"view"},
            {"type":"function","name":"g","inputs":[{"name":"a","type":"uint8"}],"outputs":[],"stateMutability":"view"},
            {"type":"function","name":"g","inputs":[{"name":"a","type":"string"}],"outputs":[],"stateMutability":"view"}]"#;
        assert_eq!(function("f", Some(abi), 1).unwrap().signature(), "f(uint8)");
        assert_eq!(function("f(uint8)", Some(abi), 1).unwrap().outputs.len(), 1);
        assert_eq!(function("f", None, 1).unwrap_err().code, ErrorCode::InvalidArgument);
        assert_eq!(function("f", Some(abi), 2).unwrap_err().code, ErrorCode::InvalidArgument);
        assert_eq!(function("g", Some(abi), 1).unwrap_err().code, ErrorCode::InvalidArgument);
        assert_eq!(function("h", Some(abi), 1).unwrap_err().code, ErrorCode::NotFound);
        assert_eq!(function("f", Some("{"), 1).unwrap_err().code, ErrorCode::InvalidArgument);
    }

    #[test]
    fn huge_and_deep_types_are_refused() {
        for text in ["f(uint256[4000000000])", "f(uint8[9999][9999][9999])", "f(nothing)", "f(uint256"] {
            assert_eq!(function(text, None, 1).unwrap_err().code, ErrorCode::InvalidArgument, "{text}");
        }
        let deep = format!("f({}uint8{})", "(".repeat(60), ")".repeat(60));
        assert!(function(&deep, None, 1).is_err());
    }

    #[test]
    fn addresses_are_strict_about_length_and_checksum() {
        assert!(address(HOLDER, "it").is_ok());
        assert!(address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "it").is_ok());
        for wrong in [
            "",
            "0x",
            "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        ] {
            assert_eq!(address(wrong, "it").unwrap_err().code, ErrorCode::InvalidArgument, "{wrong}");
        }
    }

    #[test]
    fn events_decode_into_named_or_ordered_json() {
        let topics = [
            alloy_primitives::keccak256("Transfer(address,address,uint256)"),
            address(HOLDER, "").unwrap().into_word(),
            B256::ZERO,
        ];
        let data = U256::from(9).to_be_bytes::<32>();
        let plain = event("Transfer(address indexed,address indexed,uint256)", None).unwrap();
        let json = event_json(&plain, &topics, &data).unwrap();
        assert!(json.starts_with('[') && json.ends_with("\"9\"]"), "{json}");
        let named = event("Transfer(address indexed from,address indexed to,uint256 value)", None).unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&event_json(&named, &topics, &data).unwrap()).unwrap();
        assert_eq!(json["value"], "9");
        // An ERC-721 transfer has the same first topic and another shape.
        assert_eq!(event_json(&named, &[topics[0], topics[1], topics[2], B256::ZERO], &[]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_of_a_contract_decodes_or_is_an_error(raw: Vec<u8>) {
            for text in ["f()(uint256)", "f()(string,bytes)", "f()((uint8,string[])[])", "f()(bytes32[3],address)", "f()(uint8[][])"] {
                let _ = results(&function(text, None, 0).unwrap(), &raw);
            }
        }
    }
}
