//! Engine.IO 4 and, in its messages, Socket.IO 5: what their clients need to sign in, on the pump (docs/adr/0019).
//!
//! | file | what |
//! | --- | --- |
//! | `packet`, `socketio` | the packets of both, read and printed |
//! | `query` | what a request says to Engine.IO |
//! | `pipe`, `carrier` | polling, and a WebSocket that replaces it, as something that the pump can serve |
//! | `conversation` | heartbeats and one namespace |
//! | `http` | the requests |

mod carrier;
mod conversation;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod http;
mod packet;
mod pipe;
mod query;
mod socketio;
#[cfg(test)]
mod tests;

pub(crate) use conversation::{Entry, Inside};
pub(crate) use http::{Handshake, routes};
