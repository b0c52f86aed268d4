//! Open connections of the project, on all nodes. One is ended by ending its session, for its client would only come back.

use axum::extract::State;
use ringfence_core::{authority::Connected, error::Noun, presence::PresenceFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    native::{
        caller::{Admin, SessionsWrite},
        input::{Asked, Listing, Page, id},
        problem::Problem,
    },
};

/// An open connection.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct ConnectionItem {
    /// Its id.
    id: String,
    /// Its session, by which it can be ended.
    session_id: String,
    /// Whose it is.
    identity_id: String,
    /// `member`, `guest`, `external`, `endpoint` or `service`.
    kind: Option<&'static str>,
    /// The application of its session.
    application_id: Option<String>,
    /// The face it came through.
    face: String,
    /// The node that holds it.
    node: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
}

impl ConnectionItem {
    fn of(open: Connected) -> Self {
        let Connected { presence, person } = open;
        Self {
            id: presence.connection.to_string(),
            session_id: presence.session.to_string(),
            identity_id: presence.identity.to_string(),
            kind: person.map(|person| person.identity.kind.as_str()),
            application_id: presence.application.map(|id| id.to_string()),
            face: presence.dialect,
            node: presence.node,
            since: presence.since.rfc3339(),
        }
    }
}

/// Which connections.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct Wanted {
    /// Those of this face.
    face: Option<String>,
    /// Those on this node.
    node: Option<String>,
    /// Those of this identity.
    identity: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// How many at most: 20 when absent, 100 at most.
    limit: Option<u32>,
}

/// The project's open connections.
#[utoipa::path(
    get, path = "/admin/connections", tag = "administration", params(Wanted),
    security(("bearer" = ["sessions:write"])),
    responses((status = 200, description = "A page", body = Listing<ConnectionItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<SessionsWrite>,
    Asked(asked): Asked<Wanted>,
) -> Result<axum::Json<Listing<ConnectionItem>>, Problem> {
    let Wanted { face, node, identity, after, limit } = asked;
    let name = format!("connections:{face:?}:{node:?}:{identity:?}");
    let identity = identity.map(|named| id(&named, Noun::Identity)).transpose()?;
    let filter = PresenceFilter { dialect: face, node, identity };
    let (list, page) = (admin.list(&name), Page::new(after, limit));
    let (after, limit) = (page.after(&app, &list)?, page.limit()?);
    let found = app.authority.connections(&admin.ctx, &admin.permit, filter, after, limit).await?;
    let position = |found: &Connected| found.presence.connection.to_string();
    Ok(axum::Json(page.of(&app, &list, found, position, ConnectionItem::of)?))
}
