//! The caller's own account and what they may see of others.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::time::Duration;

use ringfence_core::{
    authority::{AccountChange, Authenticated, LinkTemplate, NewEmail},
    mail::Message,
    project::{EmailChange, ProjectPolicy, ProjectRef},
    secret::RawToken,
    testing::{Member, PASSWORD, World, outcome},
};

fn new_address(address: &str) -> AccountChange {
    let link = LinkTemplate("https://link.test/".to_owned());
    AccountChange { email: Some(NewEmail { address: address.to_owned(), link }), ..AccountChange::default() }
}

async fn addresses(world: &World, who: &Authenticated) -> Vec<(String, bool)> {
    let held = world.authority.identifiers(who.identity.id).await.unwrap().into_iter();
    held.map(|held| (held.identifier.value().to_owned(), held.verified_at.is_some())).collect()
}

fn secret_in(message: &Message) -> RawToken {
    let (Message::VerifyEmail { link, .. } | Message::PasswordReset { link, .. }) = message else {
        panic!("{message:?} has no link")
    };
    RawToken::new(link.strip_prefix("https://link.test/").unwrap())
}

async fn ask_for_reset(world: &World, member: &Member) {
    let (ctx, link) = (world.ctx(), LinkTemplate("https://link.test/".to_owned()));
    world.authority.request_password_reset(&ctx, world.home.reference(), &member.email, link).await.unwrap();
}

async fn verified_only(world: &World) {
    let policy = ProjectPolicy { email_change: EmailChange::Verified, ..world.home.project.policy.clone() };
    world.authority.configure_project(&world.ctx(), &world.home_permit(), policy).await.unwrap();
}

#[tokio::test]
async fn n101_an_address_changes_at_once_and_the_old_one_is_told() {
    let world = support::world().await;
    let ann = world.member("ann").await;
    let who = world.sign_in(&ann).await;
    let mails = world.mailer.delivered().len();
    world.authority.change_account(&world.ctx(), &who, new_address("ann@new.example")).await.unwrap();
    assert_eq!(addresses(&world, &who).await, [("ann@new.example".to_owned(), false)]);
    let told = world.mailer.nth(mails + 1).await;
    assert_eq!((told.to.as_str(), format!("{:?}", told.message).as_str()), ("ann@example.org", "EmailChanged"));
    let proof = world.mailer.nth(mails + 2).await;
    assert_eq!(proof.to, "ann@new.example");
    world.authority.confirm_email(&world.ctx(), who.identity.id, &secret_in(&proof.message)).await.unwrap();
    assert_eq!(addresses(&world, &who).await, [("ann@new.example".to_owned(), true)]);
    // Signing in goes by the new address.
    assert_eq!(outcome(&world.authority.sign_in(&world.ctx(), ann.shows(PASSWORD)).await), "invalid_credentials");
    let moved = Member { email: "ann@new.example".to_owned(), ..ann };
    assert_eq!(outcome(&world.authority.sign_in(&world.ctx(), moved.shows(PASSWORD)).await), "accepted");
}

#[tokio::test]
async fn where_the_project_asks_for_it_an_address_changes_when_its_link_was_used() {
    let world = support::world().await;
    verified_only(&world).await;
    let who = world.sign_in(&world.member("ann").await).await;
    world.authority.change_account(&world.ctx(), &who, new_address("ann@new.example")).await.unwrap();
    assert_eq!(addresses(&world, &who).await, [("ann@example.org".to_owned(), false)]);
    let proof = world.mailer.nth(1).await;
    let secret = secret_in(&proof.message);
    let bob = world.member("bob").await;
    let stolen = world.authority.confirm_email(&world.ctx(), bob.identity.id, &secret).await;
    assert_eq!(outcome(&stolen), "verification_invalid");
    world.authority.confirm_email(&world.ctx(), who.identity.id, &secret).await.unwrap();
    assert_eq!(addresses(&world, &who).await, [("ann@new.example".to_owned(), true)]);
    let again = world.authority.confirm_email(&world.ctx(), who.identity.id, &secret).await;
    assert_eq!(outcome(&again), "verification_invalid");
}

#[tokio::test]
async fn n78_an_old_session_cannot_change_the_address() {
    let world = support::world().await;
    let who = world.sign_in(&world.member("ann").await).await;
    world.clock.advance(Duration::from_mins(15) + Duration::from_millis(1));
    let ctx = world.ctx();
    let stale = world.authority.change_account(&ctx, &who, new_address("thief@evil.example")).await;
    assert_eq!(outcome(&stale), "step_up_required");
    // The present address, spelt otherwise, is no change.
    let same = world.authority.change_account(&ctx, &who, new_address(" ANN@example.org")).await;
    assert_eq!(outcome(&same), "accepted");
    assert_eq!(addresses(&world, &who).await, [("ann@example.org".to_owned(), false)]);
}

