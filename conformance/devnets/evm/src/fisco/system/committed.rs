//! Slots of a system contract after the newest block, to read.

use alloy_primitives::{Address, U256};

use crate::evm::{state::State, system::Slots};

pub(super) struct Committed<'a> {
    pub state: &'a State,
    pub contract: Address,
}

impl Slots for Committed<'_> {
    fn load(&mut self, slot: U256) -> U256 {
        self.state.slot(self.contract, slot)
    }

    fn store(&mut self, _: U256, _: U256) {}

    fn passing(&mut self, _: U256) -> U256 {
        U256::ZERO
    }

    fn set_passing(&mut self, _: U256, _: U256) {}

    fn create(&mut self, _: Address, _: Vec<u8>) {}
}
