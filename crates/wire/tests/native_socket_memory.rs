//! What an idle connection of the native API costs with its session. Alone in its process, whose memory it reads.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::net::SocketAddr;

use ringfence_core::{presence::InboundPolicy, testing::World};
use ringfence_store::{Options, open};
use ringfence_wire::{App, Settings, router, token_shapes};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const SOCKETS: usize = 400;
/// Those that come before it is measured, for what is only made once.
const FIRST: usize = 100;

/// Kibibytes of memory that this process has of its own.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A text frame of a client, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0xFE];
    frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

#[tokio::test]
async fn an_idle_connection_with_its_session_costs_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("ringfence.db").to_str().unwrap());
    let opened = open(&url, &Options::default()).unwrap();
    let world = World::start(opened.store()).await.holding((opened, folder));
    let authority = world.node_with(|parts| parts.shapes = token_shapes());
    let mut settings = world.home.application.settings.clone();
    settings.inbound = Some(InboundPolicy::All);
    let (ctx, permit, application) = (world.ctx(), world.home_permit(), world.home.application.id);
    authority.configure_application(&ctx, &permit, application, settings, vec![]).await.unwrap();
    let app = App::new(authority.clone(), Settings::default());
    tokio::spawn(app.live.clone().run());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(&app).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    let ctx = world.ctx_on("native");
    let mut tokens = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        let who = authority.sign_in(&ctx, World::visit(&world.home)).await.unwrap();
        tokens.push(authority.issue_token(&ctx, &who, json!({})).await.unwrap().token);
    }
    let upgrade = format!(
        "GET /api/v1/socket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let (mut streams, mut before) = (Vec::with_capacity(SOCKETS), 0);
    for (count, token) in tokens.iter().enumerate() {
        if count == FIRST {
            before = resident();
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        stream
            .write_all(&frame(&json!({ "type": "authenticate", "token": token.expose() }).to_string()))
            .await
            .unwrap();
        let mut heard = Vec::new();
        while !heard.windows(7).any(|window| window == b"\"ready\"") {
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0, "{}", String::from_utf8_lossy(&heard));
        }
        streams.push(stream);
    }
    let each = (resident() - before) / (SOCKETS - FIRST);
    // Without optimisation, and with the client's end; `cargo xtask bench sockets` has the real number.
    assert!(each <= 12, "{each} KiB");
    assert_eq!(app.live.signed_in(), SOCKETS);
}
