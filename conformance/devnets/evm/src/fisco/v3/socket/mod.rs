//! What a client of 3.x and the node say to each other over a websocket, at the port that speaks HTTP too: a handshake, JSON-RPC as
//! over HTTP, news of blocks, and events. The official SDKs know no other way. Without TLS, as with `disableSsl` there; AMOP,
//! which carries messages between clients, is missing.

mod events;
mod message;

use std::{collections::BTreeMap, future, pin::Pin, time::Duration};

use futures_util::{
    SinkExt as _, Stream, StreamExt as _,
    stream::{self, SelectAll},
};
use hyper_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Bytes},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use self::events::Subscriptions;
pub use self::message::{BrokenOff, Message, kind};
use super::rpc::group_info;
use crate::{fisco::FiscoNode, rpc::answer_text};

/// The versions of the protocol that the node speaks (`bcos-framework/protocol/GlobalConfig.h`).
const VERSIONS: (u64, u64) = (0, 2);
/// The most requests of a client that are under way, and the most bytes of theirs before the last one; further ones are not read
/// before others are answered.
const MAX_UNDER_WAY: usize = 4096;
const MAX_BYTES_UNDER_WAY: usize = 64 << 20;
/// A client that has not been heard for so long is asked whether it is there.
const QUIET: Duration = Duration::from_secs(5);
/// A client that has not been heard, or takes nothing, for so long is left.
const GONE: Duration = Duration::from_secs(10);

/// The client is gone, or is left.
struct Over;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handshake {
    #[serde(default)]
    min_version: u64,
    #[serde(default)]
    max_version: u64,
}

/// Speaks with one client until it leaves, says what cannot be read, or is not heard any more.
pub async fn speak<S>(node: FiscoNode, socket: WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut changes = changes(&node);
    let heights = node.group_ids().filter_map(|id| Some((id.to_owned(), node.group(id)?.height()))).collect();
    let mut clock = tokio::time::interval(QUIET);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut conversation = Conversation {
        node,
        socket,
        heights,
        subscriptions: Subscriptions::default(),
        under_way: JoinSet::new(),
        bytes_under_way: 0,
        heard: Instant::now(),
    };
    while conversation.step(&mut changes, &mut clock).await.is_ok() {}
}

/// The names of groups in which something happened.
type Changes = SelectAll<Pin<Box<dyn Stream<Item = String> + Send>>>;

fn changes(node: &FiscoNode) -> Changes {
    let one = |id: &str| {
        let state: (String, watch::Receiver<u64>) = (id.to_owned(), node.group(id)?.sealed());
        let changes = stream::unfold(state, |(id, mut sealed)| async {
            sealed.changed().await.ok()?;
            Some((id.clone(), (id, sealed)))
        });
        Some(Box::pin(changes) as Pin<Box<dyn Stream<Item = String> + Send>>)
    };
    stream::select_all(node.group_ids().filter_map(one))
}

struct Conversation<S> {
    node: FiscoNode,
    socket: WebSocketStream<S>,
    /// The newest block of each group that the client knows of.
    heights: BTreeMap<String, u64>,
    subscriptions: Subscriptions,
    /// Each with its request's length.
    under_way: JoinSet<(usize, Message)>,
    bytes_under_way: usize,
    heard: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    /// Does what is to be done next.
    async fn step(&mut self, changes: &mut Changes, clock: &mut tokio::time::Interval) -> Result<(), Over> {
        let full = self.under_way.len() >= MAX_UNDER_WAY || self.bytes_under_way >= MAX_BYTES_UNDER_WAY;
        tokio::select! {
            received = self.socket.next(), if !full => match received {
                Some(Ok(received)) => self.receive(received).await,
                Some(Err(_)) | None => Err(Over),
            },
            Some(Ok((length, answer))) = self.under_way.join_next() => {
                self.bytes_under_way = self.bytes_under_way.saturating_sub(length);
                self.send(&answer).await
            }
            Some(group) = changes.next() => self.tell_blocks(&group).await,
            () = future::ready(()), if self.subscriptions.behind() => self.tell_events().await,
            _ = clock.tick() => self.look_after(full).await,
        }
    }

