//! Routes that only say whether somebody got through.

use axum::{
    extract::State,
    response::{Html, IntoResponse},
};

use super::{
    error::{Refusal, refuse},
    projects::AGENT,
    schemes::{InProject, SignedIn},
    words,
};
use crate::app::App;

/// JSON under the name of HTML, as ever.
const SUCCESS: Html<&str> = Html(r#"{"success":true}"#);

/// `GET /testauth` and `/testauth/noentitycheck`
pub(super) async fn signed_in(_: SignedIn) -> impl IntoResponse {
    SUCCESS
}

/// `GET /{projectid}/authtestWithRoleCheck` and `…/bot`
pub(super) async fn agent(State(app): State<App>, asked: InProject) -> Result<impl IntoResponse, Refusal> {
    let permitted = app.authority.permit_in(&asked.who, asked.reference(), AGENT).await;
    permitted.map_err(refuse(&asked.ctx, words::usual))?;
    Ok(SUCCESS)
}
