//! A store that a test can cut off from its database.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use crate::store::{Engine, Store, StoreError, Unit};

/// How a database is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reach {
    /// It answers.
    Well,
    /// Everything is refused at once, as when nobody listens there.
    Refused,
    /// Nothing is answered, as when packets are lost.
    Silent,
}

/// The way to a database, which can be cut.
pub struct Severable {
    engine: Arc<dyn Engine>,
    reach: AtomicU8,
    unanswered: Mutex<Vec<Box<dyn Unit>>>,
}

impl Severable {
    /// The same store by a way that can be cut.
    pub fn of(store: &Store) -> (Store, Arc<Self>) {
        let way = Arc::new(Self {
            engine: Arc::clone(store.engine()),
            reach: AtomicU8::new(Reach::Well as u8),
            unanswered: Mutex::default(),
        });
        (Store::new(Arc::clone(&way) as _), way)
    }

    /// Reaches the database so from now on. What was not answered never is.
    pub fn set(&self, reach: Reach) {
        self.reach.store(reach as u8, Ordering::SeqCst);
    }

    /// The unit, if the database is reached.
    fn pass(&self, unit: Box<dyn Unit>) -> Option<Box<dyn Unit>> {
        let reach = self.reach.load(Ordering::SeqCst);
        if reach == Reach::Well as u8 {
            return Some(unit);
        }
        if reach == Reach::Refused as u8 {
            unit.finish(Err(StoreError::Busy("cut off".into())));
        } else {
            self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).push(unit);
        }
        None
    }
}

impl Engine for Severable {
    fn submit_read(&self, unit: Box<dyn Unit>) {
        if let Some(unit) = self.pass(unit) {
            self.engine.submit_read(unit);
        }
    }

    fn submit_write(&self, unit: Box<dyn Unit>) {
        if let Some(unit) = self.pass(unit) {
            self.engine.submit_write(unit);
        }
    }
}
