//! What an application used.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
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

    pub(crate) fn usage(&self) -> Usage {
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
        }
    }
}
