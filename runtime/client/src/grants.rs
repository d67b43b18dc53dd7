//! What an application grants others, and takes of them.

use std::time::Duration;

use adapter_spec::types::{ContractCall, SignatureScheme};
use berth_api::{
    Grant, GrantCalls, GrantEntry, GrantRequest, GrantedAnswer, GrantedRead, OptionsRequest, Until, Written,
    verify_grant_calls,
};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    application::{Account, Application, CertificateRequest, WithOptions, part},
    error::ClientError,
    key::IdempotencyKey,
    transport::Ask,
};

/// The grants of one application, on either side. To propose, accept and revoke is its owner's.
#[derive(Clone)]
pub struct Grants {
    application: Application,
}

/// The calls under an application's grants, whose chain of signed records holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCalls {
    /// The calls, oldest first.
    pub entries: Vec<GrantEntry>,
    /// The digest of the last record; none where there is none. Whoever keeps it notices later where the chain was cut or written
    /// anew.
    pub last: Option<String>,
    /// The point of the key that signed, SEC1: the same each time.
    pub point: Vec<u8>,
}

impl Grants {
    pub(crate) fn new(application: Application) -> Self {
        Grants { application }
    }

    async fn ask<T: for<'a> Deserialize<'a>>(&self, ask: Ask) -> Result<T, ClientError> {
        self.application.transport().json(ask).await
    }

    fn path(&self, grant: &str, rest: &str) -> String {
        self.application.below(&format!("/grants/{}{rest}", part(grant)))
    }

    /// The grants that the application gives or takes, those that have ended among them.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn list(&self) -> Result<Vec<Grant>, ClientError> {
        #[derive(Deserialize)]
        struct List {
            grants: Vec<Grant>,
        }
        let list: List = self.ask(Ask::get(self.application.below("/grants"))).await?;
        Ok(list.grants)
    }

    /// Proposes to give.
    ///
    /// # Errors
    /// [`ClientError`]; where the node was not reached, [`list`](Self::list) tells whether the proposal is there.
    pub async fn propose(&self, request: &GrantRequest) -> Result<Grant, ClientError> {
        // Sent twice it would be two proposals.
        self.ask(Ask::post(self.application.below("/grants"), request)?.once()).await
    }

    /// Accepts what was proposed to this application. `anchor` is what proofs are verified against: needed for keys where the
    /// adapter proves their values.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn accept(&self, grant: &str, anchor: Option<&[u8]>) -> Result<Grant, ClientError> {
        let anchor = anchor.map(|anchor| format!("0x{}", hex::encode(anchor)));
        self.ask(Ask::post(self.path(grant, "/accept"), &json!({ "anchor": anchor }))?).await
    }

    /// Revokes a grant, on either side, from the next call on.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn revoke(&self, grant: &str) -> Result<Grant, ClientError> {
        self.ask(Ask::delete(self.path(grant, ""))).await
    }

    /// The key by which the application acts at the one that gives, and its accounts there.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn account(
        &self,
        grant: &str,
        scheme: Option<SignatureScheme>,
    ) -> Result<Account, ClientError> {
        let query = match scheme.map(serde_json::to_value) {
            Some(Ok(serde_json::Value::String(scheme))) => format!("?scheme={scheme}"),
            _ => String::new(),
        };
        self.ask(Ask::get(self.path(grant, &format!("/account{query}")))).await
    }

    /// A request in PEM for a certificate of that key, where it is on P-256: for an authority of the ledger. Only for whoever
    /// administers the application.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn certificate_request(&self, grant: &str) -> Result<String, ClientError> {
        let request: CertificateRequest =
            self.ask(Ask::get(self.path(grant, "/account/certificate-request"))).await?;
        Ok(request.request_pem)
    }

    /// Gives that key the certificate that an authority of the ledger made, DER. Gives the accounts that it has there now.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn certify(
        &self,
        grant: &str,
        scheme: Option<SignatureScheme>,
        certificate: &[u8],
    ) -> Result<Account, ClientError> {
        let body = json!({"scheme": scheme, "certificate": hex::encode(certificate)});
        self.ask(Ask::new(Method::PUT, self.path(grant, "/account/certificate"), &body)?).await
    }

    /// Reads what is granted.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn read(&self, grant: &str, read: &GrantedRead) -> Result<GrantedAnswer, ClientError> {
        self.ask(Ask::post(self.path(grant, "/read"), read)?).await
    }

    /// Writes what is granted, and comes back when it is sent.
    ///
    /// # Errors
    /// [`ClientError`]; where the node was not reached, the same call with the same key is safe.
    pub async fn invoke(
        &self,
        grant: &str,
        key: &IdempotencyKey,
        call: &ContractCall,
        options: &OptionsRequest,
    ) -> Result<Written, ClientError> {
        let body = WithOptions { call, options };
        self.ask(Ask::post(self.path(grant, "/invoke"), &body)?.with_key(Some(key))).await
    }

    /// Waits until a write under a grant has come so far, or the time is over, and tells how far it is; also when the grant does not
    /// hold any more.
    ///
    /// # Errors
    /// [`ClientError`]; also where the write had no effect and never will: the problem says why.
    pub async fn wait(
        &self,
        grant: &str,
        key: &IdempotencyKey,
        until: Until,
        time: Duration,
    ) -> Result<Written, ClientError> {
        let path = self.path(grant, &format!("/calls/{}", part(key.as_str())));
        self.application.wait_at(&path, until, time).await
    }

    /// The calls under the application's grants, verified. `seen` is the [`last`](VerifiedCalls::last) of before: it has to be
    /// there still.
    ///
    /// # Errors
    /// [`ClientError::Chain`] where the records do not hold, among others.
    pub async fn calls(&self, seen: Option<&str>) -> Result<VerifiedCalls, ClientError> {
        let path = self.application.below("/grants/calls");
        let GrantCalls { key, mut records, mut next, .. } = self.ask(Ask::get(path.clone())).await?;
        while let Some(from) = next {
            let page: GrantCalls = self.ask(Ask::get(format!("{path}?from={from}"))).await?;
            records.extend(page.records);
            // A page that goes back would be asked for without an end.
            next = page.next.filter(|next| *next > from);
        }
        let entries = verify_grant_calls(&key, &records, seen)?;
        let last = records.last().map(berth_api::SignedRecord::digest);
        Ok(VerifiedCalls { entries, last, point: key.point })
    }
}
