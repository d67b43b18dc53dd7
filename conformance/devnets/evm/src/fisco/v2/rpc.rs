//! The methods of 2.x (`librpc/Rpc.cpp`), with their errors word for word.

use std::sync::MutexGuard;

use alloy_primitives::{B256, hex};
use serde_json::{Value, json};

use super::{merkle, present, receipt_leaves, transaction, transaction_leaves};
use crate::{
    encoding::{data, parse_address, parse_data, parse_hash, parse_number, quantity},
    fisco::{Block, FiscoNode, Generation, Group, Refusal},
    rpc::{Answer, RpcError},
};

/// The methods with the kinds of their parameters: i integer, s string, b boolean, o object.
const METHODS: &[(&str, &str)] = &[
    ("call", "io"),
    ("getBatchReceiptsByBlockHashAndRange", "isssb"),
    ("getBatchReceiptsByBlockNumberAndRange", "isssb"),
    ("getBlockByHash", "isb"),
    ("getBlockByNumber", "isb"),
    ("getBlockHashByNumber", "is"),
    ("getBlockHeaderByHash", "isb"),
    ("getBlockHeaderByNumber", "isb"),
    ("getBlockNumber", "i"),
    ("getClientVersion", ""),
    ("getCode", "is"),
    ("getConsensusStatus", "i"),
    ("getGroupList", ""),
    ("getGroupPeers", "i"),
    ("getNodeIDList", "i"),
    ("getNodeInfo", ""),
    ("getObserverList", "i"),
    ("getPbftView", "i"),
    ("getPeers", "i"),
    ("getPendingTransactions", "i"),
    ("getPendingTxSize", "i"),
    ("getSealerList", "i"),
    ("getSyncStatus", "i"),
    ("getSystemConfigByKey", "is"),
    ("getTotalTransactionCount", "i"),
    ("getTransactionByBlockHashAndIndex", "iss"),
    ("getTransactionByBlockNumberAndIndex", "iss"),
    ("getTransactionByHash", "is"),
    ("getTransactionByHashWithProof", "is"),
    ("getTransactionReceipt", "is"),
    ("getTransactionReceiptByHashWithProof", "is"),
    ("queryGroupStatus", "i"),
    ("sendRawTransaction", "is"),
    ("sendRawTransactionAndGetProof", "is"),
];

/// The answer to a method.
pub fn answer(node: &FiscoNode, method: &str, params: &Value) -> Answer {
    let Some((_, kinds)) = METHODS.iter().find(|(name, _)| *name == method) else {
        return Err(RpcError::new(
            -32601,
            "METHOD_NOT_FOUND: The method being requested is not available on this server",
        ));
    };
    let params = params.as_array().map(Vec::as_slice).unwrap_or_default();
    if params.len() != kinds.len() || !params.iter().zip(kinds.chars()).all(|(value, kind)| fits(value, kind))
    {
        return Err(RpcError::new(
            -32602,
            "INVALID_PARAMS: Invalid method parameters (invalid name and/or type) recognised",
        ));
    }
    let asked = Asked { node, params };
    match method {
        "getClientVersion" => Ok(json!({
            "Build Time": "20200101 00:00:00",
            "Build Type": "Linux/test node/Debug",
            "Chain Id": node.config().chain_id,
            "FISCO-BCOS Version": match node.config().suite {
                crate::suite::Suite::Standard => "2.9.1",
                crate::suite::Suite::Sm => "2.9.1 gm",
            },
            "Git Branch": "test node",
            "Git Commit Hash": "0000000000000000000000000000000000000000",
            "Supported Version": "2.9.1",
        })),
        "getGroupList" => Ok(node.group_ids().filter_map(|id| id.parse::<u64>().ok()).collect()),
        "getNodeInfo" => Ok(asked.node_info()),
        "queryGroupStatus" => Ok(json!({
            "code": "0x0",
            "message": "",
            "status": if asked.group().is_ok() { "RUNNING" } else { "INEXISTENT" },
        })),
        "getPeers" => Ok(json!([])),
        "getNodeIDList" => Ok(asked.any_group().map(|group| ids(&group)).unwrap_or_else(|| json!([]))),
        "sendRawTransaction" | "sendRawTransactionAndGetProof" => asked.send(),
        _ => asked.of_group(method),
    }
}

fn fits(value: &Value, kind: char) -> bool {
    match kind {
        'i' => value.is_i64() || value.is_u64(),
        's' => value.is_string(),
        'b' => value.is_boolean(),
        _ => value.is_object(),
    }
}

fn refused(code: i64, message: &str) -> RpcError {
    RpcError::new(code, message).with_data(Value::Null)
}

fn no_block() -> RpcError {
    refused(-40004, "BlockNumber does not exist")
}

