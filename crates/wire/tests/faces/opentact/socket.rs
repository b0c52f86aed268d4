//! The socket of events over loopback; time is moved by hand.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use insta::assert_snapshot;
use ringfence_core::{
    project::{ProjectPolicy, Span, TokenPolicy},
    session::SessionsOf,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::server::{PASSWORD, Server, User, policy};
use crate::support::{basic, named};

/// Of alice@rtc.test, whose password is s3cret-A (sheet, section 10).
const HA1B: &str = "62789166d17cfe0f78850da0ca3d06ba";

type Socket = WebSocketStream<TcpStream>;

/// A server that listens.
struct Listening {
    t: Server,
    address: SocketAddr,
}

impl Listening {
    async fn start() -> Self {
        Self::start_with(policy()).await
    }

    async fn start_with(policy: ProjectPolicy) -> Self {
        let t = Server::start_with(policy).await;
        tokio::spawn(Arc::clone(&t.app.live).run());
        // Until it listens.
        tokio::task::yield_now().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = t.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { t, address }
    }

    async fn open(&self) -> Socket {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}/opentact", self.address);
        client_async(url, stream).await.unwrap().0
    }

    /// A socket that is authenticated, and what it was answered.
    async fn authenticated(&self, user: &User) -> (Socket, Value) {
        let mut socket = self.open().await;
        say(&mut socket, &auth(&user.jwt)).await;
        let answer = heard(&mut socket).await;
        (socket, answer)
    }

    /// Somebody of Ann's account.
    async fn colleague(&self, ann: &User, name: &str) -> User {
        let email = format!("{name}@example.org");
        let wanted = json!({ "email": email, "password": PASSWORD });
        let made = self.t.ask("POST", "/account/user").jwt(&ann.jwt).json(&wanted).send().await;
        assert_eq!(made.status, 201, "{made}");
        self.t.signed_in(&email).await
    }

    /// The socket of a SIP user of Ann's account, and what it was answered.
    async fn phone(&self, ann: &User) -> (Socket, Value) {
        let as_ann = |path: &str| self.t.ask("POST", path).jwt(&ann.jwt);
        assert_eq!(as_ann("/sip/domain").json(&json!({ "domain": "rtc.test" })).send().await.status, 201);
        let wanted = json!({ "login": "alice", "password": "s3cret-A" });
        assert_eq!(as_ann("/sip/domain/rtc.test/user").json(&wanted).send().await.status, 201);
        let signed_in = self.t.ask("GET", "/auth").header("x-auth-ha1b-token", HA1B).send().await.json();
        let mut socket = self.open().await;
        say(&mut socket, &auth(signed_in["payload"]["token"].as_str().unwrap())).await;
        let answer = heard(&mut socket).await;
        (socket, answer)
    }

    async fn online(&self, user: &User) -> bool {
        let answer = self.t.ask("GET", "/auth").header("authorization", &user.basic).send().await;
        answer.json()["payload"]["wss_online"].as_bool().unwrap()
    }
}

fn auth(token: &str) -> Value {
    json!({ "type": "auth", "payload": token })
}

