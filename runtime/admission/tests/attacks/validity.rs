//! Time, revocation, and going back.

use berth_admission::{
    Denial, Digest,
    admit::ListDenied,
    certificate::CertificateFault,
    dsse::EnvelopeError,
    json::JsonError,
    revocation::{ListError, Revoked, RevokedKind},
};

use crate::{
    Attack, denied,
    world::{self, Attempt, Outcome},
};

fn entry(kind: RevokedKind, digest: Digest) -> Revoked {
    Revoked {
        kind,
        digest,
        reason: "answers for other tenants".into(),
        when: world::time("2026-05-29T00:00:00Z"),
    }
}

/// A list that was taken before the one at hand.
fn taken_before(attempt: &mut Attempt, number: u64) {
    let mut earlier = world::list();
    earlier.number = number;
    attempt.history.push(world::signed_list(&earlier, &[1, 2]));
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "a certificate that is over",
        why: "Certifiers stand for it until a day and no longer.",
        mutate: |attempt| attempt.certificate.not_after = world::time("2026-05-31T23:59:59Z"),
        right: denied!(Denial::Expired(_)),
    },
    Attack {
        name: "a certificate at the very moment of its end",
        why: "At its end it no longer holds; both sides have to agree on that.",
        mutate: |attempt| attempt.certificate.not_after = attempt.now,
        right: denied!(Denial::Expired(_)),
    },
    Attack {
        name: "a certificate that holds from tomorrow on",
        why: "It may have been signed to take effect with something else.",
        mutate: |attempt| attempt.certificate.not_before = world::time("2026-06-02T00:00:00Z"),
        right: denied!(Denial::NotYetValid(_)),
    },
    Attack {
        name: "a certificate issued in the future",
        why: "It holds from no earlier than it was made.",
        mutate: |attempt| {
            attempt.certificate.issued = world::time("2026-07-01T00:00:00Z");
            attempt.certificate.not_before = attempt.certificate.issued;
        },
        right: denied!(Denial::NotYetValid(_)),
    },
    Attack {
        name: "a certificate that held before it was made",
        why: "Backdated certificates cover what was loaded without one.",
        mutate: |attempt| attempt.certificate.not_before = world::time("2020-01-01T00:00:00Z"),
        right: denied!(Denial::Certificate(CertificateFault::Dates)),
    },
    Attack {
        name: "a certificate that ends before it begins",
        why: "It holds at no time.",
        mutate: |attempt| attempt.certificate.not_after = attempt.certificate.not_before,
        right: denied!(Denial::Certificate(CertificateFault::Dates)),
    },
    Attack {
        name: "a certificate older than the policy allows",
        why: "Suites learn; an operator may want what was tested lately.",
        mutate: |attempt| attempt.policy.max_age_days = Some(30),
        right: denied!(Denial::TooOld { .. }),
    },
    Attack {
        name: "a clock that was set back",
        why: "A signed list from the future proves that the clock is behind, and dates mean nothing then.",
        mutate: |attempt| attempt.now = world::time("2026-05-29T23:50:00Z"),
        right: denied!(Denial::ClockBehind(_)),
    },
    Attack {
        name: "no revocation list",
        why: "Whoever keeps the list away must not thereby keep it empty.",
        mutate: |attempt| attempt.list = None,
        right: denied!(Denial::NoRevocationList),
    },
    Attack {
        name: "a stale revocation list",
        why: "A newer one exists, and may name this very file.",
        mutate: |attempt| attempt.edit_list = |list, _| list.next_update = world::now(),
        right: denied!(Denial::StaleRevocationList(_)),
    },
    Attack {
        name: "a revoked file",
        why: "It was found to be bad after it was certified.",
        mutate: |attempt| {
            attempt.edit_list = |list, issued| {
                list.revoke(entry(RevokedKind::Component, Digest::of(&issued.file)));
            };
        },
        right: denied!(Denial::Revoked { kind: RevokedKind::Component, .. }),
    },
    Attack {
        name: "a revoked certificate",
        why: "The certifiers have taken it back.",
        mutate: |attempt| {
            attempt.edit_list =
                |list, issued| list.revoke(entry(RevokedKind::Certificate, issued.certificate));
        },
        right: denied!(Denial::Revoked { kind: RevokedKind::Certificate, .. }),
    },
    Attack {
        name: "a revoked certificate in the other base64 alphabet",
        why: "It is revoked by what it says, not by how it is written down.",
        mutate: |attempt| {
            attempt.edit_json = |json| {
                let text = String::from_utf8(json).unwrap();
                let signature = text.split("\"sig\": \"").nth(1).unwrap().split('"').next().unwrap();
                let other = signature.replace('+', "-").replace('/', "_");
                text.replacen(signature, &other, 1).into_bytes()
            };
            attempt.edit_list =
                |list, issued| list.revoke(entry(RevokedKind::Certificate, issued.certificate));
        },
        right: denied!(Denial::Revoked { kind: RevokedKind::Certificate, .. }),
    },
    Attack {
        name: "a revoked certificate with another signer's signature added",
        why: "It is revoked by what it says, whoever signs it again.",
        mutate: |attempt| {
            attempt.signers = vec![1, 2, 3];
            attempt.edit_list =
                |list, issued| list.revoke(entry(RevokedKind::Certificate, issued.certificate));
        },
        right: denied!(Denial::Revoked { kind: RevokedKind::Certificate, .. }),
    },
    Attack {
        name: "a file that is to be revoked tomorrow",
        why: "A revocation holds as soon as it is known; its date is for people.",
        mutate: |attempt| {
            attempt.edit_list = |list, issued| {
                let mut entry = entry(RevokedKind::Component, Digest::of(&issued.file));
                entry.when = world::time("2026-06-02T00:00:00Z");
                list.revoke(entry);
            };
        },
        right: denied!(Denial::Revoked { .. }),
    },
    Attack {
        name: "a revoked file under a stale list",
        why: "What was revoked stays so, and is the reason that the operator has to see.",
        mutate: |attempt| {
            attempt.edit_list = |list, issued| {
                list.revoke(entry(RevokedKind::Component, Digest::of(&issued.file)));
                list.next_update = world::now();
            };
        },
        right: denied!(Denial::Revoked { .. }),
    },
    Attack {
        name: "a revocation list with a lower number",
        why: "Yesterday's list does not know what was revoked today.",
        mutate: |attempt| taken_before(attempt, 8),
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::Older { number: 7, seen: 8 })),
    },
    Attack {
        name: "a second revocation list of the same number",
        why: "Two lists of one number: one of them hides something from somebody.",
        mutate: |attempt| {
            taken_before(attempt, 7);
            attempt.edit_list = |list, _| list.demand_security_version("ledgerbook", 9);
        },
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::Contradiction(7))),
    },
    Attack {
        name: "a revocation list below the policy's floor",
        why: "After a restored backup the floor is what the operator remembers.",
        mutate: |attempt| attempt.policy.floors.revocation_number = 8,
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::Older { number: 7, seen: 8 })),
    },
    Attack {
        name: "a revocation list signed by strangers",
        why: "Whoever could write it could empty it.",
        mutate: |attempt| attempt.list_signers = world::STRANGERS.to_vec(),
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::List(ListError::Signatures(_)))),
    },
    Attack {
        name: "a revocation list signed by one certifier where two are needed",
        why: "One stolen key must not be able to take revocations back.",
        mutate: |attempt| attempt.list_signers = vec![3],
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::List(ListError::Signatures(_)))),
    },
    Attack {
        name: "a revocation list signed by the witness",
        why: "Who watches the log does not decide what is revoked.",
        mutate: |attempt| attempt.list_signers = vec![1, world::WITNESS_KEY],
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::List(ListError::Signatures(_)))),
    },
    Attack {
        name: "a certificate offered as a revocation list",
        why: "It names nothing as revoked, and was never signed as a list.",
        mutate: |attempt| {
            attempt.edit_list_envelope = |envelope| {
                let issued = Attempt::default().issue();
                *envelope = berth_admission::Bundle::from_json(&issued.json).unwrap().certificate;
            };
        },
        right: |outcome| {
            matches!(outcome, Outcome::ListDenied(ListDenied::List(ListError::PayloadType { .. })))
        },
    },
    Attack {
        name: "a revocation list changed after it was signed",
        why: "The signatures are over other bytes.",
        mutate: |attempt| {
            attempt.edit_list_envelope = |envelope| {
                let text = String::from_utf8(envelope.payload.clone()).unwrap();
                envelope.payload = text.replace("\"number\":7", "\"number\":70").into_bytes();
            };
        },
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::List(ListError::Signatures(_)))),
    },
    Attack {
        name: "a revocation list that rests on an unknown field",
        why: "A verifier that does not understand a list must not act on half of it.",
        mutate: |attempt| attempt.edit_list = |list, _| list.critical = vec!["revokedVendors".into()],
        right: |outcome| {
            matches!(outcome, Outcome::ListDenied(ListDenied::List(ListError::UnknownCritical(_))))
        },
    },
    Attack {
        name: "a revocation list that is never to be updated before it was made",
        why: "It contradicts itself.",
        mutate: |attempt| attempt.edit_list = |list, _| list.next_update = list.issued,
        right: |outcome| matches!(outcome, Outcome::ListDenied(ListDenied::List(ListError::Dates))),
    },
    Attack {
        name: "an oversized revocation list",
        why: "Decoding has to be bounded before it begins.",
        mutate: |attempt| {
            attempt.edit_list_json = |mut json| {
                json.resize(json.len() + (512 << 10), b' ');
                json
            };
        },
        right: |outcome| {
            matches!(
                outcome,
                Outcome::ListDenied(ListDenied::List(ListError::Envelope(EnvelopeError::Json(
                    JsonError::TooLarge { .. }
                ))))
            )
        },
    },
    Attack {
        name: "an older security version than was loaded before",
        why: "A fault that was mended must not come back with an old, still valid certificate.",
        mutate: |attempt| attempt.seen_security_version = 5,
        right: denied!(Denial::SecurityVersion { certified: 4, lowest: 5, .. }),
    },
    Attack {
        name: "an older security version than the revocation list demands",
        why: "A host that never saw the mended version learns of it from the list.",
        mutate: |attempt| {
            attempt.edit_list = |list, _| list.demand_security_version("notebook", 5);
        },
        right: denied!(Denial::SecurityVersion { certified: 4, lowest: 5, .. }),
    },
    Attack {
        name: "an older security version than the policy's floor",
        why: "After a restored backup the floor is what the operator remembers.",
        mutate: |attempt| {
            attempt.policy.floors.security_versions.insert("notebook".into(), 5);
        },
        right: denied!(Denial::SecurityVersion { certified: 4, lowest: 5, .. }),
    },
];
