//! The node's JSON-RPC: what a method answers.
//!
//! Methods `ledger_*` are for everybody. Their answers name their question (`question`: SHA-256 of method, a space and
//! parameters) beside what they say (`answer`). All but `ledger_submit` only read. Methods `model_*` are for test beds.

use adapter_sdk::types::{PublicKey, Signature, SignatureScheme};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use thiserror::Error;

use super::{
    Inner, MAIN_SPACE, ModelNode,
    chain::{Block, Chain},
    contracts::{Refusal, refuse},
    execute::{self, Place, SPACES},
    state::{ADMINISTRATORS, DEPLOYED, State},
};
use crate::wire::{
    Body, Hash, Parcel, Wire as _, Writer, attested, codes, private_question, question, sha256, value,
};

/// A JSON-RPC error object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct RpcError {
    /// See [`codes`].
    pub code: i64,
    /// For people.
    pub message: String,
    /// `{"reason": …}` where a contract gave one.
    pub data: Option<Value>,
}

impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> Self {
        let of_contract = refusal.code >= codes::REVERTED;
        let (message, data) = if of_contract {
            ("the contract failed".into(), Some(json!({"reason": refusal.reason})))
        } else {
            (refusal.reason, None)
        };
        RpcError { code: refusal.code, message, data }
    }
}

/// Bytes in hexadecimal.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map(Hex).map_err(serde::de::Error::custom)
    }
}

impl Hex {
    fn hash(&self) -> Result<Hash, RpcError> {
        self.0.as_slice().try_into().map_err(|_| bad("a hash has 32 bytes"))
    }
}

fn bad(why: impl ToString) -> RpcError {
    RpcError { code: codes::BAD_PARAMS, message: why.to_string(), data: None }
}

fn params<T: DeserializeOwned>(params: &Value) -> Result<T, RpcError> {
    T::deserialize(params).map_err(bad)
}

/// One space, as most methods take it.
#[derive(Deserialize)]
struct Of {
    space: String,
}

/// A block, by height or by hash.
#[derive(Deserialize)]
struct Which {
    number: Option<u64>,
    hash: Option<Hex>,
}

impl Inner {
    fn chain(&self, space: &str) -> Result<&Chain, RpcError> {
        match self.spaces.get(space) {
            Some(chain) => Ok(chain),
            None => Ok(refuse(codes::UNKNOWN_SPACE, "there is no such space")?),
        }
    }
}

impl Chain {
    fn which(&self, which: &Which) -> Result<&Block, RpcError> {
        match (which.number, &which.hash) {
            (Some(number), None) => match self.at(number) {
                Some(block) => Ok(block),
                None => Ok(refuse(codes::FUTURE_BLOCK, "there is no such block yet")?),
            },
            (None, Some(hash)) => match self.by_hash(&hash.hash()?) {
                Some(block) => Ok(block),
                None => Ok(refuse(codes::UNKNOWN_BLOCK, "no block has this hash")?),
            },
            _ => Err(bad("a block has either `number` or `hash`")),
        }
    }

    /// The block, if its content is kept.
    fn kept(&self, which: &Which) -> Result<&Block, RpcError> {
        let block = self.which(which)?;
        if block.header.number < self.first_kept {
            return Ok(refuse(codes::PRUNED, "the node does not keep this block any more")?);
        }
        Ok(block)
    }
}

impl ModelNode {
    /// What the node answers to a request.
    ///
    /// # Errors
    /// The error object of the answer.
    pub fn answer(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        if let Some(control) = method.strip_prefix("model_") {
            return self.control(control, params);
        }
        let answer =
            if method == "ledger_submit" { self.submit(params)? } else { self.read(method, params)? };
        Ok(json!({"question": question(method, params), "answer": answer}))
    }

