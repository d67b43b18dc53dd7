//! The model ledger as what a run stands on.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use adapter_spec::{Lender, async_trait, types::SignatureScheme};
use berth_crypto::SigningKey;
use berth_model::ModelNode;
use berth_suite::{Ground, Stop, Testbed};
use sha2::{Digest as _, Sha256};

use crate::anchors;

/// Endpoints under one need.
const ENDPOINTS: usize = 2;

/// A model ledger in memory.
pub struct ModelGround {
    node: ModelNode,
    testbed: Testbed,
}

/// A test's key: nobody has to keep it.
fn key(of: &str) -> Vec<u8> {
    Sha256::digest(of).to_vec()
}

impl ModelGround {
    /// A ledger of its own, with one party that has means.
    ///
    /// # Errors
    /// When the test bed file of the model ledger is broken.
    pub fn new() -> Result<Self, Stop> {
        let broken = |error: String| Stop::Harness(format!("the model ledger: {error}"));
        let node = ModelNode::new("model");
        let mut places = BTreeMap::from([
            ("node".to_owned(), "http://127.0.0.1:1".to_owned()),
            ("auditor".to_owned(), hex::encode(key("auditor"))),
            ("party".to_owned(), hex::encode(key("first"))),
        ]);
        places.extend(anchors::places(&node)?);
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../model/testbed.toml"));
        let mut testbed = Testbed::read(file, &places).map_err(|error| broken(error.to_string()))?;
        if let Some(proofs) = &mut testbed.proofs {
            proofs.vectors = anchors::vectors(&node.name())?;
        }
        let party = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &key("first"));
        let party = party.map_err(|error| broken(error.to_string()))?.public_key();
        node.fund_key(&party, 1_000_000_000_000);
        node.appoint(&berth_model::wire::account_of(party.scheme, &party.point));
        Ok(ModelGround { node, testbed })
    }

    /// What the suite is told of it.
    #[must_use]
    pub fn testbed(&self) -> Testbed {
        self.testbed.clone()
    }

    /// The ledger.
    #[must_use]
    pub fn node(&self) -> &ModelNode {
        &self.node
    }
}

#[async_trait]
impl Ground for ModelGround {
    fn lend(&self, application: &str, limit: usize) -> Result<Arc<dyn Lender>, Stop> {
        let auditor = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &key("auditor"));
        let auditor = auditor.map_err(|error| Stop::Harness(error.to_string()))?;
        let lender = self.node.lender(application).with_endpoints(limit.min(ENDPOINTS));
        Ok(lender.with_auditor(auditor).lend())
    }

    async fn control(&self, name: &str, places: &BTreeMap<&str, String>) -> Result<(), Stop> {
        let commands = self.testbed.controls.get(name);
        let commands =
            commands.ok_or_else(|| Stop::Unknown(format!("the test bed has no control {name:?}")))?;
        for command in commands {
            let broken = |why: String| Stop::Harness(format!("the control {}: {why}", command.method));
            let params = serde_json::from_str(&command.filled_in(places))
                .map_err(|error| broken(error.to_string()))?;
            self.node.answer(&command.method, &params).map_err(|error| broken(error.message))?;
        }
        Ok(())
    }
}
