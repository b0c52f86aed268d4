use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::session::SessionsOf;
use serde_json::json;

use super::*;
use crate::testing::Subscriber;

const CALL: &str = "11111111-1111-4111-8111-111111111111";

fn invite(destination: &str) -> Value {
    json!({
        "sessid": "ignored",
        "sdp": "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=\u{e9}\r\n",
        "User-Agent": "Web-2.27.10",
        "dialogParams": {
            "callID": CALL,
            "destination_number": destination,
            "caller_id_name": "Ann",
            "caller_id_number": "+15550001111",
            "custom_headers": [
                { "name": "X-Order", "value": "7" },
                { "name": "x-Ringfence-Conversation", "value": "forged" },
            ],
        },
    })
}

fn about(call: &Value, mut params: Value) -> Value {
    params["dialogParams"] = json!({ "callID": call });
    params
}

/// Two pages and the names they go by.
async fn two(t: &Telnyx) -> (Talk, Talk, Subscriber) {
    let (ann, bob) = (t.stage.subscriber("ann").await, t.stage.subscriber("bob").await);
    (t.logged_in(ann.pair()).await, t.logged_in(bob.pair()).await, bob)
}

/// Has `from` call `to`, who answers; returns the id of the answering leg.
async fn connect(t: &Telnyx, from: &mut Talk, to: &mut Talk, destination: &str) -> Value {
    t.raw(from, "telnyx_rtc.invite", invite(destination)).await;
    let leg = to.delivered().await[0]["params"]["callID"].clone();
    t.raw(to, "telnyx_rtc.answer", about(&leg, json!({ "sdp": "answer" }))).await;
    from.delivered().await;
    leg
}

