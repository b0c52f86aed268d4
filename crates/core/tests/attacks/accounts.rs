//! N20, N71, N72, N74–N79, N99: passwords, resets, profiles and imported hashes.

use std::time::Duration;

use ringfence_core::{
    application::ApplicationSettings,
    authority::{ApplicationRequest, LinkTemplate, PresentedCredential, ProfileChange},
    caller::Scope,
    error::AuthError,
    identity::{Identifier, IdentityKind},
    project::ProjectRef,
    secret::{Password, RawToken},
    testing::{LADDER, Member, PASSWORD, World, outcome},
};
use serde_json::{Map, json};

use super::throttling::mailed_secret;
use crate::support::world;

const NEW: &str = "an entirely new one";

fn rules(error: &AuthError) -> Vec<(&'static str, &'static str)> {
    match error {
        AuthError::Invalid(violations) => violations.iter().map(|broken| (broken.field, broken.rule.code())).collect(),
        other => panic!("not about the input: {other}"),
    }
}

async fn signs_in(w: &World, member: &Member, password: &str) -> &'static str {
    outcome(&w.authority.sign_in(&w.ctx(), member.shows(password)).await)
}

async fn ask_reset(w: &World, email: &str) -> &'static str {
    let link = LinkTemplate("https://example.org/reset/{token}".to_owned());
    outcome(&w.authority.request_password_reset(&w.ctx(), w.home.reference(), email, link).await)
}

async fn reset(w: &World, secret: &RawToken) -> &'static str {
    outcome(&w.authority.reset_password(&w.ctx(), w.home.reference(), secret, Password::new(NEW)).await)
}

#[tokio::test]
async fn n20_a_guest_does_nothing_that_members_do() {
    let w = world().await;
    let guest = w.guest().await;
    assert!(Scope::EACH.into_iter().all(|scope| guest.caller().permit(scope, w.home.project.id).is_err()));
    assert!(guest.caller().permit_installation().is_err());
    let wanted =
        ApplicationRequest { name: "mine".to_owned(), settings: ApplicationSettings::default(), aliases: vec![] };
    let founded = w.authority.found_application(&w.ctx(), &guest, wanted, "test:application", "owner").await;
    assert_eq!(outcome(&founded), "forbidden");
    let needed = World::needs("user");
    assert_eq!(outcome(&w.authority.permit_in(&guest, w.home.reference(), needed).await), "forbidden");
    let changed = w.authority.change_password(&w.ctx(), &guest, Password::new(""), Password::new(NEW)).await;
    assert_eq!(outcome(&changed), "invalid_credentials");
}

#[tokio::test]
async fn n71_a_weak_password_is_refused_with_the_reason_wherever_one_is_set() {
    let w = world().await;
    let ann = w.member("ann").await;
    let session = w.sign_in(&ann).await;
    ask_reset(&w, &ann.email).await;
    let secret = mailed_secret(&w, 1).await;
    for (weak, rule) in [
        ("seven77", "too_short"),
        ("", "too_short"),
        ("password123", "common"),
        ("acme2026", "common"),
        ("ann@example.org", "common"),
        (&"x9 kq".repeat(205), "too_long"),
    ] {
        let password = || Password::new(weak);
        let mut wanted = w.registration(&w.home, "ann");
        wanted.email = "ann@example.org".to_owned();
        wanted.password = password();
        let at = &w.authority;
        let refusals = [
            at.register(&w.ctx(), wanted).await.unwrap_err(),
            at.change_password(&w.ctx(), &session, Password::new(PASSWORD), password()).await.unwrap_err(),
            at.reset_password(&w.ctx(), w.home.reference(), &secret, password()).await.unwrap_err(),
            at.set_password(&w.ctx(), &w.home_permit(), ann.identity.id, password()).await.unwrap_err(),
        ];
        for refusal in &refusals {
            assert_eq!(rules(refusal), [("password", rule)], "{weak}");
        }
    }
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
}

