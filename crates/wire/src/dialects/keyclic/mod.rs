//! Keyclic: accounts and profiles of people who report what they see in their city, for two generations of its libraries and
//! the beginnings of a third.
//!
//! An account belongs to the project of the mount; an application key (`X-Keyclic-App`) names one of its applications, and a
//! token that was got with one key works with the others. [`ENDPOINTS`] lists what is spoken and who may call it;
//! `docs/dialects/keyclic.md` says for each which use case answers it and what differs from the original.
//!
//! | file | what |
//! | --- | --- |
//! | `body`, `caller`, `cors` | requests as its clients really send them |
//! | `hal`, `error`, `messages` | answers, refusals and their words in three languages |
//! | `person`, `roles`, `tokens` | what only this dialect keeps and says of people |
//! | `security`, `auth`, `people`, `memberships`, `applications`, `invitations` | the handlers |

use axum::{
    Router, middleware,
    routing::{get, post},
};
use ringfence_core::{
    authority::{AudienceClaim, IssuerClaim, SessionClaim, SubjectClaim, TokenShape},
    jose::Alg,
    key::KeySet,
};

use super::{
    Access::{Open, Role, SignedIn},
    Bearer, Dialect, Endpoint, PlainHttp,
};
use crate::app::App;

mod applications;
mod auth;
mod body;
mod caller;
mod cors;
mod error;
mod hal;
mod invitations;
mod memberships;
mod messages;
mod people;
mod person;
mod roles;
mod security;
mod tokens;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: NAME,
    routes,
    at_root: None,
    endpoints: ENDPOINTS,
    token_shape: Some(&TOKENS),
    assertion_profiles: &[],
    application_alias: APPLICATION,
    bearer: Bearer { scheme: "Bearer", application_header: Some(caller::APPLICATION_HEADER) },
    plain: PlainHttp::Refuse,
};

const NAME: &str = "keyclic";

/// The scheme of its application keys.
const APPLICATION: &str = "keyclic:application";

static TOKENS: TokenShape = TokenShape {
    dialect: NAME,
    typ: "JWT",
    alg: Alg::RS256,
    also: &[],
    set: KeySet::Published,
    issuer: IssuerClaim::Installation,
    audience: AudienceClaim::Issuer,
    subject: SubjectClaim::Identity,
    session: SessionClaim::Sid,
    refreshes: true,
    at_most: None,
    home: None,
};

const fn endpoint(method: &'static str, path: &'static str, access: super::Access, source: &'static str) -> Endpoint {
    Endpoint { method, path, access, source }
}

/// Everything it answers, and what needs a token.
const ENDPOINTS: &[Endpoint] = &[
    endpoint("POST", "/security/register", Open, "§3"),
    endpoint("POST", "/security/login", Open, "§4"),
    endpoint("POST", "/security/login/refresh", Open, "§2"),
    endpoint("POST", "/security/connect/facebook", Open, "§10"),
    endpoint("POST", "/security/password/change-request", Open, "§5"),
    endpoint("POST", "/security/password/change/{token}", Open, "§5"),
    endpoint("POST", "/auth/profile", Open, "§10"),
    endpoint("POST", "/auth/token", Open, "§10"),
    endpoint("POST", "/auth/token/refresh", Open, "§10"),
    endpoint("POST", "/auth/token/revoke", Open, "§10"),
    endpoint("GET", "/applications/{application}", Open, "§1"),
    endpoint("GET", "/people", Role(roles::ADMIN), "§2, §8"),
    endpoint("GET", "/people/{person}", SignedIn, "§7"),
    endpoint("PATCH", "/people/{person}", SignedIn, "§6"),
    endpoint("DELETE", "/people/{person}", SignedIn, "§2"),
    endpoint("GET", "/people/{person}/image", SignedIn, "§6"),
    endpoint("GET", "/people/{person}/image/{width}/{height}", SignedIn, "§6"),
    endpoint("GET", "/people/{person}/memberships", SignedIn, "§8"),
    endpoint("POST", "/invitations", Role(roles::ADMIN), "§2"),
    endpoint("GET", "/invitations/{invitation}", Role(roles::ADMIN), "§2"),
    endpoint("DELETE", "/invitations/{invitation}", Role(roles::ADMIN), "§2"),
];

fn routes(app: App) -> Router {
    Router::new()
        .merge(security())
        .merge(resources())
        .fallback(hal::nothing_here)
        .method_not_allowed_fallback(hal::nothing_here)
        .layer(middleware::from_fn_with_state(app.clone(), error::speak))
        .layer(middleware::from_fn(cors::answer))
        .with_state(app)
}

fn security() -> Router<App> {
    Router::new()
        .route("/security/register", post(security::register))
        .route("/security/login", post(security::login))
        .route("/security/login/refresh", post(auth::refresh_login))
        .route("/security/connect/facebook", post(security::connect_facebook))
        .route("/security/password/change-request", post(security::request_change))
        .route("/security/password/change/{token}", post(security::change))
        .route("/auth/profile", post(auth::profile))
        .route("/auth/token", post(auth::token))
        .route("/auth/token/refresh", post(auth::refresh))
        .route("/auth/token/revoke", post(auth::revoke))
}

fn resources() -> Router<App> {
    Router::new()
        .route("/applications/{application}", get(applications::show))
        .route("/people", get(people::list))
        .route("/people/{person}", get(people::show).patch(people::change).delete(people::erase))
        .route("/people/{person}/image", get(people::image))
        .route("/people/{person}/image/{width}/{height}", get(people::sized_image))
        .route("/people/{person}/memberships", get(memberships::list))
        .route("/invitations", post(invitations::invite))
        .route("/invitations/{invitation}", get(invitations::show).delete(invitations::withdraw))
}
