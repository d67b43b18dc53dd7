//! What a caller wants, in the ledger's terms: everything that can be refused without asking a node.

use adapter_sdk::types::{
    BlockSelector, Call, CallOptions, ContractCall, Deployment, Error, ErrorCode, Party, PublicKey,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    abi,
    errors::invalid,
    settings::{Settings, is_name},
};
use crate::wire::{Action, SCHEMES, account_of, is_account};

/// The most bytes of code, arguments and private arguments of one call.
pub(super) const MAX_PAYLOAD: u32 = 1 << 16;
const MAX_CERTIFICATE: usize = 16 * 1024;
const MAX_NAME: usize = 64;

/// The names of native calls; each is a capability.
pub(super) const NATIVE: [&str; 4] = ["transfer", "admit", "open-space", "balance"];

/// Who signs a transaction.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) key: PublicKey,
    pub(super) account: String,
}

/// What is asked of the ledger.
pub(super) enum Wanted {
    /// A transaction. `bare`: the contract whose description must tell the function's types.
    Write { action: Action, private: Vec<(String, Vec<u8>)>, bare: Option<String> },
    /// A function's result.
    Read(ContractCall),
    /// An account's balance.
    Balance(String),
}

/// The options, read.
pub(super) struct Limits {
    pub(super) amount: u128,
    /// Nothing is said: no limit.
    pub(super) max_fee: u128,
    pub(super) at: Option<BlockSelector>,
}

fn too_large(what: &str, most: usize) -> Error {
    Error::new(ErrorCode::TooLarge, format!("{what} has at most {most} bytes"))
}

/// Refuses a key that cannot sign here.
pub(super) fn signer(key: &PublicKey) -> Result<Signer, Error> {
    if !SCHEMES.contains(&key.scheme) {
        return Err(invalid("keys are of P-256 with SHA-256, secp256k1 with Keccak-256, or SM2 with SM3"));
    }
    if key.point.len() != 65 || key.point.first() != Some(&4) {
        return Err(invalid("a key's point has 65 bytes, the first of them 4"));
    }
    if key.certificate.as_ref().is_some_and(|certificate| certificate.len() > MAX_CERTIFICATE) {
        return Err(too_large("a certificate", MAX_CERTIFICATE));
    }
    Ok(Signer { account: account_of(key.scheme, &key.point), key: key.clone() })
}

/// The one party with its one key.
pub(super) fn party(parties: &[Party]) -> Result<Signer, Error> {
    let [party] = parties else {
        return Err(invalid(format!("one party makes a call, not {}", parties.len())));
    };
    let [key] = party.keys.as_slice() else {
        return Err(invalid(format!("an account has one key, not {}", party.keys.len())));
    };
    let signer = signer(key)?;
    match &party.account {
        Some(account) if !is_account(account) => Err(invalid("an account is m and 40 hexadecimal digits")),
        Some(account) if *account != signer.account => {
            Err(Error::new(ErrorCode::PermissionDenied, "the key does not speak for this account"))
        }
        _ => Ok(signer),
    }
}

/// A decimal number; beyond what the ledger counts, the most that it does.
fn decimal(text: &str, what: &str) -> Result<u128, Error> {
    if text.is_empty() || text.len() > 1000 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(format!("{what} is a decimal number of the smallest unit")));
    }
    Ok(text.parse().unwrap_or(u128::MAX))
}

/// Reads the options.
pub(super) fn limits(options: &CallOptions) -> Result<Limits, Error> {
    Ok(Limits {
        amount: options.amount.as_deref().map_or(Ok(0), |text| decimal(text, "the amount"))?,
        max_fee: options.max_fee.as_deref().map_or(Ok(u128::MAX), |text| decimal(text, "max-fee"))?,
        at: options.at.clone(),
    })
}

/// Reads the call. Options that it cannot obey are refused.
pub(super) fn wanted(settings: &Settings, call: Call, limits: &mut Limits) -> Result<Wanted, Error> {
    if call.payload() > u64::from(MAX_PAYLOAD) {
        return Err(Error::new(ErrorCode::TooLarge, format!("a call has at most {MAX_PAYLOAD} bytes")));
    }
    let wanted = match call {
        Call::Evaluate(call) => {
            checked(&call)?;
            if !call.private_arguments.is_empty() {
                return Err(Error::unsupported(
                    "private arguments of reads: they go to the node with a transaction",
                ));
            }
            Wanted::Read(call)
        }
        Call::Invoke(call) => {
            checked(&call)?;
            let mut bare = None;
            let function = match call.abi.as_deref() {
                _ if !abi::is_bare(&call.function) => call.function,
                Some(abi) => abi::signature(&call.function, abi)?,
                None => {
                    bare = Some(call.contract.clone());
                    call.function
                }
            };
            if bare.is_none() {
                abi::check(&function, &call.arguments)?;
            }
            let action = Action::Invoke { contract: call.contract, function, arguments: call.arguments };
            Wanted::Write { action, private: call.private_arguments, bare }
        }
        Call::Deploy(deployment) => {
            Wanted::Write { action: deploy(deployment)?, private: Vec::new(), bare: None }
        }
        Call::Native(call) => native(settings, &call.name, &call.json, limits)?,
    };
    if limits.at.is_some() && !matches!(wanted, Wanted::Read(_)) {
        return Err(Error::unsupported("`at` for anything but `evaluate`"));
    }
    if limits.amount > 0 && !matches!(wanted, Wanted::Write { .. }) {
        return Err(Error::unsupported("sending an amount with a read"));
    }
    Ok(wanted)
}

