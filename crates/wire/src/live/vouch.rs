//! What this node may vouch for: sessions that the store has confirmed, and connections under a lease that it holds.
//!
//! All of it is confirmed again and again. What could not be for as long as [`Authority::confirm_within`] is not known any
//! more: every connection is sent away, perhaps to a node that can ask, and none is admitted until the store answers again.
//! The lease ends at the same moment, so that no other node counts a connection longer than this one holds it.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ringfence_core::{entropy::random, error::AuthError};

use super::{LiveConnections, connection::Directive, index::Key, uptime::Uptime};

/// How often everything is confirmed within the time that it counts for: a store that does not answer for as long as two of
/// three parts of it sends nobody away.
const PARTS: u32 = 3;
/// After a store that did not answer.
const RETRY: Duration = Duration::from_millis(500);
/// How often to look whether it is too late.
const TICK: Duration = Duration::from_secs(1);
/// Looks that an answer may take in any case: the process may have been halted for an hour, and the store well.
const LOOKS: u32 = 3;
/// Whoever is sent away comes back within this, not all at once.
const SPREAD: Duration = Duration::from_secs(5);

/// Whether this node stands on what the store says.
pub(super) struct Footing {
    /// When the last confirmation of everything began.
    confirmed: Mutex<Uptime>,
    lost: AtomicBool,
}

impl Footing {
    pub(super) fn new(now: Uptime) -> Self {
        Self { confirmed: Mutex::new(now), lost: AtomicBool::new(false) }
    }

    /// When the last confirmation of everything began.
    pub(super) fn confirmed(&self) -> Uptime {
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is known here does not count any more.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    fn lose(&self) -> bool {
        !self.lost.swap(true, Ordering::SeqCst)
    }

    fn find(&self, began: Uptime) -> bool {
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = began;
        self.lost.swap(false, Ordering::SeqCst)
    }
}

impl LiveConnections {
    /// Whether this node has sent everybody away because the store does not answer it.
    pub fn is_cut_off(&self) -> bool {
        self.footing.is_lost()
    }

    /// Whether everything is confirmed as of this moment.
    #[cfg(test)]
    pub(crate) fn is_confirmed(&self) -> bool {
        !self.is_cut_off() && self.unconfirmed_for() == Duration::ZERO
    }

    /// Whether everything was confirmed so lately that nobody is sent away soon.
    #[cfg(test)]
    pub(crate) fn is_at_ease(&self) -> bool {
        !self.is_cut_off() && self.unconfirmed_for() < self.authority.confirm_within() / 2
    }

    /// How long ago everything was confirmed.
    pub(super) fn unconfirmed_for(&self) -> Duration {
        self.uptime().since(self.footing.confirmed()).min(self.authority.confirm_within())
    }

    /// Refuses whoever this node cannot vouch for.
    pub(super) fn require_footing(&self) -> Result<(), AuthError> {
        if !self.footing.is_lost() {
            return Ok(());
        }
        Err(unanswered())
    }

    /// Has everything confirmed, for ever, and sends everybody away when it was not for too long.
    pub(super) async fn vouch(&self) {
        let (clock, within) = (self.authority.clock(), self.authority.confirm_within());
        let cut_off = metrics::gauge!("ringfence_cut_off");
        cut_off.set(0.0);
        loop {
            let began = self.uptime();
            let answered = tokio::select! {
                answered = self.confirm() => answered,
                () = self.too_late() => Err(unanswered()),
            };
            let wait = match answered {
                Ok(()) => {
                    if self.footing.find(began) {
                        cut_off.set(0.0);
                        tracing::info!("the store confirms sessions again");
                    }
                    (began + within / PARTS).since(self.uptime())
                }
                Err(cause) => {
                    tracing::warn!(code = cause.code(), "open connections were not confirmed");
                    if self.unconfirmed_for() >= within && self.footing.lose() {
                        cut_off.set(1.0);
                        self.send_away();
                    }
                    RETRY
                }
            };
            clock.sleep_until(clock.now() + wait).await;
        }
    }

    /// Waits until it is too late for an answer.
    async fn too_late(&self) {
        let (clock, tick) = (self.authority.clock(), TICK.min(self.authority.confirm_within() / LOOKS));
        for look in 1_u32.. {
            clock.sleep_until(clock.now() + tick).await;
            if look >= LOOKS && self.unconfirmed_for() >= self.authority.confirm_within() {
                return;
            }
        }
    }

    /// Renews the lease and asks about every session.
    async fn confirm(&self) -> Result<(), AuthError> {
        let until = self.authority.clock().now() + self.authority.confirm_within();
        self.authority.renew_presence(self.recorder.node(), until).await?;
        self.ask_about(&self.index.sessions()).await.map_err(|(cause, _)| cause)?;
        self.compare(None).await
    }

    fn send_away(&self) {
        let sessions = self.index.sessions();
        tracing::error!(
            code = "cut_off",
            sessions = sessions.len(),
            "nothing was confirmed for too long: all are sent away"
        );
        for session in sessions {
            for connection in self.index.members(Key::Session(session)) {
                connection.post(self.cut_off());
            }
        }
    }

    /// What somebody is told whom this node cannot vouch for.
    pub(super) fn cut_off(&self) -> Directive {
        let dice = u32::from_be_bytes(random(self.authority.entropy().as_ref()));
        Directive::CutOff { retry_after: SPREAD.mul_f64(f64::from(dice) / f64::from(u32::MAX)) }
    }
}

fn unanswered() -> AuthError {
    AuthError::Unavailable { what: "the store", source: "nothing could be confirmed for too long".into() }
}
