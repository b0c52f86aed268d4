//! Renewals and resumptions that must not give more than was proved, by the numbers of the catalogue of attacks; and guessing.

use std::{net::IpAddr, time::Duration};

use ringfence_core::session::SessionsOf;
use serde_json::json;

use super::*;
use crate::testing::Subscriber;

const ANN_CALLS_BOB: &str = "22222222-2222-4222-8222-222222222222";

/// Has `from` call bob, who answers.
async fn talk(t: &Telnyx, from: &mut Talk, bob: &mut Talk) {
    let dialog = json!({ "callID": ANN_CALLS_BOB, "destination_number": "bob" });
    t.raw(from, "telnyx_rtc.invite", json!({ "sdp": "v=0", "dialogParams": dialog })).await;
    let leg = bob.delivered().await[0]["params"]["callID"].clone();
    t.raw(bob, "telnyx_rtc.answer", json!({ "sdp": "v=0", "dialogParams": { "callID": leg } })).await;
    from.delivered().await;
}

/// Whether the page is logged in.
async fn is_in(t: &Telnyx, page: &mut Talk) -> bool {
    t.say(page, "telnyx_rtc.gatewayState", json!({})).await[0].contains("REGED")
}

async fn revoke(t: &Telnyx, which: SessionsOf) {
    let permit = t.stage.world.home_permit();
    t.stage.app.authority.revoke_sessions(&t.ctx(), &permit, which).await.unwrap();
}

async fn suspend(t: &Telnyx, whom: &Subscriber) {
    let permit = t.stage.world.home_permit();
    t.stage.app.authority.suspend_identity(&t.ctx(), &permit, whom.endpoint.id, true).await.unwrap();
}

#[tokio::test]
async fn n48_what_a_tab_remembers_of_somebody_with_credentials_opens_nothing() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut page = t.open();
    let answers = t.raw(&mut page, "login", ann.pair()).await;
    let (voice, sessid) = (&answers[0]["voice_sdk_id"], &answers[0]["result"]["sessid"]);
    let mut thief = t.open_with(&format!("voice_sdk_id={}", voice.as_str().unwrap()));
    assert!(!is_in(&t, &mut thief).await);
    for params in [json!({ "sessid": sessid, "reconnection": true }), json!({ "login_token": sessid })] {
        assert_eq!(t.raw(&mut thief, "login", params).await[0]["error"]["code"], -32001);
    }
    let visit = json!({ "target_type": "ai_assistant", "target_id": "nowhere", "sessid": sessid });
    assert_eq!(t.raw(&mut thief, "anonymous_login", visit).await[0]["error"]["code"], -32001);
}

#[tokio::test]
async fn n49_a_renewal_for_somebody_else_is_a_change_of_user_who_inherits_nothing() {
    let t = Telnyx::start().await;
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    let carol = t.stage.subscriber("carol").await;
    let (mut page, mut bob) = (t.open(), t.logged_in(bob.pair()).await);
    let before = t.raw(&mut page, "login", ann.pair()).await[0]["result"]["sessid"].clone();
    talk(&t, &mut page, &mut bob).await;
    let mut params = carol.pair();
    params["sessid"] = before.clone();
    let answers = t.raw(&mut page, "login", params).await;
    assert!(answers[0]["result"]["sessid"].is_string() && answers[0]["result"]["sessid"] != before);
    assert_eq!(bob.delivered().await[0]["method"], "telnyx_rtc.bye");
    let about = json!({ "dialogParams": { "callID": ANN_CALLS_BOB } });
    assert_eq!(t.raw(&mut page, "telnyx_rtc.info", about).await[0]["error"]["message"], "No such call");
    let reached = |whom: &Subscriber| t.stage.app.live.reached(whom.endpoint.id, "telnyx").len();
    assert_eq!((reached(&ann), reached(&carol)), (0, 1));
}

