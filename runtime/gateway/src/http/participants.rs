//! What participants reach: whose requests come through to which application, and who its members are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    authenticate::authenticate,
    calls, events,
    extract::{Json, PathParameters},
    grants,
    openapi::{self, Operation, Routes},
    own_keys, trace, trusted_keys, webhooks,
};
use crate::{
    application::{Application, KeyMode, Role},
    gateway::Gateway,
    participants::{Caller, check_name},
    problem::Problem,
    quota::{self, Quotas},
    usage::Usage,
};

/// The area of what is about the node.
const NODE: &str = "Node";
/// The area of what is about applications and their members.
const APPLICATIONS: &str = "Applications";

/// Everything below `/v1`.
pub fn router(gateway: &Gateway) -> Router {
    let for_members =
        |routes: Router<Gateway>| routes.route_layer(middleware::from_fn_with_state(gateway.clone(), member));
    // `authenticate` bounds the body, so axum's own limit, which is lower than what a node may be set to, has nothing to do.
    let for_participants = |routes: Router<Gateway>| {
        let routes = routes.layer(DefaultBodyLimit::disable());
        routes.layer(middleware::from_fn_with_state(gateway.clone(), authenticate))
    };
    routes(for_members, for_participants)
        .into_router()
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn(trace::traced))
        .with_state(gateway.clone())
}

/// What [`router`] answers, as an OpenAPI 3.1 document. It is the same on every node.
#[must_use]
pub fn openapi_document() -> Value {
    openapi::document(routes(|routes| routes, |routes| routes).into_operations())
}

/// All routes, behind these guards.
fn routes(
    for_members: impl FnOnce(Router<Gateway>) -> Router<Gateway>,
    for_participants: impl FnOnce(Router<Gateway>) -> Router<Gateway>,
) -> Routes {
    let application = Routes::default()
        .route(
            Operation::get(
                "/",
                APPLICATIONS,
                "application",
                "An application, your roles in it, and what it used",
            )
            .answer::<ApplicationShown>("The application"),
            show,
        )
        .route(
            Operation::get("/members", APPLICATIONS, "members", "Who has which roles")
                .answer::<Members>("The members"),
            members,
        )
        .route(
            Operation::put(
                "/members/{participant}",
                APPLICATIONS,
                "setRoles",
                "Give a participant these roles, in place of others",
            )
            .body::<RolesRequest>()
            .example("reader", json!({"roles": ["read"]}))
            .answer::<Members>("The members now"),
            set_roles,
        )
        .route(
            Operation::delete(
                "/members/{participant}",
                APPLICATIONS,
                "removeMember",
                "Take all roles from a participant",
            )
            .answer::<Members>("The members now")
            .problems(&[400]),
            remove_member,
        )
        .merge(calls::routes())
        .merge(trusted_keys::routes())
        .merge(own_keys::routes())
        .merge(events::routes())
        .merge(grants::routes())
        .merge(webhooks::routes())
        .behind(for_members, Operation::of_application)
        .below("/v1/applications/{application}");
    Routes::default()
        .route(
            Operation::get(
                "/v1/applications",
                APPLICATIONS,
                "applications",
                "The applications in which you have a role",
            )
            .answer::<ApplicationList>("The applications"),
            list,
        )
        .merge(application)
        .behind(for_participants, Operation::authenticated)
        .route(
            Operation::get("/v1/openapi.json", NODE, "openapi", "This document")
                .document("An OpenAPI 3.1 document"),
            described,
        )
        .route(
            Operation::get("/healthz", NODE, "health", "Whether the process answers").line("ok"),
            || async { "ok\n" },
        )
        .route(
            Operation::get("/readyz", NODE, "readiness", "Whether the node can take calls")
                .line("ready")
                .problems(&[503]),
            ready,
        )
}

async fn described() -> impl IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi_document().to_string());
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// Whether the node can take calls: its store answers, and it is not being stopped.
async fn ready(State(gateway): State<Gateway>) -> Result<&'static str, Problem> {
    gateway.ready().await.map(|()| "ready\n")
}

async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-resource", "There is nothing here", "look at the path")
}

async fn other_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Not with this method",
        "the path is right; what reads is a GET, what writes a POST, PUT or DELETE",
    )
}

/// A member of an application, with the roles that they have there.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) name: Arc<str>,
    pub(super) roles: Arc<BTreeSet<Role>>,
    pub(super) application: Arc<Application>,
}

impl Member {
    pub(super) fn must(&self, role: Role) -> Result<(), Problem> {
        if self.roles.contains(&role) { Ok(()) } else { Err(Problem::forbidden(role.name())) }
    }
}

#[derive(Deserialize)]
struct InApplication {
    application: String,
}

