//! N73, N74: guessing passwords. Failures in a row lock, waits grow, a success resets, and no side door counts otherwise.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use futures_util::future::join_all;
use ringfence_core::{
    authority::{Authority, LinkTemplate, PresentedCredential},
    error::AuthError,
    identity::Identifier,
    secret::{Password, RawToken},
    testing::{Member, PASSWORD, World, outcome},
    throttle::MAX_CONSECUTIVE_FAILURES,
    time::{Clock as _, Timestamp},
};

use crate::support::world;

const YEAR: Duration = Duration::from_hours(24 * 365);

async fn guess(w: &World, member: &Member) -> Result<(), AuthError> {
    w.authority.sign_in(&w.ctx(), member.shows("a wrong guess")).await.map(drop)
}

/// Until when the next try has to wait, if it has to.
fn wait_of<T>(answer: &Result<T, AuthError>) -> Option<Timestamp> {
    match answer {
        Err(AuthError::Throttled { retry_at }) => Some(*retry_at),
        _ => None,
    }
}

/// Guesses, waiting as told each time, until `failures` were counted or the waiting has no end; returns the waits in seconds.
async fn guess_patiently(w: &World, member: &Member, failures: usize) -> Vec<u64> {
    let (mut counted, mut waits) = (0, Vec::new());
    while counted < failures {
        let answer = guess(w, member).await;
        match wait_of(&answer) {
            Some(retry_at) if retry_at.since(w.clock.now()) > YEAR => break,
            Some(retry_at) => {
                waits.push(retry_at.since(w.clock.now()).as_secs());
                w.clock.set(retry_at);
            }
            None => {
                assert_eq!(outcome(&answer), "invalid_credentials");
                counted += 1;
            }
        }
    }
    waits
}

async fn is_in(at: &Authority, w: &World, member: &Member) -> &'static str {
    outcome(&at.sign_in(&w.ctx(), member.shows(PASSWORD)).await)
}

async fn is_locked(w: &World, member: &Member) -> bool {
    let id = member.identity.id;
    let identity = w.store.read(move |tx| Ok(tx.identity(id)?)).await.unwrap().unwrap();
    identity.standing.locked_at.is_some()
}

#[tokio::test]
async fn n73_waits_grow_and_a_success_resets_them() {
    let w = world().await;
    let ann = w.member("ann").await;
    assert_eq!(guess_patiently(&w, &ann, 9).await, [1, 2, 4, 8]);
    assert_eq!(is_in(&w.authority, &w, &ann).await, "throttled");
    w.clock.advance(Duration::from_secs(16));
    assert_eq!(is_in(&w.authority, &w, &ann).await, "accepted");
    assert_eq!(guess_patiently(&w, &ann, 5).await, [] as [u64; 0]);
    assert!(wait_of(&guess(&w, &ann).await).is_some());
}

#[tokio::test]
async fn n73_a_hundred_failures_in_a_row_lock_and_no_more_than_these_are_compared() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.trail().await;
    w.bus.take();
    let before = w.hasher.stats().argon2_runs;
    let waits = guess_patiently(&w, &ann, 1000).await;
    assert_eq!(w.hasher.stats().argon2_runs - before, u64::from(MAX_CONSECUTIVE_FAILURES));
    assert_eq!(waits.iter().max(), Some(&3600));
    assert!(is_locked(&w, &ann).await);
    let trail = w.trail().await;
    assert_eq!(trail.iter().filter(|line| *line == "anonymous password.refused identity").count(), 100);
    assert_eq!(trail.iter().filter(|line| *line == "system identity.locked identity").count(), 1);
    assert_eq!(w.bus.take(), [ringfence_core::event::SecurityEvent::IdentityChanged(ann.identity.id)]);
    // For ever, with the right password too, and nothing is compared any more.
    w.clock.advance(YEAR);
    w.authority.sweep().await.unwrap();
    assert_eq!(is_in(&w.authority, &w, &ann).await, "throttled");
    assert_eq!(w.hasher.stats().argon2_runs - before, u64::from(MAX_CONSECUTIVE_FAILURES));
}

#[tokio::test]
async fn n73_a_restart_forgets_nothing() {
    let w = world().await;
    let ann = w.member("ann").await;
    guess_patiently(&w, &ann, 6).await;
    let restarted = w.node();
    assert_eq!(is_in(&restarted, &w, &ann).await, "throttled");
    w.clock.advance(Duration::from_secs(2));
    assert_eq!(is_in(&restarted, &w, &ann).await, "accepted");
    guess_patiently(&w, &ann, 1000).await;
    assert_eq!(is_in(&w.node(), &w, &ann).await, "throttled");
}

