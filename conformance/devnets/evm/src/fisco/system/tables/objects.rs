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
    } else {
        let address = |given: Arguments| (given.text(0), hex::encode(given.address(1)).into_bytes());
        arguments("set(string,address)").map(address)
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{
        super::{CRUD, KV_TABLE_FACTORY, TABLE_FACTORY, call_crud},
        *,
    };

    /// Slots in memory, and those of the transaction.
    #[derive(Default)]
    struct Memory {
        kept: HashMap<U256, U256>,
        passing: HashMap<U256, U256>,
    }

    impl Slots for Memory {
        fn load(&mut self, slot: U256) -> U256 {
            self.kept.get(&slot).copied().unwrap_or_default()
        }

        fn store(&mut self, slot: U256, value: U256) {
            self.kept.insert(slot, value);
        }

        fn passing(&mut self, slot: U256) -> U256 {
            self.passing.get(&slot).copied().unwrap_or_default()
        }

        fn set_passing(&mut self, slot: U256, value: U256) {
            self.passing.insert(slot, value);
        }

        fn create(&mut self, _: Address, _: Vec<u8>) {}
    }

    fn text(text: &str) -> DynSolValue {
        DynSolValue::String(text.into())
    }

    fn number(number: i64) -> DynSolValue {
        DynSolValue::Int(I256::try_from(number).unwrap(), 256)
    }

    impl Memory {
        fn call(&mut self, to: Address, signature: &str, arguments: Vec<DynSolValue>) -> SystemResult {
            let selector = Suite::Standard.hash(signature.as_bytes())[..4].to_vec();
            let input = [selector, DynSolValue::Tuple(arguments).abi_encode_params()].concat();
            let call = SystemCall {
                contract: to,
                called: to,
                caller: Address::ZERO,
                origin: Address::ZERO,
                input: &input,
                read_only: false,
            };
            match to {
                KV_TABLE_FACTORY => call_kv_factory(Suite::Standard, &call, self),
                CRUD => call_crud(Suite::Standard, &call, self),
                _ => call_object(Suite::Standard, &call, self),
            }
        }

        /// What it returned.
        fn output(&mut self, to: Address, signature: &str, arguments: Vec<DynSolValue>) -> Vec<u8> {
            match self.call(to, signature, arguments) {
                SystemResult::Returned { output, .. } => output.to_vec(),
                other => panic!("{signature}: {other:?}"),
            }
        }

        /// The address in the last word that it returned.
        fn address(&mut self, to: Address, signature: &str, arguments: Vec<DynSolValue>) -> Address {
            let output = self.output(to, signature, arguments);
            Address::from_slice(&output[output.len() - 20..])
        }

        /// The table `goods`, open.
        fn goods() -> (Self, Address) {
            let mut memory = Memory::default();
            let names = ["goods", "id", "price,owner"].map(text).to_vec();
            memory.output(KV_TABLE_FACTORY, "createTable(string,string,string)", names);
            let table = memory.address(KV_TABLE_FACTORY, "openTable(string)", vec![text("goods")]);
            (memory, table)
        }

        fn entry(&mut self, table: Address, fields: &[(&str, &str)]) -> DynSolValue {
            let entry = self.address(table, "newEntry()", Vec::new());
            for (field, value) in fields {
                assert!(self.output(entry, "set(string,string)", vec![text(field), text(value)]).is_empty());
            }
            DynSolValue::Address(entry)
        }
    }

    #[test]
    fn an_entry_is_set_under_a_key_and_got_again_field_by_field() {
        let (mut memory, table) = Memory::goods();
        let none = memory.output(table, "get(string)", vec![text("apple")]);
        assert_eq!(none, [0; 64]);
        let entry = memory.entry(table, &[("price", "3"), ("owner", "anna")]);
        let count = memory.output(table, "set(string,address)", vec![text("apple"), entry]);
        assert_eq!(count, number(1).abi_encode());
        // What a later entry does not have stays.
        let entry = memory.entry(table, &[]);
        let DynSolValue::Address(at) = entry else { panic!() };
        memory.output(at, "set(string,int256)", vec![text("price"), number(-4)]);
        memory.output(table, "set(string,address)", vec![text("apple"), entry]);
        let found = memory.output(table, "get(string)", vec![text("apple")]);
        assert_eq!(found[31], 1);
        let entry = Address::from_slice(&found[44..]);
        let mut get = |signature, field| memory.output(entry, signature, vec![text(field)]);
        assert_eq!(get("getInt(string)", "price"), number(-4).abi_encode());
        assert_eq!(
            get("getString(string)", "owner"),
            DynSolValue::Tuple(vec![text("anna")]).abi_encode_params()
        );
        assert_eq!(
            get("getString(string)", "id"),
            DynSolValue::Tuple(vec![text("apple")]).abi_encode_params()
        );
        assert_eq!(get("getString(string)", "none"), DynSolValue::Tuple(vec![text("")]).abi_encode_params());
        assert_eq!(get("getBytes32(string)", "owner")[..5], *b"anna\0");
        assert_eq!(get("getBytes64(string)", "owner").len(), 64);
    }

    #[test]
    fn crud_finds_what_a_key_value_table_holds() {
        let (mut memory, table) = Memory::goods();
        let entry = memory.entry(table, &[("price", "3")]);
        memory.output(table, "set(string,address)", vec![text("apple"), entry]);
        let condition = ["goods", "apple", "{}", ""].map(text).to_vec();
        let found = memory.output(CRUD, "select(string,string,string,string)", condition);
        let found = String::from_utf8_lossy(&found).into_owned();
        assert!(found.contains(r#"[{"id":"apple","price":"3"}]"#), "{found}");
    }

    #[test]
    fn what_fits_no_table_is_not_set() {
        let (mut memory, table) = Memory::goods();
        let wrong = memory.entry(table, &[("colour", "red")]);
        let good = memory.entry(table, &[("price", "3")]);
        for (key, entry) in [
            ("apple", wrong),
            (&"k".repeat(256), good),
            ("apple", DynSolValue::Address(table)),
            ("apple", DynSolValue::Address(TABLE_FACTORY)),
        ] {
            let result = memory.call(table, "set(string,address)", vec![text(key), entry]);
            assert!(matches!(result, SystemResult::Failed { .. }), "{key}: {result:?}");
        }
        assert_eq!(memory.output(table, "get(string)", vec![text("apple")]), [0; 64]);
    }

    #[test]
    fn objects_are_gone_with_their_transaction_and_what_was_set_is_not() {
        let (mut memory, table) = Memory::goods();
        let entry = memory.entry(table, &[("price", "3")]);
        memory.output(table, "set(string,address)", vec![text("apple"), entry]);
        memory.passing.clear();
        assert_eq!(memory.call(table, "get(string)", vec![text("apple")]), SystemResult::Absent);
        let again = memory.address(KV_TABLE_FACTORY, "openTable(string)", vec![text("goods")]);
        assert_eq!(again, table);
        assert_eq!(memory.output(again, "get(string)", vec![text("apple")])[31], 1);
    }
}
