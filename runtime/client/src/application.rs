//! One application: its ledger, reads and writes.

use std::{sync::Arc, time::Duration};

use adapter_spec::types::{
    Block, BlockSelector, Confidence, ContractCall, Deployment, Estimate, Goal, Inclusion, LedgerStatus,
    Output, PlannedCall, PublicKey, Receipt, SignatureScheme,
};
use berth_api::{OptionsRequest, Until, Written, WrittenState};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    client::Client,
    error::ClientError,
    events::{Events, Filter},
    grants::Grants,
    key::IdempotencyKey,
    own_keys::{OwnKeys, Sign},
    retry::BackOff,
    store::Store,
    transport::{Ask, NODE_WAITS, Transport},
};

/// An application of a node. Clones are the same.
#[derive(Clone)]
pub struct Application {
    client: Client,
    path: Arc<str>,
}

/// What the gateway answers where a certificate is to be asked for.
#[derive(Deserialize)]
pub(crate) struct CertificateRequest {
    pub(crate) request_pem: String,
}

/// A key, and what it is called on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// The key.
    pub key: PublicKey,
    /// One key may have many.
    pub accounts: Vec<String>,
}

/// A request with what goes with it.
#[derive(Serialize)]
pub(crate) struct WithOptions<'a, T> {
    #[serde(flatten)]
    pub(crate) call: &'a T,
    #[serde(flatten)]
    pub(crate) options: &'a OptionsRequest,
}

