//! Published vectors.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

use adapter_spec::types::{HashAlgorithm, Signature, SignatureScheme, SigningInput, Sm2Message};
use berth_crypto::{SigningKey, hash, recover, verify};

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

#[test]
fn hashes_are_the_published_ones() {
    let cases = [
        (HashAlgorithm::Sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            HashAlgorithm::DoubleSha256,
            "hello",
            "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50",
        ),
        (HashAlgorithm::Keccak256, "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        // GB/T 32905, A.1.
        (HashAlgorithm::Sm3, "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    ];
    for (algorithm, data, expected) in cases {
        assert_eq!(hex::encode(hash(algorithm, data.as_bytes())), expected, "{algorithm:?}");
    }
}

#[test]
fn p256_signs_as_rfc_6979_says_with_s_in_the_lower_half() {
    let scheme = SignatureScheme::EcdsaP256Sha256;
    let key =
        SigningKey::from_hex(scheme, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
            .unwrap();
    assert_eq!(
        key.public_key().point,
        bytes(
            "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
             7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"
        )
    );
    let test = key.sign(&SigningInput::Message(b"test".to_vec())).unwrap();
    assert_eq!(
        test.bytes,
        bytes(
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367\
             019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
        )
    );
    // The published s for "sample" is in the upper half: refused as it is, and signed as its counterpart.
    let sample = SigningInput::Message(b"sample".to_vec());
    let high = bytes(
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
         F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    );
    let ours = key.sign(&sample).unwrap();
    assert_eq!(ours.bytes[..32], high[..32]);
    assert_ne!(ours.bytes[32..], high[32..]);
    assert!(verify(&key.public_key(), &sample, &ours));
    assert!(!verify(&key.public_key(), &sample, &Signature { bytes: high, recovery_id: None }));
}

#[test]
fn the_transaction_of_eip_155_is_signed_as_published_and_recovers_its_sender() {
    let scheme = SignatureScheme::EcdsaSecp256k1Keccak256;
    let key = SigningKey::from_bytes(scheme, &[0x46; 32]).unwrap();
    let digest = bytes("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    let signature = key.sign(&SigningInput::Digest(digest.clone())).unwrap();
    assert_eq!(
        signature.bytes,
        bytes(
            "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276\
             67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
        )
    );
    assert_eq!(signature.recovery_id, Some(0));
    let point = recover(scheme, &digest, &signature).unwrap();
    assert_eq!(point, key.public_key().point);
    let address = hash(HashAlgorithm::Keccak256, &point[1..]);
    assert_eq!(hex::encode(&address[12..]), "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
}

#[test]
fn the_example_of_gb_t_32918_5_verifies_with_the_default_id_and_with_the_same_id_given() {
    let scheme = SignatureScheme::Sm2Sm3;
    let key =
        SigningKey::from_hex(scheme, "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
            .unwrap();
    let public = key.public_key();
    assert_eq!(
        public.point,
        bytes(
            "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
             CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
        )
    );
    let signature = Signature {
        bytes: bytes(
            "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
             B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
        ),
        recovery_id: None,
    };
    let data = b"message digest".to_vec();
    let sm2 = |id: &[u8]| SigningInput::Sm2(Sm2Message { id: id.to_vec(), data: data.clone() });
    let za = bytes("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3");
    let e = hash(HashAlgorithm::Sm3, &[za, data.clone()].concat());
    assert_eq!(hex::encode_upper(e), "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    assert!(verify(&public, &SigningInput::Message(data.clone()), &signature));
    assert!(verify(&public, &sm2(b"1234567812345678"), &signature));
    assert!(verify(&public, &SigningInput::Digest(e.to_vec()), &signature));
    assert!(!verify(&public, &sm2(b"another id"), &signature));
    assert!(!verify(&public, &sm2(b""), &signature));
}
