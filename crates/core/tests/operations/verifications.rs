//! Verifications: links by mail that set a password or prove an address.

use std::time::Duration;

use ringfence_core::{
    authority::{Authority, LinkTemplate, Registration},
    event::SecurityEvent,
    mail::{Mail, Message},
    project::ProjectPolicy,
    secret::{Password, RawToken},
    testing::{Member, PASSWORD, World, outcome},
    time::Clock as _,
};

use crate::support::world;

const NEW: &str = "an entirely new one";

fn link(text: &str) -> LinkTemplate {
    LinkTemplate(text.to_owned())
}

fn secret_in(mail: &Mail) -> RawToken {
    match &mail.message {
        Message::PasswordReset { link, .. } | Message::VerifyEmail { link, .. } => {
            RawToken::new(link.rsplit('/').next().unwrap())
        }
        other => panic!("no link in {other:?}"),
    }
}

async fn ask(w: &World, email: &str) -> &'static str {
    let link = link("https://dialect.test/reset/{identity}/{token}");
    outcome(&w.authority.request_password_reset(&w.ctx(), w.home.reference(), email, link).await)
}

async fn reset(at: &Authority, w: &World, secret: &RawToken, new: &str) -> &'static str {
    outcome(&at.reset_password(&w.ctx(), w.home.reference(), secret, Password::new(new)).await)
}

/// A member whose address waits to be proved, and the mailed secret.
async fn unproved(w: &World, name: &str, nth: usize) -> (Member, RawToken) {
    let verify = Some(link("https://example.org/verify/{token}"));
    let wanted = Registration { verify, ..w.registration(&w.home, name) };
    let identity = w.authority.register(&w.ctx(), wanted).await.unwrap();
    let member = Member { identity, email: format!("{name}@example.org"), application: w.home.application.id };
    (member, secret_in(&w.mailer.nth(nth).await))
}

async fn proved_at(w: &World, member: &Member) -> Option<ringfence_core::time::Timestamp> {
    w.authority.identifiers(member.identity.id).await.unwrap()[0].verified_at
}

#[tokio::test]
async fn the_reset_mail_holds_the_link_of_the_face_and_goes_to_the_address_on_record() {
    let w = world().await;
    let ann = w.member("ann").await;
    assert_eq!(ask(&w, " ANN@example.org ").await, "accepted");
    let mail = w.mailer.nth(1).await;
    assert_eq!((mail.to.as_str(), mail.sender.as_str()), ("ann@example.org", "acme"));
    let Message::PasswordReset { link, minutes } = mail.message else { panic!("another mail") };
    let start = format!("https://dialect.test/reset/{}/rfv_", ann.identity.id.short());
    assert!(link.starts_with(&start) && minutes == 10, "{link}");
}

#[tokio::test]
async fn the_reset_link_of_the_project_goes_before_the_face_s() {
    let w = world().await;
    w.member("ann").await;
    let reset_url = Some("https://acme.test/#/password-reset/{token}".to_owned());
    let policy = ProjectPolicy { reset_url, ..ProjectPolicy::default() };
    w.authority.configure_project(&w.ctx(), &w.home_permit(), policy).await.unwrap();
    ask(&w, "ann@example.org").await;
    let Message::PasswordReset { link, .. } = w.mailer.nth(1).await.message else { panic!("another mail") };
    assert!(link.starts_with("https://acme.test/#/password-reset/rfv_"), "{link}");
}

#[tokio::test]
async fn an_unknown_address_is_sent_nothing_and_answered_the_same() {
    let w = world().await;
    w.member("ann").await;
    for email in ["nobody@example.org", "", "not an address", "a\0b@example.org"] {
        assert_eq!(ask(&w, email).await, "accepted", "{email:?}");
    }
    ask(&w, "ann@example.org").await;
    assert_eq!(w.mailer.nth(1).await.to, "ann@example.org", "the first mail is of the last request");
}

