//! Signatures: who signed, in which spelling, and over what.

use berth_admission::{
    Denial,
    dsse::{Envelope, EnvelopeSignature, ThresholdNotMet, pre_authentication_encoding},
    keys::SignatureFault,
};

use crate::{
    Attack, denied, forge,
    world::{CERTIFIERS, Outcome, WITNESS_KEY, key},
};

/// The denial says that one of two signed, and that the signature at place 1 was refused so.
fn second_refused(outcome: &Outcome, wanted: SignatureFault) -> bool {
    let Outcome::Denied(Denial::Signatures(ThresholdNotMet { needed: 2, valid: 1, refused })) = outcome
    else {
        return false;
    };
    *refused == [(1, wanted)]
}

/// Respells the second signature.
fn respell(envelope: &mut Envelope, spelling: fn(&[u8]) -> Vec<u8>) {
    let signature = &mut envelope.signatures[1].signature;
    *signature = spelling(signature);
}

fn one_of_two(outcome: &Outcome) -> bool {
    let Outcome::Denied(Denial::Signatures(threshold)) = outcome else { return false };
    *threshold == ThresholdNotMet { needed: 2, valid: 1, refused: Vec::new() }
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "nobody signed",
        why: "A certificate without signatures is a text.",
        mutate: |attempt| attempt.signers = Vec::new(),
        right: denied!(Denial::Signatures(ThresholdNotMet { needed: 2, valid: 0, .. })),
    },
    Attack {
        name: "one certifier where two are needed",
        why: "The threshold is there so that one stolen key is not enough.",
        mutate: |attempt| attempt.signers = vec![1],
        right: one_of_two,
    },
    Attack {
        name: "two strangers",
        why: "Whoever is not named by the policy certifies nothing.",
        mutate: |attempt| attempt.signers = super::world::STRANGERS.to_vec(),
        right: denied!(Denial::Signatures(ThresholdNotMet { needed: 2, valid: 0, refused })
            if refused.iter().all(|(_, fault)| *fault == SignatureFault::NoTrustedKey)),
    },
    Attack {
        name: "one certifier and one stranger",
        why: "A stranger does not fill up a threshold.",
        mutate: |attempt| attempt.signers = vec![1, 20],
        right: |outcome| second_refused(outcome, SignatureFault::NoTrustedKey),
    },
    Attack {
        name: "a certifier who has left the policy",
        why: "Keys that were trusted once are strangers now.",
        mutate: |attempt| {
            attempt.policy.certifiers.keys.remove(1);
            attempt.list_signers = vec![1, 3];
        },
        right: |outcome| second_refused(outcome, SignatureFault::NoTrustedKey),
    },
    Attack {
        name: "the witness signs as a certifier",
        why: "Who watches the log must not also be able to fill it.",
        mutate: |attempt| attempt.signers = vec![1, WITNESS_KEY],
        right: |outcome| second_refused(outcome, SignatureFault::NoTrustedKey),
    },
    Attack {
        name: "the same signature twice",
        why: "Signers are counted, not signatures.",
        mutate: |attempt| {
            attempt.signers = vec![1];
            attempt.edit_signed = |envelope| envelope.signatures.push(envelope.signatures[0].clone());
        },
        right: one_of_two,
    },
    Attack {
        name: "one key under two key ids",
        why: "Key ids are a hint that anybody can write; only keys count.",
        mutate: |attempt| {
            attempt.signers = vec![1];
            attempt.edit_signed = |envelope| {
                let mut twin = envelope.signatures[0].clone();
                twin.key_id = Some("somebody-else".into());
                envelope.signatures.push(twin);
            };
        },
        right: one_of_two,
    },
    Attack {
        name: "one key with and without its key id",
        why: "Leaving the hint out makes no second signer.",
        mutate: |attempt| {
            attempt.signers = vec![1];
            attempt.edit_signed = |envelope| {
                let signature = envelope.signatures[0].signature.clone();
                envelope.signatures.push(EnvelopeSignature { key_id: None, signature });
            };
        },
        right: one_of_two,
    },
    Attack {
        name: "one key's signature under another certifier's key id",
        why: "The key id of a trusted key does not make its signature.",
        mutate: |attempt| {
            attempt.signers = vec![1];
            attempt.edit_signed = |envelope| {
                let mut twin = envelope.signatures[0].clone();
                twin.key_id = Some(key(CERTIFIERS[1]).public().id().to_string());
                envelope.signatures.push(twin);
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NoTrustedKey),
    },
    Attack {
        name: "a stranger's signature under a certifier's key id",
        why: "A name is not a signature.",
        mutate: |attempt| {
            attempt.signers = vec![1, 20];
            attempt.edit_signed = |envelope| {
                envelope.signatures[1].key_id = Some(key(CERTIFIERS[1]).public().id().to_string());
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NoTrustedKey),
    },
    Attack {
        name: "a signature with s in the upper half",
        why: "Anybody can respell a signature so; only one spelling is taken.",
        mutate: |attempt| attempt.edit_signed = |envelope| respell(envelope, forge::high_s),
        right: |outcome| second_refused(outcome, SignatureFault::HighS),
    },
    Attack {
        name: "both spellings of one signature as two signers",
        why: "Whoever has one signature can make the other spelling without the key.",
        mutate: |attempt| {
            attempt.signers = vec![1];
            attempt.edit_signed = |envelope| {
                let signature = forge::high_s(&envelope.signatures[0].signature);
                envelope.signatures.push(EnvelopeSignature { key_id: None, signature });
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::HighS),
    },
    Attack {
        name: "a signature with a byte after its end",
        why: "DER has one form; trailing bytes are a place to hide things.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| respell(envelope, |der| [der, &[0]].concat());
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "a signature whose sequence holds a third element",
        why: "A signature is two numbers.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| {
                    let mut longer = [der, &[2, 1, 1]].concat();
                    longer[1] += 3;
                    longer
                });
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "an integer with a needless zero before it",
        why: "Lax readers take it, so one signature would have many spellings.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| {
                    let (r, s) = forge::halves(der);
                    forge::der(&[&[0], forge::minimal(&r).as_slice()].concat(), &forge::minimal(&s))
                });
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "a length in its long form",
        why: "BER is not DER.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| [&[0x30, 0x81], &der[1..]].concat());
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "r and s as 64 raw bytes",
        why: "One form is taken, so that nobody has to guess which it is.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| {
                    let (r, s) = forge::halves(der);
                    [r, s].concat()
                });
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "r is zero",
        why: "Broken verifiers take zero for a signature by everybody.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| forge::der(&[0], &forge::minimal(&forge::halves(der).1)));
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "s is zero",
        why: "Broken verifiers take zero for a signature by everybody.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| forge::der(&forge::minimal(&forge::halves(der).0), &[0]));
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "r and s are both zero",
        why: "The best known forgery of all.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| respell(envelope, |_| forge::der(&[0], &[0]));
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "r is the order of the curve",
        why: "It is zero to whoever reduces before looking.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| {
                    let order = hex::decode(forge::ORDER).unwrap();
                    forge::der(&forge::minimal(&order), &forge::minimal(&forge::halves(der).1))
                });
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "a negative r",
        why: "DER integers have a sign, and signatures have none.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                respell(envelope, |der| forge::der(&[0xff], &forge::minimal(&forge::halves(der).1)));
            };
        },
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "an empty signature",
        why: "Nothing is no signature.",
        mutate: |attempt| attempt.edit_signed = |envelope| respell(envelope, |_| Vec::new()),
        right: |outcome| second_refused(outcome, SignatureFault::NotDer),
    },
    Attack {
        name: "a payload changed after it was signed",
        why: "The signatures are over other bytes.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| {
                let text = String::from_utf8(envelope.payload.clone()).unwrap();
                envelope.payload = text.replace("\"fail\":0", "\"fail\":1").into_bytes();
            };
        },
        right: denied!(Denial::Signatures(ThresholdNotMet { valid: 0, .. })),
    },
    Attack {
        name: "a payload type changed after it was signed",
        why: "The type is signed with the payload, so that nothing signed as one thing passes as another.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| envelope.payload_type = "application/json".into();
        },
        right: denied!(Denial::Signatures(ThresholdNotMet { valid: 0, .. })),
    },
    Attack {
        name: "a signature over the bare payload",
        why: "Without the type and lengths before it, a payload could have been signed as something else.",
        mutate: |attempt| {
            attempt.signers = Vec::new();
            attempt.edit_signed = |envelope| {
                for certifier in CERTIFIERS {
                    let signature = key(certifier).sign(&envelope.payload);
                    envelope.signatures.push(EnvelopeSignature { key_id: None, signature });
                }
            };
        },
        right: denied!(Denial::Signatures(ThresholdNotMet { valid: 0, .. })),
    },
    Attack {
        name: "type and payload with the border between them moved",
        why: "Lengths are signed too: \"ab\" + \"c\" is not \"a\" + \"bc\".",
        mutate: |attempt| {
            attempt.signers = Vec::new();
            attempt.edit_signed = |envelope| {
                let (first, rest) = envelope.payload.split_first().unwrap();
                let longer = format!("{}{}", envelope.payload_type, char::from(*first));
                let message = pre_authentication_encoding(&longer, rest);
                for certifier in CERTIFIERS {
                    let signature = key(certifier).sign(&message);
                    envelope.signatures.push(EnvelopeSignature { key_id: None, signature });
                }
            };
        },
        right: denied!(Denial::Signatures(ThresholdNotMet { valid: 0, .. })),
    },
    Attack {
        name: "the evidence's signatures on the certificate",
        why: "They were made for another statement.",
        mutate: |attempt| {
            attempt.edit_bundle = |bundle| {
                bundle.certificate.signatures.clone_from(&bundle.evidence.signatures);
            };
        },
        right: denied!(Denial::Signatures(ThresholdNotMet { valid: 0, .. })),
    },
];
