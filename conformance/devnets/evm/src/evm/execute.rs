//! One message through the EVM, by FISCO's rules: no balances or fees, nonces that only creations advance, a hash of the
//! chain's own, and system contracts.

use std::convert::Infallible;

use alloy_primitives::{Address, Bytes, Log, TxKind, U256};
use alloy_rlp::Encodable as _;
use revm::{
    Context, Journal, MainContext as _,
    bytecode::{Bytecode, opcode},
    context::{BlockEnv, CfgEnv, ContextTr, Evm, FrameStack, JournalTr, TxEnv},
    context_interface::{
        CreateScheme, Transaction as _,
        cfg::{GasId, GasParams},
        result::{EVMError, ExecutionResult, HaltReason},
    },
    handler::{
        EthFrame, EthPrecompiles, EvmTr, FrameResult, FrameTr, Handler, ItemOrResult, PrecompileProvider,
        evm::{ContextDbError, FrameInitResult},
        instructions::EthInstructions,
    },
    interpreter::{
        CallInputs, FrameInput, Gas, Host, Instruction, InstructionContext, InstructionExecResult,
        InstructionResult, InterpreterResult,
        instructions::{gas_table_spec, host::extcodesize},
        interpreter::EthInterpreter,
        interpreter_action::FrameInit,
    },
    primitives::{AddressSet, hardfork::SpecId},
    state::EvmState,
};

use super::{
    state::View,
    system::{Slots, SystemCall, SystemContracts, SystemResult},
};
use crate::suite::Suite;

/// What does not change from message to message.
pub struct Rules {
    /// Which instructions there are and what they cost.
    pub spec: SpecId,
    /// The hash of the KECCAK256 instruction and of contract addresses.
    pub suite: Suite,
    /// Gas of a byte of input that is not zero.
    pub input_byte_gas: u64,
    /// The most bytes of a contract's code.
    pub max_code: usize,
    /// The nonce that a contract starts with.
    pub first_nonce: u64,
    /// Whether a contract's address comes of the place of its creation instead of the creator's nonce.
    pub by_place: bool,
    /// Whether a call of an address without code fails.
    pub code_required: bool,
    /// The contracts of the node's program.
    pub system: Box<dyn SystemContracts>,
}

/// What is executed.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who sends it.
    pub from: Address,
    /// The contract, or none for a creation.
    pub to: Option<Address>,
    /// Input, or the code that creates.
    pub input: Bytes,
    /// Gas at most.
    pub gas_limit: u64,
    /// The block's number.
    pub number: u64,
    /// The block's time as contracts see it.
    pub timestamp: u64,
    /// The transaction's place in the block.
    pub place: u64,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returned.
    Returned,
    /// It was reverted.
    Reverted,
    /// A system contract failed.
    SystemFailed,
    /// There is no code at the address.
    NoCode,
    /// Not even the gas of its input was there.
    TooLittleGas,
    /// The EVM stopped it.
    Halted(HaltReason),
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Gas that was used; refunds are not subtracted.
    pub gas_used: u64,
    /// What it returned, or the reason of the revert.
    pub output: Bytes,
    /// The contract that it created.
    pub created: Option<Address>,
    /// Events, in order.
    pub logs: Vec<Log>,
    /// What it changed.
    pub changes: EvmState,
}

type Ctx<'a> = Context<BlockEnv, TxEnv, CfgEnv, View<'a>, Journal<View<'a>>, &'a dyn SystemContracts>;
type Frame = EthFrame<EthInterpreter>;
type Inner<'a> = Evm<Ctx<'a>, (), EthInstructions<EthInterpreter, Ctx<'a>>, Contracts<'a>, Frame>;

