//! Typed questions to the node, in the words of its generation.

use adapter_sdk::{
    Imports,
    types::{
        Error, ErrorCode,
        transport::{JsonRpcFailure, JsonRpcRequest},
    },
};
use alloy_primitives::{Address, B256, Bytes, hex};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    errors::{self, corrupt, invalid},
    executed::Executed,
    header::Chained,
    number::{self, Number},
    settings::{Generation, Settings},
    transaction::shown,
};

/// The descriptor's name for the endpoint.
pub(crate) const NEED: &str = "node";
/// Every method that is asked outside `send`.
pub(crate) const READS: &[&str] = &[
    "call",
    "getABI",
    "getBlockByHash",
    "getBlockByNumber",
    "getBlockHeaderByHash",
    "getBlockHeaderByNumber",
    "getBlockNumber",
    "getClientVersion",
    "getCode",
    "getGroupInfo",
    "getPendingTransactions",
    "getPendingTxSize",
    "getSyncStatus",
    "getTransaction",
    "getTransactionByHash",
    "getTransactionReceipt",
    "getTransactionReceiptByHashWithProof",
];

/// The lent node of one group.
pub(crate) struct Node<'a> {
    /// What is lent.
    pub(crate) host: &'a dyn Imports,
    /// Which group.
    pub(crate) settings: &'a Settings,
    endpoint: String,
}

/// One question.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: &'static str,
    params: Value,
}

/// The answers, taken in the order of the questions.
pub(crate) struct Answers {
    generation: Generation,
    answers: std::vec::IntoIter<(&'static str, Result<String, JsonRpcFailure>)>,
}

impl<'a> Node<'a> {
    /// The first endpoint that is lent.
    pub(crate) fn lent(host: &'a dyn Imports, settings: &'a Settings) -> Result<Self, Error> {
        let lent = host.lent_as(NEED).into_iter().next();
        let lent = lent.ok_or_else(|| {
            Error::new(ErrorCode::Unavailable, format!("no endpoint is lent under the name `{NEED}`"))
        })?;
        Ok(Node { host, settings, endpoint: lent.endpoint })
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
        let answers = methods.into_iter().zip(answers).collect::<Vec<_>>().into_iter();
        Answers { generation: self.settings.generation, answers }
    }

    fn two(&self) -> bool {
        self.settings.generation == Generation::Two
    }

    /// A question about the group: 2.x names it by a number first, 3.x by its name and any of its nodes.
    fn group(&self, two: &'static str, three: &'static str, rest: &[Value]) -> Ask {
        let (method, mut params) = match self.settings.group.parse::<u64>() {
            Ok(group) if self.two() => (two, vec![json!(group)]),
            _ => (three, vec![json!(self.settings.group), json!("")]),
        };
        params.extend_from_slice(rest);
        Ask { method, params: Value::Array(params) }
    }

    /// Which chain, group and cryptography the node has; [`Answers::next_chain`] takes the answer.
    pub(crate) fn chain(&self) -> Ask {
        if self.two() {
            Ask { method: "getClientVersion", params: json!([]) }
        } else {
            Ask { method: "getGroupInfo", params: json!([self.settings.group]) }
        }
    }

    /// The height of the newest block.
    pub(crate) fn height(&self) -> Ask {
        self.group("getBlockNumber", "getBlockNumber", &[])
    }

    /// How far the node has come.
    pub(crate) fn sync(&self) -> Ask {
        self.group("getSyncStatus", "getSyncStatus", &[])
    }

    /// Runs a message without keeping its effects.
    pub(crate) fn call(&self, from: Address, to: Address, data: &Bytes) -> Ask {
        if self.two() {
            let call = json!({"from": shown(from), "to": shown(to), "value": "0x0", "data": data});
            self.group("call", "call", &[call])
        } else {
            self.group("call", "call", &[json!(shown(to)), json!(data)])
        }
    }

    /// A contract's code.
    pub(crate) fn code(&self, contract: Address) -> Ask {
        self.group("getCode", "getCode", &[json!(shown(contract))])
    }

    /// A contract's interface, of 3.x.
    pub(crate) fn abi(&self, contract: Address) -> Ask {
        self.group("getABI", "getABI", &[json!(shown(contract))])
    }

    /// A receipt with its path to the root.
    pub(crate) fn receipt(&self, id: B256) -> Ask {
        let rest = if self.two() { vec![json!(id)] } else { vec![json!(id), json!(true)] };
        self.group("getTransactionReceiptByHashWithProof", "getTransactionReceipt", &rest)
    }

    /// A transaction.
    pub(crate) fn transaction(&self, id: B256) -> Ask {
        let rest = if self.two() { vec![json!(id)] } else { vec![json!(id), json!(false)] };
        self.group("getTransactionByHash", "getTransaction", &rest)
    }

    /// A block without its transactions' content; of 2.x with its signatures apart. [`Answers::next_block`] takes as many answers.
    pub(crate) fn block(&self, id: BlockId) -> Vec<Ask> {
        let (place, by_number) = match id {
            BlockId::Number(number) if self.two() => (json!(format!("{number:#x}")), true),
            BlockId::Number(number) => (json!(number), true),
            BlockId::Hash(hash) => (json!(hash), false),
        };
        let method = if by_number { "getBlockByNumber" } else { "getBlockByHash" };
        if self.two() {
            let signed = if by_number { "getBlockHeaderByNumber" } else { "getBlockHeaderByHash" };
            vec![
                self.group(method, method, &[place.clone(), json!(false)]),
                self.group(signed, signed, &[place, json!(true)]),
            ]
        } else {
            vec![self.group(method, method, &[place, json!(false), json!(true)])]
        }
    }

