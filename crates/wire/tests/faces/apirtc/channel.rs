//! Who is let onto the channel without a token, and what is told there.

use std::{collections::BTreeSet, time::Duration};

use ringfence_core::{
    application::{ApplicationSettings, WayIn},
    session::SessionsOf,
};
use serde_json::{Value, json};

use super::server::{KEY, Server, claims_of};

const REFUSED: &str = r#"44{"message":"not authorized"}"#;

fn guest(name: &str) -> String {
    format!("channelId={name}&apiKey={KEY}")
}

#[tokio::test]
async fn a_guest_hears_its_session_its_token_and_the_enterprise() {
    let t = Server::start().await;
    let line = t.line(&guest("ben")).await;
    line.send("40").await;
    let mut messages = line.messages().await;
    let token = messages[0]["JWTApzToken"].take();
    let claims = claims_of(token.as_str().unwrap());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);
    assert_eq!(claims["sid"], messages[0]["sessionId"].take());
    assert_eq!(claims["iss"], format!("https://auth.example.org/projects/{}", t.project.id));
    assert_eq!(
        messages,
        [
            json!({ "type": "sessionId", "sessionId": null, "JWTApzToken": null }),
            json!({ "type": "enterpriseConfig", "sentry": false }),
        ]
    );
}

#[tokio::test]
async fn after_11_hours_the_pushed_token_is_followed_by_another() {
    let t = Server::start().await;
    let line = t.line(&guest("ben")).await;
    line.send("40").await;
    let first = line.messages().await[0]["JWTApzToken"].as_str().unwrap().to_owned();
    t.clock.advance(Duration::from_hours(11));
    line.send(r#"42["JWTTokenRefreshRequest","{\"type\":\"JWTTokenRefreshRequest\"}"]"#).await;
    let answers = line.messages().await;
    let answer = answers.iter().find(|one| one["type"] == "JWTTokenRefreshAnswer").unwrap();
    let second = answer["JWTApzToken"].as_str().unwrap();
    let [one, two] = [claims_of(&first), claims_of(second)];
    assert_eq!(two["exp"].as_i64().unwrap() - one["exp"].as_i64().unwrap(), 11 * 3600);
    assert_eq!([&one["sid"], &one["sub"]], [&two["sid"], &two["sub"]]);
    t.clock.advance(Duration::from_hours(13));
    assert_eq!(t.get("/api/v2/checkToken", &first).await.text("/error"), "token_expired");
    assert_eq!(t.get("/api/v2/checkToken", second).await.text("/error"), "forbidden", "it lives, and is a guest's");
}

#[tokio::test]
async fn nobody_takes_a_name_that_is_somebody_s() {
    let t = Server::start().await;
    assert_eq!(t.shown("heidi", &t.jwt("heidi", &json!({}))).await, "in");
    let agent = t.agent.id.to_string();
    for taken in [agent.as_str(), &agent.to_uppercase(), "agent@example.org", "Agent%40Example.org", "heidi"] {
        assert_eq!(t.admitted(&guest(taken)).await, REFUSED, "{taken}");
    }
    for odd in ["+ben", "ben+", "b%09en", &"x".repeat(129), ""] {
        assert_eq!(t.admitted(&guest(odd)).await, REFUSED, "{odd}");
    }
    assert_eq!(t.admitted(&guest("ben")).await, "in");
    assert_eq!(t.admitted(&format!("{}&token=null", guest("ben"))).await, "in");
}

#[tokio::test]
async fn an_application_may_shut_guests_and_origins_out() {
    let t = Server::start().await;
    let sign_in: BTreeSet<_> = WayIn::ALL.into_iter().filter(|way| *way != WayIn::Guest).collect();
    let settings = ApplicationSettings { sign_in, ..ApplicationSettings::default() };
    let ctx = t.ctx();
    t.authority.configure_application(&ctx, &t.permit(), t.application.id, settings, vec![]).await.unwrap();
    assert_eq!(t.admitted(&guest("ben")).await, r#"44{"message":"An account is needed"}"#);
    assert_eq!(t.shown("heidi", &t.jwt("heidi", &json!({}))).await, "in");
    t.authority.disable_application(&t.ctx(), &t.permit(), t.application.id, true).await.unwrap();
    assert_eq!(t.admitted(&guest("ben")).await, r#"44{"message":"DISABLED_ENTERPRISE"}"#);
}

#[tokio::test]
async fn n60_what_the_query_does_not_say_once_and_plainly_is_refused() {
    let t = Server::start().await;
    for query in [
        "x=1".to_owned(),
        "channelId=ben".to_owned(),
        format!("apiKey={KEY}"),
        format!("{}&channelId=eve", guest("ben")),
        format!("{}&apiKey={KEY}", guest("ben")),
        format!("{}&token=a&token=b", guest("ben")),
        guest("b%ffn"),
        "channelId=ben&apiKey=x".to_owned(),
    ] {
        assert_eq!(t.admitted(&query).await, REFUSED, "{query}");
    }
    let line = t.line(&guest("ben")).await;
    line.send("40/admin/,").await;
    assert_eq!(line.poll().await[0], r#"44/admin/,{"message":"not authorized"}"#);
}

#[tokio::test]
async fn an_account_s_channel_is_behind_its_ticket_and_dies_with_its_session() {
    let t = Server::start().await;
    let agent = t.agent.id.to_string();
    let token = t.login().await;
    let ticket = t.get("/api/v2/users/me", &token).await.text("/ccs").split_once('/').unwrap().1.to_owned();
    let told = async |name: &str| {
        let line = t.line(&guest(name)).await;
        line.send(&format!("40/{ticket}/,")).await;
        line.poll().await[0].replace(&ticket, "T")
    };
    assert!(told(&agent).await.starts_with("40/T/,{\"sid\":"));
    assert!(told(&agent).await.starts_with("40/T/,{\"sid\":"), "as often as its line is lost");
    assert_eq!(told("ben").await, r#"44/T/,{"message":"not authorized"}"#);
    let of = SessionsOf::Identity(t.agent.id);
    t.authority.revoke_sessions(&t.ctx(), &t.permit(), of).await.unwrap();
    assert_eq!(told(&agent).await, r#"44/T/,{"message":"not authorized"}"#);
}

#[tokio::test]
async fn a_guest_with_its_ticket_is_the_same_guest_again_until_it_is_sent_away() {
    let t = Server::start().await;
    let answer = t.ask("GET", &format!("/api/v2/preferredCCS?apiKey={KEY}")).send().await;
    let ticket = answer.text("/ccs").split_once('/').unwrap().1.to_owned();
    let told = async |name: &str| {
        let line = t.line(&guest(name)).await;
        line.send(&format!("40/{ticket}/,")).await;
        line.poll().await
    };
    let session = |packets: &[String]| super::server::message(&packets[1]).unwrap()["sessionId"].clone();
    let first = session(&told("ben").await);
    assert_eq!(session(&told("ben").await), first);
    assert!(told("eve").await[0].starts_with("44/"), "another name is somebody else");
    let id = first.as_str().unwrap().parse().unwrap();
    t.authority.revoke_sessions(&t.ctx(), &t.permit(), SessionsOf::Session(id)).await.unwrap();
    assert!(told("ben").await[0].starts_with("44/"));
}

/// The messages of presence among some.
fn presence(messages: Vec<Value>) -> Vec<Value> {
    messages.into_iter().filter(|one| one["type"] == "updatePresence").collect()
}

fn news(state: &str, group: &str, user: &str, data: &Value) -> Value {
    json!({
        "type": "updatePresence", "state": state, "group": group, "connectedUsersList": [user],
        "connectedUsersListWithStatus": [{ "userId": user, "callState": "idle", "userData": data }],
    })
}

#[tokio::test]
async fn users_hear_of_each_other_in_the_groups_that_they_listen_to() {
    let t = Server::start().await;
    let one = t.line(&format!("{}&userData=%7B%22username%22%3A%22One%22%7D", guest("one"))).await;
    one.send("40").await;
    assert_eq!(presence(one.messages().await), [] as [Value; 0]);
    let two = t
        .line(&format!("{}&presenceGroup=%5B%22agent%22%5D&subscribeToPresenceGroup=%5B%22default%22%5D", guest("two")))
        .await;
    two.send("40").await;
    assert_eq!(presence(two.messages().await), [news("online", "default", "one", &json!({ "username": "One" }))]);
    let manage = |command: &str, group: &str| {
        let text = json!({ "type": "presenceGroupManagement", "command": command, "group": [group] }).to_string();
        format!("42{}", json!(["presenceGroupManagement", text]))
    };
    one.send(&manage("subscribe", "agent")).await;
    assert_eq!(presence(one.messages().await), [news("online", "agent", "two", &json!({}))]);
    two.send(&manage("join", "default")).await;
    assert_eq!(presence(one.messages().await), [news("online", "default", "two", &json!({}))]);
    two.send(&manage("leave", "default")).await;
    assert_eq!(presence(one.messages().await), [news("offline", "default", "two", &json!({}))]);
    // Nonsense closes nothing.
    two.send("42[\"setUserData\",\"nonsense\"]").await;
    two.send("42[\"presenceGroupManagement\",\"{\\\"type\\\":\\\"presenceGroupManagement\\\",\\\"group\\\":7}\"]")
        .await;
    two.send("41").await;
    assert_eq!(two.poll().await, ["1"], "the line ends, and with it the poll");
    assert_eq!(presence(one.messages().await), [news("offline", "agent", "two", &json!({}))]);
}
