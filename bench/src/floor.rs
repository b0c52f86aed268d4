//! The floor: axum reading a request like ours and answering nothing of interest.

use std::net::SocketAddr;

use axum::{Router, body::Bytes, routing::any};

/// Serves until killed.
pub(crate) fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await?;
        // The body is read, for ours is.
        let routes =
            Router::new().fallback(any(|body: Bytes| async move { if body.len() > 1 << 20 { "no" } else { "ok" } }));
        Ok(axum::serve(listener, routes).await?)
    })
}
