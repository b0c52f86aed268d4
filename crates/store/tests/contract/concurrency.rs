//! Races: whatever happens at once, exactly one wins and everybody is told the truth.

use std::collections::HashSet;

use ringfence_core::{
    error::AuthError,
    identity::{Identifier, IdentityFilter},
    jose::Alg,
    key::SigningKey,
    seal::Sealed,
    session::SessionsOf,
    store::{StoreResult, Tx},
    throttle::ThrottleKey,
    time::Timestamp,
    verification::Purpose,
};

use crate::{
    fixtures::{self, held},
    support::{NOW, World, unique},
};

on_every_engine!(
    of_sixteen_redeemers_one_wins,
    of_sixteen_who_want_an_address_one_gets_it,
    each_session_is_reported_by_one_revoker,
    sixty_four_failures_count_as_sixty_four,
    of_sixteen_keys_one_signs,
    of_sixteen_linkers_one_moves_the_head,
);

impl World {
    /// Runs units at the same time and returns their answers.
    async fn at_once<T, W>(&self, units: impl IntoIterator<Item = W>) -> Vec<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    {
        let begin = |work: W| {
            let store = self.store.clone();
            tokio::spawn(async move { store.write(|tx| Ok::<_, AuthError>(work(tx)?)).await })
        };
        let tasks: Vec<_> = units.into_iter().map(begin).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap().unwrap());
        }
        answers
    }
}

async fn of_sixteen_redeemers_one_wins(w: World) {
    let row = fixtures::verification(&w.member().await);
    let digest = row.digest.clone();
    w.write(move |tx| tx.insert_verification(&row)).await;
    let redeem = (0..16).map(|_| {
        let digest = digest.clone();
        move |tx: &mut dyn Tx| tx.redeem_verification(&digest, Purpose::PasswordReset, NOW)
    });
    assert_eq!(w.at_once(redeem).await.into_iter().flatten().count(), 1);
}

async fn of_sixteen_who_want_an_address_one_gets_it(w: World) {
    let project = w.project().await;
    let mut units = Vec::new();
    for _ in 0..16 {
        let who = w.member_of(&project).await;
        units.push(move |tx: &mut dyn Tx| tx.add_identifier(&who, &held(Identifier::email("ann@example.org"))));
    }
    assert_eq!(w.at_once(units).await.into_iter().filter(|got| *got).count(), 1);
    let id = project.id;
    assert_eq!(w.read(move |tx| tx.identities(id, IdentityFilter::default(), None, 99)).await.len(), 16);
}

async fn each_session_is_reported_by_one_revoker(w: World) {
    let ann = w.member().await;
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(w.session(&ann).await.id);
    }
    let (who, project) = (ann.id, ann.project);
    let revoke = (0..8).map(|turn| {
        let of = if turn % 2 == 0 { SessionsOf::Identity(who) } else { SessionsOf::Project(project) };
        move |tx: &mut dyn Tx| tx.revoke_sessions(of, NOW)
    });
    let reported: Vec<_> = w.at_once(revoke).await.into_iter().flatten().collect();
    assert_eq!(reported.len(), 20, "each once");
    assert_eq!(reported.into_iter().collect::<HashSet<_>>(), ids);
}

async fn sixty_four_failures_count_as_sixty_four(w: World) {
    let never = Timestamp::from_millis(i64::MIN);
    let key = || ThrottleKey::address([192, 0, 2, 1].into());
    let count = (0..64).map(|_| move |tx: &mut dyn Tx| tx.count_failure(&key(), NOW, never));
    let mut counts = w.at_once(count).await;
    counts.sort_unstable();
    assert!(counts.into_iter().eq(1..=64), "no two saw the same count");
    assert_eq!(w.read(move |tx| tx.throttle(&key())).await.unwrap().failures, 64);
}

async fn of_sixteen_keys_one_signs(w: World) {
    let project = w.project().await.id;
    let insert = (0..16).map(|_| {
        let key = SigningKey {
            kid: unique(),
            project,
            set: "private".to_owned(),
            alg: Alg::HS256,
            private: Sealed::stored("sealed".to_owned()),
            public: None,
            created_at: NOW,
            retired_at: None,
            expires_at: None,
        };
        move |tx: &mut dyn Tx| tx.insert_signing_key(&key)
    });
    assert_eq!(w.at_once(insert).await.into_iter().filter(|added| *added).count(), 1);
    assert_eq!(w.read(move |tx| tx.signing_keys(project, NOW)).await.len(), 1);
}

async fn of_sixteen_linkers_one_moves_the_head(w: World) {
    let project = w.project().await;
    let (id, event) = (project.id, fixtures::audit(&project));
    let link = ringfence_core::audit::Link::after(None, &event);
    let advance = (0..16).map(|_| {
        let link = link.clone();
        move |tx: &mut dyn Tx| tx.advance_audit_head(id, None, &link)
    });
    assert_eq!(w.at_once(advance).await.into_iter().filter(|moved| *moved).count(), 1);
}
