//! Key-value tables of 3.x: a manager (0x1002, `TableManagerPrecompiled.cpp`) makes them, each at an address of its own, where it takes
//! calls (`KVTablePrecompiled.cpp`).

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, I256, U256};

use super::{
    super::abi::{self, Arguments},
    CREATE, LOAD, MAX_KEY, MAX_NAME, STORE, TABLE_EXISTS, is_field,
};
use crate::{
    evm::system::{Slots, Strings, SystemCall, SystemResult},
    suite::Suite,
};

/// Codes in reasons (`bcos-executor/src/precompiled/common/Common.h`).
const NAME_TOO_LONG: i64 = -50002;
const KEY_TOO_LONG: i64 = -50005;

/// The address of a key-value table: that of its path.
fn table_address(suite: Suite, path: &str) -> Address {
    Address::from_word(suite.hash(path.as_bytes()))
}

/// What the code of a table begins with: code that names who does its work (`PRECOMPILED_CODE_FIELD`, `KV_TABLE_ADDRESS`).
const CODE: &str = "[PRECOMPILED],0000000000000000000000000000000000001009,";

/// Whether an address with this code is a table.
pub fn is_table(code: &[u8]) -> bool {
    code.starts_with(CODE.as_bytes())
}

/// Calls the manager.
pub fn call_manager(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    if let Some(given) = Arguments::of(suite, "createKVTable(string,string,string)", call.input) {
        if call.read_only {
            return abi::read_only();
        }
        let (name, key, values) = (given.text(0), given.text(1), given.text(2));
        if let Err(reason) = check(&name, &key, &values) {
            return abi::failed(&reason);
        }
        let path = path(&name);
        if !Strings::new(slots).get(path.as_bytes()).is_empty() {
            return code32(TABLE_EXISTS, CREATE);
        }
        let fields = format!("{},{values}", key.trim());
        Strings::new(slots).set(path.as_bytes(), fields.as_bytes());
        slots.create(table_address(suite, &path), format!("{CODE}{path}").into_bytes());
        return code32(0, CREATE);
    }
    if let Some(given) = Arguments::of(suite, "openTable(string)", call.input) {
        let path = path(&given.text(0));
        let known = !Strings::new(slots).get(path.as_bytes()).is_empty();
        let address = if known { table_address(suite, &path) } else { Address::ZERO };
        return abi::returned(vec![DynSolValue::Address(address)], LOAD);
    }
    if let Some(given) = Arguments::of(suite, "desc(string)", call.input) {
        return abi::returned(vec![DynSolValue::Tuple(description(slots, &given.text(0), None))], LOAD);
    }
    if let Some(given) = Arguments::of(suite, "descWithKeyOrder(string)", call.input) {
        // Only tables of many columns have another order than this.
        let order = DynSolValue::Uint(U256::ZERO, 8);
        return abi::returned(
            vec![DynSolValue::Tuple(description(slots, &given.text(0), Some(order)))],
            LOAD,
        );
    }
    abi::failed("TableManager call undefined function!")
}

/// The order of the keys, the key's field and the others; without a table, empty ones.
fn description(slots: &mut dyn Slots, name: &str, order: Option<DynSolValue>) -> Vec<DynSolValue> {
    let fields = Strings::new(slots).get(path(name).as_bytes());
    let fields = String::from_utf8_lossy(&fields).into_owned();
    let mut fields = fields.split(',').map(|field| DynSolValue::String(field.to_owned()));
    let key = fields.next().unwrap_or_else(|| DynSolValue::String(String::new()));
    order.into_iter().chain([key, DynSolValue::Array(fields.collect())]).collect()
}

/// The node's reason against names (`checkCreateTableParam`, `checkNameValidate`). The words are the node's.
fn check(name: &str, key: &str, values: &str) -> Result<(), String> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/')) {
        return Err(format!("invalid table name: {name}"));
    }
    let key = key.trim();
    let fields: Vec<&str> = values.split(',').map(str::trim).collect();
    for (place, field) in std::iter::once(&key).chain(&fields).enumerate() {
        if std::iter::once(&key).chain(&fields).take(place).any(|earlier| earlier == field) {
            return Err(format!("duplicated field: {field}"));
        }
        if !is_field(field) {
            return Err(format!("invalid field: {field}"));
        }
    }
    if path(name).len() > MAX_NAME {
        return Err(format!("errorCode: {NAME_TOO_LONG} tableName length overflow {MAX_NAME}"));
    }
    Ok(())
}

/// Calls a table.
pub fn call_kv(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    if call.called == call.contract {
        return abi::failed("");
    }
    let mut strings = Strings::new(slots);
    let key = |key: &[u8]| [call.called.as_slice(), key].concat();
    if let Some(given) = Arguments::of(suite, "set(string,string)", call.input) {
        if call.read_only {
            return abi::read_only();
        }
        if given.bytes(0).is_empty() {
            return abi::failed("Table insert entry key is empty");
        }
        if given.bytes(0).len() > MAX_KEY {
            return abi::failed(&format!(
                "size of value/key greater than{MAX_KEY} error code: {KEY_TOO_LONG}"
            ));
        }
        // A letter before the value tells an empty value from none.
        strings.set(&key(given.bytes(0)), &[b"v", given.bytes(1)].concat());
        return code32(1, STORE);
    }
    if let Some(given) = Arguments::of(suite, "get(string)", call.input) {
        let found = strings.get(&key(given.bytes(0)));
        let value = found.strip_prefix(b"v");
        let there = DynSolValue::Bool(value.is_some());
        return abi::returned(vec![there, DynSolValue::Bytes(value.unwrap_or_default().to_vec())], LOAD);
    }
    abi::failed("KVTablePrecompiled call undefined function!")
}

/// `/tables/` is put before names without it.
fn path(name: &str) -> String {
    if name.starts_with("/tables/") {
        name.into()
    } else {
        format!("/tables/{}", name.trim_start_matches('/'))
    }
}

fn code32(code: i64, gas: u64) -> SystemResult {
    abi::returned(vec![DynSolValue::Int(I256::try_from(code).unwrap_or_default(), 32)], gas)
}
