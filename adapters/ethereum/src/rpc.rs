//! Typed questions to the node.

use adapter_sdk::{
    Imports,
    types::{
        BlockRef, Error, ErrorCode,
        transport::{JsonRpcFailure, JsonRpcRequest},
    },
};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    errors::{self, corrupt},
    settings::Settings,
};

/// The descriptor's name for the endpoint.
pub(crate) const NEED: &str = "node";
/// The one method that does more than read.
pub(crate) const SEND: &str = "eth_sendRawTransaction";
/// Every method that is asked outside `send`.
pub(crate) const READS: &[&str] = &[
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_gasPrice",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    "eth_syncing",
    "net_peerCount",
];

/// The lent node.
pub(crate) struct Node<'a> {
    host: &'a dyn Imports,
    endpoint: String,
}

/// One question.
pub(crate) struct Ask {
    method: &'static str,
    params: Value,
}

/// The answers, taken in the order of the questions.
pub(crate) struct Answers {
    answers: std::vec::IntoIter<(&'static str, Result<String, JsonRpcFailure>)>,
}

impl<'a> Node<'a> {
    /// The first endpoint that is lent.
    pub(crate) fn lent(host: &'a dyn Imports) -> Result<Self, Error> {
        let lent = host.lent_as(NEED).into_iter().next();
        let lent = lent.ok_or_else(|| {
            Error::new(ErrorCode::Unavailable, format!("no endpoint is lent under the name `{NEED}`"))
        })?;
        Ok(Node { host, endpoint: lent.endpoint })
    }

    /// Asks side by side.
    pub(crate) async fn ask(&self, asked: Vec<Ask>) -> Answers {
        let methods: Vec<_> = asked.iter().map(|ask| ask.method).collect();
        let requests = asked
            .into_iter()
            .map(|ask| JsonRpcRequest {
                endpoint: self.endpoint.clone(),
                method: ask.method.into(),
                params: ask.params.to_string(),
                sensitive: false,
            })
            .collect();
        let answers = self.host.json_rpc(requests).await;
        Answers { answers: methods.into_iter().zip(answers).collect::<Vec<_>>().into_iter() }
    }
}

impl Answers {
    /// The next answer as the node gave it.
    pub(crate) fn raw(&mut self) -> Result<(&'static str, Result<String, JsonRpcFailure>), Error> {
        self.answers.next().ok_or_else(|| Error::new(ErrorCode::Internal, "fewer answers than questions"))
    }

    /// The next answer, decoded.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let (method, answer) = self.raw()?;
        decode(method, answer)
    }

    /// The next answer; none where the node has nothing, or knows neither the method nor the block's tag.
    pub(crate) fn next_known<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let (method, answer) = self.raw()?;
        match decode::<Option<T>>(method, answer) {
            Err(error) if matches!(error.code, ErrorCode::Unsupported | ErrorCode::NotFound) => Ok(None),
            other => other,
        }
    }

    /// The next answer is the chain's id: it must be the one that is set.
    pub(crate) fn next_chain(&mut self, settings: &Settings) -> Result<(), Error> {
        let (method, answer) = self.raw()?;
        let text: String = decode(method, answer.clone())?;
        if text == "0x" {
            return Err(corrupt(method, "a number without digits"));
        }
        let chain: U64 = decode(method, answer)?;
        if chain == U64::from(settings.chain_id) {
            return Ok(());
        }
        Err(errors::invalid(format!(
            "the setting `chain_id` is {}, but the node is on chain {chain}",
            settings.chain_id
        )))
    }
}

/// Decodes one answer.
pub(crate) fn decode<T: DeserializeOwned>(
    method: &str,
    answer: Result<String, JsonRpcFailure>,
) -> Result<T, Error> {
    let json = answer.map_err(|failure| errors::from_node(method, &failure))?;
    // What the decoder says holds bytes of the node's.
    serde_json::from_str(&json).map_err(|error| {
        corrupt(method, format!("it does not decode at line {}, column {}", error.line(), error.column()))
    })
}

