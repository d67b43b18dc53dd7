//! Shows an adapter at work on a local node.
fn main() {}
