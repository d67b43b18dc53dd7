//! CALL: calls, arguments, reading, plans.

use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[];