/// A block as questions name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockId {
    /// The newest.
    Latest,
    /// The newest with what waits in the pool on top.
    Pending,
    /// The newest safe one.
    Safe,
    /// The newest final one.
    Finalized,
    /// At this height.
    Number(u64),
    /// With this hash, and still in the chain (EIP-1898).
    Hash(B256),
}

impl BlockId {
    fn json(self) -> Value {
        match self {
            BlockId::Latest => json!("latest"),
            BlockId::Pending => json!("pending"),
            BlockId::Safe => json!("safe"),
            BlockId::Finalized => json!("finalized"),
            BlockId::Number(number) => json!(U64::from(number)),
            BlockId::Hash(hash) => json!({"blockHash": hash, "requireCanonical": true}),
        }
    }
}

/// What a message call or a creation would do, for `eth_call` and `eth_estimateGas`.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Who; the zero address where nobody is named.
    pub(crate) from: Option<Address>,
    /// The contract; none creates one.
    pub(crate) to: Option<Address>,
    /// Currency sent along.
    pub(crate) value: U256,
    /// Selector and arguments, or creation code.
    pub(crate) data: Bytes,
}

impl Message {
    fn json(&self) -> Value {
        // `input` is the execution API's name; `data` is the older one that old nodes look for.
        let mut call = json!({"input": self.data, "data": self.data});
        if let Some(call) = call.as_object_mut() {
            if let Some(from) = self.from {
                call.insert("from".into(), json!(from));
            }
            if let Some(to) = self.to {
                call.insert("to".into(), json!(to));
            }
            if !self.value.is_zero() {
                call.insert("value".into(), json!(self.value));
            }
        }
        call
    }
}

/// Which logs.
#[derive(Clone, Debug)]
pub(crate) struct LogFilter {
    /// Of this contract.
    pub(crate) address: Option<Address>,
    /// With these first topics.
    pub(crate) topics: Vec<B256>,
}

impl LogFilter {
    fn json(&self, place: Value) -> Value {
        let mut filter = place;
        if let Some(filter) = filter.as_object_mut() {
            if let Some(address) = self.address {
                filter.insert("address".into(), json!(address));
            }
            if !self.topics.is_empty() {
                filter.insert("topics".into(), json!(self.topics));
            }
        }
        filter
    }
}

fn ask(method: &'static str, params: Value) -> Ask {
    Ask { method, params }
}

/// The chain's id.
pub(crate) fn chain_id() -> Ask {
    ask("eth_chainId", json!([]))
}

/// How many transactions of an account are in the chain, or wait in the pool.
pub(crate) fn transaction_count(account: Address, at: BlockId) -> Ask {
    ask("eth_getTransactionCount", json!([account, at.json()]))
}

/// A block without its transactions' content.
pub(crate) fn block(id: BlockId) -> Ask {
    match id {
        BlockId::Hash(hash) => ask("eth_getBlockByHash", json!([hash, false])),
        id => ask("eth_getBlockByNumber", json!([id.json(), false])),
    }
}

/// A tip that gets a transaction in.
pub(crate) fn priority_fee() -> Ask {
    ask("eth_maxPriorityFeePerGas", json!([]))
}

/// A gas price that gets a legacy transaction in.
pub(crate) fn gas_price() -> Ask {
    ask("eth_gasPrice", json!([]))
}

/// The gas that a message needs in the block that comes: a contract that looks at its block's number may need more there
/// than in the newest one.
pub(crate) fn estimate_gas(message: &Message) -> Ask {
    ask("eth_estimateGas", json!([message.json(), BlockId::Pending.json()]))
}

/// Runs a message without keeping its effects.
pub(crate) fn call(message: &Message, at: BlockId) -> Ask {
    ask("eth_call", json!([message.json(), at.json()]))
}

/// An account's code.
pub(crate) fn code(account: Address, at: BlockId) -> Ask {
    ask("eth_getCode", json!([account, at.json()]))
}

/// A transaction, in a block or in the pool.
pub(crate) fn transaction(hash: B256) -> Ask {
    ask("eth_getTransactionByHash", json!([hash]))
}

