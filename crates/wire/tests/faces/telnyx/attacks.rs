//! The attacks of the catalogue that this face can meet.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::{caller::Scope, time::Clock as _};
use ringfence_wire::{DIALECTS, Endpoint};
use serde_json::{Value, json};

use super::server::Server;
use crate::support::Answer;

fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    let telnyx = DIALECTS.iter().find(|dialect| dialect.name == "telnyx").unwrap();
    telnyx.endpoints.iter().filter(|endpoint| endpoint.path.starts_with("/v2/"))
}

/// An account with a connection and a credential.
struct Account {
    connection: String,
    credential: Value,
}

impl Account {
    async fn of(server: &Server) -> Self {
        let connection = server.connection("phones").await;
        let credential = server.credential(&connection).await;
        Self { connection, credential }
    }

    fn path(&self, endpoint: &Endpoint) -> String {
        let of_credential = endpoint.path.contains("telephony");
        let id = if of_credential { self.credential["id"].as_str().unwrap() } else { &self.connection };
        endpoint.path.replace("{id}", id).replacen("/v2", "", 1)
    }

    /// What the ways below the connection are answered: token, credential, connection user.
    async fn ways(&self, server: &Server, token: &ringfence_core::secret::RawToken) -> [&'static str; 3] {
        let text = |name: &str| self.credential[name].as_str().unwrap().to_owned();
        [
            server.login_token(token).await,
            server.login(&text("sip_username"), &text("sip_password")).await,
            server.login("phones", "otter glass violet").await,
        ]
    }
}

/// Every endpoint asked with this key.
async fn all(server: &Server, account: &Account, key: Option<&str>) -> Vec<String> {
    let mut answers = Vec::new();
    for endpoint in endpoints() {
        let asked = server.bare(endpoint.method, &account.path(endpoint)).json(&json!({}));
        let asked = if let Some(key) = key { asked.bearer(key) } else { asked };
        answers.push(asked.send().await.codes());
    }
    answers.dedup();
    answers
}

