//! What is asked, where, and what bounds it.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{CONNECTIONS, Servers, clients};
use crate::{
    load::{Client, Clients, Same},
    process::Program,
    scratch::{API_KEY, APPLICATION, EMAIL, KEYCLIC, NATIVE_KEY, PASSWORD},
    wrk::Request,
};

/// Which database is behind the server.
#[derive(Clone, Copy)]
pub(super) enum Where {
    Sqlite,
    Postgres,
}

/// What bounds an operation apart from HTTP.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    Http,
    /// A guest's rows in SQLite, 64 to a commit.
    Rows,
    /// The same and a token.
    RowsAndMint,
    /// A guest's rows in PostgreSQL, one commit each over 32 connections.
    Postgres,
    /// Argon2id on all cores.
    Hashing,
    /// A signature of this algorithm.
    Mint(&'static str),
}

/// How it is asked.
pub(crate) enum Asked {
    /// One request again and again, by `wrk`.
    Same(Request),
    /// Requests that follow from answers.
    Clients(Clients),
}

/// One operation.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) place: Where,
    pub(super) limit: Limit,
    pub(super) asked: Asked,
    /// What it should reach.
    pub(super) target: &'static str,
}

impl Scenario {
    /// The same bytes for the server that does nothing.
    pub(super) fn floor(&mut self) -> Asked {
        match &mut self.asked {
            Asked::Same(request) => Asked::Same(request.clone()),
            Asked::Clients(clients) => {
                let first = clients.first_mut().and_then(|client| client.request().ok()).unwrap_or_default();
                let same = || Box::new(Same(first.clone())) as Box<dyn Client>;
                Asked::Clients((0..clients.len()).map(|_| same()).collect())
            }
        }
    }
}

fn post(path: &str, body: &str) -> Request {
    Request::new("POST", path, body)
}

/// A crowd of clients.
fn crowd<C: Client + 'static>(make: impl FnMut(usize) -> anyhow::Result<C>) -> anyhow::Result<Asked> {
    let clients = (0..CONNECTIONS).map(make).map(|client| Ok(Box::new(client?) as Box<dyn Client>));
    Ok(Asked::Clients(clients.collect::<anyhow::Result<_>>()?))
}

/// All of them, against servers that run.
pub(super) fn all(servers: &Servers) -> anyhow::Result<Vec<Scenario>> {
    let guest = json!({ "id_project": APPLICATION, "firstname": "Visitor" }).to_string();
    let mut all = reading(&servers.sqlite, &guest)?;
    all.extend(writing(&servers.sqlite, &guest)?);
    if servers.postgres.is_some() {
        all.push(Scenario {
            name: "guest sign-in, PostgreSQL",
            place: Where::Postgres,
            limit: Limit::Postgres,
            asked: Asked::Same(post(GUEST, &guest)),
            target: "≥ 0.60 of one commit each",
        });
    }
    Ok(all)
}

const GUEST: &str = "/tiledesk/auth/signinAnonymously";

fn on_sqlite(name: &'static str, limit: Limit, asked: Asked, target: &'static str) -> Scenario {
    Scenario { name, place: Where::Sqlite, limit, asked, target }
}