#[tokio::test]
async fn n73_spellings_of_an_address_share_one_count() {
    let w = world().await;
    w.member("ann").await;
    for spelling in ["ann@example.org", "ANN@example.org", " ann@Example.ORG", "Ann@example.org\n", "ann@EXAMPLE.org "]
    {
        assert_eq!(named(&w, spelling).await, "invalid_credentials", "{spelling}");
    }
    assert_eq!(named(&w, "aNN@example.org").await, "throttled");
}

async fn named(w: &World, address: &str) -> &'static str {
    let presented = PresentedCredential::Password {
        project: w.home.reference(),
        identifier: Identifier::email(address),
        password: Password::new("a wrong guess"),
    };
    outcome(&w.authority.sign_in(&w.ctx(), presented).await)
}

#[tokio::test]
async fn n73_the_application_that_is_named_does_not_matter() {
    let w = world().await;
    let other = w.application(&w.home, "gadget").await;
    let ann = w.member("ann").await;
    let elsewhere = Member { application: other.application.id, ..ann.clone() };
    for member in [&ann, &elsewhere, &ann, &elsewhere, &ann] {
        assert_eq!(outcome(&guess(&w, member).await), "invalid_credentials");
    }
    assert_eq!(outcome(&guess(&w, &elsewhere).await), "throttled");
    // The same address in another project is somebody else's.
    let far = w.place("far").await;
    let far = w.member_of(&far, "ann").await;
    assert_eq!(outcome(&guess(&w, &far).await), "invalid_credentials");
}

/// Tries passwords of one client on as many people as there are tries.
async fn spray(w: &World, addresses: impl IntoIterator<Item = IpAddr>) -> Vec<&'static str> {
    let mut answers = Vec::new();
    for (number, address) in addresses.into_iter().enumerate() {
        let presented = PresentedCredential::Password {
            project: w.home.reference(),
            identifier: Identifier::email(&format!("somebody-{number}@example.org")),
            password: Password::new("a wrong guess"),
        };
        answers.push(outcome(&w.authority.sign_in(&w.ctx_from(address), presented).await));
    }
    answers
}

#[tokio::test]
async fn n73_ten_thousand_addresses_of_one_slash_64_are_one_client() {
    let w = world().await;
    let prefix = 0x2001_0db8_0000_0000_u128 << 64;
    let answers = spray(&w, (0..10_000).map(|host: u128| Ipv6Addr::from_bits(prefix | (host << 40) | 7).into())).await;
    assert_eq!(answers.iter().filter(|code| **code == "invalid_credentials").count(), 60);
    assert!(answers[60..].iter().all(|code| *code == "throttled"));
    let next = IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1));
    assert_eq!(spray(&w, [next]).await, ["invalid_credentials"]);
}

#[tokio::test]
async fn n73_an_ipv4_address_is_one_client_however_it_is_written() {
    let w = world().await;
    let address: IpAddr = "203.0.113.9".parse().unwrap();
    let mapped: IpAddr = "::ffff:203.0.113.9".parse().unwrap();
    let answers = spray(&w, std::iter::repeat_n(address, 60)).await;
    assert!(answers.iter().all(|code| *code == "invalid_credentials"));
    assert_eq!(spray(&w, [mapped]).await, ["throttled"]);
    w.clock.advance(Duration::from_mins(1));
    assert_eq!(spray(&w, [mapped]).await, ["invalid_credentials"]);
    // Quiet for ten minutes, the address begins anew.
    w.clock.advance(Duration::from_mins(11));
    assert!(!spray(&w, std::iter::repeat_n(address, 59)).await.contains(&"throttled"));
}

#[tokio::test]
async fn n73_an_unknown_address_waits_like_a_known_one() {
    let w = world().await;
    w.member("ann").await;
    let mut answers = [Vec::new(), Vec::new()];
    for _ in 0..8 {
        for (name, answers) in ["ann@example.org", "nobody@example.org"].into_iter().zip(&mut answers) {
            answers.push(named(&w, name).await);
        }
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].contains(&"throttled"));
}

