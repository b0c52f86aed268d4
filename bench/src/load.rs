//! Closed-loop load whose requests follow from answers: each connection has a client of its own. `wrk` sends one request only.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What a server answered.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// A text member of a JSON body.
    pub(crate) fn text(&self, name: &str) -> anyhow::Result<String> {
        let body: serde_json::Value = serde_json::from_slice(self.body)?;
        Ok(body[name].as_str().with_context(|| format!("no {name} in an answer"))?.to_owned())
    }
}

/// One of many who wait for their answer before they ask again.
pub(crate) trait Client {
    /// The next request, whole.
    fn request(&mut self) -> anyhow::Result<String>;

    /// Takes in what was answered; an error voids the slice.
    fn answer(&mut self, answer: &Answer<'_>) -> anyhow::Result<()>;
}

/// A crowd of them.
pub(crate) type Clients = Vec<Box<dyn Client>>;

/// Sends the same again and again, and wants a success each time.
pub(crate) struct Same(pub(crate) String);

impl Client for Same {
    fn request(&mut self) -> anyhow::Result<String> {
        Ok(self.0.clone())
    }

    fn answer(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        succeeded(answer)
    }
}

/// Void unless it is a success.
pub(crate) fn succeeded(answer: &Answer<'_>) -> anyhow::Result<()> {
    if !(200..300).contains(&answer.status) {
        bail!("void: {} {}", answer.status, String::from_utf8_lossy(answer.body));
    }
    Ok(())
}

/// A request as text.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers = lines(headers);
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Headers as they go over the wire.
pub(crate) fn lines(headers: &[(&str, &str)]) -> String {
    headers.iter().fold(String::new(), |lines, (name, value)| lines + name + ": " + value + "\r\n")
}

/// What a slice showed.
pub(crate) struct Load {
    /// Answers of success per second.
    pub(crate) rate: f64,
    /// How long successes took, sorted.
    pub(crate) took: Vec<Duration>,
    /// How long refusals took, sorted.
    pub(crate) refused: Vec<Duration>,
}

impl Load {
    /// How many were answered, refusals included.
    pub(crate) fn answers(&self) -> usize {
        self.took.len() + self.refused.len()
    }
}

/// The time within which this share of 100 was answered; nothing of nobody.
pub(crate) fn percentile(sorted: &[Duration], share: usize) -> Duration {
    sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Drives `address` for `time`, each client on a connection of its own.
pub(crate) fn drive(address: SocketAddr, clients: &mut Clients, time: Duration) -> anyhow::Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begun = now();
        let ends = begun + time;
        let all = try_join_all(clients.iter_mut().map(|client| one(address, client.as_mut(), ends))).await?;
        let elapsed = begun.elapsed().as_secs_f64();
        let (mut took, mut refused): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        for (successes, refusals) in all {
            took.extend(successes);
            refused.extend(refusals);
        }
        took.sort_unstable();
        refused.sort_unstable();
        let count = f64::from(u32::try_from(took.len())?);
        Ok(Load { rate: count / elapsed, took, refused })
    })
}

type Times = Vec<Duration>;

async fn one(address: SocketAddr, client: &mut dyn Client, ends: Instant) -> anyhow::Result<(Times, Times)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut took, mut refused, mut buffer) = (Vec::new(), Vec::new(), Vec::with_capacity(4096));
    while now() < ends {
        let request = client.request()?;
        let begun = now();
        stream.write_all(request.as_bytes()).await?;
        buffer.clear();
        let (status, body) = read(&mut stream, &mut buffer).await?;
        let elapsed = begun.elapsed();
        let answer = Answer { status, body: &buffer[body..] };
        client.answer(&answer)?;
        if status < 300 { &mut took } else { &mut refused }.push(elapsed);
    }
    Ok((took, refused))
}

/// Reads one answer; returns its status and where its body begins.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<(u16, usize)> {
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server hung up");
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("a status")?;
        let length = head.lines().filter_map(|line| line.split_once(':'));
        let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.map(|(_, value)| value.trim()).next().unwrap_or("0").parse()?;
        while buffer.len() < end + 4 + length {
            if stream.read_buf(buffer).await? == 0 {
                bail!("the server hung up in the middle");
            }
        }
        return Ok((status, end + 4));
    }
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Time since the epoch.
#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
pub(crate) fn wall() -> anyhow::Result<Duration> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?)
}
