//! What an idle socket costs: the guard of the buffers that the pump asks for. Alone in its process, whose memory it reads.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::net::SocketAddr;

use ringfence_core::testing::World;
use ringfence_store::{Options, open};
use ringfence_wire::{App, Mount, Settings, router};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const SOCKETS: usize = 95;
/// Those that come before it is measured, for what is only made once.
const FIRST: usize = 20;

/// Kibibytes of memory that this process has of its own.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn serve() -> SocketAddr {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("ringfence.db").to_str().unwrap());
    let opened = open(&url, &Options::default()).unwrap();
    let world = World::start(opened.store()).await.holding((opened, folder));
    let mount = |dialect| Mount { dialect, prefix: format!("/{dialect}"), ..Mount::default() };
    let settings = Settings { mounts: vec![mount("telnyx"), mount("apirtc")], ..Settings::default() };
    let service = router(&App::new(world.authority.clone(), settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let _world = world;
        axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    address
}

/// Opens so many, each by `request`, of which the answer begins with `expected`; returns what each has cost.
async fn cost(address: SocketAddr, request: &str, expected: &str) -> (usize, Vec<TcpStream>) {
    let mut streams = Vec::with_capacity(SOCKETS);
    let mut before = 0;
    for count in 0..SOCKETS {
        if count == FIRST {
            before = resident();
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, expected.as_bytes());
        streams.push(stream);
    }
    (resident().saturating_sub(before) / (SOCKETS - FIRST), streams)
}

#[tokio::test]
async fn an_idle_socket_costs_little_memory() {
    let address = serve().await;
    let upgrade = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    let (each, _telnyx) = cost(address, &upgrade("/telnyx"), "HTTP/1.1 101").await;
    // With axum's own buffers it is 138.
    assert!(each <= 16, "{each} KiB");
    let (each, _channel) = cost(address, &upgrade("/socket.io/?EIO=4&transport=websocket"), "HTTP/1.1 101").await;
    assert!(each <= 16, "{each} KiB");
}
