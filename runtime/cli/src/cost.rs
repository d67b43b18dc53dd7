//! What calls cost: counted by the host, shown as a table.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use adapter_spec::Function;
use berth_host::{CallObserver, CallRecord, Usage};

use crate::show;

/// Counts what every call used.
#[derive(Default)]
pub struct Ledger {
    lines: Mutex<Vec<(Function, Usage)>>,
}

impl CallObserver for Ledger {
    fn call_ended(&self, record: &CallRecord<'_>) {
        self.lock().push((record.function, *record.usage));
    }
}

impl Ledger {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Function, Usage)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was used since the last time this was asked, all calls together.
    #[must_use]
    pub fn take(&self) -> Usage {
        let mut sum = Usage::default();
        for (_, usage) in self.lock().drain(..) {
            sum.add(&usage);
        }
        sum
    }

    /// A table with one line for each function that was called, and their sum.
    #[must_use]
    pub fn table(&self) -> String {
        let mut by_function: Vec<(&str, Usage)> = Vec::new();
        for (function, usage) in self.lock().iter() {
            let name = function.name().trim_start_matches("core.");
            match by_function.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => sum.add(usage),
                None => by_function.push((name, *usage)),
            }
        }
        table("function", by_function.iter().map(|(name, usage)| (*name, usage)))
    }
}

/// A table of usages under names, with their sum where there are several. Times are those of the calls, waiting for
/// endpoints included, and of the adapter alone.
pub fn table<'a>(what: &str, lines: impl Iterator<Item = (&'a str, &'a Usage)>) -> String {
    let mut text = format!(
        "{what:<22} calls host calls bytes out  bytes in     time  adapter
"
    );
    let mut sum = Usage::default();
    let mut count = 0;
    for (name, usage) in lines {
        line(&mut text, name, usage);
        sum.add(usage);
        count += 1;
    }
    if count > 1 {
        line(&mut text, "together", &sum);
    }
    text
}

fn line(text: &mut String, name: &str, usage: &Usage) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{name:<22} {:>5} {:>10} {:>9} {:>9} {:>8} {:>8}",
        usage.calls,
        usage.host_calls,
        show::grouped(usage.bytes_out),
        show::grouped(usage.bytes_in),
        time(usage.wall_time),
        time(usage.compute_time),
    );
}

/// A time with the unit that fits it.
#[must_use]
pub fn time(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..100_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        100_000..1_000_000 => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_eighty_columns_and_ends_with_the_sum() {
        let usage = Usage {
            calls: 12,
            host_calls: 345,
            bytes_in: 1_234_567,
            bytes_out: 7_654_321,
            wall_time: Duration::from_millis(12_345),
            compute_time: Duration::from_micros(999),
            ..Usage::default()
        };
        let table = table("function", [("ledger.contract-abi", &usage), ("b", &usage)].into_iter());
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        let last = table.lines().next_back().unwrap();
        assert!(last.starts_with("together") && last.contains("690") && last.contains("2,469,134"), "{last}");
    }
}
