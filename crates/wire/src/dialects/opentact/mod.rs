//! Opentact: accounts of people and programs, known by six methods on every request, and a socket of events.
//!
//! A user belongs to the project of the mount and has a place in one *account*, which is an application of ours. [`ENDPOINTS`]
//! lists what is spoken; `docs/dialects/opentact.md` says for each which use case answers it and what differs from the original.
//!
//! | file | what |
//! | --- | --- |
//! | `schemes`, `caller` | what a request shows, and who that is |
//! | `body`, `query`, `error`, `answer` | requests and answers as its clients really send and read them |
//! | `user`, `account` | people and accounts as they are shown |
//! | `auth`, `users`, `accounts`, `tokens`, `recovery` | the handlers for people and accounts |
//! | `sip`, `sip_domains`, `phone` | SIP domains and users: as they are shown, for their managers, for themselves |
//! | `socket`, `conversation`, `rooms` | the socket of events and who is online |

use axum::{
    Extension, Router, middleware,
    routing::{delete, get, patch, post, put},
};
use ringfence_core::{
    authority::{AudienceClaim, IssuerClaim, SessionClaim, SubjectClaim, TokenShape},
    jose::Alg,
    key::KeySet,
};

use super::{
    Access::{Open, SignedIn},
    Bearer, Dialect, Endpoint, PlainHttp,
};
use crate::app::App;

mod account;
mod accounts;
mod answer;
mod auth;
mod body;
mod caller;
mod conversation;
mod error;
mod phone;
mod query;
mod recovery;
mod rooms;
mod schemes;
mod sip;
mod sip_domains;
mod socket;
mod tokens;
mod user;
mod users;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: NAME,
    routes,
    at_root: None,
    endpoints: ENDPOINTS,
    token_shape: Some(&TOKENS),
    assertion_profiles: &[],
    application_alias: account::SCHEME,
    bearer: Bearer { scheme: "Bearer", application_header: None },
    plain: PlainHttp::Redirect,
};

/// Its name, also of its members in attributes.
const NAME: &str = "opentact";

/// Clients do not look into tokens (sheet, section 3), so they get the algorithm that is best. A session outlives its tokens:
/// the socket goes on when one expires (section 8), and who shows one that has not gets another.
static TOKENS: TokenShape = TokenShape {
    dialect: NAME,
    typ: "JWT",
    alg: Alg::EdDSA,
    also: &[],
    set: KeySet::Published,
    issuer: IssuerClaim::Installation,
    audience: AudienceClaim::Issuer,
    subject: SubjectClaim::Identity,
    session: SessionClaim::Sid,
    refreshes: true,
    at_most: None,
    home: Some(account::SCHEME),
};

const fn endpoint(method: &'static str, path: &'static str, access: super::Access, source: &'static str) -> Endpoint {
    Endpoint { method, path, access, source }
}

