//! Calls of contracts: invoke, evaluate, deploy, native, estimate; and plans, which are lists of calls.

use adapter_spec::types::{
    Call, CallOptions, ContractCall, Deployment, NativeCall, PlannedCall, Receipt, Step,
};
use serde_json::json;

use super::{
    key,
    session::Session,
    values::{Argument, PrivateArgument},
    write::{self, Written},
};
use crate::{
    arguments::{ContractArguments, Deploy, Estimate, Evaluate, Invoke, Native, Plan},
    failure::{Failure, Kind},
    files,
    show::{self, Sheet, grouped, grouped_digits},
};

/// The call that the options describe.
pub(super) fn contract_call(arguments: ContractArguments) -> Result<ContractCall, Failure> {
    let ContractArguments { contract, function, rest, private } = arguments;
    Ok(ContractCall {
        contract,
        function,
        arguments: plain(rest.argument),
        abi: files::optional_text(rest.abi.as_ref())?,
        private_arguments: private.into_iter().map(private_argument).collect::<Result<_, _>>()?,
    })
}

fn plain(arguments: Vec<Argument>) -> Vec<adapter_spec::types::Value> {
    arguments.into_iter().map(|argument| argument.0).collect()
}

fn private_argument(argument: PrivateArgument) -> Result<(String, Vec<u8>), Failure> {
    Ok((argument.name, files::read(&argument.file)?))
}

/// `invoke`
pub(super) async fn invoke(session: &Session, arguments: Invoke) -> Result<(), Failure> {
    let call = Call::Invoke(contract_call(arguments.call)?);
    let written = write::carry_out(session, call, &arguments.options).await?;
    write::show_written(session, written)
}

/// `evaluate`
pub(super) async fn evaluate(session: &Session, arguments: Evaluate) -> Result<(), Failure> {
    let call = Call::Evaluate(contract_call(arguments.call)?);
    let output = read(session, call, CallOptions { at: arguments.at, ..CallOptions::default() }).await?;
    session.answer(&output, |sheet| show::output(sheet, &output))
}

/// A read; the key, where one is given, says who asks.
pub(super) async fn read(
    session: &Session,
    call: Call,
    options: CallOptions,
) -> Result<adapter_spec::types::Output, Failure> {
    let key = key::given(&session.common, &session.descriptor)?;
    let parties = key.as_ref().map(|key| key::party(&session.common, key.public_key())).unwrap_or_default();
    let step = session.ledger.begin(call, parties, options).await.map_err(session.failed("begin"))?;
    match step {
        Step::Answer(output) => Ok(output),
        Step::Sign(request) if key.is_some() => {
            // Some ledgers want reads signed.
            let Some(key) = key else { return Err(wants_to_write(session)) };
            let signed =
                crate::flow::sign(&*session.ledger, &session.descriptor, &key, Step::Sign(request), |_| {})
                    .await
                    .map_err(|error| Failure::flow(&session.descriptor.name, error))?;
            match signed {
                crate::flow::Signed::Answer(output) => Ok(output),
                crate::flow::Signed::Envelope(_) => Err(wants_to_write(session)),
            }
        }
        Step::Sign(_) => Err(Failure::usage("this ledger wants reads signed, and no key is given")
            .next("Give one with --key.")),
        Step::Send(_) => Err(wants_to_write(session)),
    }
}

fn wants_to_write(session: &Session) -> Failure {
    let why = format!("the adapter \"{}\" wants to send a transaction for a read", session.descriptor.name);
    Failure { kind: Kind::Answered, ..Failure::usage(why) }
        .next("Nothing was sent. This is a fault in the adapter: tell its vendor.")
}

/// `deploy`
pub(super) async fn deploy(session: &Session, arguments: Deploy) -> Result<(), Failure> {
    let deployment = Deployment {
        name: arguments.name,
        version: arguments.version,
        code: code(files::read(&arguments.code)?),
        abi: files::optional_text(arguments.rest.abi.as_ref())?,
        arguments: plain(arguments.rest.argument),
    };
    let written = write::carry_out(session, Call::Deploy(deployment), &arguments.options).await?;
    write::show_written(session, written)
}

