//! Names of contracts: CNS in 2.x (0x1004, `CNSPrecompiled.cpp`), BFS in 3.x (0x100e, `BFSPrecompiled.cpp`).

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, address};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::abi::{self, Arguments};
use crate::{
    encoding::parse_address,
    evm::system::{Slots, Strings, SystemCall, SystemResult},
    suite::Suite,
};

pub(super) const CNS: Address = address!("0000000000000000000000000000000000001004");
pub(super) const BFS: Address = address!("000000000000000000000000000000000000100e");

/// Codes of CNS and BFS (`libprecompiled/Common.h`, `bcos-executor/src/precompiled/common/Common.h`).
const NAME_AND_VERSION_EXIST: i64 = -51200;
const VERSION_TOO_LONG: i64 = -51201;
const ADDRESS_INVALID: i64 = -50102;
const PATH_INVALID: i64 = -53005;
/// The most bytes of a version.
const MAX_VERSION: usize = 128;
/// Gas of what writes a table.
const STORE: u64 = 10_000;

/// A version of a name.
#[derive(Serialize, Deserialize)]
struct Entry {
    version: String,
    address: String,
    abi: String,
}

/// What was said of a name, oldest first.
fn entries(strings: &mut Strings<'_>, name: &str) -> Vec<Entry> {
    serde_json::from_slice(&strings.get(name.as_bytes())).unwrap_or_default()
}

fn keep(strings: &mut Strings<'_>, name: &str, entries: &[Entry]) {
    let bytes = serde_json::to_vec(entries).unwrap_or_default();
    strings.set(name.as_bytes(), &bytes);
}

pub(super) fn call_cns(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    let mut strings = Strings::new(slots);
    let arguments = |signature| Arguments::of(suite, signature, call.input);
    if let Some(given) = arguments("insert(string,string,string,string)") {
        if call.read_only {
            return abi::read_only();
        }
        let (name, version) = (given.text(0), given.text(1));
        let mut known = entries(&mut strings, &name);
        if version.len() > MAX_VERSION {
            return abi::code(VERSION_TOO_LONG, 0);
        }
        if known.iter().any(|entry| entry.version == version) {
            return abi::code(NAME_AND_VERSION_EXIST, 0);
        }
        if parse_address(&given.text(2)).is_none() {
            return abi::code(ADDRESS_INVALID, 0);
        }
        known.push(Entry { version, address: given.text(2), abi: given.text(3) });
        keep(&mut strings, &name, &known);
        return abi::code(1, STORE);
    }
    let listed = |name: &str, entries: &[&Entry]| {
        let one = |entry: &&Entry| json!({"name": name, "version": entry.version, "address": entry.address, "abi": entry.abi});
        let entries: Vec<_> = entries.iter().map(one).collect();
        // The node's writer ends a text with a line.
        abi::text(format!("{}\n", json!(entries)), 0)
    };
    if let Some(given) = arguments("selectByName(string)") {
        let known = entries(&mut strings, &given.text(0));
        return listed(&given.text(0), &known.iter().collect::<Vec<_>>());
    }
    if let Some(given) = arguments("selectByNameAndVersion(string,string)") {
        let known = entries(&mut strings, &given.text(0));
        let found: Vec<_> = known.iter().filter(|entry| entry.version == given.text(1)).take(1).collect();
        return listed(&given.text(0), &found);
    }
    if let Some(given) = arguments("getContractAddress(string,string)") {
        let known = entries(&mut strings, &given.text(0));
        let found = known.iter().find(|entry| entry.version == given.text(1));
        let address = found.and_then(|entry| parse_address(&entry.address)).unwrap_or_default();
        return abi::returned(vec![DynSolValue::Address(address)], 0);
    }
    abi::undefined()
}

pub(super) fn call_bfs(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    let mut strings = Strings::new(slots);
    let arguments = |signature| Arguments::of(suite, signature, call.input);
    let link = |path: String, address: String, abi: String, strings: &mut Strings<'_>| {
        if call.read_only {
            return abi::read_only();
        }
        let absolute = format!("/apps/{}", path.trim_start_matches("/apps/").trim_start_matches('/'));
        if !path_valid(&absolute) {
            return abi::code(PATH_INVALID, 0);
        }
        if parse_address(&address).is_none() {
            return abi::code(ADDRESS_INVALID, 0);
        }
        keep(strings, &absolute, &[Entry { version: String::new(), address, abi }]);
        let directory = absolute.rsplit_once('/').map(|(directory, _)| directory).unwrap_or_default();
        let mut names: Vec<String> =
            serde_json::from_slice(&strings.get(directory.as_bytes())).unwrap_or_default();
        if !names.contains(&absolute) {
            names.push(absolute.clone());
        }
        strings.set(directory.as_bytes(), &serde_json::to_vec(&names).unwrap_or_default());
        abi::code(0, STORE)
    };
    if let Some(given) = arguments("link(string,string,string,string)") {
        let path = format!("{}/{}", given.text(0), given.text(1));
        return link(path, given.text(2), given.text(3), &mut strings);
    }
    if let Some(given) = arguments("link(string,string,string)") {
        return link(given.text(0), given.text(1), given.text(2), &mut strings);
    }
    if let Some(given) = arguments("readlink(string)") {
        let known = entries(&mut strings, &given.text(0));
        let address = known.first().and_then(|entry| parse_address(&entry.address)).unwrap_or_default();
        return abi::returned(vec![DynSolValue::Address(address)], 0);
    }
    if let Some(given) = arguments("list(string)") {
        return list(&mut strings, given.text(0).trim_end_matches('/'));
    }
    abi::undefined()
}

/// `list`: a code, and of each file its name, its kind and, of a link, what it leads to.
fn list(strings: &mut Strings<'_>, path: &str) -> SystemResult {
    let file = |name: &str, kind: &str, extra: Vec<String>| {
        let extra = extra.into_iter().map(DynSolValue::String).collect();
        DynSolValue::Tuple(vec![
            DynSolValue::String(name.into()),
            DynSolValue::String(kind.into()),
            DynSolValue::Array(extra),
        ])
    };
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut files = Vec::new();
    if let Some(entry) = entries(strings, path).first() {
        files.push(file(&last(path), "link", vec![entry.address.clone(), entry.abi.clone()]));
    } else {
        let names: Vec<String> = serde_json::from_slice(&strings.get(path.as_bytes())).unwrap_or_default();
        for name in names {
            if let Some(entry) = entries(strings, &name).first() {
                files.push(file(&last(&name), "link", vec![entry.address.clone(), entry.abi.clone()]));
            }
        }
    }
    let code = alloy_primitives::I256::ZERO;
    abi::returned(vec![DynSolValue::Int(code, 32), DynSolValue::Array(files)], 0)
}

/// Parts of letters, digits and a few signs, at most six deep.
fn path_valid(path: &str) -> bool {
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let good = |part: &str| {
        !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || "+-*_.".contains(letter))
    };
    parts.len() <= 6 && path.len() <= 255 && parts.iter().all(|part| good(part))
}
