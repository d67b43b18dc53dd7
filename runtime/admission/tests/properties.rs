//! Decoders meet arbitrary bytes: they may say no, and never panic. What encodes, decodes to the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod world;

use berth_admission::{
    Bundle, Digest, Policy, component,
    dsse::{Envelope, EnvelopeSignature},
    json,
    keys::PublicKey,
    log::{
        checkpoint::Checkpoint,
        merkle::TreeHead,
        note::{NoteSignature, SignedNote},
        proof::LogProof,
    },
    revocation::RevocationList,
};
use proptest::{collection::vec, prelude::*};
use world::Attempt;

/// Everything that decodes bytes from outside.
fn decode_all(bytes: &[u8]) {
    let keys = &world::policy().certifiers.keys;
    let _ = json::check(bytes, 1 << 20);
    if let Ok(envelope) = Envelope::from_json(bytes) {
        let _ = RevocationList::verify(&envelope, keys, 1);
    }
    let _ = Bundle::from_json(bytes);
    let _ = Policy::from_toml(bytes);
    let _ = component::imports(bytes);
    let _ = keys[0].verify(b"message", bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = SignedNote::parse(text);
        let _ = Checkpoint::from_text(text);
        let _ = LogProof::parse(text);
        let _ = PublicKey::from_pem(text);
        let _ = text.parse::<Digest>();
    }
}

/// Good examples of every format, to be damaged.
fn samples() -> Vec<Vec<u8>> {
    let issued = Attempt::default().issue();
    let bundle = Bundle::from_json(&issued.json).unwrap();
    let proof = bundle.log_proof.clone().unwrap();
    vec![
        issued.file,
        bundle.certificate.to_json(),
        bundle.certificate.payload,
        bundle.certificate.signatures[0].signature.clone(),
        LogProof::parse(&proof).unwrap().checkpoint.into_bytes(),
        proof.into_bytes(),
        issued.json,
        world::signed_list(&world::list(), &[1, 2]),
        toml_policy().into_bytes(),
    ]
}

fn toml_policy() -> String {
    let certifier = world::key(1).public().to_pem().unwrap();
    let witness = world::key(9).public().to_pem().unwrap();
    format!(
        "version = 1\nmode = \"warn\"\n[certifiers]\nthreshold = 1\nkeys = ['''{certifier}''']\n[log]\norigin = \"log\"\n\
         threshold = 1\nwitnesses = [{{ name = \"w\", key = '''{witness}''' }}]\n[[standards]]\nversion = \"0.1.0\"\n\
         [[suites]]\nversion = \"0.1.0\"\n"
    )
}

#[test]
fn every_sample_is_good_before_it_is_damaged() {
    Policy::from_toml(toml_policy().as_bytes()).unwrap();
    assert!(matches!(Attempt::default().run(), world::Outcome::Admitted(_)));
}

fn digests() -> impl Strategy<Value = Vec<Digest>> {
    vec(any::<[u8; 32]>().prop_map(Digest::from), 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn random_bytes_panic_no_decoder(bytes in vec(any::<u8>(), 0..600)) {
        decode_all(&bytes);
    }

    #[test]
    fn random_text_panics_no_decoder(text in "[{}\\[\\]\":,a-z0-9 \n\u{2014}+/=.-]{0,300}") {
        decode_all(text.as_bytes());
    }

    #[test]
    fn damaged_samples_panic_no_decoder(
        which in 0_usize..9, place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = samples().swap_remove(which);
        let place = place.index(bytes.len());
        if cut { bytes.truncate(place) } else { bytes[place] = byte }
        decode_all(&bytes);
    }

    /// A flipped bit anywhere in a bundle is noticed, or changes nothing that is believed.
    #[test]
    fn a_flipped_bit_in_a_bundle_never_lets_in_something_else(
        place in any::<prop::sample::Index>(), bit in 0_u8..8,
    ) {
        let attempt = Attempt::default();
        let issued = attempt.issue();
        let mut json = issued.json;
        let place = place.index(json.len());
        json[place] ^= 1 << bit;
        let policy = world::policy();
        let list = world::list();
        let floor = berth_admission::memory::Floor::default();
        let grounds = berth_admission::verify::Grounds {
            policy: &policy, list: Some(&list), floor: &floor, now: world::now(),
        };
        let offer = berth_admission::verify::Offer {
            file: &issued.file, bundle: Some(&json), tier: attempt.certificate.tier, name: None, limits: None,
        };
        if let Ok(verified) = berth_admission::verify::verify(&offer, &grounds) {
            prop_assert_eq!(verified.certified.unwrap().digest, issued.certificate);
        }
    }

    #[test]
    fn any_proof_against_any_tree_is_an_answer_and_no_panic(
        index in any::<u64>(), size in any::<u64>(), older in any::<u64>(), path in digests(), root in any::<[u8; 32]>(),
    ) {
        let head = TreeHead { size, root: root.into() };
        prop_assert!(head.check_inclusion(b"entry", index, &path).is_err());
        let _ = head.check_consistency(&TreeHead { size: older, root: root.into() }, &path);
    }

    #[test]
    fn an_envelope_reads_back_what_was_written(
        payload in vec(any::<u8>(), 0..300),
        payload_type in "\\PC{0,60}",
        signatures in vec((prop::option::of("[a-f0-9]{1,64}"), vec(any::<u8>(), 0..100)), 0..16),
    ) {
        let signatures =
            signatures.into_iter().map(|(key_id, signature)| EnvelopeSignature { key_id, signature }).collect();
        let envelope = Envelope { payload_type, payload, signatures };
        prop_assert_eq!(Envelope::from_json(&envelope.to_json()).unwrap(), envelope);
    }

    #[test]
    fn a_note_reads_back_what_was_written(
        lines in vec("[a-zA-Z0-9 =\u{2014}]{0,20}", 1..6),
        signatures in vec(("[a-z./]{1,20}", any::<[u8; 4]>(), vec(any::<u8>(), 1..80)), 1..5),
    ) {
        let text = format!("{}\n", lines.join("\n"));
        let signatures = signatures
            .into_iter()
            .map(|(name, key_id, signature)| NoteSignature { name, key_id, signature })
            .collect();
        let note = SignedNote { text, signatures };
        prop_assert_eq!(SignedNote::parse(&note.to_string()).unwrap(), note);
    }

    #[test]
    fn a_log_proof_reads_back_what_was_written(index in any::<u64>(), path in digests()) {
        let proof = LogProof { index, path, checkpoint: "log\n1\nx\n\n\u{2014} w AAAA\n".into() };
        prop_assert_eq!(LogProof::parse(&proof.to_string()).unwrap(), proof);
    }

    #[test]
    fn a_revocation_list_reads_back_what_was_written(
        number in 0_u64..1 << 53, versions in prop::collection::btree_map("[a-z]{1,8}", 0_u64..1 << 53, 0..5),
    ) {
        let list = RevocationList { number, minimum_security_versions: versions, ..world::list() };
        let envelope = Envelope::from_json(&world::signed_list(&list, &[1, 2])).unwrap();
        let keys = &world::policy().certifiers.keys;
        prop_assert_eq!(RevocationList::verify(&envelope, keys, 2).unwrap(), list);
    }
}
