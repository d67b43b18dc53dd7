//! From words on the command line to the standard's values.

use std::path::PathBuf;

use adapter_spec::types::{BlockSelector, Confidence, EventStart, Signature, SignatureScheme, Value};
use clap::Args;

use crate::{arguments::PlainArguments, show};

/// An address under a descriptor's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedEndpoint {
    pub(crate) need: String,
    pub(crate) url: String,
}

/// Bytes that were given as hexadecimal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// One argument of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argument(pub(crate) Value);

/// A private argument, whose value is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrivateArgument {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

/// A signature that was made elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignatureText(pub(crate) Signature);

/// Where events begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventsFrom(pub(crate) EventStart);

/// What a plan is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goal(pub(crate) adapter_spec::types::Goal);

/// A call by contract and function, or as the standard's JSON.
#[derive(Args, Clone, Debug)]
pub(crate) struct ContractSource {
    /// Any call as the standard's JSON, e.g. one of a plan
    #[arg(long, value_name = "JSON|@FILE", conflicts_with_all = ["contract", "function", "argument", "abi", "private"])]
    pub(crate) call: Option<String>,
    /// The contract's address or name
    #[arg(long, value_name = "ADDRESS", required_unless_present = "call")]
    pub(crate) contract: Option<String>,
    /// The function's name; its signature where the framework needs types
    #[arg(long, value_name = "NAME", required_unless_present = "call")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) rest: PlainArguments,
    /// A private argument from a file; may be given several times
    #[arg(long, value_name = "NAME=@FILE", value_parser = private)]
    pub(crate) private: Vec<PrivateArgument>,
}

/// `NAME=URL`. A URL with a user name or password is refused here, before it can be shown anywhere.
pub(crate) fn endpoint(text: &str) -> Result<NamedEndpoint, String> {
    let (need, url) =
        text.split_once('=').ok_or("write it as NAME=URL, with a name that the descriptor has")?;
    if need.is_empty() || url.is_empty() {
        return Err("write it as NAME=URL, with a name that the descriptor has".into());
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err("the address must begin with http:// or https://".into());
    }
    Ok(NamedEndpoint { need: need.into(), url: url.into() })
}

/// `KIND:VALUE`; a word without a known kind is text.
pub(crate) fn argument(text: &str) -> Result<Argument, String> {
    let value = match text.split_once(':') {
        Some(("text", text)) => Value::Text(text.into()),
        Some(("bytes", text)) => Value::Bytes(bytes(text)?.0),
        Some(("int", text)) => Value::Integer(integer(text)?),
        Some(("bool", "true")) => Value::Boolean(true),
        Some(("bool", "false")) => Value::Boolean(false),
        Some(("bool", _)) => return Err("a boolean is bool:true or bool:false".into()),
        Some(("json", text)) => {
            serde_json::from_str::<serde_json::Value>(text)
                .map_err(|error| format!("it is no JSON: {error}"))?;
            Value::Json(text.into())
        }
        _ => Value::Text(text.into()),
    };
    Ok(Argument(value))
}

fn integer(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err("an integer is decimal, with or without a leading minus".into());
    }
    Ok(text.into())
}

/// Decimal digits.
pub(crate) fn decimal(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err("write it in decimal digits, in the smallest unit".into());
    }
    Ok(text.into())
}

/// Hexadecimal text with `0x`.
pub(crate) fn bytes(text: &str) -> Result<Bytes, String> {
    let digits = text.strip_prefix("0x").ok_or("bytes are hexadecimal and begin with 0x")?;
    hex::decode(digits).map(Bytes).map_err(|error| format!("bytes are hexadecimal: {error}"))
}

/// `NAME=@FILE`
pub(crate) fn private(text: &str) -> Result<PrivateArgument, String> {
    let wanted = "write it as NAME=@FILE: a private value does not belong on the command line";
    let (name, file) = text.split_once('=').ok_or(wanted)?;
    let file = file.strip_prefix('@').filter(|file| !file.is_empty()).ok_or(wanted)?;
    if name.is_empty() {
        return Err(wanted.into());
    }
    Ok(PrivateArgument { name: name.into(), file: file.into() })
}

/// A scheme by its name in the standard.
pub(crate) fn scheme(text: &str) -> Result<SignatureScheme, String> {
    let all = [
        SignatureScheme::EcdsaP256Sha256,
        SignatureScheme::EcdsaSecp256k1Keccak256,
        SignatureScheme::EcdsaSecp256k1Sha256Canonical,
        SignatureScheme::Sm2Sm3,
    ];
    all.into_iter()
        .find(|one| show::scheme(*one) == text)
        .ok_or_else(|| format!("the schemes are {}", all.map(show::scheme).join(", ")))
}

/// `latest`, `safe` or `final`
pub(crate) fn confidence(text: &str) -> Result<Confidence, String> {
    match text {
        "latest" => Ok(Confidence::Latest),
        "safe" => Ok(Confidence::Safe),
        "final" => Ok(Confidence::Final),
        _ => Err("choose latest, safe or final".into()),
    }
}

/// A block by confidence, number or hash.
pub(crate) fn selector(text: &str) -> Result<BlockSelector, String> {
    if let Ok(confidence) = confidence(text) {
        return Ok(BlockSelector::At(confidence));
    }
    if text.starts_with("0x") {
        return bytes(text).map(|hash| BlockSelector::Hash(hash.0));
    }
    text.parse()
        .map(BlockSelector::Number)
        .map_err(|_| "a block is latest, safe, final, a number, or a hash with 0x".into())
}

