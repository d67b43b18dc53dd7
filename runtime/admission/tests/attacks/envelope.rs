//! The file and its bundle: what is wrong before anything is believed.

use berth_admission::{Denial, bundle::BundleError, dsse::EnvelopeError, json::JsonError};

use crate::{Attack, denied};

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "a file swapped after it was certified",
        why: "The certificate is about the bytes that were tested and no others.",
        mutate: |attempt| attempt.offered = Some(super::world::component(&[])),
        right: denied!(Denial::OtherFile { .. }),
    },
    Attack {
        name: "one bit of the file flipped",
        why: "A digest covers every bit.",
        mutate: |attempt| {
            let mut file = attempt.file.clone();
            *file.last_mut().unwrap() ^= 1;
            attempt.offered = Some(file);
        },
        right: denied!(Denial::OtherFile { .. }),
    },
    Attack {
        name: "one byte appended to the file",
        why: "Trailing bytes can be read by somebody as something.",
        mutate: |attempt| attempt.offered = Some([attempt.file.as_slice(), &[0]].concat()),
        right: denied!(Denial::OtherFile { .. }),
    },
    Attack {
        name: "an empty file",
        why: "Nothing was certified to be nothing.",
        mutate: |attempt| attempt.offered = Some(Vec::new()),
        right: denied!(Denial::OtherFile { .. }),
    },
    Attack {
        name: "a file larger than the policy reads",
        why: "Reading and compiling without a bound uses up the machine.",
        mutate: |attempt| attempt.policy.max_file_bytes = attempt.file.len() as u64 - 1,
        right: denied!(Denial::FileTooLarge { .. }),
    },
    Attack {
        name: "no certificate at all",
        why: "No certificate, no load.",
        mutate: |attempt| attempt.bundle_is_there = false,
        right: denied!(Denial::NoBundle),
    },
    Attack {
        name: "an empty bundle",
        why: "An empty file is not an empty list of objections.",
        mutate: |attempt| attempt.edit_json = |_| Vec::new(),
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::Syntax(_)))),
    },
    Attack {
        name: "a bundle of another format",
        why: "A later format may mean something else by the same fields.",
        mutate: |attempt| {
            attempt.edit_json = |json| text(json).replace("bundle:v1", "bundle:v2").into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Format { .. })),
    },
    Attack {
        name: "a bundle without its evidence",
        why: "A certificate that nothing bears out is a claim.",
        mutate: |attempt| {
            attempt.edit_json = |json| text(json).replace("\"evidence\"", "\"evidenz\"").into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::Shape(_)))),
    },
    Attack {
        name: "an oversized bundle",
        why: "Decoding has to be bounded before it begins.",
        mutate: |attempt| {
            attempt.edit_json = |mut json| {
                json.resize(json.len() + (1 << 20), b' ');
                json
            };
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::TooLarge { .. }))),
    },
    Attack {
        name: "a bundle nested ten thousand deep",
        why: "Deep nesting overflows the stack of careless decoders.",
        mutate: |attempt| {
            attempt.edit_json = |json| {
                let deep = format!("{{\"x\":{}{},", "[".repeat(10_000), "]".repeat(10_000));
                text(json).replacen('{', &deep, 1).into_bytes()
            };
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::TooDeep))),
    },
    Attack {
        name: "a bundle with two certificates under one key",
        why: "Two readers could take two different certificates.",
        mutate: |attempt| {
            attempt.edit_json =
                |json| text(json).replacen('{', "{\"certificate\":{\"payload\":\"\"},", 1).into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::DuplicateKey(_)))),
    },
    Attack {
        name: "a key doubled by an escape",
        why: "Keys are compared after unescaping, as every reader does.",
        mutate: |attempt| {
            attempt.edit_json = |json| text(json).replacen('{', "{\"lo\\u0067Proof\":\"\",", 1).into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::DuplicateKey(_)))),
    },
    Attack {
        name: "a doubled key inside a field that nobody reads",
        why: "Strictness must not depend on which fields a reader happens to know.",
        mutate: |attempt| {
            attempt.edit_json =
                |json| text(json).replacen('{', "{\"note\":{\"a\":1,\"a\":2},", 1).into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::DuplicateKey(_)))),
    },
    Attack {
        name: "bytes after the end of the bundle",
        why: "What follows may be what another reader takes.",
        mutate: |attempt| {
            attempt.edit_json = |mut json| {
                json.extend_from_slice(b"{}");
                json
            };
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::Trailing))),
    },
    Attack {
        name: "a bundle that is not UTF-8",
        why: "Text that has no one reading has no meaning.",
        mutate: |attempt| {
            attempt.edit_json = |json| {
                let text = text(json).replacen('{', "{\"note\":\"?\",", 1);
                text.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect()
            };
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::NotUtf8))),
    },
    Attack {
        name: "a byte order mark before the bundle",
        why: "JSON has none; a reader that skips it sees other bytes.",
        mutate: |attempt| attempt.edit_json = |json| [b"\xef\xbb\xbf", json.as_slice()].concat(),
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::Syntax(_)))),
    },
    Attack {
        name: "a payload that is not base64",
        why: "What does not decode was not signed.",
        mutate: |attempt| {
            attempt.edit_json =
                |json| text(json).replacen("\"payload\": \"", "\"payload\": \"*", 1).into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Envelope {
            which: "certificate",
            source: EnvelopeError::Base64("payload"),
        })),
    },
    Attack {
        name: "a signature in both base64 alphabets at once",
        why: "Either alphabet is taken; a mixture is what tampering looks like.",
        mutate: |attempt| {
            attempt.edit_json = |json| text(json).replacen("\"sig\": \"", "\"sig\": \"+_+_", 1).into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Envelope {
            which: "certificate",
            source: EnvelopeError::Base64("sig"),
        })),
    },
    Attack {
        name: "a signature with stray bits after the last byte",
        why: "Two texts for the same bytes let a logged certificate have a twin.",
        mutate: |attempt| {
            attempt.edit_signed = |envelope| envelope.signatures[0].signature = vec![0];
            // "AA==" is one zero byte; "AB==" decodes to the same for a careless decoder.
            attempt.edit_json =
                |json| text(json).replacen("\"sig\": \"AA==\"", "\"sig\": \"AB==\"", 1).into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Envelope {
            which: "certificate",
            source: EnvelopeError::Base64("sig"),
        })),
    },
    Attack {
        name: "seventeen signatures",
        why: "Each signature costs work; the number is bounded.",
        mutate: |attempt| {
            attempt.edit_bundle = |bundle| {
                let one = bundle.certificate.signatures[0].clone();
                bundle.certificate.signatures = vec![one; 17];
            };
        },
        right: denied!(Denial::Bundle(BundleError::Envelope {
            which: "certificate",
            source: EnvelopeError::TooLarge { what: "signatures", .. },
        })),
    },
    Attack {
        name: "a payload larger than is read",
        why: "What is signed is decoded, so it is bounded too.",
        mutate: |attempt| {
            attempt.edit_payload = |mut payload| {
                payload.resize(payload.len() + (256 << 10), b' ');
                payload
            };
        },
        right: denied!(Denial::Bundle(BundleError::Envelope {
            which: "certificate",
            source: EnvelopeError::TooLarge { what: "payload", .. },
        })),
    },
    Attack {
        name: "a payload type of a thousand characters",
        why: "Small fields have small bounds.",
        mutate: |attempt| attempt.payload_type = "x".repeat(1000),
        right: denied!(Denial::Bundle(BundleError::Envelope {
            which: "certificate",
            source: EnvelopeError::TooLarge { what: "payloadType", .. },
        })),
    },
    Attack {
        name: "a number that other readers round",
        why: "Beyond 2^53 two readers of the same JSON see two numbers.",
        mutate: |attempt| {
            attempt.edit_json = |json| text(json).replacen('{', "{\"n\":9007199254740993,", 1).into_bytes();
        },
        right: denied!(Denial::Bundle(BundleError::Json(JsonError::Number))),
    },
];