/// A part of a path.
pub(crate) fn part(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

impl Application {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Application { path: format!("/v1/applications/{}", part(&name)).into(), client }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.client.transport
    }

    /// A path below the application's.
    pub(crate) fn below(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }

    /// Where the ledger stands.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn status(&self) -> Result<LedgerStatus, ClientError> {
        self.transport().json(Ask::get(self.below("/status"))).await
    }

    /// The key that the node holds in trust for the participant, and its accounts; of the adapter's first scheme where none is
    /// named.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn account(&self, scheme: Option<SignatureScheme>) -> Result<Account, ClientError> {
        let query = match scheme.map(serde_json::to_value) {
            Some(Ok(serde_json::Value::String(scheme))) => format!("?scheme={scheme}"),
            _ => String::new(),
        };
        self.transport().json(Ask::get(self.below(&format!("/account{query}")))).await
    }

    /// A request in PEM for a certificate of the key that the node holds in trust for the participant, where that is on P-256: for
    /// an authority of the ledger.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn certificate_request(&self) -> Result<String, ClientError> {
        let path = self.below("/account/certificate-request");
        let request: CertificateRequest = self.transport().json(Ask::get(path)).await?;
        Ok(request.request_pem)
    }

    /// Gives that key the certificate that an authority of the ledger made, DER. Gives the accounts that it has there now.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn certify(
        &self,
        scheme: Option<SignatureScheme>,
        certificate: &[u8],
    ) -> Result<Account, ClientError> {
        let body = json!({"scheme": scheme, "certificate": hex::encode(certificate)});
        self.transport().json(Ask::new(Method::PUT, self.below("/account/certificate"), &body)?).await
    }

    /// A block.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn block(&self, block: &BlockSelector) -> Result<Block, ClientError> {
        let block = match block {
            BlockSelector::At(Confidence::Latest) => "latest".to_owned(),
            BlockSelector::At(Confidence::Safe) => "safe".to_owned(),
            BlockSelector::At(Confidence::Final) => "final".to_owned(),
            BlockSelector::Number(number) => number.to_string(),
            BlockSelector::Hash(hash) => format!("0x{}", hex::encode(hash)),
        };
        self.transport().json(Ask::get(self.below(&format!("/blocks/{block}")))).await
    }

    /// The calls that lead to a goal, in order.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn plan(&self, goal: &Goal) -> Result<Vec<PlannedCall>, ClientError> {
        #[derive(Deserialize)]
        struct Plan {
            calls: Vec<PlannedCall>,
        }
        let plan: Plan =
            self.transport().json(Ask::post(self.below("/plan"), &json!({ "goal": goal }))?).await?;
        Ok(plan.calls)
    }

    /// What a call would cost.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn estimate(
        &self,
        call: &ContractCall,
        options: &OptionsRequest,
    ) -> Result<Estimate, ClientError> {
        self.transport().json(Ask::post(self.below("/estimate"), &WithOptions { call, options })?).await
    }

    /// Reads with a function of a contract.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn evaluate(
        &self,
        call: &ContractCall,
        options: &OptionsRequest,
    ) -> Result<Output, ClientError> {
        self.transport().json(Ask::post(self.below("/evaluate"), &WithOptions { call, options })?).await
    }

    /// Writes with a function of a contract, and comes back when it is sent.
    ///
    /// # Errors
    /// [`ClientError`]; where the node was not reached, the same call with the same key is safe.
    pub async fn invoke(
        &self,
        key: &IdempotencyKey,
        call: &ContractCall,
        options: &OptionsRequest,
    ) -> Result<Written, ClientError> {
        self.write("/invoke", key, &WithOptions { call, options }).await
    }

    /// Puts a contract on the ledger, and comes back when that is sent.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    pub async fn deploy(
        &self,
        key: &IdempotencyKey,
        deployment: &Deployment,
        options: &OptionsRequest,
    ) -> Result<Written, ClientError> {
        self.write("/deploy", key, &WithOptions { call: deployment, options }).await
    }

    /// An operation that only this framework has.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    pub async fn native(
        &self,
        key: &IdempotencyKey,
        name: &str,
        arguments: &serde_json::Value,
        options: &OptionsRequest,
    ) -> Result<Written, ClientError> {
        let call = &json!({"name": name, "arguments": arguments});
        self.write("/native", key, &WithOptions { call, options }).await
    }

    async fn write(
        &self,
        path: &str,
        key: &IdempotencyKey,
        body: &impl Serialize,
    ) -> Result<Written, ClientError> {
        self.transport().json(Ask::post(self.below(path), body)?.with_key(Some(key))).await
    }

    /// How far a write has come.
    ///
    /// # Errors
    /// [`ClientError`]; also where the write had no effect and never will: the problem says why.
    pub async fn call(&self, key: &IdempotencyKey) -> Result<Written, ClientError> {
        self.transport().json(Ask::get(self.below(&format!("/calls/{}", part(key.as_str()))))).await
    }

    /// Waits until a write has come so far, or the time is over, and tells how far it is.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn wait(
        &self,
        key: &IdempotencyKey,
        until: Until,
        time: Duration,
    ) -> Result<Written, ClientError> {
        self.wait_at(&self.below(&format!("/calls/{}", part(key.as_str()))), until, time).await
    }

    /// The same, of the write whose state is at this path.
    pub(crate) async fn wait_at(
        &self,
        path: &str,
        until: Until,
        time: Duration,
    ) -> Result<Written, ClientError> {
        let end = Instant::now() + time;
        let mut back_off = BackOff::new(time);
        let name = match until {
            Until::Sent => "sent",
            Until::Included => "included",
            Until::Settled => "settled",
        };
        loop {
            let left = end.saturating_duration_since(Instant::now()).min(NODE_WAITS).as_millis();
            let path = format!("{path}?until={name}&wait_millis={left}");
            let written: Written = self.transport().json(Ask::get(path)).await?;
            let enough = written.state != WrittenState::UnderWay || has_come(&written, until);
            if enough || !back_off.pause().await {
                return Ok(written);
            }
        }
    }

    /// What the ledger says of a write; none while it has not said anything.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn receipt(&self, key: &IdempotencyKey) -> Result<Option<Receipt>, ClientError> {
        Ok(self.call(key).await?.receipt)
    }

    /// The preset store: of the contract at this address, or of the one that the application's settings name.
    #[must_use]
    pub fn store(&self, contract: Option<&str>) -> Store {
        Store::new(self.clone(), contract.unwrap_or_default().to_owned())
    }

    /// What the application grants others, and takes of them.
    #[must_use]
    pub fn grants(&self) -> Grants {
        Grants::new(self.clone())
    }

    /// Events as they come.
    #[must_use]
    pub fn events(&self, filter: Filter) -> Events {
        Events::new(self.clone(), filter)
    }

    /// Calls that a key of the participant's own signs, which the node does not have.
    #[must_use]
    pub fn own_keys(&self, key: Arc<dyn Sign>) -> OwnKeys {
        OwnKeys::new(self.clone(), key)
    }
}

/// Whether a write has come so far.
pub(crate) fn has_come(written: &Written, until: Until) -> bool {
    let inclusion = written.receipt.as_ref().map(|receipt| &receipt.inclusion);
    match until {
        Until::Sent => true,
        Until::Included => {
            !matches!(inclusion, None | Some(Inclusion::Unknown | Inclusion::Pending))
                || written.state == WrittenState::Settled
        }
        Until::Settled => written.state == WrittenState::Settled,
    }
}
