use insta::assert_snapshot;
use serde_json::json;

use super::*;

fn visit(assistant: &str) -> Value {
    json!({ "target_type": "ai_assistant", "target_id": assistant, "reconnection": false })
}

fn voice_of(answers: &[Value]) -> String {
    answers[0]["voice_sdk_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_guest_logs_in_for_an_assistant_that_is_there() {
    let t = Telnyx::start().await;
    t.stage.target("ai_assistant", "assistant-1").await;
    let mut page = t.open();
    assert_snapshot!(t.say(&mut page, "anonymous_login", visit("assistant-1")).await.join("\n"), @r#"
    {"jsonrpc":"2.0","id":"r","result":{"message":"logged in","sessid":"<id-1>"},"voice_sdk_id":"<voice-2>"}
    {"jsonrpc":"2.0","id":100001,"method":"telnyx_rtc.clientReady","params":{"reattached_sessions":[]},"voice_sdk_id":"<voice-2>"}
    "#);
    assert!(t.say(&mut page, "telnyx_rtc.gatewayState", json!({})).await[0].contains("REGED"));
    let mut page = t.open();
    assert_snapshot!(t.say(&mut page, "anonymous_login", visit("assistant-2")).await.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","error":{"code":-32001,"message":"Login Incorrect"}}"#);
    let untyped = json!({ "target_id": "assistant-1" });
    assert!(t.say(&mut page, "anonymous_login", untyped).await[0].contains("-32001"));
}

#[tokio::test]
async fn a_guest_who_comes_back_in_its_tab_is_the_same_guest() {
    let t = Telnyx::start().await;
    t.stage.target("ai_assistant", "assistant-1").await;
    t.stage.target("ai_assistant", "assistant-2").await;
    let first = t.raw(&mut t.open(), "anonymous_login", visit("assistant-1")).await;
    let query = format!("voice_sdk_id={}", voice_of(&first));
    let again = t.raw(&mut t.open_with(&query), "anonymous_login", visit("assistant-1")).await;
    assert_eq!((&again[0]["result"], &again[0]["voice_sdk_id"]), (&first[0]["result"], &first[0]["voice_sdk_id"]));
    // Its sessid alone is anybody's to know, and another assistant is another visit.
    let mut stranger = visit("assistant-1");
    stranger["sessid"] = first[0]["result"]["sessid"].clone();
    let stranger = t.raw(&mut t.open(), "anonymous_login", stranger).await;
    let elsewhere = t.raw(&mut t.open_with(&query), "anonymous_login", visit("assistant-2")).await;
    for other in [stranger, elsewhere] {
        assert!(other[0]["result"]["sessid"].is_string());
        assert_ne!(other[0]["result"]["sessid"], first[0]["result"]["sessid"]);
        assert_ne!(voice_of(&other), voice_of(&first));
    }
}

#[tokio::test]
async fn n85_a_conversation_is_resumed_by_the_guest_who_began_it_and_by_nobody_else() {
    let t = Telnyx::start().await;
    t.stage.target("ai_assistant", "assistant-1").await;
    let mut wanted = visit("assistant-1");
    wanted["target_params"] = json!({ "conversation_id": "conversation-7" });
    let first = t.raw(&mut t.open(), "anonymous_login", wanted.clone()).await;
    let query = format!("voice_sdk_id={}", voice_of(&first));
    let again = t.raw(&mut t.open_with(&query), "anonymous_login", wanted.clone()).await;
    assert_eq!(again[0]["result"], first[0]["result"]);
    let stranger = t.raw(&mut t.open(), "anonymous_login", wanted.clone()).await;
    assert_eq!(stranger[0]["error"]["code"], -32001);
    wanted["target_params"]["conversation_id"] = "x".repeat(129).into();
    assert_eq!(t.raw(&mut t.open(), "anonymous_login", wanted).await[0]["error"]["code"], -32001);
}
