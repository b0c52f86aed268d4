//! JWTs on the channel: N01 to N04, N07, N10 to N15, N17, N19, N21 to N24 as this face meets them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    application::ApplicationSettings,
    entropy::OsEntropy,
    jose::{Alg, SigningKeyPair},
};
use serde_json::{Value, json};

use super::server::{KEY, SECRET, Server};

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn n01_no_algorithm_is_none_of_ours() {
    let t = Server::start().await;
    let claims = encode(&t.claims("eve", &json!({})));
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        for signature in ["", "AAAA"] {
            let jwt = format!("{}.{claims}.{signature}", encode(&json!({ "alg": alg, "typ": "JWT" })));
            assert!(t.shown("eve", &jwt).await.starts_with("refused: "), "{alg}");
        }
    }
    let genuine = t.jwt("eve", &json!({}));
    let (unsigned, _) = genuine.rsplit_once('.').unwrap();
    assert_eq!(t.shown("eve", &format!("{unsigned}.")).await, "refused: invalid signature");
}

#[tokio::test]
async fn n02_n03_only_hs256_with_the_application_s_secret_counts() {
    let t = Server::start().await;
    for alg in [Alg::HS384, Alg::HS512] {
        let secret = SECRET.repeat(2);
        assert_eq!(t.shown("eve", &t.jwt_by(alg, &secret, "eve", &json!({}))).await, "refused: invalid algorithm");
    }
    for alg in [Alg::RS256, Alg::EdDSA] {
        let pair = SigningKeyPair::generate(alg, &OsEntropy).unwrap();
        let jwt = pair.mint(None, "JWT", &t.claims("eve", &json!({}))).unwrap();
        assert_eq!(t.shown("eve", jwt.expose()).await, "refused: invalid algorithm", "{alg:?}");
    }
    // Our own algorithm, somebody else's key; and our published key as a secret.
    let pair = SigningKeyPair::generate(Alg::ES256, &OsEntropy).unwrap();
    let jwt = pair.mint(Some("x"), "JWT", &t.claims("eve", &json!({}))).unwrap();
    assert!(t.shown("eve", jwt.expose()).await.starts_with("refused: "));
    t.login().await;
    let keys = t.ask_root("GET", "/.well-known/jwks.json").send().await.json();
    let public = keys["keys"][0]["x"].as_str().unwrap();
    assert_eq!(t.shown("eve", &t.jwt_by(Alg::HS256, public, "eve", &json!({}))).await, "refused: invalid signature");
}

#[tokio::test]
async fn n07_a_changed_token_is_none() {
    let t = Server::start().await;
    let jwt = t.jwt("eve", &json!({}));
    let other = t.jwt("adam", &json!({}));
    let (head, signature) = jwt.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    for bad in [
        format!("{head}.{flipped}{}", &signature[1..]),
        format!("{head}.{}", other.rsplit_once('.').unwrap().1),
        format!("{jwt}.x"),
        format!("{head}.{signature}="),
        json!({ "payload": "x", "signatures": [] }).to_string().replace(['{', '}', '"', '[', ']'], "_"),
    ] {
        assert!(t.shown("eve", &bad).await.starts_with("refused: "), "{bad}");
    }
}

#[tokio::test]
async fn n13_n14_the_application_is_the_one_of_the_query_and_its_issuer_alone_speaks() {
    let t = Server::start().await;
    let (other, secret) = ("fedcba9876543210fedcba9876543210", "uB}1Zq\"R:9]lW0Lq7f(Q<`4+xkV2@hYt$5cN8^mAoE=#");
    t.application(other, secret, ApplicationSettings::default()).await;
    // Rightly signed for the other application, and claiming to be for this one.
    assert_eq!(t.shown("eve", &t.jwt_by(Alg::HS256, secret, "eve", &json!({}))).await, "refused: invalid signature");
    assert_eq!(
        t.shown("eve", &t.jwt_by(Alg::HS256, secret, "eve", &json!({ "sub": other }))).await,
        "refused: invalid signature"
    );
    // Signed here, and claiming to be for the other one.
    assert_eq!(t.shown("eve", &t.jwt("eve", &json!({ "sub": other }))).await, "refused: jwt subject invalid");
    for sub in [Value::Null, json!(""), json!(7), json!([KEY])] {
        assert!(t.shown("eve", &t.jwt("eve", &json!({ "sub": sub }))).await.starts_with("refused: "), "{sub}");
    }
    // Whoever else it names as its issuer does not matter: nobody is asked.
    let jwt = t.jwt("eve", &json!({ "iss": "https://evil.example" }));
    assert_eq!(t.shown("eve", &jwt).await, "in");
}

