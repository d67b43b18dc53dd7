//! Who acts: an address and its key.

use adapter_sdk::types::{Error, ErrorCode, Party, PublicKey, SignatureScheme};
use alloy_primitives::{Address, keccak256};

use crate::{abi, errors::invalid};

/// The account that signs and pays.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// Its address.
    pub(crate) address: Address,
    /// SEC1 uncompressed, 65 bytes.
    pub(crate) point: Vec<u8>,
}

impl Sender {
    /// The key in the standard's form.
    pub(crate) fn key(&self) -> PublicKey {
        PublicKey {
            scheme: SignatureScheme::EcdsaSecp256k1Keccak256,
            point: self.point.clone(),
            certificate: None,
        }
    }
}

/// The address of a point: the last 20 bytes of its hash (Yellow Paper, appendix F).
pub(crate) fn address_of(point: &[u8]) -> Option<Address> {
    match point.split_first() {
        Some((4, coordinates)) if coordinates.len() == 64 => Some(Address::from_word(keccak256(coordinates))),
        _ => None,
    }
}

/// The one account of a key.
pub(crate) fn sender_of(key: &PublicKey) -> Result<Sender, Error> {
    if key.scheme != SignatureScheme::EcdsaSecp256k1Keccak256 {
        return Err(invalid("Ethereum takes keys of the scheme ecdsa-secp256k1-keccak256 only"));
    }
    let address = address_of(&key.point)
        .ok_or_else(|| invalid("the key must be an uncompressed point: 65 bytes, the first of them 4"))?;
    Ok(Sender { address, point: key.point.clone() })
}

/// The account of the first party.
pub(crate) fn sender(parties: &[Party]) -> Result<Sender, Error> {
    let [party] = parties else {
        return Err(invalid(format!("a call has one party, not {}", parties.len())));
    };
    let [key] = party.keys.as_slice() else {
        return Err(invalid(format!("an account has one key, not {}", party.keys.len())));
    };
    let sender = sender_of(key)?;
    if let Some(account) = &party.account
        && abi::address(account, "the party's account")? != sender.address
    {
        return Err(Error::new(
            ErrorCode::PermissionDenied,
            format!("the key does not speak for {account}: its account is {}", sender.address),
        ));
    }
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, hex};

    use super::*;

    fn party(scheme: SignatureScheme, point: Vec<u8>, account: Option<&str>) -> Vec<Party> {
        let key = PublicKey { scheme, point, certificate: None };
        vec![Party { account: account.map(Into::into), keys: vec![key] }]
    }

    /// The generator: the public key of the private key 1.
    fn generator() -> Vec<u8> {
        hex!("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8").to_vec()
    }

    #[test]
    fn the_account_is_the_end_of_the_points_hash() {
        let scheme = SignatureScheme::EcdsaSecp256k1Keccak256;
        let expected = address!("7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
        assert_eq!(sender(&party(scheme, generator(), None)).unwrap().address, expected);
        assert!(
            sender(&party(scheme, generator(), Some("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"))).is_ok()
        );
        let other = "0x00000000000000000000000000000000000000aa";
        assert_eq!(
            sender(&party(scheme, generator(), Some(other))).unwrap_err().code,
            ErrorCode::PermissionDenied
        );
    }

    #[test]
    fn other_schemes_and_malformed_points_are_refused() {
        for scheme in [
            SignatureScheme::EcdsaP256Sha256,
            SignatureScheme::EcdsaSecp256k1Sha256Canonical,
            SignatureScheme::Sm2Sm3,
        ] {
            assert_eq!(
                sender(&party(scheme, generator(), None)).unwrap_err().code,
                ErrorCode::InvalidArgument
            );
        }
        let mut compressed = generator();
        compressed[0] = 2;
        for point in [vec![], vec![4; 64], vec![4; 66], compressed] {
            let refused = sender(&party(SignatureScheme::EcdsaSecp256k1Keccak256, point, None));
            assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidArgument);
        }
        assert!(sender(&[]).is_err());
    }
}
