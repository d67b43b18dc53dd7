//! Participants who hold their own keys: the node says what to sign, and gets signatures and never a key.

use std::{error::Error as StdError, sync::Arc};

use adapter_spec::types::{Call, ContractCall, Deployment, Output, PublicKey, Signature, SigningInput};
use berth_api::{Next, OptionsRequest, ToSign, Written, possession};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    application::{Account, Application, WithOptions},
    error::ClientError,
    key::IdempotencyKey,
    transport::Ask,
};

/// How often signatures are given in one call, at most.
const ROUNDS: usize = 20;
/// How often a call is begun again whose continuation was lost on the way.
const BEGUN_AGAIN: usize = 3;

/// Whatever has a participant's key: a file, a wallet, a module.
pub trait Sign: Send + Sync {
    /// The key's public half, and how it signs.
    fn public_key(&self) -> PublicKey;

    /// Signs. What is signed is for the key's owner to judge: the adapter's summary of it is a claim.
    ///
    /// # Errors
    /// Where nothing is signed. The call is given up then.
    fn sign(&self, input: &SigningInput) -> Result<Signature, Box<dyn StdError + Send + Sync>>;
}

impl Sign for berth_crypto::SigningKey {
    fn public_key(&self) -> PublicKey {
        self.public_key()
    }

    fn sign(&self, input: &SigningInput) -> Result<Signature, Box<dyn StdError + Send + Sync>> {
        Ok(self.sign(input)?)
    }
}

/// Calls of an application that one key of the participant's own signs.
#[derive(Clone)]
pub struct OwnKeys {
    application: Application,
    key: Arc<dyn Sign>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Begin<'a> {
    Invoke(WithOptions<'a, ContractCall>),
    Evaluate(WithOptions<'a, ContractCall>),
    Deploy(WithOptions<'a, Deployment>),
    Native(WithOptions<'a, Value>),
}

fn hex0(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

impl OwnKeys {
    pub(crate) fn new(application: Application, key: Arc<dyn Sign>) -> Self {
        OwnKeys { application, key }
    }

    /// Tells the node which key is the participant's, with a proof that they have it. Once is enough.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn put_key(&self) -> Result<Account, ClientError> {
        #[derive(Deserialize)]
        struct Shown {
            id: String,
        }
        let shown: Shown = self.application.transport().json(Ask::get(self.application.below(""))).await?;
        let participant = self.application.client().participant().await?;
        let key = self.key.public_key();
        let said = possession(&shown.id, &participant, &key.point);
        let signature =
            self.key.sign(&SigningInput::Message(said.into_bytes())).map_err(ClientError::Sign)?;
        let body = json!({
            "scheme": key.scheme,
            "point": hex0(&key.point),
            "certificate": key.certificate.as_deref().map(hex0),
            "signature": hex0(&signature.bytes),
        });
        let ask = Ask::new(Method::PUT, self.application.below("/keys"), &body)?;
        self.application.transport().json(ask).await
    }

    /// Writes with a function of a contract.
    ///
    /// # Errors
    /// [`ClientError`]; where the node was not reached, the same call with the same key is safe.
    pub async fn invoke(
        &self,
        key: &IdempotencyKey,
        call: ContractCall,
        options: &OptionsRequest,
    ) -> Result<Written, ClientError> {
        written(self.carry_out(Some(key), &Call::Invoke(call), options).await?)
    }

    /// Puts a contract on the ledger.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    pub async fn deploy(
        &self,
        key: &IdempotencyKey,
        deployment: Deployment,
        options: &OptionsRequest,
    ) -> Result<Written, ClientError> {
        written(self.carry_out(Some(key), &Call::Deploy(deployment), options).await?)
    }

    /// Reads with a function of a contract.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn evaluate(
        &self,
        call: ContractCall,
        options: &OptionsRequest,
    ) -> Result<Output, ClientError> {
        match self.carry_out(None, &Call::Evaluate(call), options).await? {
            Next::Answer(output) => Ok(output),
            Next::Sign(_) | Next::Written(_) => Err(ClientError::Answer { status: 200, source: None }),
        }
    }

    /// Carries a call out: begins it, and signs until nothing more is asked for.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    pub async fn carry_out(
        &self,
        key: Option<&IdempotencyKey>,
        call: &Call,
        options: &OptionsRequest,
    ) -> Result<Next, ClientError> {
        let mut begun_again = 0;
        let mut next = self.begin(key, call, options).await?;
        for _ in 0..ROUNDS {
            let Next::Sign(to_sign) = next else { return Ok(next) };
            next = match self.sign(&to_sign).await {
                // The node may have taken the continuation, and the answer was lost: whoever begins again with the same key
                // is told how far the call is, or gets another one.
                Err(error) if is_lost(&error) && begun_again < BEGUN_AGAIN => {
                    begun_again += 1;
                    self.begin(key, call, options).await?
                }
                next => next?,
            };
        }
        Err(ClientError::Endless)
    }

    /// Begins a call, for whoever wants to look at what is to be signed.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn begin(
        &self,
        key: Option<&IdempotencyKey>,
        call: &Call,
        options: &OptionsRequest,
    ) -> Result<Next, ClientError> {
        let scheme = self.key.public_key().scheme;
        let options = &OptionsRequest { scheme: Some(scheme), ..options.clone() };
        let native;
        let begin = match call {
            Call::Invoke(call) => Begin::Invoke(WithOptions { call, options }),
            Call::Evaluate(call) => Begin::Evaluate(WithOptions { call, options }),
            Call::Deploy(call) => Begin::Deploy(WithOptions { call, options }),
            Call::Native(call) => {
                let arguments: Value = serde_json::from_str(&call.json).map_err(ClientError::Request)?;
                native = json!({"name": call.name, "arguments": arguments});
                Begin::Native(WithOptions { call: &native, options })
            }
        };
        let ask = Ask::post(self.application.below("/begin"), &begin)?.with_key(key);
        self.application.transport().json(ask).await
    }

    /// Signs, and goes on. Where the key does not sign, the call is given up.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn sign(&self, to_sign: &ToSign) -> Result<Next, ClientError> {
        let signed: Result<Vec<_>, _> = to_sign.items.iter().map(|item| self.key.sign(&item.input)).collect();
        let signatures = match signed {
            Ok(signatures) => signatures,
            Err(error) => {
                // Where this fails too, the node gives it up by itself.
                let _ = self.abandon(to_sign).await;
                return Err(ClientError::Sign(error));
            }
        };
        let body = json!({"continuation": to_sign.continuation, "signatures": signatures});
        self.application.transport().json(Ask::post(self.application.below("/resume"), &body)?.once()).await
    }

    /// Gives up what was begun.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn abandon(&self, to_sign: &ToSign) -> Result<(), ClientError> {
        let body = json!({ "continuation": to_sign.continuation });
        self.application.transport().done(Ask::post(self.application.below("/abandon"), &body)?.once()).await
    }
}

/// Whether nobody knows if the continuation was taken, or it was.
fn is_lost(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } => true,
        ClientError::Problem(problem) => problem.code == "expired" || problem.status == 503,
        // Of something between here and the node.
        ClientError::Answer { status, .. } => matches!(status, 502..=504),
        _ => false,
    }
}

fn written(next: Next) -> Result<Written, ClientError> {
    match next {
        Next::Written(written) => Ok(*written),
        Next::Sign(_) | Next::Answer(_) => Err(ClientError::Answer { status: 200, source: None }),
    }
}
