//! The methods of 3.x (`bcos-rpc/jsonrpc/JsonRpcInterface.cpp`): the group, the node's name (not looked at), then what
//! the method needs. Block numbers are JSON numbers.

use std::sync::MutexGuard;

use alloy_primitives::B256;
use serde_json::{Value, json};

use super::{
    hashes::{self, WEIGHT},
    merkle, present, transaction,
};
use crate::{
    encoding::{data, parse_address, parse_data, parse_hash},
    fisco::{Block, FiscoNode, Generation, Group, Refusal},
    rpc::{Answer, RpcError},
    suite::Suite,
};

/// Codes of the ledger (`LedgerTypeDef.h`).
const GET_STORAGE: i64 = 3008;
const ERROR_ARGUMENT: i64 = 3003;
const EMPTY_ENTRY: i64 = 3009;

/// The methods whose first parameter is a group.
const OF_GROUP: &[&str] = &[
    "call",
    "getBlockNumber",
    "getBlockByNumber",
    "getBlockByHash",
    "getBlockHashByNumber",
    "getTransaction",
    "getTransactionReceipt",
    "getCode",
    "getABI",
    "getSealerList",
    "getObserverList",
    "getNodeListByType",
    "getPbftView",
    "getPendingTxSize",
    "getSyncStatus",
    "getConsensusStatus",
    "getSystemConfigByKey",
    "getTotalTransactionCount",
    "getGroupPeers",
    "getGroupInfo",
    "getGroupNodeInfo",
];

/// The answer to a method.
pub async fn answer(node: &FiscoNode, method: &str, params: &Value) -> Answer {
    let Some(params) = params.as_array() else {
        return Err(RpcError::new(-32600, "The JSON sent is not a valid Request object."));
    };
    let asked = Asked { node, params, method };
    match method {
        "getGroupList" => {
            Ok(json!({"code": 0, "msg": "success", "groupList": node.group_ids().collect::<Vec<_>>()}))
        }
        "getGroupInfoList" => {
            let groups = node.group_ids().filter_map(|id| node.group(id));
            Ok(groups.map(|group| group_info(&group)).collect())
        }
        "getPeers" => Ok(asked.peers()),
        "sendTransaction" => asked.send().await,
        _ => asked.of_group(),
    }
}

/// A group as the node tells of it, in its own port's handshake too.
#[must_use]
pub fn group_info(group: &Group) -> Value {
    json!({
        "chainID": group.chain_id,
        "groupID": group.id,
        "genesisConfig": "{\"consensusType\":\"pbft\",\"txGasLimit\":\"300000000\"}",
        "iniConfig": "",
        "wasm": false,
        "smCryptoType": group.suite() == Suite::Sm,
        "nodeList": [node_info(group)],
    })
}

fn node_info(group: &Group) -> Value {
    let sm = group.suite() == Suite::Sm;
    let id = own_id(group);
    let ini = json!({
        "binaryInfo": {"version": "3.16.4", "platform": "test node", "buildTime": "", "gitBranch": "", "gitCommitHash": ""},
        "chainID": group.chain_id,
        "gatewayServiceName": "",
        "groupID": group.id,
        "isAuthCheck": false,
        "isSerialExecute": true,
        "isWasm": false,
        "nodeID": id,
        "nodeName": "node0",
        "rpcServiceName": "",
        "smCryptoType": sm,
    });
    json!({
        "name": "node0",
        "nodeID": id,
        "type": u8::from(sm),
        "microService": false,
        "iniConfig": ini.to_string(),
        "serviceInfo": [],
        "featureKeys": [],
        "supportConfigs": [],
        "protocol": {
            "minSupportedVersion": 0,
            "maxSupportedVersion": 2,
            "compatibilityVersion": hashes::VERSION,
        },
    })
}

/// The id of the node that is asked.
fn own_id(group: &Group) -> String {
    group.node_ids().first().map(hex::encode).unwrap_or_default()
}

struct Asked<'a> {
    node: &'a FiscoNode,
    params: &'a [Value],
    method: &'a str,
}

