//! Calls that only look: describe, status, accounts, abi, receipt, block.

use super::{key, session::Session, write};
use crate::{
    arguments::{Abi, Accounts, Block, Receipt, Wait},
    failure::Failure,
    flow::{Until, Waiting},
    show::{self, block_ref},
};

/// `describe`
pub(super) fn describe(session: &Session) -> Result<(), Failure> {
    let descriptor = &session.descriptor;
    session.answer(descriptor, |sheet| {
        sheet.line(&format!("{} {}", descriptor.name, descriptor.version));
        show::descriptor(sheet, descriptor);
    })
}

/// `status`
pub(super) async fn status(session: &Session) -> Result<(), Failure> {
    let status = session.ledger.status().await.map_err(session.failed("status"))?;
    session.answer(&status, |sheet| {
        sheet.field("newest block", &block_ref(&status.head));
        sheet.field("newest final", &block_ref(&status.finalized));
        sheet.field("node", if status.synced { "up to date" } else { "still catching up" });
        sheet.field("peers", &status.peers.to_string());
    })
}

/// `accounts`
pub(super) async fn accounts(session: &Session, arguments: Accounts) -> Result<(), Failure> {
    let key = key::public(arguments.public_key, &session.common, &session.descriptor)?;
    let accounts = session.ledger.accounts(key).await.map_err(session.failed("accounts"))?;
    session.answer(&accounts, |sheet| {
        for account in &accounts {
            sheet.line(account);
        }
        if accounts.is_empty() {
            sheet.line("the key has no account");
        }
    })
}

/// `abi`
pub(super) async fn abi(session: &Session, arguments: Abi) -> Result<(), Failure> {
    let abi =
        session.ledger.contract_abi(&arguments.contract).await.map_err(session.failed("contract-abi"))?;
    session.answer(&abi, |sheet| sheet.line(abi.as_deref().unwrap_or("the ledger does not know it")))
}

/// `receipt`
pub(super) async fn receipt(session: &Session, arguments: Receipt) -> Result<(), Failure> {
    let Receipt { transaction, tracking, wait, timeout } = arguments;
    let until = match wait {
        Wait::Sent => None,
        Wait::Included => Some(Until::Included),
        Wait::Final => Some(Until::Final),
    };
    let receipt = match until {
        None => session.ledger.receipt(&transaction, tracking.0).await.map_err(session.failed("receipt"))?,
        Some(until) => {
            let patience = std::time::Duration::from_secs(timeout.into());
            let waiting = Waiting { until, patience, at_once: session.is_replay() };
            write::wait_for(session, &transaction, &tracking.0, waiting).await?
        }
    };
    // A receipt that says "failed" was still read: that is no failure of this command.
    session.answer(&receipt, |sheet| show::receipt(sheet, &receipt))
}

/// `block`
pub(super) async fn block(session: &Session, arguments: Block) -> Result<(), Failure> {
    let block = session.ledger.block(arguments.block).await.map_err(session.failed("block"))?;
    session.answer(&block, |sheet| show::block(sheet, &block))
}
