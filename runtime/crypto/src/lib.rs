//! runtime/crypto
