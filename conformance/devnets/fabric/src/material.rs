//! What a client needs to connect.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{
    error::NetworkError,
    ledger::Ledger,
    members::{Member, Members, ORDERER_MSP},
    node::Node,
};

/// Addresses, certificates and keys of a network, as `fabric-like --help` describes them. Every key is a test's.
pub fn connection(node: &Node, control: SocketAddr) -> Result<Value, NetworkError> {
    let members = &node.members;
    let organisations = members.peers.iter().map(|peer| organisation(members, peer));
    let channels = node.channels().map(|channel| {
        let genesis = |ledger: &Ledger| ledger.genesis().map(|entry| hex::encode(&entry.hash));
        let chaincodes: Vec<_> = channel.definitions.keys().collect();
        json!({ "name": channel.name, "genesis": genesis(&channel.ledger()), "chaincodes": chaincodes })
    });
    let (root, tls_root) = members.roots(ORDERER_MSP);
    let orderers: Vec<_> = members.orderers.iter().map(server).collect();
    Ok(json!({
        "network": "Fabric-like, for tests",
        "control": format!("http://{control}"),
        "channels": channels.collect::<Vec<_>>(),
        "organisations": organisations.collect::<Result<Vec<_>, _>>()?,
        "orderers": { "mspId": ORDERER_MSP, "ca": root, "tlsCa": tls_root, "nodes": orderers },
    }))
}

fn organisation(members: &Members, peer: &Member) -> Result<Value, NetworkError> {
    let (root, tls_root) = members.roots(&peer.msp_id);
    let users = members.users.iter().filter(|user| user.msp_id == peer.msp_id).map(|user| {
        let identity = members.identities.identify(&user.identity());
        let identity =
            identity.map_err(|_| NetworkError::internal("read its own certificate", &user.name))?;
        Ok(json!({
            "name": user.name,
            "certificate": user.pem,
            "certificateDer": hex::encode(&identity.certificate),
            "account": identity.account(),
            "key": user.key.to_pem()?,
            "secret": hex::encode(user.key.secret()),
        }))
    });
    Ok(json!({
        "mspId": peer.msp_id,
        "ca": root,
        "tlsCa": tls_root,
        "peer": server(peer),
        "users": users.collect::<Result<Vec<_>, NetworkError>>()?,
    }))
}

fn server(member: &Member) -> Value {
    json!({
        "url": format!("https://{}", member.address()),
        "address": member.address(),
        "serverName": member.host,
        "certificate": member.pem,
    })
}
