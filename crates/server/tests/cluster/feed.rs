//! What other servers are told of what happens on either node: by whom, how soon, and how often.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    DEADLINE,
    nodes::{Cluster, PASSWORD, Wanted, now, sign_in},
    support::{Server, http_as},
};

/// Reads a node's feed on a thread of its own: each `sid` that ended, and when it was heard. Begins when the feed is ready.
fn read(cluster: &Cluster, node: &Server) -> Receiver<(String, Instant)> {
    let (tell, heard) = channel();
    let (ready, is_ready) = channel();
    let mut stream = TcpStream::connect(node.main).unwrap();
    let bearer = cluster.back_end();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if line == "event: ready" {
                ready.send(()).unwrap();
            } else if let Some(sid) = line.strip_prefix("data: ey").and_then(|rest| session_of(&format!("ey{rest}"))) {
                // The test may have heard enough.
                drop(tell.send((sid, now())));
            }
        }
    });
    is_ready.recv_timeout(DEADLINE).expect("the feed is not ready");
    heard
}

fn session_of(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.pointer("/sub_id/session/id")?.as_str()?.to_owned())
}

/// Signs in on one node and out on the other; the session that ended.
fn pass(one: &Server, other: &Server) -> String {
    let (status, tokens) = sign_in(one, "ann", PASSWORD);
    assert_eq!(status, 200, "{tokens}");
    let (status, text) =
        http_as(tokens["access_token"].as_str(), other.main, "POST", "/api/v1/sign-out", None).unwrap();
    assert_eq!(status, 204, "{text}");
    tokens["session_id"].as_str().unwrap().to_owned()
}

#[test]
fn what_ends_on_one_node_is_told_by_the_feeds_of_both_within_a_second() {
    const ROUNDS: usize = 40;
    let cluster = Cluster::start();
    let nodes = [&cluster.a, &cluster.b];
    let feeds = nodes.map(|node| read(&cluster, node));
    let mut delays = Vec::new();
    for round in 0..ROUNDS {
        let (one, other) = (nodes[round % 2], nodes[(round / 2) % 2]);
        let session = pass(one, other);
        let ended = now();
        for feed in &feeds {
            let (told, at) = feed.recv_timeout(DEADLINE).expect("nothing is told");
            assert_eq!(told, session, "round {round}: once, and in order");
            delays.push(at.saturating_duration_since(ended));
        }
    }
    delays.sort();
    let part = |percent: usize| delays[(delays.len() * percent).div_ceil(100) - 1];
    eprintln!("{ROUNDS} sessions ended, told by two feeds: p50 {:?}, p99 {:?}", part(50), part(99));
    assert!(part(99) < Duration::from_secs(1), "p99 {:?}", part(99));
}

/// A server of the customer's that takes everything and says which message it got.
fn receiver() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, got) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell: Sender<String> = tell.clone();
            thread::spawn(move || take(stream, &tell));
        }
    });
    (address, got)
}

/// Takes the requests of one connection.
fn take(stream: TcpStream, tell: &Sender<String>) -> Option<()> {
    let mut answering = stream.try_clone().ok()?;
    let mut reading = BufReader::new(stream);
    loop {
        let mut headers = HashMap::new();
        let mut line = String::new();
        while reading.read_line(&mut line).ok()? > 2 {
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
            line.clear();
        }
        let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
        reading.read_exact(&mut body).ok()?;
        tell.send(headers.get("webhook-id")?.clone()).ok()?;
        answering.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
    }
}

#[test]
fn n93_two_nodes_tell_a_webhook_of_each_event_once() {
    const EVENTS: usize = 40;
    let bus = "[webhooks]\nprivate_addresses = true".to_owned();
    let cluster = Cluster::of(Wanted { bus, ..Wanted::default() });
    let (address, got) = receiver();
    cluster.ask("POST", "/api/v1/admin/webhooks", &json!({ "url": format!("http://{address}/") }));
    let nodes = [&cluster.a, &cluster.b];
    thread::scope(|scope| {
        for node in nodes {
            scope.spawn(move || (0..EVENTS / 2).for_each(|_| drop(pass(node, node))));
        }
    });
    let mut told: Vec<_> = (0..EVENTS).map(|_| got.recv_timeout(DEADLINE).expect("something was not told")).collect();
    // Whoever was too late would come now.
    assert!(got.recv_timeout(Duration::from_secs(2)).is_err(), "something was told twice");
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), EVENTS);
}
