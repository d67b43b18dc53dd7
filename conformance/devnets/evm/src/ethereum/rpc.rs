//! The methods of the execution API, and those of Anvil that tests need.

use alloy_primitives::{Address, B256, U256, hex};
use serde_json::{Value, json};

use super::{
    Block, Chain, Refusal,
    call::Call,
    transaction::{self, DecodeError},
};
use crate::{
    encoding::{data, parse_address, parse_data, parse_hash, parse_number, quantity},
    rpc::{Answer, RpcError},
};

/// The tip that is suggested.
const TIP: u64 = 1_000_000_000;
/// The most blocks that one order makes.
const MAX_BLOCKS: u64 = 10_000;

/// The answer to a method.
pub(super) fn answer(chain: &mut Chain, method: &str, params: &Value) -> Answer {
    let asked = Asked { params };
    match method {
        "eth_chainId" => Ok(quantity(chain.chain_id).into()),
        "net_version" => Ok(chain.chain_id.to_string().into()),
        "web3_clientVersion" => Ok(concat!("ethereum-like/", env!("CARGO_PKG_VERSION")).into()),
        "eth_syncing" | "net_listening" => Ok((method == "net_listening").into()),
        "net_peerCount" => Ok("0x0".into()),
        "eth_accounts" => Ok(json!([])),
        "eth_blockNumber" => Ok(quantity(chain.height()).into()),
        "eth_gasPrice" => Ok(quantity(chain.next_base_fee().saturating_add(TIP)).into()),
        "eth_maxPriorityFeePerGas" => Ok(quantity(TIP).into()),
        "eth_feeHistory" => asked.fee_history(chain),
        "eth_getBlockByNumber" => {
            let number = asked.number(chain, 0)?;
            if chain.pruned(number) {
                return Err(RpcError::new(4444, "pruned history unavailable"));
            }
            Ok(chain.block(number).map(|block| block.json(asked.truth(1))).unwrap_or_default())
        }
        "eth_getBlockByHash" => {
            let block = chain.block_by_hash(&asked.hash(0)?);
            Ok(block.map(|block| block.json(asked.truth(1))).unwrap_or_default())
        }
        "eth_getBlockReceipts" => {
            let block = asked.block(chain, 0)?;
            let receipts =
                |block: &Block| (0..block.receipts.len()).map(|index| block.receipt(index)).collect();
            Ok(block.map(receipts).unwrap_or_default())
        }
        "eth_getTransactionByHash" => Ok(asked.transaction(chain)?),
        "eth_getTransactionReceipt" => {
            let place = chain.place(&asked.hash(0)?);
            Ok(place.and_then(|(block, index)| block.receipt(index)).unwrap_or_default())
        }
        "eth_getTransactionCount" if asked.text(1) == "pending" => {
            Ok(quantity(chain.pending_nonce(asked.address(0)?)).into())
        }
        "eth_getTransactionCount" | "eth_getBalance" | "eth_getCode" => {
            let view = chain.view(asked.state(chain, 1)?);
            let info = view.account(asked.address(0)?);
            Ok(match method {
                "eth_getTransactionCount" => quantity(info.map(|info| info.nonce).unwrap_or_default()),
                "eth_getBalance" => quantity(info.map(|info| info.balance).unwrap_or_default()),
                _ => {
                    let code = info.and_then(|info| info.code.as_ref());
                    data(code.map(|code| code.original_bytes()).unwrap_or_default())
                }
            }
            .into())
        }
        "eth_getStorageAt" => {
            let view = chain.view(asked.state(chain, 2)?);
            let slot = parse_number(asked.text(1)).ok_or_else(|| invalid(1, "no slot"))?;
            Ok(data(view.slot(asked.address(0)?, slot).to_be_bytes::<32>()).into())
        }
        "eth_call" => {
            let call = Call::parse(asked.value(0), asked.text(1) == "pending")?;
            Ok(data(call.output(chain, asked.state(chain, 1)?)?).into())
        }
        "eth_estimateGas" => {
            let call = Call::parse(asked.value(0), asked.text(1) == "pending")?;
            Ok(quantity(call.estimate(chain, asked.state(chain, 1)?)?).into())
        }
        "eth_getLogs" => asked.logs(chain),
        "eth_sendRawTransaction" => asked.send(chain),
        _ => asked.tell(chain, method),
    }
}

fn invalid(place: usize, what: &str) -> RpcError {
    RpcError::new(-32602, format!("invalid argument {place}: {what}"))
}

struct Asked<'a> {
    params: &'a Value,
}

