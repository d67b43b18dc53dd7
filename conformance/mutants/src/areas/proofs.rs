//! PROOF: proofs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use adapter_spec::{
    Adapter, CallError, Ended, Function, Imports, Lender, async_trait,
    types::{
        BlockRef, Claim, Descriptor, Error, ErrorCode, PresetValue, Proof, PublicKey, Signature, SigningInput,
        transport::JsonRpcRequest,
    },
};
use berth_model::{
    adapter::with_signatures,
    wire::{Anchor, Wire as _},
};

use crate::{
    Honest, Mutant, Mutation,
    change_imports::{ImportChange, changed},
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("PROOF-1", "nothing-holds", "verify accepts a true proof", || {
            Box::new(RefusesAll)
        }),
        Mutant::new("PROOF-1", "what-is-not-so-is-invalid", "a claim that does not hold", || {
            proved(|_, proof| proof.map_err(|error| with_code(error, ErrorCode::NotFound, ErrorCode::InvalidArgument)))
        }),
        Mutant::new("PROOF-1", "any-event-of-the-transaction", "a claim that does not hold, event: not-found", || {
            Box::new(ProvesLess)
        }),
        Mutant::new("PROOF-1", "proves-what-it-does-not-declare", "a kind that is not declared, slot: unsupported", || {
            Box::new(HidesSlots)
        }),
        Mutant::new("PROOF-2", "looks-into-its-state", "verify reaches no endpoint, service key or state", || {
            Box::new(Reaches::State)
        }),
        Mutant::new("PROOF-2", "asks-the-node", "verify reaches no endpoint, service key or state", || {
            Box::new(Reaches::Endpoint)
        }),
        Mutant::new("PROOF-2", "remembers-what-it-made", "verify refuses a broken proof each time", || {
            Box::new(Knows::new(|given, known| known.unwrap_or(given)))
        }),
        Mutant::new("PROOF-3", "blocks-are-not-compared", "another block number", || {
            Box::new(Knows::new(|given, known| {
                known.map_or(given.clone(), |known| Proof { block: known.block, ..given.clone() })
            }))
        }),
        Mutant::new("PROOF-3", "block-hashes-are-not-compared", "another block hash", || {
            Box::new(Knows::new(|given, known| {
                known.map_or(given.clone(), |known| Proof {
                    block: BlockRef { hash: known.block.hash, ..given.block.clone() },
                    ..given
                })
            }))
        }),
        Mutant::new("PROOF-3", "claims-are-not-compared", "another transaction", || {
            Box::new(Knows::new(|given, known| {
                known.map_or(given.clone(), |known| Proof { claim: known.claim, ..given })
            }))
        }),
        Mutant::new("PROOF-3", "payloads-are-not-compared", "another payload of the event", || {
            Box::new(Knows::new(|given, known| match (&given.claim, known.map(|known| known.claim)) {
                (Claim::Event(event), Some(Claim::Event(other))) if event.name == other.name => {
                    Proof { claim: Claim::Event(adapter_spec::types::Event { payload: other.payload, ..event.clone() }), ..given }
                }
                _ => given,
            }))
        }),
        Mutant::new("PROOF-3", "signatures-are-not-verified", "changed", || Box::new(EverySignatureIsGood)),
        Mutant::new("PROOF-3", "no-quorum-is-counted", "one signature fewer than the quorum", || Box::new(CountsNoQuorum)),
        Mutant::new("PROOF-3", "any-anchor-will-do", "another anchor", || Box::new(AnyAnchor::default())),
        Mutant::new("PROOF-4", "included-is-success", "failed transaction succeeded", || Box::new(InABlockIsSuccess)),
        Mutant::new("PROOF-4", "empty-is-nothing", "another value than the one at the proof's block", || {
            verified(|given, again| {
                let Claim::PresetValue(PresetValue { key, value }) = &given.claim else { return Err(again) };
                let value = match value {
                    Some(value) if value.is_empty() => None,
                    None => Some(Vec::new()),
                    _ => return Err(again),
                };
                Ok(Proof { claim: Claim::PresetValue(PresetValue { key: key.clone(), value }), ..given.clone() })
            })
        }),
        Mutant::new("PROOF-4", "a-good-proof-proves-everything", "verify refuses a proof of", || {
            Box::new(Knows::new(|given, known| {
                known.map_or(given.clone(), |known| Proof { claim: known.claim, block: known.block, ..given })
            }))
        }),
        Mutant::new("PROOF-5", "broken-proofs-are-invalid", "for a proof: corrupt-response", || {
            verified(|_, error| Err(with_code(error, ErrorCode::CorruptResponse, ErrorCode::InvalidArgument)))
        }),
        Mutant::new("PROOF-5", "broken-anchors-are-corrupt", "for an anchor: invalid-argument", || {
            verified(|_, error| Err(with_code(error, ErrorCode::InvalidArgument, ErrorCode::CorruptResponse)))
        }),
        Mutant::new("PROOF-6", "long-proofs-trap", "in bounded time and memory", || Box::new(RunsOutOfMemory)),
    ]
}

