//! Devices of one identity on two nodes of one database.

use std::sync::Arc;

use ringfence_core::{
    event::{LocalBus, SharedBus},
    ids::ConnectionId,
    presence::{InboundPolicy, Presence},
    project::ProjectPolicy,
    time::Clock as _,
};

use super::*;

/// A server and another node beside it.
struct Pair {
    first: Server,
    second: App,
    address: SocketAddr,
}

impl Pair {
    async fn start(policy: InboundPolicy, bus: impl FnOnce(&Server) -> SharedBus) -> Self {
        let first = Server::start().await;
        let world = &first.stage.world;
        let policy = ProjectPolicy { inbound: policy, ..world.home.project.policy.clone() };
        let permit = world.home_permit();
        first.stage.app.authority.configure_project(&first.stage.ctx(), &permit, policy).await.unwrap();
        let second = first.stage.another(bus(&first));
        let address = served(&second).await;
        Self { first, second, address }
    }

    /// Nodes that hear one another.
    async fn hearing(policy: InboundPolicy) -> Self {
        Self::start(policy, |first| Arc::clone(&first.stage.world.bus) as _).await
    }

    async fn logged_in_on_second(&self, subscriber: &Subscriber) -> Socket {
        let mut socket = socket_to(self.address).await;
        let answer = ask(&mut socket, "login", subscriber.pair()).await;
        assert!(answer["result"]["sessid"].is_string(), "{answer}");
        socket
    }

    /// Waits until as many connections are reached on each node.
    async fn reached(&self, whose: &Subscriber, wanted: [usize; 2]) {
        let reached = |app: &App| app.live.reached(whose.endpoint.id, "telnyx").len();
        while [reached(&self.first.stage.app), reached(&self.second)] != wanted {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until so many connections are recorded.
    async fn recorded(&self, whose: &Subscriber, wanted: usize) {
        let (identity, store) = (whose.endpoint.id, &self.first.stage.world.store);
        loop {
            let now = self.first.stage.world.clock.now();
            if store.read(move |tx| Ok(tx.presence_of(identity, now)?)).await.unwrap().len() == wanted {
                return;
            }
        }
    }
}

#[tokio::test]
async fn n58_the_newest_device_is_reached_wherever_it_is() {
    let t = Pair::hearing(InboundPolicy::Newest).await;
    let bob = t.first.stage.subscriber("bob").await;
    let older = t.first.logged_in(&bob).await;
    t.reached(&bob, [1, 0]).await;
    t.first.advance(1);
    let newer = t.logged_in_on_second(&bob).await;
    t.reached(&bob, [0, 1]).await;
    drop(newer);
    t.reached(&bob, [1, 0]).await;
    drop(older);
    t.reached(&bob, [0, 0]).await;
}

#[tokio::test]
async fn n58_where_the_oldest_is_reached_a_newer_device_elsewhere_waits() {
    let t = Pair::hearing(InboundPolicy::Oldest).await;
    let bob = t.first.stage.subscriber("bob").await;
    let older = t.first.logged_in(&bob).await;
    t.recorded(&bob, 1).await;
    t.first.advance(1);
    let _newer = t.logged_in_on_second(&bob).await;
    t.reached(&bob, [1, 0]).await;
    drop(older);
    t.reached(&bob, [0, 1]).await;
}

#[tokio::test]
async fn n58_nodes_that_do_not_hear_one_another_find_out_with_the_next_confirmation() {
    let t = Pair::start(InboundPolicy::Newest, |_| Arc::new(LocalBus::default())).await;
    let bob = t.first.stage.subscriber("bob").await;
    let _older = t.first.logged_in(&bob).await;
    t.first.confirmed().await;
    t.first.advance(1);
    let newer = t.logged_in_on_second(&bob).await;
    t.recorded(&bob, 2).await;
    t.reached(&bob, [1, 1]).await;
    t.first.advance(9);
    t.reached(&bob, [0, 1]).await;
    drop(newer);
    t.recorded(&bob, 1).await;
    t.first.advance(10);
    t.reached(&bob, [1, 0]).await;
}

#[tokio::test]
async fn n58_where_a_second_device_is_refused_it_is_refused_on_every_node() {
    let t = Pair::hearing(InboundPolicy::Refuse).await;
    let bob = t.first.stage.subscriber("bob").await;
    let first = t.first.logged_in(&bob).await;
    let mut second = socket_to(t.address).await;
    let refused = ask(&mut second, "login", bob.pair()).await;
    assert_eq!(refused["error"]["message"], "Another device is logged in");
    drop(first);
    t.recorded(&bob, 0).await;
    assert!(ask(&mut second, "login", bob.pair()).await["result"].is_object());
    // Renewing is no second device.
    assert!(ask(&mut second, "login", bob.pair()).await["result"].is_object());
    let refused = ask(&mut t.first.open().await, "login", bob.pair()).await;
    assert_eq!(refused["error"]["message"], "Another device is logged in");
}

#[tokio::test]
async fn n58_of_two_devices_that_come_to_two_nodes_at_once_one_is_let_in() {
    let t = Pair::hearing(InboundPolicy::Refuse).await;
    for name in ["ann", "bob", "cid", "dot"] {
        let who = t.first.stage.subscriber(name).await;
        let (mut one, mut other) = (t.first.open().await, socket_to(t.address).await);
        let (one, other) = tokio::join!(ask(&mut one, "login", who.pair()), ask(&mut other, "login", who.pair()));
        assert!(one["result"].is_object() != other["result"].is_object(), "{one} {other}");
    }
}

#[tokio::test]
async fn n59_devices_of_a_dead_node_count_until_its_lease_ends() {
    let t = Pair::hearing(InboundPolicy::Refuse).await;
    let (bob, world) = (t.first.stage.subscriber("bob").await, &t.first.stage.world);
    // What a node leaves behind that is gone without a word.
    let mut socket = t.first.logged_in(&bob).await;
    let session = ask(&mut socket, "telnyx_rtc.gatewayState", json!({})).await["result"]["sessid"].clone();
    drop(socket);
    t.recorded(&bob, 0).await;
    let left = Presence {
        connection: ConnectionId::mint(world.clock.now(), world.entropy.as_ref()),
        project: world.home.project.id,
        application: None,
        session: session.as_str().unwrap().parse().unwrap(),
        identity: bob.endpoint.id,
        dialect: "telnyx".to_owned(),
        node: "dead".to_owned(),
        since: world.clock.now(),
        lease_until: world.clock.now() + Duration::from_secs(30),
    };
    world.store.write(move |tx| Ok(tx.open_presence(&left)?)).await.unwrap();
    t.first.advance(9);
    let refused = ask(&mut t.first.open().await, "login", bob.pair()).await;
    assert_eq!(refused["error"]["message"], "Another device is logged in");
    t.first.advance(21);
    assert!(ask(&mut t.first.open().await, "login", bob.pair()).await["result"].is_object());
}
