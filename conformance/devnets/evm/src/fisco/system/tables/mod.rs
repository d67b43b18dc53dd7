//! Tables. 2.x has a factory (0x1001) and CRUD (0x1002), and a factory of key-value tables (0x1010), whose tables and entries
//! are contracts for as long as the block is executed; 3.x a manager (0x1002) that makes key-value tables, each at an address of its own.

mod crud;
mod key_value;
mod objects;
mod rows;

pub(super) use crud::{call_crud, call_factory};
pub(super) use key_value::{call_kv, call_manager, is_table};
pub(super) use objects::{call_kv_factory, call_object, is_object};

use std::collections::BTreeMap;

use alloy_primitives::{Address, address};

pub(super) const TABLE_FACTORY: Address = address!("0000000000000000000000000000000000001001");
pub(super) const CRUD: Address = address!("0000000000000000000000000000000000001002");
/// Of 2.x (`libprecompiled/Common.h`, `KVTABLE_FACTORY_ADDRESS`).
pub(super) const KV_TABLE_FACTORY: Address = address!("0000000000000000000000000000000000001010");
pub(super) const TABLE_MANAGER: Address = address!("0000000000000000000000000000000000001002");
/// What does the work of the key-value tables of 3.x.
pub(super) const KV_TABLE: Address = address!("0000000000000000000000000000000000001009");

/// There is a table of this name (`libprecompiled/Common.h`; 3.x has the same).
const TABLE_EXISTS: i64 = -50001;
/// The most bytes of a key in a table, `USER_TABLE_KEY_VALUE_MAX_LENGTH` of both.
const MAX_KEY: usize = 255;
/// The most bytes of a field's name, `SYS_TABLE_KEY_FIELD_NAME_MAX_LENGTH` of both.
const MAX_FIELD: usize = 64;
/// The most bytes of a table's name with what the node puts before it, `USER_TABLE_NAME_MAX_LENGTH_S` of both.
const MAX_NAME: usize = 50;

/// Gas of what makes a table, opens it or finds a row in it, writes and removes (`PrecompiledGas.h`).
const CREATE: u64 = 16_000;
const LOAD: u64 = 200;
const STORE: u64 = 10_000;
const REMOVE: u64 = 2_500;

/// A row of a table of 2.x. Values are bytes: nodes take them for text nowhere.
type Row = BTreeMap<String, Vec<u8>>;

/// Whether a text is one of letters, digits and the characters that nodes let pass in names (`checkNameValidate` of both).
fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_' | b'@'))
}

/// Whether it can be a field's name.
fn is_field(text: &str) -> bool {
    (1..=MAX_FIELD).contains(&text.len()) && !text.starts_with('_') && is_name(text)
}
