//! What an application used.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an application used, in numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Requests that were let in.
    pub requests: u64,
    /// Writes that were accepted, each key once.
    pub transactions: u64,
    /// Bytes of requests' bodies.
    pub bytes_in: u64,
    /// Bytes of answers' bodies.
    pub bytes_out: u64,
    /// Bytes of the payloads of accepted writes.
    pub stored_bytes: u64,
    /// Calls of the adapter's instances.
    pub adapter_calls: u64,
    /// Microseconds that the adapter's instances were occupied.
    pub instance_micros: u64,
    /// Microseconds of those that they computed.
    pub compute_micros: u64,
    /// Bytes that came from the ledger's nodes.
    pub node_bytes_in: u64,
    /// Bytes that went to the ledger's nodes.
    pub node_bytes_out: u64,
    /// Microseconds for which instances were reserved for it, each counted by itself.
    #[serde(default)]
    pub reserved_micros: u64,
}

impl Usage {
    /// Whether no number is below the other's.
    #[must_use]
    pub fn is_at_least(&self, other: &Usage) -> bool {
        let numbers = |usage: &Usage| {
            [
                usage.requests,
                usage.transactions,
                usage.bytes_in,
                usage.bytes_out,
                usage.stored_bytes,
                usage.adapter_calls,
                usage.instance_micros,
                usage.compute_micros,
                usage.node_bytes_in,
                usage.node_bytes_out,
                usage.reserved_micros,
            ]
        };
        numbers(self).iter().zip(numbers(other)).all(|(own, other)| *own >= other)
    }
}

/// What one call of an adapter's instance used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdapterCall {
    /// From start to end.
    pub wall_time: Duration,
    /// In which it computed.
    pub compute_time: Duration,
    /// Bytes that came from the ledger's nodes.
    pub bytes_in: u64,
    /// Bytes that went to the ledger's nodes.
    pub bytes_out: u64,
}

/// Counts; every number by itself is exact.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    transactions: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    stored_bytes: AtomicU64,
    adapter_calls: AtomicU64,
    instance_micros: AtomicU64,
    compute_micros: AtomicU64,
    node_bytes_in: AtomicU64,
    node_bytes_out: AtomicU64,
    reserved_micros: AtomicU64,
    reserved: Mutex<Reserved>,
}

/// Instances that are reserved, counted until some moment.
#[derive(Debug)]
struct Reserved {
    instances: usize,
    since: Instant,
}

impl Default for Reserved {
    fn default() -> Self {
        Reserved { instances: 0, since: Instant::now() }
    }
}

fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Meter {
    pub(crate) fn starting_at(usage: &Usage) -> Self {
        let counter = AtomicU64::new;
        Meter {
            requests: counter(usage.requests),
            transactions: counter(usage.transactions),
            bytes_in: counter(usage.bytes_in),
            bytes_out: counter(usage.bytes_out),
            stored_bytes: counter(usage.stored_bytes),
            adapter_calls: counter(usage.adapter_calls),
            instance_micros: counter(usage.instance_micros),
            compute_micros: counter(usage.compute_micros),
            node_bytes_in: counter(usage.node_bytes_in),
            node_bytes_out: counter(usage.node_bytes_out),
            reserved_micros: counter(usage.reserved_micros),
            reserved: Mutex::default(),
        }
    }

    pub(crate) fn request(&self, bytes: usize) {
        add(&self.requests, 1);
        add(&self.bytes_in, bytes as u64);
    }

    pub(crate) fn answer(&self, bytes: usize) {
        add(&self.bytes_out, bytes as u64);
    }

    pub(crate) fn transaction(&self, payload: u64) {
        add(&self.transactions, 1);
        add(&self.stored_bytes, payload);
    }

    pub(crate) fn adapter_call(&self, call: &AdapterCall) {
        add(&self.adapter_calls, 1);
        add(&self.instance_micros, micros(call.wall_time));
        add(&self.compute_micros, micros(call.compute_time));
        add(&self.node_bytes_in, call.bytes_in);
        add(&self.node_bytes_out, call.bytes_out);
    }

    /// So many instances are reserved from now on.
    pub(crate) fn reserve(&self, instances: usize) {
        self.count_reserved(|reserved| reserved.instances = instances);
    }

    /// How many instances are reserved now.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner).instances
    }

    fn count_reserved(&self, then: impl FnOnce(&mut Reserved)) {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let instances = u64::try_from(reserved.instances).unwrap_or(u64::MAX);
        let now = Instant::now();
        add(&self.reserved_micros, micros(now - reserved.since).saturating_mul(instances));
        reserved.since = now;
        then(&mut reserved);
    }

    pub(crate) fn usage(&self) -> Usage {
        self.count_reserved(|_| ());
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Usage {
            requests: read(&self.requests),
            transactions: read(&self.transactions),
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
            stored_bytes: read(&self.stored_bytes),
            adapter_calls: read(&self.adapter_calls),
            instance_micros: read(&self.instance_micros),
            compute_micros: read(&self.compute_micros),
            node_bytes_in: read(&self.node_bytes_in),
            node_bytes_out: read(&self.node_bytes_out),
            reserved_micros: read(&self.reserved_micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_instances_are_counted_for_as_long_as_they_are_reserved() {
        let meter = Meter::default();
        assert_eq!(meter.usage().reserved_micros, 0);
        let start = Instant::now();
        meter.reserve(3);
        let reserved = Instant::now();
        while reserved.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let counted = meter.usage().reserved_micros;
        let most = 3 * micros(start.elapsed());
        assert!((3 * 1_900..=most).contains(&counted), "{counted} of {most}");
        meter.reserve(0);
        let given_back = meter.usage();
        assert_eq!(meter.usage(), given_back);
        assert_eq!((meter.reserved(), given_back.is_at_least(&Usage::default())), (0, true));
        let old = r#"{"requests":1,"transactions":0,"bytes_in":0,"bytes_out":0,"stored_bytes":0,"adapter_calls":0,"instance_micros":0,"compute_micros":0,"node_bytes_in":0,"node_bytes_out":0}"#;
        assert_eq!(serde_json::from_str::<Usage>(old).unwrap().reserved_micros, 0, "records from before");
    }
}
