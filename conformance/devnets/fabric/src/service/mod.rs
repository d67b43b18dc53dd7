//! The gRPC services of peers and orderers.

mod broadcast;
mod deliver;
mod events;
mod gateway;
mod rpc;
mod server;

pub(crate) use gateway::assemble;
pub(crate) use server::{Listener, serve};
