//! Sockets over loopback, against the Telnyx face; time is moved by hand.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use ringfence_core::{ids::IdentityId, session::SessionsOf};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

use crate::{
    live::Directive,
    testing::{Stage, Subscriber},
};

struct Server {
    stage: Stage,
    address: SocketAddr,
}

type Socket = WebSocketStream<TcpStream>;

impl Server {
    async fn start() -> Self {
        Self::start_with(HashMap::new()).await
    }

    async fn start_with(options: HashMap<&str, &str>) -> Self {
        let stage = Stage::start_with(options).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = crate::router(&stage.app).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { stage, address }
    }

    async fn open(&self) -> Socket {
        self.open_from(None).await.unwrap()
    }

    async fn open_from(&self, origin: Option<&'static str>) -> Result<Socket, tungstenite::Error> {
        let mut request = format!("ws://{}/telnyx", self.address).into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await?;
        client_async(request, stream).await.map(|(socket, _)| socket)
    }

    /// A socket that is logged in.
    async fn logged_in(&self, subscriber: &Subscriber) -> Socket {
        let mut socket = self.open().await;
        let answer = ask(&mut socket, "login", subscriber.pair()).await;
        assert!(answer["result"]["sessid"].is_string(), "{answer}");
        socket
    }

    fn advance(&self, seconds: u64) {
        self.stage.world.clock.advance(Duration::from_secs(seconds));
    }

    fn connections_of(&self, identity: IdentityId) -> usize {
        self.stage.app.live.reached(identity, "telnyx").len()
    }

    /// Returns when no socket is open, which must come by itself.
    async fn emptied(&self) {
        self.stage.app.live.drain(Duration::ZERO).await;
    }
}

async fn say(socket: &mut Socket, method: &str, params: Value) {
    let frame = json!({ "jsonrpc": "2.0", "id": "r", "method": method, "params": params });
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn ask(socket: &mut Socket, method: &str, params: Value) -> Value {
    say(socket, method, params).await;
    loop {
        let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("closed") };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["id"] == "r" {
            return frame;
        }
    }
}

/// The code and the reason it is closed with, frames before that left out.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                // Says good-bye too.
                while let Some(Ok(_)) = socket.next().await {}
                return (CloseCode::into(frame.code), frame.reason.to_string());
            }
            Some(Ok(_)) => {}
            other => panic!("ended without a good-bye: {other:?}"),
        }
    }
}

fn goodbye(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}

/// A frame as bytes: the first byte as given, masked with zeros unless said otherwise.
fn frame(first: u8, length: usize, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(mask | u8::try_from(length).unwrap()),
        126..=0xFFFF => {
            bytes.push(mask | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(if masked { &[0; 4][..] } else { &[] });
    bytes.extend(payload);
    bytes
}

#[tokio::test]
async fn n47_a_page_of_another_origin_is_refused_before_the_upgrade() {
    let t = Server::start_with(HashMap::from([("origins", "https://app.test, https://other.test")])).await;
    for origin in ["null", "https://evil.test", "https://app.test.evil.test"] {
        let Err(tungstenite::Error::Http(refusal)) = t.open_from(Some(origin)).await else { panic!("{origin}") };
        assert_eq!(refusal.status(), 403, "{origin}");
    }
    t.open_from(Some("https://app.test")).await.unwrap();
    t.open().await;
}

#[tokio::test]
async fn n56_a_socket_on_which_nobody_signs_in_is_closed() {
    let t = Server::start().await;
    let mut socket = t.open().await;
    ask(&mut socket, "telnyx_rtc.ping", json!({})).await;
    t.advance(10);
    assert_eq!(closed(&mut socket).await, goodbye(1008, "nobody signed in"));
}

#[tokio::test]
async fn n56_whoever_breaks_the_protocol_is_told_so() {
    let t = Server::start().await;
    for (case, bytes, code) in [
        ("a frame of 1 GiB", frame(0x81, 1 << 30, true, b""), 1009),
        (
            "a message of many frames",
            [
                frame(0x01, 65_000, true, &[b'x'; 65_000]),
                frame(0x00, 65_000, true, &[b'x'; 65_000]),
                frame(0x00, 65_000, true, &[b'x'; 65_000]),
            ]
            .concat(),
            1009,
        ),
        ("an unmasked frame", frame(0x81, 2, false, b"{}"), 1002),
        ("a reserved opcode", frame(0x83, 2, true, b"{}"), 1002),
        ("a reserved bit", frame(0xC1, 2, true, b"{}"), 1002),
        ("no UTF-8", frame(0x81, 2, true, &[0xC3, 0x28]), 1007),
        ("a binary frame", frame(0x82, 2, true, b"{}"), 1003),
    ] {
        let mut socket = t.open().await;
        socket.get_mut().write_all(&bytes).await.unwrap();
        assert_eq!(closed(&mut socket).await.0, code, "{case}");
    }
}

#[tokio::test]
async fn n56_frames_at_line_rate_end_the_socket() {
    let t = Server::start().await;
    let mut socket = t.open().await;
    let flood = frame(0x89, 0, true, b"").repeat(1000);
    socket.get_mut().write_all(&flood).await.unwrap();
    let mut seen = 0;
    let code = loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
            Some(Ok(_)) => seen += 1,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 1008);
    assert!(seen <= 300, "{seen} pongs");
}

#[tokio::test]
async fn a_silent_socket_is_closed_and_one_that_answers_pings_is_not() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let (mut silent, mut lively) = (t.logged_in(&ann).await, t.logged_in(&ann).await);
    for _ in 0..4 {
        t.advance(15);
        loop {
            let Some(Ok(Message::Text(text))) = lively.next().await else { panic!("closed") };
            if text.contains("telnyx_rtc.ping") {
                break;
            }
        }
        ask(&mut lively, "telnyx_rtc.ping", json!({})).await;
    }
    assert_eq!(closed(&mut silent).await, goodbye(1001, "nothing heard"));
    ask(&mut lively, "telnyx_rtc.ping", json!({})).await;
}

