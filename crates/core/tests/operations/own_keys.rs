//! API keys of people.

use std::time::Duration;

use ringfence_core::{
    authority::{Authenticated, OwnKey, PresentedCredential},
    error::AuthError,
    event::SecurityEvent,
    secret::RawToken,
    testing::{World, outcome},
};

use crate::support::world;

const HOUR: Duration = Duration::from_hours(1);

async fn show(w: &World, key: &RawToken) -> Result<Authenticated, AuthError> {
    w.authority.authenticate(&w.ctx(), PresentedCredential::ApiKey(key.clone())).await
}

#[tokio::test]
async fn a_key_speaks_for_its_owner_until_it_ends() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    w.trail().await;
    w.bus.take();
    let minted = w.authority.create_own_key(&w.ctx(), &who, "script".to_owned(), HOUR).await.unwrap();
    assert_eq!(w.trail().await, ["identity api_key.created credential"]);
    assert_eq!(w.bus.take(), [SecurityEvent::CredentialChanged(ann.identity.id)]);
    // She hears of it (N101), and not what whoever made it called it.
    let told = w.mailer.nth(1).await;
    assert_eq!((told.to.as_str(), format!("{:?}", told.message).as_str()), (ann.email.as_str(), "ApiKeyMade"));
    assert!(minted.value.expose().starts_with(minted.credential.hint.as_deref().unwrap()));
    let by_key = show(&w, &minted.value).await.unwrap();
    assert_eq!((by_key.identity.id, by_key.key), (ann.identity.id, Some(minted.credential.id)));
    assert!(by_key.scopes.is_empty() && by_key.session.is_none());
    assert_eq!(w.authority.own_keys(&who).await.unwrap(), [minted.credential]);
    w.clock.advance(HOUR);
    assert_eq!(outcome(&show(&w, &minted.value).await), "token_unknown");
}

#[tokio::test]
async fn a_key_neither_makes_nor_sees_keys_nor_erases_its_owner_but_revokes_itself() {
    let w = world().await;
    let who = w.sign_in(&w.member("ann").await).await;
    let [one, two] = [
        w.authority.create_own_key(&w.ctx(), &who, "one".to_owned(), HOUR).await.unwrap(),
        w.authority.create_own_key(&w.ctx(), &who, "two".to_owned(), HOUR).await.unwrap(),
    ];
    let by_key = show(&w, &one.value).await.unwrap();
    let (a, ctx) = (&w.authority, w.ctx());
    assert_eq!(outcome(&a.create_own_key(&ctx, &by_key, "more".to_owned(), HOUR).await), "forbidden");
    assert_eq!(outcome(&a.own_keys(&by_key).await), "forbidden");
    assert_eq!(outcome(&a.change_own_key(&ctx, &by_key, one.credential.id, None, Some(HOUR * 9)).await), "forbidden");
    assert_eq!(outcome(&a.revoke_own_keys(&ctx, &by_key).await), "forbidden");
    assert_eq!(outcome(&a.erase_self(&ctx, &by_key).await), "forbidden");
    assert_eq!(outcome(&a.revoke_own_key(&ctx, &by_key, OwnKey::Id(two.credential.id)).await), "forbidden");
    a.revoke_own_key(&ctx, &by_key, OwnKey::Value(one.value.clone())).await.unwrap();
    assert_eq!(outcome(&show(&w, &one.value).await), "token_unknown");
    assert_eq!(a.revoke_own_keys(&ctx, &who).await.unwrap(), 1);
    assert_eq!(outcome(&show(&w, &two.value).await), "token_unknown");
}

