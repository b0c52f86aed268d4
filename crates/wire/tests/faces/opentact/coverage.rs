//! What needs a credential and what does not, walked from the table.

use ringfence_wire::{Access, DIALECTS, Endpoint};
use serde_json::json;

use super::server::{Server, lenient};
use crate::support::Answer;

fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    let dialect = DIALECTS.iter().find(|dialect| dialect.name == "opentact").unwrap();
    dialect.endpoints.iter().filter(|endpoint| endpoint.path != "/")
}

async fn ask(t: &Server, endpoint: &Endpoint, shown: Option<(&str, &str)>) -> Answer {
    let path = endpoint.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
    let path = path.collect::<Vec<_>>().join("/");
    let asked = t.root(endpoint.method, &format!("/opentact{path}"));
    let asked = if ["POST", "PATCH"].contains(&endpoint.method) { asked.json(&json!({})) } else { asked };
    match shown {
        Some((header, value)) => asked.header(header, value).send().await,
        None => asked.send().await,
    }
}

#[tokio::test]
async fn open_endpoints_answer_whoever_asks_and_closed_ones_do_not_challenge() {
    let t = Server::start().await;
    for endpoint in endpoints() {
        let answer = ask(&t, endpoint, None).await;
        let name = format!("{} {}: {answer}", endpoint.method, endpoint.path);
        if endpoint.access == Access::Open {
            assert!(answer.status == 400 || answer.status == 404, "{name}");
            let stale = ask(&t, endpoint, Some(("x-auth-token", "stale"))).await;
            assert_eq!(stale.status, answer.status, "{name}");
        } else {
            assert_eq!(answer.status, 401, "{name}");
        }
        assert_eq!(answer.header("www-authenticate"), "", "{name}");
        assert_eq!(answer.header("content-type"), "application/json", "{name}");
        assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    }
}

#[tokio::test]
async fn closed_endpoints_take_every_method_and_no_weak_token() {
    let t = Server::start_with(lenient()).await;
    let ann = t.user("ann").await;
    for endpoint in endpoints().filter(|endpoint| endpoint.access != Access::Open) {
        let name = format!("{} {}", endpoint.method, endpoint.path);
        for token in ["null", "undefined", "eyJhbGciOiJub25lIn0.e30.", "rfv_x", "x"] {
            assert_eq!(ask(&t, endpoint, Some(("x-auth-token", token))).await.status, 401, "{name} with {token}");
        }
        let key = format!("Bearer {}", t.key(&ann, 60).await);
        let shown = [
            // First, for the others throw it away.
            ("authorization", key.as_str()),
            ("authorization", &ann.basic),
            ("x-auth-token", &ann.jwt),
            ("x-auth-google-token", "g gina"),
            ("x-auth-facebook-token", "f fay"),
        ];
        for (header, value) in shown {
            let status = ask(&t, endpoint, Some((header, value))).await.status;
            if endpoint.path.starts_with("/rest/app") {
                // An account is no SIP user, and its password not that of a phone.
                assert_eq!(status.as_u16(), if value == ann.basic { 401 } else { 403 }, "{name} with {header}");
            } else {
                assert_ne!(status, 401, "{name} with {header}");
            }
        }
    }
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_refused_in_the_envelope() {
    let t = Server::start().await;
    for (method, path) in [("GET", "/rest/me"), ("POST", "/rest/auth"), ("GET", "/v1/accounts.json"), ("POST", "/init")]
    {
        let answer = t.root(method, &format!("/opentact{path}")).send().await;
        let text = answer.to_string();
        assert!(text.starts_with(r#"404 application/json {"message":"Not found""#), "{method} {path}: {text}");
    }
    // At the root of its own host, too.
    let own = t.root("GET", "/rest/auth").header("host", "opentact.localhost:7080").send().await;
    assert_eq!((own.status.as_u16(), own.json()["success"].clone()), (401, json!(false)));
}
