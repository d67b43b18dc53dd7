//! What a transaction does to the state.

use adapter_sdk::types::Value;

use super::{
    contracts::{self, Contract, Refusal, Run, refuse},
    state::{ADMINISTRATORS, Account, CONTRACTS, DEPLOYED, NONCES, State},
};
use crate::wire::{
    Action, Announced, Body, Hash, PRESET, Record, Wire as _, codes, contract_of, deployment_digest,
    is_account, value,
};

/// Spaces that were opened, by name.
pub(crate) const SPACES: &str = "spaces";
/// Units of every transaction, beside one for each byte of its payload.
const BASE_UNITS: u64 = 100;

/// Where a transaction runs.
pub(crate) struct Place<'a> {
    /// Height of the block, or of the head that it is tried on.
    pub(crate) number: u64,
    /// In a block, and not only tried.
    pub(crate) in_block: bool,
    /// Hashes of the chain's blocks.
    pub(crate) hash_of: &'a dyn Fn(u64) -> Option<Hash>,
}

/// What a run came to.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) output: Vec<u8>,
    pub(crate) created: Option<String>,
    /// Contract, name, payload.
    pub(crate) events: Vec<(String, String, Vec<u8>)>,
}

/// Bytes of what is called with.
fn payload(action: &Action) -> usize {
    let values = |values: &[Value]| values.iter().map(|item| value::encode(item).len()).sum::<usize>();
    match action {
        Action::Invoke { arguments, .. } => values(arguments),
        Action::Deploy { code, arguments, abi, .. } => {
            code.len() + values(arguments) + abi.as_deref().map_or(0, str::len)
        }
        Action::Transfer { .. } | Action::Admit { .. } | Action::OpenSpace { .. } => 0,
    }
}

fn missing_account() -> Refusal {
    Refusal { code: codes::NOT_ADMITTED, reason: "the sender is not admitted to this space".into() }
}

/// Gives `amount` from one account to another, which may be a contract.
fn pay(state: &mut State, from: &str, to: &str, amount: u128) -> Result<(), Refusal> {
    let mut payer = state.account(from).ok_or_else(missing_account)?;
    payer.balance = match payer.balance.checked_sub(amount) {
        Some(left) => left,
        None => return refuse(codes::INSUFFICIENT_FUNDS, "the sender cannot pay the amount"),
    };
    state.set_account(from, payer);
    let mut payee = state.account(to).unwrap_or_default();
    payee.balance = payee.balance.saturating_add(amount);
    state.set_account(to, payee);
    Ok(())
}

/// Runs what the body says on `state`, which is of no more use when it fails. Nonce and fee are not looked at.
pub(crate) fn act(state: &mut State, body: &Body, place: &Place<'_>) -> (u64, Result<Done, Refusal>) {
    let bytes = u64::try_from(payload(&body.action)).unwrap_or(u64::MAX);
    let mut units = BASE_UNITS.saturating_add(bytes);
    let done = perform(state, body, place, &mut units);
    (units, done)
}

fn perform(state: &mut State, body: &Body, place: &Place<'_>, units: &mut u64) -> Result<Done, Refusal> {
    let sender = body.sender();
    if state.account(&sender).is_none() {
        return Err(missing_account());
    }
    let administrator = state.get(ADMINISTRATORS, sender.as_bytes()).is_some();
    match &body.action {
        Action::Transfer { to } => {
            if state.account(to).is_none() {
                return refuse(codes::MISSING, "there is no such account in this space");
            }
            pay(state, &sender, to, body.amount)?;
            Ok(Done::default())
        }
        _ if matches!(body.action, Action::Admit { .. } | Action::OpenSpace { .. }) && !administrator => {
            refuse(codes::FORBIDDEN, "only an administrator may do that")
        }
        _ if matches!(body.action, Action::Admit { .. } | Action::OpenSpace { .. }) && body.amount > 0 => {
            refuse(codes::BAD_ARGUMENTS, "nobody is there to take the amount")
        }
        Action::Admit { account } => {
            if !is_account(account) {
                return refuse(codes::BAD_ARGUMENTS, "that is no account");
            }
            if state.account(account).is_some() {
                return refuse(codes::EXISTS, "the account is admitted already");
            }
            state.set_account(account, Account::default());
            Ok(Done::default())
        }
        Action::OpenSpace { space } => {
            if state.get(SPACES, space.as_bytes()).is_some() {
                return refuse(codes::EXISTS, "there is such a space already");
            }
            state.set(SPACES, space.as_bytes(), sender.as_bytes());
            Ok(Done::default())
        }
        Action::Deploy { name, version, code, abi, arguments } => {
            let kind = contracts::kind_of(code)?;
            let first_preset = kind == "preset" && state.get(CONTRACTS, PRESET.as_bytes()).is_none();
            let address = if first_preset { PRESET.into() } else { contract_of(&sender, body.nonce) };
            let contract = Contract {
                kind: kind.into(),
                owner: sender.clone(),
                name: name.clone(),
                version: version.clone(),
                abi: abi.clone(),
            };
            state.set(CONTRACTS, address.as_bytes(), &contract.encode());
            let digest = deployment_digest(name, version, code, abi.as_deref(), arguments);
            state.set(DEPLOYED, &digest, address.as_bytes());
            pay(state, &sender, &address, body.amount)?;
            let mut run = run(state, body, &sender, place, &address, &sender);
            contracts::construct(kind, &mut run, arguments)?;
            Ok(Done { created: Some(address), ..Done::default() })
        }
        Action::Invoke { contract, function, arguments } => {
            let held = held_contract(state, contract)?;
            pay(state, &sender, contract, body.amount)?;
            let mut run = run(state, body, &sender, place, contract, &held.owner);
            let result = contracts::call(&held.kind, &mut run, function, arguments);
            *units = units.saturating_add(run.units);
            let events = std::mem::take(&mut run.events);
            let output = result?.as_ref().map(value::encode).unwrap_or_default();
            let named = |(name, payload)| (contract.clone(), name, payload);
            Ok(Done { output, events: events.into_iter().map(named).collect(), ..Done::default() })
        }
    }
}

