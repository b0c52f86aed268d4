//! The native API, `/api/v1`: for those who start now, and for servers that want to ask.
//!
//! | file | what |
//! | --- | --- |
//! | `guard`, `browser`, `once` | what holds for each request: addresses, pages of browsers, `Idempotency-Key` |
//! | `body`, `caller`, `input` | requests: strict JSON, who asks, names and places in lists |
//! | `answers`, `problem`, `codes` | answers, refusals and the page of each code |
//! | `sign_in`, `assertion`, `refresh` | the ways in, and staying in |
//! | `me`, `account`, `verifications`, `upgrade`, `sessions` | one's own account and sessions |
//! | `turn` | credentials of media relays |
//! | `ask`, `events` | what other servers ask, and what they are told |
//! | `socket/` | the open connection; described in `docs/socket.md` |
//! | `admin` | what an API key may do in its project |
//! | `resource` | routes, each with what it says of itself |
//! | `describe`, `reference` | the OpenAPI description and its page |
//!
//! The handlers describe themselves: `docs/openapi.json` is made from them, and served.

use axum::{Router, middleware};
use ringfence_core::{
    authority::{AudienceClaim, IssuerClaim, SessionClaim, SubjectClaim, TokenShape},
    error::{AuthError, Noun},
    issuer::AssertionProfile,
    jose::Alg,
    key::KeySet,
};

use self::{
    problem::Problem,
    resource::{Resources, routes},
};
use crate::app::App;

mod account;
mod admin;
mod answers;
mod ask;
mod assertion;
mod body;
mod browser;
mod caller;
mod codes;
mod describe;
mod events;
mod guard;
mod input;
mod me;
mod once;
mod problem;
mod reference;
mod refresh;
mod resource;
mod sessions;
mod sign_in;
mod socket;
mod turn;
mod upgrade;
mod verifications;

pub use codes::{CODES, Code};
pub use describe::description;
#[cfg(feature = "fuzzing")]
pub(crate) use socket::fuzzing;

/// Its name, as in mounts and sessions.
pub(crate) const NAME: &str = "native";

/// Access tokens of the native API (RFC 9068).
pub(crate) static TOKENS: TokenShape = TokenShape {
    dialect: NAME,
    typ: "at+jwt",
    alg: Alg::EdDSA,
    also: &[Alg::ES256],
    set: KeySet::Published,
    issuer: IssuerClaim::Project,
    audience: AudienceClaim::Application,
    subject: SubjectClaim::Identity,
    session: SessionClaim::Sid,
    refreshes: true,
    at_most: None,
    home: None,
};

/// The profile of assertions that the native API takes.
pub(crate) static ASSERTIONS: &AssertionProfile = &assertion::PROFILE;

/// Everything below `/api/v1`, the pages of codes, and what verifiers of tokens look for.
pub(crate) fn routes(app: &App) -> Router<App> {
    let routes = resources::<Router<App>>()
        .merge(reference::routes())
        .method_not_allowed_fallback(async || Problem::Method)
        .fallback(async || Problem::from(AuthError::NotFound(Noun::Endpoint)))
        .layer(middleware::from_fn_with_state(app.clone(), once::once))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .layer(middleware::from_fn(browser::answer));
    Router::new().nest("/api/v1", routes).merge(codes::routes()).merge(ask::well_known()).merge(socket::routes())
}

/// The resources.
fn resources<R: Resources>() -> R {
    R::default()
        .routes(routes!(sign_in::sign_up))
        .routes(routes!(sign_in::password))
        .routes(routes!(sign_in::guest))
        .routes(routes!(sign_in::federated))
        .routes(routes!(assertion::sign_in))
        .routes(routes!(refresh::refresh))
        .routes(routes!(refresh::sign_out))
        .routes(routes!(me::show, me::change, account::erase))
        .routes(routes!(account::change_password))
        .routes(routes!(account::change_email))
        .routes(routes!(account::resend))
        .routes(routes!(account::identifiers))
        .routes(routes!(verifications::request_reset))
        .routes(routes!(verifications::reset))
        .routes(routes!(verifications::confirm_email))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(upgrade::upgrade))
        .routes(routes!(upgrade::merge))
        .routes(routes!(turn::create))
        .routes(routes!(ask::introspect))
        .routes(routes!(ask::revoke))
        .routes(routes!(events::stream))
        .merge(admin::resources())
}