/// What leaves nothing behind.
fn reading(ours: &Program, guest: &str) -> anyhow::Result<Vec<Scenario>> {
    let tiledesk = text(&ours.post(GUEST, "", guest)?["token"])?;
    let application = json!({ "application": NATIVE_KEY }).to_string();
    let native = text(&ours.post("/api/v1/guests", "", &application)?["access_token"])?;
    let key = format!("Bearer {API_KEY}");
    let telnyx = ours.ask("POST", &telnyx_tokens(ours)?, &key, "")?;
    let keyclic = keyclic_token(ours)?;
    let opentact = opentact_token(ours)?;
    let http = |name, asked, target| on_sqlite(name, Limit::Http, Asked::Same(asked), target);
    let verify = |token: &str| Request::new("GET", "/forward-auth", "").bearer(token);
    let (verified, as_fast, asked) = ("≥ 0.70; ≤ +7 µs", "≥ 0.9 of HS256", "≤ +20 µs");
    let dialect = Request::new("GET", "/tiledesk/testauth/noentitycheck", "").with("Authorization", &tiledesk);
    let introspect = Request::form("/api/v1/introspect", &format!("token={native}")).bearer(API_KEY);
    let renew = Request::new("GET", "/opentact/rest/auth", "").with("X-Auth-Token", &opentact);
    let mint = post("/tiledesk/chat21/native/auth/createCustomToken", "{}").with("Authorization", &tiledesk);
    Ok(vec![
        http("verify HS256, dialect", dialect, verified),
        http("verify HS256, forward-auth", verify(tiledesk.trim_start_matches("JWT ")), verified),
        http("verify HS512, forward-auth", verify(&telnyx), as_fast),
        http("verify EdDSA, forward-auth", verify(&native), as_fast),
        http("verify RS256, forward-auth (a member, roles read)", verify(&keyclic), as_fast),
        http("introspection", introspect, asked),
        http("GET /rest/auth by JWT (a member; another token signed)", renew, asked),
        on_sqlite("mint HS256", Limit::Mint("HS256"), Asked::Same(mint), "≥ 0.70"),
    ])
}

/// What is durable when it is answered, and what hashes a password.
fn writing(ours: &Program, guest: &str) -> anyhow::Result<Vec<Scenario>> {
    let password = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let guests = Asked::Same(post(GUEST, guest));
    let telnyx = Asked::Same(post(&telnyx_tokens(ours)?, "").bearer(API_KEY));
    let refresh = crowd(|_| clients::Refresher::of(ours))?;
    let exchange = crowd(clients::Exchanger::of)?;
    let password = Asked::Same(post("/tiledesk/auth/signin", &password));
    let like_guest = "CPU ≤ 1.5 × guest";
    Ok(vec![
        on_sqlite("token for a credential: HS512, with a session", Limit::RowsAndMint, telnyx, ""),
        on_sqlite("guest sign-in, SQLite", Limit::RowsAndMint, guests, "CPU ≤ 1.7 × no-op and limit"),
        on_sqlite("refresh, SQLite", Limit::Rows, refresh, like_guest),
        on_sqlite("custom-token exchange, SQLite", Limit::RowsAndMint, exchange, like_guest),
        on_sqlite("password sign-in", Limit::Hashing, password, "≥ 0.90 of hashing"),
    ])
}

fn text(value: &serde_json::Value) -> anyhow::Result<String> {
    Ok(value.as_str().with_context(|| format!("no text but {value}"))?.to_owned())
}

/// Where tokens for a new credential are made.
fn telnyx_tokens(ours: &Program) -> anyhow::Result<String> {
    let key = format!("Bearer {API_KEY}");
    let named = json!({ "connection_name": "bench" }).to_string();
    let connection = ours.post("/telnyx/v2/credential_connections", &key, &named)?;
    let body = json!({ "connection_id": connection["data"]["id"] }).to_string();
    let credential = text(&ours.post("/telnyx/v2/telephony_credentials", &key, &body)?["data"]["id"])?;
    Ok(format!("/telnyx/v2/telephony_credentials/{credential}/token"))
}

fn keyclic_token(ours: &Program) -> anyhow::Result<String> {
    let body = json!({ "login": EMAIL, "password": PASSWORD }).to_string();
    let answer = ours.post_with("/keyclic/security/login", &[("X-Keyclic-App", KEYCLIC)], &body)?;
    text(&answer["accessToken"])
}

/// A token of the member in the dialect that gives a new one for it.
fn opentact_token(ours: &Program) -> anyhow::Result<String> {
    let basic = STANDARD.encode(format!("{EMAIL}:{PASSWORD}"));
    let answer = ours.ask("GET", "/opentact/rest/auth", &format!("Basic {basic}"), "")?;
    text(&serde_json::from_str::<serde_json::Value>(&answer)?["payload"]["token"])
}