async fn say(socket: &mut Socket, frame: &Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn heard(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Ping(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
            Some(Ok(_)) => {}
            other => panic!("ended without a good-bye: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_token_is_answered_with_the_user_and_the_account() {
    let s = Listening::start().await;
    let ann = s.t.user("ann").await;
    assert!(!s.online(&ann).await);
    let (socket, answer) = s.authenticated(&ann).await;
    assert_snapshot!(named(&answer.to_string()), @r#"{"account":{"address1":null,"address2":null,"balance":0,"city":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"disabled_on":null,"email":null,"level":"Level0","modified_on":"2026-11-18T11:06:40.000Z","name":"account","phone":null,"uuid":"{id0}","zip_code":null},"created_on":"2026-11-18T11:06:40.000Z","message":"WSS connection {id1}@127.0.0.1 - success auth ann@example.org","payload":{"account":{"address1":null,"address2":null,"balance":0,"city":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"disabled_on":null,"email":null,"level":"Level0","modified_on":"2026-11-18T11:06:40.000Z","name":"account","phone":null,"uuid":"{id0}","zip_code":null},"ip":"127.0.0.1","user":{"apple_user_id":null,"avatar":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":"ann@example.org","facebook_user_id":null,"first_name":"ann","gender":null,"gmail_user_id":null,"last_name":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"role":"User","uuid":"{id2}","wechat_user_id":null,"wss_online":true},"uuid":"{id1}"},"type":"auth","uuid":"{id3}"}"#);
    assert!(s.online(&ann).await);
    drop(socket);
    while s.online(&ann).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whatever_is_no_good_token_is_closed_with_4401() {
    let s = Listening::start().await;
    let ann = s.t.user("ann").await;
    let key = s.t.key(&ann, 60).await;
    let elsewhere = s.t.root("POST", "/elsewhere/rest/user");
    let wanted = json!({ "email": "eve@example.org", "password": PASSWORD });
    assert_eq!(elsewhere.json(&wanted).send().await.status, 201);
    let shown = basic("eve@example.org", PASSWORD);
    let theirs = s.t.root("GET", "/elsewhere/rest/auth").header("authorization", &shown).send().await;
    let theirs = theirs.json()["payload"]["token"].as_str().unwrap().to_owned();
    for token in ["x", "", "eyJhbGciOiJub25lIn0.e30.", &key, &theirs, &ann.jwt[..ann.jwt.len() - 2]] {
        let mut socket = s.open().await;
        say(&mut socket, &auth(token)).await;
        assert_eq!(closed(&mut socket).await, (4401, "unauthorized".to_owned()), "{token}");
    }
    for other in [json!({ "type": "auth" }), json!({ "type": "ping", "payload": "x" }), json!([]), json!({})] {
        let mut socket = s.open().await;
        say(&mut socket, &other).await;
        assert_eq!(closed(&mut socket).await, (4401, "authenticate first".to_owned()), "{other}");
    }
    // A token in the address of the socket is not looked at.
    let stream = TcpStream::connect(s.address).await.unwrap();
    let url = format!("ws://{}/opentact?jwt={}", s.address, ann.jwt);
    let mut socket = client_async(url, stream).await.unwrap().0;
    say(&mut socket, &json!({ "type": "subscribe" })).await;
    assert_eq!(closed(&mut socket).await.0, 4401);
}

#[tokio::test]
async fn n56_whoever_does_not_authenticate_in_time_is_sent_away() {
    let s = Listening::start().await;
    let mut socket = s.open().await;
    s.t.world.clock.advance(Duration::from_secs(11));
    assert_eq!(closed(&mut socket).await, (4401, "authenticate first".to_owned()));
    let (mut long, ann) = (s.open().await, s.t.user("ann").await);
    say(&mut long, &auth(&"x".repeat(20_000))).await;
    assert_eq!(closed(&mut long).await.0, 1009);
    let (mut chatty, _) = s.authenticated(&ann).await;
    for _ in 0..30 {
        // Refused some time before the last one.
        drop(chatty.send(Message::text("{}")).await);
    }
    assert_eq!(closed(&mut chatty).await, (1008, "too many messages".to_owned()));
}

#[tokio::test]
async fn one_message_authenticates_and_another_ends_it() {
    let s = Listening::start().await;
    let (ann, bob) = (s.t.user("ann").await, s.t.user("bob").await);
    let (mut socket, _) = s.authenticated(&ann).await;
    say(&mut socket, &json!({ "type": "hello" })).await;
    say(&mut socket, &auth(&bob.jwt)).await;
    assert_eq!(closed(&mut socket).await, (1008, "authenticated already".to_owned()));
    assert!(!s.online(&bob).await);
}

#[tokio::test]
async fn n55_what_ends_a_session_closes_its_socket() {
    let s = Listening::start().await;
    let t = &s.t;
    let ended = (4401, "session ended".to_owned());
    let ann = t.user("ann").await;
    let id = ann.id.parse().unwrap();
    // Revoked.
    let (mut socket, _) = s.authenticated(&ann).await;
    t.authority.revoke_sessions(&t.world.ctx(), &t.permit(), SessionsOf::Identity(id)).await.unwrap();
    assert_eq!(closed(&mut socket).await, ended);
    let mut again = s.open().await;
    say(&mut again, &auth(&ann.jwt)).await;
    assert_eq!(closed(&mut again).await.0, 4401);
    // A new password.
    let ann = t.signed_in(&ann.email).await;
    let (mut socket, _) = s.authenticated(&ann).await;
    let change = json!({ "password": "quiet harbour at dusk" });
    let changed = t.ask("PATCH", &format!("/user/{}", ann.id)).header("authorization", &ann.basic).json(&change);
    assert_eq!(changed.send().await.status, 200);
    assert_eq!(closed(&mut socket).await, ended);
    // Shut out by the owner, then by the operator.
    let bob = t.user("bob").await;
    let cy = s.colleague(&bob, "cy").await;
    let (mut socket, _) = s.authenticated(&cy).await;
    assert_eq!(t.ask("DELETE", &format!("/account/user/{}", cy.id)).jwt(&bob.jwt).send().await.status, 200);
    assert_eq!(closed(&mut socket).await, ended);
    let (mut socket, _) = s.authenticated(&bob).await;
    t.authority.suspend_identity(&t.world.ctx(), &t.permit(), bob.id.parse().unwrap(), true).await.unwrap();
    assert_eq!(closed(&mut socket).await, ended);
}

#[tokio::test]
async fn n67_an_account_that_is_switched_off_closes_the_sockets_of_all_in_it() {
    let s = Listening::start_with(super::server::lenient()).await;
    let t = &s.t;
    let (ann, eve) = (t.user("ann").await, t.user("eve").await);
    let bob = s.colleague(&ann, "bob").await;
    let (phone, _) = s.phone(&ann).await;
    let mut theirs = vec![phone];
    for user in [&ann, &bob] {
        theirs.push(s.authenticated(user).await.0);
    }
    let (_eves, _) = s.authenticated(&eve).await;
    let account = t.ask("GET", "/account").jwt(&ann.jwt).send().await.json();
    let account = account["payload"]["uuid"].as_str().unwrap().parse().unwrap();
    t.authority.disable_application(&t.world.ctx(), &t.permit(), account, true).await.unwrap();
    for mut socket in theirs {
        // Whoever is left hears that others go.
        assert_eq!(closed(&mut socket).await, (4401, "session ended".to_owned()));
    }
    for user in [&ann, &bob] {
        assert_eq!(t.ask("GET", "/auth").header("authorization", &user.basic).send().await.status, 401);
    }
    assert!(s.online(&eve).await);
}

#[tokio::test]
async fn a_socket_outlives_its_token_and_ends_with_its_session() {
    let tokens = TokenPolicy { access: Span::parse("1m").unwrap(), refresh: Span::days(30), ..TokenPolicy::default() };
    let s = Listening::start_with(ProjectPolicy { tokens, ..policy() }).await;
    let ann = s.t.user("ann").await;
    let (mut socket, _) = s.authenticated(&ann).await;
    // It answers pings, and says nothing else.
    for _ in 0..5 {
        s.t.world.clock.advance(Duration::from_secs(30));
        let Some(Ok(Message::Ping(_))) = socket.next().await else { panic!("no ping") };
        socket.flush().await.unwrap();
        // Meanwhile the server hears the answer.
        assert!(s.online(&ann).await);
    }
    assert_eq!(s.t.ask("GET", "/auth").jwt(&ann.jwt).send().await.status, 401);
    s.t.world.clock.advance(Duration::from_hours(24 * 31));
    assert_eq!(closed(&mut socket).await.0, 4401);
}

#[tokio::test]
async fn users_of_an_account_hear_who_comes_and_goes_and_others_do_not() {
    let s = Listening::start().await;
    let (ann, eve) = (s.t.user("ann").await, s.t.user("eve").await);
    let bob = s.colleague(&ann, "bob").await;
    let (mut anns, _) = s.authenticated(&ann).await;
    let (mut eves, _) = s.authenticated(&eve).await;
    let (bobs, _) = s.authenticated(&bob).await;
    let came = heard(&mut anns).await;
    assert_snapshot!(named(&came.to_string()), @r#"{"account":{"address1":null,"address2":null,"balance":0,"city":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"disabled_on":null,"email":null,"level":"Level0","modified_on":"2026-11-18T11:06:40.000Z","name":"account","phone":null,"uuid":"{id0}","zip_code":null},"created_on":"2026-11-18T11:06:40.000Z","message":"bob@example.org is online","payload":{"user":{"apple_user_id":null,"avatar":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":"bob@example.org","facebook_user_id":null,"first_name":null,"gender":null,"gmail_user_id":null,"last_name":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"role":"User","uuid":"{id1}","wechat_user_id":null,"wss_online":true},"wss_online":true},"type":"user_presence","uuid":"{id2}"}"#);
    // A second socket of his is no news, and the end of one of two neither.
    let (second, _) = s.authenticated(&bob).await;
    drop(bobs);
    drop(second);
    let went = heard(&mut anns).await;
    assert_eq!((&went["type"], &went["payload"]["wss_online"]), (&json!("user_presence"), &json!(false)));
    assert_eq!(went["payload"]["user"]["email"], "bob@example.org");
    // Eve heard nothing before this.
    say(&mut eves, &auth("x")).await;
    let Some(Ok(Message::Close(_))) = eves.next().await else { panic!("told of others") };
}

#[tokio::test]
async fn a_sip_user_has_a_socket_of_its_own_and_hears_nothing_of_people() {
    let s = Listening::start_with(super::server::lenient()).await;
    let ann = s.t.user("ann").await;
    let (mut socket, answer) = s.phone(&ann).await;
    assert!(answer["message"].as_str().unwrap().ends_with(" - success auth alice@rtc.test"), "{answer}");
    assert_eq!(answer["payload"]["user"]["login"], "alice");
    let (_anns, _) = s.authenticated(&ann).await;
    // A hash is no token.
    let mut other = s.open().await;
    say(&mut other, &auth(HA1B)).await;
    assert_eq!(closed(&mut other).await.0, 4401);
    let alice = answer["payload"]["user"]["uuid"].as_str().unwrap();
    let change = json!({ "password": "long and quiet word" });
    let changed = s.t.ask("PATCH", &format!("/sip/domain/rtc.test/user/{alice}")).jwt(&ann.jwt).json(&change);
    assert_eq!(changed.send().await.status, 200);
    // The good-bye comes first: of Ann it was told nothing.
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("told of people") };
    assert_eq!(u16::from(frame.code), 4401);
}
