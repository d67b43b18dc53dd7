//! The native plug-ins that are linked into this program: the only list of their names.

use std::{path::PathBuf, sync::Arc};

use adapter_spec::Adapter;

use crate::failure::Failure;

/// A name and how the plug-in is made. The name is the one in its descriptor.
type Native = (&'static str, fn() -> Arc<dyn Adapter>);

const NATIVES: &[Native] = &[("ethereum", || Arc::new(adapter_ethereum::native()))];

/// The plug-in of this name.
///
/// # Errors
/// When none has it; the failure lists those that there are.
pub(crate) fn named(name: &str) -> Result<Arc<dyn Adapter>, Failure> {
    let found = NATIVES.iter().find(|(known, _)| *known == name);
    let made = found.map(|(_, make)| make());
    made.ok_or_else(|| {
        let names: Vec<_> = NATIVES.iter().map(|(known, _)| *known).collect();
        Failure::usage(format!("no native plug-in {name:.60?} is linked into this program"))
            .next(format!("There are: {}.", names.join(", ")))
    })
}

/// This program's own file, which is what certificates of native plug-ins are about.
///
/// # Errors
/// When the system does not know it.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::host("this program does not know where it lies", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_plug_in_is_listed_under_its_own_name_and_others_are_told_the_list() {
        for (name, make) in NATIVES {
            assert_eq!(make().describe().await.unwrap().name, *name);
        }
        let failure = named("nothing").err().unwrap();
        assert!(failure.why.contains("nothing"), "{}", failure.why);
    }
}
