//! Following the feed, with clocks that are moved by hand.

use std::time::Duration;

use ringfence_verify::{Ended, Refusal, Settings, Watch};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::stage::{START, Signer, Stage, seconds, session, settings, user};

/// How a connection ended, once it has.
struct Connection(oneshot::Receiver<Ended>);

impl Connection {
    fn of(watch: Watch) -> Self {
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move { tell.send(watch.ended().await) });
        Self(told)
    }

    fn reason(&mut self) -> Option<Refusal> {
        self.0.try_recv().ok().map(|ended| ended.reason)
    }
}

impl Stage {
    async fn connect(&self, session: &str, subject: &str) -> Connection {
        self.connect_with(&self.token(session, subject)).await
    }

    async fn connect_with(&self, token: &str) -> Connection {
        let claims = self.verify(token).await.unwrap();
        Connection::of(self.verifier.watch(&claims).unwrap())
    }
}

#[tokio::test]
async fn nothing_is_accepted_before_the_backlog_was_read() {
    let stage = Stage::begin(settings()).await;
    let (ann, bob) = (stage.token("s1", "ann"), stage.token("s2", "bob"));
    let [request] = &stage.asked("/events")[..] else { panic!("one feed is opened") };
    assert_eq!(request.url, "https://auth.example.org/api/v1/events?since=2027-01-14T08:00:00.000Z");
    assert_eq!((request.bearer.as_deref(), &request.last_event_id), (Some("rfk_secret"), &None));
    assert_eq!(stage.refusal(&ann).await, Some(Refusal::Unconfirmed));
    stage.tell("1", "session-revoked", session("s1", "ann"), json!({})).await;
    stage.say(": alive\n\n").await;
    assert_eq!(stage.refusal(&bob).await, Some(Refusal::Unconfirmed));
    assert_eq!(stage.refusal(&ann).await, Some(Refusal::Revoked));
    stage.say("id: 1\nevent: ready\ndata: {}\n\n").await;
    stage.verifier.ready().await;
    assert_eq!(stage.refusal(&bob).await, None);
    assert_eq!(stage.refusal(&ann).await, Some(Refusal::Revoked));
}

#[tokio::test]
async fn a_revoked_session_is_refused_and_its_connections_end() {
    let stage = Stage::ready().await;
    let token = stage.token("s1", "ann");
    let claims = stage.verify(&token).await.unwrap();
    let mut connections = [stage.connect("s1", "ann").await, stage.connect("s1", "ann").await];
    let mut others = [stage.connect("s2", "ann").await, stage.connect("s3", "bob").await];
    stage.tell("1", "session-revoked", session("s1", "ann"), json!({})).await;
    assert_eq!(connections.each_mut().map(Connection::reason), [Some(Refusal::Revoked); 2]);
    assert_eq!(others.each_mut().map(Connection::reason), [None; 2]);
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Revoked));
    assert_eq!(stage.verifier.still_valid(&claims), Err(Refusal::Revoked));
    assert!(matches!(stage.verifier.watch(&claims), Err(Refusal::Revoked)));
    let status = stage.verifier.status();
    assert_eq!((status.revocations, status.connections, status.connected), (1, 2, true));
}

#[tokio::test]
async fn a_user_who_was_signed_out_everywhere_comes_back_with_a_new_token() {
    let stage = Stage::ready().await;
    let before = stage.token("s1", "ann");
    let mut connection = stage.connect("s1", "ann").await;
    stage.pass(seconds(1)).await;
    stage.tell("1", "session-revoked", user("ann"), json!({})).await;
    assert_eq!(connection.reason(), Some(Refusal::Superseded));
    assert_eq!(stage.refusal(&before).await, Some(Refusal::Superseded));
    assert_eq!(stage.refusal(&stage.token("s9", "ann")).await, None);
    assert_eq!(stage.refusal(&stage.token("s2", "bob")).await, None);
}

#[tokio::test]
async fn tokens_that_say_what_no_longer_holds_are_refused_and_others_are_not() {
    let stage = Stage::ready().await;
    let before = stage.token("s1", "ann");
    stage.pass(seconds(1)).await;
    for (kind, detail) in [
        ("credential-change", json!({"change_type": "update"})),
        ("assurance-level-change", json!({"change_direction": "increase"})),
    ] {
        stage.tell("1", kind, user("ann"), detail).await;
        assert_eq!(stage.refusal(&before).await, None, "{kind}");
    }
    for (name, kind, detail) in [
        ("a", "token-claims-change", json!({"claims": {"kind": "member"}})),
        ("b", "assurance-level-change", json!({"change_direction": "decrease"})),
        ("c", "something-new", json!({})),
    ] {
        let before = stage.token("s1", name);
        stage.pass(seconds(1)).await;
        stage.tell("1", kind, user(name), detail).await;
        assert_eq!(stage.refusal(&before).await, Some(Refusal::Superseded), "{kind}");
        assert_eq!(stage.refusal(&stage.token("s1", name)).await, None, "{kind}");
    }
}

