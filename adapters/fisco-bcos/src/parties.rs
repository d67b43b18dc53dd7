//! Who acts: an address and its key.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode, Party, PublicKey},
};
use alloy_primitives::Address;

use crate::{crypto::Crypto, errors::invalid, transaction::shown};

/// The account that signs.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// Its address.
    pub(crate) address: Address,
    /// Its key's coordinates, 64 bytes.
    pub(crate) coordinates: Vec<u8>,
}

/// The one account of a key.
pub(crate) fn sender_of(host: &dyn Imports, crypto: Crypto, key: &PublicKey) -> Result<Sender, Error> {
    if key.scheme != crypto.scheme() {
        return Err(invalid(format!(
            "the key is of another kind than the chain's: see the setting `crypto`, which is {}",
            crypto.name()
        )));
    }
    match key.point.split_first() {
        Some((4, coordinates)) if coordinates.len() == 64 => {
            Ok(Sender { address: crypto.address(host, coordinates), coordinates: coordinates.to_vec() })
        }
        _ => Err(invalid("the key must be an uncompressed point: 65 bytes, the first of them 4")),
    }
}

/// The account of the first party.
pub(crate) fn sender(host: &dyn Imports, crypto: Crypto, parties: &[Party]) -> Result<Sender, Error> {
    let [party] = parties else {
        return Err(invalid(format!("a call has one party, not {}", parties.len())));
    };
    let [key] = party.keys.as_slice() else {
        return Err(invalid(format!("an account has one key, not {}", party.keys.len())));
    };
    let sender = sender_of(host, crypto, key)?;
    if let Some(account) = &party.account
        && adapter_evm_abi::address(account, "the party's account")? != sender.address
    {
        return Err(Error::new(
            ErrorCode::PermissionDenied,
            format!("the key does not speak for {account}: its account is {}", shown(sender.address)),
        ));
    }
    Ok(sender)
}
