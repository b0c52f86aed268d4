//! A wall clock that only goes on: setting it back prolongs nothing, neither a token nor what was known.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    claims::Moment,
    ports::{BoxFuture, Machine},
};

/// A machine whose wall clock goes by the steady one from the latest that it ever was.
///
/// One that was set forward by mistake stays there. Revocations that were forgotten by it concern tokens that have ended by it.
pub struct Onward {
    machine: Arc<dyn Machine>,
    /// How far the wall clock was ahead of the steady one at most, in milliseconds.
    ahead: AtomicU64,
}

impl Onward {
    pub const fn new(machine: Arc<dyn Machine>) -> Self {
        Self { machine, ahead: AtomicU64::new(0) }
    }
}

impl Machine for Onward {
    fn now(&self) -> Moment {
        let steady = self.machine.steady();
        let ahead = u64::try_from(self.machine.now().saturating_sub(steady).as_millis()).unwrap_or(u64::MAX);
        let most = self.ahead.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        steady + Duration::from_millis(most)
    }

    fn steady(&self) -> Duration {
        self.machine.steady()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.machine.sleep(span)
    }

    fn chance(&self) -> f64 {
        self.machine.chance()
    }
}