    fn submit(&self, raw: &Value) -> Result<Value, RpcError> {
        #[derive(Deserialize)]
        struct Submitted {
            space: String,
            parcel: Hex,
        }
        let submitted: Submitted = params(raw)?;
        let mut inner = self.lock();
        inner.submissions += 1;
        if inner.syncing {
            return Ok(refuse(codes::SYNCING, "the node is catching up")?);
        }
        let parcel = match Parcel::decode(&submitted.parcel.0) {
            Ok(parcel) => parcel,
            Err(error) => return Ok(refuse(codes::MALFORMED, error.to_string())?),
        };
        inner.chain(&submitted.space)?;
        let Some(chain) = inner.spaces.get_mut(&submitted.space) else { return Err(bad("no space")) };
        let id = chain.submit(parcel)?;
        if inner.automine {
            inner.mine(&submitted.space, 1);
        }
        Ok(json!({"id": hex::encode(id)}))
    }

    fn read(&self, method: &str, raw: &Value) -> Result<Value, RpcError> {
        let inner = self.lock();
        let of: Of = params(raw)?;
        let chain = inner.chain(&of.space)?;
        match method {
            "ledger_status" => Ok(json!({
                "chain": inner.name,
                "space": chain.space,
                "head": chain.at(chain.head()).map(|block| hex::encode(block.header.encode())),
                "syncing": inner.syncing,
                "peers": inner.peers,
                "price": chain.price,
            })),
            "ledger_header" => {
                Ok(json!({"header": hex::encode(chain.which(&params(raw)?)?.header.encode())}))
            }
            "ledger_block" => {
                let block = chain.kept(&params(raw)?)?;
                let records = block.records.iter().map(|record| hex::encode(record.encode()));
                Ok(json!({
                    "header": hex::encode(block.header.encode()),
                    "records": records.collect::<Vec<_>>(),
                }))
            }
            "ledger_account" => account(chain, &params(raw)?),
            "ledger_nonce" => nonce(chain, raw),
            "ledger_transaction" => transaction(chain, &params(raw)?),
            "ledger_contract" => contract(chain, &params(raw)?),
            "ledger_space" => {
                #[derive(Deserialize)]
                struct Named {
                    name: String,
                }
                let named: Named = params(raw)?;
                Ok(json!({"there": chain.state().get(SPACES, named.name.as_bytes()).is_some()}))
            }
            "ledger_call" => call(chain, raw),
            "ledger_try" => attempt(chain, &params(raw)?),
            "ledger_private" => private(&inner, chain, &params(raw)?),
            "ledger_validators" => {
                Ok(json!({"validators": hex::encode(inner.validators(&of.space).encode())}))
            }
            "ledger_attestation" => attestation(&inner, chain, &params(raw)?),
            "ledger_entry" => entry(chain, raw),
            _ => Err(RpcError {
                code: codes::UNKNOWN_METHOD,
                message: "there is no such method".into(),
                data: None,
            }),
        }
    }

    /// What test beds ask for; the same as the methods of [`ModelNode`].
    fn control(&self, control: &str, raw: &Value) -> Result<Value, RpcError> {
        #[derive(Deserialize)]
        #[serde(default)]
        struct Control {
            space: String,
            account: String,
            amount: String,
            blocks: u32,
            depth: u64,
            number: u64,
            on: bool,
            scheme: SignatureScheme,
            point: String,
        }
        impl Control {
            fn key(&self) -> Result<PublicKey, RpcError> {
                let point = hex::decode(&self.point).map_err(bad)?;
                Ok(PublicKey { scheme: self.scheme, point, certificate: None })
            }
        }
        impl Default for Control {
            fn default() -> Self {
                let (account, amount, point) = Default::default();
                Control {
                    space: MAIN_SPACE.into(),
                    account,
                    amount,
                    blocks: 1,
                    depth: 1,
                    number: 0,
                    on: true,
                    scheme: SignatureScheme::EcdsaP256Sha256,
                    point,
                }
            }
        }
        let asked: Control = params(raw)?;
        let space = asked.space.as_str();
        match control {
            "fund" => self.fund(&asked.account, asked.amount.parse().map_err(bad)?),
            "fund_key" => self.fund_key(&asked.key()?, asked.amount.parse().map_err(bad)?),
            "appoint" => self.appoint(&asked.account),
            "audit" => self.let_audit(&asked.key()?),
            "mine" => self.mine(space, asked.blocks),
            "automine" => self.automine(asked.on),
            "reorganise" => self.reorganise(space, asked.depth, asked.on),
            "prune" => self.prune(space, asked.number),
            "forget_orphans" => self.forget_orphans(space),
            "empty_pool" => self.empty_pool(space),
            "price" => self.set_price(space, asked.number),
            "clock" => self.set_clock(asked.number),
            "syncing" => self.set_syncing(asked.on),
            "peers" => self.set_peers(u32::try_from(asked.number).map_err(bad)?),
            "anchor" => return Ok(json!(hex::encode(self.anchor(space, crate::wire::PRESET)))),
            _ => {
                return Err(RpcError {
                    code: codes::UNKNOWN_METHOD,
                    message: "there is no such control".into(),
                    data: None,
                });
            }
        }
        Ok(Value::Null)
    }
}

