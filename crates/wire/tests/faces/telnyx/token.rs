//! Login tokens.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::time::Clock as _;
use serde_json::{Value, json};

use super::server::Server;

const DAY: Duration = Duration::from_hours(24);

fn part(token: &str, nth: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(nth).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_token_endpoint_answers_with_the_bare_token() {
    let server = Server::start().await;
    let credential = server.credential(&server.connection("phones").await).await;
    let path = format!("/telephony_credentials/{}/token", credential["id"].as_str().unwrap());
    // Python says that its empty body is JSON.
    for asked in [server.ask("POST", &path), server.ask("POST", &path).header("content-type", "application/json")] {
        let answer = asked.header("accept", "text/plain").send().await;
        assert_eq!(answer.status, 201);
        assert!(answer.header("content-type").starts_with("text/plain"));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.body.matches('.').count(), 2);
        assert!(answer.body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    }
}

#[tokio::test]
async fn the_claims_are_those_of_the_reference() {
    let server = Server::start().await;
    let credential = server.credential(&server.connection("phones").await).await;
    let token = server.token(&credential).await;
    let header = part(token.expose(), 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("HS512"), &json!("JWT")));
    let claims = part(token.expose(), 1);
    let names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "jti", "nbf", "sub", "tel_token", "typ"]);
    let now = server.clock.now().seconds();
    assert_eq!(claims["aud"], "telnyx_telephony");
    assert_eq!(claims["iss"], "telnyx_telephony");
    assert_eq!(claims["iat"], now);
    assert_eq!(claims["nbf"], now - 1);
    assert_eq!(claims["exp"], now + 86_400);
    assert_eq!(claims["sub"], credential["id"]);
    assert_eq!(claims["typ"], "access");
    assert_eq!(claims["tel_token"].as_str().unwrap().len(), 128);
    assert_eq!(URL_SAFE_NO_PAD.decode(token.expose().rsplit('.').next().unwrap()).unwrap().len(), 64);
}

#[tokio::test]
async fn a_browsers_decoder_reads_the_payload_of_every_token() {
    let server = Server::start().await;
    let credential = server.credential(&server.connection("phones").await).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let token = server.token(&credential).await;
        let payload = token.expose().split('.').nth(1).unwrap().to_owned();
        assert!(!payload.contains(['-', '_']), "{payload}");
        assert!(seen.insert(payload), "each token is another one");
    }
}

#[tokio::test]
async fn a_token_ends_with_its_credential_if_that_is_sooner() {
    let server = Server::start().await;
    let credential = server.credential(&server.connection("phones").await).await;
    let path = format!("/telephony_credentials/{}", credential["id"].as_str().unwrap());
    server.patch(&path, json!({ "expires_at": server.later(Duration::from_hours(1)) })).await;
    let token = server.token(&credential).await;
    assert_eq!(part(token.expose(), 1)["exp"], server.clock.now().seconds() + 3600);
}

#[tokio::test]
async fn a_token_dies_at_its_exp() {
    let server = Server::start().await;
    let credential = server.credential(&server.connection("phones").await).await;
    let token = server.token(&credential).await;
    server.clock.advance(DAY.saturating_sub(Duration::from_millis(1)));
    assert_eq!(server.login_token(&token).await, "accepted");
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.login_token(&token).await, "token_expired");
}

#[tokio::test]
async fn no_token_is_issued_for_what_could_not_use_it() {
    let server = Server::start().await;
    let connection = server.connection("phones").await;
    let credential = server.credential(&connection).await;
    let path = format!("/telephony_credentials/{}/token", credential["id"].as_str().unwrap());
    server.patch(&format!("/credential_connections/{connection}"), json!({ "active": false })).await;
    insta::assert_snapshot!(server.ask("POST", &path).send().await, @r#"
    422 {
      "errors": [
        {
          "code": "10015",
          "detail": "The credential connection is not active.",
          "meta": {
            "url": "https://developers.telnyx.com/docs/overview/errors/10015"
          },
          "title": "Bad Request"
        }
      ]
    }
    "#);
    assert_eq!(server.ask("POST", "/telephony_credentials/x/token").send().await.codes(), "404 10006");
}