fn checked(call: &ContractCall) -> Result<(), Error> {
    if call.contract.len() > MAX_NAME {
        return Err(Error::new(ErrorCode::NotFound, "there is no such contract: addresses are shorter"));
    }
    if let Some(abi) = &call.abi {
        abi::functions(abi)?;
    }
    if !abi::is_bare(&call.function) {
        return abi::check(&call.function, &call.arguments);
    }
    if call.function.len() > MAX_NAME {
        return Err(Error::new(ErrorCode::NotFound, "there is no such function: names are shorter"));
    }
    abi::check_values(&call.arguments)
}

/// A deployment as the ledger takes it.
pub(super) fn deploy(deployment: Deployment) -> Result<Action, Error> {
    let Deployment { name, version, code, abi, arguments } = deployment;
    if name.len() > MAX_NAME || version.len() > MAX_NAME {
        return Err(invalid(format!("a contract's name and version have at most {MAX_NAME} bytes each")));
    }
    if let Some(abi) = &abi {
        abi::functions(abi)?;
    }
    abi::check_values(&arguments)?;
    Ok(Action::Deploy { name, version, code, abi, arguments })
}

fn native(settings: &Settings, name: &str, json: &str, limits: &mut Limits) -> Result<Wanted, Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Transfer {
        to: String,
        amount: String,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Account {
        account: String,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Space {
        space: String,
    }
    let write = |action| Ok(Wanted::Write { action, private: Vec::new(), bare: None });
    if name != "transfer" && NATIVE.contains(&name) && limits.amount > 0 {
        return Err(Error::unsupported("sending an amount with this native call"));
    }
    match name {
        "transfer" => {
            let Transfer { to, amount } = read(json, "{\"to\": account, \"amount\": decimal text}")?;
            let amount = decimal(&amount, "`amount`")?;
            if limits.amount > 0 && limits.amount != amount {
                return Err(invalid("the option `amount` is another than the transfer's"));
            }
            limits.amount = amount;
            write(Action::Transfer { to: account(to)? })
        }
        "admit" => {
            let Account { account: named } = read(json, "{\"account\": account}")?;
            write(Action::Admit { account: account(named)? })
        }
        "open-space" => {
            let Space { space } = read(json, "{\"space\": name}")?;
            if !is_name(&space) || space == settings.space {
                return Err(invalid(
                    "a space is 1 to 64 lower-case letters, digits and hyphens, and not this one",
                ));
            }
            write(Action::OpenSpace { space })
        }
        "balance" => {
            let Account { account: named } = read(json, "{\"account\": account}")?;
            Ok(Wanted::Balance(account(named)?))
        }
        _ => Err(Error::unsupported("this native call")),
    }
}

fn read<T: DeserializeOwned>(json: &str, form: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|_| invalid(format!("the native call's JSON is {form}")))
}

/// Refuses what is no account.
pub(super) fn account(text: String) -> Result<String, Error> {
    if is_account(&text) { Ok(text) } else { Err(invalid("an account is m and 40 hexadecimal digits")) }
}

/// What a person reads before signing.
pub(super) fn summary(action: &Action, amount: u128, most: u128) -> String {
    // A character is at most ten bytes so, and all of it less than the standard's 1,024.
    let shown =
        |text: &str, most| -> String { text.chars().take(most).flat_map(char::escape_default).collect() };
    let what = match action {
        Action::Invoke { contract, function, .. } => {
            format!("call {} of contract {}", shown(function, 30), shown(contract, 50))
        }
        Action::Deploy { name, version, .. } => {
            format!("deploy contract {} {}", shown(name, 50), shown(version, 30))
        }
        Action::Transfer { to } => format!("transfer to {to}"),
        Action::Admit { account } => format!("admit {account}"),
        Action::OpenSpace { space } => format!("open the space {space}"),
    };
    format!("{what}; pays {amount} and a fee of at most {most}")
}
