//! LIM, SEC and REC.

use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[];
