//! An adapter that has a second transaction signed beside each one, with the same effect, and sends it when it thinks that
//! it must.

use adapter_spec::{
    CallError, Function, async_trait,
    types::{
        Call, CallOptions, Envelope, Error, ErrorCode, Party, SendFailure, SignRequest, Signature, Step,
    },
};

use crate::{Honest, Mutation, remember::Memory};

/// When the spare one is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// The envelope comes again.
    Repeated,
    /// The envelope comes again, and the adapter's state does not know it.
    Forgotten,
    /// The first one lost against another one.
    Conflict,
}

/// The mutation.
pub(crate) struct Spare {
    when: When,
    spares: Memory<Envelope>,
    sends: Memory<u64>,
}

impl Spare {
    /// With a spare transaction for this case.
    pub(crate) fn new(when: When) -> Self {
        Spare { when, spares: Memory::default(), sends: Memory::default() }
    }
}

/// Two continuations in one: the first one's length, both.
fn join(one: &[u8], other: &[u8]) -> Vec<u8> {
    let length = u32::try_from(one.len()).unwrap_or(u32::MAX).to_be_bytes();
    [length.as_slice(), one, other].concat()
}

fn split(joined: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (length, rest) = joined.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (one, other) = rest.split_at_checked(length)?;
    Some((one.to_vec(), other.to_vec()))
}

fn unreadable() -> CallError {
    CallError::Answered(Error::new(ErrorCode::InvalidArgument, "the continuation cannot be read"))
}

#[async_trait]
impl Mutation for Spare {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let is_invoke = matches!(call, Call::Invoke(_));
        let other = CallOptions { salt: options.salt.iter().map(|byte| !byte).collect(), ..options.clone() };
        let first = honest.ledger.begin(call.clone(), parties.clone(), options).await?;
        let Step::Sign(first) = first else { return Ok(first) };
        // A spare that is never sent leaves a gap in the account's order; contracts are made by one account.
        if !is_invoke {
            return Ok(Step::Sign(SignRequest { continuation: join(&first.continuation, &[]), ..first }));
        }
        let Step::Sign(second) = honest.ledger.begin(call, parties, other).await? else {
            return Ok(Step::Sign(first));
        };
        let continuation = join(&first.continuation, &second.continuation);
        let items = [first.items, second.items].concat();
        Ok(Step::Sign(SignRequest { items, continuation, ..second }))
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let (one, other) = split(&continuation).ok_or_else(unreadable)?;
        if other.is_empty() {
            return honest.ledger.resume(one, signatures).await;
        }
        let [first, second] = signatures.as_slice() else { return Err(unreadable()) };
        let step = honest.ledger.resume(one, vec![first.clone()]).await?;
        let spare = honest.ledger.resume(other, vec![second.clone()]).await?;
        if let (Step::Send(envelope), Step::Send(spare)) = (&step, spare) {
            self.spares.set(&envelope.transaction, spare);
        }
        Ok(step)
    }

    async fn abandon(&self, honest: &Honest, continuation: Vec<u8>) -> Result<(), CallError> {
        let (one, other) = split(&continuation).ok_or_else(unreadable)?;
        honest.ledger.abandon(one).await?;
        if other.is_empty() {
            return Ok(());
        }
        honest.ledger.abandon(other).await
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let id = envelope.transaction.clone();
        let repeated = self.sends.count(&id) > 0;
        let state = honest.imports(Function::Send);
        let key = format!("sent/{id}");
        let known = state.state_get(&key).await.is_some();
        if !known {
            state.state_swap(&key, None, Some(vec![1])).await;
        }
        let sent = honest.ledger.send(envelope).await;
        let lost = |error: &CallError<SendFailure>| {
            error.answered().is_some_and(|failure| failure.error.code == ErrorCode::Conflict)
        };
        let wanted = match self.when {
            When::Repeated => repeated,
            When::Forgotten => repeated && !known,
            When::Conflict => sent.as_ref().is_err_and(lost),
        };
        if wanted && let Some(spare) = self.spares.forget(&id) {
            honest.ledger.send(spare).await.ok();
        }
        sent
    }
}