#[tokio::test]
async fn n71_the_name_of_the_application_is_no_password_for_it() {
    let w = world().await;
    let mut wanted = w.registration(&w.home, "ann");
    wanted.password = Password::new("Widget-2026!");
    assert_eq!(rules(&w.authority.register(&w.ctx(), wanted).await.unwrap_err()), [("password", "common")]);
}

#[tokio::test]
async fn n72_a_password_is_taken_and_compared_whole() {
    let w = world().await;
    let long = "correct horse ".repeat(10);
    for (number, password) in [
        &long[..64],
        &long[..128],
        "\u{1F98A}\u{1F40C}\u{1F33B}\u{1F3B7}\u{1F6B2}\u{1F9F2}\u{1F9C0}\u{26F5}",
        "  spaces around  ",
        "tab\tand\nnewline",
    ]
    .into_iter()
    .enumerate()
    {
        let mut wanted = w.registration(&w.home, &format!("member-{number}"));
        wanted.password = Password::new(password);
        let email = wanted.email.clone();
        let identity = w.authority.register(&w.ctx(), wanted).await.unwrap();
        let member = Member { identity, email, application: w.home.application.id };
        assert_eq!(signs_in(&w, &member, password).await, "accepted", "{password:?}");
        let cut = &password[..password.char_indices().last().unwrap().0];
        assert_eq!(signs_in(&w, &member, cut).await, "invalid_credentials", "{password:?}");
        assert_eq!(signs_in(&w, &member, &format!("{password} ")).await, "invalid_credentials", "{password:?}");
    }
}

/// bcrypt of 72 times `k`, which is also what it makes of anything longer.
const BCRYPT: &str = "$2y$04$abcdefghijklmnopqrstuuI2Mp1bRgukmtv/LwqhmSmKEKyCfD6Om";
const BCRYPT_PASSWORD: &str = "pencil and paper";

#[tokio::test]
async fn n72_an_imported_hash_is_replaced_by_one_of_the_whole_password_at_the_first_sign_in() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (permit, id) = (w.home_permit(), ann.identity.id);
    w.authority.import_password(&w.ctx(), &permit, id, BCRYPT).await.unwrap();
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "invalid_credentials");
    assert_eq!(signs_in(&w, &ann, BCRYPT_PASSWORD).await, "accepted");
    let hash = w.store.read(move |tx| Ok(tx.password_of(id)?)).await.unwrap().unwrap();
    assert!(hash.as_str().starts_with("$argon2id$"), "{}", &hash.as_str()[..10]);
    assert_eq!(signs_in(&w, &ann, BCRYPT_PASSWORD).await, "accepted");
    assert_eq!(signs_in(&w, &ann, &BCRYPT_PASSWORD[..15]).await, "invalid_credentials");
}

#[tokio::test]
async fn n75_signing_in_says_and_does_the_same_for_known_and_unknown_addresses() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.trail().await;
    let nobody = Member { email: "nobody@example.org".to_owned(), ..ann.clone() };
    let mut runs = w.hasher.stats().argon2_runs;
    for member in [&ann, &nobody] {
        for _ in 0..3 {
            let answer = w.authority.sign_in(&w.ctx(), member.shows("a wrong guess")).await;
            let error = answer.unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), ("invalid_credentials", "invalid credentials"));
            let now = w.hasher.stats().argon2_runs;
            assert_eq!(now - runs, 1, "each try costs one hash");
            runs = now;
        }
        assert_eq!(w.trail().await.len(), 3, "each try costs one durable write");
    }
}

