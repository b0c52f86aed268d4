//! Sockets of every face that has some: opened on a node, known to be signed in, and closed.

use std::{net::SocketAddr, time::Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::nodes::{APPLICATION, now};

pub type Socket = WebSocketStream<TcpStream>;

/// A face with sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Telnyx,
    ApiRtc,
    Opentact,
    Native,
}

impl Face {
    pub const ALL: [Self; 4] = [Self::Telnyx, Self::ApiRtc, Self::Opentact, Self::Native];

    /// A socket to a node on which whoever has this token is signed in; `name` is what a guest calls itself.
    pub async fn open(self, node: SocketAddr, token: &str, name: &str) -> Socket {
        let guest = channel(name, token);
        let (path, hello, welcome) = match self {
            Self::Telnyx => {
                let login =
                    json!({ "jsonrpc": "2.0", "id": "l", "method": "login", "params": { "login_token": token } });
                ("/telnyx", login.to_string(), "logged in")
            }
            Self::ApiRtc => (guest.as_str(), "40".to_owned(), "sessionId"),
            Self::Opentact => ("/opentact", json!({ "type": "auth", "payload": token }).to_string(), "success"),
            Self::Native => {
                ("/api/v1/socket", json!({ "type": "authenticate", "token": token }).to_string(), "\"type\":\"ready\"")
            }
        };
        let mut socket = connect(node, path).await;
        socket.send(Message::text(hello)).await.unwrap();
        hear(&mut socket, welcome).await;
        socket
    }
}

/// A socket on which nobody has signed in.
pub async fn connect(node: SocketAddr, path: &str) -> Socket {
    let stream = TcpStream::connect(node).await.unwrap();
    client_async(format!("ws://{node}{path}"), stream).await.unwrap().0
}

/// The next frame that contains a text.
pub async fn hear(socket: &mut Socket, wanted: &str) -> String {
    let mut heard = Vec::new();
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) if text.contains(wanted) => return text.to_string(),
            Some(Ok(frame)) => heard.push(frame),
            other => panic!("{wanted} was never said: {heard:?} {other:?}"),
        }
    }
}

/// A guest's first socket, and the token that it was given for others.
pub async fn guest(node: SocketAddr, name: &str) -> (Socket, String, String) {
    let mut socket = connect(node, &channel(name, "null")).await;
    socket.send(Message::text("40")).await.unwrap();
    let told = hear(&mut socket, "sessionId").await;
    let packet: Value = serde_json::from_str(&told["42".len()..]).unwrap();
    let message: Value = serde_json::from_str(packet[1].as_str().unwrap()).unwrap();
    let text = |name: &str| message[name].as_str().unwrap().to_owned();
    (socket, text("JWTApzToken"), text("sessionId"))
}

/// Where a channel is asked for by whoever calls itself so.
fn channel(name: &str, token: &str) -> String {
    format!("/socket.io/?EIO=4&transport=websocket&channelId={name}&apiKey={APPLICATION}&token={token}")
}

/// Waits until a socket is closed: when, and with which code.
pub async fn closed(mut socket: Socket) -> (Instant, Option<u16>) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(frame))) => return (now(), frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return (now(), None),
        }
    }
}
