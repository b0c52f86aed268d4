//! Sockets that only listen, as lean as they can be: what is measured with them is the sender.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

use crate::{
    load::{now, wall},
    process::Program,
};

/// Opened at once.
const ABREAST: usize = 32;
/// The native socket, and its warning of the end.
pub(crate) const WARNED: Script = Script { path: SOCKET, welcome: READY, wanted: r#""expiring""# };
/// The same, and its good-bye.
pub(crate) const CLOSED: Script = Script { path: SOCKET, welcome: READY, wanted: r#""closing""# };
const SOCKET: &str = "/api/v1/socket";
const READY: &str = r#""ready""#;
/// Longer than any answer that is waited for.
const ANSWER: usize = 2048;

/// What all of them expect.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    /// Where sockets are.
    pub(crate) path: &'static str,
    /// What the answer to the first frame contains, if one is sent.
    pub(crate) welcome: &'static str,
    /// What the frame contains whose arrival counts.
    pub(crate) wanted: &'static str,
}

/// Many open sockets.
pub(crate) struct Crowd {
    arrivals: mpsc::UnboundedReceiver<Instant>,
    sockets: usize,
}

impl Crowd {
    /// Opens a socket for each of these first frames; an empty one is not sent.
    pub(crate) async fn open(server: SocketAddr, script: Script, first: &[String]) -> anyhow::Result<Self> {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let mut opening = JoinSet::new();
        for (number, first) in first.iter().enumerate() {
            if opening.len() == ABREAST {
                opening.join_next().await.context("somebody opens a socket")???;
            }
            opening.spawn(listen(server, script, number, frame(first), sender.clone()));
        }
        while let Some(opened) = opening.join_next().await {
            opened??;
        }
        Ok(Self { arrivals, sockets: first.len() })
    }

    /// Waits until each has received the frame once, and returns when each did, the first of them first.
    pub(crate) async fn all(&mut self) -> anyhow::Result<Vec<Instant>> {
        let mut arrived = Vec::with_capacity(self.sockets);
        while arrived.len() < self.sockets {
            let next = tokio::time::timeout(Duration::from_secs(90), self.arrivals.recv()).await;
            let next = next.with_context(|| format!("only {} of {} were told", arrived.len(), self.sockets))?;
            arrived.push(next.context("a socket was closed")?);
        }
        arrived.sort_unstable();
        Ok(arrived)
    }
}

/// The first frames of so many native sockets that share these tokens.
pub(crate) fn authenticate(tokens: &[String], sockets: usize) -> Vec<String> {
    let frames = tokens.iter().map(|token| json!({ "type": "authenticate", "token": token }).to_string());
    frames.collect::<Vec<_>>().iter().cycle().take(sockets).cloned().collect()
}

/// How long after the first each of them received it.
pub(crate) fn behind(arrived: &[Instant]) -> Vec<Duration> {
    let first = arrived.first().copied();
    arrived.iter().map(|at| first.map(|first| at.saturating_duration_since(first)).unwrap_or_default()).collect()
}

async fn listen(
    server: SocketAddr,
    script: Script,
    number: usize,
    first: Vec<u8>,
    arrived: mpsc::UnboundedSender<Instant>,
) -> anyhow::Result<()> {
    let socket = TcpSocket::new_v4()?;
    // Other addresses are other clients to the limits.
    let [high, low] = u16::try_from(number / 100)?.to_be_bytes();
    socket.bind((Ipv4Addr::new(127, 2, high, low), 0).into())?;
    let mut stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    let upgrade = format!(
        "GET {} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        script.path
    );
    stream.write_all(upgrade.as_bytes()).await?;
    hear(&mut stream, "101 Switching Protocols").await?;
    if !first.is_empty() {
        stream.write_all(&first).await?;
        hear(&mut stream, script.welcome).await?;
    }
    tokio::spawn(async move {
        // It ends with the connection.
        drop(stay(stream, script.wanted, arrived).await);
    });
    Ok(())
}

/// Reads until an answer is there, and wants this in it.
async fn hear(stream: &mut TcpStream, wanted: &str) -> anyhow::Result<()> {
    let mut answer = Vec::with_capacity(ANSWER);
    while !has(&answer, wanted) {
        ensure!(answer.len() < ANSWER, "not what was expected: {}", String::from_utf8_lossy(&answer));
        if stream.read_buf(&mut answer).await? == 0 {
            bail!("closed after {}", String::from_utf8_lossy(&answer));
        }
    }
    Ok(())
}

/// Notes each frame that is wanted, and answers pings.
async fn stay(mut stream: TcpStream, wanted: &str, arrived: mpsc::UnboundedSender<Instant>) -> anyhow::Result<()> {
    let pong = frame(r#"{"type":"pong"}"#);
    let mut heard = [0; 512];
    loop {
        let length = stream.read(&mut heard).await?;
        if length == 0 {
            return Ok(());
        }
        if has(&heard[..length], wanted) {
            arrived.send(now())?;
        }
        if has(&heard[..length], r#""type":"ping""#) {
            stream.write_all(&pong).await?;
        }
    }
}

fn has(text: &[u8], wanted: &str) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted.as_bytes())
}

/// A text frame of a client (RFC 6455, section 5.2), masked with zeros; nothing for nothing.
fn frame(text: &str) -> Vec<u8> {
    let Ok(length) = u16::try_from(text.len()) else { return Vec::new() };
    let mut frame = match u8::try_from(length) {
        // Longer ones say 126 and then how long they are.
        Ok(0) => return Vec::new(),
        Ok(short) if short < 126 => vec![0x81, 0x80 | short],
        _ => [&[0x81, 0x80 | 0x7E][..], &length.to_be_bytes()].concat(),
    };
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// Tokens of different guests that all end at the same second, and when that is.
pub(crate) fn tokens(server: &Program, application: &str, guests: usize) -> anyhow::Result<(Vec<String>, Instant)> {
    // Made again where a second ends in the middle.
    for _ in 0..10 {
        let second = Duration::from_secs(wall()?.as_secs() + 1);
        std::thread::park_timeout(second.saturating_sub(wall()?));
        let guest = json!({ "application": application }).to_string();
        let made = (0..guests).map(|_| {
            let answer = server.post("/api/v1/guests", "", &guest)?;
            Ok(answer["access_token"].as_str().context("a guest has a token")?.to_owned())
        });
        let tokens = made.collect::<anyhow::Result<Vec<_>>>()?;
        let ends = tokens.iter().map(|token| end_of(token)).collect::<anyhow::Result<Vec<_>>>()?;
        if let (Some(first), Some(last)) = (ends.first(), ends.last())
            && first == last
        {
            return Ok((tokens, now() + first.saturating_sub(wall()?)));
        }
    }
    anyhow::bail!("{guests} guests are not let in within a second")
}

/// When a token ends, after the epoch.
fn end_of(token: &str) -> anyhow::Result<Duration> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).context("a token has three parts")?)?;
    let claims: Value = serde_json::from_slice(&claims)?;
    Ok(Duration::from_secs(claims["exp"].as_u64().context("a token has an end")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_how_long_they_are() {
        assert_eq!(frame(""), [0_u8; 0]);
        assert_eq!(frame("hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(frame(&"x".repeat(300))[..4], [0x81, 0xFE, 1, 44]);
    }
}
