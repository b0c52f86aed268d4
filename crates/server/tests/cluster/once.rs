//! What may happen once happens once, whichever nodes are asked.

use std::{net::SocketAddr, sync::Barrier, thread, time::Duration};

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    DEADLINE,
    faces::{connect, hear},
    nodes::{Cluster, PASSWORD, Wanted, now, sign_in},
    support::{Server, http_as},
};

fn refresh(node: SocketAddr, token: &Value) -> (u16, Value) {
    let body = json!({ "refresh_token": token });
    let (status, text) = http_as(None, node, "POST", "/api/v1/refresh", Some(&body)).unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn n96_a_refresh_token_raced_on_both_nodes_has_one_successor() {
    let cluster = Cluster::start();
    let (status, first) = sign_in(&cluster.a, "ann", PASSWORD);
    assert_eq!(status, 200, "{first}");
    let (oldest, mut newest) = (first["refresh_token"].clone(), first["refresh_token"].clone());
    for round in 0..10 {
        let barrier = Barrier::new(2);
        let racing = |node: &Server| {
            barrier.wait();
            refresh(node.main, &newest)
        };
        let [one, two] = thread::scope(|scope| {
            [&cluster.a, &cluster.b].map(|node| scope.spawn(move || racing(node))).map(|racer| racer.join().unwrap())
        });
        assert_eq!((one.0, two.0), (200, 200), "round {round}: {} {}", one.1, two.1);
        assert_eq!(one.1["refresh_token"], two.1["refresh_token"], "round {round}");
        assert_ne!(one.1["refresh_token"], newest, "round {round}");
        newest = one.1["refresh_token"].clone();
    }
    // One that is long used up ends the session for both of its holders, wherever they ask.
    assert_ne!(refresh(cluster.b.main, &oldest).0, 200);
    assert_ne!(refresh(cluster.a.main, &newest).0, 200);
}

/// How many guesses at somebody's password are answered before one has to wait, and whether the right one has to wait on both
/// nodes then. The first wait is a second: somebody else is guessed where this took longer.
fn guessed(cluster: &Cluster, people: &mut impl Iterator<Item = String>, nodes: [&Server; 2]) -> (usize, [u16; 2]) {
    for person in people {
        let (mut last, mut answered) = (now(), 0);
        while answered < 50 && sign_in(nodes[answered % 2], &person, "wrong").0 != 429 {
            last = now();
            answered += 1;
        }
        let right = [&cluster.a, &cluster.b].map(|node| sign_in(node, &person, PASSWORD).0);
        if last.elapsed() < Duration::from_millis(900) {
            return (answered, right);
        }
    }
    panic!("everybody took longer than the first wait");
}

#[test]
fn an_account_guessed_on_both_nodes_waits_at_the_same_count() {
    let cluster = Cluster::of(Wanted { people: 20, ..Wanted::default() });
    let mut people = (0..20).map(|number| format!("p{number}"));
    let one = guessed(&cluster, &mut people, [&cluster.a, &cluster.a]);
    assert!((1..50).contains(&one.0) && one.1 == [429, 429], "{one:?}");
    assert_eq!(guessed(&cluster, &mut people, [&cluster.a, &cluster.b]), one);
}

/// Says one thing on a new socket to a node, and returns what is answered.
async fn answered(node: SocketAddr, frame: Value) -> Value {
    let mut socket = connect(node, "/api/v1/socket").await;
    socket.send(Message::text(frame.to_string())).await.unwrap();
    let answer = timeout(DEADLINE, hear(&mut socket, "\"type\"")).await.expect("nothing is said");
    serde_json::from_str(&answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n48_a_resume_ticket_raced_on_both_nodes_has_one_winner() {
    let cluster = Cluster::start();
    let (_, signed_in) = sign_in(&cluster.a, "ann", PASSWORD);
    let hello = json!({ "type": "authenticate", "token": signed_in["access_token"] });
    let mut ready = answered(cluster.a.main, hello).await;
    for round in 0..10 {
        let ticket = json!({ "type": "resume", "ticket": ready["resume"]["ticket"] });
        let (one, two) =
            tokio::join!(answered(cluster.a.main, ticket.clone()), answered(cluster.b.main, ticket.clone()));
        let (winner, loser) = if one["type"] == "ready" { (one, two) } else { (two, one) };
        assert_eq!((&winner["type"], &winner["resumed"]), (&json!("ready"), &json!(true)), "round {round}: {winner}");
        assert_eq!(loser["type"], "closing", "round {round}: {loser}");
        ready = winner;
    }
}
