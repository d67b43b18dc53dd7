//! What a call may use, and what it did use.

use std::{
    fmt,
    time::{Duration, Instant},
};

use adapter_spec::{Ended, Limit};
use serde::Serialize;

/// How far the engine's clock ticks apart: the grain of compute time, and how long one call computes before another
/// gets its turn.
pub const TICK: Duration = Duration::from_millis(2);

/// What one call of a component, and the instance that serves it, may use. Reaching a limit ends the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the start of a call to its end, waiting included. Default 30 s.
    pub wall_time: Duration,
    /// In which the adapter computes, in steps of [`TICK`]. Default 5 s.
    pub compute_time: Duration,
    /// Bytes of linear memory of one instance. Default 64 MiB; at most [`Limits::MAX_MEMORY`].
    pub memory: usize,
    /// Elements of one table. Default 20,000.
    pub table_elements: usize,
    /// Component-model handles alive at once in one instance. Default 64.
    pub handles: usize,
    /// Calls to imports. Default 10,000.
    pub host_calls: u32,
    /// Bytes of the answers that endpoints give. Default 64 MiB.
    pub bytes_in: u64,
    /// Bytes that are sent to endpoints. Default 16 MiB.
    pub bytes_out: u64,
    /// Bytes of log lines. Default 64 KiB.
    pub log_bytes: u64,
    /// Bytes of one key and value of state. Default 64 KiB.
    pub state_value: usize,
    /// Bytes that the adapter hands over at once, as a result or as the arguments of one import. Default 32 MiB.
    pub result_bytes: usize,
    /// Instances of one application, and so calls of it that run at once; further calls wait. Default 16.
    pub instances: usize,
    /// Calls that one instance serves before a fresh one takes its place; 1 is a fresh instance for every call.
    /// Default 10,000.
    pub calls_per_instance: u32,
}

impl Limits {
    /// The most memory that an instance can be given: what a slot of the pool is made for. 256 MiB.
    pub const MAX_MEMORY: usize = 256 << 20;
    /// The most table elements that an instance can be given: what a slot of the pool is made for.
    pub const MAX_TABLE_ELEMENTS: usize = 100_000;
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            wall_time: Duration::from_secs(30),
            compute_time: Duration::from_secs(5),
            memory: 64 << 20,
            table_elements: 20_000,
            handles: 64,
            host_calls: 10_000,
            bytes_in: 64 << 20,
            bytes_out: 16 << 20,
            log_bytes: 64 << 10,
            state_value: 64 << 10,
            result_bytes: 32 << 20,
            instances: 16,
            calls_per_instance: 10_000,
        }
    }
}

/// What calls used. Bytes count what crosses between adapter and endpoints, without protocol overhead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Calls of the adapter.
    pub calls: u64,
    /// Calls that the host ended.
    pub ended: u64,
    /// Calls to imports.
    pub host_calls: u64,
    /// Bytes of answers from endpoints.
    pub bytes_in: u64,
    /// Bytes sent to endpoints.
    pub bytes_out: u64,
    /// Bytes of log lines.
    pub log_bytes: u64,
    /// From start to end of each call.
    pub wall_time: Duration,
    /// In which the adapter computed.
    pub compute_time: Duration,
}

impl Usage {
    /// Adds another usage to this one.
    pub fn add(&mut self, other: &Usage) {
        self.calls += other.calls;
        self.ended += other.ended;
        self.host_calls += other.host_calls;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.log_bytes += other.log_bytes;
        self.wall_time += other.wall_time;
        self.compute_time += other.compute_time;
    }
}

/// Ends a call because of a limit. Travels through wasmtime as the error of the trap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LimitReached {
    limit: Limit,
    allowed: String,
}

impl LimitReached {
    pub(crate) fn new(limit: Limit, allowed: impl fmt::Display, unit: &str) -> Self {
        LimitReached { limit, allowed: format!("{allowed} {unit}") }
    }

