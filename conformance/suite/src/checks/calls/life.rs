//! What applications ask every day, beside writing.

use adapter_spec::types::Value;

use crate::{
    check::{Checked, Expect as _},
    trial::{Actor, Application, Trial},
};

/// Looks where the ledger stands, reads, and asks what a call costs.
pub(in super::super) async fn ordinary_use(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
) -> Checked {
    application.status().await.expected("status answers")?;
    trial.count(application, actor).await?;
    // A number that not every reader of JSON has exactly.
    let large = (1_u64 << 53) + 1 + u64::try_from(trial.below(1 << 20)).unwrap_or(0);
    let texts =
        [("echo-integer", Value::Integer(large.to_string())), ("echo-text", Value::Text(trial.name()))];
    for (function, value) in texts {
        if let Ok(call) = trial.evaluate(function, vec![value]) {
            let options = trial.options();
            application.read(call, actor, options).await.expected("a read is carried out")?;
        }
    }
    if trial.facts.descriptor.capabilities.iter().any(|name| name == "estimate") {
        let (call, options) = (trial.add(1)?, trial.options());
        let estimate = application.estimate(call, actor.parties(), options).await;
        estimate.expected("estimate of a good call answers")?;
    }
    Ok(())
}