#[derive(Deserialize)]
struct AccountAsked {
    account: String,
}

fn account(chain: &Chain, asked: &AccountAsked) -> Result<Value, RpcError> {
    let account = chain.account(&asked.account);
    let is_administrator = chain.state().get(ADMINISTRATORS, asked.account.as_bytes()).is_some();
    Ok(json!({
        "admitted": account.is_some(),
        "administrator": is_administrator,
        "balance": account.unwrap_or_default().balance.to_string(),
        "nonce": account.unwrap_or_default().nonce,
        "pending": chain.pending_nonce(&asked.account),
    }))
}

/// Who used a nonce, as of the block.
fn nonce(chain: &Chain, raw: &Value) -> Result<Value, RpcError> {
    #[derive(Deserialize)]
    struct Asked {
        account: String,
        nonce: u64,
    }
    let asked: Asked = params(raw)?;
    let block = chain.kept(&params(raw)?)?;
    let id = Chain::used_nonce(&block.state, &asked.account, asked.nonce);
    Ok(json!({"id": id.map(hex::encode)}))
}

#[derive(Deserialize)]
struct TransactionAsked {
    id: Hex,
}

fn transaction(chain: &Chain, asked: &TransactionAsked) -> Result<Value, RpcError> {
    let id = asked.id.hash()?;
    let place = chain.place_of(&id);
    Ok(json!({
        "pooled": chain.is_pooled(&id),
        "number": place.map(|(number, _)| number),
        "index": place.map(|(_, index)| index),
    }))
}

#[derive(Deserialize)]
struct ContractAsked {
    contract: Option<String>,
    /// The digest of a deployment: whether it was made.
    deployment: Option<Hex>,
}

fn contract(chain: &Chain, asked: &ContractAsked) -> Result<Value, RpcError> {
    let state = chain.state();
    let address = match (&asked.contract, &asked.deployment) {
        (Some(contract), None) => contract.clone(),
        (None, Some(digest)) => match state.get(DEPLOYED, &digest.0) {
            Some(address) => String::from_utf8_lossy(address).into_owned(),
            None => return Ok(refuse(codes::UNKNOWN_CONTRACT, "this was not deployed")?),
        },
        _ => return Err(bad("a contract has either `contract` or `deployment`")),
    };
    let contract = execute::held_contract(&state, &address)?;
    Ok(json!({"contract": address, "name": contract.name, "version": contract.version, "abi": contract.abi}))
}

fn call(chain: &Chain, raw: &Value) -> Result<Value, RpcError> {
    #[derive(Deserialize)]
    struct Asked {
        caller: String,
        contract: String,
        function: String,
        arguments: Vec<Hex>,
    }
    let asked: Asked = params(raw)?;
    let block = chain.kept(&params(raw)?)?;
    let arguments: Result<Vec<_>, _> = asked.arguments.iter().map(|bytes| value::decode(&bytes.0)).collect();
    let arguments = arguments.map_err(bad)?;
    let hash_of = |number| chain.hash_at(number);
    let place = Place { number: block.header.number, in_block: false, hash_of: &hash_of };
    let output =
        execute::evaluate(&block.state, &asked.caller, &asked.contract, &asked.function, &arguments, &place)?;
    Ok(json!({"output": hex::encode(output)}))
}