/// A file of nothing but hexadecimal digits is what they say; any other is the code itself.
fn code(file: Vec<u8>) -> Vec<u8> {
    let decoded = std::str::from_utf8(&file).ok().and_then(|text| {
        let text = text.trim();
        hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()
    });
    decoded.filter(|code| !code.is_empty()).unwrap_or(file)
}

/// `native`
pub(super) async fn native(session: &Session, arguments: Native) -> Result<(), Failure> {
    let json = files::text_or_file(&arguments.json_arguments)?;
    let call = Call::Native(NativeCall { name: arguments.name, json });
    let written = write::carry_out(session, call, &arguments.options).await?;
    write::show_written(session, written)
}

/// `estimate`
pub(super) async fn estimate(session: &Session, arguments: Estimate) -> Result<(), Failure> {
    let key = key::needed(&session.common, &session.descriptor)?;
    let parties = key::party(&session.common, key.public_key());
    let options = CallOptions { amount: arguments.amount, ..CallOptions::default() };
    let call = Call::Invoke(contract_call(arguments.call)?);
    let estimate =
        session.ledger.estimate(call, parties, options).await.map_err(session.failed("estimate"))?;
    session.answer(&estimate, |sheet| {
        let shown = |value: &Option<String>| value.as_deref().map_or("not known".into(), grouped_digits);
        sheet.field("work", &format!("{} units", shown(&estimate.units)));
        sheet.field("fee", &shown(&estimate.fee));
    })
}

/// `plan`
pub(super) async fn plan(session: &Session, arguments: Plan) -> Result<(), Failure> {
    let calls = session.ledger.plan(arguments.goal.0).await.map_err(session.failed("plan"))?;
    if !arguments.carry_out {
        return session.answer(&calls, |sheet| {
            for (place, call) in calls.iter().enumerate() {
                sheet.field(&format!("{}.", place + 1), &planned(call));
                sheet.field("", &format!("by {}", call.role));
            }
            if calls.is_empty() {
                sheet.line("nothing to do: it is there");
            }
        });
    }
    let mut receipts: Vec<Receipt> = Vec::new();
    for planned in calls {
        match write::carry_out(session, planned.call, &arguments.options).await? {
            Written::Receipt(receipt) => {
                write::outcome(session, &receipt)?;
                receipts.push(*receipt);
            }
            other => return write::show_written(session, other),
        }
    }
    session.answer(&json!(receipts), |sheet| show_receipts(sheet, &receipts))
}

fn show_receipts(sheet: &mut Sheet, receipts: &[Receipt]) {
    for receipt in receipts {
        show::receipt(sheet, receipt);
    }
    if receipts.is_empty() {
        sheet.line("nothing to do: it is there");
    }
}

fn planned(planned: &PlannedCall) -> String {
    let through = planned.endpoint.as_ref().map_or_else(String::new, |one| format!(", through {one}"));
    let what = match &planned.call {
        Call::Deploy(deployment) => {
            format!("deploy \"{}\", {} bytes of code", deployment.name, grouped(deployment.code.len() as u64))
        }
        Call::Invoke(call) => format!("invoke {} of {}", call.function, call.contract),
        Call::Evaluate(call) => format!("evaluate {} of {}", call.function, call.contract),
        Call::Native(native) => format!("carry out {}", native.name),
    };
    format!("{what}{through}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_hexadecimal_text_or_the_bytes_themselves() {
        assert_eq!(code(b"0x60ff\n".to_vec()), [0x60, 0xff]);
        assert_eq!(code(b"60ff".to_vec()), [0x60, 0xff]);
        assert_eq!(code(b"\0asm".to_vec()), b"\0asm");
        assert_eq!(code(b"60f".to_vec()), b"60f");
        assert_eq!(code(Vec::new()), b"");
    }
}
