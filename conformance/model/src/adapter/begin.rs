//! The start of a call: reads are done, writes are tried, priced and given a nonce.

use adapter_sdk::{
    Imports,
    types::{
        BlockSelector, Call, CallOptions, Confidence, ContractCall, Error, ErrorCode, Estimate, Output,
        Party, Step, Value,
    },
};
use serde::Deserialize;
use serde_json::json;

use super::{
    AUDITOR, abi,
    blocks::{self, Status, Which},
    call::{self, Limits, Signer, Wanted},
    errors::corrupt,
    leases,
    records::{self, Pending},
    rpc::{self, Ask, Nodes},
    settings::Settings,
};
use crate::wire::{Action, Body, Wire as _, private_digest, private_question, sha256, value};

/// The function that only auditors read, by a request of its own.
const REVEAL: &str = "reveal(text)";

/// What the node says of an account.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) admitted: bool,
    balance: String,
    /// The next nonce, behind those that wait.
    pub(super) pending: u64,
    pub(super) nonce: u64,
}

impl Account {
    pub(super) fn balance(&self) -> Result<u128, Error> {
        self.balance.parse().map_err(|_| corrupt("a balance is no number"))
    }
}

pub(super) fn ask_account(settings: &Settings, account: &str) -> Ask {
    Ask::new(settings, "ledger_account", json!({"account": account}))
}

/// Starts a call.
pub(super) async fn begin(
    settings: &Settings,
    host: &dyn Imports,
    called: Call,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Step, Error> {
    let mut limits = call::limits(options)?;
    match call::wanted(settings, called, &mut limits)? {
        Wanted::Write { action, private, bare } => {
            let signer = call::party(parties)?;
            let nodes = Nodes::lent(host)?;
            let wanted = Write { action, private, bare, salt: &options.salt };
            let priced = price(settings, &nodes, &signer, wanted, &limits).await?;
            let now = host.now_millis();
            let until = now.saturating_add(settings.lease_millis);
            let owner = records::owner(&options.salt);
            let counts =
                leases::Counts { pending: priced.account.pending, head: priced.status.head.number, now };
            let nonce =
                leases::update(settings, host, &signer.account, |book| Ok(book.lease(owner, counts, until)))
                    .await?;
            let body = Body { nonce, ..priced.body };
            let after = priced.status.head.number;
            let pending =
                Pending { owner, until, rounds: 1, replaces: None, after, body, private: priced.private };
            Ok(pending.ask())
        }
        Wanted::Read(call) => evaluate(settings, host, call, parties, &limits).await.map(Step::Answer),
        Wanted::Balance(account) => {
            let nodes = Nodes::lent(host)?;
            let found: Account = nodes.one(ask_account(settings, &account)).await?;
            if !found.admitted {
                return Err(Error::new(ErrorCode::NotFound, "there is no such account in this space"));
            }
            // Balances beyond 128 bits with a sign do not fit the ledger's integers.
            Ok(Step::Answer(output(value::encode(&Value::Text(found.balance()?.to_string())))))
        }
    }
}

/// What a call would cost: exactly what it then costs, while the state stays.
pub(super) async fn estimate(
    settings: &Settings,
    host: &dyn Imports,
    called: Call,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Estimate, Error> {
    let mut limits = call::limits(options)?;
    match call::wanted(settings, called, &mut limits)? {
        Wanted::Write { action, private, bare } => {
            let signer = call::party(parties)?;
            let nodes = Nodes::lent(host)?;
            let wanted = Write { action, private, bare, salt: &options.salt };
            let priced = price(settings, &nodes, &signer, wanted, &limits).await?;
            let fee = u128::from(priced.needed).saturating_mul(priced.body.price.into());
            Ok(Estimate { units: Some(priced.needed.to_string()), fee: Some(fee.to_string()) })
        }
        Wanted::Read(_) | Wanted::Balance(_) => {
            Ok(Estimate { units: Some("0".into()), fee: Some("0".into()) })
        }
    }
}

/// A transaction that is wanted.
struct Write<'a> {
    action: Action,
    private: Vec<(String, Vec<u8>)>,
    bare: Option<String>,
    salt: &'a [u8],
}

/// A transaction that would succeed now, with all but its nonce.
struct Priced {
    status: Status,
    account: Account,
    body: Body,
    private: Vec<(String, Vec<u8>)>,
    /// Units that it needs.
    needed: u64,
}

/// What makes transactions with different salts differ.
pub(super) fn mark(salt: &[u8]) -> [u8; 32] {
    sha256(&[b"mark", salt])
}

/// Tries the transaction on the newest state, and puts the bounds of its cost into it.
async fn price(
    settings: &Settings,
    nodes: &Nodes<'_>,
    signer: &Signer,
    wanted: Write<'_>,
    limits: &Limits,
) -> Result<Priced, Error> {
    let asks = [blocks::ask_status(settings), ask_account(settings, &signer.account)];
    let mut answers = nodes.ask(&asks).await.into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Err(corrupt("there is none")));
    let status = blocks::read_status(settings, next()?)?;
    let account: Account = rpc::decode(next()?)?;

    let mut action = wanted.action;
    if let (Some(contract), Action::Invoke { function, arguments, .. }) = (&wanted.bare, &mut action) {
        *function = known_function(settings, nodes, contract, function, arguments).await?;
    }
    let mark = mark(wanted.salt);
    let mut body = Body {
        chain: settings.chain.clone(),
        space: settings.space.clone(),
        scheme: signer.key.scheme,
        point: signer.key.point.clone(),
        certificate: signer.key.certificate.clone(),
        nonce: account.pending,
        last_block: status.head.number.saturating_add(settings.window_blocks),
        units: 0,
        price: status.price,
        amount: limits.amount,
        mark,
        private: private_digest(&mark, &wanted.private),
        action,
    };
    let needed = attempt(settings, nodes, &body).await?;
    let spare = account.balance()?.saturating_sub(limits.amount);
    body.units = units(needed, body.price, limits.max_fee, spare)?;
    Ok(Priced { status, account, body, private: wanted.private, needed })
}

