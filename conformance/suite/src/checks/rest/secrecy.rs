//! Secrets.

use adapter_spec::types::{Call, ContractCall, Step};

use crate::{
    check::{Checked, Facts, Fault, ensure},
    checks::secrets::{self, Canary, confide},
    trial::{Observed, Trial},
};

pub(super) async fn nowhere(trial: &mut Trial) -> Checked {
    let app = trial.application().await?;
    let (canary, echo) = (Canary::plant(trial), Canary::plant(trial));
    confide(trial, &app, &canary, &echo).await?;
    secrets::nowhere(&app, &canary, &echo)
}

/// The private arguments of each call, where they are long enough to be recognised.
pub(super) fn of_call(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let (Call::Invoke(contract) | Call::Evaluate(contract)) = call.argument::<Call>(0)? else { return None };
    let ContractCall { private_arguments, .. } = contract;
    let long: Vec<_> =
        private_arguments.iter().filter(|(_, value)| (16..512).contains(&value.len())).collect();
    if long.is_empty() {
        return None;
    }
    // A step's own bytes are for the host and the node; all else is looked at.
    let is_step = call.success::<Step>().is_some();
    let said = call.said();
    let shown = said.iter().filter(|(place, _)| !(is_step && *place == "answer")).find(|(_, text)| {
        long.iter().any(|(_, value)| {
            let digits = hex::encode(value);
            let plain = String::from_utf8(value.clone()).unwrap_or_else(|_| digits.clone());
            text.contains(&plain) || text.to_lowercase().contains(&digits)
        })
    });
    Some(shown.map_or(Ok(()), |(place, _)| {
        Err(Fault::new(
            "the planted secret shows nowhere",
            format!("{} shows it in its {place}", call.function),
        ))
    }))
}

/// The words that a name is made of.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        let starts = c.is_uppercase() && words.last().is_some_and(|word| !word.ends_with(char::is_uppercase));
        if !c.is_alphanumeric() || starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.push(c);
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).map(|word| word.to_lowercase()).collect()
}

/// Whether a setting with this name asks for a secret.
fn is_secret(name: &str) -> bool {
    const ALONE: &[&str] = &[
        "password",
        "passphrase",
        "passwd",
        "secret",
        "secrets",
        "mnemonic",
        "credential",
        "credentials",
        "privatekey",
        "secretkey",
        "apikey",
        "accesstoken",
        "authtoken",
        "seedphrase",
        "keystore",
    ];
    const PAIRS: &[(&str, &str)] = &[
        ("private", "key"),
        ("secret", "key"),
        ("signing", "key"),
        ("api", "key"),
        ("access", "token"),
        ("auth", "token"),
        ("bearer", "token"),
        ("api", "token"),
        ("seed", "phrase"),
    ];
    let words = words(name);
    let last = words.last().map(String::as_str);
    // A list of seed nodes and the address of a token are no secrets; a seed and a token are.
    matches!(last, Some("seed" | "token"))
        || words.iter().any(|word| ALONE.contains(&word.as_str()))
        || words.windows(2).any(|pair| match pair {
            [first, second] => PAIRS.contains(&(first.as_str(), second.as_str())),
            _ => false,
        })
}

/// The settings' schema has no place for a secret.
pub(super) async fn settings(trial: &mut Trial) -> Checked {
    let schema = &trial.facts.descriptor.settings_schema;
    let schema: serde_json::Value = serde_json::from_str(schema)
        .map_err(|error| Fault::new("settings-schema is JSON", error.to_string()))?;
    let mut asked = Vec::new();
    secrets::fields(&schema, &mut |name, value| match name {
        "properties" | "patternProperties" => {
            let names = value.as_object().into_iter().flat_map(|properties| properties.keys());
            asked.extend(names.filter(|name| is_secret(name)).cloned());
        }
        "format" if value.as_str() == Some("password") => asked.push("a text of the format password".into()),
        "writeOnly" if value.as_bool() == Some(true) => asked.push("a value that is only written".into()),
        _ => {}
    });
    ensure(asked.is_empty(), "settings without private keys, seeds, passwords and tokens", || {
        format!("the schema asks for {}", asked.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_that_only_sound_so() {
        for name in
            ["password", "privateKey", "signer_private_key", "wallet-seed", "accessToken", "API_KEY", "token"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["seed_nodes", "tokenAddress", "public_key", "chain_id", "keys", "secretary"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
