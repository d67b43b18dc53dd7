//! The transparency log: certificates that nobody could have watched.

use berth_admission::{
    Denial, Digest,
    admit::OpenError,
    log::{
        checkpoint::{Checkpoint, CheckpointError},
        merkle::{ProofError, TreeHead, leaf_hash, node_hash},
        note::{NoteError, SignedNote},
        proof::{LogProof, LogProofError},
    },
    policy::PolicyError,
};

use crate::{
    Attack, denied, forge,
    world::{ORIGIN, Outcome, WITNESS, WITNESS_KEY, key, witnessed},
};

/// A note with the same text, signed anew.
fn resigned(note: &str, name: &str, signer: u8) -> String {
    let mut note = SignedNote::unsigned(SignedNote::parse(note).unwrap().text);
    note.sign(name, &key(signer));
    note.to_string()
}

fn head(proof: &LogProof) -> TreeHead {
    Checkpoint::from_text(&SignedNote::parse(&proof.checkpoint).unwrap().text).unwrap().head
}

fn unwitnessed(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Denied(Denial::Log(LogProofError::Checkpoint(CheckpointError::Note(
            NoteError::ThresholdNotMet { needed: 1, valid: 0 }
        ))))
    )
}

fn tampered(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Denied(Denial::Log(LogProofError::Checkpoint(CheckpointError::Note(
            NoteError::BadSignature { .. }
        ))))
    )
}