#[tokio::test]
async fn tokens_that_may_be_replaced_first_count_until_then() {
    let stage = Stage::ready().await;
    let (before, mut connection) = (stage.token("s1", "ann"), stage.connect("s1", "ann").await);
    stage.pass(seconds(1)).await;
    let until = stage.claims("s1", "ann")["iat"].as_u64().unwrap() + 60;
    let change = json!({"claims": {"kind": "member"}, "old_tokens_until": until});
    stage.tell("1", "token-claims-change", user("ann"), change).await;
    let (after, mut moved) = (stage.token("s2", "ann"), stage.connect("s2", "ann").await);
    stage.pass_alive(seconds(55)).await;
    stage.pass(Duration::from_millis(4750)).await;
    assert_eq!((stage.refusal(&before).await, connection.reason()), (None, None));
    let mut late = stage.connect_with(&before).await;
    stage.pass(Duration::from_millis(250)).await;
    let over = Some(Refusal::Superseded);
    assert_eq!((stage.refusal(&before).await, connection.reason(), late.reason()), (over, over, over));
    assert_eq!((stage.refusal(&after).await, moved.reason()), (None, None));
    // Heard late, it counts at once; and a session that ended waits for nothing.
    let before = stage.token("s1", "bob");
    stage.pass(seconds(1)).await;
    stage.tell("2", "token-claims-change", user("bob"), json!({"old_tokens_until": START})).await;
    assert_eq!(stage.refusal(&before).await, over);
    let ended = json!({"old_tokens_until": START + 9000});
    stage.tell("3", "session-revoked", session("s3", "cy"), ended).await;
    assert_eq!(stage.refusal(&stage.token("s3", "cy")).await, Some(Refusal::Revoked));
}

#[tokio::test]
async fn n59_after_the_stated_time_without_a_word_everything_is_refused() {
    let stage = Stage::ready().await;
    let token = stage.token("s1", "ann");
    let mut connection = stage.connect("s1", "ann").await;
    stage.set_down(true);
    stage.pass(Duration::from_millis(29_750)).await;
    assert_eq!((stage.refusal(&token).await, connection.reason()), (None, None));
    stage.pass(Duration::from_millis(250)).await;
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Unconfirmed));
    assert_eq!(connection.reason(), Some(Refusal::Unconfirmed));
    assert!(!stage.verifier.status().confirmed);
    // A server that is back is not enough: what was missed must have been read.
    stage.set_down(false);
    stage.pass(seconds(10)).await;
    stage.say(": alive\n\n").await;
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Unconfirmed));
    stage.say("id: 5\nevent: ready\ndata: {}\n\n").await;
    assert_eq!(stage.refusal(&token).await, None);
    let mut again = stage.connect("s1", "ann").await;
    stage.pass_alive(seconds(60)).await;
    assert_eq!(again.reason(), None);
    // And the same once more.
    stage.pass(seconds(30)).await;
    assert_eq!(again.reason(), Some(Refusal::Unconfirmed));
}

#[tokio::test]
async fn a_feed_that_falls_silent_is_opened_anew_where_it_was_left() {
    let stage = Stage::ready().await;
    stage.tell("7", "session-revoked", session("s1", "ann"), json!({})).await;
    stage.asked("");
    stage.pass(Duration::from_millis(14_750)).await;
    assert_eq!(stage.asked("/events"), []);
    stage.pass(seconds(1)).await;
    let [request] = &stage.asked("/events")[..] else { panic!("the feed is opened once more") };
    assert_eq!(request.last_event_id.as_deref(), Some("7"));
    assert_eq!(stage.verifier.status().last_failure.as_deref(), Some("the server said nothing for 15s"));
    stage.tell("8", "session-revoked", session("s2", "bob"), json!({})).await;
    stage.say("id: 8\nevent: ready\ndata: {}\n\n").await;
    stage.pass_alive(seconds(60)).await;
    for (session, subject) in [("s1", "ann"), ("s2", "bob")] {
        assert_eq!(stage.refusal(&stage.token(session, subject)).await, Some(Refusal::Revoked));
    }
    assert_eq!(stage.verifier.status().last_failure, None);
}

