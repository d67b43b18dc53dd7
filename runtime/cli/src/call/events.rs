//! `events`: a page of them, or all that come.

use std::time::Duration;

use adapter_spec::types::{Event, EventFilter, EventPage, EventStart};

use super::session::Session;
use crate::files;
use crate::{
    arguments::Events,
    failure::Failure,
    show::{self, Sheet},
};

/// The most bytes of payload of one page.
const MAX_BYTES: u32 = 4 << 20;
/// Between two looks at a ledger that had nothing new.
const PAUSE: Duration = Duration::from_secs(1);

/// Does it.
pub(super) async fn run(session: &Session, arguments: Events) -> Result<(), Failure> {
    let filter = EventFilter {
        contract: arguments.contract,
        name: arguments.name,
        abi: files::optional_text(arguments.abi.as_ref())?,
        confidence: arguments.confidence,
    };
    if arguments.follow {
        return follow(session, &filter, arguments.from.0, arguments.limit).await;
    }
    let page = read(session, &filter, arguments.from.0, arguments.limit).await?;
    session.answer(&page, |sheet| {
        for event in &page.events {
            show::event(sheet, event);
        }
        sheet
            .field("looked at", &format!("every block up to {}; {} events", page.scanned, page.events.len()));
        sheet.field("go on with", &format!("--from {}", show::hex(&page.cursor)));
    })
}

async fn read(
    session: &Session,
    filter: &EventFilter,
    start: EventStart,
    limit: u32,
) -> Result<EventPage, Failure> {
    session.ledger.events(filter.clone(), start, limit, MAX_BYTES).await.map_err(session.failed("events"))
}

/// Shows events until the user has seen enough, and says where to go on.
async fn follow(
    session: &Session,
    filter: &EventFilter,
    start: EventStart,
    limit: u32,
) -> Result<(), Failure> {
    let mut cursor = None;
    let followed = tokio::select! {
        followed = follow_on(session, filter, start, limit, &mut cursor) => followed,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    if let Some(cursor) = cursor {
        eprintln!("berth: go on with --from {}", show::hex(&cursor));
    }
    followed
}

async fn follow_on(
    session: &Session,
    filter: &EventFilter,
    start: EventStart,
    limit: u32,
    cursor: &mut Option<Vec<u8>>,
) -> Result<(), Failure> {
    loop {
        let from = cursor.clone().map_or_else(|| start.clone(), EventStart::Cursor);
        let page = match session.ledger.events(filter.clone(), from, limit, MAX_BYTES).await {
            Ok(page) => page,
            // A node that is away for a moment is waited for, once there was a first page.
            Err(error) if cursor.is_some() && error.answered().is_some_and(|error| error.retryable) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(session.failed("events")(error)),
        };
        for event in &page.events {
            show_one(session, event)?;
        }
        let nothing_new = page.events.is_empty();
        *cursor = Some(page.cursor);
        if nothing_new {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn show_one(session: &Session, event: &Event) -> Result<(), Failure> {
    if session.common.json {
        let line = serde_json::to_string(event)
            .map_err(|error| Failure::host("the event could not be written as JSON", &error))?;
        println!("{line}");
    } else {
        let mut sheet = Sheet::default();
        show::event(&mut sheet, event);
        print!("{}", sheet.into_text());
    }
    Ok(())
}
