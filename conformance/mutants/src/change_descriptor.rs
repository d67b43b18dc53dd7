//! Adapters that say something wrong of themselves, and are honest otherwise.

use adapter_spec::types::Descriptor;

use crate::Mutation;

struct Described(fn(&mut Descriptor));

impl Mutation for Described {
    fn describe(&self, mut honest: Descriptor) -> Descriptor {
        self.0(&mut honest);
        honest
    }
}

/// The honest adapter with another descriptor.
pub(crate) fn described(change: fn(&mut Descriptor)) -> Box<dyn Mutation> {
    Box::new(Described(change))
}