#[tokio::test]
async fn n50_a_renewal_by_a_token_of_another_face_is_refused_and_the_old_rights_stay() {
    let t = Telnyx::start().await;
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    let member = t.stage.world.member("eve").await;
    let elsewhere = t.stage.world.token(&t.stage.world.sign_in(&member).await).await;
    let (mut page, mut bob) = (t.logged_in(ann.pair()).await, t.logged_in(bob.pair()).await);
    talk(&t, &mut page, &mut bob).await;
    let refused = t.raw(&mut page, "login", json!({ "login_token": elsewhere.expose() })).await;
    assert_eq!(refused[0]["error"]["code"], -32001);
    assert!(is_in(&t, &mut page).await);
    assert_eq!(bob.delivered().await, [Value::Null; 0]);
    assert_eq!(t.stage.app.live.reached(ann.endpoint.id, "telnyx").len(), 1);
}

#[tokio::test]
async fn n50_a_renewal_by_a_token_of_another_account_leaves_this_one() {
    let t = Telnyx::start().await;
    let elsewhere = t.stage.world.permit(t.stage.world.place("elsewhere").await.project.id);
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    let foreign = t.stage.subscriber_of(&elsewhere, "ann", None).await;
    let token = t.stage.token(&foreign).await;
    let (mut page, mut bob) = (t.logged_in(ann.pair()).await, t.logged_in(bob.pair()).await);
    talk(&t, &mut page, &mut bob).await;
    t.raw(&mut page, "login", json!({ "login_token": token.expose() })).await;
    assert_eq!(bob.delivered().await[0]["method"], "telnyx_rtc.bye");
    let dialog = json!({ "callID": "call-2", "destination_number": "bob" });
    let called = t.raw(&mut page, "telnyx_rtc.invite", json!({ "sdp": "v=0", "dialogParams": dialog })).await;
    assert_eq!(called[1]["params"]["cause"], "UNALLOCATED_NUMBER");
    // Nor is it found there by the name that it has in both.
    let dialog = json!({ "callID": "call-3", "destination_number": "ann" });
    let called = t.raw(&mut bob, "telnyx_rtc.invite", json!({ "sdp": "v=0", "dialogParams": dialog })).await;
    assert_eq!(called[1]["params"]["cause"], "SUBSCRIBER_ABSENT");
}

#[tokio::test]
async fn n51_a_renewal_has_the_rights_of_what_it_proved_and_no_more() {
    let t = Telnyx::start().await;
    t.stage.target("ai_assistant", "assistant-1").await;
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    let (mut page, mut bob) = (t.logged_in(ann.pair()).await, t.logged_in(bob.pair()).await);
    let visit = json!({ "target_type": "ai_assistant", "target_id": "assistant-1" });
    assert!(t.say(&mut page, "anonymous_login", visit).await[0].contains("logged in"));
    let dialog = json!({ "callID": ANN_CALLS_BOB, "destination_number": "bob" });
    let called = t.raw(&mut page, "telnyx_rtc.invite", json!({ "sdp": "v=0", "dialogParams": dialog })).await;
    assert_eq!(called[1]["params"]["cause"], "SUBSCRIBER_ABSENT");
    assert_eq!(bob.delivered().await, [Value::Null; 0]);
    assert_eq!(t.stage.app.live.reached(ann.endpoint.id, "telnyx").len(), 0);
}

#[tokio::test]
async fn n52_a_renewal_that_is_refused_leaves_the_old_one_until_its_own_end() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let revoked = t.stage.token(&ann).await;
    revoke(&t, SessionsOf::Identity(ann.endpoint.id)).await;
    let mut page = t.logged_in(ann.pair()).await;
    for stale in ["stale", revoked.expose()] {
        let refused = t.raw(&mut page, "login", json!({ "login_token": stale })).await;
        assert_eq!(refused[0]["error"]["message"], "JWT token authentication failed");
        assert!(is_in(&t, &mut page).await);
    }
    t.stage.world.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(page.directive_now().await.filter(|told| matches!(told, Directive::Ended(_))), None);
}

