//! A running network.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    channel::Channel,
    client::{Client, Invocation},
    control,
    error::NetworkError,
    lifecycle::LIFECYCLE,
    material,
    members::{Members, User},
    node::{Node, Refused},
    options::Options,
    proto::peer::SignedProposal,
    service::{Listener, assemble, serve},
};

/// A network that listens. It ends when this is dropped.
pub struct Network {
    node: Arc<Node>,
    control: SocketAddr,
    /// Ends when dropped.
    tasks: JoinSet<()>,
}

impl Network {
    /// Starts a network on loopback; every chaincode is defined on every channel when this returns.
    ///
    /// # Errors
    /// When the options contradict each other, a port is taken, or the folder cannot be used.
    pub async fn start(options: Options) -> Result<Network, NetworkError> {
        check(&options)?;
        let control = listen(options.control_port).await?;
        let mut peers = Vec::new();
        for number in 0..options.organisations.len() {
            peers.push(listen(options.peer_ports.get(number).copied().unwrap_or(0)).await?);
        }
        let mut orderers = Vec::new();
        for _ in 0..options.consensus.orderers() {
            orderers.push(listen(0).await?);
        }
        let members = Members::new(&options, &addresses(&peers)?, &addresses(&orderers)?)?;
        let node = Arc::new(Node::open(options, members)?);
        for channel in node.channels() {
            define(&node, channel).await?;
        }
        let control_address = address(&control)?;
        let mut tasks = JoinSet::new();
        for (number, socket) in peers.into_iter().enumerate() {
            tasks.spawn(serve(&node, Listener::Peer(number), socket)?);
        }
        for (number, socket) in orderers.into_iter().enumerate() {
            tasks.spawn(serve(&node, Listener::Orderer(number), socket)?);
        }
        tasks.spawn(control::serve(node.clone(), control, control_address));
        Ok(Network { node, control: control_address, tasks })
    }

    /// Members and channels.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The address of the control, JSON-RPC over HTTP.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// All that a client needs to connect, with keys: see `fabric-like --help`.
    ///
    /// # Errors
    /// When a key cannot be encoded.
    pub fn material(&self) -> Result<serde_json::Value, NetworkError> {
        material::connection(&self.node, self.control)
    }

    /// Waits for the network's end, which does not come by itself.
    pub async fn run(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

fn check(options: &Options) -> Result<(), NetworkError> {
    let refused = |what: String| Err(NetworkError::Options(what));
    if options.organisations.is_empty() {
        return refused("it has no organisation".into());
    }
    if options.channels.is_empty() {
        return refused("it has no channel".into());
    }
    for name in &options.channels {
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !starts || name.len() > 249 || !name.bytes().all(fits) {
            return refused(format!(
                "{name:?} is no channel's name: a small letter, then small letters, digits, dots and dashes"
            ));
        }
    }
    for msp_id in &options.organisations {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if msp_id.is_empty() || msp_id.len() > 60 || !msp_id.bytes().all(fits) {
            return refused(format!("{msp_id:?} is no MSP id: letters, digits, dots and dashes"));
        }
    }
    for (chaincode, required) in &options.endorsements {
        if *required == 0 || *required > options.organisations.len() {
            return refused(format!("{chaincode} asks endorsements of {required} organisations"));
        }
    }
    Ok(())
}

async fn listen(port: u16) -> Result<TcpListener, NetworkError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |source| NetworkError::Listen { address: address.to_string(), source };
    TcpListener::bind(address).await.map_err(failed)
}

fn address(socket: &TcpListener) -> Result<SocketAddr, NetworkError> {
    socket.local_addr().map_err(|source| NetworkError::Listen { address: "127.0.0.1".into(), source })
}

fn addresses(sockets: &[TcpListener]) -> Result<Vec<SocketAddr>, NetworkError> {
    sockets.iter().map(address).collect()
}

/// Commits the definitions of the channel's chaincodes, as administrators do with a new channel.
async fn define(node: &Node, channel: &Channel) -> Result<(), NetworkError> {
    if channel.ledger().height() > 1 {
        return Ok(());
    }
    let admin = user(node, "Admin")?;
    for (definition, _) in channel.definitions.values() {
        let arguments = vec![b"CommitChaincodeDefinition".to_vec(), definition.to_arguments()];
        let id = transact(node, channel, admin, LIFECYCLE, arguments, false)?;
        let found = channel.committed(&id).await;
        found.map_err(|error| NetworkError::internal(format!("define {}", definition.name), error))?;
    }
    Ok(())
}

fn user<'a>(node: &'a Node, name: &str) -> Result<&'a User, NetworkError> {
    let first = node.members.peers.first();
    let found = first.and_then(|peer| node.members.named(&peer.msp_id, name));
    found.ok_or_else(|| NetworkError::internal("act", format!("there is no {name}")))
}

/// Has a transaction of the network's own endorsed by all peers and ordered; its id. `alone` gives it a block of its own.
fn transact(
    node: &Node,
    channel: &Channel,
    user: &User,
    chaincode: &str,
    arguments: Vec<Vec<u8>>,
    alone: bool,
) -> Result<String, NetworkError> {
    let failed = |reason: &str| NetworkError::internal(format!("call {chaincode}"), reason);
    let client = Client { now: node.clock().milliseconds(), identity: user.identity(), key: &user.key };
    let invocation = Invocation {
        channel: channel.name.clone(),
        chaincode: chaincode.into(),
        arguments,
        ..Invocation::default()
    };
    let (id, signed): (String, SignedProposal) = client.propose(invocation)?;
    let accepted = node.accept(&signed).map_err(|refused| match refused {
        Refused::Invalid(reason) | Refused::Channel(reason) => failed(&reason),
    })?;
    let responses: Vec<_> = node.members.peers.iter().map(|peer| node.endorse(peer, &accepted)).collect();
    if let Some(response) = responses.iter().find(|response| response.endorsement.is_none()) {
        return Err(failed(response.response.as_ref().map_or("no answer", |answer| &answer.message)));
    }
    let envelope = client.sign(assemble(&accepted, responses))?;
    let envelope = prost::Message::encode_to_vec(&envelope);
    let ordered = if alone { channel.order_alone(envelope) } else { channel.order(envelope) };
    if ordered { Ok(id) } else { Err(failed("the ordering service makes no more blocks")) }
}

/// Makes so many blocks on every channel, each with one transaction that changes nothing that anybody reads.
pub async fn advance(node: &Node, blocks: u64) -> Result<(), NetworkError> {
    let user = user(node, "Admin")?;
    for channel in node.channels() {
        for _ in 0..blocks {
            let id = transact(node, channel, user, "probe", vec![b"tick".to_vec()], true)?;
            let found = channel.committed(&id).await;
            found.map_err(|error| NetworkError::internal("make a block", error))?;
        }
    }
    Ok(())
}