/// What became of a transaction.
pub(crate) fn receipt(hash: B256) -> Ask {
    ask("eth_getTransactionReceipt", json!([hash]))
}

/// The logs of a range of blocks, both ends included.
pub(crate) fn logs_between(filter: &LogFilter, from: u64, to: u64) -> Ask {
    let place = json!({"fromBlock": U64::from(from), "toBlock": U64::from(to)});
    ask("eth_getLogs", json!([filter.json(place)]))
}

/// The logs of one block, in the chain or not.
pub(crate) fn logs_of(filter: &LogFilter, block: B256) -> Ask {
    ask("eth_getLogs", json!([filter.json(json!({"blockHash": block}))]))
}

/// False, or how far the node has come.
pub(crate) fn syncing() -> Ask {
    ask("eth_syncing", json!([]))
}

/// How many nodes the node is connected to.
pub(crate) fn peer_count() -> Ask {
    ask("net_peerCount", json!([]))
}

/// Hands a signed transaction over.
pub(crate) fn send_raw(raw: &[u8]) -> Ask {
    ask(SEND, json!([alloy_primitives::hex::encode_prefixed(raw)]))
}

/// The few fields of a block that fees and finality need.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    number: U64,
    /// The block's hash.
    pub(crate) hash: B256,
    gas_limit: U64,
    /// The base fee, from London on.
    pub(crate) base_fee_per_gas: Option<U256>,
}

impl Head {
    /// The height.
    pub(crate) fn number(&self) -> u64 {
        self.number.to()
    }

    /// The most gas that a block takes.
    pub(crate) fn gas_limit(&self) -> u64 {
        self.gas_limit.to()
    }

    /// Number and hash.
    pub(crate) fn reference(&self) -> BlockRef {
        BlockRef { number: self.number(), hash: self.hash.to_vec() }
    }
}

/// A transaction, as far as receipts need it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionInfo {
    /// Its id.
    pub(crate) hash: B256,
    /// Its sender.
    pub(crate) from: Address,
    /// The called contract; none: a creation.
    pub(crate) to: Option<Address>,
    /// Currency sent along.
    pub(crate) value: U256,
    /// Selector and arguments, or creation code.
    pub(crate) input: Bytes,
    /// The most gas it may use.
    pub(crate) gas: U64,
    /// The block that carries it.
    pub(crate) block_hash: Option<B256>,
}

/// One log.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    /// The contract.
    pub(crate) address: Address,
    /// At most four.
    pub(crate) topics: Vec<B256>,
    /// What is not indexed.
    pub(crate) data: Bytes,
    block_number: Option<U64>,
    block_hash: Option<B256>,
    transaction_hash: Option<B256>,
    log_index: Option<U64>,
}

/// Where a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogPlace {
    /// Height of its block.
    pub(crate) number: u64,
    /// Hash of its block.
    pub(crate) block: B256,
    /// Its transaction.
    pub(crate) transaction: B256,
    /// Its place among the logs of the block.
    pub(crate) index: u32,
}

impl Log {
    /// A log of which only the contract and the first topic are known.
    pub(crate) fn remembered(address: Address, topic: B256) -> Self {
        let topics = if topic.is_zero() { Vec::new() } else { vec![topic] };
        Log {
            address,
            topics,
            data: Bytes::new(),
            block_number: None,
            block_hash: None,
            transaction_hash: None,
            log_index: None,
        }
    }

    /// Where it is; a log of the pool is in no block, and no answer to what is asked here.
    pub(crate) fn place(&self, method: &str) -> Result<LogPlace, Error> {
        let place = || {
            Some(LogPlace {
                number: self.block_number?.to(),
                block: self.block_hash?,
                transaction: self.transaction_hash?,
                index: u32::try_from(self.log_index?.to::<u64>()).ok()?,
            })
        };
        if self.topics.len() > 4 {
            return Err(corrupt(method, "a log with more than four topics"));
        }
        place().ok_or_else(|| corrupt(method, "a log without its place in a block"))
    }
}
