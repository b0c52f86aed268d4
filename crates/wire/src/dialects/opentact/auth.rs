//! `GET /auth`: who the caller is, with a token for the next requests.

use axum::{extract::State, response::Response};
use serde::Serialize;

use super::{account, answer::found, caller::SigningIn, error::Refusal, user};
use crate::app::App;

/// Claims beside ours, as in samples of the original (sheet, section 3).
#[derive(Serialize)]
struct Claims {
    uuid: String,
    role: &'static str,
}

/// `GET /auth`. A key is shown again and not exchanged: a token of it would outlive it.
pub(super) async fn renew(State(app): State<App>, SigningIn(caller): SigningIn) -> Result<Response, Refusal> {
    let who = &caller.who;
    let claims = Claims { uuid: who.identity.id.to_string(), role: user::role(&who.identity) };
    let token = match &who.session {
        Some(_) => Some(app.authority.issue_token(&caller.ctx, who, claims).await?.token),
        None => None,
    };
    let person = user::person(&app, who.identity.as_ref().clone()).await?;
    let mut payload = user::render_one(&app, &caller.ctx, person).await?;
    payload["token"] = token.as_ref().map(ringfence_core::secret::RawToken::expose).into();
    payload["account"] = account::render(&caller.account);
    Ok(found(&payload))
}
