//! Tokens for REST clients, and JWTs that we sign.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::{caller::Scope, project::Compat};
use serde_json::{Value, json};

use super::server::{EMAIL, KEY, PASSWORD, Server, claims_of};
use crate::support::Answer;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn credentials() -> String {
    format!("username={EMAIL}&password={}", PASSWORD.replace(' ', "+"))
}

fn compatible() -> Compat {
    Compat { token_in_query: true, ..Compat::default() }
}

#[tokio::test]
async fn a_password_gets_a_token_by_form_by_json_and_by_multipart_on_both_paths() {
    let t = Server::start().await;
    for path in ["/api/v3/token", "/api/token"] {
        let asked = [
            t.ask("POST", path).form(&format!("grant_type=password&{}", credentials())),
            t.ask("POST", path).json(&json!({ "username": EMAIL, "password": PASSWORD })),
            t.ask("POST", &format!("{path}?grant_type=password")).form(&credentials()),
            t.ask("POST", path).multipart(&[("username", EMAIL), ("password", PASSWORD)]),
        ];
        for asked in asked {
            let answer = asked.send().await;
            let token = answer.text("/access_token");
            let created_at = format!("{}+00:00", &t.clock_text()[..19]);
            let expected = json!({ "access_token": token, "created_at": created_at, "expires_in": 86_400 });
            assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
            assert_eq!(t.get("/api/v2/checkToken", &token).await.status, 200);
        }
    }
}

impl Server {
    fn clock_text(&self) -> String {
        self.ctx().now.rfc3339()
    }
}

