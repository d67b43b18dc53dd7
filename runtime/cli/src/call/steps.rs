//! The steps of a call one by one, for keys that are elsewhere.

use adapter_spec::types::{Call, CallOptions, Envelope, SignRequest, Step};
use serde_json::{Value as Json, json};

use super::{contract, key, session::Session, values::ContractSource, write};
use crate::{
    arguments::{Abandon, Begin, ContractArguments, Resume, Send},
    failure::Failure,
    files,
    show::{self, Sheet, grouped_digits},
};

/// `begin`
pub(super) async fn begin(session: &Session, arguments: Begin) -> Result<(), Failure> {
    let call = call(arguments.source)?;
    let key = key::public(arguments.public_key, &session.common, &session.descriptor)?;
    let options = CallOptions {
        salt: session.salt(arguments.idempotency_key.as_deref())?,
        amount: arguments.amount,
        max_fee: arguments.max_fee,
        ..CallOptions::default()
    };
    let parties = key::party(&session.common, key);
    let step = session.ledger.begin(call, parties, options).await.map_err(session.failed("begin"))?;
    show_step(session, &step, &arguments.continuation, arguments.envelope.as_deref())
}

fn call(source: ContractSource) -> Result<Call, Failure> {
    if let Some(call) = source.call {
        let text = files::text_or_file(&call)?;
        return serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!("--call is no call of the standard: {error}"))
                .next("`plan preset --json` shows what one looks like.")
        });
    }
    let (Some(contract), Some(function)) = (source.contract, source.function) else {
        return Err(Failure::usage("a contract and a function are wanted, or a whole call with --call"));
    };
    let arguments = ContractArguments { contract, function, rest: source.rest, private: source.private };
    Ok(Call::Invoke(contract::contract_call(arguments)?))
}

/// `resume`
pub(super) async fn resume(session: &Session, arguments: Resume) -> Result<(), Failure> {
    let continuation = files::read(&arguments.continuation)?;
    let signatures = arguments.signature.into_iter().map(|signature| signature.0).collect();
    let step = session.ledger.resume(continuation, signatures).await.map_err(session.failed("resume"))?;
    show_step(session, &step, &arguments.continuation, Some(&arguments.envelope))
}

/// Files what the next command needs, and shows what is to be done.
fn show_step(
    session: &Session,
    step: &Step,
    continuation: &std::path::Path,
    envelope: Option<&std::path::Path>,
) -> Result<(), Failure> {
    match step {
        Step::Sign(request) => {
            files::write(continuation, &request.continuation)?;
            // Always JSON: a signer reads it.
            println!("{:#}", sign_request(request));
            let fee = request.max_fee.as_deref().map_or("not said".into(), grouped_digits);
            eprintln!(
                "berth: the adapter calls it: {}; most that it can cost: {fee}",
                show::plain(&request.summary)
            );
            Ok(())
        }
        Step::Send(signed) => {
            if let Some(path) = envelope {
                files::write_json(path, signed)?;
            }
            session.answer(step, |sheet| {
                sheet.field("transaction", &signed.transaction);
                sheet.field("next", "send it, within its time");
                sheet.field("valid until", &validity(&signed.valid_until));
            })
        }
        Step::Answer(output) => session.answer(output, |sheet| show::output(sheet, output)),
    }
}

fn validity(validity: &adapter_spec::types::Validity) -> String {
    use adapter_spec::types::Validity;
    match validity {
        Validity::Block(number) => format!("block {number}"),
        Validity::Millis(millis) => show::utc(*millis),
        Validity::Unbounded => "always".into(),
    }
}

/// A sign request without its continuation, which has a file of its own.
fn sign_request(request: &SignRequest) -> Json {
    json!({
        "items": request.items,
        "valid_until": request.valid_until,
        "max_fee": request.max_fee,
        "summary": request.summary,
    })
}

/// `send`
pub(super) async fn send(session: &Session, arguments: Send) -> Result<(), Failure> {
    let envelope: Envelope = files::read_json(&arguments.envelope, "envelope")?;
    let written = write::send(session, envelope, &arguments.wait).await?;
    write::show_written(session, written)
}

/// `abandon`
pub(super) async fn abandon(session: &Session, arguments: Abandon) -> Result<(), Failure> {
    let continuation = files::read(&arguments.continuation)?;
    session.ledger.abandon(continuation).await.map_err(session.failed("abandon"))?;
    session.answer(&json!({"abandoned": true}), |sheet: &mut Sheet| {
        sheet.line("given up; what it reserved is free");
    })
}
