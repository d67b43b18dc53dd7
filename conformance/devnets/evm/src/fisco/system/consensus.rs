//! Who seals and who looks on, 0x1003 (`ConsensusPrecompiled.cpp`). A change holds from the next block on.

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

pub(super) const ADDRESS: Address = address!("0000000000000000000000000000000000001003");

/// Codes (`libprecompiled/Common.h`; 3.x has the same).
const INVALID_NODE: i64 = -51100;
const LAST_SEALER: i64 = -51101;
/// Codes of 3.x alone (`precompiled/common/Common.h`).
const NO_NODE: i64 = -51103;
const NO_OBSERVER: i64 = -51104;
/// Gas of what writes a table.
const STORE: u64 = 10_000;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It signs blocks.
    Sealer,
    /// It looks on.
    Observer,
    /// It does not belong to the group.
    Removed,
}

/// What the node with this id does; every node of a new group is a sealer.
#[must_use]
pub fn role(state: &State, id: &[u8]) -> Role {
    read(&mut Strings::new(&mut Committed { state, contract: ADDRESS }), &hex::encode(id))
}

fn read(strings: &mut Strings<'_>, id: &str) -> Role {
    match strings.get(id.as_bytes()).as_slice() {
        b"observer" => Role::Observer,
        b"removed" => Role::Removed,
        _ => Role::Sealer,
    }
}

/// `nodes` are the ids of the nodes whose keys this process has: others could not sign.
pub(super) fn call(
    generation: Generation,
    suite: Suite,
    nodes: &[String],
    call: &SystemCall<'_>,
    slots: &mut dyn Slots,
) -> SystemResult {
    let arguments = |signature| Arguments::of(suite, signature, call.input);
    let (given, role) = if let Some(given) = arguments("addSealer(string)") {
        (given, Role::Sealer)
    } else if let Some(given) = arguments("addSealer(string,uint256)") {
        (given, Role::Sealer)
    } else if let Some(given) = arguments("addObserver(string)") {
        (given, Role::Observer)
    } else if let Some(given) = arguments("remove(string)") {
        (given, Role::Removed)
    } else {
        return abi::undefined();
    };
    if call.read_only {
        return abi::read_only();
    }
    let id = given.text(0).to_lowercase();
    if !nodes.contains(&id) {
        return abi::code(INVALID_NODE, 0);
    }
    let mut strings = Strings::new(slots);
    if (generation, read(&mut strings, &id)) == (Generation::Three, Role::Removed) {
        match role {
            Role::Sealer => return abi::code(NO_OBSERVER, 0),
            Role::Removed => return abi::code(NO_NODE, 0),
            Role::Observer => {}
        }
    }
    let others = nodes.iter().filter(|node| **node != id);
    let sealers = others.filter(|node| read(&mut strings, node) == Role::Sealer).count();
    if role != Role::Sealer && sealers == 0 {
        return abi::code(LAST_SEALER, 0);
    }
    let word: &[u8] = match role {
        Role::Sealer => b"sealer",
        Role::Observer => b"observer",
        Role::Removed => b"removed",
    };
    strings.set(id.as_bytes(), word);
    abi::code(done(generation), STORE)
}