impl Asked<'_> {
    fn text(&self, index: usize) -> &str {
        self.params.get(index).and_then(Value::as_str).unwrap_or_default()
    }

    fn truth(&self, index: usize) -> bool {
        self.params.get(index).and_then(Value::as_bool).unwrap_or_default()
    }

    fn group(&self) -> Result<MutexGuard<'_, Group>, RpcError> {
        let (group, node) = (self.text(0), self.text(1));
        let found = if matches!(node, "" | "node0") { self.node.group(group) } else { None };
        found.ok_or_else(|| {
            let chain = &self.node.config().chain_id;
            RpcError::new(
                -32000,
                format!(
                    "Invalid request for the specified node of doesn't exist or doesn't started!,\
                     request={},chain={chain},group={group},node={node}",
                    self.method
                ),
            )
        })
    }

    fn hash(&self, index: usize) -> Result<B256, RpcError> {
        parse_hash(self.text(index)).ok_or_else(|| RpcError::new(-32600, "not a hash of 32 bytes"))
    }

    fn peers(&self) -> Value {
        let groups: Vec<_> = self.node.group_ids().collect();
        let first = groups.first().and_then(|id| self.node.group(id));
        let ids = first.map(|group| group.node_ids()).unwrap_or_default();
        let peer = |id: &Vec<u8>| {
            let own = json!({"group": groups.first(), "nodeIDList": [hex::encode(id)]});
            json!({"endPoint": "127.0.0.1:30300", "groupNodeIDInfo": [own], "p2pNodeID": hex::encode(id)})
        };
        let mut peers = ids.iter().map(peer);
        let mut own = peers.next().unwrap_or_default();
        if let Some(own) = own.as_object_mut() {
            own.insert("peers".into(), peers.collect());
        }
        own
    }

    fn numbered<'g>(&self, group: &'g Group, index: usize) -> Result<&'g Block, RpcError> {
        let number = self.params.get(index).and_then(Value::as_i64).unwrap_or_default();
        let number = u64::try_from(number).map_err(|_| RpcError::new(ERROR_ARGUMENT, "Wrong argument"))?;
        group.block(number).ok_or_else(|| {
            RpcError::new(3006, format!("Get block failed with errors! blockNumber: {number}"))
        })
    }

    fn of_group(&self) -> Answer {
        if !OF_GROUP.contains(&self.method) {
            return Err(RpcError::new(-32601, "The method does not exist/is not available."));
        }
        let group = self.group()?;
        match self.method {
            "call" => self.call(&group),
            "getBlockNumber" => Ok(group.height().into()),
            "getBlockByNumber" => Ok(present::block(self.numbered(&group, 2)?, self.truth(3), self.truth(4))),
            "getBlockByHash" => {
                let block = group.block_by_hash(&self.hash(2)?);
                let block =
                    block.ok_or_else(|| RpcError::new(GET_STORAGE, "GetBlockNumberByHash failed "))?;
                Ok(present::block(block, self.truth(3), self.truth(4)))
            }
            "getBlockHashByNumber" => {
                Ok(data(self.numbered(&group, 2).map(|block| block.hash).unwrap_or_default()).into())
            }
            "getTransaction" => self.transaction(&group),
            "getTransactionReceipt" => self.receipt(&group),
            "getCode" => {
                let address = parse_address(self.text(2)).unwrap_or_default();
                let code = group.code(address);
                Ok(if code.is_empty() { String::new() } else { data(code) }.into())
            }
            "getABI" => {
                let address = parse_address(self.text(2)).unwrap_or_default();
                Ok(group.abi(address).into())
            }
            "getSealerList" => Ok(sealers(&group)),
            "getObserverList" => Ok(group.observer_ids().iter().map(hex::encode).collect()),
            "getNodeListByType" => {
                Ok(if self.text(2) == "consensus_sealer" { sealers(&group) } else { json!([]) })
            }
            "getPbftView" => Ok(json!(1)),
            "getPendingTxSize" => Ok(group.pool().len().into()),
            "getSyncStatus" => Ok(sync_status(&group).to_string().into()),
            "getConsensusStatus" => Ok(consensus_status(&group).to_string().into()),
            "getSystemConfigByKey" => {
                let value = group.system_config(self.text(2)).ok_or_else(|| {
                    RpcError::new(EMPTY_ENTRY, "asyncGetSystemTableEntry failed for empty entry")
                })?;
                Ok(json!({"blockNumber": 0, "value": value}))
            }
            "getTotalTransactionCount" => {
                let (total, failed) = group.totals();
                Ok(json!({
                    "blockNumber": group.height(),
                    "transactionCount": total,
                    "failedTransactionCount": failed,
                }))
            }
            "getGroupPeers" => Ok(group.node_ids().iter().map(hex::encode).collect()),
            "getGroupInfo" => Ok(group_info(&group)),
            "getGroupNodeInfo" => Ok(node_info(&group)),
            _ => Ok(Value::Null),
        }
    }

    fn call(&self, group: &Group) -> Answer {
        let to = parse_address(self.text(2)).ok_or_else(|| RpcError::new(-32600, "no address to call"))?;
        let input = parse_data(self.text(3)).filter(|input| !input.is_empty());
        let input = input.ok_or_else(|| RpcError::new(-32600, "Unexpect hex string"))?;
        let (status, output) =
            group.call(Default::default(), Some(to), input).map_err(|error| RpcError::new(-32603, error))?;
        Ok(json!({
            "blockNumber": group.height(),
            "status": status.code(Generation::Three),
            "output": data(output),
        }))
    }

    fn transaction(&self, group: &Group) -> Answer {
        let hash = self.hash(2)?;
        let Some((block, index)) = group.place(&hash) else {
            return Err(RpcError::new(GET_STORAGE, "asyncGetBatchTxsByHashList failed"));
        };
        let mut value =
            block.transactions.get(index).map(|one| present::transaction(one)).unwrap_or_default();
        if let (true, Some(fields)) = (self.truth(3), value.as_object_mut()) {
            fields.insert("transactionProof".into(), json!([]));
            fields.insert("txProof".into(), transaction_proof(group.suite(), block, index));
        }
        Ok(value)
    }

    fn receipt(&self, group: &Group) -> Answer {
        let hash = self.hash(2)?;
        let Some((block, index)) = group.place(&hash) else {
            return Err(RpcError::new(GET_STORAGE, "GetTransactionReceiptByHash"));
        };
        let mut value = full_receipt(group.suite(), block, index);
        if let (true, Some(fields)) = (self.truth(3), value.as_object_mut()) {
            fields.insert("receiptProof".into(), json!([]));
            fields.insert("txReceiptProof".into(), receipt_proof(group.suite(), block, index));
            fields.insert("transactionProof".into(), json!([]));
        }
        Ok(value)
    }

    /// Sends, and waits until the transaction is in a block or cannot come into one any more.
    async fn send(&self) -> Answer {
        let (hash, mut sealed) = {
            let mut group = self.group()?;
            let raw = parse_data(self.text(2)).filter(|raw| !raw.is_empty());
            let raw = raw.ok_or_else(|| RpcError::new(-1, "Unexpect hex string"))?;
            let suite = group.suite();
            let transaction = transaction::decode(&raw, suite).map_err(|error| match error {
                transaction::DecodeError::Form => RpcError::new(-1, error.to_string()),
                transaction::DecodeError::Hash | transaction::DecodeError::Signature => {
                    RpcError::new(10008, "InvalidSignature")
                }
            })?;
            // The port looks at the chain before the pool does.
            if transaction.belongs_to(&group.chain_id, &group.id) == Err(Refusal::OtherChain) {
                return Err(RpcError::new(-1, "Chain ID mismatch!"));
            }
            let sealed = group.sealed();
            (group.submit(transaction).map_err(refused)?, sealed)
        };
        loop {
            {
                let group = self.group()?;
                if let Some((block, index)) = group.place(&hash) {
                    let mut value = full_receipt(group.suite(), block, index);
                    if let (true, Some(fields)) = (self.truth(3), value.as_object_mut()) {
                        let proof = receipt_proof(group.suite(), block, index);
                        fields.insert("txReceiptProof".into(), proof.clone());
                        fields.insert("receiptProof".into(), proof);
                    }
                    return Ok(value);
                }
                if !group.waits(&hash) {
                    return Err(refused(Refusal::BlockLimit));
                }
            }
            if sealed.changed().await.is_err() {
                return Err(RpcError::new(-32603, "the node stops"));
            }
        }
    }
}

