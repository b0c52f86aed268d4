//! A client of the native API that keeps its connection, and may hang up before the answer.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::member;
use crate::scratch::NATIVE_KEY;

/// Tokens that were issued together.
#[derive(Clone, PartialEq)]
pub(super) struct Pair {
    access: String,
    refresh: String,
}

/// One of many.
pub(super) struct Client {
    address: SocketAddr,
    open: Option<BufReader<TcpStream>>,
}

impl Client {
    /// A client of the server there.
    pub(super) const fn of(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    /// Where the server is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new session.
    pub(super) fn guest(&mut self) -> anyhow::Result<Pair> {
        let body = json!({ "application": NATIVE_KEY }).to_string();
        let (status, answer) = self.ask("POST", "/api/v1/guests", "", &body)?;
        ensure!(status == 201, "a guest is let in: {answer}");
        Pair::of(&answer)
    }

    /// New tokens, or the code of the refusal.
    pub(super) fn refresh(&mut self, pair: &Pair) -> anyhow::Result<Result<Pair, String>> {
        let (status, answer) = self.ask("POST", "/api/v1/refresh", "", &pair.body())?;
        if status == 200 {
            return Ok(Ok(Pair::of(&answer)?));
        }
        Ok(Err(member(&answer, "code")?.to_owned()))
    }

    /// Asks for new tokens and hangs up after a while, whether they came or not.
    pub(super) fn refresh_unheard(&mut self, pair: &Pair, patience: Duration) -> anyhow::Result<()> {
        self.send("POST", "/api/v1/refresh", "", &pair.body())?;
        thread::park_timeout(patience);
        self.open = None;
        Ok(())
    }

    /// The status that the access token gets.
    pub(super) fn me(&mut self, pair: &Pair) -> anyhow::Result<u16> {
        Ok(self.ask("GET", "/api/v1/me", &format!("Authorization: Bearer {}\r\n", pair.access), "")?.0)
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> anyhow::Result<(u16, Value)> {
        self.send(method, path, headers, body)?;
        let open = self.open.as_mut().context("a request was sent")?;
        let mut line = String::new();
        open.read_line(&mut line)?;
        let status =
            line.split(' ').nth(1).and_then(|code| code.parse().ok()).with_context(|| format!("a status: {line}"))?;
        let mut length = 0;
        loop {
            line.clear();
            open.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        open.read_exact(&mut answer)?;
        Ok((status, serde_json::from_slice(&answer)?))
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> anyhow::Result<()> {
        let (address, length) = (self.address, body.len());
        if self.open.is_none() {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            self.open = Some(BufReader::new(stream));
        }
        let open = self.open.as_mut().context("just opened")?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        Ok(open.get_mut().write_all(request.as_bytes())?)
    }
}

impl Pair {
    fn of(answer: &Value) -> anyhow::Result<Self> {
        let take = |name| Ok::<_, anyhow::Error>(member(answer, name)?.to_owned());
        Ok(Self { access: take("access_token")?, refresh: take("refresh_token")? })
    }

    fn body(&self) -> String {
        json!({ "refresh_token": self.refresh }).to_string()
    }
}
