//! How a key comes by its salt.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::{
    error::JournalError,
    key::{EntryKey, Salt},
    sources::Sources,
    store::{Store, StoreError},
};

/// Where a store keeps what its salts come of.
const SECRET: &[u8] = b"journal/salts";

/// Makes salts: HMAC-SHA-256, under a random secret that the store keeps, of the key and the time.
///
/// A key whose binding a crash took has the same salt when it is begun again, so that whatever an adapter kept under that salt is
/// found again. A key that was pruned is begun later than [`Journal::binding`](crate::Journal::binding) after it was first, and has another salt then: of the time only the
/// number of such spans since 1970 is in it.
#[derive(Default)]
pub(crate) struct Salts(OnceCell<Zeroizing<[u8; 32]>>);

impl Salts {
    pub(crate) async fn of(
        &self,
        key: &EntryKey,
        (now_millis, binding): (u64, Duration),
        (store, sources): (&dyn Store, &dyn Sources),
    ) -> Result<Salt, JournalError> {
        let secret = self.0.get_or_try_init(|| secret(store, sources)).await?;
        let span = u64::try_from(binding.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_slice())
            .map_err(|_| StoreError::Damaged { what: "the secret of the salts is no key" })?;
        mac.update(&span.to_be_bytes());
        mac.update(&(now_millis / span).to_be_bytes());
        mac.update(&key.place(""));
        Ok(Salt::from_bytes(mac.finalize().into_bytes().into()))
    }
}

/// The store's secret, which is made and flushed where there is none.
async fn secret(store: &dyn Store, sources: &dyn Sources) -> Result<Zeroizing<[u8; 32]>, JournalError> {
    loop {
        if let Some(bytes) = store.get(SECRET).await?.map(Zeroizing::new) {
            // Whoever made it may not have come so far.
            store.flush().await?;
            let bytes: [u8; 32] = bytes
                .as_slice()
                .try_into()
                .map_err(|_| StoreError::Damaged { what: "the secret of the salts has not 32 bytes" })?;
            return Ok(Zeroizing::new(bytes));
        }
        let new = sources.secret()?;
        store.compare_and_set(SECRET, None, Some(new.as_slice())).await?;
    }
}
