//! A signed request is taken once, from its signer, and unchanged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, in its helpers too")]

use berth_identity::{
    Authority, AuthorityError,
    request::{Nonces, Presented, Refused, SignatureError, Signer, check_digest},
};
use http::{HeaderMap, HeaderValue, Method, Uri};
use jiff::Timestamp;
use proptest::{prelude::*, test_runner::RngSeed};
use rcgen::{CertificateParams, KeyPair};

const NOW: i64 = 1_800_000_000;

struct Enrolled {
    signer: Signer,
    point: Vec<u8>,
}

fn request_pem(key: &KeyPair) -> String {
    CertificateParams::default().serialize_request(key).unwrap().pem().unwrap()
}

fn enrol() -> Enrolled {
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let key = KeyPair::generate().unwrap();
    let enrolled = authority.enrol(&request_pem(&key), "alice", 30, Timestamp::now()).unwrap();
    let signer = Signer::new(&enrolled.certificate_pem, &key.serialize_pem()).unwrap();
    assert_eq!(signer.fingerprint(), enrolled.fingerprint);
    Enrolled { signer, point: enrolled.point }
}

fn uri() -> Uri {
    "/v1/applications/shop/invoke?until=settled".parse().unwrap()
}

/// The headers of a signed request with this body.
fn signed(by: &Enrolled, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("Node.example:443"));
    headers.insert("idempotency-key", HeaderValue::from_static("order-17"));
    by.signer.sign(&Method::POST, &uri(), &mut headers, body, NOW).unwrap();
    headers
}

#[test]
fn a_signed_request_is_its_signers_and_is_taken_once() {
    let alice = enrol();
    let headers = signed(&alice, b"{}");
    let presented = Presented::of(&Method::POST, &uri(), &headers, true).unwrap();
    assert_eq!(presented.signer, alice.signer.fingerprint());
    assert!(presented.verify(&alice.point));
    assert!(!presented.verify(&enrol().point));
    assert!(!presented.verify(&[4; 65]) && !presented.verify(&[]));
    check_digest(headers["content-digest"].as_bytes(), b"{}").unwrap();
    check_digest(headers["content-digest"].as_bytes(), b"{ }").unwrap_err();

    let nonces = Nonces::new(NOW - 100, 60);
    assert_eq!(nonces.take(&presented, NOW), Ok(()));
    assert_eq!(nonces.take(&presented, NOW), Err(Refused::Replayed));
    assert_eq!(nonces.take(&presented, NOW + 60), Err(Refused::Replayed));
    assert_eq!(nonces.take(&presented, NOW + 61), Err(Refused::Stale));
    assert_eq!(nonces.take(&presented, NOW - 6), Err(Refused::Early));
    // Nobody knows what was taken before a restart.
    assert_eq!(Nonces::new(NOW, 60).take(&presented, NOW + 1), Err(Refused::Stale));
}

#[test]
fn a_signature_is_taken_no_longer_than_it_says_and_with_nothing_that_is_not_understood() {
    let alice = enrol();
    let with = |parameter: &str| {
        let mut headers = signed(&alice, b"{}");
        let input = format!("{}{parameter}", headers["signature-input"].to_str().unwrap());
        headers.insert("signature-input", HeaderValue::from_str(&input).unwrap());
        Presented::of(&Method::POST, &uri(), &headers, true)
    };
    let nonces = Nonces::new(NOW - 100, 60);
    let presented = with(&format!(";expires={}", NOW + 2)).unwrap();
    assert!(!presented.verify(&alice.point), "the end is signed too");
    assert_eq!(nonces.take(&presented, NOW + 3), Err(Refused::Stale));
    assert_eq!(nonces.take(&presented, NOW + 2), Ok(()));
    assert_eq!(with(";expires=\"x\"").unwrap_err(), SignatureError::Parameter("expires"));
    assert_eq!(with(";tag=\"another\"").unwrap_err(), SignatureError::Unknown);
}

#[test]
fn whatever_is_changed_on_the_way_is_noticed() {
    let alice = enrol();
    let headers = signed(&alice, b"{}");
    let holds = |method: &Method, uri: &str, headers: &HeaderMap| {
        Presented::of(method, &uri.parse().unwrap(), headers, true)
            .is_ok_and(|presented| presented.verify(&alice.point))
    };
    let path = "/v1/applications/shop/invoke?until=settled";
    assert!(holds(&Method::POST, path, &headers));
    assert!(!holds(&Method::PUT, path, &headers));
    assert!(!holds(&Method::POST, "/v1/applications/shop/invoke", &headers));
    assert!(!holds(&Method::POST, "/v1/applications/other/invoke?until=settled", &headers));
    let changes: [(&'static str, &'static str); 4] = [
        ("host", "other.example"),
        ("idempotency-key", "order-18"),
        ("content-digest", "sha-256=:AAAA:"),
        ("signature", "berth=:AAAA:"),
    ];
    for (name, value) in changes {
        let mut changed = headers.clone();
        changed.insert(name, HeaderValue::from_static(value));
        assert!(!holds(&Method::POST, path, &changed), "{name}");
        changed.append(name, HeaderValue::from_static(value));
        assert!(!holds(&Method::POST, path, &changed), "{name} twice");
        changed.remove(name);
        assert!(!holds(&Method::POST, path, &changed), "without {name}");
    }
}