#[tokio::test]
async fn n87_only_a_live_key_in_its_header_opens_anything() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let end = server.clock.now() + Duration::from_hours(1);
    let ending = server.api_key(&server.project, &[Scope::All], Some(end)).await;
    let token = server.token(&account.credential).await;
    assert_eq!(all(&server, &account, None).await, ["401 10009"]);
    for key in ["", "x", "rfk_x", token.expose(), account.credential["sip_password"].as_str().unwrap()] {
        assert_eq!(all(&server, &account, Some(key)).await, ["401 10009"], "{key}");
    }
    for asked in [
        server.bare("GET", &format!("/telephony_credentials?api_key={}", server.key)),
        server.bare("GET", &format!("/telephony_credentials?access_token={}", server.key)),
        server.bare("GET", "/telephony_credentials").header("x-api-key", &server.key),
        server.bare("GET", "/telephony_credentials").header("authorization", &server.key),
        server.bare("GET", "/telephony_credentials").header("authorization", &format!("Basic {}", server.key)),
    ] {
        assert_eq!(asked.send().await.codes(), "401 10009");
    }
    assert_eq!(server.bare("GET", "/telephony_credentials").bearer(&ending).send().await.status, 200);
    server.clock.set(end);
    assert_eq!(all(&server, &account, Some(&ending)).await, ["401 10009"]);
    let page = server.ask("GET", "/telephony_credentials").header("origin", "https://shop.example").send().await;
    assert_eq!(page.codes(), "403 10010");
    assert_snapshot!(server.bare("GET", "/telephony_credentials").send().await, @r#"
    401 {
      "errors": [
        {
          "code": "10009",
          "detail": "No key found matching the API key that was provided in the Authorization header.",
          "meta": {
            "url": "https://developers.telnyx.com/docs/overview/errors/10009"
          },
          "title": "Authentication failed"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn n87_a_revoked_key_and_one_of_a_disabled_account_are_no_keys() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let keys = server.authority.api_keys(&server.permit(), None, 9).await.unwrap();
    let own = server.api_key(&server.project, &[Scope::All], None).await;
    server.authority.revoke_api_key(&server.ctx(), &server.permit(), keys[0].id).await.unwrap();
    assert_eq!(all(&server, &account, Some(&server.key)).await, ["401 10009"]);
    assert_eq!(server.bare("GET", "/telephony_credentials").bearer(&own).send().await.status, 200);
    server.authority.disable_project(&server.ctx(), &server.permit(), true).await.unwrap();
    assert_eq!(all(&server, &account, Some(&own)).await, ["401 10009"]);
}

#[tokio::test]
async fn n88_nothing_is_made_without_the_scope_for_it() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let write = ["POST", "PATCH", "DELETE"];
    for scope in Scope::EACH.into_iter().filter(|scope| *scope != Scope::All) {
        let key = server.api_key(&server.project, &[scope], None).await;
        for endpoint in endpoints() {
            let token = endpoint.path.ends_with("/token");
            let status = endpoint.path.ends_with("status");
            let changes = write.contains(&endpoint.method) && !token && !status;
            let allowed = match scope {
                Scope::IdentitiesRead => !changes && !token,
                Scope::CredentialsWrite => changes,
                Scope::TokensIssue => token,
                _ => false,
            };
            // Deleting for good would spoil the others.
            if allowed && endpoint.method == "DELETE" {
                continue;
            }
            let asked = server.bare(endpoint.method, &account.path(endpoint)).bearer(&key);
            let answer = asked.json(&json!({})).send().await;
            assert_eq!(answer.status != 403, allowed, "{scope} {} {}: {answer}", endpoint.method, endpoint.path);
        }
    }
}

#[tokio::test]
async fn n89_ids_of_another_account_are_as_good_as_none() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let token = server.token(&account.credential).await;
    for endpoint in endpoints().filter(|endpoint| endpoint.path.contains("{id}")) {
        let asked = server.bare(endpoint.method, &account.path(endpoint)).bearer(&server.other_key);
        let answer = asked.json(&json!({ "name": "x" })).send().await;
        assert_eq!(answer.codes(), "404 10005", "{} {}", endpoint.method, endpoint.path);
    }
    let theirs =
        async |path: &str| server.ask("GET", path).bearer(&server.other_key).send().await.json()["data"].clone();
    for list in ["/credential_connections", "/telephony_credentials"] {
        assert_eq!(theirs(list).await, json!([]), "{list}");
    }
    let user = account.credential["sip_username"].as_str().unwrap();
    assert_eq!(theirs(&format!("/telephony_credentials?filter[sip_username]={user}")).await, json!([]));
    let wanted = json!({ "connection_id": account.connection });
    let asked = server.bare("POST", "/telephony_credentials").bearer(&server.other_key).json(&wanted);
    assert_eq!(asked.send().await.codes(), "422 10013");
    assert_eq!(account.ways(&server, &token).await, ["accepted"; 3]);
}

#[tokio::test]
async fn ids_of_another_kind_and_of_another_spelling_are_none() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let credential = account.credential["id"].as_str().unwrap().to_owned();
    for id in ["0", "-1", "x", "%00", "%ff", "1293384261075731499999", &credential, &format!("0{}", account.connection)]
    {
        let answer = server.get(&format!("/credential_connections/{id}")).await;
        assert_eq!(answer.codes(), "404 10006", "{id}");
    }
    let upper = credential.to_uppercase();
    let short = credential.replace('-', "");
    for id in ["0", "x", "%00", &account.connection, &upper, &short, &format!("urn:uuid:{credential}")] {
        let answer = server.get(&format!("/telephony_credentials/{id}")).await;
        assert_eq!(answer.codes(), "404 10006", "{id}");
    }
    // The user of a connection is no credential.
    let permit = server.permit();
    let number = ringfence_core::endpoint::GroupNumber::parse(&account.connection).unwrap();
    let user = server.authority.endpoint_group(&permit, number).await.unwrap().id;
    assert_eq!(server.get(&format!("/telephony_credentials/{user}")).await.codes(), "404 10005");
}

