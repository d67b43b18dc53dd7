//! How private keys are read, shown and refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

use adapter_spec::types::{SignatureScheme, SigningInput, Sm2Message};
use berth_crypto::{InputError, KeyError, SignError, SigningKey};

const SCHEMES: [SignatureScheme; 4] = [
    SignatureScheme::EcdsaP256Sha256,
    SignatureScheme::EcdsaSecp256k1Keccak256,
    SignatureScheme::EcdsaSecp256k1Sha256Canonical,
    SignatureScheme::Sm2Sm3,
];

#[test]
fn debug_and_errors_hide_the_secret() {
    let secret = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
    for scheme in SCHEMES {
        let shown = format!("{:?}", SigningKey::from_hex(scheme, secret).unwrap());
        assert!(!shown.to_uppercase().contains(&secret[..16]), "{shown}");
        let error = SigningKey::from_hex(scheme, &secret[1..]).unwrap_err().to_string();
        assert!(!error.contains(&secret[1..9]), "{error}");
    }
}

#[test]
fn keys_that_are_no_scalars_are_refused() {
    for scheme in SCHEMES {
        assert_eq!(SigningKey::from_bytes(scheme, &[0; 32]).unwrap_err(), KeyError::Range);
        assert_eq!(SigningKey::from_bytes(scheme, &[0xff; 32]).unwrap_err(), KeyError::Range);
        assert_eq!(SigningKey::from_bytes(scheme, &[1; 31]).unwrap_err(), KeyError::Length(31));
        assert_eq!(SigningKey::from_hex(scheme, "0xzz").unwrap_err(), KeyError::Hex);
    }
}

#[test]
fn a_pkcs8_pem_is_read_for_p256_and_only_for_it() {
    let pem = "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaWJBcVYaYzQN4OfY\n\
        afKgVJJVjhoEhotqn4VKhmeIGI2hRANCAAQcrP+1Xy8s79idies3SyaBFSRSgC3u\n\
        oJkWBoE32DnPf8SBpESSME1+9mrBF77+g6jQjxVfK1L59hjdRHApBI4P\n\
        -----END PRIVATE KEY-----\n";
    let key = SigningKey::from_pem(SignatureScheme::EcdsaP256Sha256, pem).unwrap();
    assert_eq!(key.public_key().point.len(), 65);
    assert!(matches!(SigningKey::from_pem(SignatureScheme::Sm2Sm3, pem), Err(KeyError::NoPem(_))));
    let truncated = &pem[..pem.len() / 2];
    assert_eq!(SigningKey::from_pem(SignatureScheme::EcdsaP256Sha256, truncated).unwrap_err(), KeyError::Pem);
}

#[test]
fn an_input_of_another_scheme_is_refused_with_its_name() {
    let typed = SigningInput::TypedData("{}".into());
    let sm2 = SigningInput::Sm2(Sm2Message { id: vec![], data: vec![] });
    for scheme in SCHEMES {
        let key = SigningKey::random(scheme).unwrap();
        if scheme != SignatureScheme::Sm2Sm3 {
            assert!(matches!(key.sign(&sm2), Err(SignError::Input(InputError::OtherScheme { .. }))));
        }
        let refused = key.sign(&typed).unwrap_err();
        match scheme {
            SignatureScheme::EcdsaSecp256k1Keccak256 => {
                assert!(matches!(refused, SignError::Input(InputError::TypedData(_))));
            }
            _ => assert!(matches!(refused, SignError::Input(InputError::OtherScheme { .. }))),
        }
        let short = key.sign(&SigningInput::Digest(vec![0; 31])).unwrap_err();
        assert_eq!(short, SignError::Input(InputError::DigestLength(31)));
    }
}

#[test]
fn an_sm2_id_whose_length_in_bits_does_not_fit_16_bits_is_refused() {
    let key = SigningKey::random(SignatureScheme::Sm2Sm3).unwrap();
    let input = |length| SigningInput::Sm2(Sm2Message { id: vec![7; length], data: vec![] });
    assert!(key.sign(&input(8191)).is_ok());
    assert_eq!(key.sign(&input(8192)).unwrap_err(), SignError::Input(InputError::Sm2IdLength(8192)));
}
