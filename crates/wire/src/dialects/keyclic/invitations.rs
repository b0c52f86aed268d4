//! `/invitations`: into the organisation that the request names, by its administrators.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use ringfence_core::{
    authority::{InvitationRequest, Invited, LinkTemplate},
    error::{AuthError, Noun},
    ids::{ApplicationId, InvitationId},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{
    body::Members,
    caller::Caller,
    error::Refusal,
    hal::{date, hal, link},
    roles::{self, ADMINISTRATOR},
};
use crate::app::App;

fn id(text: &str) -> Result<InvitationId, AuthError> {
    text.parse().map_err(|_| AuthError::NotFound(Noun::Invitation))
}

/// `POST /invitations`: an account becomes a member at once, an address without one when it gets one.
pub(super) async fn invite(State(app): State<App>, caller: Caller, mut members: Members) -> Result<Response, Refusal> {
    let email = members.required("email");
    let role = members.text("role").unwrap_or_else(|| roles::least().to_owned());
    members.check()?;
    let link =
        LinkTemplate(app.option("invitation_url").map_or_else(|| app.settings.public_url.clone(), str::to_owned));
    let wanted = InvitationRequest { email: email.clone(), role, attributes: Map::new(), link };
    let invited = app.authority.invite(&caller.ctx, &caller.who, caller.place(), ADMINISTRATOR, wanted).await?;
    let body = match invited {
        Invited::Member(place) => body(&place.id, &email, &place.role, "accepted", place.application, place.created_at),
        Invited::Pending(open) | Invited::AlreadyPending(open) => {
            body(&open.id, &open.email, &open.role, "pending", open.application, open.created_at)
        }
    };
    Ok(hal(StatusCode::CREATED, &body))
}

/// `GET /invitations/{invitation}`.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(invitation): Path<String>,
) -> Result<Response, Refusal> {
    let (open, application) = app.authority.invitation_for(&caller.who, id(&invitation)?, ADMINISTRATOR).await?;
    let body = body(&open.id, &open.email, &open.role, "pending", application.id, open.created_at);
    Ok(hal(StatusCode::OK, &body))
}

/// `DELETE /invitations/{invitation}`.
pub(super) async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Path(invitation): Path<String>,
) -> Result<Response, Refusal> {
    app.authority.withdraw_invitation(&caller.ctx, &caller.who, id(&invitation)?, ADMINISTRATOR).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn body(
    id: &dyn std::fmt::Display,
    email: &str,
    role: &str,
    state: &str,
    organization: ApplicationId,
    created_at: Timestamp,
) -> Value {
    json!({
        "type": "Invitation",
        "id": id.to_string(),
        "email": email,
        "roles": [role],
        "state": state,
        "createdAt": date(created_at),
        "_links": {
            "self": link(&format!("/invitations/{id}"), "invitation", id),
            "organization": link(&format!("/organizations/{organization}"), "organization", &organization),
        },
    })
}
