//! Tables: 2.x has a factory (0x1001) and CRUD (0x1002); 3.x a manager (0x1002) that makes key-value tables, each at an
//! address of its own.

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, I256, address};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::abi::{self, Arguments};
use crate::{
    evm::system::{Slots, Strings, SystemCall, SystemResult},
    suite::Suite,
};

pub(super) const TABLE_FACTORY: Address = address!("0000000000000000000000000000000000001001");
pub(super) const CRUD: Address = address!("0000000000000000000000000000000000001002");
pub(super) const TABLE_MANAGER: Address = address!("0000000000000000000000000000000000001002");
/// What the contracts of key-value tables call.
pub(super) const KV_TABLE: Address = address!("0000000000000000000000000000000000001009");

const TABLE_EXISTS: i64 = -50001;
const NO_TABLE: i64 = -50100;
const BAD_ENTRY: i64 = -51500;
const BAD_CONDITION: i64 = -51501;
const KEY_UPDATED: i64 = -51503;
/// Gas of what makes a table, writes and removes (`PrecompiledGas.h`).
const CREATE: u64 = 16_000;
const STORE: u64 = 10_000;
const REMOVE: u64 = 2_500;

type Row = BTreeMap<String, String>;

/// What a table of 2.x is.
#[derive(Serialize, Deserialize)]
struct Table {
    key: String,
    values: String,
}

fn table(strings: &mut Strings<'_>, name: &str) -> Option<Table> {
    serde_json::from_slice(&strings.get(format!("table/{name}").as_bytes())).ok()
}

fn rows(strings: &mut Strings<'_>, name: &str, key: &str) -> Vec<Row> {
    serde_json::from_slice(&strings.get(&row_key(name, key))).unwrap_or_default()
}

fn keep(strings: &mut Strings<'_>, name: &str, key: &str, rows: &[Row]) {
    strings.set(&row_key(name, key), &serde_json::to_vec(rows).unwrap_or_default());
}

fn row_key(name: &str, key: &str) -> Vec<u8> {
    format!("rows/{}/{name}/{key}", name.len()).into_bytes()
}

pub(super) fn call_factory(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    let mut strings = Strings::new(slots);
    let Some(given) = Arguments::of(suite, "createTable(string,string,string)", call.input) else {
        return abi::undefined();
    };
    if call.read_only {
        return abi::read_only();
    }
    if table(&mut strings, &given.text(0)).is_some() {
        return abi::code(TABLE_EXISTS, 0);
    }
    let made = Table { key: given.text(1).trim().into(), values: given.text(2) };
    let bytes = serde_json::to_vec(&made).unwrap_or_default();
    strings.set(format!("table/{}", given.text(0)).as_bytes(), &bytes);
    abi::code(0, CREATE)
}

pub(super) fn call_crud(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    let mut strings = Strings::new(slots);
    let arguments = |signature| Arguments::of(suite, signature, call.input);
    if let Some(given) = arguments("desc(string)") {
        let (key, values) = match table(&mut strings, &given.text(0)) {
            Some(table) => (table.key, table.values),
            None => Default::default(),
        };
        return abi::returned(vec![DynSolValue::String(key), DynSolValue::String(values)], 0);
    }
    if let Some(given) = arguments("select(string,string,string,string)") {
        if table(&mut strings, &given.text(0)).is_none() {
            return abi::code(NO_TABLE, 0);
        }
        let Some(condition) = Condition::parse(&given.text(2)) else { return abi::code(BAD_CONDITION, 0) };
        let found = rows(&mut strings, &given.text(0), &given.text(1));
        let found: Vec<&Row> = condition.limit(found.iter().filter(|row| condition.holds(row)).collect());
        return abi::text(format!("{}\n", json!(found)), 0);
    }
    let (given, kind) = if let Some(given) = arguments("insert(string,string,string,string)") {
        (given, 'i')
    } else if let Some(given) = arguments("update(string,string,string,string,string)") {
        (given, 'u')
    } else if let Some(given) = arguments("remove(string,string,string,string)") {
        (given, 'r')
    } else {
        return abi::undefined();
    };
    if call.read_only {
        return abi::read_only();
    }
    let (name, key) = (given.text(0), given.text(1));
    let Some(table) = table(&mut strings, &name) else { return abi::code(NO_TABLE, 0) };
    let mut known = rows(&mut strings, &name, &key);
    let count = match kind {
        'i' => {
            let Some(mut row) = parse_row(&given.text(2)) else { return abi::code(BAD_ENTRY, 0) };
            row.insert(table.key, key.clone());
            known.push(row);
            1
        }
        'u' => {
            let Some(row) = parse_row(&given.text(2)) else { return abi::code(BAD_ENTRY, 0) };
            if row.contains_key(&table.key) {
                return abi::code(KEY_UPDATED, 0);
            }
            let Some(condition) = Condition::parse(&given.text(3)) else {
                return abi::code(BAD_CONDITION, 0);
            };
            let mut count = 0_usize;
            for known in known.iter_mut().filter(|known| condition.holds(known)) {
                known.extend(row.clone());
                count = count.saturating_add(1);
            }
            count
        }
        _ => {
            let Some(condition) = Condition::parse(&given.text(2)) else {
                return abi::code(BAD_CONDITION, 0);
            };
            let before = known.len();
            known.retain(|row| !condition.holds(row));
            before.saturating_sub(known.len())
        }
    };
    keep(&mut strings, &name, &key, &known);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let gas = if kind == 'r' { REMOVE } else { STORE };
    abi::code(count.into(), u64::from(count).saturating_mul(gas))
}

fn parse_row(json: &str) -> Option<Row> {
    serde_json::from_str(json).ok()
}

