//! What belongs to one application never reaches another, and a call that is given up leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use adapter_spec::Adapter;
use berth_host::{CallObserver, CallRecord, Host, HostConfig, Limits, Reserve};
use berth_lending::ScriptedLender;
use support::{component, lender, native, options, silent, text};

#[tokio::test]
async fn an_instance_serves_one_application_only() {
    let host = Host::new(HostConfig::default()).unwrap();
    let adapter = host.load(&component("hostile"), Limits::default()).await.unwrap();
    let a = adapter.open(lender("a").lend(), "{}").await.unwrap();
    let b = adapter.open(lender("b").lend(), "{}").await.unwrap();
    let seen = async |ledger: &dyn adapter_spec::Ledger| {
        text(ledger.begin(native("seen", ""), vec![], options()).await.unwrap())
    };
    assert_eq!(seen(&*a).await, "1");
    assert_eq!(seen(&*a).await, "2", "one application's instance is used again");
    assert_eq!(seen(&*b).await, "1", "another application's memory was seen");
}

#[tokio::test]
async fn a_fresh_instance_for_every_call_remembers_nothing() {
    let host = Host::new(HostConfig::default()).unwrap();
    let limits = Limits { calls_per_instance: 1, ..Limits::default() };
    let adapter = host.load(&component("hostile"), limits).await.unwrap();
    let ledger = adapter.open(lender("a").lend(), "{}").await.unwrap();
    for _ in 0..3 {
        assert_eq!(text(ledger.begin(native("seen", ""), vec![], options()).await.unwrap()), "1");
    }
    assert_eq!(host.instances(), 0, "an instance was kept");
}

#[tokio::test]
async fn a_call_that_is_dropped_midway_frees_its_instance_and_the_next_one_is_fresh() {
    let host = Host::new(HostConfig { instances: 1, ..HostConfig::default() }).unwrap();
    let adapter = host.load(&component("hostile"), Limits::default()).await.unwrap();
    let ledger = adapter.open(silent("a").lend(), "{}").await.unwrap();
    for _ in 0..10 {
        let call = ledger.begin(native("read", "node"), vec![], options());
        let _ = tokio::time::timeout(Duration::from_millis(5), call).await.unwrap_err();
        assert_eq!(host.instances(), 0);
    }
    assert_eq!(text(ledger.begin(native("seen", ""), vec![], options()).await.unwrap()), "1");
}

#[tokio::test]
async fn an_application_takes_an_idle_instance_of_another_when_the_host_is_full() {
    let host = Host::new(HostConfig { instances: 1, ..HostConfig::default() }).unwrap();
    let adapter = host.load(&component("hostile"), Limits::default()).await.unwrap();
    for name in ["a", "b", "c"] {
        let ledger = adapter.open(lender(name).lend(), "{}").await.unwrap();
        assert_eq!(text(ledger.begin(native("seen", ""), vec![], options()).await.unwrap()), "1");
    }
}

#[tokio::test]
async fn idle_instances_are_dropped_after_a_while() {
    let host = Host::new(HostConfig { idle: Duration::from_millis(1), ..HostConfig::default() }).unwrap();
    let adapter = host.load(&component("hostile"), Limits::default()).await.unwrap();
    let ledger = adapter.open(lender("a").lend(), "{}").await.unwrap();
    ledger.begin(native("echo", ""), vec![], options()).await.unwrap();
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    while host.instances() > 0 {
        assert!(tokio::time::Instant::now() < until, "{} instances are still there", host.instances());
        tokio::task::yield_now().await;
    }
}

/// Hears of reserved instances.
#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<(String, usize)>>);

impl CallObserver for Heard {
    fn call_ended(&self, _: &CallRecord<'_>) {}

    fn reserved(&self, application: &str, instances: usize) {
        self.0.lock().unwrap().push((application.to_owned(), instances));
    }
}

#[tokio::test]
async fn an_application_whose_load_stays_high_has_instances_to_itself_until_it_falls() {
    let heard = Arc::new(Heard::default());
    let reserve = Reserve { look: Duration::from_millis(10), ..Reserve::default() };
    let config =
        HostConfig { instances: 12, reserve, observer: Some(heard.clone()), ..HostConfig::default() };
    let host = Host::new(config).unwrap();
    let adapter = host.load(&component("hostile"), Limits::default()).await.unwrap();
    let busy = adapter.open(silent("busy").lend(), "{}").await.unwrap();
    let _quiet = adapter.open(lender("quiet").lend(), "{}").await.unwrap();
    // A look between two calls' begins sees fewer, and the next ones put that right.
    let told = async |number: usize| {
        let until = tokio::time::Instant::now() + Duration::from_secs(30);
        while heard.0.lock().unwrap().last().is_none_or(|(_, last)| *last != number) {
            assert!(tokio::time::Instant::now() < until, "{:?}", heard.0.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // Calls that wait for a node that never answers.
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let ledger = busy.clone();
            tokio::spawn(async move { ledger.begin(native("read", "node"), vec![], options()).await })
        })
        .collect();
    told(3).await;
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    told(0).await;
    let heard = heard.0.lock().unwrap().clone();
    assert!(heard.iter().all(|(name, number)| name == "busy" && *number <= 3), "a quarter of all: {heard:?}");
}

#[tokio::test]
async fn a_call_that_fills_much_memory_at_once_takes_no_time_of_the_thread_that_everything_else_runs_on() {
    let host = Host::new(HostConfig { long_calls_aside: true, ..HostConfig::default() }).unwrap();
    let adapter = host.load(&component("hostile"), Limits::default()).await.unwrap();
    let (threads, heard) = std::sync::mpsc::channel();
    let threads = std::sync::Mutex::new(threads);
    let lender = ScriptedLender::new("a", move |_| {
        threads.lock().unwrap().send(std::thread::current().name().unwrap().to_owned()).unwrap();
        Some(Ok("1".into()))
    });
    let ledger = adapter.open(lender.lend(), "{}").await.unwrap();
    let here = std::thread::current().name().unwrap().to_owned();
    let thread_of = async |act: &str| {
        ledger.begin(native(act, "node"), vec![], options()).await.unwrap();
        heard.recv().unwrap()
    };
    assert_eq!(thread_of("hoard-and-read").await, "berth-aside");
    // The call after a long one is expected to be long; a short one takes that back.
    while thread_of("read").await != here {}
}
