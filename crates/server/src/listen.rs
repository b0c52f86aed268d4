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

/// How long a client may take to send the head of a request, or to send another one.
const HEAD: Duration = Duration::from_secs(10);
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
    *server.http_builder() = Builder::new(TokioExecutor::new()).http1_only();
    // Heads above 100 lines are refused with 431, which is hyper's default.
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
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