#[derive(Deserialize)]
struct Tried {
    body: Hex,
}

/// Runs a transaction on the newest state without keeping what it does. Nonce, window and units are not looked at.
fn attempt(chain: &Chain, asked: &Tried) -> Result<Value, RpcError> {
    let body = match Body::decode(&asked.body.0) {
        Ok(body) => body,
        Err(error) => return Ok(refuse(codes::MALFORMED, error.to_string())?),
    };
    let mut state: State = (*chain.state()).clone();
    let hash_of = |number| chain.hash_at(number);
    let place = Place { number: chain.head(), in_block: false, hash_of: &hash_of };
    let (units, done) = execute::act(&mut state, &body, &place);
    done?;
    let fee = u128::from(units).saturating_mul(body.price.into());
    let balance = state.account(&body.sender()).unwrap_or_default().balance;
    if balance < fee {
        return Ok(refuse(codes::INSUFFICIENT_FUNDS, "the sender cannot pay amount and fee")?);
    }
    Ok(json!({"units": units}))
}

#[derive(Deserialize)]
struct PrivateAsked {
    space: String,
    contract: String,
    name: String,
    auditor: Hex,
    signature: Hex,
}

fn private(inner: &Inner, chain: &Chain, asked: &PrivateAsked) -> Result<Value, RpcError> {
    let key = PublicKey {
        scheme: SignatureScheme::EcdsaP256Sha256,
        point: asked.auditor.0.clone(),
        certificate: None,
    };
    let signature = Signature { bytes: asked.signature.0.clone(), recovery_id: None };
    let input = private_question(&inner.name, &asked.space, &asked.contract, &asked.name);
    if !inner.auditors.contains(&key.point) || !berth_crypto::verify(&key, &input, &signature) {
        return Ok(refuse(codes::NOT_LET_IN, "only auditors read private arguments")?);
    }
    let state = chain.state();
    execute::held_contract(&state, &asked.contract)?;
    let place = super::contracts::private_key(&asked.name);
    let digest: Option<Hash> = state.get(&asked.contract, &place).and_then(|digest| digest.try_into().ok());
    match digest.and_then(|digest| chain.secret(&digest)) {
        None => Ok(refuse(codes::MISSING, "nothing is kept under this name")?),
        Some(private) => {
            let shown = private.iter().map(|(name, value)| json!([name, hex::encode(value)]));
            Ok(json!({"private": shown.collect::<Vec<_>>()}))
        }
    }
}

/// The signatures of as many validators as make a quorum under a final block's header.
fn attestation(inner: &Inner, chain: &Chain, which: &Which) -> Result<Value, RpcError> {
    let block = chain.which(which)?;
    let in_chain = chain.hash_at(block.header.number) == Some(block.hash);
    if !in_chain || block.header.number > chain.last_final() {
        return Ok(json!({"signatures": null}));
    }
    // Which of them sign differs from block to block.
    let absent =
        usize::from(sha256(&[&block.hash]).first().copied().unwrap_or(0)) % inner.validators.len().max(1);
    let mut signatures = Vec::new();
    for (index, key) in inner.validators.iter().enumerate().filter(|(index, _)| *index != absent) {
        let signature = key.sign(&attested(&block.hash)).map_err(bad)?;
        signatures.push(json!([index, hex::encode(signature.bytes)]));
    }
    Ok(json!({"signatures": signatures}))
}

/// What the state holds at a place after a block, or what stands around the place where it holds nothing.
fn entry(chain: &Chain, raw: &Value) -> Result<Value, RpcError> {
    #[derive(Deserialize)]
    struct Asked {
        area: String,
        key: Hex,
    }
    let asked: Asked = params(raw)?;
    let block = chain.kept(&params(raw)?)?;
    let around = block.state.around(&asked.area, &asked.key.0).into_iter().map(|(entry, path)| {
        let mut encoded = Writer::default();
        path.write(&mut encoded);
        json!([hex::encode(entry.encode()), hex::encode(encoded.done())])
    });
    Ok(json!({"entries": around.collect::<Vec<_>>()}))
}
