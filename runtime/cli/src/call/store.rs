//! `store`: the preset key-value store.

use adapter_spec::types::{Call, CallOptions, StoreEntry, StoreOperation as Operation};

use super::{
    contract,
    session::Session,
    write::{self, Written},
};
use crate::{
    arguments::{Store, StoreOperation, StoreWrite, WriteOptions},
    failure::Failure,
    files, show,
};

/// Does it: the adapter makes a call of the operation, and an answer of the call's outcome.
pub(super) async fn run(session: &Session, arguments: Store) -> Result<(), Failure> {
    let (operation, options) = operation(arguments.operation)?;
    let call = session
        .ledger
        .to_call(&arguments.contract, operation.clone())
        .await
        .map_err(session.failed("to-call"))?;
    let outcome = match (call, options) {
        (call @ Call::Evaluate(_), _) => Ok(contract::read(session, call, CallOptions::default()).await?),
        (call, Some(options)) => match write::carry_out(session, call, &options).await? {
            Written::Answer(output) => Ok(output),
            Written::Receipt(receipt) => match receipt.outcome.clone() {
                Some(outcome) => outcome,
                None => {
                    write::outcome(session, &receipt)?;
                    return write::show_written(session, Written::Receipt(receipt));
                }
            },
            sent @ Written::Sent(_) => return write::show_written(session, sent),
        },
        (_, None) => {
            return Err(Failure::usage("the adapter makes a write of this read").next("Tell its vendor."));
        }
    };
    let answer =
        session.ledger.from_outcome(operation, outcome).await.map_err(session.failed("from-outcome"))?;
    session.answer(&answer, |sheet| show::store_answer(sheet, &answer))
}

fn operation(given: StoreOperation) -> Result<(Operation, Option<WriteOptions>), Failure> {
    let entry = |write: StoreWrite| -> Result<(StoreEntry, WriteOptions), Failure> {
        Ok((StoreEntry { key: write.name, value: value(&write.value)? }, write.options))
    };
    Ok(match given {
        StoreOperation::Insert(write) => {
            let (entry, options) = entry(write)?;
            (Operation::Insert(entry), Some(options))
        }
        StoreOperation::Update(write) => {
            let (entry, options) = entry(write)?;
            (Operation::Update(entry), Some(options))
        }
        StoreOperation::Delete(delete) => (Operation::Delete(delete.name), Some(delete.options)),
        StoreOperation::Get(read) => (Operation::Get(read.name), None),
        StoreOperation::History(read) => (Operation::History(read.name), None),
    })
}

/// Text, `text:` and text, `bytes:0x…`, or `@FILE`.
fn value(text: &str) -> Result<Vec<u8>, Failure> {
    if let Some(path) = text.strip_prefix('@') {
        return files::read(path.as_ref());
    }
    if let Some(hex) = text.strip_prefix("bytes:") {
        return super::values::bytes(hex)
            .map(|bytes| bytes.0)
            .map_err(|error| Failure::usage(format!("the value cannot be read: {error}")));
    }
    Ok(text.strip_prefix("text:").unwrap_or(text).as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_text_unless_it_says_otherwise() {
        assert_eq!(value("blue").unwrap(), b"blue");
        assert_eq!(value("text:bytes:0x00").unwrap(), b"bytes:0x00");
        assert_eq!(value("bytes:0x00ff").unwrap(), [0, 255]);
        assert!(value("bytes:00").is_err() && value("@/no/such/file").is_err());
    }
}
