//! The store trait, with sled behind it, and the journal of envelopes.
