//! adapters/ethereum