#[tokio::test]
async fn n75_somebody_without_a_password_is_as_unknown_as_nobody() {
    let w = world().await;
    let (external, _) = w.external("ext-1").await;
    let held = ringfence_core::identity::HeldIdentifier {
        identifier: Identifier::email("ext@example.org"),
        verified_at: None,
    };
    let identity = external.identity.as_ref().clone();
    assert!(w.store.write(move |tx| Ok(tx.add_identifier(&identity, &held)?)).await.unwrap());
    let runs = w.hasher.stats().argon2_runs;
    let presented = PresentedCredential::Password {
        project: w.home.reference(),
        identifier: Identifier::email("ext@example.org"),
        password: Password::new(""),
    };
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), presented).await), "invalid_credentials");
    assert_eq!(w.hasher.stats().argon2_runs - runs, 1);
}

#[tokio::test]
async fn n75_asking_for_a_reset_says_and_writes_the_same_for_known_and_unknown_addresses() {
    let w = world().await;
    let (ann, bob) = (w.member("ann").await, w.member("bob").await);
    w.authority.suspend_identity(&w.ctx(), &w.home_permit(), bob.identity.id, true).await.unwrap();
    w.trail().await;
    for (email, noun) in [(&*ann.email, "identity"), ("nobody@example.org", "nobody"), (&*bob.email, "nobody")] {
        assert_eq!(ask_reset(&w, email).await, "accepted");
        assert_eq!(w.trail().await, [format!("anonymous verification.requested {noun}")]);
    }
    ask_reset(&w, "ANN@example.org").await;
    let mails = async { w.mailer.nth(2).await.to }.await;
    assert_eq!(mails, ann.email);
    assert_eq!(w.mailer.delivered().len(), 2, "nobody else got one");
}

#[tokio::test]
async fn n75_signing_up_costs_the_same_hash_for_a_taken_address() {
    let w = world().await;
    w.member("ann").await;
    let mut costs = Vec::new();
    for name in ["ann", "bob"] {
        let runs = w.hasher.stats().argon2_runs;
        let answer = w.authority.register(&w.ctx(), w.registration(&w.home, name)).await;
        costs.push((outcome(&answer), w.hasher.stats().argon2_runs - runs));
    }
    // The answer differs on purpose: the faces' clients need it, and a face may hide it.
    assert_eq!(costs, [("conflict", 1), ("accepted", 1)]);
}

#[tokio::test]
async fn n76_a_reset_secret_works_once() {
    let w = world().await;
    let ann = w.member("ann").await;
    ask_reset(&w, &ann.email).await;
    let secret = mailed_secret(&w, 1).await;
    assert_eq!(reset(&w, &secret).await, "accepted");
    let again =
        w.authority.reset_password(&w.ctx(), w.home.reference(), &secret, Password::new("yet another one")).await;
    assert_eq!(outcome(&again), "verification_invalid");
    assert_eq!(signs_in(&w, &ann, NEW).await, "accepted");
}

#[tokio::test]
async fn n76_a_newer_reset_secret_closes_the_older() {
    let w = world().await;
    let ann = w.member("ann").await;
    ask_reset(&w, &ann.email).await;
    ask_reset(&w, &ann.email).await;
    let (older, newer) = (mailed_secret(&w, 1).await, mailed_secret(&w, 2).await);
    assert_eq!(reset(&w, &older).await, "verification_invalid");
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
    assert_eq!(reset(&w, &newer).await, "accepted");
}

#[tokio::test]
async fn n76_a_reset_secret_counts_in_its_own_project_only() {
    let w = world().await;
    let (ann, away) = (w.member("ann").await, w.place("away").await);
    ask_reset(&w, &ann.email).await;
    let secret = mailed_secret(&w, 1).await;
    let elsewhere = w.authority.reset_password(&w.ctx(), away.reference(), &secret, Password::new(NEW)).await;
    assert_eq!(outcome(&elsewhere), "verification_invalid");
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
    assert_eq!(reset(&w, &secret).await, "accepted");
}

