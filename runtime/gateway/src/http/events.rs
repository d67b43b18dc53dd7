//! What contracts announce, as a stream.

use adapter_spec::types::Event;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response, sse},
};
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    extract::{Parameters, PathParameters},
    openapi::{Operation, Routes},
    participants::Member,
};
use crate::{
    application::Role,
    events::{self, EventParameters, Told},
    gateway::Gateway,
    problem::Problem,
};

/// The area of what contracts announce.
pub(super) const EVENTS: &str = "Events";

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
    Routes::default()
        .route(
            Operation::get("/events", EVENTS, "events", "Events as they come, as a stream of server-sent events")
                .text(
                    "`event` has an event, and the last one of a page has an id, which is the position after it; `scanned` says up to which \
                     block everything was looked at, and has an id too; `problem` ends the stream.",
                )
                .query::<EventParameters>()
                .stream("Events, until one side ends it")
                .event::<Event>("event")
                .event::<Scanned>("scanned")
                .event::<Problem>("problem")
                .asks_adapter(),
            events,
        )
        .route(
            Operation::delete("/events/{subscription}", EVENTS, "unsubscribe", "Forget the position of a subscription")
                .done("It is forgotten")
                .problems(&[400]),
            unsubscribe,
        )
}

/// Nothing matched up to a block.
#[derive(Serialize, JsonSchema)]
struct Scanned {
    /// Its height.
    block: u64,
}

async fn events(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<EventParameters>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok());
    let (shared, application) = (&gateway.shared, &member.application);
    let told = events::subscribe(shared, application, &member.name, &parameters, last).await?;
    let meter = member.application.clone();
    let lines = told.map(move |told| {
        let data = |value: &serde_json::Value| value.to_string();
        let (kind, text, id) = match &told {
            Told::Event(event, position) => ("event", data(&json!(event)), position.clone()),
            Told::Scanned(block, position) => {
                ("scanned", data(&json!(Scanned { block: *block })), Some(position.clone()))
            }
            Told::Ended(problem) => ("problem", data(&json!(problem)), None),
        };
        meter.meter.answer(text.len());
        let line = sse::Event::default().event(kind).data(text);
        Ok::<_, std::convert::Infallible>(match id {
            Some(id) => line.id(id),
            None => line,
        })
    });
    Ok(sse::Sse::new(lines).keep_alive(sse::KeepAlive::default()).into_response())
}

#[derive(Deserialize)]
struct SubscriptionPath {
    subscription: String,
}

async fn unsubscribe(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(SubscriptionPath { subscription }): PathParameters<SubscriptionPath>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    events::unsubscribe(&gateway.shared, &member.application, &member.name, &subscription).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