/// The units that the body needs on the newest state, if it succeeds there.
pub(super) async fn attempt(settings: &Settings, nodes: &Nodes<'_>, body: &Body) -> Result<u64, Error> {
    #[derive(Deserialize)]
    struct Tried {
        units: u64,
    }
    let ask = Ask::new(settings, "ledger_try", json!({"body": hex::encode(body.encode())}));
    Ok(nodes.one::<Tried>(ask).await?.units)
}

/// A quarter more than is needed, since the state may change until it runs; within what the caller pays and has.
pub(super) fn units(needed: u64, price: u64, max_fee: u128, spare: u128) -> Result<u64, Error> {
    let fee = u128::from(needed).saturating_mul(price.into());
    if fee > max_fee {
        return Err(Error::new(
            ErrorCode::Underpriced,
            format!("the fee would be {fee}; max-fee is {max_fee}"),
        ));
    }
    if fee > spare {
        return Err(Error::new(ErrorCode::InsufficientFunds, "the account cannot pay amount and fee"));
    }
    let payable = max_fee.min(spare).checked_div(price.into()).unwrap_or(u128::MAX);
    let payable = u64::try_from(payable).unwrap_or(u64::MAX);
    Ok(needed.saturating_add(needed / 4).min(payable))
}

/// The signature of a function that is named without types, from the description that the ledger holds.
async fn known_function(
    settings: &Settings,
    nodes: &Nodes<'_>,
    contract: &str,
    name: &str,
    arguments: &[Value],
) -> Result<String, Error> {
    let Some(known) = contract_abi(settings, nodes, contract).await? else {
        return Err(super::errors::invalid(
            "the ledger has no description of the contract: give the function's signature, or an abi",
        ));
    };
    let signature = abi::signature(name, &known)?;
    abi::check(&signature, arguments)?;
    Ok(signature)
}

/// The description that the ledger holds of a contract.
pub(super) async fn contract_abi(
    settings: &Settings,
    nodes: &Nodes<'_>,
    contract: &str,
) -> Result<Option<String>, Error> {
    #[derive(Deserialize)]
    struct Found {
        contract: String,
        abi: Option<String>,
    }
    let found: Found =
        nodes.one(Ask::new(settings, "ledger_contract", json!({"contract": contract}))).await?;
    if found.contract == contract { Ok(found.abi) } else { Err(corrupt("it is about another contract")) }
}

