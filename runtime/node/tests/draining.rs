//! Withdrawal in the middle of a call.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::sync::Arc;

use adapter_spec::{
    Adapter, CallError, Ended, Interfaces, Ledger, Lender, async_trait,
    types::{Descriptor, Proof},
};
use berth_node::Withdrawable;
use tokio::sync::Semaphore;

/// An adapter whose `describe` waits until it is let go on.
struct Waiting(Arc<Semaphore>);

#[async_trait]
impl Adapter for Waiting {
    fn interfaces(&self) -> Interfaces {
        Interfaces::default()
    }

    async fn describe(&self) -> Result<Descriptor, CallError> {
        let _let_on = self.0.acquire().await;
        adapter_notebook::native().describe().await
    }

    async fn open(&self, lender: Arc<dyn Lender>, settings: &str) -> Result<Arc<dyn Ledger>, CallError> {
        adapter_notebook::native().open(lender, settings).await
    }

    async fn verify(&self, _: Arc<dyn Lender>, _: Vec<u8>, _: Proof) -> Result<(), CallError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_call_that_runs_when_its_adapter_is_withdrawn_ends_well_and_the_next_does_not_begin() {
    let gate = Arc::new(Semaphore::new(0));
    let adapter = Arc::new(Withdrawable::new(Arc::new(Waiting(gate.clone()))));
    let running = tokio::spawn({
        let adapter = adapter.clone();
        async move { adapter.describe().await }
    });
    while adapter.running() == 0 {
        tokio::task::yield_now().await;
    }
    adapter.withdraw("revoked");
    adapter.withdraw("a second reason changes nothing");
    match adapter.describe().await {
        Err(CallError::Ended(Ended::Withdrawn { reason })) => assert_eq!(reason, "revoked"),
        other => panic!("{other:?}"),
    }
    assert_eq!(adapter.running(), 1);
    gate.add_permits(1);
    assert_eq!(running.await.unwrap().unwrap().name, "notebook");
    adapter.drained().await;
    assert_eq!(adapter.running(), 0);
}
