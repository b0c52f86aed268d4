//! Polling, and WebSockets that replace it, over loopback.

use super::*;

/// A line that is polled.
struct Polled<'a> {
    server: &'a Server,
    query: String,
}

impl<'a> Polled<'a> {
    async fn open(server: &'a Server, query: &str) -> (Self, Value) {
        let (status, greeting) = server.request("GET", &format!("{query}&transport=polling"), "").await;
        assert_eq!(status, 200, "{greeting}");
        let greeting: Value = serde_json::from_str(greeting.strip_prefix('0').unwrap()).unwrap();
        let sid = greeting["sid"].as_str().unwrap();
        (Self { server, query: format!("{query}&sid={sid}") }, greeting)
    }

    /// A line that somebody is let in on.
    async fn welcomed(server: &'a Server, query: &str) -> Self {
        let (polled, _) = Self::open(server, query).await;
        assert_eq!(polled.post("40").await, (200, "ok".to_owned()));
        let body = polled.fetched().await;
        assert!(body.starts_with("40{"), "{body}");
        polled
    }

    async fn post(&self, body: &str) -> (u16, String) {
        self.server.request("POST", &format!("{}&transport=polling", self.query), body).await
    }

    async fn fetch(&self) -> (u16, String) {
        self.server.request("GET", &format!("{}&transport=polling", self.query), "").await
    }