#[tokio::test]
async fn n76_looking_at_a_reset_secret_leaves_it_open() {
    let w = world().await;
    let ann = w.member("ann").await;
    ask_reset(&w, &ann.email).await;
    let secret = mailed_secret(&w, 1).await;
    for _ in 0..3 {
        let open = w.authority.open_password_reset(&w.ctx(), w.home.reference(), &secret).await.unwrap();
        assert_eq!(open.id, ann.identity.id);
    }
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
    assert_eq!(reset(&w, &secret).await, "accepted");
}

#[tokio::test]
async fn n76_a_reset_secret_ends_after_ten_minutes_and_with_a_new_password() {
    let w = world().await;
    let ann = w.member("ann").await;
    ask_reset(&w, &ann.email).await;
    w.clock.advance(Duration::from_mins(10));
    assert_eq!(reset(&w, &mailed_secret(&w, 1).await).await, "verification_invalid");
    ask_reset(&w, &ann.email).await;
    let session = w.sign_in(&ann).await;
    w.authority.change_password(&w.ctx(), &session, Password::new(PASSWORD), Password::new(NEW)).await.unwrap();
    assert_eq!(reset(&w, &mailed_secret(&w, 2).await).await, "verification_invalid");
}

#[tokio::test]
async fn n76_a_secret_for_something_else_sets_no_password() {
    let w = world().await;
    let mut wanted = w.registration(&w.home, "ann");
    wanted.verify = Some(LinkTemplate("https://example.org/verify/{identity}/{token}".to_owned()));
    let ann = w.authority.register(&w.ctx(), wanted).await.unwrap();
    let secret = mailed_secret(&w, 1).await;
    assert_eq!(reset(&w, &secret).await, "verification_invalid");
    ask_reset(&w, "ann@example.org").await;
    let reset_secret = mailed_secret(&w, 2).await;
    let verified = w.authority.verify_email(&w.ctx(), ann.id, &reset_secret).await;
    assert_eq!(outcome(&verified), "verification_invalid");
    assert_eq!(outcome(&w.authority.verify_email(&w.ctx(), ann.id, &secret).await), "accepted");
}

#[tokio::test]
async fn n77_a_reset_ends_every_session_on_every_way() {
    let w = world().await;
    let ann = w.member("ann").await;
    let mut tokens = Vec::new();
    for face in ["test", "native", "ec"] {
        let session = w.sign_in_on(face, &ann).await;
        tokens.push(w.token_on(face, &session).await);
    }
    w.give_role(&ann, "agent").await;
    let vouched = w.assertion(&w.home, json!({ "_id": ann.identity.id.short(), "sub": "user" }));
    assert_eq!(outcome(&w.assert(&vouched).await), "accepted");
    ask_reset(&w, &ann.email).await;
    assert_eq!(reset(&w, &mailed_secret(&w, 1).await).await, "accepted");
    for token in &tokens {
        assert_eq!(outcome(&w.bearer(token).await), "session_revoked");
    }
    assert_eq!(outcome(&w.assert(&vouched).await), "session_revoked");
}

#[tokio::test]
async fn n77_a_suspended_account_does_not_come_back_by_a_reset() {
    let w = world().await;
    let ann = w.member("ann").await;
    ask_reset(&w, &ann.email).await;
    let secret = mailed_secret(&w, 1).await;
    let permit = w.home_permit();
    w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, true).await.unwrap();
    assert_eq!(reset(&w, &secret).await, "identity_suspended");
    w.authority.suspend_identity(&w.ctx(), &permit, ann.identity.id, false).await.unwrap();
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
    w.authority.erase_identity(&w.ctx(), &permit, ann.identity.id).await.unwrap();
    assert_eq!(reset(&w, &secret).await, "verification_invalid");
}

#[tokio::test]
async fn n78_changing_a_password_needs_the_present_one() {
    let w = world().await;
    let ann = w.member("ann").await;
    let session = w.sign_in(&ann).await;
    for present in ["", "a wrong guess", NEW] {
        let changed = w.authority.change_password(&w.ctx(), &session, Password::new(present), Password::new(NEW)).await;
        assert_eq!(outcome(&changed), "invalid_credentials");
    }
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
}

