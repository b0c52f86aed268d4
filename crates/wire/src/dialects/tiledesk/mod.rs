//! Tiledesk: customer chat. Its library, widget and dashboard sign people up, in, in anonymously, and in by tokens that an
//! integrator signed; all of them then show `Authorization: JWT <token>`.
//!
//! An account belongs to the project of the mount; a Tiledesk "project" is one of its applications, named by 24 hex digits.
//! [`ENDPOINTS`] lists what is spoken, each with the section of the protocol sheet that it comes from;
//! `docs/dialects/tiledesk.md` says for each which use case answers it and what differs from the original.
//!
//! | file | what |
//! | --- | --- |
//! | `paths`, `cors`, `body`, `fields` | requests as its clients really send them |
//! | `schemes`, `assertion` | who asks, in every form of `Authorization` |
//! | `error`, `words` | the refusals, in the shapes of each endpoint |
//! | `wire`, `people`, `attributes` | the answers, and what only this dialect keeps |
//! | `sign_in`, `sign_up`, `elsewhere`, `custom_token`, `recovery`, `users`, `projects`, `invitations`, `chat`, `probes` | the handlers |

use axum::{
    Router,
    extract::Request,
    middleware,
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use ringfence_core::{
    authority::{AudienceClaim, IssuerClaim, SessionClaim, SubjectClaim, TokenShape},
    identity::IdentityKind,
    jose::Alg,
    key::KeySet,
    membership::RoleLadder,
    project::ProjectRef,
};
use tower::ServiceExt as _;

use super::{
    Access::{Open, Role, SignedIn},
    Bearer, Dialect, Endpoint, PlainHttp,
};
use crate::app::App;

mod assertion;
mod attributes;
mod body;
mod chat;
mod cors;
mod custom_token;
mod elsewhere;
mod error;
mod fields;
mod invitations;
mod paths;
mod people;
mod probes;
mod projects;
mod recovery;
mod schemes;
mod sign_in;
mod sign_up;
mod users;
mod wire;
mod words;

/// The dialect.
pub(super) const DIALECT: Dialect = Dialect {
    name: NAME,
    routes,
    at_root: None,
    endpoints: ENDPOINTS,
    token_shape: Some(&TOKENS),
    assertion_profiles: &[&assertion::PROFILE],
    application_alias: PROJECT,
    bearer: Bearer { scheme: "JWT", application_header: None },
    plain: PlainHttp::Refuse,
};

const NAME: &str = "tiledesk";

/// The scheme of its project ids.
const PROJECT: &str = "tiledesk:project";

/// Its roles, from least to most.
static LADDER: RoleLadder = RoleLadder(&["guest", "user", "teammate", "agent", "supervisor", "admin", "owner"]);

static TOKENS: TokenShape = TokenShape {
    dialect: NAME,
    typ: "JWT",
    alg: Alg::HS256,
    also: &[],
    set: KeySet::Private,
    issuer: IssuerClaim::Named("https://tiledesk.com"),
    audience: AudienceClaim::Named("https://tiledesk.com"),
    subject: SubjectClaim::Kind(sub_of),
    session: SessionClaim::Sid,
    refreshes: false,
    at_most: None,
    home: None,
};

const fn sub_of(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Guest => "guest",
        IdentityKind::External => "userexternal",
        IdentityKind::Member | IdentityKind::Endpoint | IdentityKind::Service => "user",
    }
}

/// The application that a project id names.
fn project(id: &str) -> ProjectRef {
    ProjectRef::Alias { scheme: PROJECT, value: id.to_owned() }
}

const fn endpoint(method: &'static str, path: &'static str, access: super::Access, source: &'static str) -> Endpoint {
    Endpoint { method, path, access, source }
}

