//! How long sockets live.

use std::sync::Arc;

use ringfence_core::{
    authority::{HintBus, PresentedCredential},
    error::AuthError,
    testing::Reach,
};

use super::*;

#[tokio::test]
async fn a_silent_socket_is_closed_and_one_that_answers_pings_is_not() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let (mut silent, mut lively) = (t.logged_in(&ann).await, t.logged_in(&ann).await);
    for _ in 0..4 {
        t.advance(15);
        loop {
            let Some(Ok(Message::Text(text))) = lively.next().await else { panic!("closed") };
            if text.contains("telnyx_rtc.ping") {
                break;
            }
        }
        ask(&mut lively, "telnyx_rtc.ping", json!({})).await;
    }
    assert_eq!(closed(&mut silent).await, goodbye(1001, "nothing heard"));
    ask(&mut lively, "telnyx_rtc.ping", json!({})).await;
}

#[tokio::test]
async fn a_goodbye_that_nobody_takes_is_given_up() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let socket = t.logged_in(&ann).await;
    // Nobody reads, so nobody answers the good-bye.
    let drained = tokio::spawn({
        let live = Arc::clone(&t.stage.app.live);
        async move { live.drain(Duration::ZERO).await }
    });
    while !drained.is_finished() {
        t.advance(1);
        tokio::task::yield_now().await;
    }
    drop(socket);
}

#[tokio::test]
async fn a_revoked_session_loses_its_socket_and_cannot_log_in_again() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let token = t.stage.token(&ann).await;
    let mut socket = t.open().await;
    let answer = ask(&mut socket, "login", json!({ "login_token": token.expose() })).await;
    let session = answer["result"]["sessid"].as_str().unwrap().parse().unwrap();
    let (ctx, permit) = (t.stage.ctx(), t.stage.world.home_permit());
    t.stage.app.authority.revoke_sessions(&ctx, &permit, SessionsOf::Session(session)).await.unwrap();
    assert_eq!(closed(&mut socket).await, goodbye(1008, "session ended"));
    let again = ask(&mut t.open().await, "login", json!({ "login_token": token.expose() })).await;
    insta::assert_snapshot!(again, @r#"{"error":{"code":-32001,"message":"JWT token authentication failed"},"id":"r","jsonrpc":"2.0"}"#);
}

#[tokio::test]
async fn whatever_a_session_depends_on_closes_its_sockets_when_it_goes() {
    let t = Server::start().await;
    let (authority, permit) = (&t.stage.app.authority, t.stage.world.home_permit());
    let subscribers =
        [t.stage.subscriber("ann").await, t.stage.subscriber("bob").await, t.stage.subscriber("cid").await];
    let [ann, bob, cid] = &subscribers;
    let [mut first, mut second, mut third] = [t.logged_in(ann).await, t.logged_in(bob).await, t.logged_in(cid).await];
    authority.delete_endpoint(&t.stage.ctx(), &permit, ann.endpoint.id).await.unwrap();
    assert_eq!(closed(&mut first).await.0, 1008);
    authority.delete_endpoint_group(&t.stage.ctx(), &permit, bob.endpoint.group.number).await.unwrap();
    assert_eq!(closed(&mut second).await.0, 1008);
    assert_eq!(t.connections_of(cid.endpoint.id), 1);
    authority.disable_project(&t.stage.ctx(), &permit, true).await.unwrap();
    assert_eq!(closed(&mut third).await.0, 1008);
}

#[tokio::test]
async fn a_re_check_finds_what_no_announcement_told() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut socket = t.logged_in(&ann).await;
    let (identity, now) = (ann.endpoint.id, t.stage.ctx().now);
    let revoke =
        move |tx: &mut dyn ringfence_core::store::Tx| Ok(tx.revoke_sessions(SessionsOf::Identity(identity), now)?);
    t.stage.world.store.write(revoke).await.unwrap();
    t.advance(30);
    assert_eq!(closed(&mut socket).await, goodbye(1008, "session ended"));
}

#[tokio::test]
async fn a_command_beside_the_server_is_noticed_within_a_second() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut socket = t.logged_in(&ann).await;
    let command = t.stage.world.node_with(|parts| {
        parts.bus = Arc::new(HintBus::new(parts.store.clone(), Arc::clone(&parts.entropy)));
    });
    let (ctx, permit) = (t.stage.ctx(), t.stage.world.home_permit());
    command.revoke_sessions(&ctx, &permit, SessionsOf::Identity(ann.endpoint.id)).await.unwrap();
    t.advance(1);
    assert_eq!(closed(&mut socket).await, goodbye(1008, "session ended"));
}

