//! TLS to PostgreSQL: to a server that speaks it, and to those that should not be spoken to.

use std::{error::Error, fs, net::SocketAddr, sync::Arc};

use ringfence_core::entropy::{OsEntropy, SharedEntropy};
use ringfence_store::PgBus;
use rustls::{ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivateKeyDer};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;

use crate::support::{self, World};

/// What a client sends that wants TLS: eight bytes long, code 80877103 (PostgreSQL's protocol, `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A door of the test server that speaks TLS.
struct Door {
    address: SocketAddr,
    folder: TempDir,
    _runtime: Runtime,
}

impl Door {
    /// Opens it with a certificate for `name`, which `ca.pem` vouches for and `other.pem` does not.
    fn open(name: &str) -> Self {
        let (folder, runtime) = (tempfile::tempdir().unwrap(), Runtime::new().unwrap());
        let [pair, other] = [0, 1].map(|_| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap());
        fs::write(folder.path().join("ca.pem"), pair.cert.pem()).unwrap();
        fs::write(folder.path().join("other.pem"), other.cert.pem()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
        let config = builder.with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One that is refused is what some tests ask for.
                tokio::spawn(through(stream, TlsAcceptor::from(Arc::new(config.clone()))));
            }
        });
        Self { address, folder, _runtime: runtime }
    }

    fn settings(&self, root: &str) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.folder.path().join(root).display())
    }

    fn pending(&self, root: &str) -> Result<Vec<&'static str>, String> {
        pending(&self.address.to_string(), &self.settings(root))
    }

    /// Has the bus of the installation at `url` announce something by way of this door.
    async fn announce(&self, url: &str, root: &str) -> Result<(), String> {
        let url = by_way_of(&self.address.to_string(), url, &self.settings(root));
        let entropy: SharedEntropy = Arc::new(OsEntropy);
        PgBus::check(&url, &entropy).await.map_err(|error| chain(&error))
    }
}

async fn through(mut stream: TcpStream, acceptor: TlsAcceptor) -> Option<()> {
    let mut request = [0; 8];
    stream.read_exact(&mut request).await.ok()?;
    assert_eq!(request, SSL_REQUEST, "nothing is said in the clear");
    stream.write_all(b"S").await.ok()?;
    let mut secured = acceptor.accept(stream).await.ok()?;
    let mut server = TcpStream::connect(test_server()).await.ok()?;
    copy_bidirectional(&mut secured, &mut server).await.ok().map(drop)
}

/// Host and port of the test server.
fn test_server() -> String {
    let url = support::server();
    let after = url.split_once('@').map_or(url.as_str(), |(_, after)| after);
    after.split('/').next().unwrap().to_owned()
}

/// The URL `url` of the test server, with `address` in the place of its own.
fn by_way_of(address: &str, url: &str, settings: &str) -> String {
    let url = url.replacen(&test_server(), address, 1);
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{settings}")
}

/// Asks the test server, by way of `address`, for something that needs a connection.
fn pending(address: &str, settings: &str) -> Result<Vec<&'static str>, String> {
    ringfence_store::pending(&by_way_of(address, &support::server(), settings)).map_err(|error| chain(&error))
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[test]
fn a_server_is_reached_by_tls_when_its_certificate_is_good() {
    let door = Door::open("127.0.0.1");
    let reached = door.pending("ca.pem");
    assert!(reached.is_ok(), "{reached:?}");
    let refused = door.pending("other.pem").expect_err("signed by somebody else");
    assert!(refused.contains("invalid peer certificate"), "{refused}");
    let door = Door::open("elsewhere.example");
    let refused = door.pending("ca.pem").expect_err("a certificate for another name");
    assert!(refused.contains("invalid peer certificate"), "{refused}");
}

#[tokio::test]
async fn the_bus_speaks_tls_like_every_other_connection() {
    let w = World::postgres().await;
    // The door has a runtime of its own, which must not be dropped inside of this one.
    let door = tokio::task::spawn_blocking(|| Door::open("127.0.0.1")).await.unwrap();
    let reached = door.announce(&w.url, "ca.pem").await;
    assert!(reached.is_ok(), "{reached:?}");
    let refused = door.announce(&w.url, "other.pem").await.expect_err("signed by somebody else");
    assert!(refused.contains("invalid peer certificate"), "{refused}");
    tokio::task::spawn_blocking(|| drop(door)).await.unwrap();
}

#[test]
fn a_server_without_tls_is_not_spoken_to_where_tls_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ca.pem");
    fs::write(&root, rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap().cert.pem()).unwrap();
    let refused = pending(&test_server(), &format!("sslmode=require&sslrootcert={}", root.display()));
    assert!(refused.is_err(), "{refused:?}");
}