#[tokio::test]
async fn n73_guesses_at_an_address_that_nobody_had_do_not_count_against_its_new_holder() {
    let w = world().await;
    for _ in 0..5 {
        named(&w, "ann@example.org").await;
    }
    assert_eq!(named(&w, "ann@example.org").await, "throttled");
    let ann = w.member("ann").await;
    assert_eq!(is_in(&w.authority, &w, &ann).await, "accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n73_parallel_guesses_count_no_less_and_do_not_give_the_right_one_away() {
    let w = world().await;
    let ann = w.member("ann").await;
    let ctx = w.ctx();
    let guesses = (0..60).map(|number| {
        let password = if number == 40 { PASSWORD.to_owned() } else { format!("guess number {number}") };
        w.authority.sign_in(&ctx, ann.shows(&password))
    });
    let answers: Vec<_> = join_all(guesses).await.iter().map(outcome).collect();
    let told = answers.iter().filter(|code| **code == "invalid_credentials").count();
    // Five, or ten when the right one was among the first and reset the count.
    assert!(told <= 10, "{told} guesses were judged at once");
    if answers[40] != "accepted" {
        let others: Vec<_> = answers.iter().filter(|code| **code == answers[40]).collect();
        assert!(answers[40] == "throttled" && others.len() > 1, "the right one was told apart");
    }
    assert!(!is_locked(&w, &ann).await);
}

#[tokio::test]
async fn n74_a_lock_holds_on_every_way_and_the_mailed_link_is_the_way_back() {
    let w = world().await;
    let ann = w.member("ann").await;
    let session = w.sign_in(&ann).await;
    let token = w.token(&session).await;
    w.give_role(&ann, "agent").await;
    let vouched = serde_json::json!({ "_id": ann.identity.id.short(), "sub": "user" });
    guess_patiently(&w, &ann, 1000).await;

    assert_eq!(is_in(&w.authority, &w, &ann).await, "throttled");
    assert_eq!(outcome(&w.authority.authenticate(&w.ctx(), ann.shows(PASSWORD)).await), "throttled");
    w.clock.set(session.session.as_ref().unwrap().auth_time);
    assert_eq!(outcome(&w.bearer(&token).await), "identity_suspended");
    assert_eq!(outcome(&w.assert(&w.assertion(&w.home, vouched)).await), "identity_suspended");

    let link = LinkTemplate("https://example.org/reset/{token}".to_owned());
    w.authority.request_password_reset(&w.ctx(), w.home.reference(), &ann.email, link).await.unwrap();
    let secret = mailed_secret(&w, 1).await;
    w.authority
        .reset_password(&w.ctx(), w.home.reference(), &secret, Password::new("an entirely new one"))
        .await
        .unwrap();
    assert!(!is_locked(&w, &ann).await);
    let back = w.authority.sign_in(&w.ctx(), ann.shows("an entirely new one")).await;
    assert_eq!(outcome(&back), "accepted");
    assert_eq!(outcome(&w.bearer(&token).await), "session_revoked");
}

/// The secret in the link of the nth mail.
pub async fn mailed_secret(w: &World, nth: usize) -> RawToken {
    use ringfence_core::mail::Message;
    match w.mailer.nth(nth).await.message {
        Message::PasswordReset { link, .. } | Message::VerifyEmail { link, .. } => {
            RawToken::new(link.rsplit('/').next().unwrap())
        }
        other => panic!("no link in {other:?}"),
    }
}

#[tokio::test]
async fn n74_a_locked_identity_is_not_guessed_at_under_another_identifier() {
    let w = world().await;
    let ann = w.member("ann").await;
    let held =
        ringfence_core::identity::HeldIdentifier { identifier: Identifier::of("login", "ann"), verified_at: None };
    let identity = ann.identity.clone();
    assert!(w.store.write(move |tx| Ok(tx.add_identifier(&identity, &held)?)).await.unwrap());
    guess_patiently(&w, &ann, 1000).await;
    for password in [PASSWORD, "a wrong guess"] {
        let presented = PresentedCredential::Password {
            project: w.home.reference(),
            identifier: Identifier::of("login", "ann"),
            password: Password::new(password),
        };
        assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), presented).await), "throttled", "{password}");
    }
}

#[tokio::test]
async fn n74_the_present_password_is_guessed_at_no_more_often_by_somebody_who_is_signed_in() {
    let w = world().await;
    let ann = w.member("ann").await;
    let session = w.sign_in(&ann).await;
    let change = async |present: &str| {
        let new = Password::new("an entirely new one");
        outcome(&w.authority.change_password(&w.ctx(), &session, Password::new(present), new).await)
    };
    for _ in 0..5 {
        assert_eq!(change("a wrong guess").await, "invalid_credentials");
    }
    assert_eq!(change(PASSWORD).await, "throttled");
    // Whoever holds a stolen session does not keep its owner from signing in.
    assert_eq!(is_in(&w.authority, &w, &ann).await, "accepted");
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(change(PASSWORD).await, "accepted");
}

#[tokio::test]
async fn fifty_sign_ups_and_fifty_good_sign_ins_from_one_address_are_not_throttled() {
    let w = world().await;
    let mut members = Vec::new();
    for number in 0..50 {
        members.push(w.member(&format!("member-{number}")).await);
    }
    for member in &members {
        assert_eq!(is_in(&w.authority, &w, member).await, "accepted");
    }
}
