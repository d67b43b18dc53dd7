//! DESC: describe, settings, open, and FORM.

use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[];
