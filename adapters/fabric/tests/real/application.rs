//! An application on a channel of the network, in the name of one user.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use adapter_spec::{Adapter as _, CallError, Ledger, types::*};
use berth_crypto::SigningKey;
use berth_lending::{Endpoint, Lending, Network as Connections, ServiceKey, Tls};
use fabric_network::{Identity, Network, Options, Programs};

/// The preset contract's chaincode.
pub const PRESET: &str = "preset";
const SCHEME: SignatureScheme = SignatureScheme::EcdsaP256Sha256;

/// A network; none, and a line that says so, where Fabric's programs are not given.
pub fn network() -> Option<Network> {
    match Programs::from_environment() {
        Ok(programs) => {
            Some(Network::start(programs, &Options::default()).unwrap_or_else(|error| panic!("{error}")))
        }
        Err(reason) => {
            eprintln!("NOT RUN: {reason}");
            None
        }
    }
}

/// A call that writes.
pub fn call(contract: &str, function: &str, arguments: Vec<Value>) -> Call {
    Call::Invoke(contract_call(contract, function, arguments))
}

fn contract_call(contract: &str, function: &str, arguments: Vec<Value>) -> ContractCall {
    ContractCall {
        contract: contract.into(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: Vec::new(),
    }
}

/// What the operator lends: both peers, and the key of the first organisation's last user.
pub fn lending(network: &Network, descriptor: &Descriptor) -> Arc<Lending> {
    let mut lending = Lending::builder("real");
    for organisation in &network.organisations {
        let url = format!("https://{}", organisation.address);
        lending = lending.endpoint(Endpoint {
            labels: vec![("organisation".into(), organisation.msp.clone())],
            tls: Tls { ca_pem: Some(organisation.authority_pem.clone()), ..Tls::default() },
            ..Endpoint::new(organisation.msp.clone(), "peer", Transport::Grpc, url)
        });
    }
    let client = network.organisations[0].users.last().unwrap();
    lending = lending.service_key(ServiceKey {
        name: "client".into(),
        key: SigningKey::from_hex(SCHEME, &client.secret).unwrap(),
        certificate: Some(client.certificate.clone()),
    });
    lending.build(descriptor, &Connections::new()).unwrap()
}

/// An application, and the user who signs.
pub struct Application {
    pub ledger: Arc<dyn Ledger>,
    lending: Arc<Lending>,
    key: SigningKey,
    party: Party,
    account: String,
    salts: AtomicU64,
}

impl Application {
    /// On a channel, as a user of the first organisation.
    pub async fn open(network: &Network, channel: &str, user: usize) -> Self {
        Self::open_as(network, channel, user, "Org1MSP").await
    }

    /// The same, where the settings name another MSP.
    pub async fn open_as(network: &Network, channel: &str, user: usize, msp: &str) -> Self {
        let adapter = adapter_fabric::native();
        let lending = lending(network, &adapter.describe().await.unwrap());
        let settings = serde_json::json!({
            "channel": channel, "msp_id": msp, "service_msp_id": "Org1MSP", "preset_chaincode": PRESET,
        });
        let ledger = adapter.open(lending.clone(), &settings.to_string()).await.unwrap();
        let user: &Identity = &network.organisations[0].users[user];
        let key = SigningKey::from_hex(SCHEME, &user.secret).unwrap();
        let public = PublicKey { certificate: Some(user.certificate.clone()), ..key.public_key() };
        let party = Party { account: None, keys: vec![public] };
        Application { ledger, lending, key, party, account: user.account(), salts: AtomicU64::new(0) }
    }

    async fn go_on(&self, mut step: Step) -> Result<Step, CallError> {
        while let Step::Sign(request) = step {
            let sign = |item: &SignItem| self.key.sign(&item.input).unwrap();
            let signatures = request.items.iter().map(sign).collect();
            step = self.ledger.resume(request.continuation, signatures).await?;
        }
        Ok(step)
    }

    /// Up to the envelope.
    pub async fn sign(&self, call: Call) -> Result<Envelope, CallError> {
        let salt = self.salts.fetch_add(1, Ordering::SeqCst).to_be_bytes().to_vec();
        let options = CallOptions { salt, ..CallOptions::default() };
        let step = self.ledger.begin(call, vec![self.party.clone()], options).await?;
        match self.go_on(step).await? {
            Step::Send(envelope) => Ok(envelope),
            step => panic!("{step:?}"),
        }
    }

    pub async fn receipt(&self, envelope: &Envelope) -> Receipt {
        for _ in 0..200 {
            match self.ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await {
                Ok(receipt) if receipt.outcome.is_some() => return receipt,
                Ok(_) => {}
                Err(CallError::Answered(error)) if error.retryable => {}
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} is in no block", envelope.transaction)
    }

    /// A write from its proposal to its commit.
    pub async fn run(&self, call: Call) -> Result<Receipt, CallError> {
        let envelope = self.sign(call).await?;
        self.ledger.send(envelope.clone()).await.unwrap();
        Ok(self.receipt(&envelope).await)
    }

    pub async fn evaluate(
        &self,
        contract: &str,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<Output, CallError> {
        self.read(contract_call(contract, function, arguments)).await
    }

    async fn read(&self, call: ContractCall) -> Result<Output, CallError> {
        let parties = vec![self.party.clone()];
        let step = self.ledger.begin(Call::Evaluate(call), parties, CallOptions::default()).await?;
        match self.go_on(step).await? {
            Step::Answer(output) => Ok(output),
            step => panic!("{step:?}"),
        }
    }

    /// The user's own counter in the probe.
    pub async fn count(&self) -> u64 {
        let output = self.evaluate("probe", "count", vec![Value::Text(self.account.clone())]).await.unwrap();
        String::from_utf8(output.raw).unwrap().parse().unwrap()
    }

    pub async fn to_call(&self, operation: StoreOperation) -> Call {
        self.ledger.to_call(PRESET, operation).await.unwrap()
    }

    pub async fn store(&self, operation: StoreOperation) -> Result<StoreAnswer, Error> {
        let answered = |error: CallError| error.answered().cloned().unwrap_or_else(|| panic!("{error}"));
        let outcome = match self.to_call(operation.clone()).await {
            Call::Evaluate(call) => self.read(call).await.map_err(answered),
            call => self.run(call).await.map_err(answered).and_then(|receipt| receipt.outcome.unwrap()),
        };
        self.ledger.from_outcome(operation, outcome).await.map_err(answered)
    }

    pub async fn verify(&self, anchor: &[u8], proof: Proof) -> Result<(), CallError> {
        adapter_fabric::native().verify(self.lending.clone(), anchor.to_vec(), proof).await
    }
}
