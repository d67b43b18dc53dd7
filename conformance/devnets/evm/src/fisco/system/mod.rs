//! The contracts of the node's own program. Their tables lie in storage of their own, so that a revert takes them back.

mod abi;
mod committed;
mod config;
mod consensus;
mod names;
mod tables;

pub use config::config_value;
pub use consensus::{Role, role};

use alloy_primitives::Address;

use super::Generation;
use crate::{
    evm::system::{Slots, SystemCall, SystemContracts, SystemResult},
    suite::Suite,
};

/// The system contracts of a generation.
#[derive(Debug)]
pub struct Contracts {
    generation: Generation,
    suite: Suite,
    nodes: Vec<String>,
}

/// What is answered where all is well: 2.x counts the rows that it wrote.
fn done(generation: Generation) -> i64 {
    match generation {
        Generation::Two => 1,
        Generation::Three => 0,
    }
}

type Call = fn(Suite, &SystemCall<'_>, &mut dyn Slots) -> SystemResult;

impl Contracts {
    /// The contracts of a group of these nodes, by their ids.
    pub(super) fn new(generation: Generation, suite: Suite, nodes: Vec<String>) -> Self {
        Contracts { generation, suite, nodes }
    }

    fn find(&self, address: &Address) -> Option<Call> {
        match (*address, self.generation) {
            (names::CNS, Generation::Two) => Some(names::call_cns),
            (names::BFS, Generation::Three) => Some(names::call_bfs),
            (tables::TABLE_FACTORY, Generation::Two) => Some(tables::call_factory),
            (tables::CRUD, Generation::Two) => Some(tables::call_crud),
            (tables::KV_TABLE_FACTORY, Generation::Two) => Some(tables::call_kv_factory),
            (object, Generation::Two) if tables::is_object(&object) => Some(tables::call_object),
            (tables::TABLE_MANAGER, Generation::Three) => Some(tables::call_manager),
            (tables::KV_TABLE, Generation::Three) => Some(tables::call_kv),
            _ => None,
        }
    }
}

impl SystemContracts for Contracts {
    fn contains(&self, address: &Address) -> bool {
        matches!(*address, config::ADDRESS | consensus::ADDRESS) || self.find(address).is_some()
    }

    fn behind(&self, code: &[u8]) -> Option<Address> {
        (self.generation == Generation::Three && tables::is_table(code)).then_some(tables::KV_TABLE)
    }

    fn home(&self, address: Address) -> Address {
        match (address, self.generation) {
            (tables::CRUD | tables::KV_TABLE_FACTORY, Generation::Two) => tables::TABLE_FACTORY,
            (object, Generation::Two) if tables::is_object(&object) => tables::TABLE_FACTORY,
            _ => address,
        }
    }

    fn call(&self, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult {
        match (call.contract, self.find(&call.contract)) {
            (config::ADDRESS, _) => config::call(self.generation, self.suite, call, slots),
            (consensus::ADDRESS, _) => consensus::call(self.generation, self.suite, &self.nodes, call, slots),
            (_, Some(contract)) => contract(self.suite, call, slots),
            (_, None) => abi::undefined(),
        }
    }
}
