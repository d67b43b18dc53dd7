//! A contract to try a ledger with: a counter, echoes, failures, events, secrets.

use adapter_sdk::types::Value;

use super::{Refusal, Run, refuse};
use crate::{
    node::state::ACCOUNTS,
    wire::{codes, value},
};

pub(super) const FUNCTIONS: &[&str] = &[
    // Adds to the caller's own counter, announces `Added`, gives the sum; or does so twice.
    "add(integer)",
    "add-twice(integer)",
    // All counters together.
    "count()",
    // An account's counter.
    "count(text)",
    // One text for all.
    "write(text)",
    "text()",
    // The argument.
    "echo(text)",
    "echo(bytes)",
    "echo(integer)",
    "echo(boolean)",
    "echo(json)",
    // Bytes under a name; announces `Put` with the name.
    "put(text,bytes)",
    // What was put under the name.
    "take(text)",
    // Fails with this reason.
    "fail(text)",
    // Fails with this reason in a block, and not when it is only tried.
    "fail-in-block(text)",
    // For the contract's owner alone.
    "guarded()",
    // An event of this name with the text, or with these very bytes, whether or not they decode.
    "announce(text,text)",
    "announce(text,bytes)",
    // So many events `Many`, each with so many bytes.
    "announce-many(integer,integer)",
    // Uses so many units more.
    "burn(integer)",
    // Keeps the digest of the private arguments under the name; the node keeps the arguments.
    "keep(text)",
    // The digest that is kept under the name.
    "kept(text)",
    // Who calls.
    "caller()",
    // Height of the block that it runs in or is tried on.
    "height()",
    // What the contract was sent.
    "received()",
];

/// The most events of one transaction, and the most bytes of one.
const MAX_EVENTS: usize = 1000;
const MAX_EVENT_BYTES: usize = 1 << 16;
/// The most bytes of all of them together.
const MAX_EVENTS_BYTES: usize = 1 << 20;

/// Where the digest of private arguments is in the contract's storage.
pub(crate) fn private_key(name: &str) -> Vec<u8> {
    [b"private ", name.as_bytes()].concat()
}

fn put_key(name: &str) -> Vec<u8> {
    [b"put ", name.as_bytes()].concat()
}

fn integer_of(number: i128) -> Value {
    Value::Integer(number.to_string())
}

/// Where an account's counter is; with no account, that of all together.
fn counter(account: &str) -> Vec<u8> {
    if account.is_empty() {
        return b"count".to_vec();
    }
    [b"count ", account.as_bytes()].concat()
}

fn count(run: &Run<'_>, account: &str) -> i128 {
    let stored = run.get(&counter(account)).and_then(|bytes| String::from_utf8(bytes).ok());
    stored.and_then(|text| value::integer(&text)).unwrap_or(0)
}

fn number(text: &str, most: usize) -> Result<usize, Refusal> {
    let number = value::integer(text).and_then(|number| usize::try_from(number).ok());
    match number.filter(|number| *number <= most) {
        Some(number) => Ok(number),
        None => refuse(codes::BAD_ARGUMENTS, format!("a number from 0 to {most} is wanted")),
    }
}

/// Adds to the caller's counter.
fn add(run: &mut Run<'_>, text: &str) -> Result<Value, Refusal> {
    let amount = value::integer(text).unwrap_or_default();
    let caller = run.caller.to_owned();
    let Some(sum) = count(run, &caller).checked_add(amount) else {
        return refuse(codes::REVERTED, "the counter would not fit 128 bits");
    };
    run.set(&counter(&caller), sum.to_string().as_bytes());
    let total = count(run, "").saturating_add(amount);
    run.set(&counter(""), total.to_string().as_bytes());
    run.announce("Added", &integer_of(amount));
    Ok(integer_of(sum))
}

pub(super) fn call(run: &mut Run<'_>, function: &str, arguments: &[Value]) -> Result<Option<Value>, Refusal> {
    use Value::{Bytes, Integer, Text};
    Ok(match (function, arguments) {
        ("add(integer)", [Integer(text)]) => Some(add(run, text)?),
        ("add-twice(integer)", [Integer(text)]) => {
            add(run, text)?;
            Some(add(run, text)?)
        }
        ("count()", []) => Some(integer_of(count(run, ""))),
        ("count(text)", [Text(account)]) => Some(integer_of(count(run, account))),
        ("write(text)", [Text(text)]) => {
            run.set(b"text", text.as_bytes());
            None
        }
        ("text()", []) => {
            Some(Text(String::from_utf8_lossy(&run.get(b"text").unwrap_or_default()).into_owned()))
        }
        ("put(text,bytes)", [Text(name), Bytes(bytes)]) => {
            run.set(&put_key(name), bytes);
            run.announce("Put", &Text(name.clone()));
            None
        }
        ("take(text)", [Text(name)]) => match run.get(&put_key(name)) {
            Some(bytes) => Some(Bytes(bytes)),
            None => return refuse(codes::MISSING, "nothing was put under this name"),
        },
        ("fail(text)", [Text(reason)]) => return refuse(codes::REVERTED, reason.clone()),
        ("fail-in-block(text)", [Text(reason)]) if run.in_block => {
            return refuse(codes::REVERTED, reason.clone());
        }
        ("guarded()", []) if run.caller != run.owner => {
            return refuse(codes::FORBIDDEN, "only the contract's owner may do that");
        }
        ("announce(text,text)", [Text(name), content]) => {
            run.announce(name, content);
            None
        }
        ("announce(text,bytes)", [Text(name), Bytes(payload)]) => {
            run.events.push((name.clone(), payload.clone()));
            None
        }
        ("announce-many(integer,integer)", [Integer(events), Integer(bytes)]) => {
            let (events, bytes) = (number(events, MAX_EVENTS)?, number(bytes, MAX_EVENT_BYTES)?);
            if events.saturating_mul(bytes) > MAX_EVENTS_BYTES {
                return refuse(
                    codes::BAD_ARGUMENTS,
                    "that is more than the events of one transaction may have",
                );
            }
            for place in 0..events {
                let content = vec![u8::try_from(place % 256).unwrap_or_default(); bytes];
                run.announce("Many", &Bytes(content));
            }
            None
        }
        ("burn(integer)", [Integer(units)]) => {
            let units = number(units, 1_000_000)?;
            run.units = run.units.saturating_add(u64::try_from(units).unwrap_or(u64::MAX));
            None
        }
        ("keep(text)", [Text(name)]) => {
            let Some(digest) = run.private else {
                return refuse(codes::BAD_ARGUMENTS, "a private argument is wanted");
            };
            run.set(&private_key(name), &digest);
            run.announce("Kept", &Text(name.clone()));
            None
        }
        ("kept(text)", [Text(name)]) => match run.get(&private_key(name)) {
            Some(digest) => Some(Bytes(digest)),
            None => return refuse(codes::MISSING, "nothing is kept under this name"),
        },
        ("caller()", []) => Some(Text(run.caller.to_owned())),
        ("height()", []) => Some(integer_of(run.number.into())),
        ("received()", []) => {
            let held = run.state.get(ACCOUNTS, run.contract.as_bytes());
            let balance = held.and_then(|_| run.state.account(run.contract)).unwrap_or_default().balance;
            Some(Integer(balance.to_string()))
        }
        (_, [one]) if function.starts_with("echo(") => Some(one.clone()),
        _ => None,
    })
}
