//! Imports, limits, and files that are not what they are offered as.

use berth_admission::{Denial, component::ComponentFault};

use crate::{
    Attack, denied,
    world::{Outcome, component},
};

fn not_wasm(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Denied(Denial::Component(ComponentFault::NotWasm)))
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "an import that was not certified",
        why: "Nobody looked at what it does with it.",
        mutate: |attempt| {
            attempt.file = component(&["bsn:framework/endpoints@0.1.0", "bsn:framework/state@0.1.0"]);
        },
        right: denied!(Denial::ImportNotCertified(name) if name == "bsn:framework/state@0.1.0"),
    },
    Attack {
        name: "a certified import in another version",
        why: "Another version is another interface.",
        mutate: |attempt| attempt.file = component(&["bsn:framework/endpoints@0.2.0"]),
        right: denied!(Denial::ImportNotCertified(_)),
    },
    Attack {
        name: "a certified import that no host lends",
        why: "Certifiers do not decide what an operator's machine lends.",
        mutate: |attempt| {
            attempt.file = component(&["wasi:filesystem/types@0.2.0"]);
            attempt.certificate.imports = ["wasi:filesystem/types@0.2.0".into()].into();
        },
        right: denied!(Denial::ImportNotAllowed(_)),
    },
    Attack {
        name: "a certified import that the policy does not allow",
        why: "The operator's word is the last.",
        mutate: |attempt| {
            attempt.policy.imports.remove("bsn:framework/endpoints");
        },
        right: denied!(Denial::ImportNotAllowed(_)),
    },
    Attack {
        name: "an import that only begins like an allowed one",
        why: "Names are compared whole.",
        mutate: |attempt| {
            attempt.file = component(&["bsn:framework/endpoints-raw@0.1.0"]);
            attempt.certificate.imports = ["bsn:framework/endpoints-raw@0.1.0".into()].into();
        },
        right: denied!(Denial::ImportNotAllowed(_)),
    },
    Attack {
        name: "more memory asked for than was certified",
        why: "It was never shown how it behaves above its limits.",
        mutate: |attempt| {
            let mut limits = super::world::limits();
            limits.memory_bytes += 1;
            attempt.limits = Some(limits);
        },
        right: denied!(Denial::LimitAboveCertified { limit: "memoryBytes", .. }),
    },
    Attack {
        name: "more host calls asked for than were certified",
        why: "Every limit counts, not just the famous ones.",
        mutate: |attempt| {
            let mut limits = super::world::limits();
            limits.host_calls += 1;
            attempt.limits = Some(limits);
        },
        right: denied!(Denial::LimitAboveCertified { limit: "hostCalls", .. }),
    },
    Attack {
        name: "larger results asked for than were certified",
        why: "The last limit of the list counts as the first does.",
        mutate: |attempt| {
            let mut limits = super::world::limits();
            limits.result_bytes += 1;
            attempt.limits = Some(limits);
        },
        right: denied!(Denial::LimitAboveCertified { limit: "resultBytes", .. }),
    },
    Attack {
        name: "certified limits above the policy's",
        why: "How much of the machine an adapter gets is the operator's to say.",
        mutate: |attempt| attempt.certificate.limits.memory_bytes = 1 << 30,
        right: denied!(Denial::LimitAbovePolicy { limit: "memoryBytes", .. }),
    },
    Attack {
        name: "precompiled code offered as a component",
        why: "Compiled code is run without another look; only the host's own compiler may make it.",
        mutate: |attempt| attempt.file = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 256]].concat(),
        right: not_wasm,
    },
    Attack {
        name: "the text of a component offered as a component",
        why: "What is certified is what runs, without a step between.",
        mutate: |attempt| attempt.file = b"(component)".to_vec(),
        right: not_wasm,
    },
    Attack {
        name: "an empty file with a certificate",
        why: "Even a genuine certificate cannot make something of nothing.",
        mutate: |attempt| attempt.file = Vec::new(),
        right: not_wasm,
    },
    Attack {
        name: "a core module offered as a component",
        why: "A core module has no typed imports, so nothing says what it reaches.",
        mutate: |attempt| attempt.file = wat::parse_str("(module)").unwrap(),
        right: denied!(Denial::Component(ComponentFault::CoreModule)),
    },
    Attack {
        name: "a component cut short",
        why: "Imports may be in the part that is missing.",
        mutate: |attempt| {
            let length = attempt.file.len();
            attempt.file.truncate(length - 3);
        },
        right: denied!(Denial::Component(ComponentFault::Malformed(_))),
    },
    Attack {
        name: "a component followed by a second one",
        why: "Another reader could take the second.",
        mutate: |attempt| {
            let twin = attempt.file.clone();
            attempt.file.extend_from_slice(&twin);
        },
        right: denied!(Denial::Component(ComponentFault::Malformed(_))),
    },
    Attack {
        name: "a component of three hundred imports",
        why: "The number of imports is bounded, whatever they are.",
        mutate: |attempt| {
            let names: Vec<String> = (0..300).map(|number| format!("x:y/z{number}")).collect();
            attempt.file = component(&names.iter().map(String::as_str).collect::<Vec<_>>());
        },
        right: denied!(Denial::Component(ComponentFault::TooManyImports)),
    },
    Attack {
        name: "an adapter that calls itself something else once it is loaded",
        why: "The certificate is about the adapter that it names.",
        mutate: |attempt| attempt.described[0] = "ledgerbook",
        right: denied!(Denial::OtherDescription { what: "name", .. }),
    },
    Attack {
        name: "an adapter that claims a later version once it is loaded",
        why: "Operators decide on upgrades by what it says of itself.",
        mutate: |attempt| attempt.described[1] = "1.2.4",
        right: denied!(Denial::OtherDescription { what: "version", .. }),
    },
    Attack {
        name: "an adapter that serves another framework once it is loaded",
        why: "It was tested with the one that is certified.",
        mutate: |attempt| attempt.described[2] = "parchment",
        right: denied!(Denial::OtherDescription { what: "framework", .. }),
    },
];
