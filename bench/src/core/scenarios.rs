//! What is asked, where, and what bounds it.

use anyhow::Context as _;
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

fn request(method: &'static str, path: &str, authorization: &str, body: &str) -> Asked {
    Asked::Same(Request {
        method,
        path: path.to_owned(),
        authorization: authorization.to_owned(),
        body: body.to_owned(),
        form: path.ends_with("/introspect"),
    })
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
            asked: request("POST", GUEST, "none none", &guest),
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
    let http = |name, asked, target| on_sqlite(name, Limit::Http, asked, target);
    let verify = |token: &str| request("GET", "/forward-auth", &format!("Bearer {token}"), "");
    let (verified, as_fast) = ("≥ 0.70; ≤ +7 µs", "≥ 0.9 of HS256");
    let dialect = request("GET", "/tiledesk/testauth/noentitycheck", &tiledesk, "");
    let introspect = request("POST", "/api/v1/introspect", &key, &format!("token={native}"));
    let mint = request("POST", "/tiledesk/chat21/native/auth/createCustomToken", &tiledesk, "{}");
    Ok(vec![
        http("verify HS256, dialect", dialect, verified),
        http("verify HS256, forward-auth", verify(tiledesk.trim_start_matches("JWT ")), verified),
        http("verify HS512, forward-auth", verify(&telnyx), as_fast),
        http("verify EdDSA, forward-auth", verify(&native), as_fast),
        http("verify RS256, forward-auth (a member, roles read)", verify(&keyclic), as_fast),
        http("introspection", introspect, "≤ +20 µs"),
        on_sqlite("mint HS256", Limit::Mint("HS256"), mint, "≥ 0.70"),
    ])
}

/// What is durable when it is answered, and what hashes a password.
fn writing(ours: &Program, guest: &str) -> anyhow::Result<Vec<Scenario>> {
    let key = format!("Bearer {API_KEY}");
    let password = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let guests = request("POST", GUEST, "none none", guest);
    let telnyx = request("POST", &telnyx_tokens(ours)?, &key, "");
    let refresh = crowd(|_| clients::Refresher::of(ours))?;
    let exchange = crowd(clients::Exchanger::of)?;
    let password = request("POST", "/tiledesk/auth/signin", "none none", &password);
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
