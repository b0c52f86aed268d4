//! The two ends of polling: requests put in and take out, a pump at the other end does the same, and a WebSocket may come to
//! replace the requests.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::WebSocket;
use ringfence_core::secret::TokenDigest;
use tokio::sync::Notify;

use super::packet::{Packet, join, split};

/// Frames that wait to be fetched, beyond which whoever sends has to wait.
const MOST_FRAMES: usize = 64;
const MOST_BYTES: usize = 64 * 1024;

/// What lies between requests and a pump.
pub(super) struct Pipe {
    /// What its requests say; see [`super::query::Asked`].
    pub(super) rest: TokenDigest,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Frames for the pump.
    inward: VecDeque<String>,
    /// Frames to be fetched.
    outward: VecDeque<String>,
    bytes: usize,
    /// Numbers fetching requests: the newest counts, for the client may have lost the one before.
    fetches: u64,
    /// A WebSocket is being tried, and the client waits for its polls to come back.
    probing: bool,
    replaced: Replaced,
    life: Life,
}

/// How far it has come. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    #[default]
    Open,
    /// The pump has said its last word.
    Closing,
    /// It was fetched, or the client has said its own.
    Left,
    /// There is no pump any more.
    Over,
}

#[derive(Default)]
enum Replaced {
    #[default]
    Not,
    By(Box<WebSocket>),
    Taken,
}

/// What the pump finds.
pub(super) enum Found {
    Frame(String),
    /// A WebSocket, and the frames that nobody has fetched.
    Replacement(Box<WebSocket>, Vec<String>),
    /// The client has left.
    Nobody,
}

/// The line is not there, or not to be used like this.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotHere;

impl Pipe {
    pub(super) fn new(rest: TokenDigest) -> Self {
        Self { rest, state: Mutex::default(), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.notify_waiters();
        changed
    }

    /// Waits until `look` finds something.
    async fn until<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before the look, so that a change between the look and the wait is not missed.
            changed.as_mut().enable();
            let found = look(&mut self.state());
            if let Some(found) = found {
                self.changed.notify_waiters();
                return found;
            }
            changed.await;
        }
    }

    /// Takes a body in, and returns once the pump has got to all of it.
    pub(super) async fn post(&self, body: &str) -> Result<(), NotHere> {
        self.change(|state| {
            // Two at once would have no order.
            if !state.inward.is_empty() || !state.is_polled() {
                return Err(NotHere);
            }
            if state.life == Life::Closing {
                state.hear_out(split(body));
                return Ok(());
            }
            state.inward.extend(split(body).map(str::to_owned));
            Ok(())
        })?;
        self.until(|state| (state.inward.is_empty() || state.life == Life::Over).then_some(())).await;
        Ok(())
    }

    /// Waits for a body to give out.
    pub(super) async fn fetch(&self) -> Result<String, NotHere> {
        let mine = self.change(|state| {
            state.fetches += 1;
            state.is_polled().then_some(state.fetches).ok_or(NotHere)
        })?;
        let body = self.until(|state| {
            if state.fetches != mine || !matches!(state.replaced, Replaced::Not) {
                return Some(Packet::Noop.to_string());
            }
            if !state.outward.is_empty() {
                state.bytes = 0;
                return Some(join(state.outward.drain(..)));
            }
            if state.life >= Life::Closing {
                state.reach(Life::Left);
                return Some(Packet::Close.to_string());
            }
            state.probing.then(|| Packet::Noop.to_string())
        });
        Ok(body.await)
    }

    /// Whether a WebSocket is being tried. `false` when none may be: one has replaced polling already, or it is over.
    pub(super) fn probe(&self, probing: bool) -> bool {
        self.change(|state| {
            state.probing = probing;
            state.is_polled() && state.life == Life::Open
        })
    }

    /// Replaces polling.
    pub(super) fn replace(&self, socket: WebSocket) {
        self.change(|state| {
            if state.is_polled() {
                state.replaced = Replaced::By(Box::new(socket));
            }
        });
    }

    /// What comes for the pump.
    pub(super) async fn next(&self) -> Found {
        self.until(|state| {
            // What was posted before the replacement came before it.
            if let Some(frame) = state.inward.pop_front() {
                state.hear_out([frame.as_str()]);
                return Some(Found::Frame(frame));
            }
            if let Replaced::By(socket) = std::mem::replace(&mut state.replaced, Replaced::Taken) {
                state.bytes = 0;
                return Some(Found::Replacement(socket, state.outward.drain(..).collect()));
            }
            state.replaced = Replaced::Not;
            (state.life >= Life::Left).then_some(Found::Nobody)
        })
        .await
    }

    /// Lays a frame out to be fetched, once there is room; `false` when nobody will fetch it.
    pub(super) async fn lay_out(&self, frame: String) -> bool {
        let mut frame = Some(frame);
        self.until(|state| {
            if state.life >= Life::Left {
                return Some(false);
            }
            let fits = state.outward.len() < MOST_FRAMES && state.bytes < MOST_BYTES;
            // After a replacement nothing is fetched any more: the pump has to get to it, and takes all of this along.
            if !fits && matches!(state.replaced, Replaced::Not) {
                return None;
            }
            let frame = frame.take()?;
            state.bytes += frame.len();
            state.outward.push_back(frame);
            Some(true)
        })
        .await
    }

    /// Waits until everything was fetched, a good-bye at the end. Nothing is heard any more but the client's own.
    pub(super) async fn goodbye(&self) {
        self.change(|state| {
            state.reach(Life::Closing);
            let unheard = std::mem::take(&mut state.inward);
            state.hear_out(unheard.iter().map(String::as_str));
        });
        self.until(|state| (state.life >= Life::Left).then_some(())).await;
    }

    /// Nobody is at the pump's end any more.
    pub(super) fn end(&self) {
        self.change(|state| {
            state.reach(Life::Over);
            state.inward.clear();
        });
    }
}

impl State {
    fn is_polled(&self) -> bool {
        self.life < Life::Left && matches!(self.replaced, Replaced::Not)
    }

    fn reach(&mut self, life: Life) {
        self.life = self.life.max(life);
    }

    /// Notes whether the client says that it leaves.
    fn hear_out<'a>(&mut self, frames: impl IntoIterator<Item = &'a str>) {
        if frames.into_iter().any(|frame| Packet::parse(frame) == Some(Packet::Close)) {
            self.reach(Life::Left);
        }
    }
}
