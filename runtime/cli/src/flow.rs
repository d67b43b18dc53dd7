//! A call from begin to its receipt, with a key that is at hand.

use std::time::{Duration, Instant};

use adapter_spec::{
    CallError, Ledger,
    types::{
        Descriptor, Envelope, Inclusion, Output, Receipt, SendFailure, SignRequest, Signature, SigningInput,
        Step,
    },
};
use berth_crypto::{SignError, SigningKey};
use thiserror::Error;

/// Rounds of signatures in one call, after which the adapter is held to be broken.
const MAX_ROUNDS: usize = 16;
/// The first pause between two looks at a receipt; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why a call came to no end.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The adapter answered with an error, or the host ended a call.
    #[error("{function}: {source}")]
    Call {
        /// The function of the standard.
        function: &'static str,
        /// How it failed.
        source: CallError,
    },
    /// The transaction was not acknowledged.
    #[error("send: {0}")]
    Send(CallError<SendFailure>),
    /// A signature by another key is wanted.
    #[error("the adapter asks for a signature by another key")]
    OtherKey,
    /// A digest is to be signed, and the descriptor does not say why.
    #[error("the adapter asks to sign a digest that its descriptor does not declare")]
    UndeclaredDigest,
    /// The key cannot sign what is to be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No end of signatures.
    #[error("the adapter asks for signatures without end")]
    Endless,
}

impl FlowError {
    /// Names the function that failed.
    pub fn of(function: &'static str) -> impl Fn(CallError) -> FlowError {
        move |source| FlowError::Call { function, source }
    }
}

/// A call that needs no more signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// To be sent.
    Envelope(Envelope),
    /// A read is done.
    Answer(Output),
}

/// Signs for as long as signatures are asked for; `claim` hears what the adapter says is signed. A call that cannot go on
/// is given up, so that what it reserved is free.
///
/// # Errors
/// See [`FlowError`].
pub async fn sign(
    ledger: &dyn Ledger,
    descriptor: &Descriptor,
    key: &SigningKey,
    mut step: Step,
    mut claim: impl FnMut(&SignRequest),
) -> Result<Signed, FlowError> {
    for _ in 0..MAX_ROUNDS {
        let request = match step {
            Step::Sign(request) => request,
            Step::Send(envelope) => return Ok(Signed::Envelope(envelope)),
            Step::Answer(output) => return Ok(Signed::Answer(output)),
        };
        claim(&request);
        let signatures = match signatures(descriptor, key, &request) {
            Ok(signatures) => signatures,
            Err(error) => {
                // What it reserved ends by itself too; the first error is the one that matters.
                let _ = ledger.abandon(request.continuation).await;
                return Err(error);
            }
        };
        step = ledger.resume(request.continuation, signatures).await.map_err(FlowError::of("resume"))?;
    }
    Err(FlowError::Endless)
}

/// The signatures that a request wants, in its order.
///
/// # Errors
/// When another key is wanted, or something that this key must not or cannot sign.
pub fn signatures(
    descriptor: &Descriptor,
    key: &SigningKey,
    request: &SignRequest,
) -> Result<Vec<Signature>, FlowError> {
    let own = key.public_key();
    let one = |item: &adapter_spec::types::SignItem| {
        if item.key.scheme != own.scheme || item.key.point != own.point {
            return Err(FlowError::OtherKey);
        }
        if matches!(item.input, SigningInput::Digest(_)) && descriptor.signs_digests.is_none() {
            return Err(FlowError::UndeclaredDigest);
        }
        Ok(key.sign(&item.input)?)
    };
    request.items.iter().map(one).collect()
}

/// Until when a receipt is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The transaction is in a block.
    Included,
    /// Its block cannot disappear.
    Final,
}

impl Until {
    /// Whether there is nothing more to wait for.
    #[must_use]
    pub fn is_reached(self, inclusion: &Inclusion) -> bool {
        match inclusion {
            Inclusion::Unknown | Inclusion::Pending => false,
            Inclusion::Included(_) => self == Until::Included,
            Inclusion::Final | Inclusion::Expired | Inclusion::Superseded(_) => true,
        }
    }
}

