//! The model ledger as what a run stands on.

use std::{collections::BTreeMap, sync::Arc};

use adapter_spec::{Lender, async_trait};
use berth_suite::{Ground, Stop};

/// A model ledger in memory.
pub struct ModelGround;

#[async_trait]
impl Ground for ModelGround {
    fn lend(&self, _application: &str, _limit: usize) -> Result<Arc<dyn Lender>, Stop> {
        Err(Stop::Harness("the model ledger is not there yet".into()))
    }

    async fn control(&self, _name: &str, _places: &BTreeMap<&str, u64>) -> Result<(), Stop> {
        Ok(())
    }
}
