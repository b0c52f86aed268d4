//! What the library asks before it opens the channel.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use ringfence_core::{
    application::{ApplicationSettings, WayIn},
    session::SessionsOf,
};
use serde_json::json;

use super::server::{EMAIL, KEY, Server, claims_of};
use crate::support::Answer;

const OTHER: &str = "fedcba9876543210fedcba9876543210";
const OTHER_SECRET: &str = "uB}1Zq\"R:9]lW0Lq7f(Q<`4+xkV2@hYt$5cN8^mAoE=#";

async fn preferred(t: &Server, query: &str) -> Answer {
    t.ask("GET", &format!("/api/v2/preferredCCS?{query}")).send().await
}

#[tokio::test]
async fn the_channel_of_an_application_is_ours_with_a_ticket_for_a_guest() {
    let t = Server::start().await;
    let answer = preferred(&t, &format!("apiKey={KEY}")).await;
    let ticket = answer.text("/ccs").split_once('/').unwrap().1.to_owned();
    assert!(ticket.starts_with("rfg_"));
    t.call(&ticket, "ticket");
    let again = preferred(&t, &format!("apiKey={KEY}")).await;
    assert_ne!(again.text("/ccs"), answer.text("/ccs"));
    assert_eq!(answer.body.replace(&ticket, "{ticket}"), r#"{"ccs":"auth.example.org/{ticket}","secure":true}"#);
}

#[tokio::test]
async fn a_key_that_is_wrong_missing_or_there_twice_is_refused() {
    let t = Server::start().await;
    assert_snapshot!(preferred(&t, "apiKey=x").await, @r#"401 {"error":"invalid_credentials","message":"invalid credentials"}"#);
    assert_snapshot!(preferred(&t, "").await, @r#"400 {"code":10,"details":"Parameter apiKey","error":"invalid","message":"the input is invalid"}"#);
    assert_snapshot!(preferred(&t, &format!("apiKey={KEY}&apiKey=x")).await, @r#"400 {"code":10,"details":"Parameter query","error":"invalid","message":"the input is invalid"}"#);
    t.authority.disable_application(&t.ctx(), &t.permit(), t.application.id, true).await.unwrap();
    assert_snapshot!(preferred(&t, &format!("apiKey={KEY}")).await, @r#"401 {"error":"invalid_credentials","message":"invalid credentials"}"#);
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_where_the_application_says_nothing_else() {
    let t = Server::start().await;
    let settings = ApplicationSettings {
        allowed_origins: vec!["https://good.example".to_owned()],
        ..ApplicationSettings::default()
    };
    t.application(OTHER, OTHER_SECRET, settings).await;
    let asked = |key: &str, origin: &'static str| {
        t.ask("GET", &format!("/api/v2/preferredCCS?apiKey={key}")).header("origin", origin).send()
    };
    for (key, origin, status) in [
        (KEY, "https://any.example", 200),
        (OTHER, "https://good.example", 200),
        (OTHER, "https://evil.example", 403),
        (OTHER, "null", 403),
    ] {
        let answer = asked(key, origin).await;
        assert_eq!(answer.status, status, "{origin}: {answer}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("vary"), "Origin");
    }
    let preflight = t.ask("OPTIONS", "/api/v2/users/me").header("origin", "https://any.example").send().await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-headers"), "authorization, content-type");
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, POST");
}

#[tokio::test]
async fn a_password_is_answered_with_a_token_and_a_wrong_one_with_401() {
    let t = Server::start().await;
    let token = t.login().await;
    let claims = claims_of(&token);
    assert_eq!(claims["sub"], t.agent.id.to_string());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);
    assert!(!token.contains(':'), "the library would cut it there");
    let wrong = t.authenticate("wrong").await;
    assert_snapshot!(wrong, @r#"401 {"error":"invalid_credentials","message":"invalid credentials"}"#);
    let nobody =
        t.ask("POST", "/api/v3/authenticate").multipart(&[("username", "nobody@example.org"), ("password", "x")]);
    assert_eq!(nobody.send().await.to_string(), wrong.to_string());
    let half = t.ask("POST", "/api/v3/authenticate").multipart(&[("username", EMAIL)]).send().await;
    assert_snapshot!(half, @r#"400 {"code":10,"details":"Parameter password","error":"invalid","message":"the input is invalid"}"#);
    let empty = t.ask("POST", "/api/v3/authenticate").multipart(&[]).send().await;
    assert_snapshot!(empty, @r#"400 {"code":10,"details":"Parameter username","error":"invalid","message":"the input is invalid"}"#);
    let broken = t.ask("POST", "/api/v3/authenticate").raw("multipart/form-data; boundary=x", "nonsense").send().await;
    assert_snapshot!(broken, @r#"400 {"code":10,"details":"Parameter body","error":"invalid","message":"the input is invalid"}"#);
}

#[tokio::test]
async fn an_account_hears_who_it_is_and_where_its_own_channel_is() {
    let t = Server::start().await;
    let token = t.login().await;
    t.call(&token, "token");
    let me = t.get("/api/v2/users/me", &token).await;
    let ticket = me.text("/ccs").split_once('/').unwrap().1.to_owned();
    t.call(&ticket, "ticket");
    assert!(ticket.starts_with("rfs_"));
    let shown = me.to_string().replace(&ticket, "{ticket}");
    assert_snapshot!(shown, @r#"200 {"apiKey":"0123456789abcdef0123456789abcdef","ccs":"auth.example.org/{ticket}","enterpriseId":"{enterprise}","mail":"agent@example.org","nickname":"Agent Ann","photo_url":null,"token":"{token}","userId":"{agent}"}"#);
    let users = t.get(&format!("/api/v2/enterprises/{}/users?json=true", t.project.id), &token).await;
    assert_snapshot!(users, @r#"200 {"users":[{"id":"{agent}","photo_url":null,"username":"Agent Ann"}]}"#);
    assert_snapshot!(t.get("/api/v2/checkToken", &token).await, @r#"200 {"valid":true}"#);
}

#[tokio::test]
async fn n89_another_enterprise_is_not_there() {
    let t = Server::start().await;
    let token = t.login().await;
    for other in ["x", "0190a1b2-0000-7000-8000-000000000000", ""] {
        assert_eq!(t.get(&format!("/api/v2/enterprises/{other}/users"), &token).await.status, 404, "{other}");
    }
}

#[tokio::test]
async fn an_application_that_takes_no_passwords_is_nobody_s_home() {
    let t = Server::start().await;
    let sign_in: BTreeSet<_> = WayIn::ALL.into_iter().filter(|way| *way != WayIn::Password).collect();
    let settings = ApplicationSettings { sign_in, ..ApplicationSettings::default() };
    let token = t.login().await;
    let ctx = t.ctx();
    t.authority.configure_application(&ctx, &t.permit(), t.application.id, settings, vec![]).await.unwrap();
    assert_snapshot!(t.get("/api/v2/users/me", &token).await, @r#"404 {"error":"not_found","message":"there is no such application"}"#);
}

#[tokio::test]
async fn invalidating_a_token_ends_its_session_as_often_as_it_is_asked_for() {
    let t = Server::start().await;
    let token = t.login().await;
    let invalidate = || t.ask("POST", "/api/v2/invalidateToken").bearer(&token).multipart(&[]).send();
    assert_snapshot!(invalidate().await, @r#"200 {"invalidated":true}"#);
    assert_snapshot!(t.get("/api/v2/checkToken", &token).await, @r#"401 {"error":"session_revoked","message":"the session was revoked"}"#);
    assert_snapshot!(invalidate().await, @r#"200 {"invalidated":true}"#);
    let nonsense = t.ask("POST", "/api/v2/invalidateToken").bearer("nonsense").multipart(&[]).send().await;
    assert_snapshot!(nonsense, @r#"401 {"error":"token_unknown","message":"the token was refused: token_unknown"}"#);
    let token = t.login().await;
    let of = SessionsOf::Identity(t.agent.id);
    t.authority.revoke_sessions(&t.ctx(), &t.permit(), of).await.unwrap();
    assert_eq!(t.get("/api/v2/users/me", &token).await.status, 401);
}

#[tokio::test]
async fn n20_a_guest_s_token_and_another_face_s_are_no_account_s() {
    let t = Server::start().await;
    let line = t.line(&format!("channelId=ben&apiKey={KEY}")).await;
    line.send("40").await;
    let guest = line.messages().await[0]["JWTApzToken"].as_str().unwrap().to_owned();
    for path in ["/api/v2/users/me", "/api/v2/checkToken"] {
        let answer = t.get(path, &guest).await.to_string();
        assert_eq!(answer, r#"403 {"error":"forbidden","message":"not permitted, needs identities:read"}"#);
    }
    let asked = t.ask("POST", "/api/v3/jwt").bearer(&guest).json(&json!({ "apiKey": KEY })).send().await;
    assert_eq!(asked.status, 403);
}
