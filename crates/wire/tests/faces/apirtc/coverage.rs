//! What needs a token and what does not, walked from the table.

use ringfence_wire::{Access, DIALECTS, Endpoint};
use serde_json::json;

use super::server::Server;
use crate::support::Answer;

fn endpoints() -> &'static [Endpoint] {
    DIALECTS.iter().find(|dialect| dialect.name == "apirtc").unwrap().endpoints
}

async fn ask(t: &Server, endpoint: &Endpoint, token: Option<&str>) -> Answer {
    let asked = t.ask(endpoint.method, &endpoint.path.replace("{enterprise}", "x"));
    let asked = if endpoint.method == "POST" { asked.multipart(&[]) } else { asked };
    match token {
        Some(token) => asked.bearer(token).send().await,
        None => asked.send().await,
    }
}

#[tokio::test]
async fn open_endpoints_answer_whoever_asks_and_closed_ones_refuse_whoever_proves_nothing() {
    let t = Server::start().await;
    let eve = t.jwt("eve", &json!({}));
    for endpoint in endpoints() {
        for token in [None, Some(eve.as_str()), Some("eyJhbGciOiJub25lIn0.e30."), Some("null"), Some("undefined")] {
            let answer = ask(&t, endpoint, token).await;
            let name = format!("{} {} with {token:?}: {answer}", endpoint.method, endpoint.path);
            assert_eq!(answer.header("content-type"), "application/json", "{name}");
            assert_eq!(answer.header("vary"), "Origin", "{name}");
            assert_eq!(answer.header("cache-control"), "no-store", "{name}");
            match (endpoint.access, endpoint.path) {
                // Nothing said is a wrong answer about a token, too.
                (Access::Open, "/api/v3/third-party") => assert_eq!(answer.status, 200, "{name}"),
                (Access::Open, _) => assert_eq!(answer.status, 400, "{name}"),
                _ => assert_eq!(answer.status, 401, "{name}"),
            }
        }
    }
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_refused_in_json() {
    let t = Server::start().await;
    for (method, path) in
        [("GET", "/api/v3/authenticate"), ("DELETE", "/api/v2/users/me"), ("GET", "/"), ("GET", "/api/v9")]
    {
        let answer = t.ask(method, path).send().await;
        assert_eq!(
            answer.to_string(),
            r#"404 {"error":"not_found","message":"there is no such address that nothing answers at"}"#
                .replace("address that nothing answers at", "endpoint")
        );
    }
}
