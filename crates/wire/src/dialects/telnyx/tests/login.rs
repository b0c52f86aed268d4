use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::session::SessionsOf;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_credential_logs_in_by_its_password_and_the_sdk_gets_ready() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut page = t.open();
    assert_snapshot!(t.say(&mut page, "login", ann.pair()).await.join("\n"), @r#"
    {"jsonrpc":"2.0","id":"r","result":{"message":"logged in","sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}
    {"jsonrpc":"2.0","id":100001,"method":"telnyx_rtc.clientReady","params":{"reattached_sessions":[]},"voice_sdk_id":"<voice-2>"}
    "#);
    assert_snapshot!(t.say(&mut page, "telnyx_rtc.gatewayState", json!({})).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{"params":{"state":"REGED"},"sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}"#);
}

#[tokio::test]
async fn a_token_and_a_connection_user_log_in_too() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let token = t.stage.token(&ann).await;
    t.logged_in(json!({ "login_token": token.expose() })).await;
    let group = ann.endpoint.group.account;
    let account = t.stage.world.store.read(move |tx| Ok(tx.endpoint(group)?)).await.unwrap().unwrap();
    let secret = t.stage.app.authority.endpoint_secret(&t.stage.world.home_permit(), &account).unwrap();
    t.logged_in(json!({ "login": account.user_name, "passwd": secret.expose() })).await;
}

#[tokio::test]
async fn with_a_pair_and_a_token_the_pair_counts() {
    let t = Telnyx::start().await;
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    let mut params = ann.pair();
    params["login_token"] = t.stage.token(&bob).await.expose().into();
    let page = t.logged_in(params).await;
    assert_eq!(page.conversation.seat.as_ref().unwrap().seat.identity, ann.endpoint.id);
}

#[tokio::test]
async fn n3_whatever_is_wrong_is_answered_with_32001_and_the_socket_stays_open() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let (good, revoked) = (t.stage.token(&ann).await, t.stage.token(&ann).await);
    // Its claims with the signature of another.
    let forged = [good.expose().rsplit_once('.').unwrap().0, revoked.expose().rsplit_once('.').unwrap().1].join(".");
    let session = session_of(revoked.expose());
    let (ctx, permit) = (t.ctx(), t.stage.world.home_permit());
    t.stage.app.authority.revoke_sessions(&ctx, &permit, SessionsOf::Session(session)).await.unwrap();
    let member = t.stage.world.member("eve").await;
    let elsewhere = t.stage.world.sign_in(&member).await;
    let elsewhere = t.stage.world.token(&elsewhere).await;
    let mut page = t.open();
    for (case, params) in [
        ("wrong", json!({ "login": "ann", "passwd": "wrong" })),
        ("unknown", json!({ "login": "nobody", "passwd": "wrong" })),
        ("forged", json!({ "login_token": forged })),
        ("revoked", json!({ "login_token": revoked.expose() })),
        ("foreign", json!({ "login_token": elsewhere.expose() })),
        ("garbage", json!({ "login_token": "garbage" })),
        ("empty", json!({ "login": "", "passwd": "", "login_token": "" })),
        ("nothing", json!({})),
        ("numbers", json!({ "login": 1, "passwd": 2 })),
    ] {
        let answers = t.raw(&mut page, "login", params).await;
        assert_eq!(answers.len(), 1, "{case}");
        assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&json!("r"), &json!(-32001)), "{case}");
    }
    t.stage.world.clock.advance(Duration::from_hours(24));
    assert_snapshot!(t.say(&mut page, "login", json!({ "login_token": good.expose() })).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","error":{"code":-32001,"message":"JWT token authentication failed"}}"#);
}

/// The session that a token names, unverified.
fn session_of(token: &str) -> ringfence_core::ids::SessionId {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["jti"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn before_a_login_only_logins_and_pings_are_answered() {
    let t = Telnyx::start().await;
    let mut page = t.open();
    assert_snapshot!(t.say(&mut page, "telnyx_rtc.gatewayState", json!({})).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","error":{"code":-32000,"message":"Authentication Required"}}"#);
    assert_snapshot!(t.say(&mut page, "telnyx_rtc.invite", json!({})).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","error":{"code":-32000,"message":"Authentication Required"}}"#);
    assert_snapshot!(t.say(&mut page, "telnyx_rtc.ping", json!({})).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{},"voice_sdk_id":"<voice-1>"}"#);
    assert_eq!(t.frame(&mut page, r#"{"method":"telnyx_rtc.invite"}"#).await, [""; 0]);
}

#[tokio::test]
async fn what_is_not_known_or_not_a_frame_gets_the_errors_of_the_standard() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut page = t.logged_in(ann.pair()).await;
    let mut answers = Vec::new();
    for frame in [
        r#"{"id":"r","method":"telnyx_rtc.subscribe"}"#,
        r#"{"id":"r","method":"nonsense"}"#,
        r#"{"method":"nonsense"}"#,
        "{",
        "[]",
        "#SPU 5000",
        r#"{"id":100001,"result":{"method":"telnyx_rtc.clientReady"}}"#,
    ] {
        answers.push(t.frame(&mut page, frame).await.join(" "));
    }
    assert_snapshot!(answers.join("\n"), @r#"
    {"jsonrpc":"2.0","id":"r","error":{"code":-32601,"message":"Method not found"}}
    {"jsonrpc":"2.0","id":"r","error":{"code":-32601,"message":"Method not found"}}

    {"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Invalid request"}}
    {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}
    "#);
}

#[tokio::test]
async fn a_page_that_comes_back_gets_its_sessid_and_a_stranger_does_not() {
    let t = Telnyx::start().await;
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    let first = t.raw(&mut t.open(), "login", ann.pair()).await[0]["result"]["sessid"].clone();
    let with = |mut params: Value| {
        params["sessid"] = first.clone();
        params
    };
    let again = t.raw(&mut t.open(), "login", with(ann.pair())).await[0]["result"]["sessid"].clone();
    let token = t.stage.token(&ann).await;
    let by_token = t.raw(&mut t.open(), "login", with(json!({ "login_token": token.expose() }))).await;
    let stranger = t.raw(&mut t.open(), "login", with(bob.pair())).await[0]["result"]["sessid"].clone();
    assert_eq!((&again, &by_token[0]["result"]["sessid"]), (&first, &first));
    assert!(stranger.is_string() && stranger != first);
    for nonsense in [json!("x"), json!(7), json!(t.stage.app.live.signed_in())] {
        let mut params = ann.pair();
        params["sessid"] = nonsense;
        assert!(t.raw(&mut t.open(), "login", params).await[0]["result"]["sessid"].is_string());
    }
}

#[tokio::test]
async fn a_second_login_renews_without_a_word_that_would_end_calls() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut page = t.open();
    t.say(&mut page, "login", ann.pair()).await;
    let token = t.stage.token(&ann).await;
    let renewed = t.say(&mut page, "login", json!({ "login_token": token.expose(), "reconnection": true })).await;
    assert_snapshot!(renewed.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{"message":"logged in","sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}"#);
}

#[tokio::test]
async fn n57_a_socket_closes_at_the_end_of_its_token_and_not_before() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let token = t.stage.token(&ann).await;
    // An hour before its end, of a day.
    t.stage.world.clock.advance(Duration::from_hours(23));
    let mut page = t.logged_in(json!({ "login_token": token.expose() })).await;
    for _ in 0..(60 * 2 - 1) {
        t.stage.world.clock.advance(Duration::from_secs(30));
        assert_eq!(page.line.directive().await, Directive::Tick);
        page.line.heard();
        // The store's threads have the time that they need.
        while !t.stage.app.live.is_at_ease() {
            tokio::task::yield_now().await;
        }
    }
    t.stage.world.clock.advance(Duration::from_secs(30));
    let close = page.close().await;
    assert_eq!(close.map(|close| close.code), Some(1008));
}

#[tokio::test]
async fn a_server_ping_has_a_number_and_its_echo_is_no_request() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut page = t.logged_in(ann.pair()).await;
    t.stage.world.clock.advance(Duration::from_secs(15));
    let tick = page.line.directive().await;
    let ping = page.conversation.on_directive(&page.line, &tick).send;
    assert_snapshot!(page.tidy(&ping).join("\n"), @r#"{"jsonrpc":"2.0","id":100002,"method":"telnyx_rtc.ping","params":{},"voice_sdk_id":"<voice-2>"}"#);
    assert_eq!(t.frame(&mut page, &ping[0]).await, [""; 0]);
    assert_snapshot!(t.say(&mut page, "telnyx_rtc.ping", json!({})).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{},"voice_sdk_id":"<voice-2>"}"#);
}