    pub(crate) fn time(limit: Limit, allowed: Duration) -> Self {
        LimitReached { limit, allowed: format!("{allowed:?}") }
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ended::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for LimitReached {}

impl From<LimitReached> for Ended {
    fn from(reached: LimitReached) -> Self {
        Ended::LimitReached { limit: reached.limit, allowed: reached.allowed }
    }
}

/// Counts one call against its limits.
#[derive(Debug)]
pub(crate) struct Meter {
    usage: Usage,
    started: Instant,
    /// Since when the adapter computes, as far as is known.
    computing_since: Instant,
}

impl Meter {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Meter { usage: Usage { calls: 1, ..Usage::default() }, started: now, computing_since: now }
    }

    /// One more call to an import.
    pub(crate) fn host_call(&mut self, limits: &Limits) -> Result<(), LimitReached> {
        self.usage.host_calls += 1;
        if self.usage.host_calls > u64::from(limits.host_calls) {
            return Err(LimitReached::new(Limit::HostCalls, limits.host_calls, "calls"));
        }
        Ok(())
    }

    /// Bytes on their way to an endpoint.
    pub(crate) fn bytes_out(&mut self, limits: &Limits, bytes: usize) -> Result<(), LimitReached> {
        self.usage.bytes_out += bytes as u64;
        if self.usage.bytes_out > limits.bytes_out {
            return Err(LimitReached::new(Limit::BytesOut, limits.bytes_out, "bytes"));
        }
        Ok(())
    }

    /// Bytes that came from an endpoint.
    pub(crate) fn bytes_in(&mut self, limits: &Limits, bytes: usize) -> Result<(), LimitReached> {
        self.usage.bytes_in += bytes as u64;
        if self.usage.bytes_in > limits.bytes_in {
            return Err(LimitReached::new(Limit::BytesIn, limits.bytes_in, "bytes"));
        }
        Ok(())
    }

    /// Bytes of a log line.
    pub(crate) fn log(&mut self, limits: &Limits, bytes: usize) -> Result<(), LimitReached> {
        self.usage.log_bytes += bytes as u64;
        if self.usage.log_bytes > limits.log_bytes {
            return Err(LimitReached::new(Limit::LogVolume, limits.log_bytes, "bytes"));
        }
        Ok(())
    }

    /// When the call's time is over.
    pub(crate) fn deadline(&self, limits: &Limits) -> Instant {
        self.started + limits.wall_time
    }

    /// The adapter stops computing, to wait for an import.
    pub(crate) fn pause(&mut self) {
        self.usage.compute_time += self.computing_since.elapsed();
    }

    /// The adapter computes again.
    pub(crate) fn go_on(&mut self) {
        self.computing_since = Instant::now();
    }

    /// It was no computing until now: the call waited for its turn.
    pub(crate) fn computes_since(&mut self, began: Instant) {
        self.computing_since = self.computing_since.max(began);
    }

    /// The engine's clock ticked while the adapter computed.
    pub(crate) fn tick(&mut self, limits: &Limits) -> Result<(), LimitReached> {
        let now = Instant::now();
        // After its turn a call waits for the next one; that is not its own time, so no tick counts more than two.
        self.usage.compute_time += now.duration_since(self.computing_since).min(2 * TICK);
        self.computing_since = now;
        if self.usage.compute_time > limits.compute_time {
            return Err(LimitReached::time(Limit::ComputeTime, limits.compute_time));
        }
        if now > self.deadline(limits) {
            return Err(LimitReached::time(Limit::WallTime, limits.wall_time));
        }
        Ok(())
    }

    /// The call has ended.
    pub(crate) fn finish(&mut self, ended: bool) -> Usage {
        let now = Instant::now();
        self.usage.compute_time += now.duration_since(self.computing_since);
        self.usage.ended = u64::from(ended);
        self.usage.wall_time = now.duration_since(self.started);
        self.usage
    }
}
