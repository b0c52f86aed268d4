//! `GET /auth`: who the caller is, with a token for the next requests.

use axum::{extract::State, response::Response};
use ringfence_core::{authority::Authenticated, context::Ctx};
use serde::Serialize;
use serde_json::Value;

use super::{account, answer::found, caller::SigningIn, error::Refusal, sip, user};
use crate::app::App;

/// Claims beside ours, as in samples of the original (sheet, section 3).
#[derive(Serialize)]
struct Claims {
    uuid: String,
    role: &'static str,
}

/// `GET /auth`. A key is shown again and not exchanged: a token of it would outlive it.
pub(super) async fn renew(State(app): State<App>, caller: SigningIn) -> Result<Response, Refusal> {
    match caller {
        SigningIn::User(caller) => {
            let token = token(&app, &caller.ctx, &caller.who).await?;
            let person = user::person(&app, caller.who.identity.as_ref().clone()).await?;
            let mut payload = user::render_one(&app, &caller.ctx, person).await?;
            payload["token"] = token;
            payload["account"] = account::render(&caller.account);
            Ok(found(&payload))
        }
        SigningIn::SipUser(caller) => {
            let mut payload = sip::user(&caller.user);
            payload["token"] = token(&app, &caller.ctx, &caller.who).await?;
            Ok(found(&payload))
        }
    }
}

async fn token(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<Value, Refusal> {
    if who.session.is_none() {
        return Ok(Value::Null);
    }
    let claims = Claims { uuid: who.identity.id.to_string(), role: user::role(&who.identity) };
    let issued = app.authority.issue_token(ctx, who, claims).await?;
    Ok(issued.token.expose().into())
}
