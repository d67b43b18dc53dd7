//! Issuing: draft, signatures, log, and the door at the end; keys and envelopes against published vectors.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod world;

use berth_admission::{
    Admission, Bundle, Past, Places,
    certificate::CertificateFault,
    dsse::{Envelope, pre_authentication_encoding},
    evidence::EvidenceFault,
    issue::IssueError,
    keys::{PrivateKey, PublicKey, SignatureFault},
    log::store::Log,
    revocation::{RevocationList, Revoked, RevokedKind},
};
use p256::pkcs8::EncodePrivateKey as _;
use world::{ORIGIN, WITNESS, WITNESS_KEY, key, now, time};

fn draft() -> Bundle {
    let certificate = world::certificate();
    let test = world::test_result(&certificate);
    Bundle::draft(&world::component(&world::IMPORTS), certificate, test).unwrap()
}

#[test]
fn what_is_drafted_signed_and_logged_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = world::component(&world::IMPORTS);
    let mut bundle = draft();
    // The draft travels as a file between certifiers.
    for certifier in [1, 2] {
        bundle = Bundle::from_json(&bundle.to_json()).unwrap();
        bundle.sign(&file, &key(certifier)).unwrap();
    }
    let mut log = Log::create(&folder.path().join("log"), ORIGIN, WITNESS, &key(WITNESS_KEY)).unwrap();
    assert_eq!(bundle.enter(&mut log, WITNESS, &key(WITNESS_KEY)).unwrap(), 0);
    // The log goes on; a newer proof is as good as the first.
    log.append(b"somebody else's", WITNESS, &key(WITNESS_KEY)).unwrap();
    let first = bundle.to_json();
    assert_eq!(bundle.enter(&mut log, WITNESS, &key(WITNESS_KEY)).unwrap(), 0);
    assert_ne!(bundle.to_json(), first);

    let places =
        Places { memory: folder.path().join("memory.json"), audit: folder.path().join("audit.jsonl") };
    let door = Admission::open(world::policy(), &places, Past::Whole, now()).unwrap();
    door.take_revocation_list(&world::signed_list(&world::list(), &[1, 2]), now()).unwrap();
    for json in [first, bundle.to_json()] {
        door.admit(file.clone().into(), &world::terms(Some(&json)), now()).unwrap();
    }
}

#[test]
fn nothing_is_drafted_that_nobody_could_accept() {
    let file = world::component(&world::IMPORTS);
    let mut failed = world::certificate();
    failed.counts.fail = 1;
    let refused = Bundle::draft(&file, failed.clone(), world::test_result(&failed));
    assert!(matches!(refused, Err(IssueError::Certificate(CertificateFault::NotConformant { .. }))));

    let certificate = world::certificate();
    let mut test = world::test_result(&certificate);
    test.passed_tests.pop();
    let refused = Bundle::draft(&file, certificate.clone(), test);
    assert!(matches!(refused, Err(IssueError::Evidence(EvidenceFault::OtherCount { .. }))));

    let other = world::component(&["bsn:framework/state@0.1.0"]);
    let refused = Bundle::draft(&other, certificate.clone(), world::test_result(&certificate));
    assert!(matches!(refused, Err(IssueError::ImportNotListed(_))));
    let refused = Bundle::draft(b"ELF", certificate.clone(), world::test_result(&certificate));
    assert!(matches!(refused, Err(IssueError::Component(_))));
}

#[test]
fn a_certifier_signs_only_what_is_about_the_file_at_hand() {
    let mut bundle = draft();
    let refused = bundle.sign(b"another file", &key(1));
    assert!(matches!(refused, Err(IssueError::OtherFile { .. })));
    assert!(bundle.certificate.signatures.is_empty());
}

#[test]
fn an_unsigned_draft_is_not_logged_and_a_logged_one_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let file = world::component(&world::IMPORTS);
    let mut log = Log::create(folder.path(), ORIGIN, WITNESS, &key(WITNESS_KEY)).unwrap();
    let mut bundle = draft();
    let refused = bundle.enter(&mut log, WITNESS, &key(WITNESS_KEY));
    assert!(matches!(refused, Err(IssueError::Unsigned)));
    bundle.sign(&file, &key(1)).unwrap();
    bundle.enter(&mut log, WITNESS, &key(WITNESS_KEY)).unwrap();
    assert!(matches!(bundle.sign(&file, &key(2)), Err(IssueError::InLog)));
}

#[test]
fn signing_twice_with_one_key_leaves_one_signature() {
    let file = world::component(&world::IMPORTS);
    let mut bundle = draft();
    bundle.sign(&file, &key(1)).unwrap();
    bundle.sign(&file, &key(1)).unwrap();
    assert_eq!(bundle.certificate.signatures.len(), 1);
}

