//! What is out of order for a while: the bus, the way to the database, the database, a node.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    DEADLINE, SLACK, WITHIN,
    door::Passage,
    faces::{Face, closed, connect, hear},
    nodes::{Cluster, PASSWORD, Wanted, bus_of, now, sign_in, wait_until},
    servers::{Database, Nats},
    support::Server,
};

fn within() -> String {
    format!("confirm_within = \"{}s\"", WITHIN.as_secs())
}

/// Somebody's socket, waited for by a task of its own.
async fn watched(face: Face, node: SocketAddr, token: &str) -> JoinHandle<(Instant, Option<u16>)> {
    tokio::spawn(closed(face.open(node, token, "").await))
}

async fn end_of(socket: JoinHandle<(Instant, Option<u16>)>) -> (Instant, Option<u16>) {
    timeout(DEADLINE, socket).await.expect("the socket stays open").unwrap()
}

fn is_ready(node: &Server) -> bool {
    node.ask("/readyz").0 == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n59_a_node_that_is_cut_off_from_the_database_closes_its_sockets_in_time() {
    for passage in [Passage::Shut, Passage::Silent] {
        let cluster = Cluster::of(Wanted { bus: within(), ..Wanted::default() });
        let (revoked, kept) = (cluster.credential(), cluster.credential());
        let kept_token = kept.token();
        let (first, second) = (
            watched(Face::Telnyx, cluster.b.main, &revoked.token()).await,
            watched(Face::Telnyx, cluster.b.main, &kept_token).await,
        );
        let (_, signed_in) = sign_in(&cluster.a, "ann", PASSWORD);
        let third = watched(Face::Native, cluster.b.main, signed_in["access_token"].as_str().unwrap()).await;
        let cut = now();
        cluster.door.set(passage);
        revoked.delete();
        for socket in [first, second, third] {
            let (at, code) = end_of(socket).await;
            let took = at.duration_since(cut);
            eprintln!("{passage:?}: closed {took:?} after the cut, with {code:?}; {WITHIN:?} stand for 30 s");
            assert_eq!(code, Some(1013), "they may come back elsewhere");
            assert!(took < WITHIN + SLACK, "{took:?}");
        }
        assert!(!is_ready(&cluster.b));
        let (status, refusal) = sign_in(&cluster.b, "ann", PASSWORD);
        assert_eq!(status, 503, "{refusal}");
        // On the other node nothing happened.
        assert_eq!(sign_in(&cluster.a, "ann", PASSWORD).0, 200);
        cluster.door.set(Passage::Open);
        wait_until("B serves again", || is_ready(&cluster.b));
        drop(Face::Telnyx.open(cluster.b.main, &kept_token, "").await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n59_a_node_whose_bus_is_cut_off_finds_out_by_itself_and_hears_again_when_it_is_back() {
    let cluster = Cluster::of(Wanted { bus: within(), ..Wanted::default() });
    let credential = cluster.credential();
    let socket = watched(Face::Telnyx, cluster.b.main, &credential.token()).await;
    cluster.door.set(Passage::NoBus);
    wait_until("B notices", || !bus_of(&cluster.b));
    let revoked = now();
    credential.delete();
    let (at, code) = end_of(socket).await;
    let took = at.duration_since(revoked);
    eprintln!("revoked while the bus was cut off: closed after {took:?}; {WITHIN:?} stand for 30 s");
    assert_eq!(code, Some(1008));
    assert!(took < WITHIN + SLACK, "{took:?}");
    cluster.door.set(Passage::Open);
    wait_until("the bus is back", || bus_of(&cluster.b));
    let credential = cluster.credential();
    let socket = watched(Face::Telnyx, cluster.b.main, &credential.token()).await;
    let revoked = now();
    credential.delete();
    let (at, code) = end_of(socket).await;
    assert_eq!(code, Some(1008));
    eprintln!("with the bus back: {:?}", at.duration_since(revoked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n59_nodes_whose_nats_server_was_killed_find_out_by_themselves() {
    let nats = Nats::start();
    let bus = format!("{}\nurl = \"{}\"", within(), nats.url);
    let cluster = Cluster::of(Wanted { bus, ..Wanted::default() });
    let credential = cluster.credential();
    let socket = watched(Face::Telnyx, cluster.b.main, &credential.token()).await;
    drop(nats);
    wait_until("B notices", || !bus_of(&cluster.b));
    let revoked = now();
    credential.delete();
    let (at, code) = end_of(socket).await;
    let took = at.duration_since(revoked);
    eprintln!("revoked without NATS: closed after {took:?}; {WITHIN:?} stand for 30 s");
    assert_eq!(code, Some(1008));
    assert!(took < WITHIN + SLACK, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_a_database_that_is_killed_and_started_again_loses_nothing_that_was_acknowledged() {
    let mut database = Database::start();
    let cluster = Cluster::of(Wanted { server: database.url(), ..Wanted::default() });
    let credentials: Vec<_> = (0..3).map(|_| cluster.credential()).collect();
    let mut sockets = Vec::new();
    for credential in &credentials {
        sockets.push(watched(Face::Telnyx, cluster.b.main, &credential.token()).await);
    }
    let (done, acknowledged) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let count = || acknowledged.lock().unwrap().len();
    let [before, during, kept] = credentials.try_into().unwrap_or_else(|_| unreachable!());
    thread::scope(|scope| {
        for node in [&cluster.a, &cluster.b] {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let wanted = json!({ "connection_name": "phones" });
                    let (status, made) = cluster.try_ask(node, "POST", "/telnyx/v2/credential_connections", &wanted);
                    if (200..300).contains(&status) {
                        let made: Value = serde_json::from_str(&made).unwrap();
                        acknowledged.lock().unwrap().push(made["data"]["id"].as_str().unwrap().to_owned());
                    }
                }
            });
        }
        wait_until("something is acknowledged", || count() > 20);
        before.delete();
        database.stop();
        // What is refused is not promised.
        assert!(cluster.try_ask(&cluster.a, "DELETE", &during.path, &json!({})).0 >= 500);
        database.go_on();
        wait_until("it is ended", || {
            (200..300).contains(&cluster.try_ask(&cluster.a, "DELETE", &during.path, &json!({})).0)
        });
        let so_far = count();
        wait_until("more is acknowledged", || count() > so_far + 20);
        done.store(true, Ordering::SeqCst);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    for id in &acknowledged {
        let (status, found) =
            cluster.try_ask(&cluster.b, "GET", &format!("/telnyx/v2/credential_connections/{id}"), &json!({}));
        assert_eq!(status, 200, "{id}: {found}");
    }
    eprintln!("{} acknowledged before and after, none lost", acknowledged.len());
    let mut sockets = sockets.into_iter();
    for _ in [&before, &during] {
        assert_eq!(end_of(sockets.next().unwrap()).await.1, Some(1008));
    }
    let last = sockets.next().unwrap();
    assert!(!last.is_finished(), "a database that is away for a moment costs nobody a socket");
    kept.delete();
    assert_eq!(end_of(last).await.1, Some(1008));
    // Its schema is dropped while the database is there.
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n59_what_a_killed_node_had_counts_until_its_lease_ends_and_no_longer() {
    let cluster = Cluster::of(Wanted { bus: within(), inbound: "refuse", ..Wanted::default() });
    let (_, signed_in) = sign_in(&cluster.a, "ann", PASSWORD);
    let token = signed_in["access_token"].as_str().unwrap().to_owned();
    let _first = Face::Native.open(cluster.b.main, &token, "").await;
    assert_eq!(refused(cluster.a.main, &token).await, Some("already_connected".to_owned()));
    let killed = now();
    cluster.b.signal("-KILL");
    let a = &cluster.a;
    assert_eq!(refused(a.main, &token).await, Some("already_connected".to_owned()), "nobody knows yet");
    let mut delay = Duration::ZERO;
    wait_until("the lease ends", || {
        let refused =
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(refused(a.main, &token)));
        delay = killed.elapsed();
        refused.is_none()
    });
    eprintln!("admitted {delay:?} after the kill; {WITHIN:?} stand for 30 s");
    assert!(delay < WITHIN + SLACK, "{delay:?}");
}

/// Why a native socket is refused, if it is.
async fn refused(node: SocketAddr, token: &str) -> Option<String> {
    use futures_util::SinkExt as _;
    let mut socket = connect(node, "/api/v1/socket").await;
    let hello = json!({ "type": "authenticate", "token": token }).to_string();
    socket.send(tokio_tungstenite::tungstenite::Message::text(hello)).await.unwrap();
    let answer: Value = serde_json::from_str(&hear(&mut socket, "\"type\"").await).unwrap();
    (answer["type"] == "closing").then(|| answer["reason"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n58_a_newer_device_on_one_node_takes_the_place_of_an_older_one_on_the_other() {
    let cluster = Cluster::of(Wanted { inbound: "newest", ..Wanted::default() });
    let (_, signed_in) = sign_in(&cluster.a, "ann", PASSWORD);
    let token = signed_in["access_token"].as_str().unwrap();
    let older = watched(Face::Native, cluster.a.main, token).await;
    let opened = now();
    let newer = watched(Face::Native, cluster.b.main, token).await;
    let (at, code) = end_of(older).await;
    eprintln!("displaced {:?} after the newer one began to sign in", at.duration_since(opened));
    assert_eq!(code, Some(4410));
    assert!(!newer.is_finished());
}