/// No proof is good enough.
struct RefusesAll;

#[async_trait]
impl Mutation for RefusesAll {
    async fn verify(
        &self,
        _: &dyn Adapter,
        _: Arc<dyn Lender>,
        _: Vec<u8>,
        _: Proof,
    ) -> Result<(), CallError> {
        Err(CallError::Answered(Error::new(ErrorCode::CorruptResponse, "the proof does not hold")))
    }
}

fn with_code(error: Error, from: ErrorCode, code: ErrorCode) -> Error {
    if error.code == from { Error { code, ..error } } else { error }
}

/// Changes what comes of a proof that does not hold: another proof to be verified instead, or another error.
struct ChangeVerified(fn(&Proof, Error) -> Result<Proof, Error>);

fn verified(change: fn(&Proof, Error) -> Result<Proof, Error>) -> Box<dyn Mutation> {
    Box::new(ChangeVerified(change))
}

#[async_trait]
impl Mutation for ChangeVerified {
    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        match honest.verify(lender.clone(), anchor.clone(), proof.clone()).await {
            Err(CallError::Answered(error)) => match (self.0)(&proof, error) {
                Ok(instead) => honest.verify(lender, anchor, instead).await,
                Err(error) => Err(CallError::Answered(error)),
            },
            ended => ended,
        }
    }
}

/// Changes what is proved.
struct ChangeProved(fn(&Claim, Result<Proof, Error>) -> Result<Proof, Error>);

fn proved(change: fn(&Claim, Result<Proof, Error>) -> Result<Proof, Error>) -> Box<dyn Mutation> {
    Box::new(ChangeProved(change))
}

#[async_trait]
impl Mutation for ChangeProved {
    async fn prove(&self, honest: &Honest, claim: Claim) -> Result<Proof, CallError> {
        let proof = match honest.ledger.prove(claim.clone()).await {
            Ok(proof) => Ok(proof),
            Err(CallError::Answered(error)) => Err(error),
            Err(ended) => return Err(ended),
        };
        (self.0)(&claim, proof).map_err(CallError::Answered)
    }
}

/// Proves that the transaction is there, and calls it a proof of the event.
struct ProvesLess;

#[async_trait]
impl Mutation for ProvesLess {
    async fn prove(&self, honest: &Honest, claim: Claim) -> Result<Proof, CallError> {
        match (honest.ledger.prove(claim.clone()).await, &claim) {
            (Err(CallError::Answered(_)), Claim::Event(event)) => {
                let less = honest.ledger.prove(Claim::Included(event.transaction.clone())).await?;
                Ok(Proof { claim, ..less })
            }
            (proof, _) => proof,
        }
    }
}

/// Does not declare what it does.
struct HidesSlots;

#[async_trait]
impl Mutation for HidesSlots {
    fn describe(&self, mut honest: Descriptor) -> Descriptor {
        honest.capabilities.retain(|name| name != "slot");
        honest
    }
}

/// Looks elsewhere before it verifies.
enum Reaches {
    State,
    Endpoint,
}

#[async_trait]
impl Mutation for Reaches {
    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        let imports = lender.imports(Function::Verify);
        match self {
            Reaches::State => {
                imports.state_get("verified").await;
            }
            Reaches::Endpoint => {
                imports
                    .json_rpc(vec![JsonRpcRequest {
                        endpoint: "node-1".into(),
                        method: "ledger_status".into(),
                        params: "{}".into(),
                        sensitive: false,
                    }])
                    .await;
            }
        }
        honest.verify(lender, anchor, proof).await
    }
}

