use ringfence_core::presence::{Elsewhere, Presence, PresenceFilter};

use crate::{
    fixtures::presence,
    support::{NOW, World, at},
};

on_every_engine!(
    connections_of_an_identity_come_oldest_first,
    connections_of_a_project_come_in_pages,
    a_connection_is_closed_once,
    a_lease_belongs_to_its_node,
    a_dead_node_is_swept,
    a_node_that_comes_back_is_vouched_for_again,
    a_place_is_claimed_while_no_other_node_that_lives_has_one,
    of_nodes_that_claim_one_place_at_once_one_gets_it,
    what_other_nodes_have_beside_a_connection,
);

impl World {
    async fn connect(&self, presence: &Presence) {
        let row = presence.clone();
        self.write(move |tx| tx.open_presence(&row)).await;
    }
}

async fn connections_of_an_identity_come_oldest_first(w: World) {
    let (ann, ben) = (w.member().await, w.member().await);
    let (mine, theirs) = (w.session(&ann).await, w.session(&ben).await);
    let new = Presence { since: at(1), ..presence(&mine, "a") };
    let old = presence(&mine, "b");
    for row in [&new, &old, &presence(&theirs, "a")] {
        w.connect(row).await;
    }
    assert_eq!(w.read(move |tx| tx.presence_of(ann.id, NOW)).await, [old, new]);
    assert_eq!(w.read(move |tx| tx.presence_of(ann.id, at(30))).await, []);
}

async fn connections_of_a_project_come_in_pages(w: World) {
    let project = w.project().await;
    let (ann, ben) = (w.member_of(&project).await, w.member_of(&project).await);
    let (mine, theirs) = (w.session(&ann).await, w.session(&ben).await);
    let mut rows = vec![presence(&mine, "a"), presence(&mine, "b"), presence(&theirs, "a")];
    for row in &rows {
        w.connect(row).await;
    }
    rows.sort_by_key(|row| row.connection);
    let (project, elsewhere) = (project.id, w.project().await.id);
    let list = async |project, filter: PresenceFilter, after, limit| {
        w.read(move |tx| tx.presences(project, &filter, NOW, after, limit)).await
    };
    let all = PresenceFilter::default;
    assert_eq!(list(project, all(), None, 2).await, rows[..2]);
    assert_eq!(list(project, all(), Some(rows[1].connection), 2).await, rows[2..]);
    assert_eq!(list(elsewhere, all(), None, 2).await, []);
    let on_a = list(project, PresenceFilter { node: Some("a".to_owned()), ..all() }, None, 9).await;
    assert!(on_a.len() == 2 && on_a.iter().all(|row| row.node == "a"));
    let of_ben = list(project, PresenceFilter { identity: Some(ben.id), ..all() }, None, 9).await;
    assert!(of_ben.len() == 1 && of_ben[0].identity == ben.id);
    let of_none = PresenceFilter { dialect: Some("none".to_owned()), ..all() };
    assert_eq!(list(project, of_none, None, 9).await, []);
    assert_eq!(w.read(move |tx| tx.presences(project, &all(), at(30), None, 9)).await, []);
}

async fn a_connection_is_closed_once(w: World) {
    let ann = w.member().await;
    let row = presence(&w.session(&ann).await, "a");
    w.connect(&row).await;
    assert!(w.write(move |tx| tx.close_presence(row.connection)).await);
    assert!(!w.write(move |tx| tx.close_presence(row.connection)).await);
    assert_eq!(w.read(move |tx| tx.presence_of(ann.id, NOW)).await, []);
}

async fn a_lease_belongs_to_its_node(w: World) {
    let ann = w.member().await;
    let session = w.session(&ann).await;
    for node in ["a", "a", "b"] {
        w.connect(&presence(&session, node)).await;
    }
    assert_eq!(w.write(|tx| tx.renew_presence("a", at(60))).await, 2);
    assert_eq!(w.write(|tx| tx.renew_presence("nobody", at(60))).await, 0);
    let live = w.read(move |tx| tx.presence_of(ann.id, at(59))).await;
    assert_eq!(live.len(), 2);
    assert!(live.iter().all(|row| row.node == "a" && row.lease_until == at(60)));
}

