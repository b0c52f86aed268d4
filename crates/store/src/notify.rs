//! The bus over PostgreSQL: `LISTEN` and `NOTIFY` on one connection of its own.
//!
//! `NOTIFY` takes a lock of the whole server until its transaction has committed, so it never belongs into a transaction that
//! writes. What is published waits in a bounded queue, which one task empties; publishing waits for nothing. A transaction
//! pooler takes `LISTEN` and delivers nothing, and a peer that is gone says nothing: so each message must come back on the
//! connection that it was sent on, and when there is none for a while, an empty one is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ringfence_core::{
    entropy::{SharedEntropy, random},
    error::BoxError,
    event::{Bus, Listener, LocalBus, SecurityEvent, Signal},
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{Client, Statement};

use crate::{OpenError, Options, postgres::address::Address};

/// Events that may wait while the server does not take them.
const QUEUE: usize = 16_384;
/// Events in one message: as many of the longest as fit into a payload.
const MOST: usize = 80;
/// A message is sent after so long without one.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a message may take to come back.
const PATIENCE: Duration = Duration::from_secs(5);
/// Waits between attempts to connect, of which a random half is left out.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// Commits of this connection need not wait for the disk: nothing that it says has to last.
const SETTINGS: &str = "SET synchronous_commit = off; SET statement_timeout = 5000";
/// Channels belong to the database: a table's number tells installations in different schemas apart.
const CHANNEL: &str = "SELECT 'ringfence_' || 'schema_migration'::regclass::oid::text";

/// Why nothing is carried.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The settings are no good.
    #[error(transparent)]
    Settings(#[from] OpenError),
    /// The server cannot be reached, or refused.
    #[error("the server does not take announcements")]
    Server(#[source] BoxError),
    /// What was announced did not come back.
    #[error("announcements do not come back: a pooler in between must be in session mode")]
    Silent,
    /// The connection was lost.
    #[error("the connection was lost")]
    Lost,
}

impl From<tokio_postgres::Error> for BusError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error.into())
    }
}

/// A bus of all nodes on one PostgreSQL database.
pub struct PgBus {
    node: Arc<Node>,
    queue: mpsc::Sender<SecurityEvent>,
}

/// What the bus and its task share.
struct Node {
    /// Another one after each start.
    name: String,
    local: LocalBus,
    /// Something was not sent, and others have not been told so yet.
    dropped: AtomicBool,
}

impl PgBus {
    /// A bus over the database at `url`, and the work that carries its announcements, to be run beside it. The work ends when
    /// the bus has gone and what was waiting is sent, as long as the server takes it.
    pub fn new(
        url: &str,
        entropy: SharedEntropy,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), OpenError> {
        let address = address(url)?;
        let node = Arc::new(Node {
            name: format!("{:016x}", u64::from_be_bytes(random(entropy.as_ref()))),
            local: LocalBus::default(),
            dropped: AtomicBool::new(false),
        });
        let (queue, waiting) = mpsc::channel(QUEUE);
        let carrier = Carrier { address, node: Arc::clone(&node), entropy, waiting, unsent: Vec::new() };
        Ok((Self { node, queue }, carrier.run()))
    }

    /// Sends a message over the database at `url` and waits until it comes back.
    pub async fn check(url: &str, entropy: &SharedEntropy) -> Result<(), BusError> {
        let (bus, _carrier) = Self::new(url, Arc::clone(entropy))?;
        Link::open(&address(url)?, &bus.node).await.map(drop)
    }
}

fn address(url: &str) -> Result<Address, OpenError> {
    Ok(Address::parse(url, &Options::default())?.called("bus"))
}

#[async_trait]
impl Bus for PgBus {
    async fn publish(&self, events: &[SecurityEvent]) {
        for event in events {
            self.node.local.tell(Signal::Event(*event));
            if self.queue.try_send(*event).is_err() {
                metrics::counter!("ringfence_bus_dropped_total").increment(1);
                if !self.node.dropped.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        code = "bus_full",
                        "other nodes are not told of everything and find out by their re-check"
                    );
                }
            }
        }
    }

    fn subscribe(&self) -> Listener {
        self.node.local.subscribe()
    }
}

