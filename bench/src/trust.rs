//! TLS of a measured server: a certificate that signs itself, and clients that trust it.

use std::{fs, net::TcpStream as Blocking, path::Path, sync::Arc};

use anyhow::Context as _;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, client::Resumption,
    crypto::aws_lc_rs::default_provider, pki_types::ServerName,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// What clients know.
#[derive(Clone)]
pub(crate) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Leaves `cert.pem` and `key.pem` in the folder.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        fs::write(folder.join("cert.pem"), pair.cert.pem())?;
        fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(pair.cert.der().clone())?;
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        // Every client is a stranger.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// The handshake of a client that waits.
    pub(crate) fn around(&self, stream: Blocking) -> anyhow::Result<StreamOwned<ClientConnection, Blocking>> {
        Ok(StreamOwned::new(ClientConnection::new(Arc::clone(&self.0), name()?)?, stream))
    }

    /// The handshake of one of many.
    pub(crate) async fn connect(&self, stream: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.0)).connect(name()?, stream).await.context("a TLS handshake")
    }
}

fn name() -> anyhow::Result<ServerName<'static>> {
    Ok(ServerName::try_from("localhost")?)
}