#[tokio::test]
async fn a_call_rings_is_answered_trickles_and_ends_with_its_sdp_untouched() {
    let t = Telnyx::start().await;
    let (mut ann, mut bob, _) = two(&t).await;
    assert_snapshot!(t.say(&mut ann, "telnyx_rtc.invite", invite("bob")).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{"callID":"<id-3>","message":"CALL CREATED","sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}"#);
    let ringing = bob.delivered().await;
    let leg = ringing[0]["params"]["callID"].clone();
    assert_eq!(ringing[0]["params"]["sdp"], invite("bob")["sdp"]);
    assert_snapshot!(tidy(&ringing[0].to_string(), &mut Vec::new()), @r#"{"id":100003,"jsonrpc":"2.0","method":"telnyx_rtc.invite","params":{"callID":"<id-1>","callee_id_name":"bob","callee_id_number":"bob","caller_id_name":"Ann","caller_id_number":"ann","dialogParams":{"custom_headers":[{"name":"X-Order","value":"7"}]},"sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=é\r\n","telnyx_leg_id":"<id-1>","telnyx_session_id":"<id-2>","trickle":false},"voice_sdk_id":"<voice-3>"}"#);
    let ack = json!({ "jsonrpc": "2.0", "id": ringing[0]["id"], "result": { "method": "telnyx_rtc.invite" } });
    t.frame(&mut bob, &ack.to_string()).await;
    assert_snapshot!(ann.received().await.join("\n"), @r#"{"jsonrpc":"2.0","id":100004,"method":"telnyx_rtc.ringing","params":{"callID":"<id-3>","telnyx_session_id":"<id-1>"},"voice_sdk_id":"<voice-2>"}"#);
    let answered = t.say(&mut bob, "telnyx_rtc.answer", about(&leg, json!({ "sdp": "v=0 answer" }))).await;
    assert_snapshot!(answered.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{"callID":"<id-3>","message":"CALL ANSWERED","sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}"#);
    assert_snapshot!(ann.received().await.join("\n"), @r#"{"jsonrpc":"2.0","id":100005,"method":"telnyx_rtc.answer","params":{"callID":"<id-3>","sdp":"v=0 answer"},"voice_sdk_id":"<voice-2>"}"#);
    let candidate = json!({ "candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0 });
    t.say(&mut ann, "telnyx_rtc.candidate", about(&json!(CALL), candidate)).await;
    t.say(&mut ann, "telnyx_rtc.endOfCandidates", about(&json!(CALL), json!({ "endOfCandidates": true }))).await;
    t.say(&mut ann, "telnyx_rtc.info", about(&json!(CALL), json!({ "dtmf": "5" }))).await;
    assert_snapshot!(bob.received().await.join("\n"), @r#"
    {"jsonrpc":"2.0","id":100006,"method":"telnyx_rtc.candidate","params":{"callID":"<id-3>","candidate":"candidate:1","sdpMLineIndex":0,"sdpMid":"0"},"voice_sdk_id":"<voice-2>"}
    {"jsonrpc":"2.0","id":100007,"method":"telnyx_rtc.endOfCandidates","params":{"callID":"<id-3>","endOfCandidates":true},"voice_sdk_id":"<voice-2>"}
    {"jsonrpc":"2.0","id":100008,"method":"telnyx_rtc.info","params":{"callID":"<id-3>","dtmf":"5"},"voice_sdk_id":"<voice-2>"}
    "#);
    let held = t.say(&mut bob, "telnyx_rtc.modify", about(&leg, json!({ "action": "hold" }))).await;
    assert_snapshot!(held.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{"callID":"<id-3>","message":"CALL MODIFIED","holdState":"held","sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}"#);
    let bye = json!({ "cause": "NORMAL_CLEARING", "causeCode": 16 });
    assert_snapshot!(t.say(&mut ann, "telnyx_rtc.bye", about(&json!(CALL), bye)).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{"callID":"<id-3>","message":"CALL ENDED","sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}"#);
    assert_snapshot!(bob.received().await.join("\n"), @r#"{"jsonrpc":"2.0","id":100010,"method":"telnyx_rtc.bye","params":{"callID":"<id-3>","cause":"NORMAL_CLEARING","causeCode":16,"sipCode":200,"sipReason":"OK"},"voice_sdk_id":"<voice-2>"}"#);
    assert_snapshot!(t.say(&mut bob, "telnyx_rtc.bye", about(&leg, json!({}))).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","error":{"code":-32602,"message":"No such call"}}"#);
}

#[tokio::test]
async fn a_change_of_media_is_answered_by_the_other_side() {
    let t = Telnyx::start().await;
    let (mut ann, mut bob, _) = two(&t).await;
    connect(&t, &mut ann, &mut bob, "bob").await;
    let update = about(&json!(CALL), json!({ "action": "updateMedia", "sdp": "offer" }));
    assert_eq!(t.say(&mut ann, "telnyx_rtc.modify", update).await, [""; 0]);
    let asked = bob.delivered().await;
    assert_eq!(asked[0]["params"]["sdp"], "offer");
    let answer = json!({ "jsonrpc": "2.0", "id": asked[0]["id"], "result": { "sdp": "answer" } });
    t.frame(&mut bob, &answer.to_string()).await;
    assert_snapshot!(ann.received().await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","result":{"sdp":"answer"},"voice_sdk_id":"<voice-2>"}"#);
}

#[tokio::test]
async fn a_call_that_cannot_be_is_created_and_ended_with_its_cause() {
    let t = Telnyx::start().await;
    let (mut ann, bob, _) = two(&t).await;
    drop(bob);
    let mut ends = Vec::new();
    for destination in ["bob", "sip:bob@auth.test", "carol", "sip:bob@elsewhere.test", "ann", ""] {
        let answers = t.raw(&mut ann, "telnyx_rtc.invite", invite(destination)).await;
        assert_eq!(answers[0]["result"]["message"], "CALL CREATED");
        ends.push(format!("{destination:24} {}", answers[1]["params"]));
    }
    assert_snapshot!(ends.join("\n").replace(CALL, "CALL"), @r#"
    bob                      {"callID":"CALL","cause":"SUBSCRIBER_ABSENT","causeCode":20,"sipCode":480,"sipReason":"Temporarily Unavailable"}
    sip:bob@auth.test        {"callID":"CALL","cause":"SUBSCRIBER_ABSENT","causeCode":20,"sipCode":480,"sipReason":"Temporarily Unavailable"}
    carol                    {"callID":"CALL","cause":"UNALLOCATED_NUMBER","causeCode":1,"sipCode":404,"sipReason":"Not Found"}
    sip:bob@elsewhere.test   {"callID":"CALL","cause":"UNALLOCATED_NUMBER","causeCode":1,"sipCode":404,"sipReason":"Not Found"}
    ann                      {"callID":"CALL","cause":"SUBSCRIBER_ABSENT","causeCode":20,"sipCode":480,"sipReason":"Temporarily Unavailable"}
                             {"callID":"CALL","cause":"UNALLOCATED_NUMBER","causeCode":1,"sipCode":404,"sipReason":"Not Found"}
    "#);
}

#[tokio::test]
async fn only_the_newest_device_rings() {
    let t = Telnyx::start().await;
    let (mut ann, mut older, bob) = two(&t).await;
    let mut newer = t.logged_in(bob.pair()).await;
    assert_eq!(older.directive_now().await, Some(Directive::TakenOver));
    t.raw(&mut ann, "telnyx_rtc.invite", invite("sip:bob@sip.telnyx.com")).await;
    assert_eq!((older.delivered().await.len(), newer.delivered().await.len()), (0, 1));
}

#[tokio::test]
async fn where_all_devices_ring_the_first_answer_wins() {
    let t = Telnyx::start().await;
    let (mut ann, first, bob) = two(&t).await;
    drop(first);
    let change = ringfence_core::authority::GroupChange {
        attributes: serde_json::from_value(json!({ "telnyx": { "inbound": { "simultaneous_ringing": "enabled" } } }))
            .unwrap(),
        ..Default::default()
    };
    let permit = t.stage.world.home_permit();
    let number = bob.endpoint.group.number;
    t.stage.app.authority.change_endpoint_group(&t.ctx(), &permit, number, change).await.unwrap();
    let (mut one, mut other) = (t.logged_in(bob.pair()).await, t.logged_in(bob.pair()).await);
    t.raw(&mut ann, "telnyx_rtc.invite", invite("bob")).await;
    let leg = one.delivered().await[0]["params"]["callID"].clone();
    assert_eq!(other.delivered().await.len(), 1);
    t.raw(&mut one, "telnyx_rtc.answer", about(&leg, json!({ "sdp": "answer" }))).await;
    assert_snapshot!(other.received().await.join("\n"), @r#"{"jsonrpc":"2.0","id":100007,"method":"telnyx_rtc.bye","params":{"callID":"<id-3>","cause":"LOSE_RACE","causeCode":502,"sipCode":487,"sipReason":"Answered elsewhere"},"voice_sdk_id":"<voice-2>"}"#);
    assert_eq!(ann.delivered().await[0]["method"], "telnyx_rtc.answer");
}

#[tokio::test]
async fn n85_a_guest_reaches_its_assistant_whatever_it_dials_and_is_never_called() {
    let t = Telnyx::start().await;
    t.stage.target("ai_assistant", "assistant-1").await;
    let backend = t.stage.subscriber_tagged("backend", Some("ai_assistant:assistant-1")).await;
    let bob = t.stage.subscriber("bob").await;
    let (mut backend, mut bob) = (t.logged_in(backend.pair()).await, t.logged_in(bob.pair()).await);
    let mut guest = t.open();
    let visit = json!({
        "target_type": "ai_assistant", "target_id": "assistant-1", "target_params": { "conversation_id": "c-1" },
    });
    t.say(&mut guest, "anonymous_login", visit).await;
    t.raw(&mut guest, "telnyx_rtc.invite", invite("bob")).await;
    assert_eq!(bob.delivered().await.len(), 0);
    assert_snapshot!(backend.received().await.join("\n"), @r#"{"jsonrpc":"2.0","id":100004,"method":"telnyx_rtc.invite","params":{"callID":"<id-3>","callee_id_name":"assistant-1","callee_id_number":"assistant-1","caller_id_name":"Ann","caller_id_number":"anonymous","dialogParams":{"custom_headers":[{"name":"X-Order","value":"7"},{"name":"X-Ringfence-Conversation","value":"c-1"}]},"sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=é\r\n","telnyx_leg_id":"<id-3>","telnyx_session_id":"<id-4>","trickle":false},"voice_sdk_id":"<voice-2>"}"#);
    let guest_name = guest.conversation.seat.as_ref().unwrap().seat.identity.to_string();
    let ends = t.raw(&mut bob, "telnyx_rtc.invite", invite(&guest_name)).await;
    assert_eq!(ends[1]["params"]["sipCode"], 404);
}

#[tokio::test]
async fn nobody_speaks_for_a_call_that_is_not_theirs() {
    let t = Telnyx::start().await;
    let (mut ann, mut bob, subscriber) = two(&t).await;
    let carol = t.stage.subscriber("carol").await;
    let mut carol = t.logged_in(carol.pair()).await;
    let mut other_device = t.logged_in(subscriber.pair()).await;
    drop(other_device.received().await);
    let leg = connect(&t, &mut ann, &mut other_device, "bob").await;
    for (page, call) in [(&mut carol, leg.clone()), (&mut bob, leg)] {
        for call in [call, json!(CALL)] {
            let answers = t.raw(page, "telnyx_rtc.bye", about(&call, json!({}))).await;
            assert_eq!(answers[0]["error"]["message"], "No such call");
        }
    }
    let again = t.raw(&mut ann, "telnyx_rtc.answer", about(&json!(CALL), json!({ "sdp": "x" }))).await;
    assert_eq!(again[0]["error"]["message"], "No such call");
    assert_eq!(other_device.delivered().await.len(), 0);
}

#[tokio::test]
async fn calls_survive_a_lost_socket_for_the_session_that_comes_back() {
    let t = Telnyx::start().await;
    let (mut ann, mut bob, _) = two(&t).await;
    connect(&t, &mut ann, &mut bob, "bob").await;
    let sessid = ann.conversation.seat.as_ref().unwrap().seat.sessid.to_string();
    drop(ann);
    assert_eq!(bob.delivered().await.len(), 0);
    let mut params = json!({ "login": "ann", "passwd": "x", "sessid": sessid });
    let secret = secret_of(&t, "ann").await;
    params["passwd"] = secret.into();
    let mut back = t.open();
    let answers = t.raw(&mut back, "login", params).await;
    assert_eq!(answers[1]["params"]["reattached_sessions"], json!([CALL]));
    t.raw(&mut back, "telnyx_rtc.bye", about(&json!(CALL), json!({}))).await;
    assert_eq!(bob.delivered().await[0]["method"], "telnyx_rtc.bye");
}

async fn secret_of(t: &Telnyx, user_name: &str) -> String {
    let (permit, ctx) = (t.stage.world.home_permit(), t.ctx());
    let filter =
        ringfence_core::endpoint::EndpointFilter { user_name: Some(user_name.to_owned()), ..Default::default() };
    let window = ringfence_core::endpoint::Window { offset: 0, limit: 1 };
    let found = t.stage.app.authority.endpoints(&ctx, &permit, filter, window).await.unwrap();
    t.stage.app.authority.endpoint_secret(&permit, &found.items[0]).unwrap().expose().to_owned()
}

#[tokio::test]
async fn calls_of_a_session_that_does_not_come_back_end() {
    let t = Telnyx::start().await;
    let (mut ann, mut bob, _) = two(&t).await;
    connect(&t, &mut ann, &mut bob, "bob").await;
    drop(ann);
    for _ in 0..2 {
        t.stage.world.clock.advance(Duration::from_secs(40));
        assert_eq!(bob.line.directive().await, Directive::Tick);
        bob.line.heard();
    }
    t.stage.world.clock.advance(Duration::from_secs(10));
    let Directive::Deliver(bye) = bob.line.directive().await else { panic!("not due yet") };
    assert_snapshot!(bob.tidy(&[bye]).join("\n"), @r#"{"jsonrpc":"2.0","id":100005,"method":"telnyx_rtc.bye","params":{"callID":"<id-3>","cause":"RECOVERY_ON_TIMER_EXPIRE","causeCode":102,"sipCode":408,"sipReason":"Request Timeout"},"voice_sdk_id":"<voice-2>"}"#);
}

#[tokio::test]
async fn a_session_that_is_lost_twice_has_its_whole_time_twice() {
    let t = Telnyx::start().await;
    let (mut ann, mut bob, _) = two(&t).await;
    connect(&t, &mut ann, &mut bob, "bob").await;
    let sessid = ann.conversation.seat.as_ref().unwrap().seat.sessid.to_string();
    drop(ann);
    let advance = async |bob: &mut Talk| {
        t.stage.world.clock.advance(Duration::from_secs(50));
        let told = bob.line.directive().await;
        bob.line.heard();
        told
    };
    assert_eq!(advance(&mut bob).await, Directive::Tick);
    let mut params = json!({ "login": "ann", "sessid": sessid });
    params["passwd"] = secret_of(&t, "ann").await.into();
    let mut back = t.open();
    let answers = t.raw(&mut back, "login", params).await;
    assert_eq!(answers[1]["params"]["reattached_sessions"], json!([CALL]));
    drop(back);
    // The time of the first loss is over, that of the second is not.
    assert_eq!(advance(&mut bob).await, Directive::Tick);
    tokio::task::yield_now().await;
    assert_eq!(bob.delivered().await, [Value::Null; 0]);
    let mut told = advance(&mut bob).await;
    while told == Directive::Tick {
        told = bob.line.directive().await;
    }
    let Directive::Deliver(bye) = told else { panic!("{told:?}") };
    assert!(bye.contains("RECOVERY_ON_TIMER_EXPIRE"), "{bye}");
}

#[tokio::test]
async fn revocation_ends_calls_at_once() {
    let t = Telnyx::start().await;
    let (mut ann, mut bob, _) = two(&t).await;
    connect(&t, &mut ann, &mut bob, "bob").await;
    let (ctx, permit) = (t.ctx(), t.stage.world.home_permit());
    let session = ann.conversation.seat.as_ref().unwrap().session;
    t.stage.app.authority.revoke_sessions(&ctx, &permit, SessionsOf::Session(session)).await.unwrap();
    assert_eq!(ann.close().await, Some(Close { code: 1008, reason: "session ended" }));
    assert_eq!(bob.delivered().await[0]["params"]["cause"], "CALL_REJECTED");
}
