//! What stands before the pages: who is asking, and whether the form came from a page of ours.
//!
//! It is a layer and not a line of each handler, so that no page can forget it: a change needs the `Origin` of the
//! configured address and the synchroniser token of the session (ATTACKS N45); SameSite cookies stand behind both.

use askama::Template;
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts as _, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};
use ringfence_core::{context::Ctx, error::AuthError, secret::RawToken};
use url::form_urlencoded;

use super::{cookie, fault::Fault, pages::ALL, passkey, sign_in, visit::Room, words::Words};
use crate::{app::App, extract::Circumstances, guard::MAX_BODY, looks::Look};

/// How far somebody must have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Nowhere yet.
    Open,
    /// Past the first factor.
    Half,
    /// Past both.
    Full,
}

/// The name of the field that all forms of a session carry.
const FIELD: &str = "csrf";

/// Lets a request through to its page, and makes a page of a refusal.
pub(super) async fn pass(State((app, door)): State<(App, Door)>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(look) = Look::from_request_parts(&mut parts, &app).await;
    let Ok(Circumstances(mut ctx)) = Circumstances::from_request_parts(&mut parts, &app).await;
    ctx.dialect = "console";
    let response = match admitted(&app, door, &ctx, parts, body).await {
        Ok(request) => next.run(request).await,
        Err(Turned::Away) => Redirect::to("/console/sign-in").into_response(),
        Err(Turned::Refused(fault)) => fault.into_response(),
    };
    let mut response = match response.extensions().get::<Fault>() {
        Some(fault) => page_of(&look, fault),
        None => response,
    };
    // A form's `Origin` would be `null` under a policy that tells nobody where it is (Fetch, 3.2); our own pages may know.
    response.headers_mut().insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("same-origin"));
    response
}

/// Why a request does not reach its page.
enum Turned {
    /// To the sign-in page.
    Away,
    Refused(Fault),
}

impl<T: Into<Fault>> From<T> for Turned {
    fn from(fault: T) -> Self {
        Self::Refused(fault.into())
    }
}

async fn admitted(app: &App, door: Door, ctx: &Ctx, mut parts: Parts, body: Body) -> Result<Request, Turned> {
    let changes = parts.method != Method::GET && parts.method != Method::HEAD;
    if changes && !comes_from_us(app, &parts.headers) {
        return Err(Fault::Forged.into());
    }
    if door == Door::Open {
        return Ok(Request::from_parts(parts, body));
    }
    let found = match cookie::token(&parts.headers) {
        Some(token) => room(app, door, ctx, token).await,
        None => Err(AuthError::TokenInvalid(ringfence_core::error::TokenFault::Unknown)),
    };
    let room = match found {
        Ok(room) => room,
        // Who only looks is shown where to sign in, unless half of it is done.
        Err(AuthError::TokenInvalid(_) | AuthError::TokenExpired) if !changes => return Err(Turned::Away),
        Err(refusal) => return Err(refusal.into()),
    };
    if let (Room::Full(console, _), true) = (&room, changes && !is_own(parts.uri.path())) {
        console.require_changes()?;
    }
    let body = if changes { checked(app, room.token(), &parts, body).await? } else { body };
    parts.extensions.insert(room);
    Ok(Request::from_parts(parts, body))
}

async fn room(app: &App, door: Door, ctx: &Ctx, token: RawToken) -> Result<Room, AuthError> {
    Ok(match door {
        Door::Full => Room::Full(Box::new(app.authority.console(ctx, &token).await?), token),
        Door::Open | Door::Half => Room::Half(Box::new(app.authority.half_console(ctx, &token).await?), token),
    })
}

/// Whether a change is about nobody but whoever makes it.
fn is_own(path: &str) -> bool {
    let mut changes = ALL.iter().flat_map(|page| page.changes);
    path == sign_in::SIGN_OUT || changes.any(|change| change.is_own() && change.path() == path)
}

/// Whether a browser says that the form was on a page of ours.
fn comes_from_us(app: &App, headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    passkey::party(&app.settings.public_url).origins.iter().any(|own| own == origin)
}

/// The body, whole again, after its token was found to be the session's.
async fn checked(app: &App, token: &RawToken, parts: &Parts, body: Body) -> Result<Body, Fault> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Fault::Forged);
    }
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| Fault::Malformed)?;
    let mut fields = form_urlencoded::parse(&bytes).filter(|(name, _)| name == FIELD);
    match (fields.next(), fields.next()) {
        (Some((_, shown)), None) if app.authority.is_form_token(token, &shown) => Ok(Body::from(bytes)),
        _ => Err(Fault::Forged),
    }
}

#[derive(Template)]
#[template(path = "console/fault.html")]
struct FaultPage<'a> {
    look: &'a Look,
    words: &'static Words,
    code: &'static str,
    says: String,
    to_factor: bool,
}

fn page_of(look: &Look, fault: &Fault) -> Response {
    fault.log();
    let words = Words::of(look.language);
    let to_factor = fault.code() == "mfa_required";
    let page = FaultPage { look, words, code: fault.code(), says: fault.says(words), to_factor };
    (fault.status(), look.show(&page)).into_response()
}