#[tokio::test]
async fn n15_the_audience_is_exactly_this_one() {
    let t = Server::start().await;
    for aud in [json!("other"), Value::Null, json!([]), json!(["apiRTC", "other"]), json!("apirtc"), json!("apiRTC ")] {
        assert_eq!(
            t.shown("eve", &t.jwt("eve", &json!({ "aud": aud }))).await,
            "refused: jwt audience invalid",
            "{aud}"
        );
    }
    assert_eq!(t.shown("eve", &t.jwt("eve", &json!({ "aud": 7 }))).await, "refused: invalid token");
}

#[tokio::test]
async fn n22_times_are_numbers_and_an_end_is_there() {
    let t = Server::start().await;
    for wrong in [
        json!({ "exp": null }),
        json!({ "exp": "9999999999" }),
        json!({ "exp": -1 }),
        json!({ "exp": [1] }),
        json!({ "nbf": "0" }),
        json!({ "iat": true }),
    ] {
        assert_eq!(t.shown("eve", &t.jwt("eve", &wrong)).await, "refused: invalid token", "{wrong}");
    }
}

#[tokio::test]
async fn n23_a_token_has_its_time_and_no_more() {
    let t = Server::start().await;
    let now = t.ctx().now.seconds();
    for (wrong, reason) in [
        (json!({ "exp": now }), "jwt expired"),
        (json!({ "exp": now - 31_536_000, "iat": now - 31_540_000 }), "jwt expired"),
        (json!({ "nbf": now + 61 }), "jwt not active"),
        (json!({ "iat": now + 61, "exp": now + 100 }), "jwt not active"),
        (json!({ "exp": now + 86_401 }), "maxAge exceeded"),
        (json!({ "exp": now + 86_401, "iat": null }), "maxAge exceeded"),
    ] {
        assert_eq!(t.shown("eve", &t.jwt("eve", &wrong)).await, format!("refused: {reason}"), "{wrong}");
    }
    assert_eq!(t.shown("eve", &t.jwt("eve", &json!({ "exp": now + 86_400 }))).await, "in");
}

#[tokio::test]
async fn the_user_is_the_one_that_the_query_names() {
    let t = Server::start().await;
    let jwt = t.jwt("eve", &json!({}));
    for other in ["Eve", "eve%20", "adam", "eve%00", "ApiKey_Token"] {
        assert_ne!(t.shown(other, &jwt).await, "in", "{other}");
    }
    for grants in
        [json!({}), json!("eve"), json!({ "apiRTC_UserAgent_Id": ["eve"] }), json!({ "apiRTC_UserAgent_Id": "" })]
    {
        assert_eq!(t.shown("eve", &t.jwt("eve", &json!({ "grants": grants }))).await, "refused: invalid token");
    }
    assert_eq!(t.shown("42", &t.jwt("x", &json!({ "grants": { "apiRTC_UserAgent_Id": 42 } }))).await, "in");
}

#[tokio::test]
async fn a_token_for_any_user_counts_only_where_that_is_switched_on() {
    let t = Server::start().await;
    let jwt = t.jwt("ApiKey_Token", &json!({}));
    assert_eq!(t.shown("eve", &jwt).await, "refused: invalid token");
    let settings = ApplicationSettings { assertion_wildcard: true, ..ApplicationSettings::default() };
    let ctx = t.ctx();
    t.authority.configure_application(&ctx, &t.permit(), t.application.id, settings, vec![]).await.unwrap();
    assert_eq!(t.shown("eve", &jwt).await, "in");
    assert_eq!(t.shown("adam", &jwt).await, "in");
    let agent = t.agent.id.to_string();
    assert_ne!(t.shown(&agent, &jwt).await, "in", "no account is any user of the issuer's");
}

#[tokio::test]
async fn n19_n21_kinds_of_tokens_are_kept_apart() {
    let t = Server::start().await;
    let (agent, token) = (t.agent.id.to_string(), t.login().await);
    assert_eq!(t.shown(&agent, &token).await, "in", "an access token of ours is its account's");
    assert_ne!(t.shown("eve", &token).await, "in");
    let ticket = t.get("/api/v2/users/me", &token).await.text("/ccs").split_once('/').unwrap().1.to_owned();
    assert!(t.shown(&agent, &ticket).await.starts_with("refused: "));
    for (bearer, code) in [(ticket, "token_type"), (t.jwt("eve", &json!({})), "token_type")] {
        assert_eq!(t.get("/api/v2/users/me", &bearer).await.text("/error"), code);
    }
    let guest = t.ask("GET", &format!("/api/v2/preferredCCS?apiKey={KEY}")).send().await;
    let guest = guest.text("/ccs").split_once('/').unwrap().1.to_owned();
    assert_eq!(t.get("/api/v2/users/me", &guest).await.text("/error"), "token_type");
}
