//! Changes what events are asked for, and what comes.

use adapter_spec::{
    CallError, async_trait,
    types::{Error, EventFilter, EventPage, EventStart},
};

use crate::{Honest, Mutation};

/// What a page is asked for with.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) filter: EventFilter,
    pub(crate) start: EventStart,
    pub(crate) limit: u32,
    pub(crate) max_bytes: u32,
}

impl Asked {
    /// Reads the page.
    pub(crate) async fn read(self, honest: &Honest) -> Result<EventPage, CallError> {
        honest.ledger.events(self.filter, self.start, self.limit, self.max_bytes).await
    }
}

/// A change to `events.read`.
pub(crate) struct ChangeEvents {
    /// What is asked for instead.
    pub(crate) asked: fn(Asked) -> Asked,
    /// What comes, to what was really asked.
    pub(crate) page: fn(&Asked, EventPage) -> EventPage,
    /// What is asked for after an error; otherwise the error, as changed.
    pub(crate) failed: fn(&Asked, Error) -> Result<Asked, Error>,
}

impl Default for ChangeEvents {
    fn default() -> Self {
        ChangeEvents { asked: |asked| asked, page: |_, page| page, failed: |_, error| Err(error) }
    }
}

#[async_trait]
impl Mutation for ChangeEvents {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let asked = Asked { filter, start, limit, max_bytes };
        let page = match (self.asked)(asked.clone()).read(honest).await {
            Err(CallError::Answered(error)) => match (self.failed)(&asked, error) {
                Ok(instead) => instead.read(honest).await?,
                Err(error) => return Err(CallError::Answered(error)),
            },
            page => page?,
        };
        Ok((self.page)(&asked, page))
    }
}
