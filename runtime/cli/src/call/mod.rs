//! `berth adapter call`: one call of the standard.
//!
//! - `values`: words to values; `key`: keys from files.
//! - `session`: the loaded adapter with what it is lent, its recording and its cost.
//! - `write`: from begin over signatures and send to the receipt.
//! - one file for each kind of call.

mod contract;
mod events;
mod key;
mod progress;
mod reads;
mod session;
mod steps;
mod store;
pub(crate) mod values;
mod write;

use crate::{
    arguments::{Call, Function},
    failure::Failure,
};
use session::Session;

/// Does it.
pub(crate) async fn run(Call { file, common, function }: Call) -> Result<(), Failure> {
    let session = Session::open(&file, common).await?;
    let result = carry_out(&session, function).await;
    session.finish(result)
}

async fn carry_out(session: &Session, function: Function) -> Result<(), Failure> {
    match function {
        Function::Describe => reads::describe(session),
        Function::Status => reads::status(session).await,
        Function::Accounts(arguments) => reads::accounts(session, arguments).await,
        Function::Abi(arguments) => reads::abi(session, arguments).await,
        Function::Block(arguments) => reads::block(session, arguments).await,
        Function::Receipt(arguments) => reads::receipt(session, arguments).await,
        Function::Invoke(arguments) => contract::invoke(session, arguments).await,
        Function::Evaluate(arguments) => contract::evaluate(session, arguments).await,
        Function::Deploy(arguments) => contract::deploy(session, arguments).await,
        Function::Native(arguments) => contract::native(session, arguments).await,
        Function::Estimate(arguments) => contract::estimate(session, arguments).await,
        Function::Plan(arguments) => contract::plan(session, arguments).await,
        Function::Events(arguments) => events::run(session, arguments).await,
        Function::Store(arguments) => store::run(session, arguments).await,
        Function::Replace(arguments) => write::replace(session, arguments).await,
        Function::Begin(arguments) => steps::begin(session, arguments).await,
        Function::Resume(arguments) => steps::resume(session, arguments).await,
        Function::Send(arguments) => steps::send(session, arguments).await,
        Function::Abandon(arguments) => steps::abandon(session, arguments).await,
    }
}
