//! Fabric's protobuf messages, as far as adapter and test node speak them.
//!
//! Names and field numbers are those of the public definitions (`hyperledger/fabric-protos`); the file and package of
//! each message are named at the head of each module. Maps are ordered, so that the same message always has the same
//! bytes. What a field is for is said there where it is not plain from its name.

#![allow(missing_docs, reason = "fields are described by the public definitions whose names they have")]

pub mod common;
pub mod configuration;
pub mod gateway;
pub mod google;
pub mod ledger;
pub mod lifecycle;
pub mod msp;
pub mod orderer;
pub mod peer;
