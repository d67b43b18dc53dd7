//! The adapter as a native plug-in against a real node: Anvil, named by the environment variable `BERTH_ANVIL`.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod on_anvil;
mod support;

/// How the adapter runs in this test program.
const AS_COMPONENT: bool = false;
