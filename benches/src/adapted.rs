//! One account that writes through an adapter, from the call to its receipt.

use std::{sync::Arc, time::Duration};

use adapter_spec::{
    Ledger,
    types::{Call, Inclusion, Party, Step},
};
use berth_crypto::SigningKey;

use crate::options;

/// The account.
pub struct Adapted {
    /// The ledger that an adapter opened.
    pub ledger: Arc<dyn Ledger>,
    /// What signs.
    pub key: SigningKey,
    /// Whom the key speaks for.
    pub party: Party,
}

impl Adapted {
    /// Writes, and looks for the receipt once in `poll` until it is there.
    ///
    /// # Panics
    /// Where anything does not succeed.
    pub async fn write(&self, call: Call, salt: &[u8], poll: Duration) {
        let mut step = self.ledger.begin(call, vec![self.party.clone()], options(salt)).await.unwrap();
        let envelope = loop {
            match step {
                Step::Sign(request) => {
                    let sign = |item: &adapter_spec::types::SignItem| self.key.sign(&item.input).unwrap();
                    let signatures = request.items.iter().map(sign).collect();
                    step = self.ledger.resume(request.continuation, signatures).await.unwrap();
                }
                Step::Send(envelope) => break envelope,
                Step::Answer(answer) => panic!("{answer:?}"),
            }
        };
        self.ledger.send(envelope.clone()).await.unwrap();
        loop {
            let receipt =
                self.ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await.unwrap();
            if matches!(receipt.inclusion, Inclusion::Included(_) | Inclusion::Final) {
                assert!(matches!(receipt.outcome, Some(Ok(_))), "{receipt:?}");
                return;
            }
            tokio::time::sleep(poll).await;
        }
    }
}