/// Where events begin.
pub(crate) fn events_from(text: &str) -> Result<EventsFrom, String> {
    let start = match text {
        "earliest" => EventStart::Earliest,
        "latest" => EventStart::Latest,
        cursor if cursor.starts_with("0x") => EventStart::Cursor(bytes(cursor)?.0),
        number => EventStart::Block(
            number.parse().map_err(|_| "begin at earliest, latest, a block's number, or a cursor with 0x")?,
        ),
    };
    Ok(EventsFrom(start))
}

/// What a plan is for.
pub(crate) fn goal(text: &str) -> Result<Goal, String> {
    use adapter_spec::types::Goal as Kind;
    match text.split_once(':') {
        None if text == "preset" => Ok(Goal(Kind::Preset)),
        Some(("account", name)) if !name.is_empty() => Ok(Goal(Kind::Account(name.into()))),
        Some(("space", name)) if !name.is_empty() => Ok(Goal(Kind::Space(name.into()))),
        _ => Err("a goal is preset, account:NAME or space:NAME".into()),
    }
}

/// `0xHEX`, with `:0` or `:1` behind it where the point's parity is wanted.
pub(crate) fn signature(text: &str) -> Result<SignatureText, String> {
    let (signature, recovery_id) = match text.split_once(':') {
        None => (text, None),
        Some((signature, "0")) => (signature, Some(0)),
        Some((signature, "1")) => (signature, Some(1)),
        Some(_) => return Err("the parity is 0 or 1".into()),
    };
    let bytes = bytes(signature)?.0;
    if bytes.len() != 64 {
        return Err(format!("a signature has 64 bytes, r then s, not {}", bytes.len()));
    }
    Ok(SignatureText(Signature { bytes, recovery_id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_has_the_kind_that_is_written_before_it_and_is_text_without_one() {
        for (word, value) in [
            ("blue", Value::Text("blue".into())),
            ("0x12", Value::Text("0x12".into())),
            ("http://x", Value::Text("http://x".into())),
            ("text:int:5", Value::Text("int:5".into())),
            ("text:", Value::Text(String::new())),
            ("bytes:0x00fF", Value::Bytes(vec![0, 255])),
            ("bytes:0x", Value::Bytes(vec![])),
            ("int:-5", Value::Integer("-5".into())),
            ("bool:true", Value::Boolean(true)),
            ("json:[1, \"a\"]", Value::Json("[1, \"a\"]".into())),
        ] {
            assert_eq!(argument(word), Ok(Argument(value)), "{word}");
        }
        for wrong in ["bytes:12", "bytes:0x1", "int:", "int:-", "int:1e3", "int:0x5", "bool:yes", "json:{"] {
            assert!(argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_is_a_name_and_an_address() {
        let good = endpoint("node=http://127.0.0.1:8545/a?b=c").unwrap();
        assert_eq!((good.need.as_str(), good.url.as_str()), ("node", "http://127.0.0.1:8545/a?b=c"));
        for wrong in ["", "node", "node=", "=http://a", "node=a:1", "node=ftp://a", "http://a:1"] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn blocks_and_beginnings_are_named_numbered_or_hashed() {
        assert_eq!(selector("final"), Ok(BlockSelector::At(Confidence::Final)));
        assert_eq!(selector("17"), Ok(BlockSelector::Number(17)));
        assert_eq!(selector("0xab"), Ok(BlockSelector::Hash(vec![0xab])));
        assert!(selector("newest").is_err() && selector("-1").is_err() && selector("0xa").is_err());
        assert_eq!(events_from("earliest"), Ok(EventsFrom(EventStart::Earliest)));
        assert_eq!(events_from("0xab"), Ok(EventsFrom(EventStart::Cursor(vec![0xab]))));
        assert_eq!(events_from("5"), Ok(EventsFrom(EventStart::Block(5))));
        assert!(events_from("now").is_err());
    }

    #[test]
    fn private_arguments_come_from_files_only() {
        assert_eq!(private("price=@f").unwrap().name, "price");
        for wrong in ["price", "price=5", "price=@", "=@f"] {
            assert!(private(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_signature_has_sixty_four_bytes_and_perhaps_a_parity() {
        let hex = format!("0x{}", "ab".repeat(64));
        assert_eq!(signature(&hex).unwrap().0.recovery_id, None);
        assert_eq!(signature(&format!("{hex}:1")).unwrap().0.recovery_id, Some(1));
        assert!(signature(&format!("{hex}:2")).is_err());
        assert!(signature("0xab").is_err());
    }

    #[test]
    fn schemes_have_the_standards_names() {
        assert_eq!(scheme("sm2-sm3"), Ok(SignatureScheme::Sm2Sm3));
        assert!(scheme("rsa").unwrap_err().contains("ecdsa-p256-sha256"));
    }

    proptest::proptest! {
        #[test]
        fn any_word_is_a_value_or_an_error(word: String) {
            let _ = (argument(&word), endpoint(&word), selector(&word), events_from(&word), goal(&word));
            let _ = (private(&word), signature(&word), decimal(&word), bytes(&word));
        }
    }
}
