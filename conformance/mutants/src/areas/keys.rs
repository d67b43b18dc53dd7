//! KEYS: identities, keys, signatures.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use adapter_spec::{
    CallError, Function, async_trait,
    types::{
        Call, CallOptions, Error, ErrorCode, HashAlgorithm, Party, PublicKey, Signature, SignatureScheme,
        SigningInput, Step, Value,
    },
};
use berth_suite::trial::{is_upper, mirrored};

use crate::{
    Honest, Mutant, Mutation,
    change_begin::{asking, beginning, is},
    change_sight::{Sight, seeing},
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("KEYS-1", "accounts-in-capitals", "the accounts [", || Box::new(Capitals)),
        Mutant::new("KEYS-2", "takes-a-scheme-of-the-same-curve", "EcdsaSecp256k1Sha256Canonical", || {
            Box::new(Mends(|key| {
                if key.scheme == SignatureScheme::EcdsaSecp256k1Sha256Canonical {
                    key.scheme = SignatureScheme::EcdsaSecp256k1Keccak256;
                }
            }))
        }),
        Mutant::new("KEYS-2", "mends-points", "a point without its first byte", || {
            Box::new(Mends(|key| {
                if key.point.len() == 64 {
                    key.point.insert(0, 4);
                }
            }))
        }),
        Mutant::new("KEYS-3", "no-account-is-an-error", "a list, perhaps an empty one", || {
            Box::new(NoneIsAnError)
        }),
        Mutant::new("KEYS-4", "a-service-key-of-its-own", "\"operator\", which is not declared", || {
            Box::new(Undeclared)
        }),
        Mutant::new("KEYS-4", "signs-for-its-party", "begin goes on without", || Box::new(GoesOn)),
        Mutant::new("KEYS-5", "another-argument", "it grows by", || {
            beginning(|begun| {
                let adds = begun.function().filter(|call| call.function.starts_with("add"));
                if let Some([Value::Integer(number)]) = adds.map(|call| call.arguments.as_mut_slice()) {
                    *number = number.parse::<i64>().map_or(number.clone(), |number| (number + 1).to_string());
                }
            })
        }),
        Mutant::new("KEYS-5", "another-function", "the function that adds", || {
            beginning(|begun| {
                if let Some(call) = begun.function() {
                    call.function = call.function.replace("add-twice", "add");
                }
            })
        }),
        Mutant::new("KEYS-5", "another-text", "another text", || {
            beginning(|begun| {
                if let Some([Value::Text(text)]) = begun.function().map(|call| call.arguments.as_mut_slice())
                {
                    text.truncate(16);
                }
            })
        }),
        Mutant::new("KEYS-5", "an-amount-that-is-not-signed", "a call with an amount", || {
            beginning(|begun| begun.options.amount = None)
        }),
        Mutant::new("KEYS-5", "a-hash-that-shows-nothing", "hold the call's argument", || {
            asking(|request, call| {
                let item = request.items.first_mut();
                if let (true, Some(item)) = (is(call, "write"), item) {
                    item.input = SigningInput::Message(vec![7; 32]);
                }
            })
        }),
        Mutant::new("KEYS-6", "somebody-else-is-asked", "names another key", || {
            asking(|request, call| {
                if let (true, Some(mut other)) = (is(call, "add"), request.items.first().cloned()) {
                    other.key.point = [&[4], [1; 64].as_slice()].concat();
                    request.items.push(other);
                }
            })
        }),
        Mutant::new("KEYS-7", "verifies-nothing", "a signature by another key", || {
            seeing(Sight { verify: |_| true, ..Sight::CLEAR })
        }),
        Mutant::new("KEYS-7", "the-first-of-many", "a signature more than was asked for", || {
            Box::new(Signs(|signatures| signatures.truncate(1)))
        }),
        Mutant::new("KEYS-7", "cuts-what-is-too-long", "a signature with a byte behind it", || {
            Box::new(Signs(|signatures| {
                signatures.iter_mut().for_each(|signature| signature.bytes.truncate(64));
            }))
        }),
        Mutant::new("KEYS-8", "turns-the-upper-half-down", "s in the upper half", || {
            Box::new(Signs(|signatures| {
                let scheme = SignatureScheme::EcdsaP256Sha256;
                for signature in signatures.iter_mut().filter(|signature| is_upper(scheme, signature)) {
                    if let Some(lower) = mirrored(scheme, signature) {
                        *signature = lower;
                    }
                }
            }))
        }),
        Mutant::new("KEYS-8", "takes-the-frameworks-own-v", "the recovery-id 27", || {
            Box::new(Signs(|signatures| {
                for signature in signatures.iter_mut() {
                    // 27 and 28 are 0 and 1 elsewhere; the other parity is found by trying.
                    signature.recovery_id = signature.recovery_id.filter(|id| *id < 27);
                }
            }))
        }),
        Mutant::new("KEYS-9", "wants-a-recovery-id", "computes a recovery-id that is missing", || {
            Box::new(WantsRecovery::default())
        }),
        Mutant::new("KEYS-10", "digests-without-a-reason", "asks for a digest", || Box::new(Digests)),
        Mutant::new("KEYS-11", "the-usual-id", "SM2", || {
            asking(|request, _| {
                for item in &mut request.items {
                    if let SigningInput::Sm2(message) = &mut item.input {
                        message.id = b"1234567812345678".to_vec();
                    }
                }
            })
        }),
        Mutant::new("KEYS-12", "a-long-summary", "at most 1,024 bytes", || {
            asking(|request, _| request.summary.push_str(&" and so on".repeat(200)))
        }),
        Mutant::new("KEYS-12", "a-summary-of-one-word", "names the contract", || {
            asking(|request, _| request.summary = "a transaction".into())
        }),
        Mutant::new("KEYS-12", "a-low-max-fee", "max-fee is an upper bound", || {
            asking(|request, _| request.max_fee = Some("1".into()))
        }),
        Mutant::new("KEYS-13", "loses-the-certificate", "the certificate is None", || {
            asking(|request, _| request.items.iter_mut().for_each(|item| item.key.certificate = None))
        }),
        Mutant::new("KEYS-13", "another-certificate", "the certificate is Some", || {
            asking(|request, _| {
                let certificates = request.items.iter_mut().filter_map(|item| item.key.certificate.as_mut());
                certificates.for_each(|certificate| certificate.push(0));
            })
        }),
    ]
}