#[tokio::test]
async fn a_node_that_stops_sends_everybody_away_and_takes_nobody_in() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let (mut member, mut waiting) = (t.logged_in(&ann).await, t.open().await);
    let ((), first, second) = tokio::join!(t.emptied(), closed(&mut member), closed(&mut waiting));
    assert_eq!((first.0, second.0), (1012, 1012));
    let Err(tungstenite::Error::Http(refusal)) = t.open_from(None).await else { panic!("open") };
    assert_eq!((refusal.status().as_u16(), &refusal.headers()["retry-after"]), (503, &"5".parse().unwrap()));
}

#[tokio::test]
async fn presence_is_recorded_in_the_background() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let socket = t.logged_in(&ann).await;
    let (permit, number) = (t.stage.world.home_permit(), ann.endpoint.group.number);
    let present = async || t.stage.app.authority.group_presence(&t.stage.ctx(), &permit, number).await.unwrap().1;
    while present().await.is_none() {
        tokio::task::yield_now().await;
    }
    drop(socket);
    while present().await.is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn n59_a_node_that_is_cut_off_from_its_database_sends_everybody_away_in_time() {
    for reach in [Reach::Refused, Reach::Silent] {
        let t = Server::start().await;
        let ann = t.stage.subscriber("ann").await;
        let mut socket = t.logged_in(&ann).await;
        t.confirmed().await;
        t.stage.way.set(reach);
        for _ in 0..29 {
            t.advance(1);
            t.settled().await;
        }
        assert!(!t.stage.app.live.is_cut_off());
        let mut late = t.open().await;
        ask(&mut socket, "telnyx_rtc.ping", json!({})).await;
        // The end of what it knew, whatever the database does.
        t.advance(1);
        assert_eq!(closed(&mut socket).await, goodbye(1013, "try again later"), "{reach:?}");
        assert!(t.stage.app.live.is_cut_off());
        let Err(tungstenite::Error::Http(refusal)) = t.open_from(None).await else { panic!("open") };
        assert_eq!(refusal.status().as_u16(), 503);
        if reach == Reach::Refused {
            say(&mut late, "login", ann.pair()).await;
            assert_eq!(closed(&mut late).await.0, 1013);
        }
        t.stage.way.set(Reach::Well);
        t.advance(1);
        t.confirmed().await;
        assert!(!t.stage.app.live.is_cut_off());
        t.logged_in(&ann).await;
    }
}

#[tokio::test]
async fn a_database_that_is_away_for_a_moment_costs_nobody_a_socket() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut socket = t.logged_in(&ann).await;
    t.confirmed().await;
    t.stage.way.set(Reach::Refused);
    for second in 0..29 {
        if second == 28 {
            t.stage.way.set(Reach::Well);
        }
        t.advance(1);
        ask(&mut socket, "telnyx_rtc.ping", json!({})).await;
        t.settled().await;
    }
    t.confirmed().await;
    t.advance(9);
    ask(&mut socket, "telnyx_rtc.ping", json!({})).await;
    assert!(!t.stage.app.live.is_cut_off());
}

#[tokio::test]
async fn a_process_that_was_halted_for_an_hour_asks_before_it_sends_anybody_away() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let mut socket = t.logged_in(&ann).await;
    t.confirmed().await;
    t.advance(31);
    t.confirmed().await;
    ask(&mut socket, "telnyx_rtc.ping", json!({})).await;
    assert!(!t.stage.app.live.is_cut_off());
}

#[tokio::test]
async fn n59_what_is_remembered_of_a_session_does_not_let_it_in_where_nothing_can_be_confirmed() {
    let t = Server::start().await;
    let ann = t.stage.subscriber("ann").await;
    let token = t.stage.token(&ann).await;
    let login = json!({ "login_token": token.expose() });
    ask(&mut t.open().await, "login", login.clone()).await;
    t.confirmed().await;
    let authority = &t.stage.app.authority;
    let shown = async || authority.authenticate(&t.stage.ctx(), PresentedCredential::AccessToken(token.clone())).await;
    t.advance(2);
    shown().await.unwrap();
    t.stage.way.set(Reach::Refused);
    t.advance(8);
    // A request may still go by what the store said ten seconds ago; a socket would stay for longer than that.
    shown().await.unwrap();
    assert!(ask(&mut t.open().await, "login", login).await["result"].is_object());
    t.advance(22);
    assert!(matches!(shown().await, Err(AuthError::Unavailable { .. })));
}
