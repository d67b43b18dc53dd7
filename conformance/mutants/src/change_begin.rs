//! Adapters that begin another call than they are given, or ask for something else to be signed.

use adapter_spec::{
    CallError, async_trait,
    types::{Call, CallOptions, ContractCall, Error, Party, SignRequest, Step},
};

use crate::{Honest, Mutation};

/// What is begun.
pub(crate) struct Begun<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) parties: &'a mut Vec<Party>,
    pub(crate) options: &'a mut CallOptions,
}

impl Begun<'_> {
    /// The contract's function, if it is one, as a read or as a write.
    pub(crate) fn function(&mut self) -> Option<&mut ContractCall> {
        function_mut(self.call)
    }
}

fn function_mut(call: &mut Call) -> Option<&mut ContractCall> {
    match call {
        Call::Invoke(call) | Call::Evaluate(call) => Some(call),
        Call::Deploy(_) | Call::Native(_) => None,
    }
}

/// The contract's function, if it is one, as a read or as a write.
pub(crate) fn function(call: &Call) -> Option<&ContractCall> {
    match call {
        Call::Invoke(call) | Call::Evaluate(call) => Some(call),
        Call::Deploy(_) | Call::Native(_) => None,
    }
}

/// Whether it is this function of a contract; its types may follow.
pub(crate) fn is(call: &Call, name: &str) -> bool {
    function(call).is_some_and(|call| call.function.split('(').next() == Some(name))
}

struct Begins(fn(&mut Begun<'_>));

#[async_trait]
impl Mutation for Begins {
    async fn begin(
        &self,
        honest: &Honest,
        mut call: Call,
        mut parties: Vec<Party>,
        mut options: CallOptions,
    ) -> Result<Step, CallError> {
        self.0(&mut Begun { call: &mut call, parties: &mut parties, options: &mut options });
        honest.ledger.begin(call, parties, options).await
    }
}

/// The honest adapter, which begins something else than it is given.
pub(crate) fn beginning(change: fn(&mut Begun<'_>)) -> Box<dyn Mutation> {
    Box::new(Begins(change))
}

struct Asks(fn(&mut SignRequest, &Call));

#[async_trait]
impl Mutation for Asks {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let mut step = honest.ledger.begin(call.clone(), parties, options).await?;
        if let Step::Sign(request) = &mut step {
            self.0(request, &call);
        }
        Ok(step)
    }
}

/// The honest adapter, which asks for something else to be signed at `begin`.
pub(crate) fn asking(change: fn(&mut SignRequest, &Call)) -> Box<dyn Mutation> {
    Box::new(Asks(change))
}

struct Refuses(fn(&Call, Error) -> Result<Step, Error>);

#[async_trait]
impl Mutation for Refuses {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        match honest.ledger.begin(call.clone(), parties, options).await {
            Err(CallError::Answered(error)) => self.0(&call, error).map_err(CallError::Answered),
            other => other,
        }
    }
}

/// The honest adapter, which refuses calls in other words, or not.
pub(crate) fn refusing(change: fn(&Call, Error) -> Result<Step, Error>) -> Box<dyn Mutation> {
    Box::new(Refuses(change))
}
