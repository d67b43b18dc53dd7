//! Hyperledger Fabric for the framework-adaptation standard: channels of Fabric 2.4 and later, through a peer's
//! gateway.

pub mod proto;
