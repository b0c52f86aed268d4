//! Listening: sockets, HTTP with deadlines, and an end that lets requests finish.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::Router;
use axum_server::{Handle, accept::NoDelayAcceptor};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};

use crate::tls::Acceptor;

/// How long a client may take to send the head of a request, or to send another one.
pub const HEAD: Duration = Duration::from_secs(10);
/// Requests at once on a connection of HTTP/2.
const STREAMS: u32 = 64;
/// How long requests and connections get to finish when the server stops.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Takes an address.
pub fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves `router` until `handle` says otherwise. Bodies, time-outs and sizes are the router's; heads are ours.
pub async fn serve(listener: TcpListener, router: Router, handle: Handle<SocketAddr>) -> io::Result<()> {
    let mut server = axum_server::from_tcp(listener)?.handle(handle).acceptor(NoDelayAcceptor::new());
    // Set on the builder and not on the server, which would then not upgrade to WebSocket.
    *server.http_builder() = with_deadline(Builder::new(TokioExecutor::new()).http1_only());
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// Serves `router` by TLS and nothing else, and by HTTP/2 too where the client can.
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    handle: Handle<SocketAddr>,
    acceptor: Acceptor,
) -> io::Result<()> {
    let mut server = axum_server::from_tcp(listener)?.handle(handle).acceptor(acceptor);
    *server.http_builder() = with_deadline(Builder::new(TokioExecutor::new()));
    server.http_builder().http2().max_concurrent_streams(STREAMS);
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

fn with_deadline(mut builder: Builder<TokioExecutor>) -> Builder<TokioExecutor> {
    // Heads above 100 lines are refused with 431, which is hyper's default; above 16 KiB in HTTP/2, likewise.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
}

/// Listens from now on for being asked to end, by SIGTERM or by SIGINT from a keyboard; the future tells by which.
#[cfg(unix)]
pub fn asked_to_stop() -> Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => "SIGTERM",
            _ = int.recv() => "SIGINT",
        }
    })
}

/// Listens for Ctrl-C.
#[cfg(not(unix))]
pub fn asked_to_stop() -> Result<impl Future<Output = &'static str>> {
    Ok(async {
        // Without a console there is nobody who could ask.
        drop(tokio::signal::ctrl_c().await);
        "interrupt"
    })
}