/// Spells accounts in its own way.
struct Capitals;

#[async_trait]
impl Mutation for Capitals {
    async fn accounts(&self, honest: &Honest, key: PublicKey) -> Result<Vec<String>, CallError> {
        let accounts = honest.ledger.accounts(key).await?;
        Ok(accounts.iter().map(|account| account.to_uppercase()).collect())
    }
}

/// Mends keys before it looks at them.
struct Mends(fn(&mut PublicKey));

#[async_trait]
impl Mutation for Mends {
    async fn accounts(&self, honest: &Honest, mut key: PublicKey) -> Result<Vec<String>, CallError> {
        self.0(&mut key);
        honest.ledger.accounts(key).await
    }

    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        mut parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        parties.iter_mut().flat_map(|party| &mut party.keys).for_each(self.0);
        honest.ledger.begin(call, parties, options).await
    }
}

struct NoneIsAnError;

#[async_trait]
impl Mutation for NoneIsAnError {
    async fn accounts(&self, honest: &Honest, key: PublicKey) -> Result<Vec<String>, CallError> {
        let accounts = honest.ledger.accounts(key).await?;
        if accounts.is_empty() {
            return Err(CallError::Answered(Error::new(ErrorCode::NotFound, "this key has no account")));
        }
        Ok(accounts)
    }
}

/// Uses a key that the operator was never asked for, where there is one.
struct Undeclared;

#[async_trait]
impl Mutation for Undeclared {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let _ = honest.imports(Function::Begin).service_public_key("operator").await;
        honest.ledger.begin(call, parties, options).await
    }
}

/// Goes on with additions as if its party had signed.
struct GoesOn;

#[async_trait]
impl Mutation for GoesOn {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let adds = is(&call, "add");
        match honest.ledger.begin(call, parties, options).await? {
            Step::Sign(request) if adds => Ok(Step::Send(adapter_spec::types::Envelope {
                transaction: "0".repeat(64),
                bytes: request.continuation,
                valid_until: request.valid_until,
                tracking: Vec::new(),
            })),
            step => Ok(step),
        }
    }
}

/// Mends signatures before it looks at them.
struct Signs(fn(&mut Vec<Signature>));

#[async_trait]
impl Mutation for Signs {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        mut signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        self.0(&mut signatures);
        honest.ledger.resume(continuation, signatures).await
    }
}

/// Takes no signature on secp256k1 without its parity.
#[derive(Default)]
struct WantsRecovery(Mutex<BTreeSet<Vec<u8>>>);

#[async_trait]
impl Mutation for WantsRecovery {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let mut keys = parties.iter().flat_map(|party| &party.keys);
        let recovers = keys.any(|key| key.scheme == SignatureScheme::EcdsaSecp256k1Keccak256);
        let step = honest.ledger.begin(call, parties, options).await?;
        if let (true, Step::Sign(request)) = (recovers, &step) {
            let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            begun.insert(request.continuation.clone());
        }
        Ok(step)
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let recovers = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&continuation);
        if recovers && signatures.iter().any(|signature| signature.recovery_id.is_none()) {
            let error = Error::new(ErrorCode::InvalidArgument, "a recovery-id is wanted");
            return Err(CallError::Answered(error));
        }
        honest.ledger.resume(continuation, signatures).await
    }
}

/// Hashes by itself what its party signs.
struct Digests;

#[async_trait]
impl Mutation for Digests {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let mut step = honest.ledger.begin(call, parties, options).await?;
        if let Step::Sign(request) = &mut step {
            let imports = honest.imports(Function::Begin);
            for item in &mut request.items {
                if let (SignatureScheme::EcdsaP256Sha256, SigningInput::Message(message)) =
                    (item.key.scheme, &item.input)
                {
                    item.input = SigningInput::Digest(imports.hash(HashAlgorithm::Sha256, message));
                }
            }
        }
        Ok(step)
    }
}
