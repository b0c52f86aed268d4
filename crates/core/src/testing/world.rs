//! A world to try the use cases in: one authority on a store, with a project that has an application that trusts an issuer.

#![expect(clippy::missing_panics_doc, reason = "a test stops at what it does not expect")]

use std::{
    any::Any,
    collections::HashSet,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Map, Value, json};

use super::{
    ASSERTIONS, LADDER, ManualClock, Member, MemoryMailer, PASSWORD, Place, RecordingBus, SeededEntropy,
    build::{furnish, make_place, own_ctx, parts, sign},
};
use crate::{
    audit::AuditEvent,
    authority::{
        ApiKeyRequest, Authenticated, Authority, MintedApiKey, Parts, PresentedCredential, ProjectRequest,
        Registration, RoleNeeded,
    },
    caller::{Caller, InstallationPermit, InstallationView, Permit, Scope},
    context::{Ctx, RequestId},
    error::AuthError,
    event::{SecurityEvent, Signal},
    identity::Profile,
    ids::{AuditId, MembershipId, ProjectId},
    membership::Membership,
    password::{HasherConfig, PasswordHasher},
    project::{Project, ProjectPolicy},
    seal::{KeyRing, Sealer},
    secret::{Password, RawToken},
    store::Store,
    time::Clock as _,
};

/// An authority with everything around it in the hands of the test.
pub struct World {
    /// The store.
    pub store: Store,
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// Its randomness.
    pub entropy: Arc<SeededEntropy>,
    /// What it announces.
    pub bus: Arc<RecordingBus>,
    /// What it mails.
    pub mailer: Arc<MemoryMailer>,
    /// Who hashes passwords, cheaply.
    pub hasher: PasswordHasher,
    /// Who seals secrets.
    pub sealer: Sealer,
    /// The authority.
    pub authority: Arc<Authority>,
    /// The place that everything is in unless another one is named.
    pub home: Place,
    seen: Mutex<HashSet<AuditId>>,
    requests: AtomicU64,
    held: Mutex<Vec<Box<dyn Any + Send>>>,
}

impl World {
    /// A world on an empty store.
    pub async fn start(store: Store) -> Self {
        let entropy = SeededEntropy::new(1);
        let hasher = PasswordHasher::new(HasherConfig::for_tests(), Arc::clone(&entropy) as _);
        let hasher = hasher.expect("the parameters for tests are possible");
        let sealer = Sealer::new(&KeyRing::generate(SeededEntropy::new(2).as_ref()));
        let (clock, bus, mailer) = (ManualClock::new(), Arc::default(), Arc::default());
        let parts = parts(&store, &clock, &entropy, &bus, &mailer, &hasher, &sealer);
        let authority = Arc::new(Authority::new(parts));
        let home = make_place(&authority, &own_ctx(&clock), "acme").await;
        bus.take();
        let world = Self {
            store,
            clock,
            entropy,
            bus,
            mailer,
            hasher,
            sealer,
            authority,
            home,
            seen: Mutex::default(),
            requests: AtomicU64::new(1),
            held: Mutex::default(),
        };
        world.audited(world.home.project.id).await;
        world
    }

