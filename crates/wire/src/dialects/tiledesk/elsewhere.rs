//! Sign-in with Google or with a company's provider: the dashboard sends the browser here, we send it there, and it comes back to
//! the dashboard with a token.
//!
//! The original sends tokens to whatever address it is asked to (§7.14). Here they go to the configured dashboard, below its
//! `#`, where they reach no server; or to an address that is configured to the letter.

use axum::{
    extract::{Query, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use ringfence_core::{
    authority::Return,
    error::{AuthError, TokenFault},
    secret::RawToken,
};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    error::{Refusal, refuse},
    people, words,
};
use crate::{app::App, extract::Circumstances};

/// Where the browser goes after the sign-in, if it was not said.
const HOME: &str = "/#/";
/// The cookie's name where it cannot be confined to HTTPS, and where it is.
const COOKIE: &str = "ringfence_sign_in";
const SECURE_COOKIE: &str = "__Host-ringfence_sign_in";
/// As long as somebody may take.
const COOKIE_SECONDS: u32 = 600;

/// A provider: its name in configuration and in paths.
#[derive(Clone, Copy)]
struct Provider {
    name: &'static str,
    path: &'static str,
}

const GOOGLE: Provider = Provider { name: "google", path: "google" };
const OAUTH2: Provider = Provider { name: "oidc", path: "oauth2" };

/// What the dashboard says.
#[derive(Deserialize)]
pub(super) struct Wanted {
    redirect_url: Option<String>,
    forced_redirect_url: Option<String>,
    /// Ours: it was sent to our public address already, whatever host a proxy made of it.
    moved: Option<String>,
}

/// What the provider says.
#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    state: String,
    code: Option<String>,
    iss: Option<String>,
}

/// `GET /auth/google`
pub(super) async fn google(
    app: State<App>,
    ctx: Circumstances,
    headers: HeaderMap,
    wanted: Query<Wanted>,
) -> Result<Response, Refusal> {
    leave(GOOGLE, app, ctx, &headers, wanted).await
}

/// `GET /auth/google/callback`
pub(super) async fn google_callback(
    app: State<App>,
    ctx: Circumstances,
    headers: HeaderMap,
    back: Query<Back>,
) -> Result<Response, Refusal> {
    come_back(GOOGLE, app, ctx, &headers, back).await
}

/// `GET /auth/oauth2`
pub(super) async fn oauth2(
    app: State<App>,
    ctx: Circumstances,
    headers: HeaderMap,
    wanted: Query<Wanted>,
) -> Result<Response, Refusal> {
    leave(OAUTH2, app, ctx, &headers, wanted).await
}

/// `GET /auth/oauth2/callback`
pub(super) async fn oauth2_callback(
    app: State<App>,
    ctx: Circumstances,
    headers: HeaderMap,
    back: Query<Back>,
) -> Result<Response, Refusal> {
    come_back(OAUTH2, app, ctx, &headers, back).await
}

async fn leave(
    provider: Provider,
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: &HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let moved = wanted.moved.is_some();
    let target = target(&app, wanted)?;
    let own = format!("{}{}/auth/{}", app.settings.public_url, app.mount.prefix, provider.path);
    if !moved && !is_public_host(&app, headers) {
        // The browser comes back to our public address, and shows there what it was given there.
        let name = if target.starts_with(HOME) { "redirect_url" } else { "forced_redirect_url" };
        let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, &target).finish();
        return Ok(sent_to(&format!("{own}?{query}&moved=1")));
    }
    let callback = format!("{own}/callback");
    let leaving = app.authority.begin_provider_sign_in(&ctx, app.project(), provider.name, callback, target);
    let departure = leaving.await.map_err(refuse(&ctx, refused))?;
    let mut answer = sent_to(&departure.url);
    set_cookie(&app, &mut answer, departure.ticket.expose(), COOKIE_SECONDS);
    Ok(answer)
}

