//! A provider's token shown with each request: it is the credential of one session, and its provider is asked now and then.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ringfence_core::{
    application::{ApplicationSettings, WayIn},
    authority::{Authenticated, Authority, PresentedCredential},
    error::AuthError,
    federation::{FederatedSubject, IdentityProvider, ProviderToken, Providers},
    identity::Profile,
    ids::SessionId,
    project::{ProjectPolicy, ProjectRef},
    secret::RawToken,
    session::SessionsOf,
    testing::{CredulousProvider, World, outcome},
    time::{Clock as _, Timestamp},
};
use serde_json::{Value, json};

/// A provider that counts how often it is asked and whose tokens may end.
#[derive(Default)]
struct Counting {
    asked: AtomicU64,
    ends: Option<Timestamp>,
    issued: Option<Timestamp>,
}

#[async_trait]
impl IdentityProvider for Counting {
    async fn judge(
        &self,
        settings: &Value,
        shown: &ProviderToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let known = CredulousProvider.judge(settings, shown, now).await?;
        Ok(FederatedSubject { issued_at: self.issued, expires_at: self.ends, ..known })
    }
}

struct Case {
    world: World,
    node: Authority,
    provider: Arc<Counting>,
}

impl Case {
    async fn new() -> Self {
        Self::with(|_| Counting::default()).await
    }

    async fn with(provider: impl FnOnce(Timestamp) -> Counting) -> Self {
        let world = support::world().await;
        world.authority.configure_project(&world.ctx(), &world.home_permit(), policy("app-1")).await.unwrap();
        world.trail().await;
        let provider = Arc::new(provider(world.clock.now()));
        let node = Arc::into_inner(world.node()).unwrap();
        let node = node.with_providers(Providers::default().with("credulous", Arc::clone(&provider) as _));
        Self { world, node, provider }
    }

    async fn shows_at(&self, project: ProjectRef, token: &str) -> Result<Authenticated, AuthError> {
        let shown = ProviderToken { token: RawToken::new(token), nonce: None };
        let presented = PresentedCredential::Federated { project, provider: "credulous", shown };
        self.node.authenticate(&self.world.ctx(), presented).await
    }

    async fn shows(&self, token: &str) -> Result<Authenticated, AuthError> {
        self.shows_at(self.world.home.reference(), token).await
    }

    fn asked(&self) -> u64 {
        self.provider.asked.load(Ordering::SeqCst)
    }
}

fn policy(app: &str) -> ProjectPolicy {
    let mut policy = ProjectPolicy::default();
    policy.federation.insert("credulous".to_owned(), json!({ "app_id": app }));
    policy
}

fn session(who: &Authenticated) -> SessionId {
    who.session.as_ref().unwrap().id
}

#[tokio::test]
async fn the_same_token_is_the_same_session_and_writes_once() {
    let t = Case::new().await;
    let first = t.shows("app-1 fay").await.unwrap();
    assert_eq!(t.world.trail().await, ["identity identity.registered identity", "identity session.started session"]);
    for _ in 0..5 {
        assert_eq!(session(&t.shows("app-1 fay").await.unwrap()), session(&first));
    }
    assert!(t.world.trail().await.is_empty());
    assert_eq!(t.asked(), 1);
    let other = t.shows("app-1 fay fay@example.org").await.unwrap();
    assert_eq!(other.identity.id, first.identity.id);
    assert_ne!(session(&other), session(&first));
}

#[tokio::test]
async fn the_provider_is_asked_again_after_a_minute_and_may_have_changed_its_mind() {
    let t = Case::new().await;
    let first = t.shows("app-1 fay").await.unwrap();
    t.world.clock.advance(Duration::from_secs(59));
    t.shows("app-1 fay").await.unwrap();
    assert_eq!(t.asked(), 1);
    t.world.clock.advance(Duration::from_secs(1));
    assert_eq!(session(&t.shows("app-1 fay").await.unwrap()), session(&first));
    assert_eq!(t.asked(), 2);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let t = Case::new().await;
    for asked in 1..=3 {
        assert_eq!(outcome(&t.shows("app-2 fay").await), "token_audience");
        assert_eq!(t.asked(), asked);
    }
    assert!(t.world.trail().await.is_empty());
}

#[tokio::test]
async fn what_the_project_says_of_the_provider_counts_at_once() {
    let t = Case::new().await;
    t.shows("app-1 fay").await.unwrap();
    let (ctx, permit) = (t.world.ctx(), t.world.home_permit());
    t.node.configure_project(&ctx, &permit, policy("app-9")).await.unwrap();
    assert_eq!(outcome(&t.shows("app-1 fay").await), "token_audience");
    t.node.configure_project(&ctx, &permit, ProjectPolicy::default()).await.unwrap();
    assert_eq!(outcome(&t.shows("app-1 fay").await), "not_supported");
}

#[tokio::test]
async fn a_token_dies_at_its_end_even_while_it_is_remembered() {
    let t = Case::with(|now| Counting { ends: Some(now + Duration::from_secs(30)), ..Counting::default() }).await;
    let who = t.shows("app-1 fay").await.unwrap();
    assert_eq!(who.session.unwrap().expires_at, t.world.clock.now() + Duration::from_secs(30));
    t.world.clock.advance(Duration::from_secs(30));
    assert_eq!(outcome(&t.shows("app-1 fay").await), "token_expired");
}