/// What is sent, as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Message<E> {
    node: String,
    number: u64,
    /// The sender could not send something before this.
    #[serde(default)]
    gap: bool,
    events: E,
}

impl Node {
    /// Takes in a message and returns its number if it is one of ours.
    fn take_in(&self, payload: &str) -> Option<u64> {
        // A newer node may announce what this one has no name for.
        let Ok(message) = serde_json::from_str::<Message<Vec<serde_json::Value>>>(payload) else {
            self.local.tell(Signal::Gap);
            return None;
        };
        if message.node == self.name {
            return Some(message.number);
        }
        if message.gap {
            self.local.tell(Signal::Gap);
        }
        for event in message.events {
            self.local.tell(serde_json::from_value(event).map_or(Signal::Gap, Signal::Event));
        }
        None
    }
}

/// Why a connection is not used any longer.
enum Over {
    /// Nobody publishes any more, and all is sent.
    Finished,
    /// It is of no use.
    Broken(BusError),
}

/// Empties the queue.
struct Carrier {
    address: Address,
    node: Arc<Node>,
    entropy: SharedEntropy,
    waiting: mpsc::Receiver<SecurityEvent>,
    /// Taken out of the queue and perhaps not sent; sending it twice does no harm.
    unsent: Vec<SecurityEvent>,
}

impl Carrier {
    async fn run(mut self) {
        let connected = metrics::gauge!("ringfence_bus_connected");
        let mut wait = SHORTEST_WAIT;
        loop {
            let cause = match Link::open(&self.address, &self.node).await {
                Ok(mut link) => {
                    wait = SHORTEST_WAIT;
                    connected.set(1.0);
                    tracing::info!("announcements reach other nodes");
                    // Others may have announced something while nobody listened here.
                    self.node.local.tell(Signal::Gap);
                    let over = self.carry(&mut link).await;
                    connected.set(0.0);
                    match over {
                        Over::Finished => return,
                        Over::Broken(cause) => cause,
                    }
                }
                Err(cause) => cause,
            };
            if wait == SHORTEST_WAIT {
                tracing::warn!(
                    code = "bus_lost",
                    error = &cause as &dyn std::error::Error,
                    "announcements do not reach other nodes, which find out by their re-check"
                );
            }
            if self.waiting.is_closed() {
                return;
            }
            self.pause(wait).await;
            wait = LONGEST_WAIT.min(wait * 2);
        }
    }

    /// Nodes that lost the server together do not come back together.
    async fn pause(&self, wait: Duration) {
        let dice = u32::from_be_bytes(random(self.entropy.as_ref()));
        let wait = wait.mul_f64(0.5 + f64::from(dice) / f64::from(u32::MAX) / 2.0);
        // Nothing comes that could be waited for.
        drop(timeout(wait, std::future::pending::<()>()).await);
    }

    async fn carry(&mut self, link: &mut Link) -> Over {
        loop {
            if self.unsent.is_empty() {
                tokio::select! {
                    _ = &mut link.driver => return Over::Broken(BusError::Lost),
                    came = timeout(SILENCE, self.waiting.recv_many(&mut self.unsent, MOST)) => {
                        if came == Ok(0) {
                            return Over::Finished;
                        }
                    }
                }
            }
            let gap = self.node.dropped.swap(false, Ordering::Relaxed);
            if let Err(cause) = link.send(&self.node, gap, &self.unsent).await {
                self.node.dropped.fetch_or(gap, Ordering::Relaxed);
                return Over::Broken(cause);
            }
            self.unsent.clear();
        }
    }
}

/// A connection that listens and speaks.
struct Link {
    client: Client,
    driver: JoinHandle<()>,
    notify: Statement,
    channel: String,
    /// The number of the last message sent.
    sent: u64,
    /// The number of the last one that came back.
    back: watch::Receiver<u64>,
}