fn no_hash() -> RpcError {
    refused(-40003, "BlockHash does not exist")
}

/// What the node's C++ says of an exception.
fn internal(text: impl std::fmt::Display) -> RpcError {
    refused(-32603, &format!("INTERNAL_ERROR: : INTERNAL_ERROR: : {text}"))
}

struct Asked<'a> {
    node: &'a FiscoNode,
    params: &'a [Value],
}

impl Asked<'_> {
    fn text(&self, index: usize) -> &str {
        self.params.get(index).and_then(Value::as_str).unwrap_or_default()
    }

    fn truth(&self, index: usize) -> bool {
        self.params.get(index).and_then(Value::as_bool).unwrap_or_default()
    }

    fn group(&self) -> Result<MutexGuard<'_, Group>, RpcError> {
        let id = self.params.first().map(Value::to_string).unwrap_or_default();
        self.node.group(&id).ok_or_else(|| refused(-40001, "GroupID does not exist"))
    }

    fn any_group(&self) -> Option<MutexGuard<'_, Group>> {
        self.node.group(self.node.group_ids().next()?)
    }

    fn node_info(&self) -> Value {
        let id = self.any_group().and_then(|group| group.sealer_ids().into_iter().next()).unwrap_or_default();
        json!({
            "NodeID": hex::encode(id),
            "IPAndPort": "127.0.0.1:30300",
            "Agency": "test",
            "Node": "node0",
            "Topic": [],
        })
    }

    fn hash(&self, index: usize) -> Result<B256, RpcError> {
        // The node pads and cuts; a client that sends other lengths has a fault that should be seen.
        parse_hash(self.text(index)).ok_or_else(|| internal("a hash has 32 bytes"))
    }

    fn numbered<'g>(&self, group: &'g Group, index: usize) -> Result<&'g Block, RpcError> {
        let number = match self.text(index) {
            "latest" => group.height(),
            "earliest" => 0,
            text => parse_number(text).and_then(|number| number.try_into().ok()).ok_or_else(no_block)?,
        };
        group.block(number).ok_or_else(no_block)
    }

    fn hashed<'g>(&self, group: &'g Group, index: usize) -> Result<&'g Block, RpcError> {
        group.block_by_hash(&self.hash(index)?).ok_or_else(no_hash)
    }

    fn place(&self, block: &Block, index: usize) -> Result<usize, RpcError> {
        let place = parse_number(self.text(index)).and_then(|place| usize::try_from(place).ok());
        let place = place.filter(|place| *place < block.transactions.len());
        place.ok_or_else(|| refused(-40005, "TransactionIndex is out of range"))
    }

    fn of_group(&self, method: &str) -> Answer {
        let group = self.group()?;
        let suite = group.suite();
        match method {
            "getBlockNumber" => Ok(quantity(group.height()).into()),
            "getPbftView" => Ok("0x1".into()),
            "getSealerList" | "getGroupPeers" => Ok(ids(&group)),
            "getObserverList" => Ok(group.observer_ids().iter().map(hex::encode).collect()),
            "getConsensusStatus" => Ok(consensus_status(&group)),
            "getSyncStatus" => Ok(sync_status(&group)),
            "getSystemConfigByKey" => group
                .system_config(self.text(1))
                .map(Value::from)
                .ok_or_else(|| refused(-40008, "Invalid System Config")),
            "getBlockByNumber" => Ok(present::block(self.numbered(&group, 1)?, self.truth(2))),
            "getBlockByHash" => Ok(present::block(self.hashed(&group, 1)?, self.truth(2))),
            "getBlockHeaderByNumber" => Ok(self.header(self.numbered(&group, 1)?)),
            "getBlockHeaderByHash" => Ok(self.header(self.hashed(&group, 1)?)),
            "getBlockHashByNumber" => Ok(data(self.numbered(&group, 1)?.hash).into()),
            "getTransactionByHash" => {
                let place = group.place(&self.hash(1)?);
                Ok(place.and_then(|(block, index)| one_transaction(block, index)).unwrap_or(Value::Null))
            }
            "getTransactionByBlockNumberAndIndex" | "getTransactionByBlockHashAndIndex" => {
                let by_hash = method == "getTransactionByBlockHashAndIndex";
                let block = if by_hash { self.hashed(&group, 1)? } else { self.numbered(&group, 1)? };
                Ok(one_transaction(block, self.place(block, 2)?).unwrap_or(Value::Null))
            }
            "getTransactionReceipt" => {
                let place = group.place(&self.hash(1)?);
                let receipt = place.and_then(|(block, index)| present::receipt(block, index, suite));
                Ok(receipt.unwrap_or(Value::Null))
            }
            "getTransactionByHashWithProof" => {
                let Some((block, index)) = group.place(&self.hash(1)?) else { return Ok(Value::Null) };
                let steps = merkle::proof(suite, transaction_leaves(&block.transactions), index);
                Ok(json!({"transaction": one_transaction(block, index), "txProof": present::proof(&steps)}))
            }
            "getTransactionReceiptByHashWithProof" => {
                let Some((block, index)) = group.place(&self.hash(1)?) else { return Ok(Value::Null) };
                let steps = merkle::proof(suite, receipt_leaves(suite, &block.receipts), index);
                Ok(json!({
                    "transactionReceipt": present::receipt(block, index, suite),
                    "receiptProof": present::proof(&steps),
                }))
            }
            "getBatchReceiptsByBlockNumberAndRange" => self.receipts(self.numbered(&group, 1)?),
            "getBatchReceiptsByBlockHashAndRange" => {
                self.receipts(group.block_by_hash(&self.hash(1)?).ok_or_else(no_block)?)
            }
            "getPendingTransactions" => {
                Ok(group.pool().iter().map(|one| present::transaction(one, None)).collect())
            }
            "getPendingTxSize" => Ok(quantity(group.pool().len() as u64).into()),
            "getCode" => {
                let address = parse_address(self.text(1)).ok_or_else(|| internal("no address"))?;
                Ok(data(group.code(address)).into())
            }
            "getTotalTransactionCount" => {
                let (total, failed) = group.totals();
                Ok(json!({
                    "txSum": quantity(total),
                    "blockNumber": quantity(group.height()),
                    "failedTxSum": quantity(failed),
                }))
            }
            _ => self.call(&group),
        }
    }

    fn header(&self, block: &Block) -> Value {
        let mut value = present::header(block, block.header.number.into());
        if let (true, Some(fields)) = (self.truth(2), value.as_object_mut()) {
            fields.insert("signatureList".into(), present::signatures(block));
        }
        value
    }

    fn receipts(&self, block: &Block) -> Answer {
        let size = block.receipts.len();
        let from = parse_number(self.text(2)).and_then(|from| usize::try_from(from).ok());
        let Some(from) = from.filter(|from| *from < size) else {
            let message = format!("start index out of range, the number of receipt is {size}");
            return Err(refused(-40099, &message));
        };
        let count = match self.text(3) {
            "-1" => size,
            text => parse_number(text).and_then(|count| usize::try_from(count).ok()).unwrap_or_default(),
        };
        if self.truth(4) {
            return Err(refused(-40099, "this test node does not compress"));
        }
        let places = from..from.saturating_add(count).min(size);
        Ok(json!({
            "blockInfo": {
                "receiptRoot": data(block.header.receipts_root),
                "blockNumber": quantity(block.header.number),
                "blockHash": data(block.hash),
                "receiptsCount": quantity(size as u64),
            },
            "transactionReceipts":
                places.filter_map(|index| present::short_receipt(block, index)).collect::<Vec<_>>(),
        }))
    }

    fn call(&self, group: &Group) -> Answer {
        let call = self.params.get(1).unwrap_or(&Value::Null);
        let field = |name: &str| call.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let from = field("from").ok_or_else(|| refused(-40006, "Call needs a 'from' field"))?;
        let from = parse_address(from).ok_or_else(|| internal("'from' is no address"))?;
        let to = match field("to").filter(|to| *to != "0x") {
            Some(to) => Some(parse_address(to).ok_or_else(|| internal("'to' is no address"))?),
            None => None,
        };
        let input = field("code").or_else(|| field("data")).unwrap_or("0x");
        let input = parse_data(input).ok_or_else(|| internal("'data' is not hexadecimal"))?;
        let (status, output) = group.call(from, to, input).map_err(internal)?;
        Ok(json!({
            "currentBlockNumber": quantity(group.height()),
            "status": quantity(u64::from(status.code(Generation::Two))),
            "output": data(output),
        }))
    }

    fn send(&self) -> Answer {
        let mut group = self.group()?;
        let raw = parse_data(self.text(1)).ok_or_else(|| {
            exception(
                "libdevcore/CommonData.cpp(97)",
                "BadHexCharacter",
                "dev::bytes dev::fromHex(const string&)",
                "",
            )
        })?;
        let transaction = transaction::decode(&raw, group.suite()).map_err(|error| {
            let field = match error {
                transaction::DecodeError::Signature => "signature",
                transaction::DecodeError::Form(field) => field,
            };
            let (line, name) = match error {
                transaction::DecodeError::Signature => (149, "InvalidSignature"),
                transaction::DecodeError::Form(_) => (137, "InvalidTransactionFormat"),
            };
            let tag = format!(
                "[dev::eth::tag_field*] = invalid rc2 transaction format, invalid Field:{field}, RLP: {}\n",
                hex::encode(&raw)
            );
            let function =
                "void dev::eth::Transaction::decodeRC2(const dev::RLP&, dev::eth::CheckTransaction)";
            exception(
                &format!("libethcore/Transaction.cpp({line})"),
                &format!("dev::eth::{name}"),
                function,
                &tag,
            )
        })?;
        let (hash, limit) = (transaction.hash, transaction.block_limit);
        group.submit(transaction).map(|hash| data(hash).into()).map_err(|refusal| {
            // The first four bytes of the hash, as the node shortens it.
            let short: String = hex::encode(hash).chars().take(8).collect();
            let (line, reason) = match refusal {
                Refusal::NonceUsed => (154, "TransactionNonceCheckFail".into()),
                Refusal::Full => (159, "TransactionPoolIsFull".into()),
                Refusal::NonceWaits => (164, "TxPoolNonceCheckFail".into()),
                Refusal::AlreadyKnown => (169, "TransactionAlreadyKown".into()),
                Refusal::OtherChain => (179, "InvalidChainId".into()),
                Refusal::OtherGroup => (184, "InvalidGroupId".into()),
                Refusal::BlockLimit => (189, format!("BlockLimitCheckFailed, txBlockLimit={limit}")),
            };
            let function = "virtual std::pair<dev::FixedHash<32>, dev::FixedHash<20> > \
                            dev::txpool::TxPool::submitTransactions(dev::eth::Transaction::Ptr)";
            let tag = format!("[dev::tag_comment*] = {reason}, txHash={short}...\n");
            exception(
                &format!("libtxpool/TxPool.cpp({line})"),
                "dev::eth::TransactionRefused",
                function,
                &tag,
            )
        })
    }
}

