//! Tokens: what is in them, how they are renewed, what other generations get them for.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use insta::assert_snapshot;
use ringfence_core::project::ProjectPolicy;
use serde_json::{Map, Value, json};

use super::server::Server;
use crate::support::named;

fn part(token: &str, nth: usize) -> Map<String, Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(nth).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_access_token_is_what_the_documentation_shows_and_more() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let header = part(&ann.access, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    let claims = part(&ann.access, 1);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);
    assert_snapshot!(named(&Value::Object(claims).to_string()), @r#"{"aud":"https://auth.test","exp":1795086400,"iat":1795000000,"ip":"192.0.2.1","iss":"https://auth.test","jti":"{id0}","roles":["ROLE_USER"],"sid":"{id1}","sub":"{id2}","username":"ann@example.org"}"#);
    assert_snapshot!(named(&Value::Object(part(ann.login["idToken"].as_str().unwrap(), 1)).to_string()), @r#"{"aud":"com.keyclic.app","auth_time":1795000000,"email":"ann@example.org","email_verified":false,"exp":1795086400,"iat":1795000000,"iss":"https://auth.test","preferred_username":"ann@example.org","sub":"{id0}"}"#);
    let keys = t.root("GET", "/.well-known/jwks.json").send().await.json();
    assert_eq!(keys["keys"][0]["kid"], header["kid"]);
}

#[tokio::test]
async fn the_address_is_left_out_where_the_mount_says_so() {
    let t = Server::start_with(ProjectPolicy::default(), &[("token_ip", "off")]).await;
    assert!(!part(&t.person("ann").await.access, 1).contains_key("ip"));
}

#[tokio::test]
async fn a_set_is_renewed_and_a_lost_answer_comes_again() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let renew =
        async |token: &str| t.ask("POST", "/auth/token/refresh").json(&json!({ "refreshToken": token })).send().await;
    t.world.clock.advance(Duration::from_hours(25));
    assert_eq!(t.ask("GET", "/people/x").bearer(&ann.access).send().await.json()["code"], "token_expired");
    let first = renew(&ann.refresh).await;
    assert_snapshot!(first, @r#"200 application/json {"accessToken":"{jwt}","credentials":{"administratorOf":[],"id":"{id0}","login":"ann@example.org","memberOf":[],"roles":["ROLE_USER"]},"idToken":"{jwt}","refreshToken":"{rfr_}","tokenType":"Bearer"}"#);
    assert_eq!(renew(&ann.refresh).await.json(), first.json());
    let access = first.json()["accessToken"].as_str().unwrap().to_owned();
    let path = format!("/people/{}", ann.id);
    assert_eq!(t.ask("GET", &path).bearer(&access).send().await.status, 200);
    // The path of 2017, in HAL.
    let newest = first.json()["refreshToken"].as_str().unwrap().to_owned();
    let old_way = t.bare("POST", "/security/login/refresh").json(&json!({ "refreshToken": newest })).send().await;
    assert_eq!((old_way.status.as_u16(), old_way.header("content-type")), (200, "application/hal+json;charset=UTF-8"));
    // Two generations old: stolen from somebody.
    assert_snapshot!(renew(&ann.refresh).await, @r#"401 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"session_revoked","detail":"The session has ended.","message":"The session has ended.","title":"The session has ended.","total":0,"type":"about:blank"}"#);
    assert_eq!(t.ask("GET", &path).bearer(&access).send().await.json()["code"], "session_revoked");
}

#[tokio::test]
async fn revoking_ends_the_session_with_the_next_request() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let revoke =
        async || t.ask("POST", "/auth/token/revoke").json(&json!({ "refreshToken": ann.refresh })).send().await;
    assert_snapshot!(revoke().await, @r#"200 application/json {"code":200,"message":"The token was revoked."}"#);
    assert_eq!(t.ask("GET", &format!("/people/{}", ann.id)).bearer(&ann.access).send().await.status, 401);
    assert_eq!(revoke().await.status, 401);
}

#[tokio::test]
async fn how_to_sign_in_is_the_same_for_known_and_unknown() {
    let t = Server::start_with(ProjectPolicy::default(), &[("authorization_url", "https://idp.test/authorize")]).await;
    t.person("ann").await;
    let profile = async |name: &str| t.ask("POST", "/auth/profile").json(&json!({ "username": name })).send().await;
    let known = profile("ann@example.org").await;
    assert_snapshot!(known, @r#"200 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/auth/profile"}},"connections":[{"authorizationUrl":null,"image":null,"text":null,"type":"password"},{"authorizationUrl":"https://idp.test/authorize","image":null,"text":null,"type":"enterprise"}],"firstConnection":false,"types":["password","enterprise"],"user":{"email":"ann@example.org","username":"ann@example.org"}}"#);
    let unknown = profile("zoe@example.org").await;
    assert_eq!(unknown.body.replace("zoe@", "ann@"), known.body);
    assert_eq!(profile("").await.status, 400);
}

#[tokio::test]
async fn facebook_and_companies_sign_in_through_the_port() {
    let mut policy = ProjectPolicy::default();
    for provider in ["facebook", "oidc"] {
        policy.federation.insert(provider.to_owned(), json!({ "app_id": "app-1" }));
    }
    let t = Server::start_with(policy, &[]).await;
    let facebook = async |token: &str| {
        t.bare("POST", "/security/connect/facebook").json(&json!({ "accessToken": token })).send().await
    };
    assert_snapshot!(facebook("app-1 4711").await, @r#"200 application/hal+json;charset=UTF-8 {"accessToken":"{jwt}","credentials":{"administratorOf":[],"id":"{id0}","login":"","memberOf":[],"roles":["ROLE_USER"]},"idToken":"{jwt}","refreshToken":"{rfr_}","tokenType":"Bearer"}"#);
    assert_snapshot!(facebook("app-2 4711").await, @r#"401 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"token_audience","detail":"The token is not valid.","message":"The token is not valid.","title":"The token is not valid.","total":0,"type":"about:blank"}"#);
    assert_snapshot!(facebook("down").await, @r#"503 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"unavailable","detail":"Temporarily unavailable. Try again.","message":"Temporarily unavailable. Try again.","title":"Temporarily unavailable. Try again.","total":0,"type":"about:blank"}"#);
    let enterprise = json!({ "grantType": "external_auth", "idToken": "app-1 fay fay@corp.example verified" });
    assert_snapshot!(t.ask("POST", "/auth/token").json(&enterprise).send().await, @r#"200 application/json {"accessToken":"{jwt}","credentials":{"administratorOf":[],"id":"{id0}","login":"fay@corp.example","memberOf":[],"roles":["ROLE_USER"]},"idToken":"{jwt}","refreshToken":"{rfr_}","tokenType":"Bearer"}"#);
    let other = json!({ "grantType": "password", "idToken": "x" });
    assert_eq!(t.ask("POST", "/auth/token").json(&other).send().await.status, 400);
    // The address has an account that nobody has verified.
    t.person("ann").await;
    assert_snapshot!(facebook("app-1 4712 ann@example.org").await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is already used.","message":"This value is already used.","path":"email","title":"This value is already used.","type":"about:blank"}]},"code":"conflict","detail":"This value is already used.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
}
