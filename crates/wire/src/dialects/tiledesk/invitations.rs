//! Invitations into a project.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use ringfence_core::{
    authority::{InvitationRequest, Invited, LinkTemplate},
    ids::InvitationId,
};
use serde_json::{Map, Value};

use super::{
    NAME,
    error::{Refusal, refuse},
    fields::Fields,
    projects::{ADMIN, AGENT, id_of},
    recovery::dashboard,
    schemes::{InProject, Segment},
    wire::{Invitation, ProjectUser, USER_AVAILABLE, Waiting, WaitingAlready},
    words,
};
use crate::{app::App, extract::Circumstances};

/// `POST /{projectid}/project_users/invite`
pub(super) async fn invite(State(app): State<App>, asked: InProject, fields: Fields) -> Result<Response, Refusal> {
    // Whoever may not invite is not told what is wrong with the form.
    let permitted = app.authority.permit_in(&asked.who, asked.reference(), ADMIN).await;
    permitted.map_err(refuse(&asked.ctx, words::usual))?;
    let mut check = fields.check();
    let (email, role) = (check.email("email"), check.text("role"));
    check.done()?;
    let available = fields.get(USER_AVAILABLE).and_then(Value::as_bool).unwrap_or(true);
    let own: Map<_, _> = std::iter::once((USER_AVAILABLE.to_owned(), available.into())).collect();
    let wanted = InvitationRequest {
        email,
        role,
        attributes: std::iter::once((NAME.to_owned(), Value::Object(own))).collect(),
        link: link(&app, &asked),
    };
    let InProject { ctx, who, .. } = &asked;
    let invited = app.authority.invite(ctx, who, asked.reference(), ADMIN, wanted).await;
    Ok(match invited.map_err(refuse(ctx, words::invite))? {
        Invited::Member(membership) => Json(ProjectUser::new(&membership, asked.id)).into_response(),
        Invited::Pending(invitation) => Json(Waiting::new(Invitation::new(&invitation, asked.id))).into_response(),
        Invited::AlreadyPending(invitation) => {
            Json(WaitingAlready::new(Invitation::new(&invitation, asked.id))).into_response()
        }
    })
}

/// `<dashboard>/#/handle-invitation/<id>/<project>/<inviter's first name>/<inviter's last name>`
fn link(app: &App, asked: &InProject) -> LinkTemplate {
    let profile = &asked.who.identity.profile;
    let [first, last] = [&profile.given_name, &profile.family_name].map(|name| escaped(name.as_deref().unwrap_or("-")));
    LinkTemplate(format!("{}/#/handle-invitation/{{invitation}}/{}/{first}/{last}", dashboard(app), asked.id))
}

/// A name as a segment of a path.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        text
    })
}

fn hex_digit(half: u8) -> char {
    char::from_digit(u32::from(half), 16).unwrap_or_default().to_ascii_uppercase()
}

/// `GET /{projectid}/pendinginvitations`
pub(super) async fn list(State(app): State<App>, asked: InProject) -> Result<impl IntoResponse, Refusal> {
    let found = app.authority.invitations(&asked.who, asked.reference(), AGENT).await;
    let found = found.map_err(refuse(&asked.ctx, words::usual))?;
    Ok(Json(found.iter().map(|invitation| Invitation::new(invitation, asked.id.clone())).collect::<Vec<_>>()))
}

/// `GET /auth/pendinginvitationsnoauth/{id}`, for whoever has the link.
pub(super) async fn show(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Segment(id): Segment<String>,
) -> Result<impl IntoResponse, Refusal> {
    let id = InvitationId::from_short(&id).ok_or_else(|| Refusal::not_found("Object not found."))?;
    let invitation = app.authority.invitation(id).await.map_err(refuse(&ctx, words::usual))?;
    let project = id_of(&app.authority, invitation.application).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(Invitation::new(&invitation, project)))
}
