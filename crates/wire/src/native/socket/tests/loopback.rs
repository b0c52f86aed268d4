//! Sockets over loopback.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

use super::scene::Scene;

type Socket = WebSocketStream<TcpStream>;

async fn serve(scene: &Scene) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = crate::router(&scene.app).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn open(at: SocketAddr, query: &str, origin: Option<&'static str>) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("ws://{at}/api/v1/socket{query}").into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    client_async(request, TcpStream::connect(at).await?).await.map(|(socket, _)| socket)
}

/// The last frame before the close, and its code.
async fn closed(socket: &mut Socket) -> (Value, u16) {
    let mut last = Value::Null;
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => return (last, frame.code.into()),
            Some(Ok(Message::Text(text))) => last = serde_json::from_str(&text).unwrap(),
            Some(Ok(_)) => {}
            other => panic!("ended without a good-bye: {other:?}"),
        }
    }
}

#[tokio::test]
async fn n47_a_page_of_another_origin_is_refused_before_the_upgrade_and_after_it() {
    let mut scene = Scene::start().await;
    scene.configure(|settings| settings.allowed_origins = vec!["https://app.test".to_owned()]).await;
    scene.play("member ann\ntoken a of ann").await;
    let (at, id) = (serve(&scene).await, scene.world.home.application.id);
    let query = format!("?application={id}");
    for origin in ["null", "https://evil.test"] {
        let Err(tungstenite::Error::Http(refusal)) = open(at, &query, Some(origin)).await else { panic!("{origin}") };
        assert_eq!(refusal.status(), 403, "{origin}");
    }
    let authenticate = format!(r#"{{"type":"authenticate","token":"{}"}}"#, scene.name("a"));
    let mut own = open(at, &query, Some("https://app.test")).await.unwrap();
    own.send(Message::text(authenticate.clone())).await.unwrap();
    assert!(matches!(own.next().await, Some(Ok(Message::Text(text))) if text.contains("\"ready\"")));
    let mut foreign = open(at, "", Some("https://evil.test")).await.unwrap();
    foreign.send(Message::text(authenticate)).await.unwrap();
    let (last, code) = closed(&mut foreign).await;
    assert_eq!((code, &last["reason"], &last["action"]), (4403, &"not_supported".into(), &"stop".into()));
}

#[tokio::test]
async fn n50_a_socket_of_one_application_takes_no_token_of_another() {
    let mut scene = Scene::start().await;
    scene.play("member ann\ntoken a of ann").await;
    let other = scene.world.application(&scene.world.home, "other").await.application.id;
    let at = serve(&scene).await;
    let mut socket = open(at, &format!("?application={other}"), None).await.unwrap();
    let authenticate = format!(r#"{{"type":"authenticate","token":"{}"}}"#, scene.name("a"));
    socket.send(Message::text(authenticate)).await.unwrap();
    let (last, code) = closed(&mut socket).await;
    assert_eq!((code, &last["reason"]), (4403, &"app_mismatch".into()));
}

#[tokio::test]
async fn n56_whoever_breaks_the_protocol_is_told_so() {
    let scene = Scene::start().await;
    let at = serve(&scene).await;
    let mut gibibyte = vec![0x81, 0xFF];
    gibibyte.extend((1_u64 << 30).to_be_bytes());
    gibibyte.extend([0; 4]);
    for (case, bytes, code) in [
        ("a frame of 1 GiB", gibibyte, 1009),
        ("an unmasked frame", vec![0x81, 2, b'{', b'}'], 1002),
        ("no UTF-8", vec![0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], 1007),
        ("a binary frame", vec![0x82, 0x82, 0, 0, 0, 0, b'{', b'}'], 1003),
    ] {
        let mut socket = open(at, "", None).await.unwrap();
        socket.get_mut().write_all(&bytes).await.unwrap();
        assert_eq!(closed(&mut socket).await, (Value::Null, code), "{case}");
    }
}

#[tokio::test]
async fn n56_frames_at_line_rate_end_the_connection() {
    let scene = Scene::start().await;
    let at = serve(&scene).await;
    let mut socket = open(at, "", None).await.unwrap();
    // One byte of text each.
    let flood = [0x81, 0x81, 0, 0, 0, 0, b'x'].repeat(1000);
    socket.get_mut().write_all(&flood).await.unwrap();
    let (last, code) = closed(&mut socket).await;
    assert_eq!((code, &last["reason"], &last["after_ms"]), (4429, &"too_many_messages".into(), &10_000.into()));
}
