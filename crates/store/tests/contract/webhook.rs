//! Webhooks and their deliveries.

use ringfence_core::{
    entropy::OsEntropy,
    ids::{EventId, WebhookId},
    outbox::{EventKind, Place},
    project::Project,
    seal::Sealed,
    time::Timestamp,
    webhook::{Delivery, DeliveryState, Webhook},
};

use crate::{
    fixtures::project,
    support::{NOW, World, at},
};

on_every_engine!(
    a_webhook_is_kept_changed_switched_and_removed,
    deliveries_of_an_event_are_made_once,
    a_delivery_is_taken_once_and_again_after_its_lease,
    n93_two_nodes_never_take_one_delivery_at_once,
    an_attempt_that_is_not_the_last_settles_nothing,
    what_was_given_up_is_listed_and_replayed,
    a_paused_webhook_has_nothing_due,
);

async fn made(w: &World) -> (Project, Webhook) {
    let project = project();
    let webhook = Webhook {
        id: WebhookId::mint(NOW, &OsEntropy),
        project: project.id,
        url: "https://example.org/hook".to_owned(),
        kinds: vec![EventKind::SessionRevoked, EventKind::CredentialChange],
        secret: Sealed::stored("v1.a.b".to_owned()),
        told_to: Place(3),
        paused_until: Timestamp::default(),
        disabled_at: None,
        created_at: NOW,
        updated_at: NOW,
    };
    let kept = (project.clone(), webhook.clone());
    w.write(move |tx| {
        tx.insert_project(&project)?;
        tx.insert_webhook(&webhook)
    })
    .await;
    kept
}

async fn delivery(w: &World, webhook: WebhookId) -> Delivery {
    let delivery = Delivery::new(webhook, EventId::mint(NOW, &OsEntropy), NOW);
    let new = delivery.clone();
    w.write(move |tx| tx.insert_delivery(&new)).await;
    delivery
}

async fn a_webhook_is_kept_changed_switched_and_removed(w: World) {
    let (project, webhook) = made(&w).await;
    let id = webhook.id;
    let found = w.read(move |tx| tx.webhook(id)).await.unwrap();
    assert_eq!((found.project, &found.url, found.told_to), (project.id, &webhook.url, Place(3)));
    assert_eq!((found.kinds, found.secret, found.disabled_at), (webhook.kinds.clone(), webhook.secret.clone(), None));
    assert!(w.read(|tx| tx.outbox_state()).await.webhooks);
    let changed = Webhook { kinds: Vec::new(), secret: Sealed::stored("v1.c.d".to_owned()), ..webhook };
    w.write(move |tx| tx.update_webhook(&changed)).await;
    w.write(move |tx| tx.switch_webhook(id, Some(at(1)), Place(5), at(1))).await;
    let found = w.read(move |tx| tx.webhooks(project.id)).await.remove(0);
    assert_eq!(
        (found.kinds, found.disabled_at, found.told_to, found.updated_at),
        (vec![], Some(at(1)), Place(5), at(1))
    );
    assert_eq!(found.secret.as_str(), "v1.c.d");
    assert!(!w.read(|tx| tx.outbox_state()).await.webhooks);
    assert!(!w.write(move |tx| tx.advance_webhook(id, Place(5), Place(6))).await);
    delivery(&w, id).await;
    assert_eq!(w.read(|tx| tx.all_webhooks(None, 10)).await.len(), 1);
    assert!(w.write(move |tx| tx.delete_webhook(id)).await);
    assert!(!w.write(move |tx| tx.delete_webhook(id)).await);
    assert_eq!(w.read(move |tx| tx.deliveries(id, false, None, 10)).await.len(), 0);
}

async fn deliveries_of_an_event_are_made_once(w: World) {
    let (_, webhook) = made(&w).await;
    let id = webhook.id;
    assert!(w.write(move |tx| tx.advance_webhook(id, Place(3), Place(7))).await);
    assert!(!w.write(move |tx| tx.advance_webhook(id, Place(3), Place(7))).await);
    let one = delivery(&w, id).await;
    let again = one.clone();
    w.write(move |tx| tx.insert_delivery(&again)).await;
    let found = w.read(move |tx| tx.deliveries(id, false, None, 10)).await;
    assert_eq!(found, [(one, None)]);
}

async fn a_delivery_is_taken_once_and_again_after_its_lease(w: World) {
    let (_, webhook) = made(&w).await;
    let id = webhook.id;
    let one = delivery(&w, id).await;
    let due = |now| w.read(move |tx| tx.webhooks_due(now));
    assert_eq!(due(at(-1)).await.len(), 0);
    assert_eq!(due(NOW).await.len(), 1);
    let taken = w.write(move |tx| tx.claim_deliveries(id, NOW, at(60), 10)).await;
    assert_eq!((taken[0].event, taken[0].attempts, taken[0].due_at), (one.event, 1, at(60)));
    assert_eq!(due(at(59)).await.len(), 0);
    assert_eq!(w.write(move |tx| tx.claim_deliveries(id, at(59), at(120), 10)).await, []);
    let again = w.write(move |tx| tx.claim_deliveries(id, at(60), at(120), 10)).await;
    assert_eq!((again.len(), again[0].attempts), (1, 2));
}