/// Executes a message on a state, which is not changed.
///
/// # Errors
/// When the EVM has no answer, which is a fault of this program.
pub fn execute<'a>(
    rules: &'a Rules,
    view: View<'a>,
    message: &Message,
) -> Result<Outcome, EVMError<Infallible>> {
    let mut gas = GasParams::new_spec(rules.spec);
    gas.override_gas([(GasId::tx_token_non_zero_byte_multiplier(), rules.input_byte_gas / 4)]);
    let mut cfg = CfgEnv::new_with_spec_and_gas_params(rules.spec, gas);
    cfg.limit_contract_code_size = Some(rules.max_code);
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    let block = BlockEnv {
        number: U256::from(message.number),
        timestamp: U256::from(message.timestamp),
        gas_limit: message.gas_limit,
        ..BlockEnv::default()
    };
    let tx = TxEnv {
        caller: message.from,
        gas_limit: message.gas_limit,
        kind: message.to.map_or(TxKind::Create, TxKind::Call),
        data: message.input.clone(),
        ..TxEnv::default()
    };
    let context = Context::mainnet().with_db(view).with_block(block).with_cfg(cfg).with_tx(tx);
    let context = context.with_chain(&*rules.system);
    let mut instruction: EthInstructions<EthInterpreter, Ctx<'a>> =
        EthInstructions::new_mainnet_with_spec(rules.spec);
    let cost = gas_table_spec(rules.spec).get(usize::from(opcode::EXTCODESIZE)).copied().unwrap_or_default();
    instruction.insert_instruction(opcode::EXTCODESIZE, Instruction::new(code_size), cost);
    if rules.suite == Suite::Sm {
        instruction.insert_instruction(opcode::KECCAK256, Instruction::new(sm3), 30);
    }
    let precompiles = Contracts::new(rules);
    let mut evm = FiscoEvm {
        inner: Evm {
            ctx: context,
            inspector: (),
            instruction,
            precompiles,
            frame_stack: FrameStack::new_prealloc(8),
        },
        rules,
        place: (message.number, message.place),
        creations: 0,
    };
    let mut handler = FiscoHandler::default();
    let result = match handler.run(&mut evm) {
        Ok(result) => result,
        Err(EVMError::Transaction(
            revm::context_interface::result::InvalidTransaction::CallGasCostMoreThanGasLimit { .. },
        )) => return Ok(too_little_gas(message)),
        Err(error) => return Err(error),
    };
    let failure = evm.inner.precompiles.failure.take();
    let changes = evm.inner.ctx.journal_mut().finalize();
    Ok(outcome(result, failure, changes))
}

fn too_little_gas(message: &Message) -> Outcome {
    Outcome {
        ending: Ending::TooLittleGas,
        gas_used: message.gas_limit,
        output: Bytes::new(),
        created: None,
        logs: Vec::new(),
        changes: EvmState::default(),
    }
}

fn outcome(result: ExecutionResult<HaltReason>, failure: Option<Ending>, changes: EvmState) -> Outcome {
    let created = result.created_address();
    let gas_used = result.gas().total_gas_spent();
    match result {
        ExecutionResult::Success { logs, output, .. } => {
            Outcome { ending: Ending::Returned, gas_used, output: output.into_data(), created, logs, changes }
        }
        ExecutionResult::Revert { output, .. } => Outcome {
            ending: failure.unwrap_or(Ending::Reverted),
            gas_used,
            output,
            created: None,
            logs: Vec::new(),
            changes,
        },
        ExecutionResult::Halt { reason, .. } => Outcome {
            ending: Ending::Halted(reason),
            gas_used,
            output: Bytes::new(),
            created: None,
            logs: Vec::new(),
            changes,
        },
    }
}

/// EXTCODESIZE, where system contracts have one byte (2.x: `EVMHostContext::codeSizeAt`): Solidity asks before it calls.
fn code_size<'a>(context: InstructionContext<'_, Ctx<'a>, EthInterpreter>) -> InstructionExecResult {
    let address = context.interpreter.stack.peek(0).map(|word| Address::from_word(word.into()));
    let system = address.is_ok_and(|address| context.host.chain.contains(&address));
    extcodesize(InstructionContext { host: &mut *context.host, interpreter: &mut *context.interpreter })?;
    if system { context.interpreter.stack.set(0, U256::ONE) } else { Ok(()) }
}

/// KECCAK256 with SM3, for chains whose hash that is.
fn sm3<H: Host + ?Sized>(context: InstructionContext<'_, H, EthInterpreter>) -> InstructionExecResult {
    let interpreter = context.interpreter;
    let Some([offset, length]) = interpreter.stack.popn::<2>() else {
        return Err(InstructionResult::StackUnderflow);
    };
    let (Ok(offset), Ok(length)) = (usize::try_from(offset), usize::try_from(length)) else {
        return Err(InstructionResult::InvalidOperandOOG);
    };
    if !interpreter.gas.record_regular_cost(context.host.gas_params().keccak256_cost(length)) {
        return Err(InstructionResult::OutOfGas);
    }
    let hash = if length == 0 {
        Suite::Sm.hash(&[])
    } else {
        interpreter.resize_memory(context.host.gas_params(), offset, length)?;
        Suite::Sm.hash(&interpreter.memory.slice_len(offset, length))
    };
    if interpreter.stack.push(hash.into()) { Ok(()) } else { Err(InstructionResult::StackOverflow) }
}

/// Ethereum's precompiled contracts and the node's own.
struct Contracts<'a> {
    ethereum: EthPrecompiles,
    rules: &'a Rules,
    warm: AddressSet,
    /// What a top-level call failed with, where a revert does not tell.
    failure: Option<Ending>,
}

