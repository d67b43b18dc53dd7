//! Key-value tables of 2.x: a factory (0x1010, `KVTableFactoryPrecompiled.cpp`), the tables that it opens (`KVTablePrecompiled.cpp`) and
//! their entries (`EntryPrecompiled.cpp`). Tables and entries are contracts whose addresses real nodes count up while they execute a
//! block. Here they are counted, and forgotten, with each transaction: none is of any use to the next one.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, I256, U256};
use serde::{Deserialize, Serialize};

use super::{
    super::abi::{self, Arguments},
    CREATE, LOAD, MAX_FIELD, MAX_KEY, MAX_NAME, Row, STORE, TABLE_EXISTS, is_field, is_name,
    rows::{Table, keep, make, rows, table},
};
use crate::{
    evm::system::{Passing, Slots, Strings, SystemCall, SystemResult},
    suite::Suite,
};

/// What stands before the number of an object, `ExecutiveContext::m_addressCount`.
const BEFORE_FIRST: u64 = 0x1_0000;
/// The most objects of one transaction here.
const MOST: u64 = 0xffff;
/// What the node puts before a table's name, `USER_TABLE_PREFIX_SHORT`.
const PREFIX: &str = "u_";
/// The most bytes of all value fields' names, `SYS_TABLE_VALUE_FIELD_MAX_LENGTH`.
const MAX_FIELDS: usize = 1024;
/// The most bytes of a value, `USER_TABLE_FIELD_VALUE_MAX_LENGTH`.
const MAX_VALUE: usize = 16 * 1024 * 1024 - 1;
/// Gas of what sets or gets a field (`PrecompiledGas.h`).
const FIELD: u64 = 3;

/// What a transaction holds.
#[derive(Serialize, Deserialize)]
enum Object {
    /// A table of this name.
    Table(String),
    /// A row, or what is to become one.
    Entry(Row),
}

/// Whether an address is that of an object that a transaction may have.
pub fn is_object(address: &Address) -> bool {
    number(address).is_some()
}

fn number(address: &Address) -> Option<u64> {
    let number = u64::try_from(U256::from_be_slice(address.as_slice())).ok()?;
    number.checked_sub(BEFORE_FIRST).filter(|number| (1..=MOST).contains(number))
}

/// The objects of the transaction that is executed.
struct Objects<'a> {
    slots: &'a mut dyn Slots,
}

impl Objects<'_> {
    fn get(&mut self, number: u64) -> Option<Object> {
        let mut passing = Passing(self.slots);
        serde_json::from_slice(&Strings::new(&mut passing).get(&number.to_be_bytes())).ok()
    }

    fn put(&mut self, number: u64, object: &Object) {
        let bytes = serde_json::to_vec(object).unwrap_or_default();
        Strings::new(&mut Passing(self.slots)).set(&number.to_be_bytes(), &bytes);
    }

    /// Gives an object the next address.
    fn add(&mut self, object: &Object) -> Address {
        let last = u64::try_from(self.slots.passing(U256::ZERO)).unwrap_or(MOST);
        let number = last.saturating_add(1);
        self.slots.set_passing(U256::ZERO, U256::from(number));
        self.put(number, object);
        Address::from_word(B256::from(U256::from(BEFORE_FIRST.saturating_add(number))))
    }
}

/// Calls the factory.
pub fn call_kv_factory(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    if let Some(given) = Arguments::of(suite, "openTable(string)", call.input) {
        let name = given.text(0);
        if table(&mut Strings::new(slots), &name).is_none() {
            return abi::failed(&format!("{PREFIX}{name} does not exist"));
        }
        let address = Objects { slots }.add(&Object::Table(name));
        return abi::returned(vec![DynSolValue::Address(address)], LOAD);
    }
    let Some(given) = Arguments::of(suite, "createTable(string,string,string)", call.input) else {
        return abi::undefined();
    };
    if call.read_only {
        return abi::read_only();
    }
    let name = given.text(0);
    let made = match checked(&name, &given.text(1), &given.text(2)) {
        Ok(made) => made,
        Err(reason) => return abi::failed(&reason),
    };
    let mut strings = Strings::new(slots);
    if table(&mut strings, &name).is_some() {
        return abi::code(TABLE_EXISTS, 0);
    }
    make(&mut strings, &name, &made);
    abi::code(0, CREATE)
}

/// A table of these names, or the node's reason against one. The words are the node's.
fn checked(name: &str, key: &str, values: &str) -> Result<Table, String> {
    let key = key.trim();
    let fields: Vec<&str> = values.split(',').map(str::trim).collect();
    if !is_name(name) {
        return Err(format!("invalid tablename:{name}"));
    }
    for (place, field) in std::iter::once(&key).chain(&fields).enumerate() {
        if field.len() > MAX_FIELD {
            return Err(format!("table field name length overflow {}", MAX_FIELD));
        }
        if std::iter::once(&key).chain(&fields).take(place).any(|earlier| earlier == field) {
            return Err(format!("dumplicate field:{field}"));
        }
        if !is_field(field) {
            return Err(format!("invalid field:{field}"));
        }
    }
    let values = fields.join(",");
    if values.len() > MAX_FIELDS {
        return Err(format!("total table field name length overflow {MAX_FIELDS}"));
    }
    if PREFIX.len().saturating_add(name.len()) > MAX_NAME {
        return Err(format!("tableName length overflow {}", MAX_NAME.saturating_sub(PREFIX.len())));
    }
    Ok(Table { key: key.to_owned(), values })
}

