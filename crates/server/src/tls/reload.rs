//! Another certificate without a restart: on SIGHUP at once, and soon after the files change.
//!
//! The files are looked at again and again rather than watched: a few KiB every two seconds cost nothing, and work through
//! links, mounts and renames alike.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Result;
use ringfence_core::time::SharedClock;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::pair::{Files, Fingerprint, Read};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The pair for the next handshake.
pub struct Served(RwLock<Arc<CertifiedKey>>);

impl Served {
    pub(super) fn new(pair: Arc<CertifiedKey>) -> Self {
        Self(RwLock::new(pair))
    }

    fn put(&self, pair: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Served")
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Keeps the pair that is served up to date.
pub struct Reloading {
    files: Files,
    served: Arc<Served>,
    /// The content of the last look; `None` for files that could not be read.
    seen: Option<Fingerprint>,
    /// The content that was taken or refused last, so that each is tried once.
    tried: Option<Fingerprint>,
    hangup: Hangup,
}

impl Reloading {
    /// From now on SIGHUP means this, and no longer the end of the process.
    pub(super) fn new(files: Files, first: Fingerprint, served: Arc<Served>) -> Result<Self> {
        Ok(Self { files, served, seen: Some(first), tried: Some(first), hangup: hangup()? })
    }

    /// Looks after the files until it is dropped.
    pub async fn run(mut self, clock: SharedClock) {
        loop {
            let asked = tokio::select! {
                () = self.hangup.next() => true,
                () = clock.sleep_until(clock.now() + LOOK) => false,
            };
            // Files may be on a disk that takes its time.
            let looked = tokio::task::spawn_blocking(move || {
                self.look(asked);
                self
            });
            self = looked.await.expect("looking does not panic");
        }
    }

    /// Takes another content when somebody asks for it, and otherwise when it was the same twice: two files are not changed
    /// at one moment, nor is one.
    fn look(&mut self, asked: bool) {
        let read = self.files.read();
        let found = read.as_ref().ok().map(Read::fingerprint);
        let settled = std::mem::replace(&mut self.seen, found) == found;
        if !asked && (!settled || self.tried == found) {
            return;
        }
        self.tried = found;
        match read.and_then(|read| read.pair()) {
            Ok(pair) => {
                pair.facts.warn();
                self.served.put(pair.certified);
                tracing::info!(until = %pair.facts.not_after, "took the certificate in the files");
            }
            Err(cause) => {
                let cause = format!("{cause:#}");
                tracing::error!(code = "tls_reload", cause, "kept the certificate: the one in the files is no good");
            }
        }
    }
}

/// SIGHUP, where there is such a thing.
struct Hangup(#[cfg(unix)] tokio::signal::unix::Signal);

fn hangup() -> Result<Hangup> {
    #[cfg(unix)]
    return Ok(Hangup(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?));
    #[cfg(not(unix))]
    return Ok(Hangup());
}

impl Hangup {
    async fn next(&mut self) {
        #[cfg(unix)]
        if self.0.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
