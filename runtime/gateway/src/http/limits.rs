//! How much of a listener its peers may take: connections, and time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a listener puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait in the system's queue.
    pub connections: usize,
    /// Connections at once from one address (IPv6: from one network of 64 bits); more are closed as they come.
    pub connections_per_address: usize,
    /// For the handshake of TLS, for a request's headers, and for the first request of a connection.
    pub headers: Duration,
    /// For a request's body; each 64 KiB of it that come give a second more.
    pub body: Duration,
    /// For how long a connection may do nothing while nobody works for it: it asks nothing, or does not take its answers.
    pub idle: Duration,
}

impl Default for Limits {
    /// 8,192 connections, 1,024 from one address; 10 seconds for headers, 30 for a body, 2 minutes of doing nothing.
    fn default() -> Self {
        Limits {
            connections: 8_192,
            connections_per_address: 1_024,
            headers: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(120),
        }
    }
}

/// The places for connections of one listener.
#[derive(Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    per_address: usize,
}

/// The place of one connection, until it ends.
pub(super) struct Place {
    _one: OwnedSemaphorePermit,
    /// Whose it is; none of a socket of this machine.
    address: Option<IpAddr>,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Places {
    pub(super) fn new(limits: &Limits) -> Self {
        let connections = limits.connections.clamp(1, Semaphore::MAX_PERMITS);
        Places {
            all: Arc::new(Semaphore::new(connections)),
            by_address: Arc::default(),
            per_address: limits.connections_per_address.max(1),
        }
    }

    /// Waits for a place. None where there will be no more.
    pub(super) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.all.clone().acquire_owned().await.ok()
    }

    /// Gives the place to a connection from this address; none where the address has enough.
    pub(super) fn take(&self, one: OwnedSemaphorePermit, address: Option<IpAddr>) -> Option<Place> {
        let address = address.map(whose);
        if let Some(address) = address {
            let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = by_address.entry(address).or_default();
            if *taken >= self.per_address {
                return None;
            }
            *taken += 1;
        }
        Some(Place { _one: one, address, by_address: self.by_address.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = by_address.get_mut(&address) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// What counts as one address: whoever has one of IPv6 has a whole network of them.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_gets_its_places_back_and_takes_none_of_others() {
        let places = Places::new(&Limits { connections_per_address: 1, ..Limits::default() });
        let take = async |address: &str| {
            let one = places.free().await.unwrap();
            places.take(one, Some(address.parse().unwrap()))
        };
        let first = take("10.0.0.1").await.unwrap();
        assert!(take("10.0.0.1").await.is_none());
        assert!(take("::ffff:10.0.0.1").await.is_none());
        let _other = take("10.0.0.2").await.unwrap();
        drop(first);
        let _again = take("10.0.0.1").await.unwrap();
        let _network = take("2001:db8::1").await.unwrap();
        assert!(take("2001:db8::ffff:2").await.is_none());
        assert!(take("2001:db8:0:1::1").await.is_some());
    }

    #[test]
    fn places_that_are_free_again_are_not_remembered() {
        let places = Places::new(&Limits::default());
        for last in 0..100 {
            let one = places.all.clone().try_acquire_owned().unwrap();
            drop(places.take(one, Some([10, 0, 0, last].into())).unwrap());
        }
        assert!(places.by_address.lock().unwrap().is_empty());
    }
}
