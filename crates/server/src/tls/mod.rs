//! TLS of the listener: rustls on aws-lc-rs, versions 1.2 and 1.3, HTTP/1.1 and HTTP/2 by ALPN (docs/adr/0013-tls.md).

mod idle;
mod pair;
mod reload;

use std::{future::Future, io, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use axum_server::accept::Accept;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::{Ticketer, default_provider},
    version::{TLS12, TLS13},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use self::{
    idle::{Counted, Patient},
    reload::Served,
};
pub use self::{pair::Files, reload::Reloading};

/// How long a client may take for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Takes connections by TLS, each with the certificate of its moment.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

/// Reads the certificate and its key; they are read again when [`Reloading`] says so.
pub fn start(files: Files) -> Result<(Acceptor, Reloading)> {
    let read = files.read().context("section [server.tls]")?;
    let pair = read.pair().context("section [server.tls]")?;
    pair.facts.warn();
    let served = Arc::new(Served::new(pair.certified));
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&served) as _);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Resuming costs the clients of a crowd that comes back no signature of ours, and us no memory.
    config.ticketer = Ticketer::new()?;
    Ok((Acceptor(TlsAcceptor::from(Arc::new(config))), Reloading::new(files, read.fingerprint(), served)?))
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Patient<TlsStream<TcpStream>>;
    type Service = Counted<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let acceptor = self.0.clone();
        Box::pin(async move {
            stream.set_nodelay(true)?;
            let shaken = timeout(HANDSHAKE, acceptor.accept(stream)).await.map_err(io::Error::from).flatten();
            // By clients as much as by us: scanners, other protocols, certificates that somebody does not trust.
            let stream = shaken.inspect_err(|cause| {
                metrics::counter!("ringfence_tls_handshakes_failed_total").increment(1);
                tracing::debug!(%cause, "a TLS handshake failed");
            })?;
            Ok(idle::guard(stream, service))
        })
    }
}