fn text_edited(proof: &mut Option<String>, from: &str, to: &str) {
    let text = proof.take().unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    *proof = Some(text.replacen(from, to, 1));
}

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "a certificate that is in no log",
        why: "Nobody could have seen that it was issued.",
        mutate: |attempt| attempt.edit_bundle = |bundle| bundle.log_proof = None,
        right: denied!(Denial::NoLogProof),
    },
    Attack {
        name: "an empty log proof",
        why: "An empty text proves nothing.",
        mutate: |attempt| attempt.edit_bundle = |bundle| bundle.log_proof = Some(String::new()),
        right: denied!(Denial::Log(LogProofError::Form(_))),
    },
    Attack {
        name: "a forged inclusion proof",
        why: "The hashes have to lead to the signed root.",
        mutate: |attempt| attempt.edit_proof = |proof| proof.path[0] = Digest::of(b"forged"),
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::OtherRoot))),
    },
    Attack {
        name: "the proof of another entry",
        why: "Another certificate's place in the log is not this one's.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let (first, second) = (leaf_hash(b"somebody else's"), leaf_hash(b"and another"));
                let head = TreeHead { size: 2, root: node_hash(&first, &second) };
                *proof = LogProof { index: 1, path: vec![first], checkpoint: witnessed(ORIGIN, head) };
            };
        },
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::OtherRoot))),
    },
    Attack {
        name: "a wrong leaf index with as many hashes",
        why: "The index says on which side each hash goes.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                // In a tree of three the last leaf has one hash above it, the others two.
                proof.index = 1;
                proof.path.push(Digest::of(b"padding"));
            };
        },
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::OtherRoot))),
    },
    Attack {
        name: "a wrong leaf index",
        why: "Another place in the tree has a path of another length.",
        mutate: |attempt| attempt.edit_proof = |proof| proof.index = 0,
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::Length))),
    },
    Attack {
        name: "a leaf index beyond the tree",
        why: "What will be in the log tomorrow is not there today.",
        mutate: |attempt| attempt.edit_proof = |proof| proof.index = 3,
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::OutOfRange { .. }))),
    },
    Attack {
        name: "a leaf index with a zero before it",
        why: "A number has one spelling.",
        mutate: |attempt| {
            attempt.edit_bundle = |bundle| text_edited(&mut bundle.log_proof, "index 2", "index 02");
        },
        right: denied!(Denial::Log(LogProofError::Form(_))),
    },
    Attack {
        name: "a path with one hash too few",
        why: "An inner node must not pass for a root.",
        mutate: |attempt| attempt.edit_proof = |proof| proof.path.truncate(0),
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::Length))),
    },
    Attack {
        name: "a path with one hash too many",
        why: "Every hash has to have its place.",
        mutate: |attempt| attempt.edit_proof = |proof| proof.path.push(Digest::of(b"more")),
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::Length))),
    },
    Attack {
        name: "a path of a hundred hashes",
        why: "No tree is so high.",
        mutate: |attempt| attempt.edit_proof = |proof| proof.path = vec![Digest::of(b"more"); 100],
        right: denied!(Denial::Log(LogProofError::Form(_))),
    },
    Attack {
        name: "another tree size in the checkpoint",
        why: "The size is signed with the root.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| proof.checkpoint = proof.checkpoint.replacen("\n3\n", "\n4\n", 1);
        },
        right: tampered,
    },
    Attack {
        name: "another root in the checkpoint",
        why: "The root is what the witness signed.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let forged = TreeHead { size: 1, root: leaf_hash(b"forged") };
                let lines = Checkpoint { origin: ORIGIN.into(), head: forged }.to_text();
                let mut note = SignedNote::parse(&proof.checkpoint).unwrap();
                note.text = lines;
                proof.checkpoint = note.to_string();
            };
        },
        right: tampered,
    },
    Attack {
        name: "a signed tree of another size with the same root",
        why: "The path's shape follows from the size.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let head = TreeHead { size: 4, ..head(proof) };
                proof.checkpoint = witnessed(ORIGIN, head);
            };
        },
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::Length))),
    },
    Attack {
        name: "a signed tree of more entries than can be",
        why: "Sizes near 2^64 overflow what is counted with them.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let head = TreeHead { size: u64::MAX, ..head(proof) };
                proof.index = u64::MAX - 1;
                proof.checkpoint = witnessed(ORIGIN, head);
            };
        },
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::TreeTooLarge(_)))),
    },
    Attack {
        name: "a signed empty tree",
        why: "Nothing is in an empty log.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                proof.index = 0;
                proof.path.clear();
                proof.checkpoint = witnessed(ORIGIN, TreeHead::empty());
            };
        },
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::OutOfRange { .. }))),
    },
    Attack {
        name: "a checkpoint by an unknown witness",
        why: "Anybody can keep a log and sign its checkpoints.",
        mutate: |attempt| {
            attempt.edit_proof =
                |proof| proof.checkpoint = resigned(&proof.checkpoint, "stranger.example", 20);
        },
        right: unwitnessed,
    },
    Attack {
        name: "a checkpoint by an unknown key under the witness's name",
        why: "A name is not a key.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| proof.checkpoint = resigned(&proof.checkpoint, WITNESS, 20);
        },
        right: unwitnessed,
    },
    Attack {
        name: "the witness's key under another name",
        why: "Name and key are trusted together.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                proof.checkpoint = resigned(&proof.checkpoint, "witness.example/two", WITNESS_KEY);
            };
        },
        right: unwitnessed,
    },
    Attack {
        name: "a stranger's signature under the witness's name and key id",
        why: "The key id is four bytes that anybody can write.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let mut note = SignedNote::parse(&proof.checkpoint).unwrap();
                note.signatures[0].signature = key(20).sign(note.text.as_bytes());
                proof.checkpoint = note.to_string();
            };
        },
        right: tampered,
    },
    Attack {
        name: "a checkpoint signed by a certifier",
        why: "Who fills the log must not also be the one who watches it.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| proof.checkpoint = resigned(&proof.checkpoint, WITNESS, 1);
        },
        right: unwitnessed,
    },
    Attack {
        name: "a policy in which a certifier is the witness",
        why: "Who fills the log must not also be the one who watches it.",
        mutate: |attempt| attempt.policy.log.witnesses[0].key = key(1).public().clone(),
        right: |outcome| {
            let Outcome::NotOpened(OpenError::Policy(error)) = outcome else { return false };
            matches!(error, PolicyError::WitnessIsCertifier { .. })
        },
    },
    Attack {
        name: "one witness where two are needed",
        why: "The second is there because the first may look away.",
        mutate: |attempt| {
            attempt.policy.log.threshold = 2;
            let mut second = attempt.policy.log.witnesses[0].clone();
            second.name = "witness.example/two".into();
            second.key = key(10).public().clone();
            attempt.policy.log.witnesses.push(second);
            attempt.edit_proof = |proof| {
                let mut note = SignedNote::parse(&proof.checkpoint).unwrap();
                note.signatures.push(note.signatures[0].clone());
                proof.checkpoint = note.to_string();
            };
        },
        right: denied!(Denial::Log(LogProofError::Checkpoint(CheckpointError::Note(
            NoteError::ThresholdNotMet { needed: 2, valid: 1 }
        )))),
    },
    Attack {
        name: "a witness's signature with s in the upper half",
        why: "One spelling of a signature is taken, here too.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let mut note = SignedNote::parse(&proof.checkpoint).unwrap();
                note.signatures[0].signature = forge::high_s(&note.signatures[0].signature);
                proof.checkpoint = note.to_string();
            };
        },
        right: tampered,
    },
    Attack {
        name: "a checkpoint of another log",
        why: "The same witness may watch a log where anything is entered.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let head = head(proof);
                proof.checkpoint = witnessed("log.example/playground", head);
            };
        },
        right: denied!(Denial::Log(LogProofError::Checkpoint(CheckpointError::OtherLog { .. }))),
    },
    Attack {
        name: "a checkpoint with a carriage return",
        why: "A control character makes two texts look like one.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| proof.checkpoint = proof.checkpoint.replace('\n', "\r\n");
        },
        right: denied!(Denial::Log(LogProofError::Checkpoint(CheckpointError::Note(NoteError::Form(_))))),
    },
    Attack {
        name: "a note of the witness that is no checkpoint",
        why: "Whatever else the witness signs must not count as a log.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                let mut note = SignedNote::unsigned(format!("{ORIGIN}\nall is well\n"));
                note.sign(WITNESS, &key(WITNESS_KEY));
                proof.checkpoint = note.to_string();
            };
        },
        right: denied!(Denial::Log(LogProofError::Checkpoint(CheckpointError::Form(_)))),
    },
    Attack {
        name: "a signature added after the certificate was logged",
        why: "What is in the log is not what is at hand.",
        mutate: |attempt| attempt.edit_bundle = |bundle| bundle.certificate.sign(&key(3)),
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::OtherRoot))),
    },
    Attack {
        name: "an inner node of the tree offered as an entry",
        why: "Leaves and nodes are hashed apart, so that no node passes for a leaf.",
        mutate: |attempt| {
            attempt.edit_proof = |proof| {
                // A tree whose root is the bare digest of the entry, as if there were no prefixes.
                let head = TreeHead { size: 1, root: Digest::of(b"entry") };
                proof.index = 0;
                proof.path.clear();
                proof.checkpoint = witnessed(ORIGIN, head);
            };
        },
        right: denied!(Denial::Log(LogProofError::NotIncluded(ProofError::OtherRoot))),
    },
];
