//! FIN and CONF: finality, receipts, conflicts.

use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[];