fn output(raw: Vec<u8>) -> Output {
    Output { json: value::decode(&raw).ok().map(|decoded| value::json(&decoded)), raw }
}

/// What a contract gave back, in the standard's form.
pub(super) fn contract_output(raw: &[u8]) -> Output {
    output(raw.to_vec())
}

/// A function's result at one block.
async fn evaluate(
    settings: &Settings,
    host: &dyn Imports,
    wanted: ContractCall,
    parties: &[Party],
    limits: &Limits,
) -> Result<Output, Error> {
    #[derive(Deserialize)]
    struct Result {
        output: String,
    }
    let caller = match parties {
        [] => String::new(),
        parties => call::party(parties)?.account,
    };
    let nodes = Nodes::lent(host)?;
    if wanted.function == REVEAL {
        return reveal(settings, host, &nodes, &wanted, limits).await;
    }
    let function = match wanted.abi.as_deref() {
        _ if !abi::is_bare(&wanted.function) => wanted.function,
        Some(given) => {
            let signature = abi::signature(&wanted.function, given)?;
            abi::check(&signature, &wanted.arguments)?;
            signature
        }
        None => {
            known_function(settings, &nodes, &wanted.contract, &wanted.function, &wanted.arguments).await?
        }
    };
    // By its hash, so that it is this block and no other of its height.
    let newest = BlockSelector::At(Confidence::Latest);
    let which = match blocks::which(settings, &nodes, limits.at.as_ref().unwrap_or(&newest)).await? {
        Which::Number(number) => {
            Which::Hash(blocks::chain_header(settings, &nodes, Which::Number(number)).await?.hash())
        }
        Which::Hash(hash) => Which::Hash(hash),
    };
    let arguments: Vec<_> = wanted.arguments.iter().map(|item| hex::encode(value::encode(item))).collect();
    let mut params = which.params();
    if let Some(params) = params.as_object_mut() {
        params.insert("caller".into(), json!(caller));
        params.insert("contract".into(), json!(wanted.contract));
        params.insert("function".into(), json!(function));
        params.insert("arguments".into(), json!(arguments));
    }
    let answer: Result = nodes.one(Ask::new(settings, "ledger_call", params)).await?;
    Ok(contract_output(&rpc::bytes(&answer.output)?))
}

/// Private arguments that a contract keeps, read with the operator's key.
async fn reveal(
    settings: &Settings,
    host: &dyn Imports,
    nodes: &Nodes<'_>,
    wanted: &ContractCall,
    limits: &Limits,
) -> Result<Output, Error> {
    #[derive(Deserialize)]
    struct Private {
        private: serde_json::Value,
    }
    let [Value::Text(name)] = wanted.arguments.as_slice() else {
        return Err(super::errors::invalid("the name under which the private arguments are kept is a text"));
    };
    if !matches!(limits.at, None | Some(BlockSelector::At(Confidence::Latest))) {
        return Err(Error::unsupported("reading private arguments at an earlier block"));
    }
    let not_lent = |error: Error| match error.code {
        ErrorCode::NotFound => Error::new(
            ErrorCode::PermissionDenied,
            format!("private arguments are read with the service key `{AUDITOR}`, and none is lent"),
        ),
        _ => error,
    };
    let key = host.service_public_key(AUDITOR).await.map_err(not_lent)?;
    let input = private_question(&settings.chain, &settings.space, &wanted.contract, name);
    let signature = host.service_sign(AUDITOR, input).await.map_err(not_lent)?;
    let params = json!({
        "contract": wanted.contract,
        "name": name,
        "auditor": hex::encode(key.point),
        "signature": hex::encode(signature.bytes),
    });
    let answer: Private = nodes.one(Ask::new(settings, "ledger_private", params).sensitive(true)).await?;
    let raw = answer.private.to_string().into_bytes();
    let given: Vec<(String, String)> = rpc::decode(answer.private)?;
    let mut shown = Vec::new();
    for (name, value) in given {
        shown.push(json!([name, format!("0x{}", hex::encode(rpc::bytes(&value)?))]));
    }
    Ok(Output { raw, json: Some(json!(shown).to_string()) })
}