/// Everything it answers, and what needs to be signed in for.
const ENDPOINTS: &[Endpoint] = &[
    endpoint("GET", "/", Open, "§8"),
    endpoint("GET", "/rest/auth", SignedIn, "§3"),
    endpoint("POST", "/rest/user", Open, "§6"),
    endpoint("GET", "/rest/user", SignedIn, "§6"),
    endpoint("GET", "/rest/user/{uuid}", SignedIn, "§6"),
    endpoint("PATCH", "/rest/user/{uuid}", SignedIn, "§6"),
    endpoint("DELETE", "/rest/user/{uuid}", SignedIn, "§6"),
    endpoint("GET", "/rest/user/password_reset", Open, "§6"),
    endpoint("POST", "/rest/user/password_reset", Open, "§6"),
    endpoint("GET", "/rest/account", SignedIn, "§6"),
    endpoint("GET", "/rest/account/{uuid}", SignedIn, "§6"),
    endpoint("GET", "/rest/account/user", SignedIn, "§6"),
    endpoint("POST", "/rest/account/user", SignedIn, "§6"),
    endpoint("PUT", "/rest/account/user/{uuid}", SignedIn, "§6"),
    endpoint("DELETE", "/rest/account/user/{uuid}", SignedIn, "§6"),
    endpoint("POST", "/rest/token", SignedIn, "§3 API tokens"),
    endpoint("GET", "/rest/token/list", SignedIn, "§3 API tokens"),
    endpoint("PATCH", "/rest/token/{uuid}", SignedIn, "§3 API tokens"),
    endpoint("DELETE", "/rest/token/{token}", SignedIn, "§3 API tokens"),
    endpoint("DELETE", "/rest/token/all", SignedIn, "§3 API tokens"),
    endpoint("POST", "/rest/sip/domain", SignedIn, "§7"),
    endpoint("GET", "/rest/sip/domain", SignedIn, "§7"),
    endpoint("GET", "/rest/sip/domain/{domain}", SignedIn, "§7"),
    endpoint("PATCH", "/rest/sip/domain/{domain}", SignedIn, "§7"),
    endpoint("DELETE", "/rest/sip/domain/{domain}", SignedIn, "§7"),
    endpoint("POST", "/rest/sip/domain/{domain}/user", SignedIn, "§7"),
    endpoint("GET", "/rest/sip/domain/{domain}/user", SignedIn, "§7"),
    endpoint("GET", "/rest/sip/domain/{domain}/user/{uuid}", SignedIn, "§7"),
    endpoint("PATCH", "/rest/sip/domain/{domain}/user/{uuid}", SignedIn, "§7"),
    endpoint("DELETE", "/rest/sip/domain/{domain}/user/{uuid}", SignedIn, "§7"),
    endpoint("POST", "/rest/sip/domain/{domain}/invite", SignedIn, "§7"),
    endpoint("GET", "/rest/sip/domain/{domain}/invite/{uuid}", SignedIn, "§7"),
    endpoint("PATCH", "/rest/sip/domain/{domain}/invite/{uuid}", SignedIn, "§7"),
    endpoint("DELETE", "/rest/sip/domain/{domain}/invite/{uuid}", SignedIn, "§7"),
    endpoint("GET", "/rest/app", SignedIn, "§7"),
    endpoint("PATCH", "/rest/app", SignedIn, "§7"),
    endpoint("GET", "/rest/app/users", SignedIn, "§7"),
    endpoint("GET", "/rest/app/invite/{token}", Open, "§7"),
    endpoint("POST", "/rest/app/invite/{token}", Open, "§7"),
];

fn routes(app: App) -> Router {
    Router::new()
        .route("/", get(socket::open))
        .layer(Extension(rooms::Rooms::default()))
        .nest("/rest", rest().merge(phones()))
        .fallback(error::nothing_here)
        .method_not_allowed_fallback(error::nothing_here)
        .layer(middleware::from_fn_with_state(app.clone(), error::speak))
        .with_state(app)
}

fn rest() -> Router<App> {
    Router::new()
        .route("/auth", get(auth::renew))
        .route("/user", get(users::list).post(users::sign_up))
        .route("/user/password_reset", get(recovery::request).post(recovery::redeem))
        .route("/user/{uuid}", get(users::show).patch(users::change).delete(users::erase))
        .route("/account", get(accounts::own))
        .route("/account/{uuid}", get(accounts::show))
        .route("/account/user", get(accounts::users).post(accounts::add_user))
        .route("/account/user/{uuid}", put(accounts::restore).delete(accounts::suspend))
        .route("/token", post(tokens::create))
        .route("/token/list", get(tokens::list))
        .route("/token/all", delete(tokens::revoke_all))
        .route("/token/{token}", patch(tokens::change).delete(tokens::revoke))
}

fn phones() -> Router<App> {
    let user = get(sip_domains::show_user).patch(sip_domains::change_user).delete(sip_domains::delete_user);
    let invitation =
        get(sip_domains::show_invitation).patch(sip_domains::change_invitation).delete(sip_domains::withdraw);
    Router::new()
        .route("/sip/domain", get(sip_domains::list).post(sip_domains::create))
        .route("/sip/domain/{domain}", get(sip_domains::show).patch(sip_domains::change).delete(sip_domains::delete))
        .route("/sip/domain/{domain}/user", get(sip_domains::users).post(sip_domains::create_user))
        .route("/sip/domain/{domain}/user/{uuid}", user)
        .route("/sip/domain/{domain}/invite", post(sip_domains::invite))
        .route("/sip/domain/{domain}/invite/{uuid}", invitation)
        .route("/app", get(phone::show).patch(phone::change))
        .route("/app/users", get(phone::neighbours))
        .route("/app/invite/{token}", get(phone::invitation).post(phone::accept))
}
