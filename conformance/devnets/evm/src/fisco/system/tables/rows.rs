//! The tables of 2.x as they are kept, whichever contract made them: each name is one table to all of them.

use serde::{Deserialize, Serialize};

use super::Row;
use crate::evm::system::Strings;

/// What a table is.
#[derive(Serialize, Deserialize)]
pub(super) struct Table {
    /// The name of the key's field.
    pub key: String,
    /// The names of the other fields, with commas between them.
    pub values: String,
}

impl Table {
    /// Whether rows may have a field of this name.
    pub fn has(&self, field: &str) -> bool {
        self.key == field || self.values.split(',').any(|known| known == field)
    }
}

/// The table of this name, where there is one.
pub(super) fn table(strings: &mut Strings<'_>, name: &str) -> Option<Table> {
    serde_json::from_slice(&strings.get(format!("table/{name}").as_bytes())).ok()
}

/// Makes a table.
pub(super) fn make(strings: &mut Strings<'_>, name: &str, table: &Table) {
    strings.set(format!("table/{name}").as_bytes(), &serde_json::to_vec(table).unwrap_or_default());
}

/// The rows under a key.
pub(super) fn rows(strings: &mut Strings<'_>, name: &str, key: &[u8]) -> Vec<Row> {
    serde_json::from_slice(&strings.get(&row_key(name, key))).unwrap_or_default()
}

/// Puts rows under a key in place of those that are there.
pub(super) fn keep(strings: &mut Strings<'_>, name: &str, key: &[u8], rows: &[Row]) {
    strings.set(&row_key(name, key), &serde_json::to_vec(rows).unwrap_or_default());
}

fn row_key(name: &str, key: &[u8]) -> Vec<u8> {
    [format!("rows/{}/{name}/", name.len()).as_bytes(), key].concat()
}
