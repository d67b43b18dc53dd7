//! The table factory (0x1001) and CRUD (0x1002) of 2.x (`TableFactoryPrecompiled.cpp`, `CRUDPrecompiled.cpp`).

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use serde_json::{Value, json};

use super::{
    super::abi::{self, Arguments},
    CREATE, REMOVE, Row, STORE, TABLE_EXISTS,
    rows::{Table, keep, make, rows, table},
};
use crate::{
    evm::system::{Slots, Strings, SystemCall, SystemResult},
    suite::Suite,
};

/// Codes (`libprecompiled/Common.h`).
const NO_TABLE: i64 = -50100;
const BAD_ENTRY: i64 = -51500;
const BAD_CONDITION: i64 = -51501;
const KEY_UPDATED: i64 = -51503;

/// Calls the table factory.
pub fn call_factory(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
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
    make(&mut strings, &given.text(0), &made);
    abi::code(0, CREATE)
}

/// Calls CRUD.
pub fn call_crud(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
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
        let found = rows(&mut strings, &given.text(0), given.bytes(1));
        let found: Vec<&Row> = condition.limit(found.iter().filter(|row| condition.holds(row)).collect());
        let found: Vec<BTreeMap<&str, String>> = found.into_iter().map(shown).collect();
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
    let (name, key) = (given.text(0), given.bytes(1));
    let Some(table) = table(&mut strings, &name) else { return abi::code(NO_TABLE, 0) };
    let mut known = rows(&mut strings, &name, key);
    let count = match kind {
        'i' => {
            let Some(mut row) = parse_row(&given.text(2)) else { return abi::code(BAD_ENTRY, 0) };
            row.insert(table.key, key.to_vec());
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
    keep(&mut strings, &name, key, &known);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let gas = if kind == 'r' { REMOVE } else { STORE };
    abi::code(count.into(), u64::from(count).saturating_mul(gas))
}

fn parse_row(json: &str) -> Option<Row> {
    let fields: BTreeMap<String, String> = serde_json::from_str(json).ok()?;
    Some(fields.into_iter().map(|(field, value)| (field, value.into_bytes())).collect())
}

/// A row as it is answered, in JSON.
fn shown(row: &Row) -> BTreeMap<&str, String> {
    row.iter().map(|(field, value)| (field.as_str(), String::from_utf8_lossy(value).into_owned())).collect()
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
            let found = String::from_utf8_lossy(found);
            let order = match (found.parse::<i64>(), value.parse::<i64>()) {
                (Ok(found), Ok(value)) => found.cmp(&value),
                _ => found.as_ref().cmp(value.as_str()),
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
