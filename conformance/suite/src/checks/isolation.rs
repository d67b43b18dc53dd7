//! ISO: isolation, and ENV and UPG.

use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[];