fn refused(refusal: Refusal) -> RpcError {
    let (code, word) = match refusal {
        Refusal::NonceUsed | Refusal::NonceWaits => (10000, "NonceCheckFail"),
        Refusal::BlockLimit => (10001, "BlockLimitCheckFail"),
        Refusal::Full => (10002, "TxPoolIsFull"),
        Refusal::AlreadyKnown => (10004, "AlreadyInTxPool"),
        Refusal::OtherChain => (10006, "InvalidChainId"),
        Refusal::OtherGroup => (10007, "InvalidGroupId"),
    };
    RpcError::new(code, word)
}

/// A receipt with what its transaction adds.
fn full_receipt(suite: Suite, block: &Block, index: usize) -> Value {
    let mut value = present::receipt(block, index, suite).unwrap_or_default();
    let transaction = block.transactions.get(index);
    let fields = transaction.and_then(|transaction| present::fields(transaction));
    if let (Some(value), Some(transaction), Some(fields)) = (value.as_object_mut(), transaction, fields) {
        value.insert("to".into(), fields.to.clone().into());
        value.insert("from".into(), data(transaction.from).into());
        value.insert("input".into(), data(&fields.input).into());
        value.insert("extraData".into(), fields.extra_data.clone().into());
    }
    value
}

fn transaction_proof(suite: Suite, block: &Block, index: usize) -> Value {
    let hashes: Vec<B256> = block.transactions.iter().map(|one| one.hash).collect();
    present::proof(&merkle::proof(suite, &hashes, index))
}

