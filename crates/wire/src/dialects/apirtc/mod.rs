//! ApiRTC: cloud calls, REST tokens and the realtime channel of its library.
//!
//! Table endpoint → source → operation: docs/dialects/apirtc.md.
//!
//! | file | what |
//! | --- | --- |
//! | `cloud` | what the library asks before it opens the channel |
//! | `admission`, `query`, `assertion` | who may be who on the channel |
//! | `person` | what a user is called here |
//! | `messages` | what the channel says after that |
//! | `error`, `cors` | refusals, and pages of other origins |

use std::time::Duration;

use axum::{Router, middleware};
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

mod admission;
mod assertion;
mod body;
mod caller;
mod channel;
mod cloud;
mod cors;
mod error;
mod limit;
mod messages;
mod person;
mod query;
mod roster;
mod tokens;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: NAME,
    routes,
    at_root: Some(channel::routes),
    endpoints: ENDPOINTS,
    token_shape: Some(&TOKENS),
    assertion_profiles: &[&assertion::PROFILE],
    application_alias: API_KEY,
    bearer: Bearer { scheme: "Bearer", application_header: None },
    plain: PlainHttp::Refuse,
};

const NAME: &str = "apirtc";

/// The scheme of its apiKeys.
const API_KEY: &str = "publishable_key";

/// Its access tokens: what `authenticate` answers, what REST clients show, and what is pushed on the channel.
static TOKENS: TokenShape = TokenShape {
    dialect: NAME,
    typ: "JWT",
    alg: Alg::ES256,
    also: &[],
    set: KeySet::Published,
    issuer: IssuerClaim::Project,
    audience: AudienceClaim::Application,
    subject: SubjectClaim::Identity,
    session: SessionClaim::Sid,
    refreshes: false,
    at_most: Some(Duration::from_hours(24)),
    home: None,
};

const fn endpoint(method: &'static str, path: &'static str, access: super::Access, source: &'static str) -> Endpoint {
    Endpoint { method, path, access, source }
}

/// Everything it answers below its mount, and what needs a token. The channel lies at the root of every host.
const ENDPOINTS: &[Endpoint] = &[
    endpoint("GET", "/api/v2/preferredCCS", Open, "§1.2"),
    endpoint("POST", "/api/v3/authenticate", Open, "§1.4"),
    endpoint("GET", "/api/v2/checkToken", SignedIn, "§1.4"),
    endpoint("GET", "/api/v2/users/me", SignedIn, "§1.4"),
    endpoint("GET", "/api/v2/enterprises/{enterprise}/users", SignedIn, "§1.4"),
    endpoint("POST", "/api/v2/invalidateToken", SignedIn, "§1.9"),
    endpoint("POST", "/api/v3/token", Open, "§2"),
    endpoint("POST", "/api/token", Open, "§2"),
    endpoint("POST", "/api/v3/token/revoke", SignedIn, "§2"),
    endpoint("GET", "/api/v3/enterprises/{enterprise}/users", SignedIn, "§2"),
    endpoint("POST", "/api/v3/jwt", SignedIn, "§3"),
    endpoint("GET", "/api/v3/third-party", Open, "§3"),
];

fn routes(app: App) -> Router {
    Router::new()
        .merge(cloud::routes())
        .merge(tokens::routes())
        .fallback(error::nothing_here)
        .method_not_allowed_fallback(error::nothing_here)
        .layer(middleware::from_fn_with_state(app.clone(), error::speak))
        .layer(middleware::from_fn(cors::answer))
        .with_state(app)
}