/// How a receipt is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What for.
    pub until: Until,
    /// How long at most.
    pub patience: Duration,
    /// Without pauses: in a replay, where nothing changes by waiting.
    pub at_once: bool,
}

/// Asks for the receipt until it is there or the patience is over, with growing pauses; `progress` hears of each answer.
/// A retryable error is waited over. Gives the last receipt, whatever it says.
///
/// # Errors
/// Errors that are not retryable; a retryable one when the patience is over.
pub async fn wait(
    ledger: &dyn Ledger,
    transaction: &str,
    tracking: &[u8],
    Waiting { until, patience, at_once }: Waiting,
    mut progress: impl FnMut(&Receipt, Duration),
) -> Result<Receipt, FlowError> {
    let start = Instant::now();
    let mut pause = if at_once { Duration::ZERO } else { FIRST_PAUSE };
    loop {
        let answer = ledger.receipt(transaction, tracking.to_vec()).await;
        let left = patience.saturating_sub(start.elapsed());
        match answer {
            Ok(receipt) => {
                progress(&receipt, start.elapsed());
                if until.is_reached(&receipt.inclusion) || left.is_zero() {
                    return Ok(receipt);
                }
            }
            Err(error) => {
                let may_pass = error.answered().is_some_and(|error| error.retryable);
                if !may_pass || left.is_zero() {
                    return Err(FlowError::of("receipt")(error));
                }
            }
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use adapter_spec::types::{PublicKey, SignItem, SignatureScheme, Validity};

    use super::*;

    fn descriptor(signs_digests: Option<&str>) -> Descriptor {
        Descriptor {
            name: "a".into(),
            version: "1.0.0".into(),
            framework: "a".into(),
            framework_versions: Vec::new(),
            permissioned: false,
            schemes: vec![SignatureScheme::EcdsaP256Sha256],
            signs_digests: signs_digests.map(Into::into),
            finality: adapter_spec::types::Finality::Immediate,
            ordered_accounts: false,
            endpoints: Vec::new(),
            service_keys: Vec::new(),
            settings_schema: "{}".into(),
            max_payload: 1,
            capabilities: Vec::new(),
            extensions: Vec::new(),
        }
    }

    fn request(key: PublicKey, input: SigningInput) -> SignRequest {
        SignRequest {
            items: vec![SignItem { key, input }],
            continuation: Vec::new(),
            valid_until: Validity::Unbounded,
            max_fee: None,
            summary: String::new(),
        }
    }

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &[byte; 32]).unwrap()
    }

    #[test]
    fn only_the_given_key_signs_and_a_digest_only_where_it_is_declared() {
        let (own, other) = (key(1), key(2));
        let message = SigningInput::Message(b"m".to_vec());
        let digest = SigningInput::Digest(vec![7; 32]);
        let ask = |declared, key: &SigningKey, input: &SigningInput| {
            signatures(&descriptor(declared), &own, &request(key.public_key(), input.clone()))
        };
        assert_eq!(ask(None, &own, &message).unwrap().len(), 1);
        assert!(matches!(ask(None, &other, &message), Err(FlowError::OtherKey)));
        assert!(matches!(ask(None, &own, &digest), Err(FlowError::UndeclaredDigest)));
        assert_eq!(ask(Some("the ledger wants it"), &own, &digest).unwrap().len(), 1);
    }

    #[test]
    fn waiting_ends_where_nothing_better_can_come() {
        use Inclusion::{Expired, Final, Included, Pending, Superseded, Unknown};
        let reached = |until: Until| {
            [Unknown, Pending, Included(1), Final, Expired, Superseded(String::new())]
                .map(|inclusion| until.is_reached(&inclusion))
        };
        assert_eq!(reached(Until::Included), [false, false, true, true, true, true]);
        assert_eq!(reached(Until::Final), [false, false, false, true, true, true]);
    }
}