#[tokio::test]
async fn the_sign_in_is_as_old_as_the_token() {
    let ago = Duration::from_mins(40);
    let t = Case::with(|now| Counting { issued: Some(now - ago), ..Counting::default() }).await;
    let who = t.shows("app-1 fay").await.unwrap();
    assert_eq!(who.session.unwrap().auth_time, t.world.clock.now() - ago);
    let t = Case::with(|now| Counting { issued: Some(now + ago), ..Counting::default() }).await;
    assert_eq!(t.shows("app-1 fay").await.unwrap().session.unwrap().auth_time, t.world.clock.now());
}

#[tokio::test]
async fn ending_its_session_ends_the_token_and_nobody_elses() {
    let t = Case::new().await;
    let (fay, gil) = (t.shows("app-1 fay").await.unwrap(), t.shows("app-1 gil").await.unwrap());
    let (ctx, permit) = (t.world.ctx(), t.world.home_permit());
    t.node.revoke_sessions(&ctx, &permit, SessionsOf::Session(session(&fay))).await.unwrap();
    assert_eq!(outcome(&t.shows("app-1 fay").await), "session_revoked");
    t.world.clock.advance(Duration::from_hours(24 * 30));
    t.node.sweep().await.unwrap();
    assert_eq!(outcome(&t.shows("app-1 fay").await), "session_revoked");
    assert_eq!(t.shows("app-1 gil").await.unwrap().identity.id, gil.identity.id);
}

#[tokio::test]
async fn a_token_is_another_session_in_each_place() {
    let t = Case::new().await;
    let other = t.world.application(&t.world.home, "other").await;
    let here = t.shows("app-1 fay").await.unwrap();
    let there = t.shows_at(other.reference(), "app-1 fay").await.unwrap();
    let mount = t.shows_at(ProjectRef::Name(t.world.home.project.name.clone()), "app-1 fay").await.unwrap();
    assert_eq!([there.identity.id, mount.identity.id], [here.identity.id; 2]);
    let sessions: BTreeSet<_> = [&here, &there, &mount].map(session).into_iter().map(|id| id.to_string()).collect();
    assert_eq!(sessions.len(), 3);
    assert!(mount.application.is_none());
    assert_eq!(there.application.unwrap().id, other.application.id);
}

#[tokio::test]
async fn a_remembered_token_meets_every_state() {
    for state in ["suspended", "erased", "project", "application", "way"] {
        let t = Case::new().await;
        let who = t.shows("app-1 fay").await.unwrap().identity.id;
        let (ctx, permit) = (t.world.ctx(), t.world.home_permit());
        let expected = match state {
            "suspended" => {
                t.node.suspend_identity(&ctx, &permit, who, true).await.unwrap();
                "identity_suspended"
            }
            "erased" => {
                t.node.erase_identity(&ctx, &permit, who).await.unwrap();
                "identity_suspended"
            }
            "project" => {
                t.node.disable_project(&ctx, &permit, true).await.unwrap();
                "disabled"
            }
            "application" => {
                t.node.disable_application(&ctx, &permit, t.world.home.application.id, true).await.unwrap();
                "disabled"
            }
            _ => {
                let sign_in: BTreeSet<_> = [WayIn::Password].into_iter().collect();
                let settings = ApplicationSettings { sign_in, ..ApplicationSettings::default() };
                let application = t.world.home.application.id;
                t.node.configure_application(&ctx, &permit, application, settings, vec![]).await.unwrap();
                "not_supported"
            }
        };
        assert_eq!(outcome(&t.shows("app-1 fay").await), expected, "{state}");
    }
}

#[tokio::test]
async fn many_first_requests_at_once_make_one_session() {
    let t = Arc::new(Case::new().await);
    let requests = (0..8).map(|_| {
        let t = Arc::clone(&t);
        tokio::spawn(async move { session(&t.shows("app-1 fay").await.unwrap()) })
    });
    let mut seen = BTreeSet::new();
    for request in requests.collect::<Vec<_>>() {
        seen.insert(request.await.unwrap().to_string());
    }
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn n13_the_name_of_one_provider_says_nothing_at_another() {
    let t = Case::new().await;
    let mut both = policy("app-1");
    both.federation.insert("second".to_owned(), json!({ "app_id": "app-1" }));
    t.node.configure_project(&t.world.ctx(), &t.world.home_permit(), both).await.unwrap();
    let node = Arc::into_inner(t.world.node()).unwrap();
    let node = node.with_providers(Providers::default().with("second", Arc::new(CredulousProvider)));
    let fay = t.shows("app-1 fay").await.unwrap();
    let shown = ProviderToken { token: RawToken::new("app-1 fay"), nonce: None };
    let project = t.world.home.reference();
    let presented = PresentedCredential::Federated { project, provider: "second", shown };
    let other = node.authenticate(&t.world.ctx(), presented).await.unwrap();
    assert_ne!(other.identity.id, fay.identity.id);
    assert_eq!(other.identity.profile, Profile { given_name: Some("Fay".to_owned()), ..Profile::default() });
}
