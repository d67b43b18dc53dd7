//! Sending, and the truth about what a refused send can still do.

use adapter_sdk::{
    Imports,
    types::{
        Effect, Envelope, Error, ErrorCode, SendFailure, Validity,
        transport::{Failure, JsonRpcFailure},
    },
};
use alloy_primitives::{Address, B256};

use crate::{
    continuation,
    errors::{
        self, corrupt, invalid,
        table::{self, Meaning},
    },
    nonces::{self, Sending},
    rpc::{self, Node, SEND, TransactionInfo},
    settings::Settings,
    transaction::{self, Signed},
};

fn never(error: Error) -> SendFailure {
    SendFailure { error, effect: Effect::Never }
}

fn unknown(error: Error) -> SendFailure {
    SendFailure { error, effect: Effect::Unknown }
}

/// One envelope on its way.
struct Sender<'a> {
    settings: &'a Settings,
    host: &'a dyn Imports,
    node: Node<'a>,
    id: B256,
    account: Address,
    nonce: u64,
    /// Milliseconds since 1970: when it must have been sent for the first time.
    valid_until: u64,
}

/// Sends a transaction. The same one again is success.
pub(crate) async fn send(
    settings: &Settings,
    host: &dyn Imports,
    envelope: &Envelope,
) -> Result<(), SendFailure> {
    let prepare = || {
        let signed = Signed::decode(&envelope.bytes)?;
        let id = transaction::id(&envelope.bytes);
        if transaction::parse_id(&envelope.transaction)? != id {
            return Err(invalid("the envelope's bytes are not those of its transaction"));
        }
        if signed.unsigned.chain_id != settings.chain_id {
            return Err(invalid("the envelope is of another chain"));
        }
        let valid_until = match envelope.valid_until {
            Validity::Millis(until) => until,
            Validity::Block(_) | Validity::Unbounded => u64::MAX,
        };
        let (account, nonce) = (signed.sender(host)?, signed.unsigned.nonce);
        Ok(Sender { settings, host, node: Node::lent(host)?, id, account, nonce, valid_until })
    };
    prepare().map_err(never)?.send(&envelope.bytes).await
}

impl Sender<'_> {
    async fn send(&self, raw: &[u8]) -> Result<(), SendFailure> {
        let first = match self.claim().await {
            Ok(Sending::First) => true,
            Ok(Sending::Again) => false,
            Ok(Sending::GivenAway) => return self.given_away().await,
            // Whether it was sent before is not known when the book cannot be read.
            Err(error) => return Err(unknown(error)),
        };
        let (_, answer) = self.node.ask(vec![rpc::send_raw(raw)]).await.raw().map_err(unknown)?;
        match answer {
            Ok(json) => match serde_json::from_str::<B256>(&json) {
                Ok(id) if id == self.id => Ok(()),
                _ => Err(unknown(corrupt(SEND, "not the id of the transaction that was sent"))),
            },
            Err(JsonRpcFailure::Error(error)) => {
                let meaning = table::meaning(error.code, &error.message);
                if meaning == Some(Meaning::AlreadyKnown) {
                    return Ok(());
                }
                self.refused(first, meaning, errors::from_answer(SEND, &error)).await
            }
            Err(JsonRpcFailure::Transport(failure)) => {
                let left = !matches!(failure, Failure::Refused(_) | Failure::Unreachable(_));
                let error = errors::from_transport(SEND, &failure);
                if left || !first {
                    return Err(unknown(error));
                }
                // It never left: the envelope keeps its nonce for the rest of its time.
                self.drop_mark(Some(self.valid_until)).await.map_err(never)?;
                Err(never(error))
            }
        }
    }

    /// Marks the envelope as sent. One that the book has dropped is taken up again where its nonce is nobody's.
    async fn claim(&self) -> Result<Sending, Error> {
        let until = self.host.now_millis().saturating_add(self.settings.lease_millis());
        let owner = continuation::owner(self.host, self.id.as_slice());
        self.update(|book| match book.begin_sending(self.nonce, self.id, until) {
            Sending::GivenAway if book.adopt(self.nonce, owner, self.id, until)? => {
                book.begin_sending(self.nonce, self.id, until);
                // It may have been sent before it was dropped.
                Ok(Sending::Again)
            }
            sending => Ok(sending),
        })
        .await
    }

    async fn update<T>(
        &self,
        change: impl FnMut(&mut nonces::Book) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        nonces::update(self.host, self.settings.chain_id, self.account, change).await
    }

    async fn drop_mark(&self, keep: Option<u64>) -> Result<(), Error> {
        self.update(|book| {
            book.not_sent(self.nonce, self.id, keep);
            Ok(())
        })
        .await
    }

    /// Whether the node has the transaction, in its pool or in a block.
    async fn known(&self) -> Result<bool, Error> {
        let info = self.node.ask(vec![rpc::transaction(self.id)]).await.next_known::<TransactionInfo>()?;
        Ok(info.is_some_and(|info| info.hash == self.id))
    }

    /// Another envelope has the nonce.
    async fn given_away(&self) -> Result<(), SendFailure> {
        match self.known().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(never(Error::new(
                ErrorCode::Expired,
                format!("it was not sent in time, and its nonce {} went to another transaction", self.nonce),
            ))),
            // After a loss of the state the book cannot say that it was not sent before.
            Err(error) => Err(unknown(error)),
        }
    }

    /// The node refused: success if it has the transaction, otherwise what can still happen.
    async fn refused(&self, first: bool, meaning: Option<Meaning>, error: Error) -> Result<(), SendFailure> {
        match self.known().await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            // What is refused the first time that it is sent cannot be there: Geth, for one, answers no question about
            // unknown transactions while it still indexes.
            Err(_) if first => {}
            Err(_) => return Err(unknown(error)),
        }
        let used = meaning == Some(Meaning::NonceUsed);
        if used {
            let error = Error {
                message: format!("nonce {} was used by another transaction: begin the call anew", self.nonce),
                // Not these bytes, but the call.
                retryable: true,
                ..error
            };
            self.drop_mark(None).await.map_err(never)?;
            return Err(never(error));
        }
        if !first {
            return Err(unknown(error));
        }
        // Refused at its first sending. Where a retry helps it keeps its nonce; otherwise the next call has it.
        let keep = error.retryable.then_some(self.valid_until);
        self.drop_mark(keep).await.map_err(never)?;
        Err(never(error))
    }
}
