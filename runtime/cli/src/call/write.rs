//! A write: begin, signatures, send, receipt.

use adapter_spec::{
    CallError,
    types::{Call, Envelope, Inclusion, Output, Receipt, SignRequest, Step},
};
use berth_crypto::SigningKey;
use serde_json::json;

use super::{key, progress::Progress, session::Session};
use crate::{
    arguments::{Replace, Wait, WaitOptions, WriteOptions},
    failure::Failure,
    files,
    flow::{self, Signed, Until, Waiting},
    show::{self, Sheet, grouped_digits},
};

/// How a write ended.
pub(super) enum Written {
    /// The adapter had the answer at once.
    Answer(Output),
    /// It was sent, and not waited for.
    Sent(Envelope),
    /// What became of it.
    Receipt(Box<Receipt>),
}

/// Carries out a write with the given key.
pub(super) async fn carry_out(
    session: &Session,
    call: Call,
    options: &WriteOptions,
) -> Result<Written, Failure> {
    let key = key::needed(&session.common, &session.descriptor)?;
    let parties = key::party(&session.common, key.public_key());
    let step = session
        .ledger
        .begin(call, parties, session.call_options(options)?)
        .await
        .map_err(session.failed("begin"))?;
    go_on(session, &key, step, options).await
}

/// From the first step to the receipt.
async fn go_on(
    session: &Session,
    key: &SigningKey,
    step: Step,
    options: &WriteOptions,
) -> Result<Written, Failure> {
    let adapter = &session.descriptor.name;
    let signed = flow::sign(&*session.ledger, &session.descriptor, key, step, claim)
        .await
        .map_err(|error| Failure::flow(adapter, error))?;
    let envelope = match signed {
        Signed::Answer(output) => return Ok(Written::Answer(output)),
        Signed::Envelope(envelope) => envelope,
    };
    if let Some(path) = &options.envelope {
        files::write_json(path, &envelope)?;
    }
    send(session, envelope, &options.wait).await
}

/// Shows what the adapter says is signed; it is a claim, not a fact.
fn claim(request: &SignRequest) {
    let fee = request.max_fee.as_deref();
    let fee = fee.map_or_else(String::new, |fee| format!("; it can cost at most {}", grouped_digits(fee)));
    eprintln!("berth: signing what the adapter calls: {}{fee}", show::plain(&request.summary));
}

/// Sends an envelope and waits as asked.
pub(super) async fn send(
    session: &Session,
    envelope: Envelope,
    wait: &WaitOptions,
) -> Result<Written, Failure> {
    let adapter = &session.descriptor.name;
    if let Err(error) = session.ledger.send(envelope.clone()).await {
        let failure = Failure::send(adapter, error);
        return Err(Failure {
            why: format!(
                "{} (transaction {}, tracking {})",
                failure.why,
                envelope.transaction,
                show::hex(&envelope.tracking)
            ),
            ..failure
        });
    }
    let until = match wait.wait {
        Wait::Sent => return Ok(Written::Sent(envelope)),
        Wait::Included => Until::Included,
        Wait::Final => Until::Final,
    };
    let waiting = Waiting { until, patience: wait.patience(), at_once: session.is_replay() };
    wait_for(session, &envelope.transaction, &envelope.tracking, waiting)
        .await
        .map(|receipt| Written::Receipt(Box::new(receipt)))
}

/// Waits for a receipt, and says what to do where it does not come in time.
pub(super) async fn wait_for(
    session: &Session,
    transaction: &str,
    tracking: &[u8],
    waiting: Waiting,
) -> Result<Receipt, Failure> {
    let adapter = &session.descriptor.name;
    let mut progress = Progress::new();
    let receipt = flow::wait(&*session.ledger, transaction, tracking, waiting, |receipt, time| {
        progress.show(receipt, time)
    })
    .await;
    drop(progress);
    let how = format!("Look again later: receipt {transaction} --tracking {}.", show::hex(tracking));
    let receipt = receipt.map_err(|error| Failure::flow(adapter, error).next(how.clone()))?;
    if !waiting.until.is_reached(&receipt.inclusion) {
        let error = adapter_spec::types::Error::retryable(
            adapter_spec::types::ErrorCode::Timeout,
            format!(
                "after {} s of waiting, transaction {transaction} is not there yet: {}",
                waiting.patience.as_secs(),
                show::inclusion(&receipt.inclusion)
            ),
        );
        return Err(session.failed("receipt")(CallError::Answered(error)).next(how));
    }
    Ok(receipt)
}

/// Shows how a write ended; what failed on the ledger is a failure here too.
pub(super) fn show_written(session: &Session, written: Written) -> Result<(), Failure> {
    match written {
        Written::Answer(output) => session.answer(&output, |sheet| show::output(sheet, &output)),
        Written::Sent(envelope) => {
            session.answer(&json!({"envelope": envelope}), |sheet| sent(sheet, &envelope))
        }
        Written::Receipt(receipt) => {
            // A failure has its own document.
            let failed = outcome(session, &receipt);
            if failed.is_ok() || !session.common.json {
                session.answer(&*receipt, |sheet| show::receipt(sheet, &receipt))?;
            }
            failed
        }
    }
}

fn sent(sheet: &mut Sheet, envelope: &Envelope) {
    sheet.field("transaction", &envelope.transaction);
    sheet.field("inclusion", "sent, not waited for");
    sheet.field("tracking", &show::hex(&envelope.tracking));
}

/// An error where the transaction came to nothing.
pub(super) fn outcome(session: &Session, receipt: &Receipt) -> Result<(), Failure> {
    use adapter_spec::types::{Error, ErrorCode};
    let error = match (&receipt.inclusion, &receipt.outcome) {
        (Inclusion::Expired, _) => {
            Error::new(ErrorCode::Expired, "the transaction can no longer enter a block; it has no effect")
        }
        (Inclusion::Superseded(_), _) => Error::new(ErrorCode::Conflict, show::inclusion(&receipt.inclusion)),
        (_, Some(Err(error))) => error.clone(),
        _ => return Ok(()),
    };
    Err(session.failed("receipt")(CallError::Answered(error)))
}

/// `replace`
pub(super) async fn replace(session: &Session, arguments: Replace) -> Result<(), Failure> {
    let original: Envelope = files::read_json(&arguments.original, "envelope")?;
    let key = key::needed(&session.common, &session.descriptor)?;
    let parties = key::party(&session.common, key.public_key());
    let options = session.call_options(&arguments.options)?;
    let step = session.ledger.replace(original, parties, options).await.map_err(session.failed("replace"))?;
    let written = go_on(session, &key, step, &arguments.options).await?;
    show_written(session, written)
}
