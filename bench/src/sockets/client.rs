//! A client of the Telnyx socket that is idle: it logs in, answers pings, and notes when it is closed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpSocket,
    sync::mpsc,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::trust::Trust;

type Socket = WebSocketStream<Box<dyn Stream>>;

/// A connection, whatever is between.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// When a socket of a group was closed, and how.
pub(super) struct Closed {
    /// The group it was opened for.
    pub(super) group: usize,
    /// The moment.
    pub(super) at: Instant,
    /// The code of the good-bye.
    pub(super) code: Option<u16>,
}

/// Opens a socket from the `number`th of many addresses and logs in with `token`; then stays until it is closed.
pub(super) async fn stay(
    server: SocketAddr,
    trust: Option<Trust>,
    number: usize,
    group: usize,
    token: Arc<str>,
    closed: mpsc::UnboundedSender<Closed>,
) -> anyhow::Result<()> {
    let mut socket = log_in(server, trust, number, &token).await?;
    tokio::spawn(async move {
        let code = idle(&mut socket).await;
        #[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
        let at = Instant::now();
        drop(closed.send(Closed { group, at, code }));
        // Says good-bye too.
        while let Some(Ok(_)) = socket.next().await {}
    });
    Ok(())
}

async fn log_in(server: SocketAddr, trust: Option<Trust>, number: usize, token: &str) -> anyhow::Result<Socket> {
    let stream = TcpSocket::new_v4()?;
    // A port is enough for one address of the loopback 28,000 times; other addresses are other clients to the limits.
    let [high, low] = u16::try_from(number / 100)?.to_be_bytes();
    stream.bind((Ipv4Addr::new(127, 1, high, low), 0).into())?;
    let stream = stream.connect(server).await?;
    stream.set_nodelay(true)?;
    let stream: Box<dyn Stream> = match trust {
        None => Box::new(stream),
        Some(trust) => Box::new(trust.connect(stream).await?),
    };
    let (mut socket, _) = client_async(format!("ws://{server}/telnyx"), stream).await?;
    let login =
        serde_json::json!({ "jsonrpc": "2.0", "id": "l", "method": "login", "params": { "login_token": token } });
    socket.send(Message::text(login.to_string())).await?;
    let answer = socket.next().await.context("no answer")??;
    if !answer.to_text()?.contains("logged in") {
        bail!("the login was refused: {answer}");
    }
    Ok(socket)
}

/// Answers pings as the SDK does, with a ping of its own; returns the code that it is closed with.
async fn idle(socket: &mut Socket) -> Option<u16> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) if text.contains("telnyx_rtc.ping") => {
                let ping = r#"{"jsonrpc":"2.0","id":"p","method":"telnyx_rtc.ping","params":{}}"#;
                socket.send(Message::text(ping)).await.ok()?;
            }
            Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}