#[tokio::test]
async fn n67_switching_a_connection_off_shuts_everything_below_out() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let path = format!("/credential_connections/{}", account.connection);
    let token = server.token(&account.credential).await;
    assert_eq!(account.ways(&server, &token).await, ["accepted"; 3]);
    assert_eq!(server.patch(&path, json!({ "active": false })).await.json()["data"]["active"], false);
    assert_eq!(account.ways(&server, &token).await, ["disabled"; 3]);
    assert_eq!(server.patch(&path, json!({ "active": true })).await.json()["data"]["active"], true);
    assert_eq!(account.ways(&server, &token).await, ["session_revoked", "accepted", "accepted"]);
}

#[tokio::test]
async fn n90_a_deleted_credential_stays_dead() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let token = server.token(&account.credential).await;
    let path = format!("/telephony_credentials/{}", account.credential["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).await.status, 200);
    assert_eq!(account.ways(&server, &token).await, ["identity_suspended", "invalid_credentials", "accepted"]);
    assert_eq!(server.delete(&format!("/credential_connections/{}", account.connection)).await.status, 200);
    assert_eq!(server.login("phones", "otter glass violet").await, "invalid_credentials");
    // The name may be used again, by somebody else.
    let again = server.connection("phones").await;
    assert_ne!(again, account.connection);
    assert_eq!(server.login_token(&token).await, "identity_suspended");
}

#[tokio::test]
async fn n90_a_deleted_connection_takes_its_credentials_along() {
    let server = Server::start().await;
    let account = Account::of(&server).await;
    let token = server.token(&account.credential).await;
    assert_eq!(server.delete(&format!("/credential_connections/{}", account.connection)).await.status, 200);
    let dead = ["identity_suspended", "invalid_credentials", "invalid_credentials"];
    assert_eq!(account.ways(&server, &token).await, dead);
    let path = format!("/telephony_credentials/{}", account.credential["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.codes(), "404 10005");
    assert_eq!(server.get("/telephony_credentials").await.json()["meta"]["total_results"], 0);
}

#[tokio::test]
async fn a_body_that_is_no_object_is_malformed() {
    let server = Server::start().await;
    let sent = async |body: &str| -> Answer {
        server.ask("POST", "/credential_connections").body(body.to_owned()).send().await
    };
    for body in ["{", "[]", "\"text\"", "null", "17", "{\"a\":1}}", "connection_name=x", "\u{feff}{}"] {
        assert_eq!(sent(body).await.codes(), "400 10015", "{body}");
    }
    let deep = format!("{}{}", "{\"a\":".repeat(500), "}".repeat(500));
    assert_eq!(sent(&deep).await.codes(), "400 10015");
    assert_eq!(sent("").await.codes(), "422 10004");
    let long = json!({ "connection_name": "x".repeat(300) }).to_string();
    assert_eq!(sent(&long).await.codes(), "422 10015");
    let huge = json!({ "connection_name": "x".repeat(1_100_000) }).to_string();
    assert_eq!(sent(&huge).await.status, 413);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_told_in_the_envelope() {
    let server = Server::start().await;
    for (method, path) in [("GET", "/"), ("GET", "/phone_numbers"), ("PUT", "/credential_connections")] {
        assert_eq!(server.ask(method, path).send().await.codes(), "404 10005", "{method} {path}");
    }
}

#[tokio::test]
async fn the_host_of_the_dialect_has_the_same_at_its_root() {
    let server = Server::start().await;
    let asked = server.ask("GET", "").at("/v2/credential_connections").header("host", "telnyx.localhost:7080");
    assert_eq!(asked.send().await.status, 200);
}
