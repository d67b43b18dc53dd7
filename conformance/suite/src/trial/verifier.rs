//! Somebody who verifies proofs, with nothing but an anchor.

use std::sync::Arc;

use adapter_spec::{Adapter, CallError, Function, Lender, types::Proof};
use serde_json::json;

use super::{
    Trial,
    gate::Gate,
    watched::{Gated, Watcher},
};
use crate::check::Stop;

/// Verifies proofs. Its calls are watched like all others, and it is lent all that applications are: the clauses say what
/// of it may be used.
pub struct Verifier {
    adapter: Arc<dyn Adapter>,
    lender: Arc<dyn Lender>,
    watcher: Watcher,
}

impl Trial {
    /// A new verifier.
    ///
    /// # Errors
    /// Only of the harness.
    pub fn verifier(&mut self) -> Result<Verifier, Stop> {
        let name = self.name();
        let (watcher, _) = self.watched(name, usize::MAX, &[])?;
        let lender = Arc::new(Gated { recorder: watcher.recorder.clone(), gate: Gate::default() });
        Ok(Verifier { adapter: self.adapter.clone(), lender, watcher })
    }
}

impl Verifier {
    /// Verifies a proof.
    ///
    /// # Errors
    /// What the adapter answers.
    pub async fn verify(&self, anchor: &[u8], proof: &Proof) -> Result<(), CallError> {
        let verified = self.adapter.verify(self.lender.clone(), anchor.to_vec(), proof.clone());
        let arguments = json!([hex::encode(anchor), proof]);
        self.watcher.call(Function::Verify, arguments, verified).await
    }
}