#[test]
fn each_list_follows_the_one_before_and_forgets_nothing() {
    let first = {
        let mut list = RevocationList::next(None, time("2026-01-01T00:00:00Z"), time("2026-01-08T00:00:00Z"));
        let digest = berth_admission::Digest::of(b"bad");
        for reason in ["bad", "bad again"] {
            let when = list.issued;
            list.revoke(Revoked { kind: RevokedKind::Component, digest, reason: reason.into(), when });
        }
        list.demand_security_version("notebook", 3);
        list.demand_security_version("notebook", 2);
        list
    };
    let second =
        RevocationList::next(Some(&first), time("2026-01-02T00:00:00Z"), time("2026-01-09T00:00:00Z"));
    assert_eq!((first.number, second.number, second.revoked.len()), (1, 2, 1));
    assert_eq!(second.minimum_security_versions["notebook"], 3);
}

// ---- Keys and envelopes -----------------------------------------------------------------------------------

#[test]
fn the_pre_authentication_encoding_is_that_of_the_specification() {
    assert_eq!(
        pre_authentication_encoding("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(pre_authentication_encoding("", b""), b"DSSEv1 0  0 ");
    // Lengths are in bytes.
    assert_eq!(pre_authentication_encoding("\u{e9}", b"x"), "DSSEv1 2 \u{e9} 1 x".as_bytes());
}

#[test]
fn keys_survive_their_pem_and_other_curves_are_refused() {
    let private = PrivateKey::generate().unwrap();
    let again = PrivateKey::from_pem(&private.to_pem().unwrap()).unwrap();
    assert!(again.public() == private.public());
    let public = PublicKey::from_pem(&format!("\n{}\n", private.public().to_pem().unwrap())).unwrap();
    assert_eq!((public.id(), &public), (private.public().id(), private.public()));
    assert_eq!(public.id(), berth_admission::Digest::of(public.spki()));

    assert!(PublicKey::from_pem(&private.to_pem().unwrap()).is_err());
    assert!(PrivateKey::from_pem(&private.public().to_pem().unwrap()).is_err());
    // A P-384 key, made with OpenSSL.
    let p384 = "-----BEGIN PUBLIC KEY-----\n\
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAElkobt9zoIz63Aesb5naehzLnDbcAhmxx\n\
        xYSjT94ojakD2NQlCXxpeGqYhTRelgL1gCE6dSZe9az4Yp03KWrhdK1O3CjhxbII\n\
        Y/u91IVUG+8y3aLti7UFnmId0OSel8Kw\n-----END PUBLIC KEY-----\n";
    assert!(PublicKey::from_pem(p384).is_err());
}

#[test]
fn a_key_with_a_compressed_point_is_the_same_key() {
    use p256::pkcs8::EncodePublicKey as _;
    let public = key(5).public().clone();
    let point = p256::ecdsa::VerifyingKey::from_sec1_bytes(&public.spki()[26..]).unwrap();
    let compressed = point.to_sec1_point(true);
    let key = p256::PublicKey::from_sec1_bytes(compressed.as_bytes()).unwrap();
    let pem = key.to_public_key_pem(p256::pkcs8::LineEnding::LF).unwrap();
    assert_eq!(PublicKey::from_pem(&pem).unwrap().id(), public.id());
}

#[test]
fn what_is_signed_is_always_in_the_one_spelling_that_is_taken() {
    let key = key(7);
    for number in 0..200_u32 {
        let message = number.to_be_bytes();
        let signature = key.sign(&message);
        key.public().verify(&message, &signature).unwrap();
        assert_eq!(signature, key.sign(&message));
        assert_eq!(key.public().verify(b"other", &signature), Err(SignatureFault::NoTrustedKey));
    }
}

#[test]
fn the_specification_s_signature_is_made_and_taken() {
    // d of the DSSE protocol's test vector, whose signature is deterministic as ours are; there r and s are raw.
    let d = "97358161215184420915383655311931858321456579547487070936769975997791359926199";
    let scalar = decimal_to_bytes(d);
    let signing = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let key = PrivateKey::from_pem(&signing.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).unwrap()).unwrap();
    let mut envelope = Envelope::unsigned("http://example.com/HelloWorld", b"hello world".to_vec());
    envelope.sign(&key);
    let raw = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";
    let published = p256::ecdsa::Signature::from_slice(
        &base64::Engine::decode(&base64::engine::general_purpose::STANDARD, raw).unwrap(),
    )
    .unwrap()
    .normalize_s();
    assert_eq!(envelope.signatures[0].signature, published.to_der().as_bytes());
    envelope.verify(&[key.public().clone()], 1).unwrap();
}

/// A decimal number as 32 bytes, big-endian.
fn decimal_to_bytes(decimal: &str) -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    for digit in decimal.bytes() {
        let mut carry = u16::from(digit - b'0');
        for byte in bytes.iter_mut().rev() {
            let value = u16::from(*byte) * 10 + carry;
            *byte = value as u8;
            carry = value >> 8;
        }
    }
    bytes
}
