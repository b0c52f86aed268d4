//! What this node may vouch for: sessions that the store has confirmed, and connections under a lease that it holds.
//!
//! All of it is confirmed again and again. What could not be for as long as [`Authority::confirm_within`] is not known any
//! more: every connection is sent away, perhaps to a node that can ask, and none is admitted until the store answers again.
//! The lease ends at the same moment, so that no other node counts a connection longer than this one holds it.

use std::{
    sync::{Mutex, PoisonError},
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

/// When the last confirmation of everything began.
pub(super) struct Footing(Mutex<Uptime>);

impl Footing {
    pub(super) fn new(now: Uptime) -> Self {
        Self(Mutex::new(now))
    }

    fn confirmed(&self) -> Uptime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, began: Uptime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = began;
    }
}

impl LiveConnections {
    /// Whether this node has sent everybody away because the store does not answer it.
    pub fn is_cut_off(&self) -> bool {
        self.authority.is_cut_off()
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
                    self.footing.find(began);
                    if self.authority.set_cut_off(false) {
                        cut_off.set(0.0);
                        tracing::info!("the store confirms sessions again");
                    }
                    (began + within / PARTS).since(self.uptime())
                }
                Err(cause) => {
                    tracing::warn!(code = cause.code(), "open connections were not confirmed");
                    if self.unconfirmed_for() >= within && !self.authority.set_cut_off(true) {
                        cut_off.set(1.0);
                        self.send_away();
                    }
                    match within.saturating_sub(self.unconfirmed_for()) {
                        Duration::ZERO => RETRY,
                        left => RETRY.min(left),
                    }
                }
            };
            clock.sleep_until(clock.now() + wait).await;
        }
    }

    /// Waits until it is too late for an answer.
    async fn too_late(&self) {
        let (clock, tick) = (self.authority.clock(), TICK.min(self.authority.confirm_within() / LOOKS));
        for look in 1_u32.. {
            let left = self.authority.confirm_within().saturating_sub(self.unconfirmed_for());
            clock.sleep_until(clock.now() + if left.is_zero() { tick } else { tick.min(left) }).await;
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