#[tokio::test]
async fn n78_an_issuer_does_not_change_the_account_that_it_vouches_for() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.give_role(&ann, "owner").await;
    let vouched = w.assertion(&w.home, json!({ "_id": ann.identity.id.short(), "sub": "user" }));
    let who = w.assert(&vouched).await.unwrap();
    // It is Ann in the application …
    assert_eq!(who.identity.id, ann.identity.id);
    assert!(w.authority.permit_in(&who, w.home.reference(), World::needs("owner")).await.is_ok());
    // … and her account is not the application's.
    let (at, ctx) = (&w.authority, w.ctx());
    let link = LinkTemplate("https://example.org/{token}".to_owned());
    let wanted =
        ApplicationRequest { name: "mine".to_owned(), settings: ApplicationSettings::default(), aliases: vec![] };
    let renamed = ProfileChange { given_name: Some(Some("Mallory".to_owned())), ..ProfileChange::default() };
    for code in [
        outcome(&at.erase_self(&ctx, &who).await),
        outcome(&at.change_profile(&ctx, &who, renamed).await),
        outcome(&at.change_password(&ctx, &who, Password::new(PASSWORD), Password::new(NEW)).await),
        outcome(&at.resend_email_verification(&ctx, &who, link).await),
        outcome(&at.found_application(&ctx, &who, wanted, "test:application", "owner").await),
    ] {
        assert_eq!(code, "forbidden");
    }
    let other = w.application(&w.home, "gadget").await;
    let elsewhere = at.membership(&who, other.reference(), &LADDER).await;
    assert_eq!(outcome(&elsewhere), "not_found");
    // Its own users it may.
    let (external, _) = w.external("ext-1").await;
    assert_eq!(outcome(&at.erase_self(&ctx, &external).await), "accepted");
}

#[tokio::test]
async fn n78_an_issuer_does_not_reach_accounts_that_are_no_members() {
    let w = world().await;
    let (ann, far) = (w.member("ann").await, w.place("far").await);
    let far = w.member_of(&far, "bob").await;
    for id in [ann.identity.id.short(), far.identity.id.short(), "0".repeat(24), "ann".to_owned()] {
        let claims = json!({ "_id": id, "sub": "user" });
        assert_eq!(outcome(&w.assert(&w.assertion(&w.home, claims)).await), "token_claims", "{id}");
    }
    // By address and role neither.
    let claims = json!({ "_id": "ext-1", "role": "owner", "email": "ANN@example.org" });
    assert_eq!(outcome(&w.assert(&w.assertion(&w.home, claims)).await), "conflict");
}

#[tokio::test]
async fn n79_what_somebody_says_of_itself_does_not_raise_it() {
    let w = world().await;
    let claimed = json!({
        "_id": "ext-1", "email": "boss@example.org", "email_verified": true, "emailverified": true, "kind": "member",
        "status": 100, "scopes": ["*"], "app_id": "other", "is_anonymous": false, "sid": "x", "confined": false,
    });
    let who = w.assert(&w.assertion(&w.home, claimed)).await.unwrap();
    assert_eq!((who.identity.kind, who.scopes.is_empty()), (IdentityKind::External, true));
    assert!(who.session.as_ref().unwrap().confined);
    let held = w.authority.identifiers(who.identity.id).await.unwrap();
    let schemes: Vec<_> = held.iter().map(|held| (held.identifier.scheme().to_owned(), held.verified_at)).collect();
    assert_eq!(schemes, [("asserted".to_owned(), None)]);

    let members: Map<_, _> =
        json!({ "email_verified": true, "role": "owner", "suspended_at": null, "kind": "service" })
            .as_object()
            .unwrap()
            .clone();
    let mut wanted = w.registration(&w.home, "ann");
    wanted.attributes = members.clone();
    let ann = w.authority.register(&w.ctx(), wanted).await.unwrap();
    let member = Member { identity: ann, email: "ann@example.org".to_owned(), application: w.home.application.id };
    let session = w.sign_in(&member).await;
    let change = ProfileChange { attributes: Some(("test", members)), ..ProfileChange::default() };
    let changed = w.authority.change_profile(&w.ctx(), &session, change).await.unwrap();
    assert_eq!((changed.kind, changed.project), (IdentityKind::Member, w.home.project.id));
    let held = w.authority.identifiers(changed.id).await.unwrap();
    assert_eq!(held[0].verified_at, None);
    assert!(session.scopes.is_empty());
    let needed = World::needs("guest");
    assert_eq!(outcome(&w.authority.permit_in(&session, w.home.reference(), needed).await), "not_found");
}