/// Knows, by their bytes, the proofs that it made, and looks less closely at them.
struct Knows {
    made: Mutex<BTreeMap<Vec<u8>, Proof>>,
    /// What is verified instead of what is given.
    instead: fn(Proof, Option<Proof>) -> Proof,
}

impl Knows {
    fn new(instead: fn(Proof, Option<Proof>) -> Proof) -> Self {
        Knows { made: Mutex::default(), instead }
    }
}

#[async_trait]
impl Mutation for Knows {
    async fn prove(&self, honest: &Honest, claim: Claim) -> Result<Proof, CallError> {
        let proof = honest.ledger.prove(claim).await?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(proof.bytes.clone(), proof.clone());
        Ok(proof)
    }

    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        let known = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&proof.bytes).cloned();
        honest.verify(lender, anchor, (self.instead)(proof, known)).await
    }
}

/// Finds every signature good.
struct EverySignatureIsGood;

impl ImportChange for EverySignatureIsGood {
    fn verify(&self, _: &dyn Imports, _: &PublicKey, _: &SigningInput, _: &Signature) -> bool {
        true
    }
}

#[async_trait]
impl Mutation for EverySignatureIsGood {
    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        honest.verify(changed(lender, Arc::new(EverySignatureIsGood)), anchor, proof).await
    }
}

/// Verifies the signatures that are there, and does not mind those that are not.
struct CountsNoQuorum;

impl ImportChange for CountsNoQuorum {
    fn verify(
        &self,
        imports: &dyn Imports,
        key: &PublicKey,
        input: &SigningInput,
        signature: &Signature,
    ) -> bool {
        signature.bytes.iter().all(|byte| *byte == 0) || imports.verify(key, input, signature)
    }
}

#[async_trait]
impl Mutation for CountsNoQuorum {
    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        mut proof: Proof,
    ) -> Result<(), CallError> {
        let quorum = Anchor::decode(&anchor).map_or(0, |anchor| usize::from(anchor.validators.quorum));
        // Those that are missing stand there as zeros, so that the honest adapter finds as many as it counts.
        let filled = with_signatures(&proof.bytes, |mut signatures| {
            for place in 0..=u8::MAX {
                let is_there = signatures.iter().any(|(other, _)| *other == place);
                if signatures.len() < quorum && !is_there {
                    signatures.push((place, [0; 64]));
                }
            }
            signatures.sort_by_key(|(place, _)| *place);
            signatures
        });
        if let Some(filled) = filled {
            proof.bytes = filled;
        }
        honest.verify(changed(lender, Arc::new(CountsNoQuorum)), anchor, proof).await
    }
}

/// Trusts whatever it trusted before.
#[derive(Default)]
struct AnyAnchor(Mutex<Option<Vec<u8>>>);

#[async_trait]
impl Mutation for AnyAnchor {
    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        let trusted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let anchor = trusted.unwrap_or(anchor);
        honest.verify(lender, anchor.clone(), proof).await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(anchor);
        Ok(())
    }
}

/// Takes being in a block for success.
struct InABlockIsSuccess;

#[async_trait]
impl Mutation for InABlockIsSuccess {
    async fn prove(&self, honest: &Honest, claim: Claim) -> Result<Proof, CallError> {
        match (honest.ledger.prove(claim.clone()).await, &claim) {
            (Err(CallError::Answered(_)), Claim::Succeeded(id)) => {
                let included = honest.ledger.prove(Claim::Included(id.clone())).await?;
                Ok(Proof { claim, ..included })
            }
            (proof, _) => proof,
        }
    }

    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        let claim = match proof.claim {
            Claim::Succeeded(id) => Claim::Included(id),
            other => other,
        };
        honest.verify(lender, anchor, Proof { claim, ..proof }).await
    }
}

/// Takes all the memory that there is, where a proof is long: the host ends it.
struct RunsOutOfMemory;

#[async_trait]
impl Mutation for RunsOutOfMemory {
    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        if proof.bytes.len() > 1 << 21 {
            return Err(CallError::Ended(Ended::Trapped { message: "out of memory".into() }));
        }
        honest.verify(lender, anchor, proof).await
    }
}