    async fn send(&mut self, message: &Message) -> Result<(), Over> {
        self.put(tungstenite::Message::Binary(message.encode().into())).await
    }

    async fn put(&mut self, message: tungstenite::Message) -> Result<(), Over> {
        match tokio::time::timeout(GONE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over),
        }
    }

    async fn receive(&mut self, received: tungstenite::Message) -> Result<(), Over> {
        self.heard = Instant::now();
        match received {
            // The node does not tell them apart.
            tungstenite::Message::Binary(_) | tungstenite::Message::Text(_) => {
                let message = Message::decode(&received.into_data()).map_err(|BrokenOff| Over)?;
                self.handle(message).await
            }
            tungstenite::Message::Close(_) => Err(Over),
            // A ping has been answered where it was read.
            tungstenite::Message::Ping(_)
            | tungstenite::Message::Pong(_)
            | tungstenite::Message::Frame(_) => Ok(()),
        }
    }

    async fn handle(&mut self, message: Message) -> Result<(), Over> {
        match message.kind {
            kind::HANDSHAKE => {
                // What is no handshake is not answered.
                let Ok(asked) = serde_json::from_slice(&message.payload) else { return Ok(()) };
                let answer = handshake(&self.node, &asked).ok_or(Over)?;
                self.send(&message.answered(answer.to_string())).await
            }
            kind::RPC => {
                let node = self.node.clone();
                let length = message.payload.len();
                self.bytes_under_way = self.bytes_under_way.saturating_add(length);
                // A transaction is answered when it is in a block; others are heard meanwhile.
                self.under_way.spawn(async move {
                    let text = answer_text(&node, &message.payload).await;
                    (length, Message { kind: kind::RPC_ANSWER, status: 0, ..message }.answered(text))
                });
                Ok(())
            }
            kind::SUBSCRIBE => {
                let answer = self.subscriptions.subscribe(&self.node, &message.payload);
                self.send(&message.answered(answer.to_string())).await
            }
            kind::UNSUBSCRIBE => {
                let answer = self.subscriptions.unsubscribe(&message.payload);
                self.send(&message.answered(answer.to_string())).await
            }
            // AMOP, for one: the node only notes in its log what it does not know.
            _ => Ok(()),
        }
    }

    /// Tells of each block that the client does not know of.
    async fn tell_blocks(&mut self, id: &str) -> Result<(), Over> {
        let height = self.node.group(id).map(|group| group.height()).unwrap_or_default();
        let known = self.heights.insert(id.to_owned(), height).unwrap_or_default();
        for number in known.saturating_add(1)..=height {
            let news = json!({"group": id, "nodeName": "node0", "blockNumber": number});
            self.send(&Message::news(kind::BLOCK, news.to_string())).await?;
        }
        self.subscriptions.look_again();
        Ok(())
    }

    async fn tell_events(&mut self) -> Result<(), Over> {
        for news in self.subscriptions.advance(&self.node) {
            self.send(&Message::news(kind::EVENTS, news.to_string())).await?;
        }
        Ok(())
    }

    async fn look_after(&mut self, full: bool) -> Result<(), Over> {
        if full {
            // It is not listened to.
            self.heard = Instant::now();
        }
        match self.heard.elapsed() {
            quiet if quiet >= GONE => Err(Over),
            quiet if quiet >= QUIET => self.put(tungstenite::Message::Ping(Bytes::new())).await,
            _ => Ok(()),
        }
    }
}

/// The answer to a handshake; none where there is no version that both speak.
fn handshake(node: &FiscoNode, asked: &Handshake) -> Option<Value> {
    let (least, most) = VERSIONS;
    if asked.min_version > most || asked.max_version < least {
        return None;
    }
    let groups = || node.group_ids().filter_map(|id| node.group(id));
    Some(json!({
        "groupInfoList": groups().map(|group| group_info(&group)).collect::<Vec<_>>(),
        "groupBlockNumber": groups().map(|group| json!({group.id.as_str(): group.height()})).collect::<Vec<_>>(),
        "protocolVersion": asked.max_version.min(most),
    }))
}
