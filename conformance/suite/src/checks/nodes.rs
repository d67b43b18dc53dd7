//! NODE: node misbehaviour, and NET.

use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[];
