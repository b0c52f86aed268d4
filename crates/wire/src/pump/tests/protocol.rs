//! What breaks the protocol, or strains it.

use super::*;

/// A frame as bytes: the first byte as given, masked with zeros unless said otherwise.
fn frame(first: u8, length: usize, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(mask | u8::try_from(length).unwrap()),
        126..=0xFFFF => {
            bytes.push(mask | 0x7E);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(mask | 0x7F);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(if masked { &[0; 4][..] } else { &[] });
    bytes.extend(payload);
    bytes
}

#[tokio::test]
async fn n47_a_page_of_another_origin_is_refused_before_the_upgrade() {
    let t = Server::start_with(HashMap::from([("origins", "https://app.test, https://other.test")])).await;
    for origin in ["null", "https://evil.test", "https://app.test.evil.test"] {
        let Err(tungstenite::Error::Http(refusal)) = t.open_from(Some(origin)).await else { panic!("{origin}") };
        assert_eq!(refusal.status(), 403, "{origin}");
    }
    t.open_from(Some("https://app.test")).await.unwrap();
    t.open().await;
}

#[tokio::test]
async fn n56_a_socket_on_which_nobody_signs_in_is_closed() {
    let t = Server::start().await;
    let mut socket = t.open().await;
    ask(&mut socket, "telnyx_rtc.ping", json!({})).await;
    t.advance(10);
    assert_eq!(closed(&mut socket).await, goodbye(1008, "nobody signed in"));
}

#[tokio::test]
async fn n56_a_refused_login_gives_time_for_another_and_not_for_ever() {
    let t = Server::start().await;
    let mut socket = t.open().await;
    ask(&mut socket, "login", json!({ "login": "nobody", "passwd": "guess" })).await;
    // The application may ask somebody for a password; the SDK answers pings meanwhile.
    for _ in 0..(30 * 4 - 1) {
        t.advance(15);
        ask(&mut socket, "telnyx_rtc.ping", json!({})).await;
    }
    t.advance(15);
    assert_eq!(closed(&mut socket).await, goodbye(1008, "nobody signed in"));
}

#[tokio::test]
async fn n56_an_address_has_so_many_sockets_on_which_nobody_has_signed_in() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut waiting = Vec::new();
    let refusal = loop {
        match t.open_from(None).await {
            Ok(socket) => waiting.push(socket),
            Err(refusal) => break refusal,
        }
    };
    let tungstenite::Error::Http(refusal) = refusal else { panic!("{refusal}") };
    assert_eq!((refusal.status().as_u16(), waiting.len()), (503, 200));
    // Whoever signs in makes room.
    ask(&mut waiting[0], "login", ann.pair()).await;
    t.open().await;
}

#[tokio::test]
async fn n56_whoever_breaks_the_protocol_is_told_so() {
    let t = Server::start().await;
    for (case, bytes, code) in [
        ("a frame of 1 GiB", frame(0x81, 1 << 30, true, b""), 1009),
        (
            "a message of many frames",
            [
                frame(0x01, 65_000, true, &"x".repeat(65_000).into_bytes()),
                frame(0x00, 65_000, true, &"x".repeat(65_000).into_bytes()),
                frame(0x00, 65_000, true, &"x".repeat(65_000).into_bytes()),
            ]
            .concat(),
            1009,
        ),
        ("an unmasked frame", frame(0x81, 2, false, b"{}"), 1002),
        ("a reserved opcode", frame(0x83, 2, true, b"{}"), 1002),
        ("a reserved bit", frame(0xC1, 2, true, b"{}"), 1002),
        ("no UTF-8", frame(0x81, 2, true, &[0xC3, 0x28]), 1007),
        ("a binary frame", frame(0x82, 2, true, b"{}"), 1003),
    ] {
        let mut socket = t.open().await;
        socket.get_mut().write_all(&bytes).await.unwrap();
        assert_eq!(closed(&mut socket).await.0, code, "{case}");
    }
}

#[tokio::test]
async fn n56_frames_at_line_rate_end_the_socket() {
    let t = Server::start().await;
    let mut socket = t.open().await;
    let flood = frame(0x89, 0, true, b"").repeat(1000);
    socket.get_mut().write_all(&flood).await.unwrap();
    let mut seen = 0;
    let code = loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
            Some(Ok(_)) => seen += 1,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 1008);
    assert!(seen <= 300, "{seen} pongs");
}

#[tokio::test]
async fn n56_a_reader_that_does_not_read_is_cut_off() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let socket = t.logged_in(&ann).await;
    let connection = t.stage.app.live.reached(ann.endpoint.id, "telnyx").remove(0);
    while t.connections_of(ann.endpoint.id) == 1 {
        connection.post(Directive::Deliver("x".repeat(100_000)));
        tokio::task::yield_now().await;
    }
    drop(socket);
}
