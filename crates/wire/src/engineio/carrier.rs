//! What carries a line that began with polling.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::WebSocket;

use super::pipe::{Found, Pipe};
use crate::pump::{Close, Heard, Transport};

/// The lines of this node that are polled.
#[derive(Default)]
pub(super) struct Polled(Mutex<HashMap<String, Arc<Pipe>>>);

impl Polled {
    fn pipes(&self) -> MutexGuard<'_, HashMap<String, Arc<Pipe>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line of that name.
    pub(super) fn find(&self, sid: &str) -> Option<Arc<Pipe>> {
        self.pipes().get(sid).map(Arc::clone)
    }

    /// Enters a line, whose pump gets what is returned.
    pub(super) fn enter(self: &Arc<Self>, sid: String, pipe: Pipe) -> Carried {
        let pipe = Arc::new(pipe);
        self.pipes().insert(sid.clone(), Arc::clone(&pipe));
        Carried::Polling(Seat { lines: Arc::clone(self), sid, pipe })
    }
}

/// A line's place among the polled ones.
pub(super) struct Seat {
    lines: Arc<Polled>,
    sid: String,
    pipe: Arc<Pipe>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lines.pipes().remove(&self.sid);
        self.pipe.end();
    }
}

/// Polling until a WebSocket replaces it.
pub(super) enum Carried {
    Polling(Seat),
    Socket(Box<WebSocket>),
}

impl Transport for Carried {
    async fn recv(&mut self) -> Heard {
        let (socket, unsent) = match self {
            Self::Socket(socket) => return Transport::recv(socket.as_mut()).await,
            Self::Polling(seat) => match seat.pipe.next().await {
                Found::Frame(frame) => return Heard::Text(frame.into()),
                Found::Nobody => return Heard::Broken(None),
                Found::Replacement(socket, unsent) => (socket, unsent),
            },
        };
        *self = Self::Socket(socket);
        Heard::Unsent(unsent)
    }

    async fn send(&mut self, frame: String) -> bool {
        match self {
            Self::Polling(seat) => seat.pipe.lay_out(frame).await,
            Self::Socket(socket) => Transport::send(socket.as_mut(), frame).await,
        }
    }

    async fn goodbye(&mut self, close: Close) {
        match self {
            Self::Polling(seat) => seat.pipe.goodbye().await,
            Self::Socket(socket) => socket.goodbye(close).await,
        }
    }
}