async fn n93_two_nodes_never_take_one_delivery_at_once(w: World) {
    let (_, webhook) = made(&w).await;
    let id = webhook.id;
    for _ in 0..60 {
        delivery(&w, id).await;
    }
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let store = w.store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                for _ in 0..8 {
                    let taken = store.write(move |tx| Ok(tx.claim_deliveries(id, NOW, at(60), 4)?)).await;
                    mine.extend(taken.unwrap().into_iter().map(|delivery| delivery.event));
                }
                mine
            })
        })
        .collect();
    let mut all = Vec::new();
    for node in nodes {
        all.extend(node.await.unwrap());
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), count), (60, 60));
}

async fn an_attempt_that_is_not_the_last_settles_nothing(w: World) {
    let (_, webhook) = made(&w).await;
    let id = webhook.id;
    delivery(&w, id).await;
    let slow = w.write(move |tx| tx.claim_deliveries(id, NOW, at(60), 1)).await.remove(0);
    let late = w.write(move |tx| tx.claim_deliveries(id, at(60), at(120), 1)).await.remove(0);
    let given_up = Delivery { failure: Some("timeout".to_owned()), ended_at: Some(at(61)), ..slow };
    assert!(!w.write(move |tx| tx.settle_delivery(&given_up)).await);
    let done = Delivery { status: Some(204), ended_at: Some(at(62)), ..late };
    let (kept, again) = (done.clone(), done.clone());
    assert!(w.write(move |tx| tx.settle_delivery(&done)).await);
    assert!(!w.write(move |tx| tx.settle_delivery(&again)).await);
    assert_eq!(w.read(move |tx| tx.deliveries(id, false, None, 10)).await, [(kept, None)]);
}

async fn what_was_given_up_is_listed_and_replayed(w: World) {
    let (_, webhook) = made(&w).await;
    let id = webhook.id;
    let mut events = Vec::new();
    for failure in [None, Some("refused"), Some("timeout")] {
        events.push(delivery(&w, id).await.event);
        let taken = w.write(move |tx| tx.claim_deliveries(id, NOW, at(60), 1)).await.remove(0);
        let failure = failure.map(str::to_owned);
        let ended = Delivery { status: Some(200), failure, ended_at: Some(at(1)), ..taken };
        w.write(move |tx| tx.settle_delivery(&ended)).await;
    }
    events.sort_unstable();
    let newest = events[2];
    let listed = w.read(move |tx| tx.deliveries(id, false, None, 2)).await;
    assert_eq!(listed.iter().map(|(delivery, _)| delivery.event).collect::<Vec<_>>(), [events[2], events[1]]);
    assert_eq!(w.read(move |tx| tx.deliveries(id, false, Some(newest), 10)).await.len(), 2);
    assert_eq!(w.read(move |tx| tx.deliveries(id, true, None, 10)).await.len(), 2);
    assert_eq!(w.write(move |tx| tx.replay_deliveries(id, None, at(5))).await, 2);
    assert_eq!(w.write(move |tx| tx.replay_deliveries(id, None, at(5))).await, 0);
    let pending = w.read(move |tx| tx.deliveries(id, false, None, 10)).await;
    let pending = pending.into_iter().filter(|(delivery, _)| delivery.state() == DeliveryState::Pending);
    let pending: Vec<_> = pending.map(|(delivery, _)| (delivery.attempts, delivery.due_at, delivery.failure)).collect();
    assert_eq!(pending, [(0, at(5), None), (0, at(5), None)]);
    // The one that was taken is told again only by name, and one that is pending is none.
    let done = w.read(move |tx| tx.deliveries(id, false, None, 10)).await;
    let done = done.iter().find(|(delivery, _)| delivery.ended_at.is_some()).unwrap().0.event;
    assert_eq!(w.write(move |tx| tx.replay_deliveries(id, Some(done), at(5))).await, 1);
    assert_eq!(w.write(move |tx| tx.replay_deliveries(id, Some(done), at(5))).await, 0);
    // What is pending is not swept.
    assert_eq!(w.write(move |tx| tx.sweep_deliveries(at(9), 10)).await, 0);
    for taken in w.write(move |tx| tx.claim_deliveries(id, at(5), at(60), 10)).await {
        w.write(move |tx| tx.settle_delivery(&Delivery { ended_at: Some(at(6)), ..taken })).await;
    }
    assert_eq!(w.write(move |tx| tx.sweep_deliveries(NOW, 10)).await, 0);
    assert_eq!(w.write(move |tx| tx.sweep_deliveries(at(9), 2)).await, 2);
    assert_eq!(w.write(move |tx| tx.sweep_deliveries(at(9), 2)).await, 1);
}

async fn a_paused_webhook_has_nothing_due(w: World) {
    let (_, webhook) = made(&w).await;
    let id = webhook.id;
    delivery(&w, id).await;
    w.write(move |tx| tx.pause_webhook(id, at(30))).await;
    assert_eq!(w.read(move |tx| tx.webhooks_due(at(29))).await.len(), 0);
    assert_eq!(w.read(move |tx| tx.webhooks_due(at(30))).await.len(), 1);
}