/// Lets members of the application in; to everybody else it is not there. Counts what goes in and out.
async fn member(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    // Of all parameters: what is no text goes no further.
    PathParameters(InApplication { application }): PathParameters<InApplication>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = gateway.find(&application).map(|application| {
        let roles = application.roles(&caller.name);
        (application, roles)
    });
    let Some((application, roles)) = found.filter(|(_, roles)| !roles.is_empty()) else {
        return Problem::no_application().into_response();
    };
    let record = application.record();
    trace::application(&record.order.name);
    if let Some(reason) = &record.suspended {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "suspended",
            "The application is suspended",
            format!("the operator suspended it: {reason}; transactions that are under way are followed to their end"),
        )
        .into_response();
    }
    let length = |size: Option<u64>| usize::try_from(size.unwrap_or(0)).unwrap_or(usize::MAX);
    let response = match quota::let_in(&application) {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            application.meter.request(length(exact(request.body())));
            let meter = application.clone();
            request.extensions_mut().insert(Member {
                name: caller.name,
                roles: Arc::new(roles),
                application,
            });
            let response = next.run(request).await;
            meter.meter.answer(length(exact(response.body())));
            response
        }
    };
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        quota::hold().await;
    }
    response
}

/// The bytes of a body that is whole.
fn exact(body: &axum::body::Body) -> Option<u64> {
    use axum::body::HttpBody as _;
    body.size_hint().exact()
}

pub(super) fn answer(body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => Problem::trouble(format!("the answer could not be written: {error}")).into_response(),
    }
}

/// The applications in which a participant has a role.
#[derive(Serialize, JsonSchema)]
struct ApplicationList {
    /// Who asks.
    participant: String,
    applications: Vec<ApplicationListed>,
}

#[derive(Serialize, JsonSchema)]
struct ApplicationListed {
    name: String,
    /// The name of its adapter.
    adapter: String,
    /// Of whoever asks.
    roles: BTreeSet<Role>,
}

async fn list(State(gateway): State<Gateway>, Extension(caller): Extension<Caller>) -> Response {
    let mine = gateway.all().into_iter().filter_map(|application| {
        let roles = application.roles(&caller.name);
        let record = application.record();
        let (name, adapter) = (record.order.name.clone(), record.order.adapter.clone());
        (!roles.is_empty()).then_some(ApplicationListed { name, adapter, roles })
    });
    answer(&ApplicationList { participant: caller.name.to_string(), applications: mine.collect() })
}

/// An application, as its members see it.
#[derive(Serialize, JsonSchema)]
struct ApplicationShown {
    name: String,
    /// The name and random digits, so that another application of the same name, later, is another one.
    id: String,
    /// The name of its adapter.
    adapter: String,
    /// None while the adapter is not on this node.
    adapter_version: Option<String>,
    /// Who holds the keys.
    key_mode: KeyMode,
    /// The participant who has all roles.
    owner: String,
    /// Of whoever asks.
    your_roles: BTreeSet<Role>,
    quotas: Quotas,
    usage: Usage,
    /// Writes that are under way.
    under_way: usize,
}

async fn show(State(gateway): State<Gateway>, Extension(member): Extension<Member>) -> Response {
    let record = member.application.record();
    let offered = gateway.adapters().get(&record.order.adapter);
    answer(&ApplicationShown {
        name: record.order.name.clone(),
        id: record.id.clone(),
        adapter: record.order.adapter.clone(),
        adapter_version: offered.map(|offered| offered.descriptor.version.clone()),
        key_mode: record.order.key_mode,
        owner: record.order.owner.clone(),
        your_roles: member.roles.as_ref().clone(),
        quotas: record.order.quotas,
        usage: member.application.meter.usage(),
        under_way: member.application.follower.open(),
    })
}

/// Who has which roles, by name.
type Members = BTreeMap<String, BTreeSet<Role>>;

async fn members(Extension(member): Extension<Member>) -> Response {
    answer(&member.application.record().members)
}

#[derive(Deserialize)]
struct MemberPath {
    participant: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RolesRequest {
    /// At least one.
    roles: BTreeSet<Role>,
}

async fn set_roles(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(MemberPath { participant }): PathParameters<MemberPath>,
    Json(RolesRequest { roles }): Json<RolesRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Administer)?;
    if roles.is_empty() {
        return Err(Problem::invalid("roles: at least one; DELETE takes all away"));
    }
    if gateway.shared.participants.get(&participant).is_none_or(|found| found.revoked.is_some()) {
        return Err(Problem::invalid(format!("no participant {participant:.64?} is enrolled on this node")));
    }
    set(&gateway, &member, participant, roles).await
}

async fn remove_member(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(MemberPath { participant }): PathParameters<MemberPath>,
) -> Result<Response, Problem> {
    member.must(Role::Administer)?;
    check_name(&participant).map_err(|why| Problem::invalid(format!("participant: {why}")))?;
    set(&gateway, &member, participant, BTreeSet::new()).await
}

async fn set(
    gateway: &Gateway,
    member: &Member,
    participant: String,
    roles: BTreeSet<Role>,
) -> Result<Response, Problem> {
    let record = gateway.change(&member.application, |record| {
        if participant == record.order.owner {
            return Err(Problem::invalid("the owner has all roles, and keeps them"));
        }
        match roles.is_empty() {
            true => record.members.remove(&participant),
            false => record.members.insert(participant.clone(), roles.clone()),
        };
        Ok(())
    });
    Ok(answer(&record.await?.members))
}