impl<'a> Asked<'a> {
    fn value(&self, index: usize) -> &'a Value {
        static NOTHING: Value = Value::Null;
        self.params.get(index).unwrap_or(&NOTHING)
    }

    fn text(&self, index: usize) -> &'a str {
        self.value(index).as_str().unwrap_or_default()
    }

    fn truth(&self, index: usize) -> bool {
        self.value(index).as_bool().unwrap_or_default()
    }

    fn hash(&self, index: usize) -> Result<B256, RpcError> {
        parse_hash(self.text(index)).ok_or_else(|| invalid(index, "no hash of 32 bytes"))
    }

    fn address(&self, index: usize) -> Result<Address, RpcError> {
        parse_address(self.text(index)).ok_or_else(|| invalid(index, "no address of 20 bytes"))
    }

    /// A count: a number, or hexadecimal text.
    fn count(&self, index: usize) -> Option<u64> {
        match self.value(index) {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => parse_number(text).and_then(|number| number.try_into().ok()),
            _ => None,
        }
    }

    /// The height that a tag or a number names.
    fn number(&self, chain: &Chain, index: usize) -> Result<u64, RpcError> {
        match self.text(index) {
            "" | "latest" | "pending" => Ok(chain.height()),
            "safe" => Ok(chain.safe()),
            "finalized" => Ok(chain.finalized()),
            "earliest" => Ok(0),
            text => {
                let number = parse_number(text).filter(|_| text.starts_with("0x"));
                number.and_then(|number| number.try_into().ok()).ok_or_else(|| invalid(index, "no block"))
            }
        }
    }

    /// A block by number, tag or hash (EIP-1898).
    fn block<'c>(&self, chain: &'c Chain, index: usize) -> Result<Option<&'c Block>, RpcError> {
        let value = self.value(index);
        let hash = value
            .get("blockHash")
            .and_then(Value::as_str)
            .or_else(|| value.as_str().filter(|text| text.len() == 66));
        if let Some(hash) = hash {
            let hash = parse_hash(hash).ok_or_else(|| invalid(index, "no hash of 32 bytes"))?;
            return Ok(chain.block_by_hash(&hash));
        }
        if let Some(number) = value.get("blockNumber").and_then(Value::as_str) {
            let number = parse_number(number).and_then(|number| number.try_into().ok());
            return Ok(chain.block(number.ok_or_else(|| invalid(index, "no block"))?));
        }
        Ok(chain.block(self.number(chain, index)?))
    }

    /// The height of the block whose state is asked for.
    fn state(&self, chain: &Chain, index: usize) -> Result<u64, RpcError> {
        let block = self.block(chain, index)?;
        let number = block.ok_or_else(|| RpcError::new(-32001, "header not found"))?.number;
        if chain.pruned(number) {
            let message = format!("missing trie node: the state of block {number} is not available");
            return Err(RpcError::new(-32000, message));
        }
        Ok(number)
    }

    fn transaction(&self, chain: &Chain) -> Answer {
        let hash = self.hash(0)?;
        if let Some((block, index)) = chain.place(&hash) {
            let one = block.transactions.get(index);
            return Ok(one.map(|one| one.json(Some(block.place(index)))).unwrap_or_default());
        }
        let waiting = chain.pool().iter().find(|one| one.hash == hash);
        Ok(waiting.map(|one| one.json(None)).unwrap_or_default())
    }

    fn logs(&self, chain: &Chain) -> Answer {
        let filter = self.value(0);
        let text = |name: &str| filter.get(name).and_then(Value::as_str);
        let (from, to) = match text("blockHash") {
            Some(hash) => {
                let hash = parse_hash(hash).ok_or_else(|| invalid(0, "no hash of 32 bytes"))?;
                let block =
                    chain.block_by_hash(&hash).ok_or_else(|| RpcError::new(-32000, "unknown block"))?;
                (block.number, block.number)
            }
            None => {
                let bounds =
                    json!([text("fromBlock").unwrap_or("latest"), text("toBlock").unwrap_or("latest")]);
                let bounds = Asked { params: &bounds };
                (bounds.number(chain, 0)?, bounds.number(chain, 1)?)
            }
        };
        if from > to {
            return Err(RpcError::new(-32602, "invalid block range"));
        }
        if chain.pruned(from) {
            return Err(RpcError::new(4444, "pruned history unavailable"));
        }
        let addresses = texts(filter.get("address"));
        let topics: Vec<Vec<String>> = filter
            .get("topics")
            .and_then(Value::as_array)
            .map(|topics| topics.iter().map(|topic| texts(Some(topic))).collect())
            .unwrap_or_default();
        let wanted = |log: &alloy_primitives::Log| {
            let among = |texts: &[String], bytes: &[u8]| {
                texts.is_empty() || texts.iter().any(|text| *text == hex::encode(bytes))
            };
            among(&addresses, log.address.as_slice())
                && topics.len() <= log.topics().len()
                && topics.iter().zip(log.topics()).all(|(wanted, topic)| among(wanted, topic.as_slice()))
        };
        let mut found = Vec::new();
        for number in from..=to.min(chain.height()) {
            let Some(block) = chain.block(number) else { break };
            for (index, receipt) in block.receipts.iter().enumerate() {
                let logs = block.logs(index).into_iter().zip(&receipt.logs);
                found.extend(logs.filter(|(_, log)| wanted(log)).map(|(json, _)| json));
            }
        }
        Ok(found.into())
    }

    fn fee_history(&self, chain: &Chain) -> Answer {
        let newest = self.number(chain, 1)?.min(chain.height());
        let count = self.count(0).unwrap_or(1).clamp(1, 1024).min(newest.saturating_add(1));
        let oldest = newest.saturating_add(1).saturating_sub(count);
        let blocks: Vec<&Block> = (oldest..=newest).filter_map(|number| chain.block(number)).collect();
        let mut fees: Vec<String> = blocks.iter().map(|block| quantity(block.base_fee)).collect();
        fees.push(quantity(chain.next_base_fee()));
        let percentiles = self.value(2).as_array().map(Vec::len).unwrap_or_default();
        let used = |block: &&Block| {
            let parts = block.gas_used.saturating_mul(1_000_000).checked_div(block.gas_limit);
            f64::from(u32::try_from(parts.unwrap_or_default()).unwrap_or(u32::MAX)) / 1e6
        };
        Ok(json!({
            "oldestBlock": quantity(oldest),
            "baseFeePerGas": fees,
            "gasUsedRatio": blocks.iter().map(used).collect::<Vec<_>>(),
            "reward": vec![vec![quantity(TIP); percentiles]; blocks.len()],
        }))
    }

    fn send(&self, chain: &mut Chain) -> Answer {
        let raw = parse_data(self.text(0)).ok_or_else(|| invalid(0, "not hexadecimal"))?;
        let transaction = transaction::decode(&raw).map_err(|error| {
            let code = if error == DecodeError::Kind { -32000 } else { -32602 };
            RpcError::new(code, error.to_string())
        })?;
        chain.submit(transaction).map(|hash| data(hash).into()).map_err(|refusal| {
            let code = match refusal {
                Refusal::OtherChain
                | Refusal::NonceTooLow
                | Refusal::InsufficientFunds
                | Refusal::FeeTooLow
                | Refusal::TipAboveFee
                | Refusal::GasTooLow
                | Refusal::GasTooHigh
                | Refusal::Underpriced
                | Refusal::Known => -32003,
                Refusal::TooLarge | Refusal::Full => -32000,
            };
            RpcError::new(code, refusal.to_string())
        })
    }

    /// What only tests do: Anvil's methods, and the test bed's controls.
    fn tell(&self, chain: &mut Chain, method: &str) -> Answer {
        let blocks = || {
            Ok(self.count(0).unwrap_or(1)).and_then(|count| {
                if count <= MAX_BLOCKS { Ok(count) } else { Err(invalid(0, "too many blocks")) }
            })
        };
        match method {
            "anvil_mine" | "hardhat_mine" | "evm_mine" | "advance" => {
                let count = if method == "evm_mine" { 1 } else { blocks()? };
                chain.mine(count);
                Ok(if method == "evm_mine" { json!("0x0") } else { Value::Null })
            }
            "evm_setAutomine" => {
                chain.hold(!self.truth(0));
                Ok(Value::Null)
            }
            "hold" => {
                chain.hold(true);
                Ok(Value::Null)
            }
            "release" => {
                chain.hold(false);
                chain.mine(1);
                Ok(Value::Null)
            }
            "anvil_reorg" | "reorganise" => {
                chain.reorganise(blocks()?);
                Ok(Value::Null)
            }
            "anvil_setBalance" | "hardhat_setBalance" | "fund" => {
                let balance = match self.value(1) {
                    Value::Null => U256::from(10).pow(U256::from(20)),
                    value => value.as_str().and_then(parse_number).ok_or_else(|| invalid(1, "no number"))?,
                };
                chain.set_balance(self.address(0)?, balance);
                Ok(Value::Null)
            }
            "prune" => {
                chain.prune(self.count(0).ok_or_else(|| invalid(0, "no height"))?);
                Ok(Value::Null)
            }
            _ => Err(RpcError::new(-32601, "Method not found")),
        }
    }
}

/// Hexadecimal texts, one or a list, without `0x` and in small letters; none for anything.
fn texts(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| value.as_str().map(|text| text.trim_start_matches("0x").to_lowercase());
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}
