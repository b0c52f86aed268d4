//! Passwords: changed by their owner, set by an administrator, imported.

use ringfence_core::{
    authority::PresentedCredential,
    error::{AuthError, Rule},
    event::SecurityEvent,
    secret::{Password, RawToken},
    testing::{Member, PASSWORD, World, outcome},
    time::Clock as _,
};

use crate::support::world;

const NEW: &str = "an entirely new one";

async fn signs_in(w: &World, member: &Member, password: &str) -> &'static str {
    outcome(&w.authority.sign_in(&w.ctx(), member.shows(password)).await)
}

#[tokio::test]
async fn changing_the_password_ends_every_session() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (here, there) = (w.sign_in(&ann).await, w.sign_in_on("native", &ann).await);
    let tokens = [w.token(&here).await, w.token_on("native", &there).await];
    w.trail().await;
    w.bus.take();
    w.authority.change_password(&w.ctx(), &here, Password::new(PASSWORD), Password::new(NEW)).await.unwrap();
    assert_eq!(w.trail().await, ["identity password.changed identity"]);
    for token in &tokens {
        assert_eq!(outcome(&w.bearer(token).await), "session_revoked");
    }
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "invalid_credentials");
    assert_eq!(signs_in(&w, &ann, NEW).await, "accepted");
    let announced = w.bus.take();
    assert_eq!(announced.len(), 3);
    assert!(announced.contains(&SecurityEvent::CredentialChanged(ann.identity.id)));
    for who in [&here, &there] {
        assert!(announced.contains(&SecurityEvent::SessionRevoked(who.session.as_ref().unwrap().id)));
    }
}

#[tokio::test]
async fn the_new_password_is_not_the_present_one() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    let changed = w.authority.change_password(&w.ctx(), &who, Password::new(PASSWORD), Password::new(PASSWORD)).await;
    let Err(AuthError::Invalid(violations)) = changed else { panic!("accepted") };
    assert_eq!((violations[0].field, violations[0].rule), ("password", Rule::Unchanged));
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
}

#[tokio::test]
async fn a_change_with_the_right_password_resets_the_count_of_wrong_ones() {
    let w = world().await;
    let ann = w.member("ann").await;
    for round in 0..3 {
        let passwords = [PASSWORD, NEW];
        let (present, next) = (passwords[round % 2], passwords[(round + 1) % 2]);
        let who = w.authority.sign_in(&w.ctx(), ann.shows(present)).await.unwrap();
        for _ in 0..4 {
            let wrong = w.authority.change_password(&w.ctx(), &who, Password::new("wrong"), Password::new(next)).await;
            assert_eq!(outcome(&wrong), "invalid_credentials");
        }
        w.authority.change_password(&w.ctx(), &who, Password::new(present), Password::new(next)).await.unwrap();
    }
}

#[tokio::test]
async fn an_administrator_sets_a_password_without_the_present_one() {
    let w = world().await;
    let ann = w.member("ann").await;
    let token = w.token(&w.sign_in(&ann).await).await;
    w.trail().await;
    w.authority.set_password(&w.ctx(), &w.home_permit(), ann.identity.id, Password::new(NEW)).await.unwrap();
    assert_eq!(w.trail().await, ["operator password.changed identity"]);
    assert_eq!(outcome(&w.bearer(&token).await), "session_revoked");
    assert_eq!(signs_in(&w, &ann, NEW).await, "accepted");
}

#[tokio::test]
async fn whoever_had_no_password_can_be_given_one() {
    let w = world().await;
    let claims = serde_json::json!({ "_id": "ext-1", "role": "owner", "email": "new@example.org" });
    let who = w.assert(&w.assertion(&w.home, claims)).await.unwrap();
    let identity = who.identity.as_ref().clone();
    let new = Member { identity, email: "new@example.org".to_owned(), application: w.home.application.id };
    assert_eq!(signs_in(&w, &new, "").await, "invalid_credentials");
    w.authority.set_password(&w.ctx(), &w.home_permit(), new.identity.id, Password::new(NEW)).await.unwrap();
    assert_eq!(signs_in(&w, &new, NEW).await, "accepted");
}

