//! Subscriptions to events (`bcos-rpc/event`): what one client wants to be told of, and how far it has been told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::hashes::address_text;
use crate::{
    encoding::data,
    fisco::{Block, FiscoNode},
};

/// The most subscriptions of a client.
const MAX_SUBSCRIPTIONS: usize = 1000;
/// The most bytes of a request, and so of a subscription.
const MAX_REQUEST: usize = 64 << 10;
/// The most blocks that are looked through for one subscription before others have a turn.
const BLOCKS_AT_A_TIME: u64 = 100;
/// Logs have four topics at most; what is wanted of further ones is not looked at.
const MAX_TOPICS: usize = 4;

/// What became of a request, or of a subscription (`bcos-rpc/event/Common.h`).
mod status {
    pub const SUCCESS: i64 = 0;
    pub const COMPLETED: i64 = 1;
    pub const INVALID_PARAMETERS: i64 = -41000;
    pub const INVALID_REQUEST: i64 = -41001;
    pub const NO_GROUP: i64 = -41002;
}

#[derive(Deserialize)]
struct Request {
    id: String,
    group: String,
    params: Wanted,
}

#[derive(Deserialize)]
struct Ended {
    id: String,
}

/// Which events: those of these contracts, or of all, whose topics are, place by place, among these, or any.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    /// Not above zero: from the newest block on.
    #[serde(default)]
    from_block: i64,
    /// Below zero: without end.
    #[serde(default = "without_end")]
    to_block: i64,
    #[serde(default)]
    addresses: BTreeSet<String>,
    #[serde(default)]
    topics: Vec<Option<OneOrMore>>,
}

fn without_end() -> i64 {
    -1
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

struct Subscription {
    group: String,
    /// The next block to look through.
    next: u64,
    /// The last one.
    last: Option<u64>,
    /// As the node writes them: 40 digits. Like the node, this does not lower those of a request.
    addresses: BTreeSet<String>,
    /// 64 small digits each; an empty set is content with anything.
    topics: Vec<BTreeSet<String>>,
}

/// The subscriptions of one client.
#[derive(Default)]
pub(super) struct Subscriptions {
    by_id: BTreeMap<String, Subscription>,
    behind: bool,
}

impl Subscriptions {
    /// Takes a request, and gives the answer.
    pub fn subscribe(&mut self, node: &FiscoNode, request: &[u8]) -> Value {
        if request.len() > MAX_REQUEST || self.by_id.len() >= MAX_SUBSCRIPTIONS {
            return answer("", status::INVALID_REQUEST);
        }
        let Ok(Request { id, group, params }) = serde_json::from_slice(request) else {
            return answer("", status::INVALID_PARAMETERS);
        };
        let Some(height) = node.group(&group).map(|group| group.height()) else {
            return answer(&id, status::NO_GROUP);
        };
        let answer = answer(&id, status::SUCCESS);
        // Of two with one name the first stays, and the node does not say so.
        self.by_id.entry(id).or_insert_with(|| params.subscription(group, height));
        self.behind = true;
        answer
    }

    /// Takes the request to end a subscription, and gives the answer.
    pub fn unsubscribe(&mut self, request: &[u8]) -> Value {
        match serde_json::from_slice(request) {
            Ok(Ended { id }) => {
                self.by_id.remove(&id);
                answer(&id, status::SUCCESS)
            }
            Err(_) => answer("", status::INVALID_PARAMETERS),
        }
    }

    /// Whether there are blocks to look through.
    pub fn behind(&self) -> bool {
        self.behind
    }

    /// Tells that there may be.
    pub fn look_again(&mut self) {
        self.behind = !self.by_id.is_empty();
    }

    /// What the client is to be told: some blocks of each subscription further on.
    pub fn advance(&mut self, node: &FiscoNode) -> Vec<Value> {
        let mut news = Vec::new();
        let mut behind = false;
        self.by_id.retain(|id, subscription| {
            behind |= subscription.advance(node, id, &mut news);
            let over = subscription.last.is_some_and(|last| subscription.next > last);
            if over {
                news.push(answer(id, status::COMPLETED));
            }
            !over
        });
        self.behind = behind;
        news
    }
}

impl Wanted {
    fn subscription(self, group: String, height: u64) -> Subscription {
        let bare =
            |text: &str| text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text).to_owned();
        let topics = self.topics.into_iter().take(MAX_TOPICS).map(|topics| match topics {
            None => BTreeSet::new(),
            Some(OneOrMore::One(topic)) => BTreeSet::from([bare(&topic).to_ascii_lowercase()]),
            Some(OneOrMore::More(topics)) => {
                topics.iter().map(|topic| bare(topic).to_ascii_lowercase()).collect()
            }
        });
        Subscription {
            group,
            next: u64::try_from(self.from_block).ok().filter(|from| *from > 0).unwrap_or(height),
            last: u64::try_from(self.to_block).ok(),
            addresses: self.addresses.iter().map(|address| bare(address)).collect(),
            topics: topics.collect(),
        }
    }
}

impl Subscription {
    /// Looks through some blocks, and says whether there are more that can be looked through now.
    fn advance(&mut self, node: &FiscoNode, id: &str, news: &mut Vec<Value>) -> bool {
        let Some(group) = node.group(&self.group) else { return false };
        let newest = group.height().min(self.last.unwrap_or(u64::MAX));
        let until = newest.min(self.next.saturating_add(BLOCKS_AT_A_TIME));
        while self.next <= until {
            // The node waits for a block that it has not, even for one that it has not any more.
            let Some(block) = group.block(self.next) else { return false };
            let events = self.events(block);
            if !events.is_empty() {
                news.push(json!({"id": id, "status": status::SUCCESS, "result": events}));
            }
            self.next = self.next.saturating_add(1);
        }
        self.next <= newest
    }

    /// The events of a block that are wanted.
    fn events(&self, block: &Block) -> Vec<Value> {
        let mut events = Vec::new();
        for (index, (transaction, receipt)) in block.transactions.iter().zip(&block.receipts).enumerate() {
            for (place, log) in receipt.logs.iter().enumerate() {
                if self.wants(log) {
                    events.push(json!({
                        "blockNumber": block.header.number,
                        "address": address_text(Some(log.address)),
                        "data": data(&log.data.data),
                        "logIndex": place,
                        "transactionHash": data(transaction.hash),
                        "transactionIndex": index,
                        "topics": log.topics().iter().map(data).collect::<Vec<_>>(),
                    }));
                }
            }
        }
        events
    }

    fn wants(&self, log: &alloy_primitives::Log) -> bool {
        let of_contract =
            self.addresses.is_empty() || self.addresses.contains(&address_text(Some(log.address)));
        let among = |(place, wanted): (usize, &BTreeSet<String>)| {
            wanted.is_empty()
                || log.topics().get(place).is_some_and(|topic| wanted.contains(&hex::encode(topic)))
        };
        of_contract && self.topics.iter().enumerate().all(among)
    }
}

fn answer(id: &str, status: i64) -> Value {
    json!({"id": id, "status": status})
}