/// Calls a table or an entry.
pub fn call_object(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
    let Some(number) = number(&call.contract) else { return SystemResult::Absent };
    match (Objects { slots }).get(number) {
        Some(Object::Table(name)) => call_table(suite, call, slots, &name),
        Some(Object::Entry(row)) => call_entry(suite, call, slots, number, row),
        None => SystemResult::Absent,
    }
}

fn call_table(suite: Suite, call: &SystemCall<'_>, slots: &mut dyn Slots, name: &str) -> SystemResult {
    if let Some(given) = Arguments::of(suite, "get(string)", call.input) {
        let found = rows(&mut Strings::new(slots), name, given.bytes(0)).into_iter().next();
        let gas = if found.is_some() { LOAD } else { 0 };
        let address = found.map(|row| Objects { slots }.add(&Object::Entry(row)));
        let there = DynSolValue::Bool(address.is_some());
        return abi::returned(vec![there, DynSolValue::Address(address.unwrap_or_default())], gas);
    }
    if Arguments::of(suite, "newEntry()", call.input).is_some() {
        let address = Objects { slots }.add(&Object::Entry(Row::new()));
        return abi::returned(vec![DynSolValue::Address(address)], 0);
    }
    let Some(given) = Arguments::of(suite, "set(string,address)", call.input) else {
        return abi::undefined();
    };
    if call.read_only {
        return abi::read_only();
    }
    let entry = number(&given.address(1)).and_then(|number| Objects { slots }.get(number));
    let Some(Object::Entry(entry)) = entry else { return abi::failed("") };
    set(&mut Strings::new(slots), name, given.bytes(0), entry)
}

/// Puts an entry under a key: over what is there, field by field.
fn set(strings: &mut Strings<'_>, name: &str, key: &[u8], entry: Row) -> SystemResult {
    if key.len() > MAX_KEY {
        return abi::failed(&format!("size of value/key greater than{MAX_KEY}"));
    }
    if entry.values().any(|value| value.len() > MAX_VALUE) {
        return abi::failed(&format!("size of value/key greater than{MAX_VALUE}"));
    }
    let Some(table) = table(strings, name) else { return abi::failed("") };
    if !entry.keys().all(|field| table.has(field)) {
        return abi::failed("");
    }
    let mut known = rows(strings, name, key);
    if known.is_empty() {
        known.push(Row::new());
    }
    for row in &mut known {
        row.extend(entry.clone());
        row.insert(table.key.clone(), key.to_vec());
    }
    keep(strings, name, key, &known);
    let count = u32::try_from(known.len()).unwrap_or(u32::MAX);
    abi::code(count.into(), u64::from(count).saturating_mul(STORE))
}

fn call_entry(
    suite: Suite,
    call: &SystemCall<'_>,
    slots: &mut dyn Slots,
    number: u64,
    mut row: Row,
) -> SystemResult {
    let arguments = |signature| Arguments::of(suite, signature, call.input);
    let value = if let Some(given) = arguments("set(string,string)") {
        Some((given.text(0), given.bytes(1).to_vec()))
    } else if let Some(given) = arguments("set(string,int256)").or_else(|| arguments("set(string,uint256)")) {
        Some((given.text(0), given.decimal(1).into_bytes()))
    } else if let Some(given) = arguments("set(string,address)") {
        Some((given.text(0), hex::encode(given.address(1)).into_bytes()))
    } else {
        None
    };
    if let Some((field, value)) = value {
        row.insert(field, value);
        Objects { slots }.put(number, &Object::Entry(row));
        return abi::returned(Vec::new(), FIELD);
    }
    // A field that is not there reads as an empty one.
    let field = |given: &Arguments| row.get(&given.text(0)).cloned().unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some(given) = arguments("getString(string)") {
        return abi::returned(vec![DynSolValue::Bytes(field(&given))], FIELD);
    }
    if let Some(given) = arguments("getInt(string)") {
        return match I256::from_dec_str(&text(&field(&given))) {
            Ok(number) => abi::returned(vec![DynSolValue::Int(number, 256)], FIELD),
            Err(_) => abi::failed(""),
        };
    }
    if let Some(given) = arguments("getUInt(string)") {
        return match U256::from_str_radix(&text(&field(&given)), 10) {
            Ok(number) => abi::returned(vec![DynSolValue::Uint(number, 256)], FIELD),
            Err(_) => abi::failed(""),
        };
    }
    if let Some(given) = arguments("getAddress(string)") {
        return match crate::encoding::parse_address(&text(&field(&given))) {
            Some(address) => abi::returned(vec![DynSolValue::Address(address)], FIELD),
            None => abi::failed(""),
        };
    }
    for (signature, words) in [("getBytes32(string)", 1_u8), ("getBytes64(string)", 2)] {
        let Some(given) = arguments(signature) else { continue };
        let mut value = field(&given);
        value.resize(usize::from(words).saturating_mul(32), 0);
        let values =
            value.chunks(32).map(|word| DynSolValue::FixedBytes(B256::from_slice(word), 32)).collect();
        return abi::returned(values, u64::from(words).saturating_mul(32).saturating_mul(FIELD));
    }
    abi::undefined()
}
