//! Calls that were made, made again from their recording.

use std::{panic::AssertUnwindSafe, sync::Arc};

use adapter_spec::{CallError, Ended, Function, Ledger, Lender, types::SendFailure};
use berth_lending::recording::Replayer;
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

use super::{
    Application,
    observed::{Ending, Observed},
};
use crate::check::Stop;

/// What calls came to when they were made again.
pub struct Again {
    /// Each call with its new end.
    pub endings: Vec<(Observed, Ending)>,
    /// Where the import calls parted from the recorded ones, first.
    pub parted: Option<String>,
}

impl Application {
    /// Makes all calls of this application again, in their order, with the import answers that they had: by one ledger that
    /// is opened anew, or by one for each call. The calls must have been made one after another.
    ///
    /// # Errors
    /// When a call cannot be made again at all.
    pub async fn again(&self, is_fresh: bool) -> Result<Again, Stop> {
        let recording = self.setup.recorder.recording();
        let recording = recording.map_err(|error| Stop::Unknown(error.to_string()))?;
        let replayer = Replayer::new(recording, None);
        let lender: Arc<dyn Lender> = replayer.clone();
        let mut ledger: Option<Arc<dyn Ledger>> = None;
        let mut endings = Vec::new();
        for call in self.calls() {
            let open = self.setup.adapter.open(lender.clone(), &self.setup.settings);
            let ending = if call.function == Function::Open {
                let opened = open.await;
                let ending = Ending::from(&opened.as_ref().map(|_| ()).map_err(copy));
                ledger = opened.ok();
                ending
            } else {
                if is_fresh {
                    ledger = open.await.ok();
                }
                let Some(ledger) = &ledger else {
                    return Err(Stop::Harness("a ledger that opened before does not open again".into()));
                };
                let made = AssertUnwindSafe(make(&**ledger, &call)).catch_unwind().await;
                made.unwrap_or_else(|_| Ok(Ending::Ended(Ended::Trapped { message: "a panic".into() })))?
            };
            endings.push((call, ending));
        }
        // Ledgers that are opened beside the recorded ones find nothing recorded, and need nothing.
        let diverged = replayer.divergences();
        let diverged =
            diverged.iter().find(|d| !(is_fresh && d.function == Function::Open && d.call.is_none()));
        let parted = diverged.map(ToString::to_string);
        let parted = parted.or_else(|| replayer.leftovers().first().map(ToString::to_string));
        Ok(Again { endings, parted })
    }
}

fn copy(error: &CallError) -> CallError {
    match error {
        CallError::Answered(error) => CallError::Answered(error.clone()),
        CallError::Ended(ended) => CallError::Ended(ended.clone()),
    }
}

fn argument<T: DeserializeOwned>(call: &Observed, number: usize) -> Result<T, Stop> {
    call.argument(number)
        .ok_or_else(|| Stop::Harness(format!("argument {number} of {} is not recorded", call.function)))
}

/// Makes one call again.
async fn make(ledger: &dyn Ledger, call: &Observed) -> Result<Ending, Stop> {
    let of = |number| argument::<String>(call, number);
    let outcome = |number| -> Result<_, Stop> {
        // As serde writes a `Result`.
        let value: Result<_, _> = argument(call, number)?;
        Ok(value)
    };
    Ok(match call.function {
        Function::Status => Ending::from(&ledger.status().await),
        Function::Accounts => Ending::from(&ledger.accounts(argument(call, 0)?).await),
        Function::Begin => {
            let begun = ledger.begin(argument(call, 0)?, argument(call, 1)?, argument(call, 2)?);
            Ending::from(&begun.await)
        }
        Function::Resume => Ending::from(&ledger.resume(argument(call, 0)?, argument(call, 1)?).await),
        Function::Abandon => Ending::from(&ledger.abandon(argument(call, 0)?).await),
        Function::Send => {
            let sent: Result<(), CallError<SendFailure>> = ledger.send(argument(call, 0)?).await;
            Ending::from(&sent)
        }
        Function::Replace => {
            let begun = ledger.replace(argument(call, 0)?, argument(call, 1)?, argument(call, 2)?);
            Ending::from(&begun.await)
        }
        Function::Receipt => Ending::from(&ledger.receipt(&of(0)?, argument(call, 1)?).await),
        Function::Estimate => {
            let estimated = ledger.estimate(argument(call, 0)?, argument(call, 1)?, argument(call, 2)?);
            Ending::from(&estimated.await)
        }
        Function::Plan => Ending::from(&ledger.plan(argument(call, 0)?).await),
        Function::ContractAbi => Ending::from(&ledger.contract_abi(&of(0)?).await),
        Function::Block => Ending::from(&ledger.block(argument(call, 0)?).await),
        Function::Events => {
            let (filter, start) = (argument(call, 0)?, argument(call, 1)?);
            Ending::from(&ledger.events(filter, start, argument(call, 2)?, argument(call, 3)?).await)
        }
        Function::ToCall => Ending::from(&ledger.to_call(&of(0)?, argument(call, 1)?).await),
        Function::FromOutcome => Ending::from(&ledger.from_outcome(argument(call, 0)?, outcome(1)?).await),
        Function::Prove => Ending::from(&ledger.prove(argument(call, 0)?).await),
        Function::Open | Function::Describe | Function::Verify => {
            return Err(Stop::Harness(format!("{} is no call of a ledger", call.function)));
        }
    })
}
