//! The feed of security events, as a reader on the line sees it.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use http::{Response, StatusCode};
use insta::assert_snapshot;
use ringfence_core::{caller::Scope, time::Clock as _};
use serde_json::Value;

use super::world::{Person, World};
use crate::support::{Asking, claims};

/// A reader of the feed.
struct Reader {
    body: BodyDataStream,
    unread: String,
}

/// A message: its id, its type and its data.
#[derive(Debug)]
struct Message {
    id: String,
    event: String,
    data: String,
}

impl Reader {
    async fn open(asked: Asking) -> Self {
        let response: Response<axum::body::Body> = asked.respond().await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), unread: String::new() }
    }

    /// The next block of lines; `None` when the feed has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.find("\n\n") {
                let rest = self.unread.split_off(end + 2);
                return Some(std::mem::replace(&mut self.unread, rest));
            }
            let piece = self.body.next().await?.unwrap();
            self.unread.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next message that is no comment.
    async fn next(&mut self) -> Option<Message> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                block.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
            };
            if let Some(event) = field("event") {
                return Some(Message { id: field("id").unwrap(), event, data: field("data").unwrap() });
            }
        }
    }

    async fn events(&mut self, count: usize) -> Vec<Message> {
        let mut found = Vec::new();
        for _ in 0..count {
            found.push(self.next().await.unwrap());
        }
        found
    }
}

impl World {
    /// A world whose feed is served.
    async fn feeding() -> (Self, String) {
        let w = Self::start().await;
        tokio::spawn(w.server.feed.clone().run());
        let key = w.key(&[Scope::EventsRead], None).await;
        (w, key)
    }

    async fn sign_out(&self, who: &Person) {
        let answer = self.ask("POST", "/sign-out").bearer(&who.access).send().await;
        assert!(answer.status.is_success(), "{answer}");
    }
}