impl<'a> Contracts<'a> {
    fn new(rules: &'a Rules) -> Self {
        let ethereum = EthPrecompiles::new(rules.spec);
        let warm = ethereum.warm_addresses().clone();
        Contracts { ethereum, rules, warm, failure: None }
    }

    fn fail(&mut self, depth: usize, ending: Ending) {
        if depth <= 1 {
            self.failure = Some(ending);
        }
    }
}

struct Journaled<'a, CTX: ContextTr> {
    context: &'a mut CTX,
    contract: Address,
}

impl<CTX: ContextTr> Slots for Journaled<'_, CTX> {
    fn load(&mut self, slot: U256) -> U256 {
        self.context.journal_mut().sload(self.contract, slot).map(|load| load.data).unwrap_or_default()
    }

    fn store(&mut self, slot: U256, value: U256) {
        let journal = self.context.journal_mut();
        journal.touch_account(self.contract);
        // A database that does not fail is behind it.
        let _ = journal.sstore(self.contract, slot, value);
    }

    fn passing(&mut self, slot: U256) -> U256 {
        self.context.journal_mut().tload(self.contract, slot)
    }

    fn set_passing(&mut self, slot: U256, value: U256) {
        self.context.journal_mut().tstore(self.contract, slot, value);
    }

    fn create(&mut self, address: Address, code: Vec<u8>) {
        let journal = self.context.journal_mut();
        if journal.load_account(address).is_ok() {
            journal.touch_account(address);
            journal.set_code(address, Bytecode::new_legacy(code.into()));
        }
    }
}

impl<'a> PrecompileProvider<Ctx<'a>> for Contracts<'_> {
    type Output = InterpreterResult;

    fn set_spec(&mut self, _: SpecId) -> bool {
        false
    }

    fn run(
        &mut self,
        context: &mut Ctx<'a>,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let address = inputs.bytecode_address;
        if self.ethereum.contains(&address) {
            return self.ethereum.run(context, inputs);
        }
        let depth = context.journal().depth();
        if self.rules.system.contains(&address) {
            return Ok(Some(self.call_system(context, inputs, address, depth)));
        }
        if let Some(contract) = self.rules.system.behind(inputs.known_bytecode.1.original_byte_slice()) {
            return Ok(Some(self.call_system(context, inputs, contract, depth)));
        }
        if self.rules.code_required && inputs.known_bytecode.1.is_empty() {
            return Ok(Some(self.no_code(inputs, depth)));
        }
        Ok(None)
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.warm
    }
}

impl Contracts<'_> {
    fn call_system(
        &mut self,
        context: &mut Ctx<'_>,
        inputs: &CallInputs,
        contract: Address,
        depth: usize,
    ) -> InterpreterResult {
        let input = inputs.input.as_bytes(context).to_vec();
        let call = SystemCall {
            contract,
            called: inputs.bytecode_address,
            caller: inputs.caller,
            origin: context.tx().caller(),
            input: &input,
            read_only: inputs.is_static,
        };
        // The account must be loaded before its slots can be.
        let home = self.rules.system.home(call.contract);
        let _ = context.journal_mut().load_account(home);
        let mut slots = Journaled { contract: home, context };
        match self.rules.system.call(&call, &mut slots) {
            SystemResult::Returned { output, gas: used } => {
                let mut gas = Gas::new(inputs.gas_limit);
                if !gas.record_regular_cost(used) {
                    gas.spend_all();
                    return InterpreterResult::new(InstructionResult::OutOfGas, Bytes::new(), gas);
                }
                InterpreterResult::new(InstructionResult::Return, output, gas)
            }
            SystemResult::Failed { output } => {
                self.fail(depth, Ending::SystemFailed);
                reverted(output, inputs.gas_limit)
            }
            SystemResult::Absent => self.no_code(inputs, depth),
        }
    }

    fn no_code(&mut self, inputs: &CallInputs, depth: usize) -> InterpreterResult {
        self.fail(depth, Ending::NoCode);
        let output = error_text(&format!("Error address:{}", hex::encode(inputs.bytecode_address)));
        reverted(output, inputs.gas_limit)
    }
}

fn reverted(output: Bytes, gas_limit: u64) -> InterpreterResult {
    InterpreterResult::new(InstructionResult::Revert, output, Gas::new(gas_limit))
}

/// A reason as Solidity's `Error(string)` has it.
#[must_use]
pub fn error_text(text: &str) -> Bytes {
    let mut bytes = vec![0x08, 0xc3, 0x79, 0xa0];
    bytes.extend_from_slice(&U256::from(32).to_be_bytes::<32>());
    bytes.extend_from_slice(&U256::from(text.len()).to_be_bytes::<32>());
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(68_usize.saturating_add(text.len().next_multiple_of(32)), 0);
    bytes.into()
}

