//! The EVM of each generation.

use revm::primitives::hardfork::SpecId;

use super::{FiscoConfig, Generation, system};
use crate::evm::Rules;

/// The rules of a generation's EVM, in a group of nodes with these ids.
#[must_use]
pub fn rules(config: &FiscoConfig, nodes: Vec<String>) -> Rules {
    let system = Box::new(system::Contracts::new(config.generation, config.suite, nodes));
    match config.generation {
        // `libethcore/EVMSchedule.h`, FiscoBcosScheduleV3: the instructions and costs of Constantinople, as the
        // interpreter has them, whatever the schedule calls itself.
        Generation::Two => Rules {
            spec: SpecId::PETERSBURG,
            suite: config.suite,
            input_byte_gas: 68,
            max_code: 0x40000,
            first_nonce: 0,
            by_place: false,
            code_required: true,
            system,
        },
        // `bcos-executor`, FiscoBcosScheduleV320.
        Generation::Three => Rules {
            spec: SpecId::MERGE,
            suite: config.suite,
            input_byte_gas: 68,
            max_code: 0x40000,
            first_nonce: 0,
            by_place: true,
            code_required: true,
            system,
        },
    }
}
