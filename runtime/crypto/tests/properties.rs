//! What holds for every key and input, with other implementations as judges.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

use adapter_spec::types::{HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput, Sm2Message};
use berth_crypto::{DEFAULT_SM2_ID, SigningKey, hash, recover, verify};
use proptest::{collection::vec, prelude::*};
use sm2::{dsa::signature::hazmat::PrehashVerifier as _, elliptic_curve::scalar::IsHigh as _};

fn scheme() -> impl Strategy<Value = SignatureScheme> {
    prop_oneof![
        Just(SignatureScheme::EcdsaP256Sha256),
        Just(SignatureScheme::EcdsaSecp256k1Keccak256),
        Just(SignatureScheme::EcdsaSecp256k1Sha256Canonical),
        Just(SignatureScheme::Sm2Sm3),
    ]
}

/// Any 32 bytes below every curve's order.
fn secret() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>().prop_map(|mut bytes| {
        bytes[0] &= 0x7f;
        bytes[31] |= 1;
        bytes
    })
}

fn input() -> impl Strategy<Value = SigningInput> {
    prop_oneof![
        vec(any::<u8>(), 0..80).prop_map(SigningInput::Message),
        vec(any::<u8>(), 30..34).prop_map(SigningInput::Digest),
        ".{0,60}".prop_map(SigningInput::TypedData),
        (vec(any::<u8>(), 0..20), vec(any::<u8>(), 0..40))
            .prop_map(|(id, data)| SigningInput::Sm2(Sm2Message { id, data })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_verifies_and_the_same_input_gives_the_same_signature(
        scheme in scheme(), secret in secret(), data in vec(any::<u8>(), 0..200),
    ) {
        let key = SigningKey::from_bytes(scheme, &secret).unwrap();
        let input = SigningInput::Message(data);
        let signature = key.sign(&input).unwrap();
        prop_assert!(verify(&key.public_key(), &input, &signature));
        prop_assert_eq!(&key.sign(&input).unwrap(), &signature);
        if scheme == SignatureScheme::EcdsaSecp256k1Sha256Canonical {
            prop_assert!(signature.bytes[0] < 0x80 && signature.bytes[32] < 0x80);
        }
    }

    #[test]
    fn a_changed_byte_never_verifies(
        scheme in scheme(), secret in secret(), data in vec(any::<u8>(), 1..64), at in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let key = SigningKey::from_bytes(scheme, &secret).unwrap();
        let public = key.public_key();
        let signature = key.sign(&SigningInput::Message(data.clone())).unwrap();

        let mut other = data.clone();
        other[at.index(data.len())] ^= change;
        prop_assert!(!verify(&public, &SigningInput::Message(other), &signature));
        let input = SigningInput::Message(data);
        let mut other = signature.clone();
        other.bytes[at.index(64)] ^= change;
        prop_assert!(!verify(&public, &input, &other));
        let mut other = public.clone();
        other.point[at.index(65)] ^= change;
        prop_assert!(!verify(&other, &input, &signature));
        let flipped = signature.recovery_id.map_or(0, |id| id ^ 1);
        let other = Signature { recovery_id: Some(flipped), ..signature };
        prop_assert!(!verify(&public, &input, &other));
    }

    #[test]
    fn random_bytes_neither_verify_nor_panic(
        scheme in scheme(), point in vec(any::<u8>(), 0..70), input in input(), bytes in vec(any::<u8>(), 60..68),
        recovery_id in any::<Option<u8>>(), secret in secret(),
    ) {
        let signature = Signature { bytes, recovery_id };
        let random = PublicKey { scheme, point, certificate: None };
        prop_assert!(!verify(&random, &input, &signature));
        let key = SigningKey::from_bytes(scheme, &secret).unwrap();
        prop_assert!(!verify(&key.public_key(), &input, &signature));
        if let Ok(signature) = key.sign(&input) {
            prop_assert!(verify(&key.public_key(), &input, &signature));
        }
        if let SigningInput::Digest(digest) = &input {
            let _ = recover(scheme, digest, &signature);
        }
    }

    #[test]
    fn random_json_as_typed_data_never_panics(types in "[A-Za-z0-9\\[\\]\\(\\), ]{0,24}", value in ".{0,16}") {
        let key = SigningKey::from_bytes(SignatureScheme::EcdsaSecp256k1Keccak256, &[1; 32]).unwrap();
        let json = serde_json::json!({
            "types": {"A": [{"name": "a", "type": types}]}, "primaryType": "A", "domain": {}, "message": {"a": value},
        });
        let _ = key.sign(&SigningInput::TypedData(json.to_string()));
    }

    #[test]
    fn secp256k1_agrees_with_libsecp256k1(secret in secret(), digest in any::<[u8; 32]>()) {
        let scheme = SignatureScheme::EcdsaSecp256k1Keccak256;
        let key = SigningKey::from_bytes(scheme, &secret).unwrap();
        let ours = key.sign(&SigningInput::Digest(digest.to_vec())).unwrap();
        let oracle = secp256k1::Secp256k1::new();
        let theirs = oracle.sign_ecdsa_recoverable(
            secp256k1::Message::from_digest(digest),
            &secp256k1::SecretKey::from_byte_array(secret).unwrap(),
        );
        let (id, bytes) = theirs.serialize_compact();
        prop_assert_eq!(&ours.bytes[..], &bytes[..]);
        prop_assert_eq!(ours.recovery_id.map(i32::from), Some(i32::from(id)));
        prop_assert_eq!(recover(scheme, &digest, &ours), Some(key.public_key().point));
    }

    #[test]
    fn what_is_taken_on_secp256k1_is_what_k256_takes(
        secret in secret(),
        digest in any::<[u8; 32]>(),
        changed in prop::option::of((0_usize..64, 1_u8..)),
        high in any::<bool>(),
        id in prop::option::of(0_u8..4),
    ) {
        let scheme = SignatureScheme::EcdsaSecp256k1Keccak256;
        let key = SigningKey::from_bytes(scheme, &secret).unwrap();
        let mut signature = key.sign(&SigningInput::Digest(digest.to_vec())).unwrap();
        if let Some((at, with)) = changed {
            signature.bytes[at] ^= with;
        }
        let parsed = k256::ecdsa::Signature::from_slice(&signature.bytes).ok();
        if let Some(parsed) = parsed.filter(|_| high) {
            let mirrored = k256::ecdsa::Signature::from_scalars(*parsed.r(), -*parsed.s()).unwrap();
            signature.bytes = mirrored.to_bytes().to_vec();
        }
        let parsed = k256::ecdsa::Signature::from_slice(&signature.bytes).ok();
        let low = parsed.filter(|parsed| !bool::from(parsed.s().is_high()));
        let point = key.public_key().point;
        let known = k256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
        let verifies = low.is_some_and(|low| known.verify_prehash(&digest, &low).is_ok());
        let recovered = low.zip(id.filter(|id| *id <= 1)).and_then(|(low, id)| {
            let id = k256::ecdsa::RecoveryId::from_byte(id)?;
            let key = k256::ecdsa::VerifyingKey::recover_from_prehash(&digest, &low, id).ok()?;
            Some(key.to_sec1_point(false).as_bytes().to_vec())
        });
        let input = SigningInput::Digest(digest.to_vec());
        signature.recovery_id = None;
        prop_assert_eq!(verify(&key.public_key(), &input, &signature), verifies);
        signature.recovery_id = id;
        prop_assert_eq!(recover(scheme, &digest, &signature), recovered.clone());
        let is_the_signers = id.is_none() && verifies || recovered == Some(point);
        prop_assert_eq!(verify(&key.public_key(), &input, &signature), is_the_signers);
    }

    #[test]
    fn a_message_and_its_digest_verify_alike_on_p256(
        secret in secret(),
        data in vec(any::<u8>(), 0..100),
        changed in prop::option::of((0_usize..64, 1_u8..)),
    ) {
        let key = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &secret).unwrap();
        let message = SigningInput::Message(data.clone());
        let mut signature = key.sign(&message).unwrap();
        if let Some((at, with)) = changed {
            signature.bytes[at] ^= with;
        }
        let digest = SigningInput::Digest(hash(HashAlgorithm::Sha256, &data).to_vec());
        let verifies = verify(&key.public_key(), &message, &signature);
        prop_assert_eq!(verifies, changed.is_none());
        prop_assert_eq!(verify(&key.public_key(), &digest, &signature), verifies);
    }

    #[test]
    fn p256_agrees_with_ring(secret in secret(), data in vec(any::<u8>(), 0..100)) {
        let key = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &secret).unwrap();
        let signature = key.sign(&SigningInput::Message(data.clone())).unwrap();
        let oracle = ring::signature::UnparsedPublicKey::new(
            &ring::signature::ECDSA_P256_SHA256_FIXED,
            key.public_key().point,
        );
        prop_assert!(oracle.verify(&data, &signature.bytes).is_ok());
    }

    #[test]
    fn sm2_agrees_with_libsm(secret in secret(), data in vec(any::<u8>(), 0..100), id in "[a-z]{0,20}") {
        let key = SigningKey::from_bytes(SignatureScheme::Sm2Sm3, &secret).unwrap();
        let input = SigningInput::Sm2(Sm2Message { id: id.clone().into_bytes(), data: data.clone() });
        let signature = key.sign(&input).unwrap();
        let oracle = libsm::sm2::signature::SigCtx::new();
        let point = oracle.load_pubkey(&key.public_key().point).unwrap();
        let digest = oracle.hash(&id, &point, &data).unwrap();
        let parsed = libsm::sm2::signature::Signature::new(&signature.bytes[..32], &signature.bytes[32..]);
        prop_assert!(oracle.verify_raw(&digest, &point, &parsed).unwrap());
        let standard = key.sign(&SigningInput::Message(data.clone())).unwrap();
        let same = SigningInput::Sm2(Sm2Message { id: DEFAULT_SM2_ID.to_vec(), data });
        prop_assert!(verify(&key.public_key(), &same, &standard));
    }

    #[test]
    fn hashing_agrees_with_ring(data in vec(any::<u8>(), 0..300)) {
        let theirs = ring::digest::digest(&ring::digest::SHA256, &data);
        prop_assert_eq!(&hash(HashAlgorithm::Sha256, &data)[..], theirs.as_ref());
    }
}