fn receipt_proof(suite: Suite, block: &Block, index: usize) -> Value {
    let number = block.header.number;
    let hashes: Vec<B256> = block.receipts.iter().map(|one| hashes::receipt(one, number, suite)).collect();
    present::proof(&merkle::proof(suite, &hashes, index))
}

fn sealers(group: &Group) -> Value {
    let one = |id: &Vec<u8>| json!({"nodeID": hex::encode(id), "weight": WEIGHT, "termWeight": 0});
    group.sealer_ids().iter().map(one).collect()
}

fn newest(group: &Group) -> String {
    hex::encode(group.block(group.height()).map(|block| block.hash).unwrap_or_default())
}

fn sync_status(group: &Group) -> Value {
    let genesis = hex::encode(group.block(0).map(|block| block.hash).unwrap_or_default());
    let own = own_id(group);
    let nodes = [group.sealer_ids(), group.observer_ids()].concat();
    let others = nodes.iter().map(hex::encode).filter(|id| *id != own);
    let peer = |id: String| json!({"blockNumber": group.height(), "genesisHash": genesis, "latestHash": newest(group), "nodeID": id});
    json!({
        "archivedBlockNumber": 0,
        "blockNumber": group.height(),
        "genesisHash": genesis,
        "isSyncing": false,
        "knownHighestNumber": group.height(),
        "knownLatestHash": newest(group),
        "latestHash": newest(group),
        "nodeID": own,
        "peers": others.map(peer).collect::<Vec<_>>(),
    })
}

fn consensus_status(group: &Group) -> Value {
    let ids: Vec<String> = group.sealer_ids().iter().map(hex::encode).collect();
    let nodes: Vec<Value> = ids
        .iter()
        .enumerate()
        .map(|(index, id)| json!({"index": index, "nodeID": id, "weight": WEIGHT}))
        .collect();
    let faulty = ids.len().saturating_sub(1) / 3;
    let own = own_id(group);
    let index = ids.iter().position(|id| *id == own);
    json!({
        "blockNumber": group.height(),
        "changeCycle": 0,
        "connectedNodeList": ids.len(),
        "consensusNodeList": nodes,
        "consensusNodesNum": ids.len(),
        "hash": newest(group),
        // Without a place the node gives the largest number.
        "index": index.map_or(u64::MAX, |index| index as u64),
        "isConsensusNode": index.is_some(),
        "leaderIndex": group.height().checked_rem(ids.len() as u64),
        "maxFaultyQuorum": faulty,
        "minRequiredQuorum": ids.len().saturating_sub(faulty),
        "nodeID": own,
        "timeout": false,
        "view": 1,
    })
}