#[tokio::test]
async fn nothing_is_reset_in_a_disabled_project() {
    let w = world().await;
    let ann = w.member("ann").await;
    ask(&w, &ann.email).await;
    let secret = secret_in(&w.mailer.nth(1).await);
    let permit = w.home_permit();
    w.authority.disable_project(&w.ctx(), &permit, true).await.unwrap();
    assert_eq!(ask(&w, &ann.email).await, "disabled");
    assert_eq!(ask(&w, "nobody@example.org").await, "disabled");
    assert_eq!(reset(&w.authority, &w, &secret, NEW).await, "disabled");
    w.authority.disable_project(&w.ctx(), &permit, false).await.unwrap();
    assert_eq!(reset(&w.authority, &w, &secret, NEW).await, "accepted", "the refusal used nothing up");
}

#[tokio::test]
async fn n101_a_reset_sets_the_password_ends_sessions_proves_the_address_and_tells_its_owner() {
    let w = world().await;
    let (ann, _) = unproved(&w, "ann", 1).await;
    let who = w.sign_in(&ann).await;
    ask(&w, &ann.email).await;
    let secret = secret_in(&w.mailer.nth(2).await);
    w.trail().await;
    w.bus.take();
    w.clock.advance(Duration::from_mins(9));
    assert_eq!(reset(&w.node(), &w, &secret, NEW).await, "accepted", "on any node");
    assert_eq!(w.trail().await, ["identity password.reset identity"]);
    let revoked = SecurityEvent::SessionRevoked(who.session.as_ref().unwrap().id);
    assert_eq!(w.bus.take(), [revoked, SecurityEvent::CredentialChanged(ann.identity.id)]);
    assert_eq!(proved_at(&w, &ann).await, Some(w.clock.now()));
    let mail = w.mailer.nth(3).await;
    assert!(mail.to == ann.email && matches!(mail.message, Message::PasswordChanged));
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), ann.shows(NEW)).await), "accepted");
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), ann.shows(PASSWORD)).await), "invalid_credentials");
}

#[tokio::test]
async fn a_refused_password_does_not_use_the_link_up() {
    let w = world().await;
    let ann = w.member("ann").await;
    ask(&w, &ann.email).await;
    let secret = secret_in(&w.mailer.nth(1).await);
    for weak in ["short", "password123", &ann.email] {
        assert_eq!(reset(&w.authority, &w, &secret, weak).await, "invalid");
    }
    assert_eq!(reset(&w.authority, &w, &secret, NEW).await, "accepted");
}

#[tokio::test]
async fn a_link_ends_on_the_minute() {
    let w = world().await;
    let (ann, verify) = unproved(&w, "ann", 1).await;
    ask(&w, &ann.email).await;
    let secret = secret_in(&w.mailer.nth(2).await);
    w.clock.advance(Duration::from_mins(10) - Duration::from_millis(1));
    assert_eq!(outcome(&w.authority.open_password_reset(&w.ctx(), w.home.reference(), &secret).await), "accepted");
    w.clock.advance(Duration::from_millis(1));
    assert_eq!(
        outcome(&w.authority.open_password_reset(&w.ctx(), w.home.reference(), &secret).await),
        "verification_invalid"
    );
    w.clock.advance(Duration::from_mins(5));
    let verified = w.authority.verify_email(&w.ctx(), ann.identity.id, &verify).await;
    assert_eq!(outcome(&verified), "verification_invalid");
}

#[tokio::test]
async fn a_mailed_link_proves_the_address_once() {
    let w = world().await;
    let (ann, secret) = unproved(&w, "ann", 1).await;
    w.trail().await;
    w.bus.take();
    w.clock.advance(Duration::from_mins(14));
    w.authority.verify_email(&w.ctx(), ann.identity.id, &secret).await.unwrap();
    assert_eq!(proved_at(&w, &ann).await, Some(w.clock.now()));
    assert_eq!(w.trail().await, ["identity email.verified identity"]);
    assert_eq!(w.bus.take(), [SecurityEvent::IdentityChanged(ann.identity.id)]);
    let again = w.authority.verify_email(&w.ctx(), ann.identity.id, &secret).await;
    assert_eq!(outcome(&again), "verification_invalid");
}