async fn come_back(
    provider: Provider,
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: &HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, Refusal> {
    if app.option("dashboard_url").is_none() {
        return Err(Refusal::not_enabled());
    }
    let ticket = cookie(&app, headers).ok_or_else(not_the_browser)?;
    // Without a code they said no there.
    let code = back.code.filter(|code| !code.is_empty()).ok_or_else(said_no)?;
    let back = Return { ticket, state: back.state, code: RawToken::new(code), issuer: back.iss };
    let coming = app.authority.finish_provider_sign_in(&ctx, app.project(), provider.name, back);
    let (who, target) = coming.await.map_err(refuse(&ctx, refused))?;
    let account = people::account(&app.authority, &who.identity).await.map_err(refuse(&ctx, words::usual))?;
    let issued = app.authority.issue_token(&ctx, &who, &account).await.map_err(refuse(&ctx, words::usual))?;
    let mut answer = sent_to(&with_token(&app, &target, issued.token.expose()));
    set_cookie(&app, &mut answer, "", 0);
    Ok(answer)
}

/// Where the token goes in the end: a place in the dashboard, or an address of the configured list (ATTACKS N27).
fn target(app: &App, wanted: Wanted) -> Result<String, Refusal> {
    if app.option("dashboard_url").is_none() {
        return Err(Refusal::not_enabled());
    }
    if let Some(forced) = wanted.forced_redirect_url.filter(|url| !url.is_empty()) {
        let listed = app.option("redirect_urls").unwrap_or_default().split_whitespace().any(|url| url == forced);
        return if listed { Ok(forced) } else { Err(unknown_target()) };
    }
    let place = wanted.redirect_url.filter(|place| !place.is_empty()).unwrap_or_else(|| HOME.to_owned());
    let plain = place.starts_with(HOME) && !place.contains(|c: char| c == '\\' || c.is_control() || c.is_whitespace());
    if plain { Ok(place) } else { Err(unknown_target()) }
}

/// The address that takes the token to where it goes (§3).
fn with_token(app: &App, target: &str, token: &str) -> String {
    let dashboard = app.option("dashboard_url").unwrap_or_default().trim_end_matches('/');
    let (base, name) = if target.starts_with(HOME) { (dashboard, "token") } else { ("", "jwt") };
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{base}{target}{separator}{name}=JWT%20{token}")
}

/// Whether the request came to our public address; hosts are compared and never shown.
fn is_public_host(app: &App, headers: &HeaderMap) -> bool {
    let public = app.settings.public_url.split_once("://").map_or("", |(_, authority)| authority);
    headers.get(header::HOST).is_some_and(|host| host.as_bytes().eq_ignore_ascii_case(public.as_bytes()))
}

/// A GET elsewhere, whatever this was (ATTACKS N42); kept nowhere and told to nobody.
fn sent_to(url: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(url) else { return unknown_target().into_response() };
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn cookie_name(app: &App) -> &'static str {
    if app.settings.public_url.starts_with("https://") { SECURE_COOKIE } else { COOKIE }
}

/// Sent back by the very browser only, and on the way back from elsewhere too.
fn set_cookie(app: &App, answer: &mut Response, value: &str, seconds: u32) {
    let name = cookie_name(app);
    let secure = if name == SECURE_COOKIE { "; Secure" } else { "" };
    let text = format!("{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&text) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn cookie(app: &App, headers: &HeaderMap) -> Option<RawToken> {
    let name = cookie_name(app);
    let sent = headers.get_all(header::COOKIE).into_iter().filter_map(|header| header.to_str().ok());
    let mut pairs = sent.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, value)| *own == name && !value.is_empty()).map(|(_, value)| RawToken::new(value))
}

fn refused(error: &AuthError) -> Option<Refusal> {
    match error {
        AuthError::NotSupported(_) => Some(Refusal::not_enabled()),
        AuthError::VerificationInvalid => Some(not_the_browser()),
        AuthError::TokenInvalid(TokenFault::Issuer) => Some(Refusal::msg(StatusCode::BAD_REQUEST, "mixup")),
        AuthError::Conflict(_) => {
            Some(Refusal::msg(StatusCode::CONFLICT, "Email already registered. Sign in as you did before."))
        }
        _ => None,
    }
}

fn not_the_browser() -> Refusal {
    Refusal::msg(StatusCode::BAD_REQUEST, "This sign-in was not begun here, or too long ago. Begin anew.")
}

fn said_no() -> Refusal {
    Refusal::msg(StatusCode::UNAUTHORIZED, "Authentication failed.")
}

fn unknown_target() -> Refusal {
    Refusal::msg(StatusCode::BAD_REQUEST, "This address to return to is not known here.")
}
