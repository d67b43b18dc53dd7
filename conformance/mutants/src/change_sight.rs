//! Adapters that see another host than there is.

use std::sync::Arc;

use adapter_spec::{
    Function, Imports, Lender,
    types::{PublicKey, Signature, SigningInput, transport::Lent},
};

use crate::{
    Mutation,
    change_imports::{ImportChange, changed},
};

/// What of the imports comes out differently. Each function has what the host answers, and gives what the adapter sees.
#[derive(Clone, Copy)]
pub(crate) struct Sight {
    /// `endpoints.lent-as`.
    pub(crate) lent_as: fn(Vec<Lent>) -> Vec<Lent>,
    /// `crypto.verify`.
    pub(crate) verify: fn(bool) -> bool,
    /// `environment.now-millis`, in calls of this function.
    pub(crate) now: fn(Function, u64) -> u64,
}

impl Sight {
    /// Nothing comes out differently.
    pub(crate) const CLEAR: Sight = Sight { lent_as: |lent| lent, verify: |holds| holds, now: |_, now| now };
}

impl ImportChange for Sight {
    fn lent_as(&self, lent: Vec<Lent>) -> Vec<Lent> {
        (self.lent_as)(lent)
    }

    fn verify(
        &self,
        imports: &dyn Imports,
        key: &PublicKey,
        input: &SigningInput,
        signature: &Signature,
    ) -> bool {
        (self.verify)(imports.verify(key, input, signature))
    }

    fn now(&self, function: Function, millis: u64) -> u64 {
        (self.now)(function, millis)
    }
}

struct Sees(Sight);

impl Mutation for Sees {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(self.0))
    }
}

/// The honest adapter, which sees its host so.
pub(crate) fn seeing(sight: Sight) -> Box<dyn Mutation> {
    Box::new(Sees(sight))
}
