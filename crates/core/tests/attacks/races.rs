//! N96 without `kill -9`: sixteen at once, and nothing is spent twice, lost or announced twice.

use std::{collections::BTreeSet, sync::Arc};

use ringfence_core::{
    authority::{Authenticated, Authority, InvitationRequest, Invited, LinkTemplate, ProjectRequest},
    caller::{Caller, Scope},
    error::AuthError,
    event::SecurityEvent,
    project::ProjectPolicy,
    secret::Password,
    session::SessionsOf,
    testing::{ASSERTIONS, Member, PASSWORD, World, outcome},
};
use serde_json::{Map, json};
use tokio::task::JoinSet;

use super::throttling::mailed_secret;
use crate::support::world;

const RACERS: usize = 16;

/// Runs what `racer` makes for each number, all at once on the threads there are.
async fn race<T, F>(mut racer: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    (0..RACERS).map(&mut racer).collect::<JoinSet<_>>().join_all().await
}

fn count<T>(answers: &[Result<T, AuthError>], code: &str) -> usize {
    answers.iter().filter(|answer| outcome(answer) == code).count()
}

/// Every second racer is on another node.
fn nodes(w: &World) -> impl FnMut(usize) -> Arc<Authority> {
    let both = [Arc::clone(&w.authority), w.node()];
    move |number| Arc::clone(&both[number % 2])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_one_reset_secret_sets_one_password() {
    let w = world().await;
    let ann = w.member("ann").await;
    let link = LinkTemplate("https://example.org/reset/{token}".to_owned());
    w.authority.request_password_reset(&w.ctx(), w.home.reference(), &ann.email, link).await.unwrap();
    let (secret, ctx, mut node) = (mailed_secret(&w, 1).await, w.ctx(), nodes(&w));
    let answers = race(|number| {
        let (at, ctx, secret, home) = (node(number), ctx.clone(), secret.clone(), w.home.reference());
        async move { at.reset_password(&ctx, home, &secret, Password::new(format!("new password {number}"))).await }
    })
    .await;
    assert_eq!((count(&answers, "accepted"), count(&answers, "verification_invalid")), (1, RACERS - 1));
    let mut good = 0;
    for number in 0..RACERS {
        w.clock.advance(std::time::Duration::from_hours(1));
        let shown = ann.shows(&format!("new password {number}"));
        good += usize::from(w.authority.sign_in(&w.ctx(), shown).await.is_ok());
    }
    assert_eq!(good, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_one_verification_proves_one_address_once() {
    let w = world().await;
    let mut wanted = w.registration(&w.home, "ann");
    wanted.verify = Some(LinkTemplate("https://example.org/verify/{token}".to_owned()));
    let ann = w.authority.register(&w.ctx(), wanted).await.unwrap();
    let (secret, ctx, mut node) = (mailed_secret(&w, 1).await, w.ctx(), nodes(&w));
    let answers = race(|number| {
        let (at, ctx, secret) = (node(number), ctx.clone(), secret.clone());
        async move { at.verify_email(&ctx, ann.id, &secret).await }
    })
    .await;
    assert_eq!((count(&answers, "accepted"), count(&answers, "verification_invalid")), (1, RACERS - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_one_address_becomes_one_account_and_its_invitation_one_membership() {
    let w = world().await;
    let boss = w.member("boss").await;
    w.give_role(&boss, "owner").await;
    let boss = w.sign_in(&boss).await;
    invite(&w.authority, &w, &boss).await.unwrap();
    let (ctx, mut node) = (w.ctx(), nodes(&w));
    let answers = race(|number| {
        let (at, ctx, wanted) = (node(number), ctx.clone(), w.registration(&w.home, "new"));
        async move { at.register(&ctx, wanted).await }
    })
    .await;
    assert_eq!((count(&answers, "accepted"), count(&answers, "conflict")), (1, RACERS - 1));
    let identity = answers.into_iter().find_map(Result::ok).unwrap();
    let new = Member { identity, email: "new@example.org".to_owned(), application: w.home.application.id };
    let new = w.sign_in(&new).await;
    let memberships = w.authority.memberships(&new).await.unwrap();
    assert_eq!(memberships.iter().map(|(membership, _)| &*membership.role).collect::<Vec<_>>(), ["agent"]);
    let trail = w.trail().await;
    assert_eq!(trail.iter().filter(|line| line.contains("invitation.accepted")).count(), 1);
    assert_eq!(trail.iter().filter(|line| line.contains("identity.registered")).count(), 2);
}

async fn invite(at: &Authority, w: &World, who: &Authenticated) -> Result<Invited, AuthError> {
    let wanted = InvitationRequest {
        email: "new@example.org".to_owned(),
        role: "agent".to_owned(),
        attributes: Map::new(),
        link: LinkTemplate("https://example.org/join/{invitation}".to_owned()),
    };
    at.invite(&w.ctx(), who, w.home.reference(), World::needs("admin"), wanted).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_one_address_is_invited_once_and_mailed_once() {
    let w = Arc::new(world().await);
    let boss = w.member("boss").await;
    w.give_role(&boss, "owner").await;
    let (boss, mut node) = (w.sign_in(&boss).await, nodes(&w));
    let answers = race(|number| {
        let (at, w, boss) = (node(number), Arc::clone(&w), boss.clone());
        async move { invite(&at, &w, &boss).await.unwrap() }
    })
    .await;
    let fresh = answers.iter().filter(|invited| matches!(invited, Invited::Pending(_))).count();
    let waiting = answers.iter().filter(|invited| matches!(invited, Invited::AlreadyPending(_))).count();
    assert_eq!((fresh, waiting), (1, RACERS - 1));
    w.mailer.nth(1).await;
    assert_eq!(w.mailer.delivered().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_one_assertion_starts_one_session() {
    let w = world().await;
    let jwt = w.assertion(&w.home, json!({ "_id": "ext-1" }));
    let (ctx, mut node) = (w.ctx(), nodes(&w));
    let answers = race(|number| {
        let (at, ctx, shown) = (node(number), ctx.clone(), World::asserts(&w.home, &jwt));
        async move { at.authenticate(&ctx, shown).await.unwrap() }
    })
    .await;
    let sessions: BTreeSet<_> = answers.iter().map(|who| who.session.as_ref().unwrap().id).collect();
    let identities: BTreeSet<_> = answers.iter().map(|who| who.identity.id).collect();
    assert_eq!((sessions.len(), identities.len()), (1, 1));
    assert_eq!(w.trail().await, ["identity session.started session"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_assertions_of_one_new_subject_make_one_identity() {
    let w = world().await;
    let (ctx, mut node) = (w.ctx(), nodes(&w));
    let answers = race(|number| {
        let jwt = w.assertion(&w.home, json!({ "_id": "ext-1", "jti": number }));
        let (at, ctx, shown) = (node(number), ctx.clone(), World::asserts(&w.home, &jwt));
        async move { at.authenticate(&ctx, shown).await.unwrap() }
    })
    .await;
    let sessions: BTreeSet<_> = answers.iter().map(|who| who.session.as_ref().unwrap().id).collect();
    let identities: BTreeSet<_> = answers.iter().map(|who| who.identity.id).collect();
    assert_eq!((sessions.len(), identities.len()), (RACERS, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_what_an_issuer_signed_ends_with_it_also_what_is_on_its_way() {
    let w = world().await;
    let boss = w.member("boss").await;
    w.give_role(&boss, "owner").await;
    let boss = w.sign_in(&boss).await;
    let tokens: Vec<_> =
        (0..RACERS).map(|number| w.assertion(&w.home, json!({ "_id": "ext-1", "jti": number }))).collect();
    let (ctx, mut node) = (w.ctx(), nodes(&w));
    race(|number| {
        let (at, ctx, home, boss) = (node(number), ctx.clone(), w.home.clone(), boss.clone());
        let shown = World::asserts(&home, &tokens[number]);
        async move {
            if number == RACERS / 2 {
                let needs = World::needs("owner");
                drop(at.replace_issuers(&ctx, &boss, home.reference(), needs, &ASSERTIONS).await.unwrap());
            }
            drop(at.authenticate(&ctx, shown).await);
        }
    })
    .await;
    // A node that starts now knows nothing but the store.
    let fresh = w.node();
    for jwt in &tokens {
        let code = outcome(&fresh.authenticate(&w.ctx(), World::asserts(&w.home, jwt)).await);
        assert!(["session_revoked", "token_signature"].contains(&code), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_one_present_password_is_changed_once() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (who, ctx, mut node) = (w.sign_in(&ann).await, w.ctx(), nodes(&w));
    let answers = race(|number| {
        let (at, ctx, who) = (node(number), ctx.clone(), who.clone());
        let new = Password::new(format!("new password {number}"));
        async move { at.change_password(&ctx, &who, Password::new(PASSWORD), new).await }
    })
    .await;
    assert_eq!(count(&answers, "accepted"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_guests_who_come_at_once_are_as_many() {
    let w = world().await;
    let (ctx, mut node) = (w.ctx(), nodes(&w));
    let answers = race(|number| {
        let (at, ctx, shown) = (node(number), ctx.clone(), World::visit(&w.home));
        async move { at.sign_in(&ctx, shown).await.unwrap().identity.id }
    })
    .await;
    assert_eq!(answers.into_iter().collect::<BTreeSet<_>>().len(), RACERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_each_session_is_ended_and_announced_once() {
    let w = world().await;
    let ann = w.member("ann").await;
    let mut open = BTreeSet::new();
    for _ in 0..4 {
        open.insert(w.sign_in(&ann).await.session.unwrap().id);
    }
    w.bus.take();
    let (ctx, permit, mut node) = (w.ctx(), w.home_permit(), nodes(&w));
    let ended = race(|number| {
        let (at, ctx, permit) = (node(number), ctx.clone(), permit.clone());
        let of = SessionsOf::Identity(ann.identity.id);
        async move { at.revoke_sessions(&ctx, &permit, of).await.unwrap() }
    })
    .await;
    let ended: Vec<_> = ended.into_iter().flatten().collect();
    assert_eq!(ended.len(), 4);
    assert_eq!(ended.into_iter().collect::<BTreeSet<_>>(), open);
    let announced = w.bus.take();
    assert_eq!(announced.len(), 4);
    assert!(announced.iter().all(|event| matches!(event, SecurityEvent::SessionRevoked(id) if open.contains(id))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_nodes_that_need_a_key_at_once_make_one() {
    let w = world().await;
    let ann = w.member("ann").await;
    let (who, mut node) = (w.sign_in_on("ec", &ann).await, nodes(&w));
    let tokens = race(|number| {
        let (at, ctx, who) = (node(number), w.ctx_on("ec"), who.clone());
        async move { at.issue_token(&ctx, &who, json!({})).await.unwrap().token }
    })
    .await;
    for token in &tokens {
        assert_eq!(outcome(&w.bearer(token).await), "accepted");
    }
    let keys = w.authority.signing_keys(&w.ctx(), &w.home_permit()).await.unwrap();
    assert_eq!(keys.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_rotating_from_two_nodes_at_once_leaves_one_key_that_signs() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in_on("ec", &ann).await;
    let token = w.token_on("ec", &who).await;
    let (ctx, permit, mut node) = (w.ctx(), w.home_permit(), nodes(&w));
    race(|number| {
        let (at, ctx, permit) = (node(number), ctx.clone(), permit.clone());
        async move { at.rotate_keys(&ctx, &permit).await.map(drop).unwrap() }
    })
    .await;
    let keys = w.authority.signing_keys(&w.ctx(), &permit).await.unwrap();
    assert_eq!(keys.iter().filter(|key| key.retired_at.is_none()).count(), 1);
    assert_eq!(outcome(&w.bearer(&token).await), "accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_one_name_is_one_project() {
    let w = world().await;
    let (ctx, mut node) = (w.ctx(), nodes(&w));
    let answers = race(|number| {
        let (at, ctx, permit) = (node(number), ctx.clone(), w.installation());
        let wanted = ProjectRequest { name: "one".to_owned(), policy: ProjectPolicy::default() };
        async move { at.create_project(&ctx, &permit, wanted).await }
    })
    .await;
    assert_eq!((count(&answers, "accepted"), count(&answers, "conflict")), (1, RACERS - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_a_key_is_revoked_once() {
    let w = world().await;
    let key = w.api_key(&[Scope::All]).await.credential.id;
    w.trail().await;
    let (ctx, mut node, project) = (w.ctx(), nodes(&w), w.home.project.id);
    race(|number| {
        let (at, ctx) = (node(number), ctx.clone());
        let permit = Caller::Operator.permit(Scope::CredentialsWrite, project).unwrap();
        async move { at.revoke_api_key(&ctx, &permit, key).await.unwrap() }
    })
    .await;
    assert_eq!(w.trail().await, ["operator api_key.revoked credential"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n96_nodes_that_link_the_audit_log_at_once_make_one_chain() {
    let w = world().await;
    for _ in 0..20 {
        w.guest().await;
    }
    let mut node = nodes(&w);
    let linked = race(|number| {
        let at = node(number);
        async move { at.link_audit().await.unwrap() }
    })
    .await;
    let total: u64 = linked.into_iter().sum();
    let verdict = w.authority.verify_audit(w.home.project.id).await.unwrap();
    let entries = i64::try_from(total).unwrap();
    assert_eq!(verdict, ringfence_core::authority::AuditVerdict::Intact(entries));
    assert!(total >= 20);
}
