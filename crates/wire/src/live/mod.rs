//! Every open connection of this node: who it belongs to, when it ends, and how it hears that it must.
//!
//! The registry is sharded and no lock is held across a fan-out: matching connections are collected under a shard's lock and
//! directed after it. One task, [`LiveConnections::run`], listens to the bus, keeps the time and records presence; a socket
//! has no timer and no task of its own beyond the one that serves it.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use ringfence_core::{
    authority::{Authenticated, Authority},
    context::Ctx,
    entropy::random,
    error::{AuthError, Noun},
    ids::{ConnectionId, IdentityId},
    presence::InboundPolicy,
};

mod connection;
mod dispatch;
mod index;
mod line;
mod mailbox;
mod presence;
mod reach;
mod term;
mod uptime;
mod vouch;
mod waiting;
mod wheel;

pub(crate) use connection::{Connection, Directive, Ending, Habits};
pub(crate) use line::Line;
pub(crate) use term::Term;

use connection::Bound;
use index::{Index, Key};
use presence::Recorder;
use term::Span;
use uptime::{Ticker, Uptime};
use vouch::Footing;
use waiting::Waiting;
use wheel::Wheel;

/// The connections of this node.
pub struct LiveConnections {
    authority: Arc<Authority>,
    index: Index,
    wheel: Mutex<Wheel<Weak<Connection>>>,
    ticker: Ticker,
    footing: Footing,
    waiting: Waiting,
    recorder: Recorder,
    /// Who is connected elsewhere too, as far as is known.
    shared: Mutex<HashSet<IdentityId>>,
    /// Numbers sign-ins, so that connections have an order within one millisecond.
    sign_ins: AtomicU64,
    draining: AtomicBool,
    /// How many connections there are.
    open: watch::Sender<usize>,
}

impl LiveConnections {
    pub(crate) fn new(authority: Arc<Authority>) -> Arc<Self> {
        let now = authority.clock().now();
        let ticker = Ticker::new(now);
        Arc::new(Self {
            index: Index::default(),
            wheel: Mutex::new(Wheel::new(ticker.coarse().slot())),
            footing: Footing::new(ticker.coarse()),
            ticker,
            waiting: Waiting::default(),
            recorder: Recorder::new(&authority),
            shared: Mutex::default(),
            sign_ins: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            open: watch::Sender::new(0),
            authority,
        })
    }

    /// Takes in a connection that nobody has signed in on yet; `None` when its address has too many of those, or when this
    /// node is about to stop or cut off.
    pub(crate) fn open(self: &Arc<Self>, ctx: &Ctx, habits: &'static Habits) -> Option<Line> {
        if self.draining.load(Ordering::Relaxed) || self.is_cut_off() || !self.waiting.enter(ctx.address) {
            return None;
        }
        let id = ConnectionId::mint(ctx.now, self.authority.entropy().as_ref());
        let connection = Arc::new(Connection::new(id, ctx.dialect, ctx.address, habits, self.uptime()));
        self.arm(&connection);
        self.open.send_modify(|count| *count += 1);
        metrics::gauge!("ringfence_live_connections", "dialect" => ctx.dialect).increment(1.0);
        Some(Line::new(Arc::clone(self), connection))
    }