fn run<'a>(
    state: &'a mut State,
    body: &Body,
    caller: &'a str,
    place: &Place<'a>,
    contract: &'a str,
    owner: &'a str,
) -> Run<'a> {
    Run {
        state,
        contract,
        owner,
        caller,
        transaction: body.id(),
        number: place.number,
        in_block: place.in_block,
        private: body.private,
        hash_of: place.hash_of,
        events: Vec::new(),
        units: 0,
    }
}

/// The contract at an address.
pub(crate) fn held_contract(state: &State, address: &str) -> Result<Contract, Refusal> {
    match state.get(CONTRACTS, address.as_bytes()).map(Contract::decode) {
        Some(Ok(contract)) => Ok(contract),
        Some(Err(_)) => refuse(codes::NODE_FAULT, "the node cannot read the contract that it wrote"),
        None => refuse(codes::UNKNOWN_CONTRACT, "there is no contract at this address"),
    }
}

/// Runs a function on a state and forgets what it changed.
pub(crate) fn evaluate(
    state: &State,
    caller: &str,
    contract: &str,
    function: &str,
    arguments: &[Value],
    place: &Place<'_>,
) -> Result<Vec<u8>, Refusal> {
    let held = held_contract(state, contract)?;
    let mut state = state.clone();
    let mut run = Run {
        state: &mut state,
        contract,
        owner: &held.owner,
        caller,
        transaction: [0; 32],
        number: place.number,
        in_block: false,
        private: None,
        hash_of: place.hash_of,
        events: Vec::new(),
        units: 0,
    };
    let result = contracts::call(&held.kind, &mut run, function, arguments)?;
    Ok(result.as_ref().map(value::encode).unwrap_or_default())
}

/// Whether a transaction may enter a block on this state: its turn, and paid for.
pub(crate) fn is_due(state: &State, body: &Body) -> bool {
    let most = u128::from(body.units).saturating_mul(body.price.into()).saturating_add(body.amount);
    state.account(&body.sender()).is_some_and(|held| held.nonce == body.nonce && held.balance >= most)
}

/// Runs a transaction that is due as part of a block. `first_event`: how many events the block has already.
pub(crate) fn include(state: &mut State, body: &Body, place: &Place<'_>, first_event: u32) -> Record {
    let mut trial = state.clone();
    let (used, done) = act(&mut trial, body, place);
    let done = match done {
        Ok(_) if used > body.units => refuse(codes::OUT_OF_UNITS, "the units are used up"),
        done => done,
    };
    let units = used.min(body.units);
    let fee = u128::from(units).saturating_mul(body.price.into());
    let (status, reason, done) = match done {
        Ok(done) => {
            *state = trial;
            (0, String::new(), done)
        }
        Err(refusal) => (refusal.code, refusal.reason, Done::default()),
    };
    let (id, sender) = (body.id(), body.sender());
    let mut account = state.account(&sender).unwrap_or_default();
    account.balance = account.balance.saturating_sub(fee);
    account.nonce = account.nonce.saturating_add(1);
    state.set_account(&sender, account);
    state.set(NONCES, &[sender.as_bytes(), &body.nonce.to_be_bytes()].concat(), &id);
    let events = done.events.into_iter().zip(first_event..);
    let events = events
        .map(|((contract, name, payload), index)| Announced { contract, name, payload, index })
        .collect();
    Record { id, status, reason, output: done.output, created: done.created, units, fee, events }
}
