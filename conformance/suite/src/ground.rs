//! What applications of a run stand on: endpoints of a test bed, a ledger in memory, or a recording.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adapter_spec::{Lender, async_trait, types::Descriptor};
use berth_crypto::SigningKey;
use berth_lending::{Endpoint, Lending, Network, ServiceKey, Tls};
use zeroize::Zeroizing;

use crate::{
    check::Stop,
    testbed::{Command, Testbed},
};

/// Where endpoints come from. State, time, randomness and log are the suite's own.
#[async_trait]
pub trait Ground: Send + Sync {
    /// What an application lends: the endpoints and service keys. `limit` bounds how many endpoints are lent under each need.
    ///
    /// # Errors
    /// When the test bed does not fit the adapter.
    fn lend(&self, application: &str, limit: usize) -> Result<Arc<dyn Lender>, Stop>;

    /// Tells the test bed to do something; see [`Testbed::controls`].
    ///
    /// # Errors
    /// When it cannot.
    async fn control(&self, name: &str, places: &BTreeMap<&str, String>) -> Result<(), Stop>;

    /// Whether waiting changes anything.
    fn is_live(&self) -> bool {
        true
    }
}

/// The endpoints of a test bed file.
pub struct NetworkGround {
    testbed: Testbed,
    descriptor: Descriptor,
    network: Network,
}

impl NetworkGround {
    /// The endpoints of this test bed, for an adapter with this descriptor. Connects to nothing.
    ///
    /// # Errors
    /// When the machine cannot make connections.
    pub fn new(testbed: Testbed, descriptor: Descriptor) -> Self {
        NetworkGround { testbed, descriptor, network: Network::new() }
    }
}

fn bytes(text: &str, what: &str) -> Result<Vec<u8>, Stop> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|_| Stop::Harness(format!("the test bed's {what} is not hexadecimal")))
}

/// The key of this scheme in hexadecimal text.
pub(crate) fn signing_key(
    scheme: adapter_spec::types::SignatureScheme,
    secret: &str,
) -> Result<SigningKey, Stop> {
    let secret = Zeroizing::new(bytes(secret, "key")?);
    SigningKey::from_bytes(scheme, &secret)
        .map_err(|error| Stop::Harness(format!("the test bed's key: {error}")))
}

pub(crate) fn certificate(text: Option<&str>) -> Result<Option<Vec<u8>>, Stop> {
    text.map(|text| bytes(text, "certificate")).transpose()
}

#[async_trait]
impl Ground for NetworkGround {
    fn lend(&self, application: &str, limit: usize) -> Result<Arc<dyn Lender>, Stop> {
        let mut lending = Lending::builder(application);
        let mut lent: BTreeMap<&str, usize> = BTreeMap::new();
        for endpoint in &self.testbed.endpoints {
            let count = lent.entry(&endpoint.need).or_default();
            if *count >= limit {
                continue;
            }
            *count += 1;
            let name = format!("{}-{count}", endpoint.need);
            lending = lending.endpoint(Endpoint {
                labels: endpoint.labels.clone(),
                tls: Tls {
                    ca_pem: endpoint.ca_pem.clone(),
                    client_certificate_pem: endpoint.client_certificate_pem.clone(),
                    client_key_pem: endpoint.client_key_pem.clone().map(Zeroizing::new),
                    server_name: endpoint.server_name.clone(),
                },
                deadline: Duration::from_secs(10),
                ..Endpoint::new(name, endpoint.need.clone(), endpoint.transport, endpoint.url.clone())
            });
        }
        for key in &self.testbed.service_keys {
            lending = lending.service_key(ServiceKey {
                name: key.name.clone(),
                key: signing_key(key.scheme, &key.secret)?,
                certificate: certificate(key.certificate.as_deref())?,
            });
        }
        let lending = lending
            .build(&self.descriptor, &self.network)
            .map_err(|error| Stop::Harness(format!("the test bed does not fit the adapter: {error}")))?;
        Ok(lending)
    }

    async fn control(&self, name: &str, places: &BTreeMap<&str, String>) -> Result<(), Stop> {
        let commands = self.testbed.controls.get(name);
        let commands =
            commands.ok_or_else(|| Stop::Unknown(format!("the test bed has no control {name:?}")))?;
        for command in commands {
            self.tell(command, places).await?;
        }
        Ok(())
    }
}

impl NetworkGround {
    async fn tell(&self, command: &Command, places: &BTreeMap<&str, String>) -> Result<(), Stop> {
        use adapter_spec::{
            Function,
            types::{EndpointNeed, Transport, transport::JsonRpcRequest},
        };
        let params = command.filled_in(places);
        // The lender is the one program here that speaks to nodes.
        let descriptor = Descriptor {
            endpoints: vec![EndpointNeed {
                name: "control".into(),
                transport: Transport::JsonRpc,
                required: true,
                many: false,
                reads: Vec::new(),
                purpose: String::new(),
            }],
            service_keys: Vec::new(),
            ..self.descriptor.clone()
        };
        let broken =
            |what: String| Stop::Harness(format!("the test bed's control {}: {what}", command.method));
        let lending = Lending::builder("control")
            .endpoint(Endpoint::new("control", "control", Transport::JsonRpc, command.url.clone()))
            .build(&descriptor, &self.network)
            .map_err(|error| broken(error.to_string()))?;
        let (method, endpoint) = (command.method.clone(), "control".into());
        let request = JsonRpcRequest { endpoint, method, params, sensitive: false };
        let mut answers = lending.imports(Function::Send).json_rpc(vec![request]).await;
        match answers.pop() {
            Some(Ok(_)) => Ok(()),
            other => Err(broken(format!("{other:?}"))),
        }
    }
}