    /// Registers `connection` for `who`, in place of whoever it was registered for before.
    ///
    /// Refused when `policy` admits no other connection of the same identity beside those that are open. Whoever renews what
    /// it is registered for keeps its place among those.
    fn bind(
        &self,
        connection: &Arc<Connection>,
        who: &Authenticated,
        policy: InboundPolicy,
        term: Term,
        manner: Manner,
    ) -> Result<(), AuthError> {
        let session = who.session.as_deref().ok_or(AuthError::NotFound(Noun::Session))?;
        let now = self.authority.clock().now();
        let kept = connection.bound().filter(|_| manner.renews).map(|bound| bound.order);
        let bound = Bound {
            project: who.project.id,
            application: who.application.as_ref().map(|application| application.id),
            group: who.endpoint.as_ref().map(|endpoint| endpoint.group.id),
            session: session.id,
            identity: who.identity.id,
            policy,
            order: kept.unwrap_or_else(|| self.sign_ins.fetch_add(1, Ordering::Relaxed)),
            span: Span::new(term, session.expires_at, now, self.uptime()),
        };
        let identity = Key::Identity(bound.identity);
        // Counted and entered under one lock, so that of two who come at once a policy of one admits one.
        let admits = |others: usize| policy.admits(others);
        if !self.index.enter_if(identity, connection, admits) {
            return Err(AuthError::Conflict(Noun::Session));
        }
        let before = connection.bind(bound.clone(), self.uptime());
        match &before {
            Some(before) => self.leave_keys(connection, before, &bound),
            None => self.waiting.leave(connection.address()),
        }
        for key in bound.keys() {
            self.index.enter(key, connection);
        }
        if !manner.claimed {
            self.recorder.signed_in(connection, before.as_ref(), &bound, now);
        }
        self.arm(connection);
        if policy.displaces() && kept.is_none() {
            self.displace(connection, bound.identity);
        }
        Ok(())
    }

    /// Leaves the keys of `before` that are not keys of `after` too.
    fn leave_keys(&self, connection: &Arc<Connection>, before: &Bound, after: &Bound) {
        let kept: Vec<Key> = after.keys().collect();
        for key in before.keys().filter(|key| !kept.contains(key)) {
            self.index.leave(key, connection);
        }
    }

    fn close(&self, connection: &Arc<Connection>) {
        match connection.bound() {
            Some(bound) => {
                for key in bound.keys() {
                    self.index.leave(key, connection);
                }
                self.recorder.closed(connection.id(), bound.identity);
            }
            None => self.waiting.leave(connection.address()),
        }
        self.open.send_modify(|count| *count -= 1);
        metrics::gauge!("ringfence_live_connections", "dialect" => connection.dialect()).decrement(1.0);
    }

    fn uptime(&self) -> Uptime {
        self.ticker.read(self.authority.clock().now())
    }

    /// Has the wheel look at a connection when it is next due.
    fn arm(&self, connection: &Arc<Connection>) {
        connection.arm(|slot| self.wheel().put(slot, Arc::downgrade(connection)));
    }

    fn wheel(&self) -> MutexGuard<'_, Wheel<Weak<Connection>>> {
        self.wheel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections have signed in.
    pub fn signed_in(&self) -> usize {
        self.index.connections()
    }

    /// Sends everybody away because this node stops: no connection is taken in any more, and each is told when to come back,
    /// spread so that the others do not meet them all at once.
    /// Returns when all have gone; one that does not go is given up by its own deadline.
    pub async fn drain(&self, spread: Duration) {
        self.draining.store(true, Ordering::Relaxed);
        let mut open = self.open.subscribe();
        // The wheel knows those too that have not signed in; a left-over entry only tells somebody twice.
        let everyone: Vec<Arc<Connection>> = self.wheel().entries().filter_map(Weak::upgrade).collect();
        for connection in everyone {
            let dice = u32::from_be_bytes(random(self.authority.entropy().as_ref()));
            connection.post(Directive::Draining { retry_after: spread.mul_f64(f64::from(dice) / f64::from(u32::MAX)) });
        }
        drop(open.wait_for(|count| *count == 0).await);
        // Other nodes need not wait for the end of the lease.
        self.recorder.write_once(&self.authority).await;
    }
}

/// How somebody is registered.
#[derive(Clone, Copy, Debug, Default)]
struct Manner {
    /// In place of whom the connection is registered for already.
    renews: bool,
    /// The store knows already.
    claimed: bool,
}

/// An IPv6 /64 is one client, as for the throttle of the gate.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
        v4 @ IpAddr::V4(_) => v4,
    }
}