    /// Hands a signed transaction over.
    pub(crate) fn send(&self, raw: &[u8]) -> Ask {
        let hex = hex::encode_prefixed(raw);
        let rest = if self.two() { vec![json!(hex)] } else { vec![json!(hex), json!(false)] };
        self.group("sendRawTransaction", "sendTransaction", &rest)
    }
}

/// A block as questions name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockId {
    /// At this height.
    Number(u64),
    /// With this hash.
    Hash(B256),
}

impl Answers {
    /// The next answer as the node gave it.
    pub(crate) fn raw(&mut self) -> Result<(&'static str, Result<String, JsonRpcFailure>), Error> {
        self.answers.next().ok_or_else(|| Error::new(ErrorCode::Internal, "fewer answers than questions"))
    }

    /// The next answer, decoded.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let (method, answer) = self.raw()?;
        self.decode(method, answer)
    }

    /// The next answer; none where the node has nothing.
    pub(crate) fn next_known<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let (method, answer) = self.raw()?;
        match self.decode::<Option<T>>(method, answer) {
            Err(error) if error.code == ErrorCode::NotFound => Ok(None),
            other => other,
        }
    }

    fn decode<T: DeserializeOwned>(
        &self,
        method: &str,
        answer: Result<String, JsonRpcFailure>,
    ) -> Result<T, Error> {
        let json = answer.map_err(|failure| errors::from_node(self.generation, method, &failure))?;
        // What the decoder says holds bytes of the node's.
        serde_json::from_str(&json).map_err(|error| {
            corrupt(method, format!("it does not decode at line {}, column {}", error.line(), error.column()))
        })
    }

    /// The next answer is a height.
    pub(crate) fn next_height(&mut self) -> Result<u64, Error> {
        let number: Number = self.next()?;
        number.small().ok_or_else(|| corrupt("getBlockNumber", "a height beyond 2^64"))
    }

    /// The next answer is a receipt with its path.
    pub(crate) fn next_receipt(&mut self) -> Result<Option<Executed>, Error> {
        let method = match self.generation {
            Generation::Two => "getTransactionReceiptByHashWithProof",
            Generation::Three => "getTransactionReceipt",
        };
        let found: Option<Value> = self.next_known()?;
        found.map(|json| Executed::from_json(self.generation, &json, method)).transpose()
    }

    /// The next answers are a block, none where there is no such one. Its hash is checked, and that it is the one asked for.
    pub(crate) fn next_block(&mut self, node: &Node<'_>, id: BlockId) -> Result<Option<Chained>, Error> {
        let method = match id {
            BlockId::Number(_) => "getBlockByNumber",
            BlockId::Hash(_) => "getBlockByHash",
        };
        let found: Option<Value> = self.next_known()?;
        let signed: Option<Value> = if node.two() { self.next_known()? } else { None };
        let Some(found) = found else { return Ok(None) };
        if node.two() && signed.is_none() {
            return Err(corrupt(method, "a block without a header"));
        }
        let block = Chained::from_json(self.generation, &found, signed.as_ref(), method)?;
        block.header.check(node.host, node.settings.crypto, method)?;
        let is_it = match id {
            BlockId::Number(number) => block.header.number == number,
            BlockId::Hash(hash) => block.header.hash == hash,
        };
        if is_it { Ok(Some(block)) } else { Err(corrupt(method, "another block")) }
    }

    /// The next answer says what the node serves: it must be what is set.
    pub(crate) fn next_chain(&mut self, settings: &Settings) -> Result<(), Error> {
        let (method, answer) = self.raw()?;
        let differs = |name: &str, set: &str, found: &str| {
            invalid(format!("the setting `{name}` is {set}, but the node has {}", errors::readable(found)))
        };
        let (chain, group, sm) = match self.generation {
            Generation::Two => {
                let version: Version = self.decode(method, answer)?;
                let sm = version.version.ends_with(" gm");
                (version.chain, settings.group.clone(), Some(sm))
            }
            Generation::Three => {
                let info: Option<GroupInfo> = self.decode(method, answer)?;
                let Some(info) = info else {
                    return Err(differs("group", &settings.group, "no such group"));
                };
                let sm = info.nodes.iter().find_map(|node| {
                    let parsed: Option<NodeConfiguration> = serde_json::from_str(&node.configuration).ok();
                    parsed.map(|parsed| parsed.sm)
                });
                (info.chain, info.group, sm)
            }
        };
        if chain != settings.chain {
            return Err(differs("chain", &settings.chain, &chain));
        }
        if group != settings.group {
            return Err(differs("group", &settings.group, &group));
        }
        let set_to_sm = settings.crypto == crate::crypto::Crypto::Sm;
        match sm {
            Some(sm) if sm != set_to_sm => {
                Err(differs("crypto", settings.crypto.name(), settings.crypto.other().name()))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "FISCO-BCOS Version")]
    version: String,
    #[serde(rename = "Chain Id")]
    chain: String,
}

#[derive(Deserialize)]
struct GroupInfo {
    #[serde(rename = "chainID")]
    chain: String,
    #[serde(rename = "groupID")]
    group: String,
    #[serde(rename = "nodeList", default)]
    nodes: Vec<GroupNode>,
}

#[derive(Deserialize)]
struct GroupNode {
    #[serde(rename = "iniConfig", default)]
    configuration: String,
}

#[derive(Deserialize)]
struct NodeConfiguration {
    #[serde(rename = "smCryptoType")]
    sm: bool,
}

/// What a run without effect gave back.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Called {
    /// 0 where it succeeded.
    #[serde(deserialize_with = "number::small")]
    pub(crate) status: u64,
    /// What the contract gave back.
    pub(crate) output: Bytes,
}
