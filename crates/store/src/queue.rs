//! A bounded queue from many askers to a few threads that own connections.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// First in, first out; full means refused at once, so that overload is answered and not hidden in a wait.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    closing: Condvar,
    capacity: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

/// Why something was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many wait as may.
    #[error("the queue of the store is full")]
    Full,
    /// The engine was told to stop.
    #[error("the store has stopped")]
    Closed,
}

impl<T> Queue<T> {
    /// An empty queue for at most `capacity`.
    pub fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), closing: Condvar::new(), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while it holds the lock, and the state is whole between statements anyway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds `item`, or gives it back with the reason.
    pub fn push(&self, item: T) -> Result<(), (T, Refused)> {
        let mut state = self.lock();
        if state.closed {
            return Err((item, Refused::Closed));
        }
        if state.waiting.len() >= self.capacity {
            return Err((item, Refused::Full));
        }
        state.waiting.push_back(item);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for one item; `None` when the queue is closed and empty.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.waiting.pop_front() {
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for one item and takes what else waits, up to `most`; `false` when the queue is closed and empty.
    pub fn pop_many(&self, most: usize, batch: &mut Vec<T>) -> bool {
        let Some(first) = self.pop() else { return false };
        batch.push(first);
        let mut state = self.lock();
        let more = state.waiting.len().min(most.saturating_sub(1));
        batch.extend(state.waiting.drain(..more));
        true
    }

    /// Takes all that waits, without waiting.
    pub fn drain(&self) -> VecDeque<T> {
        std::mem::take(&mut self.lock().waiting)
    }

    /// Waits until the queue is closed, for at most `span`; whether it is.
    pub fn closes_within(&self, span: Duration) -> bool {
        let state = self.lock();
        let waited = self.closing.wait_timeout_while(state, span, |state| !state.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Refuses what comes from now on; what waits is still handed out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
        self.closing.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_gives_the_item_back() {
        let queue = Queue::new(1);
        assert_eq!(queue.push('a'), Ok(()));
        assert_eq!(queue.push('b'), Err(('b', Refused::Full)));
        assert_eq!(queue.pop(), Some('a'));
        assert_eq!(queue.push('c'), Ok(()));
    }

    #[test]
    fn a_closed_queue_hands_out_what_waits_and_takes_nothing() {
        let queue = Queue::new(4);
        queue.push('a').unwrap();
        queue.close();
        assert_eq!(queue.push('b'), Err(('b', Refused::Closed)));
        assert_eq!((queue.pop(), queue.pop()), (Some('a'), None));
        assert!(queue.closes_within(Duration::ZERO));
    }

    #[test]
    fn a_batch_has_its_limit() {
        let (queue, mut batch) = (Queue::new(8), Vec::new());
        for item in 0..5 {
            queue.push(item).unwrap();
        }
        assert!(queue.pop_many(3, &mut batch));
        assert_eq!(batch, [0, 1, 2]);
    }
}