async fn a_dead_node_is_swept(w: World) {
    let ann = w.member().await;
    let session = w.session(&ann).await;
    for node in ["dead", "dead", "dead", "alive"] {
        w.connect(&presence(&session, node)).await;
    }
    w.write(|tx| tx.renew_presence("alive", at(90))).await;
    assert_eq!(w.write(|tx| tx.sweep_presence(at(30), 9)).await, 0);
    assert_eq!(w.write(|tx| tx.sweep_presence(at(31), 2)).await, 2);
    assert_eq!(w.write(|tx| tx.sweep_presence(at(31), 9)).await, 1);
    assert_eq!(w.write(|tx| tx.sweep_presence(at(31), 9)).await, 0);
    assert_eq!((w.rows_on_disk("presence").await, w.rows_on_disk("presence_node").await), (1, 1));
}

async fn a_node_that_comes_back_is_vouched_for_again(w: World) {
    let ann = w.member().await;
    let session = w.session(&ann).await;
    w.connect(&presence(&session, "a")).await;
    let later = Presence { since: at(100), lease_until: at(130), ..presence(&session, "a") };
    w.connect(&later).await;
    let live = w.read(move |tx| tx.presence_of(ann.id, at(101))).await;
    assert_eq!(live.last(), Some(&later));
}

async fn a_place_is_claimed_while_no_other_node_that_lives_has_one(w: World) {
    let ann = w.member().await;
    let session = w.session(&ann).await;
    let (first, again, other) = (presence(&session, "a"), presence(&session, "a"), presence(&session, "b"));
    let claim = async |row: &Presence, instead_of| {
        let row = row.clone();
        w.write(move |tx| tx.claim_presence(&row, instead_of)).await
    };
    assert!(claim(&first, None).await);
    // How many there may be on one node, that node knows.
    assert!(claim(&again, None).await);
    assert!(!claim(&other, None).await);
    assert!(!claim(&other, Some(first.connection)).await);
    assert!(w.write(move |tx| tx.close_presence(again.connection)).await);
    assert!(claim(&other, Some(first.connection)).await);
    let late = Presence { since: at(31), lease_until: at(60), ..presence(&session, "c") };
    assert!(claim(&late, None).await, "the leases of both others have ended");
}

async fn of_nodes_that_claim_one_place_at_once_one_gets_it(w: World) {
    for _ in 0..5 {
        let ann = w.member().await;
        let session = w.session(&ann).await;
        let claims = (0..8).map(|node| {
            let row = presence(&session, &format!("node {node}"));
            w.write(move |tx| tx.claim_presence(&row, None))
        });
        let won = futures_util::future::join_all(claims).await;
        assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
        assert_eq!(w.read(move |tx| tx.presence_of(ann.id, NOW)).await.len(), 1);
    }
}

async fn what_other_nodes_have_beside_a_connection(w: World) {
    let (ann, ben) = (w.member().await, w.member().await);
    let (hers, his) = (w.session(&ann).await, w.session(&ben).await);
    let since = |seconds: i64, row: Presence| Presence { since: at(seconds), ..row };
    let mine = since(2, presence(&hers, "here"));
    let rows = [
        since(1, presence(&hers, "there")),
        Presence { dialect: "other".to_owned(), ..since(3, presence(&hers, "there")) },
        since(1, presence(&his, "here")),
        since(3, presence(&his, "here")),
    ];
    for row in rows.iter().chain([&mine]) {
        w.connect(row).await;
    }
    let found = async |identity, now| w.read(move |tx| tx.presence_beside("here", identity, now)).await;
    let older = Elsewhere { older: true, newer: false };
    assert_eq!(found(None, at(5)).await, [(ann.id, mine.connection, older)]);
    assert_eq!(found(Some(ben.id), at(5)).await, []);
    w.connect(&since(4, presence(&hers, "third"))).await;
    let both = Elsewhere { older: true, newer: true };
    assert_eq!(found(Some(ann.id), at(5)).await, [(ann.id, mine.connection, both)]);
    assert!(w.read(move |tx| tx.has_company("here", at(5))).await);
    assert_eq!(found(None, at(40)).await, []);
    assert!(!w.read(move |tx| tx.has_company("here", at(40))).await);
}
