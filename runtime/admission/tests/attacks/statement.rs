//! What was signed, by all who had to: statements of other kinds, other shapes, and about other things.

use berth_admission::{Denial, certificate::Tier, json::JsonError, statement::StatementError};
use serde_json::json;

use crate::{Attack, denied};

fn replaced(payload: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(payload).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1).into_bytes()
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "a certificate signed as plain JSON",
        why: "The payload type says what the signers meant to sign.",
        mutate: |attempt| attempt.payload_type = "application/json".into(),
        right: denied!(Denial::Types(StatementError::PayloadType { .. })),
    },
    Attack {
        name: "the payload type in capitals",
        why: "Types are compared byte for byte.",
        mutate: |attempt| attempt.payload_type = "application/vnd.in-toto+JSON".into(),
        right: denied!(Denial::Types(StatementError::PayloadType { .. })),
    },
    Attack {
        name: "an empty payload type",
        why: "No type is not any type.",
        mutate: |attempt| attempt.payload_type = String::new(),
        right: denied!(Denial::Types(StatementError::PayloadType { .. })),
    },
    Attack {
        name: "a revocation list offered as a certificate",
        why: "Certifiers sign both; each is only what it was signed as.",
        mutate: |attempt| {
            attempt.edit_bundle = |bundle| {
                let list = super::world::list().to_envelope().unwrap();
                bundle.certificate = super::world::signed(list, &[1, 2]);
            };
        },
        right: denied!(Denial::Types(StatementError::PayloadType { .. })),
    },
    Attack {
        name: "an evidence statement offered as a certificate",
        why: "Certifiers sign both; passing tests is not a certificate.",
        mutate: |attempt| attempt.edit_bundle = |bundle| bundle.certificate = bundle.evidence.clone(),
        right: denied!(Denial::Types(StatementError::PredicateType { .. })),
    },
    Attack {
        name: "a statement of another type",
        why: "Another version may mean something else by the same fields.",
        mutate: |attempt| {
            attempt.edit_statement =
                |statement| statement["_type"] = json!("https://in-toto.io/Statement/v0.1");
        },
        right: denied!(Denial::Types(StatementError::StatementType { .. })),
    },
    Attack {
        name: "a predicate of another type",
        why: "What a predicate says depends on its type.",
        mutate: |attempt| {
            attempt.edit_statement =
                |statement| statement["predicateType"] = json!("https://slsa.dev/provenance/v1");
        },
        right: denied!(Denial::Types(StatementError::PredicateType { .. })),
    },
    Attack {
        name: "a certificate of a later version",
        why: "A verifier must not guess what a later version means.",
        mutate: |attempt| {
            attempt.edit_statement =
                |statement| statement["predicateType"] = json!("urn:berth:certificate:v2");
        },
        right: denied!(Denial::Types(StatementError::PredicateType { .. })),
    },
    Attack {
        name: "a statement about two files",
        why: "One certificate, one file: a list is a place to hide another.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| {
                let twin = statement["subject"][0].clone();
                statement["subject"].as_array_mut().unwrap().push(twin);
            };
        },
        right: denied!(Denial::Types(StatementError::Subjects(2))),
    },
    Attack {
        name: "a statement about no file",
        why: "A certificate of nothing must not be one of everything.",
        mutate: |attempt| attempt.edit_statement = |statement| statement["subject"] = json!([]),
        right: denied!(Denial::Types(StatementError::Subjects(0))),
    },
    Attack {
        name: "a subject with another algorithm's digest alone",
        why: "The file is compared by SHA-256 and by nothing weaker.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| {
                statement["subject"][0]["digest"] = json!({"md5": "d41d8cd98f00b204e9800998ecf8427e"})
            };
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "a digest cut short",
        why: "A prefix is easy to match.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| {
                let digest = statement["subject"][0]["digest"]["sha256"].as_str().unwrap()[..16].to_owned();
                statement["subject"][0]["digest"]["sha256"] = json!(digest);
            };
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "two subjects under one key of the payload",
        why: "Which of them is meant would depend on the reader.",
        mutate: |attempt| {
            attempt.edit_payload = |payload| replaced(payload, "{\"_type\"", "{\"subject\":[],\"_type\"");
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::DuplicateKey(_)))),
    },
    Attack {
        name: "a limit twice in the payload",
        why: "One reader would take the lower, another the higher.",
        mutate: |attempt| {
            attempt.edit_payload =
                |payload| replaced(payload, "\"memoryBytes\"", "\"memoryBytes\":1,\"memoryBytes\"");
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::DuplicateKey(_)))),
    },
    Attack {
        name: "a payload nested a thousand deep",
        why: "Signed or not, decoding is bounded.",
        mutate: |attempt| {
            attempt.edit_payload = |payload| {
                let deep = format!("{{\"x\":{}{},\"_type\"", "[".repeat(1000), "]".repeat(1000));
                replaced(payload, "{\"_type\"", &deep)
            };
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::TooDeep))),
    },
    Attack {
        name: "bytes after the end of the payload",
        why: "Signed or not, a payload is one JSON value.",
        mutate: |attempt| {
            attempt.edit_payload = |mut payload| {
                payload.extend_from_slice(b" null");
                payload
            };
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Trailing))),
    },
    Attack {
        name: "a payload that is not UTF-8",
        why: "Signed or not, text has to have one reading.",
        mutate: |attempt| {
            attempt.edit_payload = |mut payload| {
                let place = payload.iter().position(|byte| *byte == b'5').unwrap();
                payload[place] = 0xc0;
                payload
            };
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::NotUtf8))),
    },
    Attack {
        name: "a security version that other readers round",
        why: "Beyond 2^53 one verifier sees a higher version than another.",
        mutate: |attempt| attempt.certificate.adapter.security_version = (1 << 53) + 1,
        right: denied!(Denial::Types(StatementError::Json(JsonError::Number))),
    },
    Attack {
        name: "a negative number of failed checks",
        why: "Counts count.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| statement["predicate"]["counts"]["fail"] = json!(-1);
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "counts without the failed ones",
        why: "What is left out is not zero.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| {
                statement["predicate"]["counts"].as_object_mut().unwrap().remove("fail");
            };
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "a limit that this verifier does not know",
        why: "Nobody here would hold the adapter to it.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| statement["predicate"]["limits"]["threads"] = json!(1);
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "a certificate without its list of critical fields",
        why: "Whoever leaves the list out must not switch it off.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| {
                statement["predicate"].as_object_mut().unwrap().remove("critical");
            };
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "a date without its offset from UTC",
        why: "Whose noon it ends at would depend on the reader.",
        mutate: |attempt| {
            attempt.edit_statement =
                |statement| statement["predicate"]["notAfter"] = json!("2027-05-01T00:00:00");
        },
        right: denied!(Denial::Types(StatementError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "another adapter's certificate",
        why: "Each certificate is about its own file.",
        mutate: |attempt| {
            attempt.offered = Some(attempt.file.clone());
            attempt.file = super::world::component(&super::world::IMPORTS[..1]);
        },
        right: denied!(Denial::OtherFile { .. }),
    },
    Attack {
        name: "another adapter where one was asked for by name",
        why: "An operator who asks for one adapter does not want another, however good.",
        mutate: |attempt| attempt.name = Some("ledgerbook"),
        right: denied!(Denial::OtherName { .. }),
    },
    Attack {
        name: "a subject of another name than the adapter's",
        why: "A certificate that contradicts itself says nothing.",
        mutate: |attempt| {
            attempt.edit_statement = |statement| statement["subject"][0]["name"] = json!("ledgerbook");
        },
        right: denied!(Denial::OtherName { .. }),
    },
    Attack {
        name: "native code certified, a component loaded",
        why: "The certificate says in which sandbox, or in none, the file was tested.",
        mutate: |attempt| {
            attempt.certificate.tier = Tier::Native;
            attempt.policy.tiers.insert(Tier::Native);
        },
        right: denied!(Denial::OtherTier { .. }),
    },
    Attack {
        name: "a component certified, native code loaded",
        why: "What was only shown in the sandbox must not run without one.",
        mutate: |attempt| {
            attempt.tier = Tier::Native;
            attempt.policy.tiers.insert(Tier::Native);
        },
        right: denied!(Denial::OtherTier { .. }),
    },
];
