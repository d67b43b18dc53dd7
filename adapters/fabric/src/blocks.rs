//! Blocks and the channel's height, by qscc.

use adapter_sdk::{
    Imports,
    types::{
        Block as Answer, BlockEntry, BlockRef, BlockSelector, Error, ErrorCode, HashAlgorithm,
        HeaderPreimage, LedgerStatus,
    },
};
use prost::Message as _;

use crate::{
    block::Block,
    channel::Channel,
    errors::corrupt,
    peers::{Client, Peers, QSCC},
    proto::{common::BlockchainInfo, configuration::Config},
    settings::Settings,
};

/// How far the channel is.
pub(crate) struct Height {
    /// The newest block.
    pub(crate) head: BlockRef,
    /// The first block that the peer has.
    pub(crate) first: u64,
}

/// Reads the answer of `GetChainInfo`.
pub(crate) fn height(answer: &[u8]) -> Result<Height, Error> {
    let info = BlockchainInfo::decode(answer)
        .map_err(|error| corrupt(format!("the channel's height does not decode: {error}")))?;
    let number = info.height.checked_sub(1).ok_or_else(|| corrupt("a channel without a block"))?;
    if info.current_block_hash.len() != 32 {
        return Err(corrupt("the newest block's hash does not have 32 bytes"));
    }
    let first =
        info.bootstrapping_snapshot_info.map_or(0, |info| info.last_block_in_snapshot.saturating_add(1));
    Ok(Height { head: BlockRef { number, hash: info.current_block_hash }, first })
}

/// Where the channel stands.
pub(crate) async fn status(settings: &Settings, host: &dyn Imports) -> Result<LedgerStatus, Error> {
    let (peers, client) = (Peers::lent(host)?, Client::lent(settings, host).await?);
    let answer = client.query(&peers, QSCC, client.of_channel("GetChainInfo", &[])).await?;
    let head = height(&answer)?.head;
    // A peer does not tell whether it lags behind, nor how many others it knows.
    Ok(LedgerStatus { finalized: head.clone(), head, synced: true, peers: 0 })
}

/// The block that is asked for, its hashes made anew and its orderers' signatures verified.
pub(crate) async fn get(
    settings: &Settings,
    host: &dyn Imports,
    selector: &BlockSelector,
) -> Result<Answer, Error> {
    let (peers, client) = (Peers::lent(host)?, Client::lent(settings, host).await?);
    let info = client.of_channel("GetChainInfo", &[]);
    let block = match selector {
        BlockSelector::At(_) => {
            let head = height(&client.query(&peers, QSCC, info).await?)?.head;
            let block = by_number(&client, &peers, head.number).await?;
            if block.reference != head {
                return Err(corrupt("the newest block is not the one that the peer names"));
            }
            block
        }
        BlockSelector::Number(number) => {
            let asked = client.of_channel("GetBlockByNumber", &[number.to_string().as_bytes()]);
            let mut answers = client.queries(&peers, QSCC, vec![info, asked]).await?.into_iter();
            let height = height(&answers.next().unwrap_or_else(|| Err(corrupt("no answer")))?)?;
            let answer = answers.next().unwrap_or_else(|| Err(corrupt("no answer")));
            within(&height, *number)?;
            numbered(host, &answer?, *number)?
        }
        BlockSelector::Hash(hash) => {
            if hash.len() != 32 {
                return Err(Error::new(ErrorCode::NotFound, "a block's hash has 32 bytes"));
            }
            let answer = client.query(&peers, QSCC, client.of_channel("GetBlockByHash", &[hash])).await;
            let answer =
                answer.map_err(|error| if is_unspeakable(&error) { no_such_block() } else { error })?;
            let block = Block::decode(host, &answer)?;
            if block.reference.hash != *hash {
                return Err(corrupt("the block does not hash to what was asked for"));
            }
            block
        }
    };
    let block = block.with_codes()?;
    let mut known = Configurations::default();
    known.check(&client, &peers, &block).await?;
    Ok(answer(&block))
}

/// Fails where the peer cannot have the block.
pub(crate) fn within(height: &Height, number: u64) -> Result<(), Error> {
    if number < height.first {
        let message = format!("the peer has no block before {}: it began with a snapshot", height.first);
        return Err(Error::new(ErrorCode::Pruned, message));
    }
    if number > height.head.number {
        let message = format!("the newest block is {}", height.head.number);
        return Err(Error::retryable(ErrorCode::OutOfRange, message));
    }
    Ok(())
}

