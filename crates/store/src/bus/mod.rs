//! A bus between nodes over something that carries messages: what is common to all of them.
//!
//! What is published waits in a bounded queue, which one task empties; publishing waits for nothing. A carrier may take messages
//! and deliver none, and a peer that is gone says nothing: so each message must come back on the connection that it was sent
//! on, and when there is none for a while, an empty one is sent.

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
    time::timeout,
};

use crate::OpenError;

mod postgres;

pub use postgres::{PgBus, PgWay};

/// Events that may wait while the carrier does not take them.
const QUEUE: usize = 16_384;
/// Events in one message: as many of the longest as fit into the smallest payload, PostgreSQL's.
const MOST: usize = 80;
/// A message is sent after so long without one.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a message may take to come back.
const PATIENCE: Duration = Duration::from_secs(5);
/// Waits between attempts to connect, of which a random half is left out.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(4);

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

/// A way to the other nodes.
#[async_trait]
pub trait Way: Send + Sync + 'static {
    /// Connects and listens; what comes in is handed to `hearing`.
    async fn open(&self, hearing: Hearing) -> Result<Box<dyn Link>, BusError>;
}

/// A connection that listens and speaks. Dropping it ends both.
#[async_trait]
pub trait Link: Send {
    /// Hands a message over for all nodes, this one included.
    async fn send(&mut self, message: String) -> Result<(), BusError>;

    /// Returns when nothing more can come.
    async fn lost(&mut self);
}

/// What takes in messages of one connection.
pub struct Hearing {
    node: Arc<Node>,
    came_back: watch::Sender<u64>,
}

impl Hearing {
    /// Takes in a message.
    pub fn take_in(&self, message: &str) {
        if let Some(number) = self.node.take_in(message) {
            self.came_back.send_replace(number);
        }
    }
}

/// A bus of all nodes that one way leads to.
pub struct WideBus {
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

impl WideBus {
    /// A bus over a way, and the work that carries its announcements, to be run beside it. The work ends when the bus has gone
    /// and what was waiting is sent, as long as the carrier takes it.
    pub fn over(way: impl Way, entropy: SharedEntropy) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let node = Arc::new(Node {
            name: format!("{:016x}", u64::from_be_bytes(random(entropy.as_ref()))),
            local: LocalBus::default(),
            dropped: AtomicBool::new(false),
        });
        let (queue, waiting) = mpsc::channel(QUEUE);
        let carrier = Carrier { way: Box::new(way), node: Arc::clone(&node), entropy, waiting, unsent: Vec::new() };
        (Self { node, queue }, carrier.run())
    }

    /// Sends a message over a way and waits until it comes back.
    pub async fn check(way: impl Way, entropy: &SharedEntropy) -> Result<(), BusError> {
        let node = Node {
            name: format!("{:016x}", u64::from_be_bytes(random(entropy.as_ref()))),
            local: LocalBus::default(),
            dropped: AtomicBool::new(false),
        };
        Round::open(&way, &Arc::new(node)).await.map(drop)
    }
}

#[async_trait]
impl Bus for WideBus {
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
    way: Box<dyn Way>,
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
            let cause = match Round::open(self.way.as_ref(), &self.node).await {
                Ok(mut round) => {
                    wait = SHORTEST_WAIT;
                    connected.set(1.0);
                    tracing::info!("announcements reach other nodes");
                    // Others may have announced something while nobody listened here.
                    self.node.local.tell(Signal::Gap);
                    let over = self.carry(&mut round).await;
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

    async fn carry(&mut self, round: &mut Round) -> Over {
        loop {
            if self.unsent.is_empty() {
                tokio::select! {
                    () = round.link.lost() => return Over::Broken(BusError::Lost),
                    came = timeout(SILENCE, self.waiting.recv_many(&mut self.unsent, MOST)) => {
                        if came == Ok(0) {
                            return Over::Finished;
                        }
                    }
                }
            }
            let gap = self.node.dropped.swap(false, Ordering::Relaxed);
            if let Err(cause) = round.send(&self.node, gap, &self.unsent).await {
                self.node.dropped.fetch_or(gap, Ordering::Relaxed);
                return Over::Broken(cause);
            }
            self.unsent.clear();
        }
    }
}

/// A connection on which what is sent must come back.
struct Round {
    link: Box<dyn Link>,
    /// The number of the last message sent.
    sent: u64,
    /// The number of the last one that came back.
    back: watch::Receiver<u64>,
}

impl Round {
    /// Connects, listens, and makes sure that messages come back.
    async fn open(way: &dyn Way, node: &Arc<Node>) -> Result<Self, BusError> {
        let (came_back, back) = watch::channel(0);
        let hearing = Hearing { node: Arc::clone(node), came_back };
        let link = timeout(PATIENCE * 2, way.open(hearing)).await.map_err(|_| BusError::Lost)??;
        let mut round = Self { link, sent: 0, back };
        round.send(node, false, &[]).await?;
        Ok(round)
    }

    /// Sends a message and waits until it has come back.
    async fn send(&mut self, node: &Node, gap: bool, events: &[SecurityEvent]) -> Result<(), BusError> {
        self.sent += 1;
        let number = self.sent;
        let message = payload(&Message { node: node.name.clone(), number, gap, events })?;
        let round = async {
            self.link.send(message).await?;
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
