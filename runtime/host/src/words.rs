//! The standard's interfaces of types, in the form that wasmtime's `bindgen!` wants for an interface that it does not
//! generate itself: the types, and traits of the host's functions, of which there are none.

use wasmtime::component::{HasData, Linker};

/// An interface that has types only.
macro_rules! words {
    ($module:ident, $name:literal, $types:path) => {
        #[allow(missing_docs, reason = "not reachable from outside this crate")]
        pub mod $module {
            use super::{HasData, Linker};
            pub use $types::*;

            pub trait HostWithStore<T>: HasData {}
            impl<D: HasData + ?Sized, T> HostWithStore<T> for D {}
            pub trait Host {}
            impl<T> Host for T {}

            pub fn add_to_linker<T: 'static, D: HostWithStore<T>>(
                linker: &mut Linker<T>,
                _host: fn(&mut T) -> D::Data<'_>,
            ) -> wasmtime::Result<()> {
                linker.instance($name).map(|_| ())
            }
        }
    };
}

words!(types, "bsn:framework/types@0.1.0", adapter_spec::types);
words!(transport, "bsn:framework/transport@0.1.0", adapter_spec::types::transport);