fn session_of(message: &Message) -> String {
    let claims = claims(&message.data);
    claims.pointer("/sub_id/session/id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_reader_hears_of_what_happens_and_of_what_happened_since() {
    let (w, key) = World::feeding().await;
    let (ann, bob) = (w.member("ann").await, w.member("bob").await);
    w.sign_out(&ann).await;
    let since = w.server.clock.now().rfc3339();
    let mut reader = Reader::open(w.ask("GET", &format!("/events?since={since}")).bearer(&key)).await;
    let [first, ready] = reader.events(2).await.try_into().unwrap();
    assert_eq!((first.event.as_str(), session_of(&first)), ("session-revoked", ann.session.clone()));
    assert_eq!((ready.event.as_str(), ready.id.as_str()), ("ready", first.id.as_str()));
    w.sign_out(&bob).await;
    let second = reader.next().await.unwrap();
    assert_eq!((second.event.as_str(), session_of(&second)), ("session-revoked", bob.session));
    assert!(second.id > first.id);
    // The token is one that the published keys verify, and says what it is.
    let header = second.data.split('.').next().unwrap();
    assert_snapshot!(decoded(header)["typ"], @r#""secevent+jwt""#);
    assert_eq!(claims(&second.data)["iss"], claims(&bob.access)["iss"]);
    // Without a beginning there is nothing but what is to come.
    let mut late = Reader::open(w.ask("GET", "/events").bearer(&key)).await;
    assert_eq!(late.next().await.unwrap().event, "ready");
}

fn decoded(part: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was_cut() {
    let (w, key) = World::feeding().await;
    let mut people = Vec::new();
    for name in ["ann", "bob", "cleo"] {
        people.push(w.member(name).await);
    }
    w.sign_out(&people[0]).await;
    let mut reader = Reader::open(w.ask("GET", "/events?since=2020-01-01T00:00:00Z").bearer(&key)).await;
    let first = reader.next().await.unwrap();
    drop(reader);
    w.sign_out(&people[1]).await;
    w.sign_out(&people[2]).await;
    let resumed = w.ask("GET", "/events?since=2020-01-01T00:00:00Z").bearer(&key).header("last-event-id", &first.id);
    let mut resumed = Reader::open(resumed).await;
    let told: Vec<_> = resumed.events(2).await.iter().map(session_of).collect();
    assert_eq!(told, [people[1].session.clone(), people[2].session.clone()]);
    assert_eq!(resumed.next().await.unwrap().event, "ready");
}

#[tokio::test]
async fn a_reader_whose_place_is_not_known_has_to_begin_anew() {
    let (w, key) = World::feeding().await;
    for place in ["nonsense", "00000000000000ff"] {
        let mut reader = Reader::open(w.ask("GET", "/events").bearer(&key).header("last-event-id", place)).await;
        let message = reader.next().await.unwrap();
        assert_eq!((message.event.as_str(), message.id.as_str()), ("reset", ""), "{place}");
        assert!(reader.next().await.is_none());
    }
    // Swept with what was told there.
    let ann = w.member("ann").await;
    let mut reader = Reader::open(w.ask("GET", "/events").bearer(&key)).await;
    let place = reader.next().await.unwrap().id;
    w.sign_out(&ann).await;
    reader.next().await.unwrap();
    drop(reader);
    w.server.clock.advance(Duration::from_hours(24 * 31));
    w.server.authority.sweep().await.unwrap();
    let mut reader = Reader::open(w.ask("GET", "/events").bearer(&key).header("last-event-id", &place)).await;
    assert_eq!(reader.next().await.unwrap().event, "reset");
}

#[tokio::test]
async fn a_quiet_feed_says_that_nothing_was_missed() {
    let (w, key) = World::feeding().await;
    let mut reader = Reader::open(w.ask("GET", "/events").bearer(&key)).await;
    assert_eq!(reader.next().await.unwrap().event, "ready");
    w.server.clock.advance(Duration::from_secs(5));
    assert_eq!(reader.block().await.unwrap(), ": alive\n\n");
}

#[tokio::test]
async fn a_feed_that_cannot_be_looked_into_does_not_say_that_all_is_well() {
    let w = World::start().await;
    let key = w.key(&[Scope::EventsRead], None).await;
    let mut reader = Reader::open(w.ask("GET", "/events").bearer(&key)).await;
    assert_eq!(reader.next().await.unwrap().event, "ready");
    // Nobody looks: the feed is not run.
    w.server.clock.advance(Duration::from_secs(6));
    assert_eq!(reader.block().await, None);
}

#[tokio::test]
async fn a_reader_whose_key_was_revoked_is_sent_away() {
    let (w, key) = World::feeding().await;
    let mut reader = Reader::open(w.ask("GET", "/events").bearer(&key)).await;
    assert_eq!(reader.next().await.unwrap().event, "ready");
    let keys = w.admin("GET", "/admin/api-keys").send().await.json();
    let id =
        keys["items"].as_array().unwrap().iter().find(|item| item["scopes"][0] == "events:read").unwrap()["id"].clone();
    let path = format!("/admin/api-keys/{}", id.as_str().unwrap());
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    w.server.clock.advance(Duration::from_secs(5));
    assert_eq!(reader.block().await, None);
}

#[tokio::test]
async fn the_feed_is_for_keys_with_its_scope_and_closes_with_the_server() {
    let (w, key) = World::feeding().await;
    let weak = w.key(&[Scope::ProjectsRead], None).await;
    assert_snapshot!(w.ask("GET", "/events").send().await, @r#"401 {"type":"/problems/invalid_credentials","title":"invalid credentials","status":401,"code":"invalid_credentials"}"#);
    assert_snapshot!(w.ask("GET", "/events").bearer(&weak).send().await, @r#"403 {"type":"/problems/forbidden","title":"not permitted, needs events:read","status":403,"code":"forbidden"}"#);
    assert_snapshot!(w.ask("GET", "/events?since=yesterday").bearer(&key).send().await, @r#"400 {"type":"/problems/query_malformed","title":"the query has a member that is not known, missing or malformed","status":400,"code":"query_malformed"}"#);
    let mut reader = Reader::open(w.ask("GET", "/events").bearer(&key)).await;
    assert_eq!(reader.next().await.unwrap().event, "ready");
    w.server.feed.close();
    assert!(reader.next().await.is_none());
}

#[tokio::test]
async fn a_key_has_so_many_readers_at_once() {
    let (w, key) = World::feeding().await;
    let mut readers = Vec::new();
    for _ in 0..16 {
        readers.push(Reader::open(w.ask("GET", "/events").bearer(&key)).await);
    }
    let refused = w.ask("GET", "/events").bearer(&key).send().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "30"));
    // Another key is not in their way, and neither are those who went.
    let other = w.key(&[Scope::EventsRead], None).await;
    readers.push(Reader::open(w.ask("GET", "/events").bearer(&other)).await);
    readers.remove(0);
    let mut again = w.ask("GET", "/events").bearer(&key).respond().await;
    while again.status() != StatusCode::OK {
        tokio::task::yield_now().await;
        again = w.ask("GET", "/events").bearer(&key).respond().await;
    }
}

#[tokio::test]
async fn n89_a_reader_hears_of_its_own_project_only() {
    let (w, key) = World::feeding().await;
    let elsewhere = w.elsewhere().await;
    let ann = w.member("ann").await;
    let mut theirs = Reader::open(w.ask("GET", "/events?since=2020-01-01T00:00:00Z").bearer(&elsewhere.key)).await;
    let mut ours = Reader::open(w.ask("GET", "/events?since=2020-01-01T00:00:00Z").bearer(&key)).await;
    assert_eq!(theirs.next().await.unwrap().event, "ready");
    assert_eq!(ours.next().await.unwrap().event, "ready");
    w.sign_out(&ann).await;
    assert_eq!(ours.next().await.unwrap().event, "session-revoked");
    w.server.feed.close();
    assert!(theirs.next().await.is_none());
}