/// Conditions on the fields of a row: `{"field": {"eq": "value"}, "limit": {"limit": "offset,count"}}`.
struct Condition {
    tests: Vec<(String, String, String)>,
    limit: Option<(usize, usize)>,
}

impl Condition {
    fn parse(json: &str) -> Option<Self> {
        let mut condition = Condition { tests: Vec::new(), limit: None };
        let parsed: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(json).ok()?;
        for (field, tests) in parsed {
            for (test, value) in tests {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if test == "limit" {
                    let (offset, count) = value.split_once(',').unwrap_or(("0", &value));
                    condition.limit = Some((offset.trim().parse().ok()?, count.trim().parse().ok()?));
                } else if matches!(test.as_str(), "eq" | "ne" | "gt" | "ge" | "lt" | "le") {
                    condition.tests.push((field.clone(), test, value));
                } else {
                    return None;
                }
            }
        }
        Some(condition)
    }

    fn holds(&self, row: &Row) -> bool {
        self.tests.iter().all(|(field, test, value)| {
            let Some(found) = row.get(field) else { return false };
            let order = match (found.parse::<i64>(), value.parse::<i64>()) {
                (Ok(found), Ok(value)) => found.cmp(&value),
                _ => found.cmp(value),
            };
            match test.as_str() {
                "eq" => order.is_eq(),
                "ne" => order.is_ne(),
                "gt" => order.is_gt(),
                "ge" => order.is_ge(),
                "lt" => order.is_lt(),
                _ => order.is_le(),
            }
        })
    }

    fn limit<'a>(&self, rows: Vec<&'a Row>) -> Vec<&'a Row> {
        match self.limit {
            Some((offset, count)) => rows.into_iter().skip(offset).take(count).collect(),
            None => rows,
        }
    }
}

/// The address of a key-value table: that of its path.
fn table_address(suite: Suite, path: &str) -> Address {
    Address::from_word(suite.hash(path.as_bytes()))
}

/// The code of a table's contract: it hands its calls to [`KV_TABLE`], with its own address before them.
///
/// ADDRESS is stored at 0, the call's input follows at 32; the answer comes back as it is.
fn table_code() -> Vec<u8> {
    let mut code = vec![
        0x30, 0x60, 0x00, 0x52, // ADDRESS, PUSH1 0, MSTORE
        0x36, 0x60, 0x00, 0x60, 0x20, 0x37, // CALLDATASIZE, PUSH1 0, PUSH1 32, CALLDATACOPY
        0x60, 0x00, 0x60, 0x00, // PUSH1 0 (length of the output), PUSH1 0 (its place)
        0x60, 0x20, 0x36, 0x01, // PUSH1 32, CALLDATASIZE, ADD (length of the input)
        0x60, 0x00, 0x60, 0x00, // PUSH1 0 (its place), PUSH1 0 (value)
        0x61, 0x10, 0x09, 0x5a, 0xf1, // PUSH2 0x1009, GAS, CALL
        0x3d, 0x60, 0x00, 0x60, 0x00, 0x3e, // RETURNDATASIZE, PUSH1 0, PUSH1 0, RETURNDATACOPY
        0x3d, 0x60, 0x00, // RETURNDATASIZE, PUSH1 0
        0x91, // SWAP2: the call's success comes on top
    ];
    let good = u8::try_from(code.len().saturating_add(6)).unwrap_or_default();
    code.extend([0x60, good, 0x57, 0x90, 0x50, 0xfd, 0x5b, 0x90, 0xf3]);
    code
}

pub(super) fn call_manager(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    if let Some(given) = Arguments::of(suite, "createKVTable(string,string,string)", call.input) {
        if call.read_only {
            return abi::read_only();
        }
        let path = path(&given.text(0));
        if !Strings::new(slots).get(path.as_bytes()).is_empty() {
            return code32(TABLE_EXISTS, 0);
        }
        let fields = format!("{},{}", given.text(1), given.text(2));
        Strings::new(slots).set(path.as_bytes(), fields.as_bytes());
        slots.create(table_address(suite, &path), table_code());
        return code32(0, CREATE);
    }
    if let Some(given) = Arguments::of(suite, "openTable(string)", call.input) {
        let path = path(&given.text(0));
        let known = !Strings::new(slots).get(path.as_bytes()).is_empty();
        let address = if known { table_address(suite, &path) } else { Address::ZERO };
        return abi::returned(vec![DynSolValue::Address(address)], 0);
    }
    abi::read_only()
}

pub(super) fn call_kv(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    // The caller is the table; what it puts before the call is its address, which nobody else can use.
    let Some((table, input)) = call.input.split_at_checked(32) else { return abi::read_only() };
    if Address::from_slice(table.get(12..).unwrap_or(&[0; 20])) != call.caller {
        return abi::read_only();
    }
    let mut strings = Strings::new(slots);
    let key = |key: &str| [call.caller.as_slice(), key.as_bytes()].concat();
    if let Some(given) = Arguments::of(suite, "set(string,string)", input) {
        if call.read_only || given.text(0).is_empty() {
            return abi::read_only();
        }
        // A letter before the value tells an empty value from none.
        strings.set(&key(&given.text(0)), format!("v{}", given.text(1)).as_bytes());
        return code32(1, STORE);
    }
    if let Some(given) = Arguments::of(suite, "get(string)", input) {
        let found = String::from_utf8_lossy(&strings.get(&key(&given.text(0)))).into_owned();
        let value = found.strip_prefix('v');
        let (there, value) = (value.is_some(), value.unwrap_or_default().to_owned());
        return abi::returned(vec![DynSolValue::Bool(there), DynSolValue::String(value)], 0);
    }
    abi::read_only()
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
