//! Sockets over loopback, against the Telnyx face; time is moved by hand.

mod accounts;
mod life;
mod nodes;
mod protocol;

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use ringfence_core::{ids::IdentityId, session::SessionsOf};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

use crate::{
    App,
    live::Directive,
    testing::{Stage, Subscriber},
};

struct Server {
    stage: Stage,
    address: SocketAddr,
}

type Socket = WebSocketStream<TcpStream>;

impl Server {
    async fn start() -> Self {
        Self::start_with(HashMap::new()).await
    }

    async fn start_with(options: HashMap<&str, &str>) -> Self {
        let stage = Stage::start_with(options).await;
        let address = served(&stage.app).await;
        Self { stage, address }
    }

    async fn open(&self) -> Socket {
        self.open_from(None).await.unwrap()
    }

    async fn open_from(&self, origin: Option<&'static str>) -> Result<Socket, tungstenite::Error> {
        let mut request = format!("ws://{}/telnyx", self.address).into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await?;
        client_async(request, stream).await.map(|(socket, _)| socket)
    }

    /// A socket that is logged in.
    async fn logged_in(&self, subscriber: &Subscriber) -> Socket {
        let mut socket = self.open().await;
        let answer = ask(&mut socket, "login", subscriber.pair()).await;
        assert!(answer["result"]["sessid"].is_string(), "{answer}");
        socket
    }

    fn advance(&self, seconds: u64) {
        self.stage.world.clock.advance(Duration::from_secs(seconds));
    }

    fn connections_of(&self, identity: IdentityId) -> usize {
        self.stage.app.live.reached(identity, "telnyx").len()
    }

    /// Waits until everything is confirmed at the present moment.
    async fn confirmed(&self) {
        while !self.stage.app.live.is_confirmed() {
            tokio::task::yield_now().await;
        }
    }

    /// Has every task of this thread do what it can do without anybody else.
    async fn settled(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// Returns when no socket is open, which must come by itself.
    async fn emptied(&self) {
        self.stage.app.live.drain(Duration::ZERO).await;
    }
}

/// Serves an application and returns where.
async fn served(app: &App) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = crate::router(app).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// A socket to a node.
async fn socket_to(address: SocketAddr) -> Socket {
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(format!("ws://{address}/telnyx"), stream).await.unwrap().0
}

async fn say(socket: &mut Socket, method: &str, params: Value) {
    let frame = json!({ "jsonrpc": "2.0", "id": "r", "method": method, "params": params });
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn ask(socket: &mut Socket, method: &str, params: Value) -> Value {
    say(socket, method, params).await;
    loop {
        let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("closed") };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["id"] == "r" {
            return frame;
        }
    }
}

/// The code and the reason it is closed with, frames before that left out.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                // Says good-bye too.
                while let Some(Ok(_)) = socket.next().await {}
                return (CloseCode::into(frame.code), frame.reason.to_string());
            }
            Some(Ok(_)) => {}
            other => panic!("ended without a good-bye: {other:?}"),
        }
    }
}

fn goodbye(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}