#[tokio::test]
async fn n53_whoever_was_sent_away_does_not_come_back_by_its_sessid() {
    let t = Telnyx::start().await;
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    let (mut page, mut bob) = (t.open(), t.logged_in(bob.pair()).await);
    let sessid = t.raw(&mut page, "login", ann.pair()).await[0]["result"]["sessid"].clone();
    talk(&t, &mut page, &mut bob).await;
    revoke(&t, SessionsOf::Identity(ann.endpoint.id)).await;
    assert_eq!(page.close().await, Some(Close { code: 1008, reason: "session ended" }));
    drop(page);
    let mut params = ann.pair();
    params["sessid"] = sessid.clone();
    // Its password is good still: it comes in as a new session, without the calls of the old one.
    let again = t.raw(&mut t.open(), "login", params.clone()).await;
    assert!(again[0]["result"]["sessid"].is_string() && again[0]["result"]["sessid"] != sessid);
    assert_eq!(again[1]["params"]["reattached_sessions"], json!([]));
    suspend(&t, &ann).await;
    assert_eq!(t.raw(&mut t.open(), "login", params).await[0]["error"]["code"], -32001);
}

#[tokio::test]
async fn n55_a_token_of_the_moment_before_the_revocation_is_refused() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let token = t.stage.token(&ann).await;
    let mut page = t.logged_in(json!({ "login_token": token.expose() })).await;
    revoke(&t, SessionsOf::Identity(ann.endpoint.id)).await;
    assert_eq!(page.close().await, Some(Close { code: 1008, reason: "session ended" }));
    for _ in 0..2 {
        let refused = t.raw(&mut t.open(), "login", json!({ "login_token": token.expose() })).await;
        assert_eq!(refused[0]["error"]["message"], "JWT token authentication failed");
        t.stage.world.clock.advance(Duration::from_secs(30));
    }
}

impl Telnyx {
    /// What a login from `address` is answered, on a socket of its own.
    async fn login_from(&self, address: &str, login: &str, passwd: &str) -> String {
        let address: IpAddr = address.parse().unwrap();
        let ctx = Ctx { address: Some(address), ..self.ctx() };
        let mut page = self.open();
        let params = json!({ "login": login, "passwd": passwd });
        let frame = json!({ "jsonrpc": "2.0", "id": "r", "method": "login", "params": params }).to_string();
        let step = page.conversation.on_frame(&mut page.line, &ctx, &frame).await;
        let answer: Value = serde_json::from_str(&step.send[0]).unwrap();
        let said = answer["error"]["message"].as_str().or_else(|| answer["result"]["message"].as_str());
        said.unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn guesses_at_one_name_are_counted_over_all_sockets_and_addresses() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut said = Vec::new();
    for number in 0..8 {
        said.push(t.login_from(&format!("203.0.113.{number}"), "ann", "guess").await);
    }
    said.dedup();
    assert_eq!(said, ["Login Incorrect", "Too many attempts"]);
    // While others guess, the owner waits too; then it is let in.
    assert_eq!(t.login_from("198.51.100.1", "ann", ann.secret.expose()).await, "Too many attempts");
    t.stage.world.clock.advance(Duration::from_hours(1));
    assert_eq!(t.login_from("198.51.100.1", "ann", ann.secret.expose()).await, "logged in");
}

#[tokio::test]
async fn guesses_of_one_address_are_counted_over_all_names_and_sockets() {
    let t = Telnyx::start().await;
    let ann = t.stage.subscriber("ann").await;
    for number in 0..60 {
        assert_eq!(t.login_from("203.0.113.1", &format!("name{number}"), "guess").await, "Login Incorrect");
    }
    assert_eq!(t.login_from("203.0.113.1", "ann", ann.secret.expose()).await, "Too many attempts");
    assert_eq!(t.login_from("198.51.100.1", "ann", ann.secret.expose()).await, "logged in");
}

#[tokio::test]
async fn guesses_on_one_socket_end_it_whatever_they_guess_at() {
    let t = Telnyx::start().await;
    let mut page = t.open();
    for number in 0..HABITS.failures {
        assert_eq!(page.directive_now().await, None);
        let params = match number % 3 {
            0 => json!({ "login": format!("name{number}"), "passwd": "guess" }),
            1 => json!({ "login_token": format!("token{number}") }),
            _ => json!({}),
        };
        assert_eq!(t.raw(&mut page, "login", params).await[0]["error"]["code"], -32001);
    }
    assert_eq!(page.directive_now().await, Some(Directive::Guessing));
}
