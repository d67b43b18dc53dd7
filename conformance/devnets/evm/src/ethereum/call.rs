//! Calls that change nothing, and what they would cost.

use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::{
    Context, ExecuteEvm as _, MainBuilder as _, MainContext as _,
    context::{CfgEnv, TxEnv},
    context_interface::result::{EVMError, ExecutionResult, InvalidTransaction},
};
use serde_json::Value;

use super::chain::{Chain, GAS_LIMIT, SPEC, block_env};
use crate::{
    encoding::{data, parse_address, parse_data, parse_number},
    evm::state::View,
    rpc::RpcError,
};

/// A call as the client describes it.
pub(super) struct Call {
    from: Address,
    to: Option<Address>,
    value: U256,
    input: Bytes,
    gas: u64,
    pending: bool,
}

impl Call {
    /// Reads the description. What is `pending` runs in the next block instead of the newest: contracts may look at the
    /// number.
    pub fn parse(value: &Value, pending: bool) -> Result<Self, RpcError> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let wrong = |name: &str| RpcError::new(-32602, format!("invalid argument 0: {name} does not decode"));
        let address = |name: &str| match text(name) {
            None => Ok(None),
            Some(text) => parse_address(text).map(Some).ok_or_else(|| wrong(name)),
        };
        let number = |name: &str| match text(name) {
            None => Ok(None),
            Some(text) => parse_number(text).map(Some).ok_or_else(|| wrong(name)),
        };
        let input = text("input").or_else(|| text("data")).unwrap_or("0x");
        let gas = number("gas")?.and_then(|gas| u64::try_from(gas).ok()).unwrap_or(GAS_LIMIT);
        Ok(Call {
            from: address("from")?.unwrap_or_default(),
            to: address("to")?,
            value: number("value")?.unwrap_or_default(),
            input: parse_data(input).ok_or_else(|| wrong("input"))?,
            gas: gas.min(GAS_LIMIT),
            pending,
        })
    }

    fn run(&self, chain: &Chain, view: View<'_>, number: u64, gas: u64) -> Result<ExecutionResult, RpcError> {
        let later = u64::from(self.pending);
        let timestamp = chain.block(number).map(|block| block.timestamp).unwrap_or_default();
        let mut cfg = CfgEnv::new_with_spec(SPEC).with_chain_id(chain.chain_id);
        cfg.disable_nonce_check = true;
        let tx = TxEnv {
            caller: self.from,
            gas_limit: gas,
            kind: self.to.map_or(TxKind::Create, TxKind::Call),
            value: self.value,
            data: self.input.clone(),
            chain_id: Some(chain.chain_id),
            ..TxEnv::default()
        };
        // A caller need not pay for gas, so that the base fee is none for it.
        let block = block_env(number.saturating_add(later), timestamp.saturating_add(later), 0);
        let mut evm = Context::mainnet().with_db(view).with_cfg(cfg).with_block(block).build_mainnet();
        evm.transact(tx).map(|result| result.result).map_err(|error| match error {
            EVMError::Transaction(InvalidTransaction::LackOfFundForMaxFee { .. }) => {
                RpcError::new(-32003, "Insufficient funds for gas * price + value")
            }
            EVMError::Transaction(InvalidTransaction::CallGasCostMoreThanGasLimit { .. }) => {
                RpcError::new(-32000, "intrinsic gas too low")
            }
            other => RpcError::new(-32000, other.to_string()),
        })
    }

    /// What it returns after the block at this height.
    pub fn output(&self, chain: &Chain, number: u64) -> Result<Bytes, RpcError> {
        match self.run(chain, chain.view(number), number, self.gas)? {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            other => Err(failed(other)),
        }
    }

    /// The least gas that it succeeds with.
    pub fn estimate(&self, chain: &Chain, number: u64) -> Result<u64, RpcError> {
        let used = match self.run(chain, chain.view(number), number, self.gas)? {
            ExecutionResult::Success { gas, .. } => gas.total_gas_spent().max(gas.tx_gas_used()),
            other => return Err(failed(other)),
        };
        let good = |gas: u64| {
            matches!(self.run(chain, chain.view(number), number, gas), Ok(ExecutionResult::Success { .. }))
        };
        if good(used) {
            return Ok(used);
        }
        // A call hands on all but a 64th (EIP-150), so that more may be needed than is used.
        let (mut low, mut high) = (used, self.gas);
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            if good(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }
}

fn failed(result: ExecutionResult) -> RpcError {
    match result {
        ExecutionResult::Revert { output, .. } => {
            let reason = reason(&output).map(|reason| format!(": {reason}")).unwrap_or_default();
            RpcError::new(3, format!("execution reverted{reason}")).with_data(data(output).into())
        }
        ExecutionResult::Halt { reason, .. } => RpcError::new(-32003, format!("EVM error {reason:?}")),
        ExecutionResult::Success { .. } => RpcError::new(-32603, "no failure"),
    }
}

/// The text of `Error(string)`.
fn reason(output: &[u8]) -> Option<String> {
    let rest = output.strip_prefix(&[0x08, 0xc3, 0x79, 0xa0])?;
    let length = usize::try_from(U256::try_from_be_slice(rest.get(32..64)?)?).ok()?;
    let end = 64_usize.checked_add(length)?;
    String::from_utf8(rest.get(64..end)?.to_vec()).ok()
}