    /// Keeps `guard` as long as the world lives: what the store needs and what cleans up after it.
    #[must_use]
    pub fn holding(self, guard: impl Any + Send) -> Self {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(guard));
        self
    }

    /// Another authority on the same store: another node, or this one after a restart. It hears what it is told.
    pub fn node(&self) -> Arc<Authority> {
        self.node_with(|_| ())
    }

    /// Another authority on the same store, made of changed parts.
    pub fn node_with(&self, change: impl FnOnce(&mut Parts)) -> Arc<Authority> {
        let mut parts =
            parts(&self.store, &self.clock, &self.entropy, &self.bus, &self.mailer, &self.hasher, &self.sealer);
        change(&mut parts);
        Arc::new(Authority::new(parts))
    }

    /// A request of now, through the face `test`.
    pub fn ctx(&self) -> Ctx {
        self.ctx_on("test")
    }

    /// A request through another face.
    pub fn ctx_on(&self, dialect: &'static str) -> Ctx {
        let request_id = RequestId(self.requests.fetch_add(1, Ordering::Relaxed));
        Ctx { request_id, dialect, ..own_ctx(&self.clock) }
    }

    /// A request from another address.
    pub fn ctx_from(&self, address: impl Into<IpAddr>) -> Ctx {
        Ctx { address: Some(address.into()), ..self.ctx() }
    }

    /// Every right in a project.
    pub fn permit(&self, project: ProjectId) -> Permit {
        Caller::Operator.permit(Scope::All, project).expect("the operator may do everything")
    }

    /// Every right in the home project.
    pub fn home_permit(&self) -> Permit {
        self.permit(self.home.project.id)
    }

    /// The right to act on the installation.
    pub fn installation(&self) -> InstallationPermit {
        Caller::Operator.permit_installation().expect("the operator may do everything")
    }

    /// The operator's right to see which projects there are.
    pub fn installation_view(&self) -> InstallationView {
        Caller::Operator.view_installation().expect("the operator may do everything")
    }

    /// Another project with an application that trusts an issuer.
    pub async fn place(&self, name: &str) -> Place {
        make_place(&self.authority, &self.ctx(), name).await
    }

    /// Another project.
    pub async fn project(&self, name: &str) -> Project {
        let wanted = ProjectRequest { name: name.to_owned(), policy: ProjectPolicy::default() };
        self.authority.create_project(&self.ctx(), &self.installation(), wanted).await.expect("the name is free")
    }

    /// Another application of a place's project, which trusts an issuer of its own.
    pub async fn application(&self, of: &Place, name: &str) -> Place {
        furnish(&self.authority, &self.ctx(), of.project.clone(), name).await
    }

    /// A member of the home project.
    pub async fn member(&self, name: &str) -> Member {
        self.member_of(&self.home, name).await
    }

    /// A member of another project.
    pub async fn member_of(&self, place: &Place, name: &str) -> Member {
        let wanted = self.registration(place, name);
        let identity = self.authority.register(&self.ctx(), wanted).await.expect("the address is free");
        Member { identity, email: format!("{name}@example.org"), application: place.application.id }
    }

    /// What somebody says to become a member.
    pub fn registration(&self, place: &Place, name: &str) -> Registration {
        Registration {
            project: place.reference(),
            email: format!("{name}@example.org"),
            password: Password::new(PASSWORD),
            profile: Profile { given_name: Some(name.to_owned()), ..Profile::default() },
            attributes: Map::new(),
            vouched: None,
            verify: None,
        }
    }

    /// A session of a member, by password.
    pub async fn sign_in(&self, member: &Member) -> Authenticated {
        self.sign_in_on("test", member).await
    }

    /// A session of a member through another face.
    pub async fn sign_in_on(&self, dialect: &'static str, member: &Member) -> Authenticated {
        let signed_in = self.authority.sign_in(&self.ctx_on(dialect), member.shows(PASSWORD)).await;
        signed_in.expect("the password is right")
    }

    /// Gives a member a role in the home application.
    pub async fn give_role(&self, to: &Member, role: &str) -> Membership {
        let (identity, now) = (to.identity.id, self.clock.now());
        let membership = Membership {
            id: MembershipId::mint(now, self.entropy.as_ref()),
            project: self.home.project.id,
            application: self.home.application.id,
            identity,
            role: role.to_owned(),
            attributes: Map::new(),
            disabled_at: None,
            created_by: identity,
            created_at: now,
            updated_at: now,
        };
        let given = membership.clone();
        self.store.write(move |tx| Ok(tx.insert_membership(&given)?)).await.expect("the store works");
        self.authority.hear(Signal::Event(SecurityEvent::MembershipChanged(identity)));
        membership
    }

    /// The role that an operation of the home application needs.
    pub const fn needs(least: &'static str) -> RoleNeeded {
        RoleNeeded { ladder: &LADDER, least }
    }

    /// An access token of the face `test` for a session.
    pub async fn token(&self, who: &Authenticated) -> RawToken {
        self.token_on("test", who).await
    }

    /// An access token of the face that the session was started through.
    pub async fn token_on(&self, dialect: &'static str, who: &Authenticated) -> RawToken {
        let issued = self.authority.issue_token(&self.ctx_on(dialect), who, json!({})).await;
        issued.expect("the session is live").token
    }

    /// A guest of the home application.
    pub async fn guest(&self) -> Authenticated {
        let signed_in = self.authority.sign_in(&self.ctx(), Self::visit(&self.home)).await;
        signed_in.expect("guests are welcome")
    }

    /// What a guest shows: nothing.
    pub fn visit(place: &Place) -> PresentedCredential {
        PresentedCredential::Guest {
            project: place.reference(),
            profile: Profile::default(),
            attributes: Map::new(),
            target: None,
            ticket: None,
        }
    }

    /// A user of the home application's issuer, and the assertion that stands for the session.
    pub async fn external(&self, subject: &str) -> (Authenticated, RawToken) {
        let jwt = self.assertion(&self.home, json!({ "_id": subject }));
        let shown = Self::asserts(&self.home, &jwt);
        (self.authority.sign_in(&self.ctx(), shown).await.expect("the assertion is good"), jwt)
    }

    /// An assertion of a place's issuer: `claims`, and where they do not say otherwise the right audience and an external user.
    pub fn assertion(&self, place: &Place, claims: Value) -> RawToken {
        let mut all = json!({ "aud": place.audience(), "sub": "userexternal", "iat": self.clock.now().seconds() });
        let (Value::Object(defaults), Value::Object(claims)) = (&mut all, claims) else {
            panic!("claims are an object")
        };
        defaults.extend(claims);
        sign(&place.secret, &all)
    }

    /// What the bearer of an assertion shows.
    pub fn asserts(place: &Place, jwt: &RawToken) -> PresentedCredential {
        let jwt = jwt.clone();
        PresentedCredential::Assertion { project: place.reference(), jwt, profile: &ASSERTIONS, claimed: None }
    }

    /// An API key of the home project.
    pub async fn api_key(&self, scopes: &[Scope]) -> MintedApiKey {
        let wanted = ApiKeyRequest {
            label: "backend".to_owned(),
            scopes: scopes.iter().copied().collect(),
            application: None,
            expires_at: None,
            value: None,
        };
        let minted = self.authority.create_api_key(&self.ctx(), &self.home_permit(), wanted).await;
        minted.expect("the operator may make keys")
    }

    /// Shows an access token.
    pub async fn bearer(&self, token: &RawToken) -> Result<Authenticated, AuthError> {
        self.authority.authenticate(&self.ctx(), PresentedCredential::AccessToken(token.clone())).await
    }

    /// Shows an assertion to the home application.
    pub async fn assert(&self, jwt: &RawToken) -> Result<Authenticated, AuthError> {
        self.authority.authenticate(&self.ctx(), Self::asserts(&self.home, jwt)).await
    }

    /// The audit entries of a project that were not returned before, unlinked ones only, in order of action.
    pub async fn audited(&self, project: ProjectId) -> Vec<AuditEvent> {
        let entries = self.store.read(move |tx| Ok(tx.unlinked_audit(project, u32::MAX)?)).await;
        let mut fresh = entries.expect("the store works");
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.retain(|entry| seen.insert(entry.id));
        // Entries of one moment have no order of their own.
        fresh.sort_by(|a, b| (&a.action, &a.subject).cmp(&(&b.action, &b.subject)));
        fresh
    }

    /// The fresh audit entries of the home project as `actor action subject`, ids left out.
    pub async fn trail(&self) -> Vec<String> {
        let noun = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
        let entries = self.audited(self.home.project.id).await;
        let lines = entries.iter().map(|entry| (&entry.actor, &entry.action, &entry.subject));
        lines.map(|(actor, action, subject)| format!("{} {action} {}", noun(actor), noun(subject))).collect()
    }
}
