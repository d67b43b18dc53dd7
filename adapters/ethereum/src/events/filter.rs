//! Which logs are wanted, and what they mean.

use adapter_sdk::types::{Error, EventFilter};
use alloy_json_abi::Event;

use crate::{
    abi,
    rpc::{Log, LogFilter},
};

/// A filter in Ethereum's terms.
pub(super) struct Filter {
    logs: LogFilter,
    /// The named event, or all of the description's.
    known: Vec<Event>,
}

impl Filter {
    /// The filter, with the types that it names.
    pub(super) fn new(filter: &EventFilter) -> Result<Self, Error> {
        let given = filter.contract.as_deref().filter(|contract| !contract.is_empty());
        let address = given.map(|contract| abi::address(contract, "the contract")).transpose()?;
        let (topics, known) = match (filter.name.as_deref().filter(|name| !name.is_empty()), &filter.abi) {
            (Some(name), abi) => {
                let event = abi::event(name, abi.as_deref())?;
                (vec![event.selector()], vec![event])
            }
            (None, Some(abi)) => (Vec::new(), abi::events(abi)?),
            (None, None) => (Vec::new(), Vec::new()),
        };
        Ok(Filter { logs: LogFilter { address, topics }, known })
    }

    /// As the node takes it.
    pub(super) fn logs(&self) -> &LogFilter {
        &self.logs
    }

    /// Whether the node gave what was asked for.
    pub(super) fn matches(&self, log: &Log) -> bool {
        self.logs.address.is_none_or(|address| address == log.address)
            && log.topics.starts_with(&self.logs.topics)
    }

    /// The event's name and, where it decodes, its parameters.
    pub(super) fn decoded(&self, log: &Log) -> Option<(String, Option<String>)> {
        let first = log.topics.first()?;
        let fitting = self.known.iter().filter(|event| !event.anonymous && event.selector() == *first);
        let mut name = None;
        for event in fitting {
            if let Some(json) = abi::event_json(event, &log.topics, &log.data) {
                return Some((event.name.clone(), Some(json)));
            }
            name = Some((event.name.clone(), None));
        }
        name
    }
}