#[test]
fn what_must_be_covered_and_is_not_is_refused() {
    let input = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("a"));
        headers.insert("content-digest", HeaderValue::from_static("sha-256=:AAAA:"));
        headers.insert("signature-input", HeaderValue::from_str(text).unwrap());
        headers.insert("signature", HeaderValue::from_static("s=:AAAA:"));
        Presented::of(&Method::POST, &uri(), &headers, true).map(drop)
    };
    let keyid = "00".repeat(32);
    let rest = format!(";created=1;keyid=\"{keyid}\";nonce=\"12345678\"");
    let all = r#""@method" "@authority" "@path" "@query" "content-digest""#;
    assert_eq!(input(&format!("s=({all}){rest}")), Ok(()));
    assert_eq!(
        input(&format!(r#"s=("@method" "@path" "@query" "content-digest"){rest}"#)),
        Err(SignatureError::NotCovered("@authority"))
    );
    assert_eq!(
        input(&format!(r#"s=("@method" "@authority" "@path" "@query"){rest}"#)),
        Err(SignatureError::NotCovered("content-digest"))
    );
    assert_eq!(input(&format!(r#"s=({all} "x-other"){rest}"#)), Err(SignatureError::Component));
    assert_eq!(input(&format!(r#"s=({all} "@method"){rest}"#)), Err(SignatureError::Component));
    assert_eq!(
        input(&format!(r#"s=("@method";req "@authority" "@path" "@query"){rest}"#)),
        Err(SignatureError::Component)
    );
    assert_eq!(
        input(&format!("s=({all});created=1;keyid=\"{keyid}\"")),
        Err(SignatureError::Parameter("nonce"))
    );
    assert_eq!(input(&format!("s=({all}){rest};alg=\"rsa-pss-sha512\"")), Err(SignatureError::Algorithm));
    assert_eq!(input(&format!("s=({all}){rest}, t=({all}){rest}")), Err(SignatureError::Malformed));
    assert_eq!(input(&format!("t=({all}){rest}")), Err(SignatureError::Malformed));
    assert_eq!(input("s"), Err(SignatureError::Malformed));
}

#[test]
fn a_certificate_is_given_for_a_p256_key_that_the_sender_has_and_for_a_plain_name() {
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let key = KeyPair::generate().unwrap();
    let enrol = |pem: &str, name: &str| authority.enrol(pem, name, 30, Timestamp::now()).map(drop);
    let request = request_pem(&key);
    assert!(enrol(&request, "alice").is_ok());
    for name in ["", "Alice", "a/b", "-a", "a b", &"a".repeat(65)] {
        assert!(matches!(enrol(&request, name), Err(AuthorityError::Name)), "{name}");
    }
    let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    assert!(matches!(enrol(&request_pem(&other), "alice"), Err(AuthorityError::OtherKey)));
    let mut damaged = request.into_bytes();
    let at = damaged.len() - 60;
    damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
    assert!(enrol(std::str::from_utf8(&damaged).unwrap(), "alice").is_err());
    assert!(matches!(enrol(&"x".repeat(20_000), "alice"), Err(AuthorityError::Request)));
}

#[test]
fn an_authority_is_the_same_after_it_was_kept() {
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let again = Authority::load(authority.certificate_pem(), &authority.key_pem()).unwrap();
    assert_eq!(again.certificate_pem(), authority.certificate_pem());
    let issued = again.issue_server(&["localhost".into(), "127.0.0.1".into()], 30, Timestamp::now()).unwrap();
    assert_eq!(issued.chain_pem.matches("BEGIN CERTIFICATE").count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn no_header_makes_the_decoders_panic(input in "[ -~]{0,200}", signature in "[ -~]{0,100}", digest in "[ -~]{0,80}") {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("a"));
        headers.insert("signature-input", HeaderValue::from_str(&input).unwrap());
        headers.insert("signature", HeaderValue::from_str(&signature).unwrap());
        let _ = Presented::of(&Method::GET, &uri(), &headers, false).map(|presented| presented.verify(&[4; 65]));
        let _ = check_digest(digest.as_bytes(), b"");
    }
}
