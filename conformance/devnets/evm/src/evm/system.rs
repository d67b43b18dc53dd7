//! Contracts that are part of a node's program, at fixed addresses.

use alloy_primitives::{Address, Bytes, U256, keccak256};

/// What a system contract reads and writes: storage of its own, which a revert takes back like any contract's.
pub trait Slots {
    /// A slot of the contract's own.
    fn load(&mut self, slot: U256) -> U256;

    /// Sets a slot of the contract's own.
    fn store(&mut self, slot: U256, value: U256);

    /// A slot that is empty again in the next transaction.
    fn passing(&mut self, slot: U256) -> U256;

    /// Sets a slot that is empty again in the next transaction. Calls that only read may, too.
    fn set_passing(&mut self, slot: U256, value: U256);

    /// Makes a contract of this code.
    fn create(&mut self, address: Address, code: Vec<u8>);
}

/// Only the slots that are empty again in the next transaction.
pub struct Passing<'a>(pub &'a mut dyn Slots);

impl Slots for Passing<'_> {
    fn load(&mut self, slot: U256) -> U256 {
        self.0.passing(slot)
    }

    fn store(&mut self, slot: U256, value: U256) {
        self.0.set_passing(slot, value);
    }

    fn passing(&mut self, slot: U256) -> U256 {
        self.0.passing(slot)
    }

    fn set_passing(&mut self, slot: U256, value: U256) {
        self.0.set_passing(slot, value);
    }

    fn create(&mut self, address: Address, code: Vec<u8>) {
        self.0.create(address, code);
    }
}

/// Byte strings over slots: a string lies under the hash of its key, its length in the first slot.
pub struct Strings<'a> {
    slots: &'a mut dyn Slots,
}

impl<'a> Strings<'a> {
    /// Strings in these slots.
    pub fn new(slots: &'a mut dyn Slots) -> Self {
        Strings { slots }
    }

    /// The string under this key; empty where there is none.
    pub fn get(&mut self, key: &[u8]) -> Vec<u8> {
        let base = U256::from_be_bytes(keccak256(key).0);
        let length = usize::try_from(self.slots.load(base)).unwrap_or_default();
        let mut bytes = Vec::with_capacity(length);
        for word in 1..=length.div_ceil(32) {
            let value = self.slots.load(base.wrapping_add(U256::from(word)));
            bytes.extend_from_slice(&value.to_be_bytes::<32>());
        }
        bytes.truncate(length);
        bytes
    }

    /// Puts a string under this key.
    pub fn set(&mut self, key: &[u8], bytes: &[u8]) {
        let base = U256::from_be_bytes(keccak256(key).0);
        let before = usize::try_from(self.slots.load(base)).unwrap_or_default();
        self.slots.store(base, U256::from(bytes.len()));
        let mut words = 0_usize;
        for chunk in bytes.chunks(32) {
            words = words.saturating_add(1);
            let mut word = [0; 32];
            for (place, byte) in word.iter_mut().zip(chunk) {
                *place = *byte;
            }
            self.slots.store(base.wrapping_add(U256::from(words)), U256::from_be_bytes(word));
        }
        for word in words.saturating_add(1)..=before.div_ceil(32) {
            self.slots.store(base.wrapping_add(U256::from(word)), U256::ZERO);
        }
    }
}

/// A call of a system contract.
#[derive(Debug)]
pub struct SystemCall<'a> {
    /// Which contract.
    pub contract: Address,
    /// The address that was called: the contract's, or one that it stands behind.
    pub called: Address,
    /// Who calls it.
    pub caller: Address,
    /// Who signed the transaction.
    pub origin: Address,
    /// Selector and arguments.
    pub input: &'a [u8],
    /// Whether nothing may be written.
    pub read_only: bool,
}

/// How a system contract ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemResult {
    /// It returned, for this much gas.
    Returned {
        /// What it returns, ABI-encoded.
        output: Bytes,
        /// Gas beyond the transaction's own.
        gas: u64,
    },
    /// It failed.
    Failed {
        /// What is handed to the caller.
        output: Bytes,
    },
    /// There is no contract at the address after all.
    Absent,
}

/// The system contracts of a framework.
pub trait SystemContracts: Send + Sync {
    /// Whether there is one at this address, or may be while a transaction is executed.
    fn contains(&self, address: &Address) -> bool;

    /// The contract that does the work of an address with this code, where code only names it.
    fn behind(&self, _code: &[u8]) -> Option<Address> {
        None
    }

    /// The contract whose storage it uses: its own, or that of one that it shares tables with.
    fn home(&self, address: Address) -> Address {
        address
    }

    /// Calls it.
    fn call(&self, call: &SystemCall<'_>, slots: &mut dyn Slots) -> SystemResult;
}