#[tokio::test]
async fn somebody_else_s_link_is_refused_and_stays_open() {
    let w = world().await;
    let (ann, secret) = unproved(&w, "ann", 1).await;
    let (bob, _) = unproved(&w, "bob", 2).await;
    let wrong = w.authority.verify_email(&w.ctx(), bob.identity.id, &secret).await;
    assert_eq!(outcome(&wrong), "conflict");
    assert_eq!((proved_at(&w, &ann).await, proved_at(&w, &bob).await), (None, None));
    let right = w.authority.verify_email(&w.ctx(), ann.identity.id, &secret).await;
    assert_eq!(outcome(&right), "accepted");
}

#[tokio::test]
async fn a_suspended_identity_proves_nothing() {
    let w = world().await;
    let (ann, secret) = unproved(&w, "ann", 1).await;
    w.authority.suspend_identity(&w.ctx(), &w.home_permit(), ann.identity.id, true).await.unwrap();
    let refused = w.authority.verify_email(&w.ctx(), ann.identity.id, &secret).await;
    assert_eq!(outcome(&refused), "identity_suspended");
}

#[tokio::test]
async fn asking_for_another_link_closes_the_one_before() {
    let w = world().await;
    let (ann, first) = unproved(&w, "ann", 1).await;
    let who = w.sign_in(&ann).await;
    let again = link("https://example.org/verify/{token}");
    w.authority.resend_email_verification(&w.ctx(), &who, again).await.unwrap();
    let second = secret_in(&w.mailer.nth(2).await);
    let (id, at) = (ann.identity.id, &w.authority);
    assert_eq!(outcome(&at.verify_email(&w.ctx(), id, &first).await), "verification_invalid");
    assert_eq!(outcome(&at.verify_email(&w.ctx(), id, &second).await), "accepted");
}

#[tokio::test]
async fn a_guest_has_no_address_to_prove() {
    let w = world().await;
    let guest = w.guest().await;
    let sent = w.authority.resend_email_verification(&w.ctx(), &guest, link("{token}")).await;
    assert_eq!(outcome(&sent), "not_found");
}

#[tokio::test]
async fn an_address_is_sent_five_mails_of_a_purpose_and_after_an_hour_more() {
    let w = world().await;
    let ann = w.member("ann").await;
    for _ in 0..5 {
        assert_eq!(ask(&w, " ANN@example.org").await, "accepted");
    }
    let newest = secret_in(&w.mailer.nth(5).await);
    w.trail().await;
    assert_eq!(ask(&w, &ann.email).await, "accepted", "and nobody hears of the limit");
    assert_eq!(w.trail().await, ["anonymous verification.requested identity"]);
    // Another node counts the same, another purpose and another address count for themselves.
    let template = link("https://dialect.test/{token}");
    w.node().request_password_reset(&w.ctx(), w.home.reference(), &ann.email, template.clone()).await.unwrap();
    let who = w.sign_in(&ann).await;
    w.authority.resend_email_verification(&w.ctx(), &who, template).await.unwrap();
    assert!(matches!(w.mailer.nth(6).await.message, Message::VerifyEmail { .. }));
    let (_, _) = unproved(&w, "bob", 7).await;
    // What was not sent closes nothing that was.
    assert_eq!(reset(&w.authority, &w, &newest, NEW).await, "accepted");
    assert!(matches!(w.mailer.nth(8).await.message, Message::PasswordChanged));
    w.clock.advance(Duration::from_mins(59));
    ask(&w, &ann.email).await;
    w.clock.advance(Duration::from_mins(2));
    ask(&w, &ann.email).await;
    secret_in(&w.mailer.nth(9).await);
    assert_eq!(w.mailer.delivered().len(), 9);
}

#[tokio::test]
async fn whoever_asks_for_links_again_and_again_hears_the_same_and_gets_no_more() {
    let w = world().await;
    let (ann, _) = unproved(&w, "ann", 1).await;
    let who = w.sign_in(&ann).await;
    for _ in 0..8 {
        let sent = w.authority.resend_email_verification(&w.ctx(), &who, link("{token}")).await;
        assert_eq!(outcome(&sent), "accepted");
    }
    ask(&w, &ann.email).await;
    secret_in(&w.mailer.nth(6).await);
    assert_eq!(w.mailer.delivered().len(), 6, "five to prove the address, one to reset the password");
}
