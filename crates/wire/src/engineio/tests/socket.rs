//! WebSockets from the start.

use super::*;

#[tokio::test]
async fn a_socket_needs_no_polling_before_it() {
    let t = Server::start().await;
    let (ann, query) = t.somebody("ann").await;
    let mut socket = t.socket(&query).await;
    let greeting = frame(&mut socket).await.unwrap();
    let greeting: Value = serde_json::from_str(greeting.strip_prefix('0').unwrap()).unwrap();
    assert_eq!((&greeting["upgrades"], &greeting["pingTimeout"]), (&serde_json::json!([]), &20_000.into()));
    say(&mut socket, "40").await;
    assert_eq!(tidy(&frame(&mut socket).await.unwrap()), r#"40{"sid":"<sid>"}"#);
    assert_eq!(frame(&mut socket).await.as_deref(), Some(r#"42["message","welcome"]"#));
    t.advance(25);
    assert_eq!(frame(&mut socket).await.as_deref(), Some("2"));
    say(&mut socket, "3").await;
    let others = t.stage.app.live.reached(ann.endpoint.id, "telnyx");
    others[0].post(crate::live::Directive::Deliver("from another".to_owned()));
    assert_eq!(frame(&mut socket).await.as_deref(), Some(r#"42["message","from another"]"#));
    t.revoke(&ann).await;
    assert_eq!((frame(&mut socket).await.as_deref(), frame(&mut socket).await), (Some("41"), None));
}

#[tokio::test]
async fn a_session_that_runs_out_is_cut_off_and_may_ask_again() {
    let t = Server::start().await;
    let (_, query) = t.somebody("ann").await;
    let mut socket = t.socket(&query).await;
    say(&mut socket, "40").await;
    for _ in 0..3 {
        frame(&mut socket).await.unwrap();
    }
    t.advance(24 * 3600);
    assert_eq!(frame(&mut socket).await, None);
    let mut again = t.socket(&query).await;
    say(&mut again, "40").await;
    frame(&mut again).await.unwrap();
    assert_eq!(frame(&mut again).await.as_deref(), Some(r#"44{"message":"not authorized"}"#));
    // Whoever stays after that is sent away.
    t.advance(5);
    assert_eq!(frame(&mut again).await, None);
}

#[tokio::test]
async fn n56_the_limits_of_the_pump_hold() {
    let t = Server::start().await;
    let (_, query) = t.somebody("ann").await;
    let mut binary = t.socket(&query).await;
    binary.send(Message::binary(vec![1])).await.unwrap();
    let mut long = t.socket(&query).await;
    say(&mut long, &"4".repeat(HABITS.message + 1)).await;
    let mut flood = t.socket(&query).await;
    for _ in 0..=HABITS.burst {
        flood.feed(Message::text("3")).await.unwrap();
    }
    flood.flush().await.unwrap();
    let mut silent = t.socket(&query).await;
    for socket in [&mut binary, &mut long, &mut flood] {
        while frame(socket).await.is_some() {}
    }
    frame(&mut silent).await.unwrap();
    t.advance(10);
    assert_eq!(frame(&mut silent).await, None);
}
