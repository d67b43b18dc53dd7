//! What the tests share: an application with keys, and a whole call.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers test functions only, and each file uses a part"
)]

use std::sync::Arc;

use adapter_spec::{Adapter as _, Ledger, types::*};
use berth_crypto::SigningKey;
use berth_model::{MAIN_SPACE, ModelLender, ModelNode, native};

pub const SETTINGS: &str = r#"{"chain": "model"}"#;

/// One application on a ledger of its own.
pub struct Bed {
    pub node: ModelNode,
    pub lender: ModelLender,
    pub ledger: Arc<dyn Ledger>,
    pub key: SigningKey,
}

pub fn key(scheme: SignatureScheme, seed: u8) -> SigningKey {
    SigningKey::from_bytes(scheme, &[seed; 32]).unwrap()
}

pub fn p256(seed: u8) -> SigningKey {
    key(SignatureScheme::EcdsaP256Sha256, seed)
}

pub fn account(key: &SigningKey) -> String {
    berth_model::wire::account_of(key.scheme(), &key.public_key().point)
}

pub fn party(key: &SigningKey) -> Party {
    Party { account: None, keys: vec![key.public_key()] }
}

pub fn options(salt: u8) -> CallOptions {
    CallOptions { salt: vec![salt; 32], ..CallOptions::default() }
}

pub fn contract_call(contract: &str, function: &str, arguments: Vec<Value>) -> ContractCall {
    ContractCall {
        contract: contract.into(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: vec![],
    }
}

pub fn invoke(contract: &str, function: &str, arguments: Vec<Value>) -> Call {
    Call::Invoke(contract_call(contract, function, arguments))
}

pub fn evaluate(contract: &str, function: &str, arguments: Vec<Value>) -> Call {
    Call::Evaluate(contract_call(contract, function, arguments))
}

pub fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub fn integer(number: i128) -> Value {
    Value::Integer(number.to_string())
}

pub fn deployment(code: &[u8]) -> Deployment {
    Deployment { name: "test".into(), version: "1".into(), code: code.to_vec(), abi: None, arguments: vec![] }
}

pub async fn bed() -> Bed {
    let node = ModelNode::default();
    let lender = node.lender("application");
    let key = p256(7);
    node.fund_key(&key.public_key(), 1_000_000_000);
    let ledger = native().open(lender.lend(), SETTINGS).await.unwrap();
    Bed { node, lender, ledger, key }
}

impl Bed {
    /// The next salt; the ledger's own count keeps salts apart.
    pub fn salt(&self) -> u8 {
        u8::try_from(self.node.submissions() % 200).unwrap()
    }

    pub async fn begin(&self, call: Call) -> Result<SignRequest, Error> {
        self.begin_with(&self.key, call, options(self.salt())).await
    }

    pub async fn begin_with(
        &self,
        key: &SigningKey,
        call: Call,
        options: CallOptions,
    ) -> Result<SignRequest, Error> {
        match self.ledger.begin(call, vec![party(key)], options).await {
            Ok(Step::Sign(request)) => Ok(request),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.answered().unwrap().clone()),
        }
    }

    pub async fn sign_with(&self, key: &SigningKey, mut request: SignRequest) -> Result<Envelope, Error> {
        loop {
            let signatures = request.items.iter().map(|item| key.sign(&item.input).unwrap()).collect();
            match self.ledger.resume(request.continuation, signatures).await {
                Ok(Step::Sign(again)) => request = again,
                Ok(Step::Send(envelope)) => return Ok(envelope),
                Ok(other) => panic!("{other:?}"),
                Err(error) => return Err(error.answered().unwrap().clone()),
            }
        }
    }

    pub async fn sign(&self, request: SignRequest) -> Result<Envelope, Error> {
        self.sign_with(&self.key, request).await
    }

    pub async fn send(&self, envelope: &Envelope) -> Result<(), SendFailure> {
        self.ledger.send(envelope.clone()).await.map_err(|error| error.answered().unwrap().clone())
    }

    pub async fn receipt(&self, envelope: &Envelope) -> Receipt {
        self.ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await.unwrap()
    }

    /// A whole write; the node must make its blocks by itself.
    pub async fn write(&self, call: Call) -> Receipt {
        let envelope = self.sign(self.begin(call).await.unwrap()).await.unwrap();
        self.send(&envelope).await.unwrap();
        self.receipt(&envelope).await
    }

    pub async fn read(&self, call: Call) -> Result<Output, Error> {
        self.read_with(call, CallOptions::default()).await
    }

    pub async fn read_with(&self, call: Call, options: CallOptions) -> Result<Output, Error> {
        match self.ledger.begin(call, vec![], options).await {
            Ok(Step::Answer(output)) => Ok(output),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.answered().unwrap().clone()),
        }
    }

    pub async fn deploy(&self, code: &[u8]) -> String {
        let receipt = self.write(Call::Deploy(deployment(code))).await;
        receipt.outcome.unwrap().unwrap();
        receipt.created.unwrap()
    }

    pub fn mine(&self, blocks: u32) {
        self.node.mine(MAIN_SPACE, blocks);
    }

    pub async fn count(&self, contract: &str) -> String {
        self.read(evaluate(contract, "count()", vec![])).await.unwrap().json.unwrap()
    }
}

/// The error that a call answered.
pub fn answered<T: std::fmt::Debug>(result: Result<T, adapter_spec::CallError>) -> Error {
    result.unwrap_err().answered().unwrap().clone()
}
