//! adapters/componentize