#[tokio::test]
async fn an_administrator_unlocks_what_was_locked() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (id, now) = (ann.identity.id, w.clock.now());
    w.store.write(move |tx| Ok(tx.lock_identity(id, now)?)).await.unwrap();
    for _ in 0..5 {
        signs_in(&w, &ann, "wrong").await;
    }
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "throttled");
    w.trail().await;
    w.bus.take();
    w.authority.unlock_identity(&w.ctx(), &w.home_permit(), id).await.unwrap();
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
    assert_eq!(w.trail().await, ["operator identity.unlocked identity", "identity session.started session"]);
    assert_eq!(w.bus.take(), [SecurityEvent::IdentityChanged(id)]);
}

#[tokio::test]
async fn a_lock_shuts_sessions_out_and_ends_none() {
    let w = world().await;
    let ann = w.member("ann").await;
    let token = w.token(&w.sign_in(&ann).await).await;
    let (id, now) = (ann.identity.id, w.clock.now());
    w.store.write(move |tx| Ok(tx.lock_identity(id, now)?)).await.unwrap();
    assert_eq!(outcome(&w.node().authenticate(&w.ctx(), shows(&token)).await), "identity_suspended");
    w.authority.unlock_identity(&w.ctx(), &w.home_permit(), id).await.unwrap();
    assert_eq!(outcome(&w.node().authenticate(&w.ctx(), shows(&token)).await), "accepted", "strangers ended nothing");
}

fn shows(token: &RawToken) -> PresentedCredential {
    PresentedCredential::AccessToken(token.clone())
}

#[tokio::test]
async fn a_suspended_identity_stays_suspended_when_it_is_unlocked() {
    let w = world().await;
    let ann = w.member("ann").await;
    let permit = w.home_permit();
    w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, true).await.unwrap();
    w.authority.unlock_identity(&w.ctx(), &permit, ann.identity.id).await.unwrap();
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "identity_suspended");
}

#[tokio::test]
async fn a_face_that_names_no_application_signs_in_by_the_project() {
    let w = world().await;
    let ann = w.member("ann").await;
    for project in [
        ringfence_core::project::ProjectRef::Id(w.home.project.id),
        ringfence_core::project::ProjectRef::Name("acme".to_owned()),
    ] {
        let presented = ringfence_core::authority::PresentedCredential::Password {
            project,
            identifier: ringfence_core::identity::Identifier::email(&ann.email),
            password: Password::new(PASSWORD),
        };
        let who = w.authority.sign_in(&w.ctx(), presented).await.unwrap();
        assert!(who.application.is_none());
        assert_eq!(outcome(&w.bearer(&w.token(&who).await).await), "accepted");
    }
}

#[tokio::test]
async fn where_passwords_do_not_count_right_and_wrong_are_answered_alike() {
    let w = world().await;
    let ann = w.member("ann").await;
    let mut settings = w.home.application.settings.clone();
    settings.sign_in.remove(&ringfence_core::application::WayIn::Password);
    let (permit, id) = (w.home_permit(), w.home.application.id);
    w.authority.configure_application(&w.ctx(), &permit, id, settings, vec![]).await.unwrap();
    for (state, code) in [("way off", "not_supported"), ("disabled", "disabled")] {
        for password in [PASSWORD, "wrong"] {
            assert_eq!(signs_in(&w, &ann, password).await, code, "{state}");
        }
        w.authority.disable_application(&w.ctx(), &permit, id, true).await.unwrap();
    }
}

#[tokio::test]
async fn n101_the_owner_is_told_of_a_new_password_whoever_set_it() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    w.authority.change_password(&w.ctx(), &who, Password::new(PASSWORD), Password::new(NEW)).await.unwrap();
    w.authority.set_password(&w.ctx(), &w.home_permit(), ann.identity.id, Password::new(PASSWORD)).await.unwrap();
    for nth in [1, 2] {
        let mail = w.mailer.nth(nth).await;
        assert_eq!(mail.to, ann.email);
        assert!(matches!(mail.message, ringfence_core::mail::Message::PasswordChanged));
    }
    let (external, _) = w.external("ext-1").await;
    let id = external.identity.id;
    w.authority.set_password(&w.ctx(), &w.home_permit(), id, Password::new(NEW)).await.unwrap();
    w.authority.set_password(&w.ctx(), &w.home_permit(), ann.identity.id, Password::new(NEW)).await.unwrap();
    assert_eq!(w.mailer.nth(3).await.to, ann.email, "nothing is mailed to whom has no address");
}