#[tokio::test]
async fn n56_a_reader_that_does_not_read_is_cut_off() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let socket = t.logged_in(&ann).await;
    let connection = t.stage.app.live.reached(ann.endpoint.id, "telnyx").remove(0);
    while t.connections_of(ann.endpoint.id) == 1 {
        connection.post(Directive::Deliver("x".repeat(100_000)));
        tokio::task::yield_now().await;
    }
    drop(socket);
}

#[tokio::test]
async fn a_goodbye_that_nobody_takes_is_given_up() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let socket = t.logged_in(&ann).await;
    // Nobody reads, so nobody answers the good-bye.
    let drained = tokio::spawn({
        let live = std::sync::Arc::clone(&t.stage.app.live);
        async move { live.drain(Duration::ZERO).await }
    });
    while !drained.is_finished() {
        t.advance(1);
        tokio::task::yield_now().await;
    }
    drop(socket);
}

#[tokio::test]
async fn a_revoked_session_loses_its_socket_and_cannot_log_in_again() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let token = t.stage.token(&ann).await;
    let mut socket = t.open().await;
    let answer = ask(&mut socket, "login", json!({ "login_token": token.expose() })).await;
    let session = answer["result"]["sessid"].as_str().unwrap().parse().unwrap();
    let (ctx, permit) = (t.stage.ctx(), t.stage.world.home_permit());
    t.stage.app.authority.revoke_sessions(&ctx, &permit, SessionsOf::Session(session)).await.unwrap();
    assert_eq!(closed(&mut socket).await, goodbye(1008, "session ended"));
    let again = ask(&mut t.open().await, "login", json!({ "login_token": token.expose() })).await;
    insta::assert_snapshot!(again, @r#"{"error":{"code":-32001,"message":"JWT token authentication failed"},"id":"r","jsonrpc":"2.0"}"#);
}

#[tokio::test]
async fn whatever_a_session_depends_on_closes_its_sockets_when_it_goes() {
    let t = Server::start().await;
    let (authority, permit) = (&t.stage.app.authority, t.stage.world.home_permit());
    let subscribers =
        [t.stage.subscriber("ann").await, t.stage.subscriber("bob").await, t.stage.subscriber("cid").await];
    let [ann, bob, cid] = &subscribers;
    let [mut first, mut second, mut third] = [t.logged_in(ann).await, t.logged_in(bob).await, t.logged_in(cid).await];
    authority.delete_endpoint(&t.stage.ctx(), &permit, ann.endpoint.id).await.unwrap();
    assert_eq!(closed(&mut first).await.0, 1008);
    authority.delete_endpoint_group(&t.stage.ctx(), &permit, bob.endpoint.group.number).await.unwrap();
    assert_eq!(closed(&mut second).await.0, 1008);
    assert_eq!(t.connections_of(cid.endpoint.id), 1);
    authority.disable_project(&t.stage.ctx(), &permit, true).await.unwrap();
    assert_eq!(closed(&mut third).await.0, 1008);
}

#[tokio::test]
async fn a_re_check_finds_what_no_announcement_told() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut socket = t.logged_in(&ann).await;
    let (identity, now) = (ann.endpoint.id, t.stage.ctx().now);
    let revoke =
        move |tx: &mut dyn ringfence_core::store::Tx| Ok(tx.revoke_sessions(SessionsOf::Identity(identity), now)?);
    t.stage.world.store.write(revoke).await.unwrap();
    t.advance(30);
    assert_eq!(closed(&mut socket).await, goodbye(1008, "session ended"));
}

#[tokio::test]
async fn a_node_that_stops_sends_everybody_away_and_takes_nobody_in() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let (mut member, mut waiting) = (t.logged_in(&ann).await, t.open().await);
    let (_, first, second) = tokio::join!(t.emptied(), closed(&mut member), closed(&mut waiting));
    assert_eq!((first.0, second.0), (1012, 1012));
    let Err(tungstenite::Error::Http(refusal)) = t.open_from(None).await else { panic!("open") };
    assert_eq!((refusal.status().as_u16(), &refusal.headers()["retry-after"]), (503, &"5".parse().unwrap()));
}

#[tokio::test]
async fn presence_is_recorded_in_the_background() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let socket = t.logged_in(&ann).await;
    let (permit, number) = (t.stage.world.home_permit(), ann.endpoint.group.number);
    let present = async || t.stage.app.authority.group_presence(&t.stage.ctx(), &permit, number).await.unwrap().1;
    while present().await.is_none() {
        tokio::task::yield_now().await;
    }
    drop(socket);
    while present().await.is_some() {
        tokio::task::yield_now().await;
    }
}