    async fn fetched(&self) -> String {
        let (status, body) = self.fetch().await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

const GONE: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);

fn gone((status, body): &(u16, String)) -> bool {
    (*status, body.as_str()) == GONE
}

#[tokio::test]
async fn polling_alone_is_enough() {
    let t = Server::start().await;
    let (ann, query) = t.somebody("ann").await;
    let (polled, greeting) = Polled::open(&t, &query).await;
    assert_eq!(greeting["upgrades"], serde_json::json!(["websocket"]));
    let beats = (&greeting["pingInterval"], &greeting["pingTimeout"], &greeting["maxPayload"]);
    assert_eq!(beats, (&25_000.into(), &20_000.into(), &10_000.into()));
    polled.post("40/T/,").await;
    let body = polled.fetched().await;
    let packets: Vec<_> = body.split('\u{1e}').map(tidy).collect();
    assert_eq!(packets, [r#"40/T/,{"sid":"<sid>"}"#, r#"42/T/,["message","welcome"]"#]);
    assert_ne!(body.split('"').nth(3), greeting["sid"].as_str());
    // Two packets at once, and the answers of both.
    let both = "42/T/,[\"echo\",\"a\"]\u{1e}42/T/,[\"echo\",\"b\"]";
    assert_eq!(polled.post(both).await, (200, "ok".to_owned()));
    assert_eq!(polled.fetched().await, "42/T/,[\"message\",\"a\"]\u{1e}42/T/,[\"message\",\"b\"]");
    assert_eq!(t.connections_of(ann.endpoint.id), 1);
    polled.post("41/T/,\u{1e}1").await;
    while !gone(&polled.fetch().await) {}
    assert_eq!(t.connections_of(ann.endpoint.id), 0);
}

#[tokio::test]
async fn a_poll_waits_for_what_comes_and_heartbeats_come() {
    let t = Server::start().await;
    let (_, query) = t.somebody("ann").await;
    let polled = Polled::welcomed(&t, &query).await;
    for _ in 0..4 {
        t.advance(25);
        assert_eq!(polled.fetched().await, "2");
        // The echo comes when the line has taken what stands before it; only then may time go on.
        polled.post("3\u{1e}42[\"echo\",\"here\"]").await;
        assert_eq!(polled.fetched().await, r#"42["message","here"]"#);
    }
}

#[tokio::test]
async fn whoever_does_not_answer_is_forgotten() {
    let t = Server::start().await;
    let (ann, query) = t.somebody("ann").await;
    let polled = Polled::welcomed(&t, &query).await;
    while t.connections_of(ann.endpoint.id) == 1 {
        t.advance(5);
        tokio::task::yield_now().await;
    }
    assert!(gone(&polled.fetch().await));
}

#[tokio::test]
async fn n56_whoever_does_not_connect_is_forgotten() {
    let t = Server::start().await;
    let (polled, _) = Polled::open(&t, "EIO=4").await;
    t.advance(10);
    assert_eq!(polled.fetched().await, "1");
    while !gone(&polled.fetch().await) {}
}

#[tokio::test]
async fn n60_a_sid_is_only_for_whoever_says_what_its_opener_said() {
    let t = Server::start().await;
    let ((_, ann), (_, bob)) = (t.somebody("ann").await, t.somebody("bob").await);
    let polled = Polled::welcomed(&t, &ann).await;
    let sid = polled.query.rsplit_once("&sid=").unwrap().1;
    for other in [&bob, "EIO=4", "EIO=4&name=ann", &format!("{ann}&x=1")] {
        let query = format!("{other}&sid={sid}&transport=polling");
        for (method, body) in [("GET", ""), ("POST", r#"42["echo","bob was here"]"#)] {
            let answer = t.request(method, &query, body).await;
            assert!(gone(&answer), "{method} {other}: {answer:?}");
        }
        let stream = TcpStream::connect(t.address).await.unwrap();
        let url = format!("ws://t/socket.io/?{other}&sid={sid}&transport=websocket");
        assert!(client_async(url, stream).await.is_err(), "{other}");
    }
    polled.post(r#"42["echo","still ann"]"#).await;
    assert_eq!(polled.fetched().await, r#"42["message","still ann"]"#);
}

#[tokio::test]
async fn a_revoked_session_is_told_to_stay_away_and_its_line_is_gone() {
    let t = Server::start().await;
    let (ann, query) = t.somebody("ann").await;
    let polled = Polled::welcomed(&t, &query).await;
    let (body, ()) = tokio::join!(polled.fetched(), t.revoke(&ann));
    // The good-bye of Engine.IO comes by itself: with both at once the client would come back before it has read the first.
    assert_eq!(body, "41");
    assert_eq!(polled.fetched().await, "1");
    while !gone(&polled.fetch().await) {}
}

#[tokio::test]
async fn n56_what_does_not_belong_into_a_body_ends_the_line() {
    let t = Server::start().await;
    let (_, query) = t.somebody("ann").await;
    for body in ["bAQID", "", "2", "42", "42[\"echo\",\"a\"]\u{1e}", "nonsense"] {
        let polled = Polled::welcomed(&t, &query).await;
        assert_eq!(polled.post(body).await.0, 200, "{body:?}");
        while !gone(&polled.fetch().await) {}
    }
    let polled = Polled::welcomed(&t, &query).await;
    assert_eq!(polled.post(&"x".repeat(HABITS.message + 1)).await.0, 400);
    let flood = vec!["3"; 500].join("\u{1e}");
    polled.post(&flood).await;
    while !gone(&polled.fetch().await) {}
}

#[tokio::test]
async fn n56_what_nobody_fetches_ends_the_line() {
    let t = Server::start().await;
    let (ann, query) = t.somebody("ann").await;
    let _polled = Polled::welcomed(&t, &query).await;
    let connection = t.stage.app.live.reached(ann.endpoint.id, "telnyx").remove(0);
    while t.connections_of(ann.endpoint.id) == 1 {
        connection.post(crate::live::Directive::Deliver("x".repeat(10_000)));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_socket_replaces_polling_and_nothing_is_lost() {
    let t = Server::start().await;
    let (ann, query) = t.somebody("ann").await;
    let polled = Polled::welcomed(&t, &query).await;
    let mut socket = t.socket(&polled.query).await;
    let (waiting, ()) = tokio::join!(polled.fetched(), async {
        say(&mut socket, "2probe").await;
        assert_eq!(frame(&mut socket).await.as_deref(), Some("3probe"));
    });
    assert_eq!(waiting, "6");
    // Nobody fetches this any more.
    polled.post(r#"42["echo","late"]"#).await;
    say(&mut socket, "5").await;
    assert_eq!(frame(&mut socket).await.as_deref(), Some(r#"42["message","late"]"#));
    say(&mut socket, r#"42["echo","now"]"#).await;
    assert_eq!(frame(&mut socket).await.as_deref(), Some(r#"42["message","now"]"#));
    assert!(gone(&polled.fetch().await));
    assert_eq!(t.connections_of(ann.endpoint.id), 1);
    t.revoke(&ann).await;
    assert_eq!((frame(&mut socket).await.as_deref(), frame(&mut socket).await), (Some("41"), None));
}

#[tokio::test]
async fn a_socket_that_is_no_good_leaves_polling_as_it_was() {
    let t = Server::start().await;
    let (_, query) = t.somebody("ann").await;
    let polled = Polled::welcomed(&t, &query).await;
    for words in [&["nonsense"][..], &["2probe", "2"], &["2probe", r#"42["echo","a"]"#], &["40"]] {
        let mut socket = t.socket(&polled.query).await;
        for word in words {
            say(&mut socket, word).await;
        }
        while frame(&mut socket).await.is_some() {}
    }
    let mut silent = t.socket(&polled.query).await;
    t.advance(10);
    assert_eq!(frame(&mut silent).await, None);
    polled.post(r#"42["echo","polled"]"#).await;
    assert_eq!(polled.fetched().await, r#"42["message","polled"]"#);
}

#[tokio::test]
async fn requests_that_are_not_of_the_protocol_are_refused_as_by_the_reference() {
    let t = Server::start().await;
    for (method, query, expected) in [
        ("GET", "transport=polling", r#"{"code":5,"message":"Unsupported protocol version"}"#),
        ("GET", "EIO=4", r#"{"code":0,"message":"Transport unknown"}"#),
        ("GET", "EIO=4&transport=polling&sid=guess", r#"{"code":1,"message":"Session ID unknown"}"#),
        ("POST", "EIO=4&transport=polling", r#"{"code":2,"message":"Bad handshake method"}"#),
        ("GET", "EIO=4&transport=polling&sid=a&sid=b", r#"{"code":3,"message":"Bad request"}"#),
    ] {
        assert_eq!(t.request(method, query, "").await, (400, expected.to_owned()), "{method} {query}");
    }
    assert_eq!(t.request("GET", "EIO=4&transport=websocket", "").await.0, 400);
    assert_eq!(t.request("PUT", "EIO=4&transport=polling", "").await.0, 405);
    let long = format!("EIO=4&transport=polling&x={}", "x".repeat(8200));
    assert_eq!(t.request("GET", &long, "").await.0, 414);
}

#[tokio::test]
async fn a_node_that_stops_sends_polled_lines_away() {
    let t = Server::start().await;
    let (_, query) = t.somebody("ann").await;
    let polled = Polled::welcomed(&t, &query).await;
    let (body, ()) = tokio::join!(polled.fetched(), t.stage.app.live.drain(Duration::ZERO));
    assert_eq!(body, "1");
    assert_eq!(t.request("GET", &format!("{query}&transport=polling"), "").await.0, 503);
}
