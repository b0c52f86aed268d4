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
    authority::{SessionClaim, SubjectClaim, TokenShape},
    jose::Alg,
    key::KeySet,
};

use super::{Access::Open, Bearer, Dialect, Endpoint};
use crate::app::App;

mod admission;
mod assertion;
mod channel;
mod cloud;
mod cors;
mod error;
mod messages;
mod person;
mod query;
mod roster;

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
};

const NAME: &str = "apirtc";

/// The scheme of its apiKeys.
const API_KEY: &str = "publishable_key";

/// Its access tokens: what `authenticate` answers, what REST clients show, and what is pushed on the channel.
static TOKENS: TokenShape = TokenShape {
    dialect: NAME,
    typ: "JWT",
    alg: Alg::ES256,
    set: KeySet::Published,
    issuer: None,
    audience: None,
    subject: SubjectClaim::Identity,
    session: SessionClaim::Sid,
    refreshes: false,
    at_most: Some(Duration::from_hours(24)),
};

const fn endpoint(method: &'static str, path: &'static str, access: super::Access, source: &'static str) -> Endpoint {
    Endpoint { method, path, access, source }
}

/// Everything it answers below its mount, and what needs a token.
const ENDPOINTS: &[Endpoint] = &[endpoint("GET", "/api/v2/preferredCCS", Open, "§1.2")];

fn routes(app: App) -> Router {
    Router::new()
        .merge(cloud::routes())
        .fallback(error::nothing_here)
        .method_not_allowed_fallback(error::nothing_here)
        .layer(middleware::from_fn(cors::answer))
        .with_state(app)
}
