//! Everybody else, while something happens to thousands of sockets.

use std::{
    net::SocketAddr,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure};

use crate::{
    load::now,
    process::{Program, connect},
    trust::Trust,
};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(5);

/// Somebody who asks for the public keys again and again.
pub(crate) struct Others(JoinHandle<anyhow::Result<Vec<Duration>>>);

impl Others {
    /// Asks until then, on a thread of its own: what is measured is the server and not the clients around it.
    pub(crate) fn until(end: Instant, server: &Program) -> Self {
        let (address, trust) = (server.address, server.trust.clone());
        Self(std::thread::spawn(move || probe(address, trust.as_ref(), end)))
    }

    /// How long each answer took, sorted.
    pub(crate) fn took(self) -> anyhow::Result<Vec<Duration>> {
        let mut took = self.0.join().map_err(|_| anyhow!("the probe panicked"))??;
        took.sort_unstable();
        Ok(took)
    }
}

fn probe(server: SocketAddr, trust: Option<&Trust>, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::new();
    let mut stream = connect(server, trust)?;
    let request = format!("GET /.well-known/jwks.json HTTP/1.1\r\nHost: {server}\r\n\r\n");
    let mut answer = vec![0; 16 * 1024];
    while now() < end {
        let begun = now();
        stream.write_all(request.as_bytes())?;
        let read = stream.read(&mut answer)?;
        ensure!(answer[..read].starts_with(b"HTTP/1.1 200"), "the other requests are refused");
        took.push(begun.elapsed());
        std::thread::park_timeout(PAUSE);
    }
    Ok(took)
}
