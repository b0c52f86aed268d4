//! Resumed connections: one winner of every race, gone with the session and after their time.

use std::time::Duration;

use ringfence_core::{
    entropy::OsEntropy,
    ids::ConnectionId,
    resume::{ResumeRefusal, Whereabouts},
    session::SessionsOf,
    testing::World,
    time::Clock as _,
};

on_every_engine!(
    n48_of_many_who_come_back_with_one_ticket_one_does,
    n53_a_ticket_does_not_open_an_ended_session,
    what_was_used_up_is_swept_after_its_time,
);

const FACE: &str = "native";

async fn n48_of_many_who_come_back_with_one_ticket_one_does(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let who = world.sign_in_on(FACE, &world.member("ann").await).await;
    let token = world.token_on(FACE, &who).await;
    let here = world.authority.accept_live_token(&world.ctx_on(FACE), &token).await.unwrap();
    let connection = ConnectionId::mint(world.clock.now(), &OsEntropy);
    let place = Whereabouts::default();
    let ticket = || world.authority.resume_ticket(world.clock.now(), &here.token, connection, &place).unwrap().ticket;
    // Two tickets of one connection, on two nodes.
    let (tickets, nodes) = ([ticket(), ticket()], [world.node(), world.node()]);
    let racers = (0..16).map(|nth| {
        let (ticket, node, ctx) = (tickets[nth % 2].clone(), nodes[nth / 2 % 2].clone(), world.ctx_on(FACE));
        tokio::spawn(async move { node.resume(&ctx, &ticket, &Whereabouts::default()).await })
    });
    let mut back = 0;
    for racer in racers.collect::<Vec<_>>() {
        match racer.await.unwrap() {
            Ok(resumed) => {
                back += 1;
                assert_eq!(resumed.back.token.session(), here.token.session());
            }
            Err(refusal) => assert!(matches!(refusal, ResumeRefusal::Used), "{refusal}"),
        }
    }
    assert_eq!(back, 1);
}

async fn n53_a_ticket_does_not_open_an_ended_session(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let who = world.sign_in_on(FACE, &world.member("ann").await).await;
    let token = world.token_on(FACE, &who).await;
    let here = world.authority.accept_live_token(&world.ctx_on(FACE), &token).await.unwrap();
    let connection = ConnectionId::mint(world.clock.now(), &OsEntropy);
    let place = Whereabouts::default();
    let ticket = world.authority.resume_ticket(world.clock.now(), &here.token, connection, &place).unwrap().ticket;
    let of = SessionsOf::Identity(who.identity.id);
    world.authority.revoke_sessions(&world.ctx(), &world.home_permit(), of).await.unwrap();
    let refusal = world.authority.resume(&world.ctx_on(FACE), &ticket, &place).await.unwrap_err();
    assert_eq!(refusal.code(), "session_revoked");
}

async fn what_was_used_up_is_swept_after_its_time(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let who = world.sign_in_on(FACE, &world.member("ann").await).await;
    let (session, now) = (who.session.as_ref().unwrap().id, world.clock.now());
    let connections = [0; 3].map(|_| ConnectionId::mint(now, &OsEntropy));
    for (nth, connection) in (0..).zip(connections) {
        let until = now + Duration::from_mins(nth);
        let use_up = async || world.store.write(move |tx| Ok(tx.use_up_tickets(connection, session, until)?)).await;
        assert_eq!((use_up().await.unwrap(), use_up().await.unwrap()), (true, false));
    }
    let sweep = async |at| world.store.write(move |tx| Ok(tx.sweep_used_tickets(at, 9)?)).await.unwrap();
    let (middle, end) = (now + Duration::from_mins(1), now + Duration::from_mins(9));
    assert_eq!((sweep(middle).await, sweep(end).await, sweep(end).await), (1, 2, 0));
}