/// Whether a peer failed at saying that it has no block of a hash: it quotes the hash as it is, and what is not UTF-8 cannot be in
/// its answer (qscc of Fabric 2.5 and 3.1).
fn is_unspeakable(error: &Error) -> bool {
    error.native.as_ref().is_some_and(|native| native.contains("string field contains invalid UTF-8"))
}

fn no_such_block() -> Error {
    Error::new(ErrorCode::NotFound, "the channel has no block of this hash")
}

fn numbered(host: &dyn Imports, answer: &[u8], number: u64) -> Result<Block, Error> {
    let block = Block::decode(host, answer)?;
    if block.header.number == number {
        return Ok(block);
    }
    Err(corrupt(format!("block {} came, and {number} was asked for", block.header.number)))
}

/// A block by its number.
pub(crate) async fn by_number(client: &Client<'_>, peers: &Peers<'_>, number: u64) -> Result<Block, Error> {
    let asked = client.of_channel("GetBlockByNumber", &[number.to_string().as_bytes()]);
    numbered(client.host, &client.query(peers, QSCC, asked).await?, number)
}

/// The configuration that was read last.
#[derive(Default)]
pub(crate) struct Configurations {
    last: Option<(u64, Channel)>,
}

impl Configurations {
    /// The configuration that a block stands under, as its orderers name it.
    pub(crate) async fn of(
        &mut self,
        client: &Client<'_>,
        peers: &Peers<'_>,
        block: &Block,
    ) -> Result<&Channel, Error> {
        let number = match block.header.number {
            0 => 0,
            _ => block.configuration().ok_or_else(|| corrupt("a block that names no configuration"))?,
        };
        if number > block.header.number {
            return Err(corrupt("a block that names a later configuration"));
        }
        if self.last.as_ref().is_none_or(|(of, _)| *of != number) {
            let channel = if number == block.header.number {
                configuration(block)
            } else {
                match by_number(client, peers, number).await {
                    Ok(block) => configuration(&block),
                    // A peer that began with a snapshot knows the configuration and not its block.
                    Err(error) if matches!(error.code, ErrorCode::NotFound | ErrorCode::Unavailable) => {
                        Some(current(client, peers).await?)
                    }
                    Err(error) => return Err(error),
                }
            };
            let channel = channel
                .ok_or_else(|| corrupt(format!("block {number} is not the channel's configuration")))?;
            self.last = Some((number, channel));
        }
        match &self.last {
            Some((_, channel)) => Ok(channel),
            None => Err(corrupt("no configuration")),
        }
    }

    /// Fails unless a quorum of the channel's orderers signed the block. The first block has no signatures: it is what the
    /// channel begins with.
    pub(crate) async fn check(
        &mut self,
        client: &Client<'_>,
        peers: &Peers<'_>,
        block: &Block,
    ) -> Result<(), Error> {
        let channel = self.of(client, peers, block).await?;
        if block.header.number == 0 { Ok(()) } else { block.is_ordered(client.host, channel) }
    }
}

/// The channel's configuration as the peer knows it now, from the configuration system chaincode (`core/scc/cscc`).
async fn current(client: &Client<'_>, peers: &Peers<'_>) -> Result<Channel, Error> {
    let answer = client.query(peers, "cscc", client.of_channel("GetChannelConfig", &[])).await?;
    Config::decode(answer.as_slice())
        .ok()
        .and_then(|config| Channel::of_config(client.channel().into(), config))
        .ok_or_else(|| corrupt("the channel's configuration does not decode"))
}

/// The configuration that a block is.
pub(crate) fn configuration(block: &Block) -> Option<Channel> {
    match block.data.as_slice() {
        [envelope] => Channel::of_envelope(envelope),
        _ => None,
    }
}

fn answer(block: &Block) -> Answer {
    let transactions = block.entries.iter().enumerate().map(|(place, entry)| BlockEntry {
        transaction: entry.id.clone(),
        failed: Some(!block.is_valid(place)),
    });
    Answer {
        reference: block.reference.clone(),
        parent: block.header.previous_hash.clone(),
        timestamp_millis: block.millis(),
        header: Some(HeaderPreimage {
            bytes: block.header_der.clone(),
            hash: HashAlgorithm::Sha256,
            number_prefix: false,
        }),
        transactions: transactions.collect(),
        extensions: Vec::new(),
    }
}