/// Everything it answers, bare and below `/v1`, `/v2`, `/v3` and `/api`.
const ENDPOINTS: &[Endpoint] = &[
    endpoint("POST", "/auth/signin", Open, "§3"),
    endpoint("POST", "/auth/signup", Open, "§3"),
    endpoint("POST", "/auth/signinAnonymously", Open, "§3"),
    endpoint("POST", "/auth/signinWithCustomToken", SignedIn, "§3, §4"),
    endpoint("PUT", "/auth/verifyemail/{userid}/{code}", Open, "§3"),
    endpoint("PUT", "/auth/requestresetpsw", Open, "§3"),
    endpoint("GET", "/auth/checkpswresetkey/{key}", Open, "§3"),
    endpoint("PUT", "/auth/resetpsw/{key}", Open, "§3"),
    endpoint("GET", "/auth/pendinginvitationsnoauth/{id}", Open, "§3"),
    endpoint("GET", "/auth/google", Open, "§3"),
    endpoint("GET", "/auth/google/callback", Open, "§3"),
    endpoint("GET", "/auth/oauth2", Open, "§3"),
    endpoint("GET", "/auth/oauth2/callback", Open, "§3"),
    endpoint("GET", "/users", SignedIn, "§5"),
    endpoint("PUT", "/users", SignedIn, "§5"),
    endpoint("DELETE", "/users", SignedIn, "§5"),
    endpoint("DELETE", "/users/physical", SignedIn, "§5"),
    endpoint("PUT", "/users/changepsw", SignedIn, "§5"),
    endpoint("GET", "/users/resendverifyemail", SignedIn, "§5"),
    endpoint("GET", "/users_util/{id}", Open, "§5"),
    endpoint("POST", "/projects", SignedIn, "§5"),
    endpoint("GET", "/projects", SignedIn, "§5"),
    endpoint("GET", "/projects/{id}", Role("agent"), "§5"),
    endpoint("POST", "/{projectid}/keys/generate", Role("admin"), "§5, §7.9"),
    endpoint("POST", "/{projectid}/jwt/decode", Open, "§5"),
    endpoint("POST", "/{projectid}/project_users/invite", Role("admin"), "§5, §7.9"),
    endpoint("GET", "/{projectid}/pendinginvitations", Role("agent"), "§5"),
    endpoint("GET", "/{projectid}/authtestWithRoleCheck", Role("agent"), "§5"),
    endpoint("GET", "/{projectid}/authtestWithRoleCheck/bot", Role("agent"), "§5"),
    endpoint("GET", "/testauth", SignedIn, "§5"),
    endpoint("GET", "/testauth/noentitycheck", SignedIn, "§5"),
    endpoint("POST", "/chat21/native/auth/createCustomToken", SignedIn, "§5"),
];

fn routes(app: App) -> Router {
    let spoken = Router::new()
        .merge(auth())
        .merge(users())
        .merge(projects())
        .route("/testauth", get(probes::signed_in))
        .route("/testauth/noentitycheck", get(probes::signed_in))
        .route("/chat21/native/auth/createCustomToken", post(chat::create_custom_token))
        .fallback(projects::nothing_here)
        .method_not_allowed_fallback(projects::nothing_here)
        .with_state(app);
    // Outside the router, because paths decide about routes.
    let spoken = spoken.map_request(paths::canonical as fn(Request) -> Request).map_response(Response::into_response);
    Router::new().fallback_service(spoken).layer(middleware::from_fn(cors::answer))
}

fn auth() -> Router<App> {
    Router::new()
        .route("/auth/signin", post(sign_in::sign_in))
        .route("/auth/signup", post(sign_up::sign_up))
        .route("/auth/signinAnonymously", post(sign_in::sign_in_anonymously))
        .route("/auth/signinWithCustomToken", post(custom_token::sign_in))
        .route("/auth/verifyemail/{userid}/{code}", put(recovery::verify_email))
        .route("/auth/requestresetpsw", put(recovery::request_reset))
        .route("/auth/checkpswresetkey/{key}", get(recovery::check_key))
        .route("/auth/resetpsw/{key}", put(recovery::reset_password))
        .route("/auth/pendinginvitationsnoauth/{id}", get(invitations::show))
        .route("/auth/google", get(elsewhere::google))
        .route("/auth/google/callback", get(elsewhere::google_callback))
        .route("/auth/oauth2", get(elsewhere::oauth2))
        .route("/auth/oauth2/callback", get(elsewhere::oauth2_callback))
}

fn users() -> Router<App> {
    Router::new()
        .route("/users", get(users::show).put(users::change).delete(users::anonymise))
        .route("/users/physical", axum::routing::delete(users::remove))
        .route("/users/changepsw", put(users::change_password))
        .route("/users/resendverifyemail", get(users::resend_verification))
        .route("/users_util/{id}", get(users::show_public))
}

fn projects() -> Router<App> {
    Router::new()
        .route("/projects", post(projects::create).get(projects::list))
        .route("/projects/{id}", get(projects::show))
        .route("/{projectid}/keys/generate", post(projects::generate_keys))
        .route("/{projectid}/jwt/decode", post(projects::decode))
        .route("/{projectid}/project_users/invite", post(invitations::invite))
        .route("/{projectid}/pendinginvitations", get(invitations::list))
        .route("/{projectid}/authtestWithRoleCheck", get(probes::agent))
        .route("/{projectid}/authtestWithRoleCheck/bot", get(probes::agent))
}
