//! What an orderer checks before it takes an envelope.

use prost::Message as _;

use crate::{
    identity::{IdentityFault, Role},
    node::Node,
    proto::common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader, Status},
};

/// What orderers of SmartBFT say to what they have ordered before.
pub const ALREADY_PROCESSED: &str = "failed to submit request: request already processed";

/// Takes an envelope for ordering, or says in an orderer's words why not.
pub fn receive(node: &Node, envelope: Envelope) -> Result<(), (Status, String)> {
    let bad = |what: &str| (Status::BadRequest, what.to_owned());
    let payload = Payload::decode(envelope.payload.as_slice()).map_err(|_| bad("bad payload"))?;
    let header = payload.header.ok_or_else(|| bad("envelope has no header"))?;
    let channel_header =
        ChannelHeader::decode(header.channel_header.as_slice()).map_err(|_| bad("bad channel header"))?;
    let signer = SignatureHeader::decode(header.signature_header.as_slice())
        .map_err(|_| bad("bad signature header"))?;
    if channel_header.r#type != HeaderType::EndorserTransaction as i32 {
        return Err(bad("this Fabric-like network orders endorsed transactions only"));
    }
    let channel = node.channel(&channel_header.channel_id).ok_or_else(|| {
        (
            Status::NotFound,
            "channel creation request not allowed because the orderer system channel is not defined"
                .to_owned(),
        )
    })?;
    let most = usize::try_from(node.options.batch.absolute_max_bytes).unwrap_or(usize::MAX);
    let size = envelope.payload.len() + envelope.signature.len();
    if size > most {
        return Err(bad(&format!(
            "message payload is {size} bytes and exceeds maximum allowed {most} bytes"
        )));
    }
    let identity = node.members.identities.identify(&signer.creator);
    if matches!(identity, Err(IdentityFault::Expired)) {
        return Err(bad("broadcast client identity expired"));
    }
    let identity = identity.ok().filter(|identity| {
        (identity.is(Role::Client) || identity.is(Role::Admin))
            && identity.verify(&envelope.payload, &envelope.signature).is_ok()
    });
    if identity.is_none() {
        let info = "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the \
                    'Writers' sub-policies to be satisfied: permission denied";
        return Err((Status::Forbidden, info.to_owned()));
    }
    if channel.is_over(&channel_header.tx_id) {
        return Err((Status::ServiceUnavailable, ALREADY_PROCESSED.to_owned()));
    }
    if channel.order(envelope.encode_to_vec()) {
        Ok(())
    } else {
        Err((Status::ServiceUnavailable, "the ordering service makes no more blocks".to_owned()))
    }
}
