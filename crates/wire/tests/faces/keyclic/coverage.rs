//! What needs a token and what does not, walked from the table.

use ringfence_wire::{Access, DIALECTS, Endpoint};
use serde_json::json;

use super::server::Server;
use crate::support::Answer;

fn endpoints() -> &'static [Endpoint] {
    DIALECTS.iter().find(|dialect| dialect.name == "keyclic").unwrap().endpoints
}

async fn ask(t: &Server, endpoint: &Endpoint, token: Option<&str>) -> Answer {
    let path = endpoint.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
    let path = path.collect::<Vec<_>>().join("/");
    let asked = t.ask(endpoint.method, &path);
    let asked = if ["POST", "PATCH"].contains(&endpoint.method) { asked.json(&json!({})) } else { asked };
    match token {
        Some(token) => asked.bearer(token).send().await,
        None => asked.send().await,
    }
}

#[tokio::test]
async fn open_endpoints_answer_whoever_asks_and_closed_ones_challenge() {
    let t = Server::start().await;
    for endpoint in endpoints() {
        let answer = ask(&t, endpoint, None).await;
        let name = format!("{} {}: {answer}", endpoint.method, endpoint.path);
        if endpoint.access == Access::Open {
            assert_ne!(answer.status, 401, "{name}");
            assert!(answer.status == 400 || answer.status == 404, "{name}");
            // A bad token does no harm where none is needed.
            let stale = ask(&t, endpoint, Some("eyJhbGciOiJub25lIn0.e30.")).await;
            assert_eq!(stale.status, answer.status, "{name}");
        } else {
            assert_eq!(answer.status, 401, "{name}");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"keyclic\"", "{name}");
        }
        assert_eq!(answer.header("content-type"), "application/hal+json;charset=UTF-8", "{name}");
        assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    }
}

#[tokio::test]
async fn closed_endpoints_refuse_weak_tokens() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let id_token = ann.login["idToken"].as_str().unwrap();
    for endpoint in endpoints().iter().filter(|endpoint| endpoint.access != Access::Open) {
        for token in [id_token, &ann.refresh, "null", "undefined", "eyJhbGciOiJub25lIn0.e30.", "x"] {
            let answer = ask(&t, endpoint, Some(token)).await;
            assert_eq!(answer.status, 401, "{} {} with {token}", endpoint.method, endpoint.path);
            assert!(answer.header("www-authenticate").contains("invalid_token"));
        }
        let allowed = ask(&t, endpoint, Some(&ann.access)).await.status;
        match endpoint.access {
            Access::Role(_) => {
                assert!([400, 403, 404].contains(&allowed.as_u16()), "{} {}", endpoint.method, endpoint.path);
            }
            _ => assert_eq!(allowed, 404, "{} {}", endpoint.method, endpoint.path),
        }
    }
}

#[tokio::test]
async fn what_needs_an_application_says_so_and_every_key_of_one_will_do() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    t.application(&t.project, "com.keyclic.highway").await;
    let ask = async |endpoint: &Endpoint, key: Option<&str>| {
        let path: Vec<_> =
            endpoint.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let asked = t.bare(endpoint.method, &path.join("/"));
        let asked = if endpoint.access == Access::Open { asked } else { asked.bearer(&ann.access) };
        let asked = if let Some(key) = key { asked.header("x-keyclic-app", key) } else { asked };
        if ["POST", "PATCH"].contains(&endpoint.method) {
            asked.json(&json!({})).send().await
        } else {
            asked.send().await
        }
    };
    let names_the_header = |answer: &Answer| answer.body.contains("X-Keyclic-App");
    for endpoint in endpoints() {
        let name = format!("{} {}", endpoint.method, endpoint.path);
        // The text `null` is what libraries send for nothing.
        for nothing in [None, Some("null"), Some("")] {
            let unnamed = ask(endpoint, nothing).await;
            assert_eq!(names_the_header(&unnamed), !endpoint.path.starts_with("/security/"), "{name}: {unnamed}");
            assert!(!names_the_header(&unnamed) || unnamed.status == 400, "{name}: {unnamed}");
        }
        let mut answers = Vec::new();
        for key in ["com.keyclic.app", "com.keyclic.city", "com.keyclic.highway"] {
            answers.push(ask(endpoint, Some(key)).await.to_string());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "one user base: {name}: {answers:?}");
    }
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_refused_in_hal() {
    let t = Server::start().await;
    for (method, path) in [("GET", "/me"), ("PUT", "/people"), ("GET", "/security/login"), ("GET", "/")] {
        let answer = t.ask(method, path).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (404, "application/hal+json;charset=UTF-8")
        );
    }
}
