//! How a transaction ended, in the words of each generation.

use revm::context_interface::result::HaltReason;

use super::Generation;
use crate::evm::Ending;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what it should.
    Good,
    /// The contract reverted it.
    Reverted,
    /// A system contract failed.
    SystemFailed,
    /// There is no code at the address.
    NoCode,
    /// Not even the gas of its input was there.
    TooLittleGas,
    /// It ran out of gas.
    OutOfGas,
    /// An instruction that is not there.
    BadInstruction,
    /// A jump to nowhere.
    BadJump,
    /// Too much on the stack.
    StackOverflow,
    /// Too little on the stack.
    StackUnderflow,
    /// There is a contract at the new contract's address.
    AddressTaken,
    /// Anything else.
    Unknown,
}

impl Status {
    pub(super) fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Returned => Status::Good,
            Ending::Reverted => Status::Reverted,
            Ending::SystemFailed => Status::SystemFailed,
            Ending::NoCode => Status::NoCode,
            Ending::TooLittleGas => Status::TooLittleGas,
            Ending::Halted(reason) => match reason {
                HaltReason::OutOfGas(_) | HaltReason::CreateContractSizeLimit => Status::OutOfGas,
                HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode | HaltReason::NotActivated => {
                    Status::BadInstruction
                }
                HaltReason::InvalidJump => Status::BadJump,
                HaltReason::StackOverflow => Status::StackOverflow,
                HaltReason::StackUnderflow => Status::StackUnderflow,
                HaltReason::CreateCollision => Status::AddressTaken,
                _ => Status::Unknown,
            },
        }
    }

    /// The generation's number for it (2.x: `libethcore/TransactionException.h`; 3.x: `TransactionStatus.h`).
    #[must_use]
    pub fn code(self, generation: Generation) -> u32 {
        let (two, three) = match self {
            Status::Good => (0, 0),
            Status::Reverted => (22, 16),
            Status::SystemFailed => (21, 15),
            Status::NoCode => (26, 19),
            Status::TooLittleGas => (8, 7),
            Status::OutOfGas => (12, 12),
            Status::BadInstruction => (10, 10),
            Status::BadJump => (11, 11),
            Status::StackOverflow => (13, 13),
            Status::StackUnderflow => (14, 14),
            Status::AddressTaken => (24, 17),
            Status::Unknown => (1, 1),
        };
        match generation {
            Generation::Two => two,
            Generation::Three => three,
        }
    }

    /// The word that 2.x has for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Status::Good => "None",
            Status::Reverted => "RevertInstruction",
            Status::SystemFailed => "PrecompiledError",
            Status::NoCode => "CallAddressError",
            Status::TooLittleGas => "OutOfGasBase",
            Status::OutOfGas => "OutOfGas",
            Status::BadInstruction => "BadInstruction",
            Status::BadJump => "BadJumpDestination",
            Status::StackOverflow => "OutOfStack",
            Status::StackUnderflow => "StackUnderflow",
            Status::AddressTaken => "AddressAlreadyUsed",
            Status::Unknown => "Unknown",
        }
    }
}
