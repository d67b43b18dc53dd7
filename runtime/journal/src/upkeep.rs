//! What a start and an operator need of the journal: what is open, and room for what is new.

use crate::{
    entry::{Entry, State},
    error::JournalError,
    journal::{ENTRIES, Journal, OPEN, unmark},
    key::{EntryKey, application_prefix},
    store::{MAX_PAGE_ENTRIES, Store as _, StoreError},
};

/// Some entries that are not settled, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenEntries {
    /// In the order of their keys' bytes.
    pub entries: Vec<Entry>,
    /// The key to go on from; none at the end.
    pub next: Option<EntryKey>,
}

impl Journal {
    /// Some of an application's entries that are not settled, from a key on; `limit` is at most [`MAX_PAGE_ENTRIES`]. An
    /// entry in [`State::Begun`] waits for its caller to begin again, any other for its receipt, or to be sent again.
    ///
    /// # Errors
    /// [`JournalError`]: [`JournalError::Damaged`] and [`JournalError::Version`] of the first entry that has one.
    pub async fn unsettled(
        &self,
        application: &str,
        from: Option<&EntryKey>,
        limit: usize,
    ) -> Result<OpenEntries, JournalError> {
        let prefix = application_prefix(OPEN, application);
        let from = from.map(|key| key.place(OPEN)).unwrap_or_default();
        let page = self.store.scan(&prefix, &from, limit.clamp(1, MAX_PAGE_ENTRIES)).await?;
        let key = |place: &[u8]| {
            EntryKey::from_place(OPEN, place)
                .ok_or(StoreError::Damaged { what: "a key of the journal does not decode" })
        };
        let (mut entries, mut left_over) = (Vec::new(), Vec::new());
        for (place, mark) in page.entries {
            let key = key(&place)?;
            match self.read(&key).await? {
                Some((entry, _)) if !matches!(entry.state, State::Settled(_)) => entries.push(entry),
                // A crash took the end of it, or it is about to be taken away.
                Some(_) | None => left_over.push((place, mark)),
            }
        }
        if !entries.is_empty() || !left_over.is_empty() {
            // Before marks go: an open entry without its mark would be forgotten.
            self.flush().await?;
        }
        for (place, mark) in left_over {
            // What began meanwhile has another mark.
            self.store.compare_and_set(&place, Some(&mark), None).await?;
        }
        Ok(OpenEntries { entries, next: page.next.as_deref().map(key).transpose()? })
    }

    /// Forgets entries, of all applications, that were settled longer ago than [`Journal::binding`], and entries without
    /// envelope that were begun longer ago than that. Their keys are free again afterwards. What may still take effect is
    /// never forgotten. Gives how many were.
    ///
    /// # Errors
    /// [`JournalError`]; damaged entries and those of later versions are kept.
    pub async fn prune(&self) -> Result<u64, JournalError> {
        let age = u64::try_from(self.binding().as_millis()).unwrap_or(u64::MAX);
        let now = self.now_millis();
        let (mut from, mut removed) = (Vec::new(), 0_u64);
        loop {
            let page = self.store.scan(ENTRIES.as_bytes(), &from, MAX_PAGE_ENTRIES).await?;
            for (place, bytes) in &page.entries {
                let Some(key) = EntryKey::from_place(ENTRIES, place) else { continue };
                let Ok(entry) = Entry::decode(&key, bytes) else { continue };
                let since = match &entry.state {
                    State::Begun => entry.begun_millis,
                    State::Settled(settled) => settled.settled_millis,
                    State::Signed(_) | State::Sent(_) => continue,
                };
                if now.saturating_sub(since) <= age {
                    continue;
                }
                if self.store.compare_and_set(place, Some(bytes), None).await? {
                    unmark(self.store.as_ref(), &entry).await?;
                    removed += 1;
                }
            }
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        self.flush().await?;
        Ok(removed)
    }
}