#[tokio::test]
async fn a_server_that_went_away_is_asked_again_and_again_but_not_in_a_storm() {
    let stage = Stage::ready().await;
    stage.set_down(true);
    stage.hang_up().await;
    stage.asked("");
    stage.pass(seconds(120)).await;
    let tries = stage.asked("/events").len();
    assert!((15..=25).contains(&tries), "{tries}");
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let stage = Stage::ready().await;
    stage.refuse_feed(429, Some(seconds(6)));
    stage.refuse_feed(403, None);
    stage.hang_up().await;
    stage.asked("");
    stage.pass(Duration::from_millis(6_250)).await;
    assert_eq!(stage.asked("/events").len(), 1);
    assert_eq!(stage.verifier.status().last_failure.as_deref(), Some("the feed was answered with 429"));
    stage.pass(seconds(4)).await;
    assert!(stage.is_read());
}

#[tokio::test]
async fn a_server_that_lost_our_place_is_asked_from_the_beginning_and_nothing_is_forgotten() {
    let stage = Stage::ready().await;
    stage.tell("7", "session-revoked", session("s1", "ann"), json!({})).await;
    stage.asked("");
    stage.say("id:\nevent: reset\ndata: {}\n\n").await;
    assert_eq!(stage.refusal(&stage.token("s1", "ann")).await, Some(Refusal::Revoked));
    stage.pass(seconds(1)).await;
    let [request] = &stage.asked("/events")[..] else { panic!("the feed is opened once more") };
    assert_eq!(request.last_event_id, None);
    assert!(request.url.ends_with("since=2027-01-14T08:00:00.500Z"), "{}", request.url);
    stage.say(": alive\n\n").await;
    assert!(!stage.verifier.status().connected);
}

#[tokio::test]
async fn an_event_that_cannot_be_believed_is_not_passed_over() {
    let stage = Stage::ready().await;
    let stranger = Signer::new("k9", 9);
    let good = json!({"iss": crate::stage::ISSUER, "iat": START, "sub_id": user("ann"), "events": {"x": {}}});
    let mut foreign = good.clone();
    foreign["iss"] = json!("https://evil.example/projects/p1");
    let mut nobody = good.clone();
    nobody["sub_id"] = json!({"format": "iss_sub", "iss": "https://evil.example", "sub": "ann"});
    let mut senseless = good.clone();
    senseless["events"] = Value::Null;
    let forged = [
        stranger.mint("secevent+jwt", &good),
        stage.signer.mint("at+jwt", &good),
        stage.signer.mint("secevent+jwt", &foreign),
        stage.signer.mint("secevent+jwt", &nobody),
        stage.signer.mint("secevent+jwt", &senseless),
        "nonsense".to_owned(),
    ];
    for token in forged {
        stage.say(&format!("id: 9\nevent: session-revoked\ndata: {token}\n\n")).await;
        assert!(!stage.verifier.status().connected);
        stage.asked("");
        stage.pass(seconds(1)).await;
        assert_eq!(stage.asked("/events")[0].last_event_id.as_deref(), Some("0"), "it is asked for again");
        stage.say("id: 0\nevent: ready\ndata: {}\n\n").await;
    }
    assert_eq!(stage.verifier.status().revocations, 0);
}

#[tokio::test]
async fn an_event_signed_by_a_new_key_is_understood() {
    let stage = Stage::ready().await;
    let next = Signer::new("k2", 9);
    stage.publish(&[stage.signer.jwk(), next.jwk()]);
    let stage = Stage { signer: next, ..stage };
    stage.tell("1", "session-revoked", session("s1", "ann"), json!({})).await;
    assert_eq!(stage.refusal(&stage.token("s1", "ann")).await, Some(Refusal::Revoked));
}

#[tokio::test]
async fn half_a_message_is_no_sign_that_all_is_known() {
    let stage = Stage::ready().await;
    let token = stage.token("s1", "ann");
    let message = stage.message("1", "session-revoked", &session("s1", "ann"), json!({}));
    let (half, rest) = message.split_at(message.len() / 2);
    stage.pass(seconds(14)).await;
    stage.say(half).await;
    stage.pass(seconds(14)).await;
    assert_eq!(stage.refusal(&token).await, None);
    stage.say(&rest[..5]).await;
    stage.pass(seconds(2)).await;
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Unconfirmed));
    stage.say(&rest[5..]).await;
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Revoked));
}

