use ringfence_core::verification::{Purpose, Verification};

use crate::{
    fixtures::{self, verification},
    support::{NOW, World, at, is_conflict},
};

on_every_engine!(
    a_secret_is_redeemed_once,
    a_secret_serves_its_purpose_only,
    a_secret_is_open_until_the_moment_it_expires,
    a_newer_secret_closes_the_older_ones,
    two_secrets_with_one_digest_are_a_conflict,
    a_sweep_takes_what_is_closed_or_expired,
);

impl World {
    async fn ask(&self, verification: &Verification) {
        let row = verification.clone();
        self.write(move |tx| tx.insert_verification(&row)).await;
    }
}

async fn a_secret_is_redeemed_once(w: World) {
    let row = verification(&w.member().await);
    w.ask(&row).await;
    let (a, b, c) = (row.digest.clone(), row.digest.clone(), row.digest.clone());
    assert_eq!(w.read(move |tx| tx.open_verification(&a, Purpose::PasswordReset, NOW)).await.as_ref(), Some(&row));
    assert_eq!(w.write(move |tx| tx.redeem_verification(&b, Purpose::PasswordReset, NOW)).await, Some(row));
    let again = w.write(move |tx| {
        Ok((
            tx.redeem_verification(&c, Purpose::PasswordReset, NOW)?,
            tx.open_verification(&c, Purpose::PasswordReset, NOW)?,
        ))
    });
    assert_eq!(again.await, (None, None));
}

async fn a_secret_serves_its_purpose_only(w: World) {
    let row = verification(&w.member().await);
    w.ask(&row).await;
    let digest = row.digest.clone();
    assert_eq!(w.write(move |tx| tx.redeem_verification(&digest, Purpose::EmailVerification, NOW)).await, None);
    assert_eq!(
        w.write(|tx| tx.redeem_verification(&fixtures::digest(), Purpose::PasswordReset, NOW)).await,
        None,
        "an unknown secret"
    );
}

async fn a_secret_is_open_until_the_moment_it_expires(w: World) {
    let row = verification(&w.member().await);
    w.ask(&row).await;
    let (a, b) = (row.digest.clone(), row.digest.clone());
    assert_eq!(w.write(move |tx| tx.redeem_verification(&a, Purpose::PasswordReset, at(600))).await, None);
    assert!(w.write(move |tx| tx.redeem_verification(&b, Purpose::PasswordReset, at(599))).await.is_some());
}

async fn a_newer_secret_closes_the_older_ones(w: World) {
    let (ann, ben) = (w.member().await, w.member().await);
    let (old, theirs) = (verification(&ann), verification(&ben));
    let other = Verification { purpose: Purpose::EmailVerification, ..verification(&ann) };
    for row in [&old, &theirs, &other] {
        w.ask(row).await;
    }
    w.write(move |tx| tx.supersede_verifications(ann.id, Purpose::PasswordReset, NOW)).await;
    for (row, open) in [(old, false), (theirs, true), (other, true)] {
        let found = w.read(move |tx| tx.open_verification(&row.digest, row.purpose, NOW)).await;
        assert_eq!(found.is_some(), open);
    }
}

async fn two_secrets_with_one_digest_are_a_conflict(w: World) {
    let ann = w.member().await;
    let row = verification(&ann);
    w.ask(&row).await;
    let twin = Verification { digest: row.digest, ..verification(&ann) };
    assert!(is_conflict(&w.refused(move |tx| tx.insert_verification(&twin)).await));
}

async fn a_sweep_takes_what_is_closed_or_expired(w: World) {
    let ann = w.member().await;
    let (redeemed, open) = (verification(&ann), verification(&ann));
    w.ask(&redeemed).await;
    w.ask(&open).await;
    let digest = redeemed.digest.clone();
    w.write(move |tx| tx.redeem_verification(&digest, Purpose::PasswordReset, at(1))).await;
    assert_eq!(w.write(|tx| tx.sweep_verifications(at(1), 9)).await, 0);
    assert_eq!(w.write(|tx| tx.sweep_verifications(at(2), 9)).await, 1);
    assert_eq!(w.write(|tx| tx.sweep_verifications(at(600), 9)).await, 0);
    assert_eq!(w.write(|tx| tx.sweep_verifications(at(601), 9)).await, 1);
}