#[tokio::test]
async fn n79_an_issuer_gives_only_roles_that_the_application_lists() {
    let w = world().await;
    let mut settings = w.home.application.settings.clone();
    settings.assertion_roles = Some(["user".to_owned()].into_iter().collect());
    let (permit, id) = (w.home_permit(), w.home.application.id);
    w.authority.configure_application(&w.ctx(), &permit, id, settings, vec![]).await.unwrap();
    for role in ["owner", "agent", "supervisor"] {
        let claims = json!({ "_id": "ext-1", "role": role, "email": "new@example.org" });
        assert_eq!(outcome(&w.assert(&w.assertion(&w.home, claims)).await), "forbidden", "{role}");
    }
    let claims = json!({ "_id": "ext-1", "role": "user" });
    assert_eq!(outcome(&w.assert(&w.assertion(&w.home, claims)).await), "accepted");
}

#[tokio::test]
async fn n79_an_address_that_an_issuer_states_is_not_proved_by_it() {
    let w = world().await;
    let claims = json!({ "_id": "ext-1", "role": "owner", "email": "New@example.org", "firstname": "New" });
    let who = w.assert(&w.assertion(&w.home, claims)).await.unwrap();
    assert_eq!(who.identity.kind, IdentityKind::Member);
    let held = w.authority.identifiers(who.identity.id).await.unwrap();
    assert_eq!(held[0].identifier, Identifier::email("new@example.org"));
    assert_eq!(held[0].verified_at, None);
}

#[tokio::test]
async fn n99_an_imported_hash_that_is_malformed_or_too_dear_is_refused() {
    let w = world().await;
    let ann = w.member("ann").await;
    for hash in [
        "",
        "plain text",
        "$2b$10$\u{e9}bcdefghijklmnopqrstuuI2Mp1bRgukmtv/LwqhmSmKEKyCfD6Om",
        "$2b$31$abcdefghijklmnopqrstuuI2Mp1bRgukmtv/LwqhmSmKEKyCfD6Om",
        "$argon2id$v=19$m=4194304,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$aS6I+4tpWl/kdfNECiLEg9IDeijzXAxqNNN46eAZTTI",
        "$scrypt$ln=30,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$N79cEwtq1IelNcUBDpcUDL3yIxnXtLDcqrlMMadBqTM",
        "$pbkdf2-sha256$i=4000000000$AAECAwQFBgcICQoLDA0ODw$UJQQR9LE8/t3UX2iquZgRuk4IkBkc8XrrIJk30qmiv0",
    ] {
        let imported = w.authority.import_password(&w.ctx(), &w.home_permit(), ann.identity.id, hash).await;
        assert_eq!(outcome(&imported), "invalid", "{hash}");
    }
    assert_eq!(signs_in(&w, &ann, PASSWORD).await, "accepted");
}

#[tokio::test]
async fn a_reference_to_nothing_is_not_found() {
    let w = world().await;
    let nowhere = ProjectRef::Alias { scheme: "test:application", value: "none".to_owned() };
    let mut wanted = w.registration(&w.home, "ann");
    wanted.project = nowhere;
    assert_eq!(outcome(&w.authority.register(&w.ctx(), wanted).await), "not_found");
}