/// revm's EVM, with addresses of new contracts by FISCO's rules.
struct FiscoEvm<'a> {
    inner: Inner<'a>,
    rules: &'a Rules,
    place: (u64, u64),
    creations: u64,
}

impl FiscoEvm<'_> {
    /// The address of a contract that is about to be created.
    fn created(&mut self, caller: Address, scheme: CreateScheme, code: &[u8]) -> Address {
        let suite = self.rules.suite;
        match scheme {
            CreateScheme::Custom { address } => address,
            CreateScheme::Create2 { salt } => {
                let mut bytes = vec![0xff];
                bytes.extend_from_slice(caller.as_slice());
                bytes.extend_from_slice(&salt.to_be_bytes::<32>());
                bytes.extend_from_slice(suite.hash(code).as_slice());
                Address::from_word(suite.hash(&bytes))
            }
            CreateScheme::Create if self.rules.by_place => {
                let (number, place) = self.place;
                let text = format!("{number}_{place}_{}", self.creations);
                self.creations = self.creations.saturating_add(1);
                Address::from_word(suite.hash(text.as_bytes()))
            }
            CreateScheme::Create => {
                let account = self.inner.ctx.journal_mut().load_account(caller);
                let (mut nonce, contract) = account
                    .map(|account| (account.data.info.nonce, !account.data.info.is_empty_code_hash()))
                    .unwrap_or_default();
                if contract {
                    // revm starts contracts with 1 (EIP-161).
                    nonce = nonce.saturating_sub(1).saturating_add(self.rules.first_nonce);
                }
                let mut bytes = Vec::new();
                let payload = caller.length().saturating_add(nonce.length());
                alloy_rlp::Header { list: true, payload_length: payload }.encode(&mut bytes);
                caller.encode(&mut bytes);
                nonce.encode(&mut bytes);
                Address::from_word(suite.hash(&bytes))
            }
        }
    }
}

impl<'a> EvmTr for FiscoEvm<'a> {
    type Context = Ctx<'a>;
    type Instructions = EthInstructions<EthInterpreter, Ctx<'a>>;
    type Precompiles = Contracts<'a>;
    type Frame = Frame;

    fn all(&self) -> (&Ctx<'a>, &Self::Instructions, &Contracts<'a>, &FrameStack<Frame>) {
        self.inner.all()
    }

    fn all_mut(
        &mut self,
    ) -> (&mut Ctx<'a>, &mut Self::Instructions, &mut Contracts<'a>, &mut FrameStack<Frame>) {
        self.inner.all_mut()
    }

    fn frame_init(
        &mut self,
        mut init: FrameInit,
    ) -> Result<FrameInitResult<'_, Frame>, ContextDbError<Ctx<'a>>> {
        if let FrameInput::Create(inputs) = &mut init.frame_input {
            let address = self.created(inputs.caller(), inputs.scheme(), &inputs.init_code().clone());
            inputs.set_scheme(CreateScheme::Custom { address });
        }
        self.inner.frame_init(init)
    }

    fn frame_run(&mut self) -> Result<ItemOrResult<FrameInit, FrameResult>, ContextDbError<Ctx<'a>>> {
        self.inner.frame_run()
    }

    fn frame_return_result(
        &mut self,
        result: <Frame as FrameTr>::FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Ctx<'a>>> {
        self.inner.frame_return_result(result)
    }
}

/// Nobody pays, and no nonce is looked at.
#[derive(Default)]
struct FiscoHandler<'a> {
    evm: std::marker::PhantomData<&'a ()>,
}

impl<'a> Handler for FiscoHandler<'a> {
    type Evm = FiscoEvm<'a>;
    type Error = EVMError<Infallible>;
    type HaltReason = HaltReason;

    fn validate_env(&self, _: &mut FiscoEvm<'a>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut FiscoEvm<'a>,
        _: &mut revm::interpreter::InitialAndFloorGas,
    ) -> Result<(), Self::Error> {
        let caller = evm.ctx().tx().caller();
        evm.ctx().journal_mut().load_account(caller)?;
        Ok(())
    }

    fn reimburse_caller(&self, _: &mut FiscoEvm<'a>, _: &mut FrameResult) -> Result<(), Self::Error> {
        Ok(())
    }

    fn reward_beneficiary(&self, _: &mut FiscoEvm<'a>, _: &mut FrameResult) -> Result<(), Self::Error> {
        Ok(())
    }
}
