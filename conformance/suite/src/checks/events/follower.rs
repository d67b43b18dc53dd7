//! Somebody who follows events, page by page.

use std::collections::BTreeSet;

use adapter_spec::types::{BlockRef, Confidence, Event, EventFilter, EventPage, EventStart, Value};

use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Trial, Written},
};

/// The most pages that are read in a row: far more than a test bed's chain takes.
const MOST_PAGES: usize = 2000;

/// The probe's own event.
pub(in crate::checks) fn filter(trial: &Trial, confidence: Confidence) -> EventFilter {
    let probe = &trial.facts.testbed.probe;
    let (contract, name) = (Some(trial.contracts.probe.clone()), probe.event.clone());
    EventFilter { contract, name, abi: probe.abi.clone(), confidence }
}

/// Reads on from cursor to cursor.
#[derive(Clone, Debug)]
pub(in crate::checks) struct Follower {
    pub(in crate::checks) filter: EventFilter,
    pub(in crate::checks) start: EventStart,
    pub(in crate::checks) limit: u32,
    pub(in crate::checks) max_bytes: u32,
    /// All that came, in order.
    pub(in crate::checks) came: Vec<Event>,
    /// Of the last page.
    pub(in crate::checks) scanned: Option<u64>,
}

impl Follower {
    pub(in crate::checks) fn new(filter: EventFilter, start: EventStart) -> Self {
        Follower { filter, start, limit: 100, max_bytes: 1 << 20, came: Vec::new(), scanned: None }
    }

    pub(in crate::checks) fn from_block(filter: EventFilter, number: u64) -> Self {
        Follower::new(filter, EventStart::Block(number))
    }

    pub(in crate::checks) fn limit(self, limit: u32) -> Self {
        Follower { limit, ..self }
    }

    /// Reads one page, and stands behind it.
    pub(in crate::checks) async fn page(&mut self, application: &Application) -> Result<EventPage, Stop> {
        let start = self.start.clone();
        let page = application.events(self.filter.clone(), start, self.limit, self.max_bytes).await;
        let page = page.expected("a page of events")?;
        self.start = EventStart::Cursor(page.cursor.clone());
        self.scanned = Some(page.scanned);
        self.came.extend(page.events.iter().cloned());
        Ok(page)
    }

    /// Reads until an empty page looks at nothing new.
    pub(in crate::checks) async fn read_to_the_end(&mut self, application: &Application) -> Checked {
        for _ in 0..MOST_PAGES {
            let before = self.scanned;
            let page = self.page(application).await?;
            if page.events.is_empty() && before.is_some_and(|before| page.scanned <= before) {
                return Ok(());
            }
        }
        fail("an end of what exists", format!("{MOST_PAGES} pages without one"))
    }

    /// The events that came and were not retracted after, in the order of their coming.
    pub(in crate::checks) fn standing(&self) -> Vec<Event> {
        let mut standing: Vec<Event> = Vec::new();
        for event in &self.came {
            standing.retain(|other| other.id != event.id);
            if !event.retracted {
                standing.push(event.clone());
            }
        }
        standing
    }
}

/// The events of a transaction.
pub(super) fn of<'a>(events: &'a [Event], transaction: &str) -> Vec<&'a Event> {
    events.iter().filter(|event| event.transaction == transaction).collect()
}

/// The block that the transaction is in.
pub(super) fn block_of(written: &Written) -> Result<BlockRef, Stop> {
    match &written.receipt.block {
        Some(block) => Ok(block.clone()),
        None => fail("the receipt of a transaction in a block names it", "it names none"),
    }
}

/// The numbers of the newest block and of the newest final one.
pub(super) async fn heights(application: &Application) -> Result<(u64, u64), Stop> {
    let status = application.status().await.expected("where the ledger stands")?;
    Ok((status.head.number, status.finalized.number))
}

/// How many different events of the transaction there are.
pub(super) fn count(events: &[Event], transaction: &str) -> usize {
    let ids: BTreeSet<_> = of(events, transaction).iter().map(|event| event.id.as_str()).collect();
    ids.len()
}

/// A fault unless there are so many different events of the transaction.
pub(super) fn came(events: &[Event], transaction: &str, expected: usize, what: &str) -> Checked {
    let count = count(events, transaction);
    ensure(count == expected, format!("{what}: {expected} events of the transaction"), || {
        format!("{count} of them, among {} events", events.len())
    })
}

/// Transactions with events, made one after the other.
pub(super) struct Made {
    pub(super) application: Application,
    pub(super) actor: Actor,
    /// Each with how many events it has.
    pub(super) written: Vec<(Written, usize)>,
}

impl Made {
    /// The block of the first transaction.
    pub(super) fn start(&self) -> Result<u64, Stop> {
        let first = self.written.first().map(|(written, _)| written);
        Ok(block_of(first.ok_or_else(|| Stop::Harness("nothing was written".into()))?)?.number)
    }

    /// The id of the transaction with this number.
    pub(super) fn id(&self, number: usize) -> &str {
        self.written.get(number).map_or("", |(written, _)| written.envelope.transaction.as_str())
    }
}

/// Makes one transaction for each number: with so many events, one or two.
pub(super) async fn make(trial: &mut Trial, events: &[usize]) -> Result<Made, Stop> {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let mut written = Vec::new();
    for count in events {
        let number = Value::Integer((1 + trial.below(1000)).to_string());
        let function = if *count == 2 { "add-twice" } else { "add" };
        let (call, options) = (trial.invoke(function, vec![number])?, trial.options());
        written.push((application.write_well(call, &actor, options).await?, *count));
    }
    Ok(Made { application, actor, written })
}