#[tokio::test]
async fn n40_a_password_in_the_query_counts_only_where_that_is_switched_on_and_is_audited() {
    let t = Server::start().await;
    let path = format!("/api/v3/token?grant_type=password&{}", credentials());
    assert_snapshot!(t.ask("POST", &path).send().await, @r#"403 {"error":"not_supported","message":"a password or a token in the query is not supported here"}"#);
    let t = Server::start_with(compatible()).await;
    assert_eq!(t.ask("POST", &path).send().await.status, 200);
    let wrong = format!("/api/v3/token?username={EMAIL}&password=wrong");
    assert_snapshot!(t.ask("POST", &wrong).send().await, @r#"401 {"error":"invalid_credentials","message":"invalid credentials"}"#);
}

#[tokio::test]
async fn what_a_token_request_says_twice_or_unclearly_is_refused() {
    let t = Server::start_with(compatible()).await;
    let refused = async |query: &str, body: &str| {
        t.ask("POST", &format!("/api/v3/token{query}")).form(body).send().await.to_string()
    };
    assert_snapshot!(refused("", "grant_type=client_credentials").await, @r#"400 {"code":10,"details":"Parameter grant_type","error":"invalid","message":"the input is invalid"}"#);
    assert_snapshot!(refused("?username=x", &credentials()).await, @r#"400 {"code":10,"details":"Parameter body","error":"invalid","message":"the input is invalid"}"#);
    assert_snapshot!(refused("", &format!("{}&username=x", credentials())).await, @r#"400 {"code":10,"details":"Parameter query","error":"invalid","message":"the input is invalid"}"#);
    assert_snapshot!(refused("", "password=x").await, @r#"400 {"code":10,"details":"Parameter username","error":"invalid","message":"the input is invalid"}"#);
    let nested = t.ask("POST", "/api/v3/token").json(&json!({ "username": { "a": 1 }, "password": "x" })).send().await;
    assert_eq!(nested.status, 400);
}

#[tokio::test]
async fn a_back_end_s_jwt_gets_a_token_that_lives_no_longer_and_dies_by_revoking() {
    let t = Server::start().await;
    let jwt = t.jwt("heidi", &json!({}));
    let grant =
        async || t.ask("POST", "/api/v3/token").form(&format!("grant_type={GRANT}&assertion={jwt}")).send().await;
    let answer = grant().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["expires_in"]), (200, &json!(3600)));
    let token = answer.text("/access_token");
    let me = t.get("/api/v2/users/me", &token).await.json();
    assert_eq!((&me["userId"], &me["nickname"]), (&json!("heidi"), &json!("heidi")));
    assert_eq!(t.shown("heidi", &jwt).await, "in");
    let revoked = t.ask("POST", "/api/v3/token/revoke").bearer(&token).send().await;
    assert_eq!((revoked.status.as_u16(), revoked.json()), (200, json!({ "access_token": token })));
    assert_eq!(t.get("/api/v2/checkToken", &token).await.status, 401);
    assert_snapshot!(grant().await, @r#"401 {"error":"session_revoked","message":"the session was revoked"}"#);
    assert_eq!(t.shown("heidi", &jwt).await, "refused: jwt revoked");
    for bad in ["nonsense".to_owned(), t.jwt("ApiKey_Token", &json!({})), t.jwt("x", &json!({ "sub": "nowhere" }))] {
        let answer = t.ask("POST", "/api/v3/token").form(&format!("grant_type={GRANT}&assertion={bad}")).send().await;
        assert!([401, 404].contains(&answer.status.as_u16()), "{answer}");
    }
}

#[tokio::test]
async fn the_eleventh_rest_request_of_a_minute_waits_and_the_library_does_not() {
    let t = Server::start().await;
    let token = t.login().await;
    let path = format!("/api/v3/enterprises/{}/users", t.project.id);
    for _ in 0..9 {
        assert_eq!(t.get(&path, &token).await.status, 200);
    }
    // By name and by token it is one count.
    let by_name = async || t.ask("POST", "/api/v3/token").form(&credentials()).send().await;
    assert_eq!(by_name().await.status, 200);
    t.clock.advance(Duration::from_secs(20));
    for answer in [t.get(&path, &token).await, by_name().await] {
        assert_eq!(answer.to_string(), r#"429 {"error":"throttled","message":"too many attempts"}"#);
        assert_eq!([answer.header("x-ratelimit-reset"), answer.header("retry-after")], ["40", "40"]);
    }
    assert_eq!(t.get("/api/v2/users/me", &token).await.status, 200);
    t.clock.advance(Duration::from_secs(40));
    assert_eq!(t.get(&path, &token).await.status, 200);
}

async fn jwt_for(t: &Server, bearer: &str, body: &Value) -> Answer {
    t.ask("POST", "/api/v3/jwt").bearer(bearer).json(body).send().await
}

#[tokio::test]
async fn an_account_gets_its_own_jwt_with_the_claims_of_the_sheet() {
    let t = Server::start().await;
    let token = t.login().await;
    let answer = jwt_for(&t, &token, &json!({ "apiKey": KEY })).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["expires_in"]), (200, &json!(3600)));
    let jwt = answer.text("/token");
    let mut claims = claims_of(&jwt);
    assert_eq!(claims["jti"].take().as_str().unwrap().len(), 36);
    let now = t.ctx().now.seconds();
    let id = t.agent.id.to_string();
    let expected = json!({
        "sub": KEY, "aud": "apiRTC", "grants": { "apiRTC_UserAgent_Id": id }, "iat": now, "exp": now + 3600, "jti": null,
    });
    assert_eq!(claims, expected);
    assert_eq!(t.shown(&id, &jwt).await, "in");
    assert_eq!(t.shown("somebody", &jwt).await, "refused: invalid token");
    t.authority.suspend_identity(&t.ctx(), &t.permit(), t.agent.id, true).await.unwrap();
    assert_eq!(t.shown(&id, &jwt).await, "44{\"message\":\"not authorized");
    let long = jwt_for(&t, &token, &json!({ "apiKey": KEY, "expires_in": 1 })).await;
    assert_eq!(long.status, 403, "{long}");
}

#[tokio::test]
async fn nobody_gets_a_jwt_for_somebody_else_or_another_application() {
    let t = Server::start().await;
    let token = t.login().await;
    for (body, shown) in [
        (
            json!({ "apiKey": KEY, "userId": "eve" }),
            r#"404 {"error":"not_found","message":"there is no such identity"}"#,
        ),
        (
            json!({ "apiKey": "x" }),
            r#"403 {"error":"app_mismatch","message":"the credential is not for this application"}"#,
        ),
        (
            json!({}),
            r#"400 {"code":10,"details":"Parameter apiKey","error":"invalid","message":"the input is invalid"}"#,
        ),
        (
            json!({ "apiKey": KEY, "expires_in": "soon" }),
            r#"400 {"code":10,"details":"Parameter expires_in","error":"invalid","message":"the input is invalid"}"#,
        ),
    ] {
        assert_eq!(jwt_for(&t, &token, &body).await.to_string(), shown);
    }
    let long = jwt_for(&t, &token, &json!({ "apiKey": KEY, "expires_in": 9_999_999 })).await;
    assert_eq!(long.json()["expires_in"], 86_400);
}

#[tokio::test]
async fn n87_a_back_end_gets_jwts_by_its_key_and_nobody_by_the_publishable_one_or_from_a_page() {
    let t = Server::start().await;
    let key = t.api_key(&[Scope::TokensIssue]).await;
    let body = json!({ "apiKey": KEY, "userId": "heidi", "expires_in": 60 });
    let answer = jwt_for(&t, &key, &body).await;
    assert_eq!(t.shown("heidi", &answer.text("/token")).await, "in");
    let page =
        t.ask("POST", "/api/v3/jwt").bearer(&key).header("origin", "https://page.example").json(&body).send().await;
    assert_snapshot!(page, @r#"403 {"error":"forbidden","message":"not permitted, needs tokens:issue"}"#);
    assert_eq!(jwt_for(&t, KEY, &body).await.status, 401);
    let weak = t.api_key(&[Scope::IdentitiesRead]).await;
    assert_eq!(jwt_for(&t, &weak, &body).await.status, 403);
    assert_eq!(jwt_for(&t, &key, &json!({ "apiKey": KEY })).await.status, 400);
    assert_eq!(t.get("/api/v2/users/me", &key).await.status, 401, "a key is no user");
    let in_query = t.ask("POST", &format!("/api/v3/jwt?access_token={key}")).json(&body).send().await;
    assert_eq!(in_query.status, 401);
}

#[tokio::test]
async fn the_platform_hears_whether_a_token_is_a_user_s_where_that_is_switched_on() {
    let t = Server::start_with(compatible()).await;
    let asked = async |user: &str, token: &str| {
        let path =
            format!("/api/v3/third-party?userId={user}&apiKey={KEY}&token={token}&webSiteUrl=https://page.example");
        t.ask("GET", &path).send().await.to_string()
    };
    let jwt = t.jwt("heidi", &json!({}));
    assert_eq!(asked("heidi", &jwt).await, r#"200 {"result":true}"#);
    assert_eq!(asked("ivan", &jwt).await, r#"200 {"result":false}"#);
    assert_eq!(asked("heidi", "nonsense").await, r#"200 {"result":false}"#);
    assert_eq!(asked("heidi", "null").await, r#"200 {"result":false}"#);
    let own = t.login().await;
    assert_eq!(asked(&t.agent.id.to_string(), &own).await, r#"200 {"result":true}"#);
    assert_eq!(asked("heidi", &own).await, r#"200 {"result":false}"#);
    let off = Server::start().await;
    let path = format!("/api/v3/third-party?userId=heidi&apiKey={KEY}&token={}", off.jwt("heidi", &json!({})));
    assert_snapshot!(off.ask("GET", &path).send().await, @r#"403 {"error":"not_supported","message":"a token in the query is not supported here"}"#);
}