#[tokio::test]
async fn more_than_there_is_room_for_concerns_everybody() {
    let stage = Stage::ready_with(Settings { capacity: 3, ..settings() }).await;
    let mut connection = stage.connect("other", "zoe").await;
    for number in 0..4 {
        assert_eq!(connection.reason(), None);
        let sid = format!("s{number}");
        stage.tell(&number.to_string(), "session-revoked", session(&sid, "ann"), json!({})).await;
    }
    assert_eq!(connection.reason(), Some(Refusal::Superseded));
    for sid in ["s0", "s3", "other"] {
        assert_eq!(stage.refusal(&stage.token(sid, "zoe")).await, Some(Refusal::Superseded), "{sid}");
    }
    stage.pass_alive(seconds(65)).await;
    assert_eq!(stage.refusal(&stage.token("s5", "zoe")).await, None);
    assert_eq!(stage.verifier.status().revocations, 0);
}

#[tokio::test]
async fn revocations_are_forgotten_when_no_token_can_need_them() {
    let short = Settings { longest_token: seconds(60), ..settings() };
    let stage = Stage::ready_with(short).await;
    stage.tell("1", "session-revoked", session("s1", "ann"), json!({})).await;
    stage.pass_alive(seconds(60)).await;
    assert_eq!(stage.verifier.status().revocations, 1);
    stage.pass_alive(seconds(120)).await;
    assert_eq!(stage.verifier.status().revocations, 0);
}

#[tokio::test]
async fn a_connection_ends_with_its_token_unless_it_got_another() {
    let stage = Stage::ready().await;
    let mut claims = stage.claims("s1", "ann");
    claims["exp"] = json!(START + 30);
    let short = stage.verify(&stage.signer.mint("at+jwt", &claims)).await.unwrap();
    let mut left = Connection::of(stage.verifier.watch(&short).unwrap());
    let replaced = stage.verifier.watch(&short).unwrap();
    let mut renewed = stage.connect("s1", "ann").await;
    drop(replaced);
    assert_eq!(stage.verifier.status().connections, 2);
    stage.pass_alive(seconds(30)).await;
    assert_eq!((left.reason(), renewed.reason()), (Some(Refusal::Expired), None));
    stage.tell("1", "session-revoked", session("s1", "ann"), json!({})).await;
    assert_eq!(renewed.reason(), Some(Refusal::Revoked));
    assert_eq!(stage.verifier.status().connections, 0);
}

#[tokio::test]
async fn a_machine_that_slept_does_not_trust_what_it_knew() {
    let stage = Stage::ready().await;
    let token = stage.token("s1", "ann");
    stage.machine.set_forward(seconds(31));
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Unconfirmed));
    stage.say(": alive\n\n").await;
    assert_eq!(stage.refusal(&token).await, None);
}

#[tokio::test]
async fn n97_a_clock_that_is_set_back_prolongs_nothing() {
    let stage = Stage::ready().await;
    let mut claims = stage.claims("s1", "ann");
    claims["exp"] = json!(START + 60);
    let short = stage.verify(&stage.signer.mint("at+jwt", &claims)).await.unwrap();
    let mut connection = Connection::of(stage.verifier.watch(&short).unwrap());
    stage.machine.set_back(Duration::from_hours(1));
    stage.pass_alive(seconds(55)).await;
    assert_eq!((stage.verifier.still_valid(&short), connection.reason()), (Ok(()), None));
    stage.pass_alive(seconds(5)).await;
    assert_eq!(
        (stage.verifier.still_valid(&short), connection.reason()),
        (Err(Refusal::Expired), Some(Refusal::Expired))
    );
}

#[tokio::test]
async fn n97_what_a_clock_that_was_wrong_forgot_does_not_count_again() {
    let stage = Stage::ready().await;
    let token = stage.token("s1", "ann");
    stage.tell("1", "session-revoked", session("s1", "ann"), json!({})).await;
    let day = Duration::from_hours(25);
    stage.machine.set_forward(day);
    stage.pass_alive(seconds(60)).await;
    assert_eq!(stage.verifier.status().revocations, 0);
    stage.machine.set_back(day);
    stage.pass_alive(seconds(60)).await;
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Expired));
}

#[tokio::test]
async fn the_last_verifier_takes_its_connections_along() {
    let stage = Stage::ready().await;
    let mut connection = stage.connect("s1", "ann").await;
    let Stage { verifier, server, machine, signer } = stage;
    let clone = verifier.clone();
    drop(verifier);
    let stage = Stage { verifier: clone, server, machine, signer };
    stage.settle().await;
    assert_eq!(connection.reason(), None);
    let Stage { verifier, .. } = stage;
    drop(verifier);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(connection.reason(), Some(Refusal::Unconfirmed));
}
