//! What went wrong, for the person in front of the terminal.

use std::fmt;

/// A sentence that says what failed and what to do.
#[derive(Debug)]
pub struct Failure(String);

/// What a part of a task gives, or why it does not.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// The failure that this text describes.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Turns other errors into a [`Failure`].
pub trait OrFail<T> {
    /// Says in front of the cause what could not be done.
    fn or_fail(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    fn or_fail(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|cause| Failure(format!("{what}: {cause}")))
    }
}
