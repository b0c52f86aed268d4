//! Projects: made, configured, switched off; what guests may reach.

use ringfence_core::{
    authority::ProjectRequest,
    caller::{Caller, Scope},
    event::SecurityEvent,
    ids::ProjectId,
    password::PasswordPolicy,
    project::{ProjectPolicy, Span, TokenPolicy},
    testing::outcome,
    time::Clock as _,
};

use crate::support::world;

fn request(name: &str) -> ProjectRequest {
    ProjectRequest { name: name.to_owned(), policy: ProjectPolicy::default() }
}

#[tokio::test]
async fn a_project_is_made_once_and_found_by_its_name() {
    let w = world().await;
    let made = w.authority.create_project(&w.ctx(), &w.installation(), request("other")).await.unwrap();
    assert_eq!(w.authority.project_by_name("other").await.unwrap(), made);
    let entries = w.audited(made.id).await;
    assert_eq!((entries.len(), entries[0].action.as_str()), (1, "project.created"));
    let again = w.authority.create_project(&w.ctx(), &w.installation(), request("other")).await;
    assert_eq!(outcome(&again), "conflict");
    assert_eq!(outcome(&w.authority.project_by_name("none").await), "not_found");
    let all = w.authority.projects(&w.installation_view(), None, 10).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(w.authority.projects(&w.installation_view(), Some(all[0].id), 10).await.unwrap(), all[1..]);
}

#[tokio::test]
async fn a_name_has_one_to_two_hundred_characters() {
    let w = world().await;
    for (name, code) in
        [("", "invalid"), ("  ", "invalid"), (&"x".repeat(201), "invalid"), (&"ü".repeat(200), "accepted")]
    {
        let made = w.authority.create_project(&w.ctx(), &w.installation(), request(name)).await;
        assert_eq!(outcome(&made), code, "{name}");
    }
}

#[tokio::test]
async fn only_the_operator_acts_on_the_installation() {
    let w = world().await;
    let key = w.api_key(&[Scope::All]).await.value;
    let presented = ringfence_core::authority::PresentedCredential::ApiKey(key);
    let who = w.authority.authenticate(&w.ctx(), presented).await.unwrap();
    assert!(who.caller().permit_installation().is_err());
    assert!(Caller::Operator.permit_installation().is_ok());
}

#[tokio::test]
async fn what_a_project_configures_counts_at_once() {
    let w = world().await;
    let ann = w.member("ann").await;
    let token = w.token(&w.sign_in(&ann).await).await;
    w.bearer(&token).await.unwrap();
    w.trail().await;
    w.bus.take();
    let policy = ProjectPolicy {
        password: PasswordPolicy { min_length: 15 },
        tokens: TokenPolicy { access: Span::hours(1), refresh: Span::hours(2), ..TokenPolicy::default() },
        ..ProjectPolicy::default()
    };
    let permit = w.home_permit();
    let configured = w.authority.configure_project(&w.ctx(), &permit, policy.clone()).await.unwrap();
    assert_eq!((&configured.policy, configured.updated_at), (&policy, w.clock.now()));
    assert_eq!(w.authority.project(&permit).await.unwrap(), configured);
    assert_eq!(w.trail().await, ["operator project.configured project"]);
    assert_eq!(w.bus.take(), [SecurityEvent::ProjectChanged(w.home.project.id)]);
    assert_eq!(w.bearer(&token).await.unwrap().project.policy, policy, "no stale copy is shown");
    let mut wanted = w.registration(&w.home, "bob");
    wanted.password = ringfence_core::secret::Password::new("fourteen chars");
    assert_eq!(outcome(&w.authority.register(&w.ctx(), wanted).await), "invalid");
    let session = w.sign_in(&ann).await.session.unwrap();
    assert_eq!(session.expires_at, w.clock.now() + Span::hours(1).duration());
}

#[tokio::test]
async fn a_disabled_project_loses_its_sessions_for_good() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    let token = w.token(&who).await;
    w.trail().await;
    w.bus.take();
    let permit = w.home_permit();
    let disabled = w.authority.disable_project(&w.ctx(), &permit, true).await.unwrap();
    assert_eq!(disabled.disabled_at, Some(w.clock.now()));
    assert_eq!(w.trail().await, ["operator project.disabled project"]);
    let revoked = SecurityEvent::SessionRevoked(who.session.as_ref().unwrap().id);
    assert_eq!(w.bus.take(), [revoked, SecurityEvent::ProjectChanged(w.home.project.id)]);
    assert_eq!(outcome(&w.bearer(&token).await), "disabled");
    let enabled = w.authority.disable_project(&w.ctx(), &permit, false).await.unwrap();
    assert_eq!(enabled.disabled_at, None);
    assert_eq!(w.trail().await, ["operator project.enabled project"]);
    assert_eq!(outcome(&w.bearer(&token).await), "session_revoked");
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), ann.shows(ringfence_core::testing::PASSWORD)).await), "accepted");
}

#[tokio::test]
async fn the_installation_is_no_project_that_could_be_changed() {
    let w = world().await;
    let permit = w.permit(ProjectId::INSTALLATION);
    assert_eq!(outcome(&w.authority.disable_project(&w.ctx(), &permit, true).await), "not_found");
}

#[tokio::test]
async fn guest_targets_are_added_once_and_listed() {
    let w = world().await;
    let permit = w.home_permit();
    let add = async |kind: &str, name: &str| {
        w.authority.add_guest_target(&w.ctx(), &permit, kind.to_owned(), name.to_owned()).await
    };
    let one = add("assistant", "a-1").await.unwrap();
    assert_eq!(w.trail().await, ["operator guest_target.created guest_target"]);
    assert_eq!(outcome(&add("assistant", "a-1").await), "conflict");
    let two = add("room", "a-1").await.unwrap();
    let mut listed = w.authority.guest_targets(&permit).await.unwrap();
    listed.sort_by(|a, b| a.kind.cmp(&b.kind));
    assert_eq!(listed, [one, two]);
}

#[tokio::test]
async fn a_guest_target_is_removed_also_while_guests_are_there() {
    let w = world().await;
    let permit = w.home_permit();
    let (kind, name) = ("assistant".to_owned(), "a-1".to_owned());
    let target = w.authority.add_guest_target(&w.ctx(), &permit, kind, name).await.unwrap();
    let visit = ringfence_core::authority::PresentedCredential::Guest {
        project: w.home.reference(),
        profile: ringfence_core::identity::Profile::default(),
        attributes: serde_json::Map::new(),
        target: Some(("assistant".to_owned(), "a-1".to_owned())),
        ticket: None,
    };
    let guest = w.authority.sign_in(&w.ctx(), visit).await.unwrap();
    let token = w.token(&guest).await;
    w.trail().await;
    w.authority.remove_guest_target(&w.ctx(), &permit, target.id).await.unwrap();
    assert_eq!(w.trail().await, ["operator guest_target.removed guest_target"]);
    assert_eq!(w.authority.guest_targets(&permit).await.unwrap(), []);
    assert_eq!(outcome(&w.authority.remove_guest_target(&w.ctx(), &permit, target.id).await), "not_found");
    assert_eq!(outcome(&w.bearer(&token).await), "accepted");
}
