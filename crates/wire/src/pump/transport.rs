//! What carries frames: a WebSocket, or something that stands for one.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use tokio_tungstenite::tungstenite;

use super::Close;

/// The pump's side of what carries frames.
pub(crate) trait Transport: Send + 'static {
    /// The next thing from the other end. Dropping the future loses nothing.
    fn recv(&mut self) -> impl Future<Output = Heard> + Send;

    /// Sends a frame; `false` when there is nobody any more.
    fn send(&mut self, frame: String) -> impl Future<Output = bool> + Send;

    /// Asks for a sign of life that needs nobody's words, where there is such a thing; `false` when there is nobody any more.
    fn ping(&mut self) -> impl Future<Output = bool> + Send {
        std::future::ready(true)
    }

    /// Says good-bye and waits for the other end to say it too, or the last frames may be lost on the way.
    fn goodbye(&mut self, close: Close) -> impl Future<Output = ()> + Send;
}

/// What comes from a transport.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A frame.
    Text(Utf8Bytes),
    /// A frame that nobody here understands.
    Binary,
    /// A sign of life, answered by the transport itself.
    Control,
    /// The transport was replaced by another one, over which these frames are to be sent.
    Unsent(Vec<String>),
    /// It is over; the close is for somebody who broke the protocol.
    Broken(Option<Close>),
}

impl Transport for WebSocket {
    async fn recv(&mut self) -> Heard {
        match WebSocket::recv(self).await {
            Some(Ok(Message::Text(text))) => Heard::Text(text),
            Some(Ok(Message::Binary(_))) => Heard::Binary,
            // Answered below us, with the next read at the latest.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => Heard::Control,
            Some(Err(error)) => Heard::Broken(goodbye_to(error)),
            None => Heard::Broken(None),
        }
    }

    async fn send(&mut self, frame: String) -> bool {
        WebSocket::send(self, Message::Text(frame.into())).await.is_ok()
    }

    async fn ping(&mut self) -> bool {
        WebSocket::send(self, Message::Ping(Bytes::new())).await.is_ok()
    }

    async fn goodbye(&mut self, close: Close) {
        let frame = CloseFrame { code: close.code, reason: close.reason.into() };
        if WebSocket::send(self, Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = WebSocket::recv(self).await {}
        }
    }
}

/// What is said to somebody who breaks the protocol; nothing when there is nobody any more.
fn goodbye_to(error: axum::Error) -> Option<Close> {
    let error = error.into_inner().downcast::<tungstenite::Error>().ok()?;
    match *error {
        tungstenite::Error::Capacity(_) => Some(Close { code: 1009, reason: "message too long" }),
        tungstenite::Error::Utf8(_) => Some(Close { code: 1007, reason: "not UTF-8" }),
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(Close { code: 1002, reason: "protocol error" }),
        _ => None,
    }
}
