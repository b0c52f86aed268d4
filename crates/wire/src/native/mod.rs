//! The native API, `/api/v1`: for those who start now, and for servers that want to ask.
//!
//! | file | what |
//! | --- | --- |
//! | `body`, `caller` | requests: strict JSON, who asks |
//! | `answers`, `problem` | answers and refusals |
//! | `sign_in`, `refresh` | the ways in, and staying in |
//! | `me`, `upgrade`, `sessions` | one's own account and sessions |
//! | `ask` | what other servers ask |
//! | `socket/` | the open connection; described in `docs/socket.md` |
//!
//! The handlers describe themselves: `docs/openapi.json` is made from them.

use axum::Router;
use ringfence_core::{
    authority::{AudienceClaim, IssuerClaim, SessionClaim, SubjectClaim, TokenShape},
    jose::Alg,
    key::KeySet,
};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

mod answers;
mod ask;
mod body;
mod caller;
mod me;
mod problem;
mod refresh;
mod sessions;
mod sign_in;
mod socket;
mod upgrade;

/// Its name, as in mounts and sessions.
pub(crate) const NAME: &str = "native";

/// Access tokens of the native API (RFC 9068).
pub(crate) static TOKENS: TokenShape = TokenShape {
    dialect: NAME,
    typ: "at+jwt",
    alg: Alg::EdDSA,
    set: KeySet::Published,
    issuer: IssuerClaim::Project,
    audience: AudienceClaim::Application,
    subject: SubjectClaim::Identity,
    session: SessionClaim::Sid,
    refreshes: true,
    at_most: None,
    home: None,
};

/// Everything below `/api/v1`.
pub(crate) fn routes() -> Router<App> {
    let (routes, _) = described().split_for_parts();
    routes.merge(ask::well_known()).merge(socket::routes())
}

/// The OpenAPI 3.1 description of everything below `/api/v1`.
pub fn description() -> OpenApi {
    described().into_openapi()
}

fn described() -> OpenApiRouter<App> {
    let info = InfoBuilder::new().title("Ringfence").version("1").build();
    let empty = OpenApiBuilder::new().info(info).build();
    OpenApiRouter::with_openapi(empty).nest("/api/v1", resources())
}

fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_in::sign_up))
        .routes(routes!(sign_in::password))
        .routes(routes!(sign_in::guest))
        .routes(routes!(sign_in::federated))
        .routes(routes!(refresh::refresh))
        .routes(routes!(refresh::sign_out))
        .routes(routes!(me::show, me::change))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(upgrade::upgrade))
        .routes(routes!(upgrade::merge))
        .routes(routes!(ask::introspect))
        .routes(routes!(ask::revoke))
}
