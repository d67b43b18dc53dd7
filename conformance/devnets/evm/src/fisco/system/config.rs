//! The system configuration, 0x1000 (`SystemConfigPrecompiled.cpp`).

use alloy_primitives::{Address, address};

use super::{
    abi::{self, Arguments},
    committed::Committed,
    done,
};
use crate::{
    evm::{
        state::State,
        system::{Slots, Strings, SystemCall, SystemResult},
    },
    fisco::Generation,
    suite::Suite,
};

pub(super) const ADDRESS: Address = address!("0000000000000000000000000000000000001000");

/// A value that is not the key's kind.
const INVALID_VALUE: i64 = -51300;

/// The keys, with the values of a new chain and the least that they may be set to.
const KEYS: &[(&str, &str, i64)] = &[
    ("tx_count_limit", "1000", 1),
    ("tx_gas_limit", "300000000", 100_000),
    ("consensus_timeout", "3", 3),
    ("rpbft_epoch_sealer_num", "4", 1),
    ("rpbft_epoch_block_num", "1000", 2),
    ("consensus_leader_period", "1", 1),
    ("gas_price", "0x0", 0),
    ("compatibility_version", "3.16.4", i64::MAX),
];

/// A value, where the key is one.
#[must_use]
pub fn config_value(state: &State, key: &str) -> Option<String> {
    let (_, usual, _) = KEYS.iter().find(|(known, ..)| *known == key)?;
    let set = Strings::new(&mut Committed { state, contract: ADDRESS }).get(key.as_bytes());
    Some(if set.is_empty() { (*usual).to_owned() } else { String::from_utf8_lossy(&set).into_owned() })
}

pub(super) fn call(
    generation: Generation,
    suite: Suite,
    call: &SystemCall<'_>,
    slots: &mut dyn Slots,
) -> SystemResult {
    let Some(arguments) = Arguments::of(suite, "setValueByKey(string,string)", call.input) else {
        return abi::code(0, 0);
    };
    if call.read_only {
        return abi::read_only();
    }
    let (key, value) = (arguments.text(0).to_lowercase(), arguments.text(1));
    let least = KEYS.iter().find(|(known, ..)| *known == key).map(|(.., least)| *least);
    let number = value.parse::<i64>().ok();
    if least.zip(number).is_none_or(|(least, number)| number < least) {
        return abi::code(INVALID_VALUE, 0);
    }
    Strings::new(slots).set(key.as_bytes(), value.as_bytes());
    abi::code(done(generation), 0)
}