impl Link {
    /// Connects, listens, and makes sure that messages come back.
    async fn open(address: &Address, node: &Arc<Node>) -> Result<Self, BusError> {
        let mut link = timeout(PATIENCE * 2, Self::listen(address, node)).await.map_err(|_| BusError::Lost)??;
        link.send(node, false, &[]).await?;
        Ok(link)
    }

    async fn listen(address: &Address, node: &Arc<Node>) -> Result<Self, BusError> {
        let (came_back, back) = watch::channel(0);
        let hearing = Arc::clone(node);
        let heard = move |payload: &str| {
            if let Some(number) = hearing.take_in(payload) {
                came_back.send_replace(number);
            }
        };
        let (client, driver) = address.connect_hearing(heard).await?;
        client.batch_execute(SETTINGS).await?;
        let channel: String = client.query_one(CHANNEL, &[]).await?.try_get(0)?;
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        let notify = client.prepare("SELECT pg_notify($1, $2)").await?;
        Ok(Self { client, driver, notify, channel, sent: 0, back })
    }

    /// Sends a message and waits until it has come back.
    async fn send(&mut self, node: &Node, gap: bool, events: &[SecurityEvent]) -> Result<(), BusError> {
        self.sent += 1;
        let number = self.sent;
        let payload = payload(&Message { node: node.name.clone(), number, gap, events })?;
        let round = async {
            self.client.execute(&self.notify, &[&self.channel, &payload]).await?;
            self.back.wait_for(|back| *back >= number).await.map_err(|_| BusError::Lost)?;
            Ok(())
        };
        timeout(PATIENCE, round).await.map_err(|_| BusError::Silent)?
    }
}

fn payload(message: &Message<&[SecurityEvent]>) -> Result<String, BusError> {
    serde_json::to_string(message).map_err(|error| BusError::Server(error.into()))
}

#[cfg(test)]
mod tests {
    use ringfence_core::{
        entropy::OsEntropy,
        ids::{EndpointGroupId, SessionId},
        time::Timestamp,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn node() -> Node {
        Node { name: "f".repeat(16), local: LocalBus::default(), dropped: AtomicBool::new(false) }
    }

    #[test]
    fn the_longest_message_fits_into_a_payload() {
        let longest = SecurityEvent::EndpointGroupChanged(EndpointGroupId::mint(NOW, &OsEntropy));
        let events = vec![longest; MOST];
        let message = Message { node: node().name, number: u64::MAX, gap: false, events: &events[..] };
        // Of PostgreSQL 16, `NOTIFY`: "it must be shorter than 8000 bytes".
        assert!(payload(&message).unwrap().len() < 8000);
    }

    #[test]
    fn what_is_not_understood_is_a_gap() {
        let (node, session) = (node(), SessionId::mint(NOW, &OsEntropy));
        let mut listener = node.local.subscribe();
        let known = format!(r#"{{"type":"session_revoked","id":"{session}"}}"#);
        let unknown = r#"{"type":"moon_risen","id":7}"#;
        let message = format!(r#"{{"node":"other","number":1,"later":1,"events":[{unknown},{known}]}}"#);
        assert_eq!(node.take_in(&message), None);
        assert_eq!(listener.try_next(), Some(Signal::Gap));
        assert_eq!(listener.try_next(), Some(Signal::Event(SecurityEvent::SessionRevoked(session))));
        assert_eq!(node.take_in("hello"), None);
        assert_eq!(listener.try_next(), Some(Signal::Gap));
    }

    #[test]
    fn a_message_of_our_own_is_only_counted() {
        let node = node();
        let mut listener = node.local.subscribe();
        let session = SecurityEvent::SessionRevoked(SessionId::mint(NOW, &OsEntropy));
        let message = Message { node: node.name.clone(), number: 7, gap: true, events: &[session][..] };
        assert_eq!(node.take_in(&payload(&message).unwrap()), Some(7));
        assert_eq!(listener.try_next(), None);
    }
}
