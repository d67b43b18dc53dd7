//! A model ledger in memory, and an honest adapter of it: what mutants are made from.
