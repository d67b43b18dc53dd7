//! The private key of the one who calls.

use std::env;

use adapter_spec::types::{Descriptor, Party, PublicKey};
use berth_crypto::SigningKey;
use zeroize::Zeroizing;

use super::values::Bytes;
use crate::files;
use crate::{arguments::Common, failure::Failure};

/// The environment variable that may have the key.
const VARIABLE: &str = "BERTH_KEY";
/// The most bytes of a key's file.
const MOST: u64 = 64 << 10;

/// The key, where one is given.
pub(super) fn given(common: &Common, descriptor: &Descriptor) -> Result<Option<SigningKey>, Failure> {
    let (text, from) = match &common.key {
        Some(path) => {
            let bytes = Zeroizing::new(files::read_at_most(path, MOST)?);
            let text = std::str::from_utf8(&bytes)
                .map_err(|error| Failure::host(format!("{} is no text", path.display()), &error))?;
            (Zeroizing::new(text.to_owned()), path.display().to_string())
        }
        None => match env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => (Zeroizing::new(text), VARIABLE.into()),
            _ => return Ok(None),
        },
    };
    let scheme = common.scheme.or_else(|| descriptor.schemes.first().copied()).ok_or_else(|| {
        Failure::usage("the adapter's descriptor names no signature scheme").next("Name one with --scheme.")
    })?;
    let key = if text.contains("-----BEGIN") {
        SigningKey::from_pem(scheme, &text)
    } else {
        SigningKey::from_hex(scheme, &text)
    };
    key.map(Some).map_err(|error| Failure::usage(format!("the key in {from} cannot be used: {error}")))
}

/// The key of a call that cannot do without.
pub(super) fn needed(common: &Common, descriptor: &Descriptor) -> Result<SigningKey, Failure> {
    given(common, descriptor)?.ok_or_else(|| {
        Failure::usage("this call is signed, and no key is given").next(format!(
            "Name a file that has it with --key, or put it into the environment variable {VARIABLE}; for keys that are \
             elsewhere there are begin and resume."
        ))
    })
}

/// A public key that was given as such, else the private key's.
pub(super) fn public(
    given_point: Option<Bytes>,
    common: &Common,
    descriptor: &Descriptor,
) -> Result<PublicKey, Failure> {
    let Some(Bytes(point)) = given_point else { return Ok(needed(common, descriptor)?.public_key()) };
    let scheme = common.scheme.or_else(|| descriptor.schemes.first().copied()).ok_or_else(|| {
        Failure::usage("the adapter's descriptor names no signature scheme").next("Name one with --scheme.")
    })?;
    Ok(PublicKey { scheme, point, certificate: None })
}

/// Who acts with this key.
pub(super) fn party(common: &Common, key: PublicKey) -> Vec<Party> {
    vec![Party { account: common.account.clone(), keys: vec![key] }]
}
