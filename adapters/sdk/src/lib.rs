//! For framework vendors: implement [`FrameworkAdapter`] once, and the same source builds as a WebAssembly
//! component and as a native plug-in.
//!
//! ```
//! use adapter_sdk::{FrameworkAdapter, async_trait, types::*};
//!
//! struct Nothing;
//!
//! #[async_trait]
//! impl FrameworkAdapter for Nothing {
//!     fn describe() -> Descriptor {
//!         adapter_sdk::descriptor("nothing", "0.1.0", "nothing")
//!     }
//!     fn open(_settings: &str) -> Result<Self, Error> {
//!         Ok(Nothing)
//!     }
//! }
//!
//! adapter_sdk::export!(Nothing);
//! # fn main() {}
//! ```
//!
//! `export!(Nothing: blocks, events)` declares optional interfaces. Whatever is not implemented answers
//! `unsupported`, as the standard asks. `adapters/notebook` is a whole adapter of a small ledger; README.md beside this
//! crate leads there in ten steps.

mod framework_adapter;
#[cfg(target_arch = "wasm32")]
pub mod guest;
#[cfg(not(target_arch = "wasm32"))]
mod native;

pub use adapter_spec::{GrpcStream, Imports, Interfaces, async_trait, types};
pub use framework_adapter::{FrameworkAdapter, descriptor};
#[cfg(not(target_arch = "wasm32"))]
pub use native::NativeAdapter;

/// Exports an adapter: as a component's exports where the target is WebAssembly, as a function `native()` that gives
/// a plug-in everywhere else. Behind the adapter's name come the optional interfaces that it declares, among
/// `blocks`, `events`, `store` and `proofs`.
#[macro_export]
macro_rules! export {
    ($adapter:ident $(: $($interface:ident),+ $(,)?)?) => {
        /// This adapter as a native plug-in.
        #[cfg(not(target_arch = "wasm32"))]
        #[must_use]
        pub fn native() -> $crate::NativeAdapter<$adapter> {
            #[allow(clippy::needless_update, reason = "an adapter may declare all of them")]
            let interfaces = $crate::Interfaces { $($($interface: true,)+)? ..Default::default() };
            $crate::NativeAdapter::new(interfaces)
        }

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the component's exported functions are extern \"C\"")]
        mod component_exports {
            type Component = $crate::guest::Component<super::$adapter>;
            $crate::export_interface!(core Component);
            $($($crate::export_interface!($interface Component);)+)?
        }
    };
}

/// One interface's exported functions; see [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! export_interface {
    (core $component:ident) => {
        $crate::guest::bindings::exports::bsn::framework::core::__export_bsn_framework_core_0_1_0_cabi!(
            $component with_types_in $crate::guest::bindings::exports::bsn::framework::core);
    };
    (blocks $component:ident) => {
        $crate::guest::bindings::exports::bsn::framework::blocks::__export_bsn_framework_blocks_0_1_0_cabi!(
            $component with_types_in $crate::guest::bindings::exports::bsn::framework::blocks);
    };
    (events $component:ident) => {
        $crate::guest::bindings::exports::bsn::framework::events::__export_bsn_framework_events_0_1_0_cabi!(
            $component with_types_in $crate::guest::bindings::exports::bsn::framework::events);
    };
    (store $component:ident) => {
        $crate::guest::bindings::exports::bsn::framework::store::__export_bsn_framework_store_0_1_0_cabi!(
            $component with_types_in $crate::guest::bindings::exports::bsn::framework::store);
    };
    (proofs $component:ident) => {
        $crate::guest::bindings::exports::bsn::framework::proofs::__export_bsn_framework_proofs_0_1_0_cabi!(
            $component with_types_in $crate::guest::bindings::exports::bsn::framework::proofs);
    };
}
