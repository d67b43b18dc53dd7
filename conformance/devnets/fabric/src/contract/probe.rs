//! The probe of the conformance suite; `conformance/README.md` says what its functions mean.

use super::{Call, Contract, Failure, text, unwrap, wrap};

/// The private collection of the probe.
pub const SECRETS: &str = "secrets";

/// The event of `add`.
const ADDED: &str = "Added";

/// The key of who made the contract.
const OWNER: &str = "owner";

/// The key of the text that all share.
const TEXT: &str = "text";

/// The probe: one counter for each account, one text for all, echoes, failures, and private arguments.
pub struct Probe;

impl Contract for Probe {
    fn invoke(&self, call: &mut Call<'_>) -> Result<Vec<u8>, Failure> {
        match call.function.as_str() {
            "add" => {
                let [number] = call.take()?;
                let number = integer(number)?;
                add(call, number, 1)
            }
            "addTwice" => {
                let [number] = call.take()?;
                let number = integer(number)?;
                add(call, number, 2)
            }
            "count" => {
                let [account] = call.take()?;
                let key = counter(text(account)?);
                Ok(total(call, &key)?.to_string().into_bytes())
            }
            "put" => {
                let [written] = call.take()?;
                let written = wrap(text(written)?.as_bytes());
                call.put(TEXT, written);
                Ok(Vec::new())
            }
            "text" => {
                let [] = call.take()?;
                Ok(call.get(TEXT).map(unwrap).unwrap_or_default())
            }
            "fail" => {
                let [reason] = call.take()?;
                Err(Failure::new(text(reason)?))
            }
            "echoText" => {
                let [given] = call.take()?;
                text(given)?;
                Ok(given.to_vec())
            }
            "echoBytes" => {
                let [given] = call.take()?;
                Ok(given.to_vec())
            }
            "echoInteger" => {
                let [given] = call.take()?;
                decimal(given)?;
                Ok(given.to_vec())
            }
            "echoBoolean" => {
                let [given] = call.take()?;
                match given {
                    b"true" | b"false" => Ok(given.to_vec()),
                    _ => Err(Failure::arguments("a boolean is true or false")),
                }
            }
            "echoJson" => {
                let [given] = call.take()?;
                serde_json::from_slice::<serde_json::Value>(given)
                    .map_err(|error| Failure::arguments(format!("no JSON: {error}")))?;
                Ok(given.to_vec())
            }
            // For blocks that are made on demand; the suite does not know it.
            "tick" => {
                let [] = call.take()?;
                call.put("tick", wrap(b""));
                Ok(Vec::new())
            }
            "claim" => {
                let [] = call.take()?;
                if call.get(OWNER).is_some() {
                    return Err(Failure::new("already-exists: the contract has an owner"));
                }
                let caller = call.creator.account();
                call.put(OWNER, wrap(caller.as_bytes()));
                Ok(Vec::new())
            }
            "owned" => {
                let [] = call.take()?;
                let owner = call.get(OWNER).map(unwrap);
                if owner != Some(call.creator.account().into_bytes()) {
                    return Err(Failure::new("permission-denied: only who made the contract may do this"));
                }
                call.put("owned", wrap(b"done"));
                Ok(Vec::new())
            }
            "private" => {
                let [name] = call.take()?;
                let name = text(name)?.to_owned();
                let secret = call.transient.get("secret").cloned();
                let secret =
                    secret.ok_or_else(|| Failure::arguments("the private argument secret is missing"))?;
                call.put_private(SECRETS, &format!("secret/{name}"), wrap(&secret));
                Ok(Vec::new())
            }
            "reveal" => {
                let [name] = call.take()?;
                let name = format!("secret/{}", text(name)?);
                let kept = call.get_private(SECRETS, &name);
                kept.map(unwrap).ok_or_else(|| Failure::new("not-found: nothing is kept under this text"))
            }
            _ => Err(Failure::no_function()),
        }
    }

    fn collections(&self) -> &'static [&'static str] {
        &[SECRETS]
    }
}

fn counter(account: &str) -> String {
    format!("count/{account}")
}

fn total(call: &mut Call<'_>, key: &str) -> Result<u128, Failure> {
    let kept = call.get(key).map(unwrap).unwrap_or_else(|| b"0".to_vec());
    text(&kept)?.parse().map_err(|_| Failure::new("the counter is damaged"))
}

/// Adds to the caller's counter. What a call wrote it does not see, so both times are written at once, and Fabric keeps the last
/// event only.
fn add(call: &mut Call<'_>, number: u64, times: u128) -> Result<Vec<u8>, Failure> {
    let key = counter(&call.creator.account());
    let sum = u128::from(number)
        .checked_mul(times)
        .zip(Some(total(call, &key)?))
        .and_then(|(added, so_far)| so_far.checked_add(added))
        .ok_or_else(|| Failure::arguments("the counter has no room for it"))?;
    call.put(&key, wrap(sum.to_string().as_bytes()));
    call.emit(ADDED, number.to_string().into_bytes());
    Ok(Vec::new())
}

/// A decimal number without a sign or spare zeros.
fn integer(argument: &[u8]) -> Result<u64, Failure> {
    let digits = decimal(argument)?;
    digits.parse().map_err(|_| Failure::arguments(format!("{digits} is not from 0 to {}", u64::MAX)))
}

/// Decimal digits, at most 80 bytes, perhaps after a minus.
fn decimal(argument: &[u8]) -> Result<&str, Failure> {
    let written = text(argument)?;
    let digits = written.strip_prefix('-').unwrap_or(written);
    let plain = written.len() <= 80 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let spare = digits.len() > 1 && digits.starts_with('0') || written == "-0";
    if plain && !spare {
        Ok(written)
    } else {
        Err(Failure::arguments(format!("{written:?} is no whole number")))
    }
}
