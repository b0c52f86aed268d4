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
    let ours = &servers.sqlite;
    let guest_body = json!({ "id_project": APPLICATION, "firstname": "Visitor" }).to_string();
    let guest = "/tiledesk/auth/signinAnonymously";
    let password = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let tiledesk = text(&ours.post(guest, "", &guest_body)?["token"])?;
    let bearer = format!("Bearer {}", tiledesk.trim_start_matches("JWT "));
    let native =
        text(&ours.post("/api/v1/guests", "", &json!({ "application": NATIVE_KEY }).to_string())?["access_token"])?;
    let key = format!("Bearer {API_KEY}");
    let credential = telnyx_credential(ours)?;
    let telnyx = format!("/telnyx/v2/telephony_credentials/{credential}/token");
    let of_telnyx = ours.ask("POST", &telnyx, &key, "")?;
    let of_keyclic = keyclic_token(ours)?;
    let verify = |token: &str| request("GET", "/forward-auth", &format!("Bearer {token}"), "");
    let question = format!("token={native}");
    let verified = "≥ 0.70; ≤ +7 µs";
    let scenario = |name, limit, asked, target| Scenario { name, place: Where::Sqlite, limit, asked, target };
    let mut all = vec![
        scenario(
            "verify HS256, dialect",
            Limit::Http,
            request("GET", "/tiledesk/testauth/noentitycheck", &tiledesk, ""),
            verified,
        ),
        scenario("verify HS256, forward-auth", Limit::Http, request("GET", "/forward-auth", &bearer, ""), verified),
        scenario("verify HS512, forward-auth", Limit::Http, verify(&of_telnyx), "≥ 0.9 of HS256"),
        scenario("verify EdDSA, forward-auth", Limit::Http, verify(&native), "≥ 0.9 of HS256"),
        scenario(
            "verify RS256, forward-auth (a member, roles read)",
            Limit::Http,
            verify(&of_keyclic),
            "≥ 0.9 of HS256",
        ),
        scenario("introspection", Limit::Http, request("POST", "/api/v1/introspect", &key, &question), "≤ +20 µs"),
        scenario(
            "mint HS256",
            Limit::Mint("HS256"),
            request("POST", "/tiledesk/chat21/native/auth/createCustomToken", &tiledesk, "{}"),
            "≥ 0.70",
        ),
        scenario(
            "token for a credential: HS512, with a session",
            Limit::RowsAndMint,
            request("POST", &telnyx, &key, ""),
            "",
        ),
        scenario(
            "guest sign-in, SQLite",
            Limit::RowsAndMint,
            request("POST", guest, "none none", &guest_body),
            "CPU ≤ 1.7 × no-op and limit",
        ),
        scenario("refresh, SQLite", Limit::Rows, crowd(|_| clients::Refresher::of(ours))?, "CPU ≤ 1.5 × guest"),
        scenario(
            "custom-token exchange, SQLite",
            Limit::RowsAndMint,
            crowd(clients::Exchanger::of)?,
            "CPU ≤ 1.5 × guest",
        ),
        scenario(
            "password sign-in",
            Limit::Hashing,
            request("POST", "/tiledesk/auth/signin", "none none", &password),
            "≥ 0.90 of hashing",
        ),
    ];
    if servers.postgres.is_some() {
        all.push(Scenario {
            name: "guest sign-in, PostgreSQL",
            place: Where::Postgres,
            limit: Limit::Postgres,
            asked: request("POST", guest, "none none", &guest_body),
            target: "≥ 0.60 of one commit each",
        });
    }
    Ok(all)
}

fn text(value: &serde_json::Value) -> anyhow::Result<String> {
    Ok(value.as_str().with_context(|| format!("no text but {value}"))?.to_owned())
}

fn telnyx_credential(ours: &Program) -> anyhow::Result<String> {
    let key = format!("Bearer {API_KEY}");
    let named = json!({ "connection_name": "bench" }).to_string();
    let connection = ours.post("/telnyx/v2/credential_connections", &key, &named)?;
    let body = json!({ "connection_id": connection["data"]["id"] }).to_string();
    text(&ours.post("/telnyx/v2/telephony_credentials", &key, &body)?["data"]["id"])
}

fn keyclic_token(ours: &Program) -> anyhow::Result<String> {
    let body = json!({ "login": EMAIL, "password": PASSWORD }).to_string();
    let answer = ours.post_with("/keyclic/security/login", &[("X-Keyclic-App", KEYCLIC)], &body)?;
    text(&answer["accessToken"])
}
