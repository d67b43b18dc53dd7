//! Numbers for Prometheus (its text format, version 0.0.4).

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    gateway::Gateway,
    usage::Usage,
    webhooks::{self, WebhookStanding},
};

/// A count that the gateway shows and somebody else keeps.
#[derive(Clone, Debug)]
pub struct Counter {
    /// Its name, as Prometheus has it.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// How many.
    pub count: Arc<AtomicU64>,
}

impl Gateway {
    /// Shows these counts among the numbers; the first that are given stay.
    pub fn show_counters(&self, counters: Vec<Counter>) {
        let _ = self.shared.counters.set(counters);
    }

    /// All numbers, as Prometheus reads them.
    #[must_use]
    pub fn metrics(&self) -> String {
        let applications = self.all();
        let mut text = String::new();
        let mut number = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let one = |value: usize| vec![(String::new(), value as u64)];
        number("berth_applications", "gauge", "Applications of this node", &one(applications.len()));
        number("berth_participants", "gauge", "Participants ever enrolled", &one(self.participants().len()));
        number("berth_adapters", "gauge", "Adapters that are in", &one(self.adapters().names().len()));
        let trouble = usize::from(self.shared.store.trouble().is_some());
        number("berth_store_trouble", "gauge", "Whether the store refused its last write", &one(trouble));
        for counter in self.shared.counters.get().into_iter().flatten() {
            let count = vec![(String::new(), counter.count.load(Ordering::Relaxed))];
            number(counter.name, "counter", counter.help, &count);
        }
        let used: Vec<_> = applications
            .iter()
            .map(|application| {
                // Names have nothing that would have to be escaped.
                let labels = format!("{{application=\"{}\"}}", application.record().order.name);
                let now = (application.follower.open() as u64, application.meter.reserved() as u64);
                (labels, application.meter.usage(), now)
            })
            .collect();
        let under_way: Vec<_> = used.iter().map(|(labels, _, (open, _))| (labels.clone(), *open)).collect();
        let reserved: Vec<_> = used.iter().map(|(labels, _, (_, own))| (labels.clone(), *own)).collect();
        number("berth_transactions_under_way", "gauge", "Writes that are not settled", &under_way);
        let help = "Instances that the application has to itself";
        number("berth_reserved_instances", "gauge", help, &reserved);
        let webhooks: Vec<_> = applications
            .iter()
            .zip(&used)
            .map(|(application, (labels, ..))| (labels, webhooks::standing(application)))
            .collect();
        let mut of_webhooks = |name: &str, kind: &str, help: &str, of: fn(&[WebhookStanding]) -> u64| {
            let some = webhooks.iter().filter(|(_, all)| !all.is_empty());
            let values: Vec<_> = some.map(|(labels, all)| ((*labels).clone(), of(all))).collect();
            number(name, kind, help, &values);
        };
        of_webhooks("berth_webhooks", "gauge", "Webhooks", |all| all.len() as u64);
        let failing = |all: &[WebhookStanding]| {
            all.iter().filter(|webhook| webhook.last_failure.is_some()).count() as u64
        };
        of_webhooks("berth_webhooks_failing", "gauge", "Webhooks whose last try failed", failing);
        let help = "Requests of webhooks that are there now, which receivers took";
        of_webhooks("berth_webhook_deliveries", "gauge", help, |all| {
            all.iter().map(|webhook| webhook.deliveries).sum()
        });
        let mut counter = |name: &str, help: &str, of: fn(&Usage) -> u64| {
            let values: Vec<_> = used.iter().map(|(labels, usage, _)| (labels.clone(), of(usage))).collect();
            number(name, "counter", help, &values);
        };
        counter("berth_requests_total", "Requests that were let in", |usage| usage.requests);
        counter("berth_transactions_total", "Writes that were accepted", |usage| usage.transactions);
        counter("berth_request_bytes_total", "Bytes of requests' bodies", |usage| usage.bytes_in);
        counter("berth_answer_bytes_total", "Bytes of answers' bodies", |usage| usage.bytes_out);
        counter("berth_adapter_calls_total", "Calls of adapters' instances", |usage| usage.adapter_calls);
        counter("berth_instance_microseconds_total", "Time of adapters' instances", |usage| {
            usage.instance_micros
        });
        counter("berth_reserved_instance_microseconds_total", "Time of reserved instances", |usage| {
            usage.reserved_micros
        });
        counter("berth_node_bytes_in_total", "Bytes from the ledgers' nodes", |usage| usage.node_bytes_in);
        counter("berth_node_bytes_out_total", "Bytes to the ledgers' nodes", |usage| usage.node_bytes_out);
        text
    }
}
