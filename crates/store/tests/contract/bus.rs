//! What every bus must do, and what a bus between nodes must do beside that.

use std::{sync::Arc, time::Duration};

use ringfence_core::{
    entropy::{OsEntropy, SharedEntropy},
    event::{Bus, Listener, LocalBus, SecurityEvent, Signal},
    ids::SessionId,
};
use ringfence_store::{BusError, PgBus, WideBus};
use tokio::{task::JoinHandle, time::timeout};

use crate::support::{NOW, World, connect};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(30);

fn entropy() -> SharedEntropy {
    Arc::new(OsEntropy)
}

fn event() -> SecurityEvent {
    SecurityEvent::SessionRevoked(SessionId::mint(NOW, &OsEntropy))
}

fn events(count: usize) -> Vec<SecurityEvent> {
    (0..count).map(|_| event()).collect()
}

async fn next(listener: &mut Listener) -> Signal {
    timeout(DEADLINE, listener.next()).await.expect("nothing is heard").expect("the bus has gone")
}

/// The next so many events, with what else was heard left out.
async fn hear(listener: &mut Listener, count: usize) -> Vec<SecurityEvent> {
    let mut heard = Vec::new();
    while heard.len() < count {
        if let Signal::Event(event) = next(listener).await {
            heard.push(event);
        }
    }
    heard
}

async fn hear_gap(listener: &mut Listener) {
    while next(listener).await != Signal::Gap {}
}

/// A node with its bus at work.
struct Node {
    bus: WideBus,
    listener: Listener,
    work: JoinHandle<()>,
}

impl Node {
    /// A node that does not wait until it is connected.
    fn start(url: &str) -> Self {
        let (bus, work) = PgBus::over(url, entropy()).unwrap();
        Self { listener: bus.subscribe(), bus, work: tokio::spawn(work) }
    }

    /// A node that is connected, which the first gap says.
    async fn join(url: &str) -> Self {
        let mut node = Self::start(url);
        hear_gap(&mut node.listener).await;
        node
    }
}

/// Cuts the connections of buses, and of nothing else.
async fn cut(w: &World) {
    let name = w.url.rsplit_once('=').unwrap().1;
    let sql =
        format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '{name} bus'");
    assert!(!connect(&w.url).await.query(&sql, &[]).await.unwrap().is_empty());
}

async fn every_listener_hears_each_event_once_and_in_order(bus: &dyn Bus) {
    let mut listeners = [bus.subscribe(), bus.subscribe()];
    let said = events(300);
    bus.publish(&said[..299]).await;
    bus.publish(&said[299..]).await;
    for listener in &mut listeners {
        assert_eq!(hear(listener, 300).await, said);
    }
    // Whatever came back is there with what follows it.
    let last = event();
    bus.publish(&[last]).await;
    for listener in &mut listeners {
        assert_eq!(hear(listener, 1).await, [last]);
    }
}

#[tokio::test]
async fn a_local_bus_tells_every_listener() {
    every_listener_hears_each_event_once_and_in_order(&LocalBus::default()).await;
}

#[tokio::test]
async fn a_bus_on_postgresql_tells_every_listener_of_its_own_node() {
    let w = World::postgres().await;
    let (node, mut other) = (Node::join(&w.url).await, Node::join(&w.url).await);
    every_listener_hears_each_event_once_and_in_order(&node.bus).await;
    // Once all of it has been to the other node and back, nothing more can come.
    hear(&mut other.listener, 301).await;
    let answer = event();
    other.bus.publish(&[answer]).await;
    let mut node = node;
    let heard = hear(&mut node.listener, 302).await;
    assert_eq!(heard.last(), Some(&answer), "its own events came once");
}

#[tokio::test]
async fn other_nodes_hear_all_of_it_in_order() {
    let w = World::postgres().await;
    let node = Node::join(&w.url).await;
    let mut others = [Node::join(&w.url).await, Node::join(&w.url).await];
    let said = events(2000);
    node.bus.publish(&said).await;
    for other in &mut others {
        assert_eq!(hear(&mut other.listener, 2000).await, said);
    }
}

#[tokio::test]
async fn another_installation_in_the_same_database_hears_nothing() {
    let (w, elsewhere) = (World::postgres().await, World::postgres().await);
    let (node, mut near) = (Node::join(&w.url).await, Node::join(&w.url).await);
    let (far, mut apart) = (Node::join(&elsewhere.url).await, Node::join(&elsewhere.url).await);
    let (ours, theirs) = (event(), event());
    node.bus.publish(&[ours]).await;
    assert_eq!(hear(&mut near.listener, 1).await, [ours]);
    far.bus.publish(&[theirs]).await;
    assert_eq!(next(&mut apart.listener).await, Signal::Event(theirs));
}

#[tokio::test]
async fn a_lost_connection_is_replaced_and_everybody_hears_a_gap() {
    let w = World::postgres().await;
    let (mut node, mut other) = (Node::join(&w.url).await, Node::join(&w.url).await);
    for _ in 0..2 {
        cut(&w).await;
        // What is published meanwhile comes before or after the gap of another node, or not at all.
        node.bus.publish(&[event()]).await;
        hear_gap(&mut node.listener).await;
        hear_gap(&mut other.listener).await;
        let after = event();
        other.bus.publish(&[after]).await;
        // One that the cut left unconfirmed may come twice.
        while next(&mut node.listener).await != Signal::Event(after) {}
    }
}

#[tokio::test]
async fn publishing_waits_for_nobody_and_an_overflow_is_a_gap_for_others() {
    let w = World::postgres().await;
    let mut other = Node::join(&w.url).await;
    // Its work is not run yet, as if the server took nothing.
    let (bus, work) = PgBus::over(&w.url, entropy()).unwrap();
    let mut own = bus.subscribe();
    timeout(DEADLINE, bus.publish(&events(20_000))).await.expect("publishing waits");
    assert_eq!(next(&mut own).await, Signal::Gap, "more than a slow listener may fall behind");
    tokio::spawn(work);
    hear_gap(&mut other.listener).await;
}

#[tokio::test]
async fn what_waits_is_sent_before_a_bus_goes() {
    let w = World::postgres().await;
    let mut other = Node::join(&w.url).await;
    let node = Node::join(&w.url).await;
    let said = events(1000);
    node.bus.publish(&said).await;
    drop((node.bus, node.listener));
    timeout(DEADLINE, node.work).await.expect("the work goes on").unwrap();
    assert_eq!(hear(&mut other.listener, 1000).await, said);
}

#[tokio::test]
async fn a_bus_whose_server_is_not_there_serves_its_own_node_and_ends() {
    // Port 1 is reserved and nobody listens on it.
    let mut node = Node::start("postgres://u:hunter22@127.0.0.1:1/d");
    let said = event();
    node.bus.publish(&[said]).await;
    assert_eq!(next(&mut node.listener).await, Signal::Event(said));
    drop(node.bus);
    timeout(DEADLINE, node.work).await.expect("the work goes on").unwrap();
}

#[tokio::test]
async fn a_check_says_whether_announcements_come_back() {
    let w = World::postgres().await;
    PgBus::check(&w.url, &entropy()).await.unwrap();
    let refused = PgBus::check("postgres://u:hunter22@127.0.0.1:1/d", &entropy()).await.unwrap_err();
    assert!(matches!(refused, BusError::Server(_)) && !format!("{refused:?}").contains("hunter22"), "{refused:?}");
}