#[tokio::test]
async fn a_taken_address_changes_nothing_at_all() {
    let world = support::world().await;
    world.member("bob").await;
    let who = world.sign_in(&world.member("ann").await).await;
    let mut change = new_address("bob@example.org");
    change.profile.nickname = Some(Some("Bob".to_owned()));
    assert_eq!(outcome(&world.authority.change_account(&world.ctx(), &who, change).await), "conflict");
    let ann = world.authority.identity(&world.home_permit(), who.identity.id).await.unwrap();
    assert_eq!(ann.profile.nickname, None);
    assert_eq!(addresses(&world, &who).await, [("ann@example.org".to_owned(), false)]);
}

#[tokio::test]
async fn a_new_password_ends_a_pending_change_of_address() {
    let world = support::world().await;
    verified_only(&world).await;
    let ann = world.member("ann").await;
    let who = world.sign_in(&ann).await;
    world.authority.change_account(&world.ctx(), &who, new_address("thief@evil.example")).await.unwrap();
    let pending = secret_in(&world.mailer.nth(1).await.message);
    ask_for_reset(&world, &ann).await;
    let reset = secret_in(&world.mailer.nth(2).await.message);
    let new = ringfence_core::secret::Password::new("seven quiet lanterns");
    world.authority.reset_password(&world.ctx(), world.home.reference(), &reset, new).await.unwrap();
    let late = world.authority.confirm_email(&world.ctx(), who.identity.id, &pending).await;
    assert_eq!(outcome(&late), "verification_invalid");
}

#[tokio::test]
async fn n100_a_credential_is_good_for_applications_of_its_project_only() {
    let world = support::world().await;
    let who = world.sign_in(&world.member("ann").await).await;
    let (sister, foreign) = (world.application(&world.home, "sister").await, world.place("other").await);
    let (external, _) = world.external("u1").await;
    let names = |who: &Authenticated, place: &ringfence_core::testing::Place| {
        let (authority, who, reference) = (world.authority.clone(), who.clone(), place.reference());
        async move { outcome(&authority.application_for(&who, reference).await) }
    };
    assert_eq!(names(&who, &world.home).await, "accepted");
    assert_eq!(names(&who, &sister).await, "accepted");
    assert_eq!(names(&who, &foreign).await, "app_mismatch");
    assert_eq!(names(&external, &world.home).await, "accepted");
    assert_eq!(names(&external, &sister).await, "app_mismatch");
    let unknown = ProjectRef::Alias { scheme: "test:application", value: "none".to_owned() };
    assert_eq!(outcome(&world.authority.application_for(&who, unknown).await), "app_mismatch");
}

#[tokio::test]
async fn n89_people_see_themselves_and_whom_they_administer() {
    let world = support::world().await;
    let (ann, bob, eve) = (world.member("ann").await, world.member("bob").await, world.member("eve").await);
    let far = world.member_of(&world.place("other").await, "far").await;
    world.give_role(&ann, "admin").await;
    world.give_role(&bob, "user").await;
    let who = world.sign_in(&ann).await;
    let needed = World::needs("admin");
    let sees = |who: &Authenticated, of: &Member| {
        let (authority, who, id) = (world.authority.clone(), who.clone(), of.identity.id);
        async move { outcome(&authority.person(&who, id, needed).await) }
    };
    assert_eq!(sees(&who, &ann).await, "accepted");
    assert_eq!(sees(&who, &bob).await, "accepted");
    assert_eq!(sees(&who, &eve).await, "forbidden", "she has no place in the application");
    assert_eq!(sees(&who, &far).await, "not_found", "another project is as good as none");
    assert_eq!(sees(&world.sign_in(&bob).await, &ann).await, "forbidden");

    let people = |who: &Authenticated| {
        let (authority, who, home) = (world.authority.clone(), who.clone(), world.home.reference());
        async move {
            let page = authority.people(&who, home, needed, 0, 10).await;
            page.map(|page| (page.people.iter().map(|p| p.identity.id).collect::<Vec<_>>(), page.total))
        }
    };
    let mut own = vec![ann.identity.id, bob.identity.id];
    own.sort();
    assert_eq!(people(&who).await.unwrap(), (own, 2));
    assert_eq!(outcome(&people(&world.sign_in(&bob).await).await), "forbidden");
    assert_eq!(outcome(&people(&world.sign_in(&eve).await).await), "forbidden");
}