#[tokio::test]
async fn n89_keys_of_somebody_else_are_as_good_as_none() {
    let w = world().await;
    let (ann, bob) = (w.sign_in(&w.member("ann").await).await, w.sign_in(&w.member("bob").await).await);
    let key = w.authority.create_own_key(&w.ctx(), &ann, "hers".to_owned(), HOUR).await.unwrap();
    let (a, ctx, id) = (&w.authority, w.ctx(), key.credential.id);
    assert_eq!(outcome(&a.change_own_key(&ctx, &bob, id, None, None).await), "not_found");
    assert_eq!(outcome(&a.revoke_own_key(&ctx, &bob, OwnKey::Id(id)).await), "not_found");
    assert_eq!(outcome(&a.revoke_own_key(&ctx, &bob, OwnKey::Value(key.value.clone())).await), "not_found");
    // Nor those of a back end, although they lie in the same project.
    let backend = w.api_key(&[]).await;
    assert_eq!(outcome(&a.revoke_own_key(&ctx, &ann, OwnKey::Value(backend.value)).await), "not_found");
    assert!(show(&w, &key.value).await.is_ok());
}

#[tokio::test]
async fn a_key_is_relabelled_and_prolonged_unless_it_has_ended() {
    let w = world().await;
    let who = w.sign_in(&w.member("ann").await).await;
    let key = w.authority.create_own_key(&w.ctx(), &who, "one".to_owned(), HOUR).await.unwrap().credential;
    let change = async |label: Option<&str>, life| {
        w.authority.change_own_key(&w.ctx(), &who, key.id, label.map(str::to_owned), life).await
    };
    assert_eq!(change(Some("other"), None).await.unwrap().label, "other");
    let longer = change(None, Some(HOUR * 2)).await.unwrap();
    assert_eq!((longer.label.as_str(), longer.expires_at), ("other", Some(w.ctx().now + HOUR * 2)));
    w.clock.advance(HOUR * 2);
    assert_eq!(outcome(&change(None, Some(HOUR)).await), "not_found");
}

#[tokio::test]
async fn guests_and_users_of_an_issuer_have_no_keys() {
    let w = world().await;
    let (guest, external) = (w.guest().await, w.external("123").await.0);
    for who in [guest, external] {
        let made = w.authority.create_own_key(&w.ctx(), &who, "x".to_owned(), HOUR).await;
        assert_eq!(outcome(&made), "forbidden");
    }
}

#[tokio::test]
async fn somebody_has_a_hundred_keys_at_most() {
    let w = world().await;
    let who = w.sign_in(&w.member("ann").await).await;
    let make = async || w.authority.create_own_key(&w.ctx(), &who, "x".to_owned(), HOUR).await;
    for _ in 0..100 {
        make().await.unwrap();
    }
    assert_eq!(outcome(&make().await), "invalid");
    // Those that have ended do not count.
    w.clock.advance(HOUR);
    make().await.unwrap();
}

#[tokio::test]
async fn n38_who_is_shut_out_is_so_by_their_keys_too() {
    let w = world().await;
    let (ann, permit) = (w.member("ann").await, w.home_permit());
    let who = w.sign_in(&ann).await;
    let key = w.authority.create_own_key(&w.ctx(), &who, "x".to_owned(), HOUR).await.unwrap().value;
    let (a, id) = (&w.authority, ann.identity.id);
    a.suspend_identity(&w.ctx(), &permit, id, true).await.unwrap();
    assert_eq!(outcome(&show(&w, &key).await), "identity_suspended");
    // Whoever is shut out while a session of theirs is still remembered makes no key by it.
    assert_eq!(outcome(&a.create_own_key(&w.ctx(), &who, "x".to_owned(), HOUR).await), "identity_suspended");
    a.suspend_identity(&w.ctx(), &permit, id, false).await.unwrap();
    assert_eq!(outcome(&show(&w, &key).await), "accepted");
    a.disable_project(&w.ctx(), &permit, true).await.unwrap();
    assert_eq!(outcome(&show(&w, &key).await), "disabled");
    a.disable_project(&w.ctx(), &permit, false).await.unwrap();
    a.erase_identity(&w.ctx(), &permit, id).await.unwrap();
    assert_eq!(outcome(&show(&w, &key).await), "identity_suspended");
}