/// An exception as the node's C++ shows it to the client.
fn exception(place: &str, kind: &str, function: &str, tags: &str) -> RpcError {
    internal(format!(
        "{place}: Throw in function {function}\nDynamic exception type: boost::wrapexcept<{kind}>\n\
         std::exception::what: std::exception\n{tags}"
    ))
}

fn one_transaction(block: &Block, index: usize) -> Option<Value> {
    Some(present::transaction(block.transactions.get(index)?, Some((block, index))))
}

fn ids(group: &Group) -> Value {
    group.sealer_ids().iter().map(hex::encode).collect()
}

fn newest(group: &Group) -> B256 {
    group.block(group.height()).map(|block| block.hash).unwrap_or_default()
}

fn sync_status(group: &Group) -> Value {
    let genesis = group.block(0).map(|block| block.hash).unwrap_or_default();
    let newest = hex::encode(newest(group));
    let own = group.sealer_ids().first().map(hex::encode).unwrap_or_default();
    let peer = |id: &Vec<u8>| {
        json!({
            "blockNumber": group.height(),
            "genesisHash": hex::encode(genesis),
            "latestHash": newest,
            "nodeId": hex::encode(id),
        })
    };
    json!({
        "blockNumber": group.height(),
        "genesisHash": hex::encode(genesis),
        "isSyncing": false,
        "knownHighestNumber": group.height(),
        "knownLatestHash": newest,
        "latestHash": newest,
        "nodeId": own,
        "peers": group.sealer_ids().iter().skip(1).map(peer).collect::<Vec<_>>(),
        "protocolId": 65545,
        "txPoolSize": group.pool().len().to_string(),
    })
}

fn consensus_status(group: &Group) -> Value {
    let ids: Vec<String> = group.sealer_ids().iter().map(hex::encode).collect();
    let mut status = json!({
        "accountType": 1,
        "allowFutureBlocks": true,
        "cfgErr": false,
        "connectedNodes": ids.len().saturating_sub(1),
        "consensusedBlockNumber": group.height().saturating_add(1),
        "currentView": 1,
        "groupId": group.id.parse::<u64>().unwrap_or_default(),
        "highestblockHash": data(newest(group)),
        "highestblockNumber": group.height(),
        "leaderFailed": false,
        "max_faulty_leader": ids.len().saturating_sub(1) / 3,
        "nodeId": ids.first(),
        "nodeNum": ids.len(),
        "node_index": 0,
        "omitEmptyBlock": true,
        "protocolId": 65544,
        "toView": 1,
    });
    if let Some(fields) = status.as_object_mut() {
        for (index, id) in ids.iter().enumerate() {
            fields.insert(format!("sealer.{index}"), id.clone().into());
        }
    }
    let views: Vec<Value> = ids.iter().map(|id| json!({"nodeId": id, "view": 1})).collect();
    json!([status, views])
}
