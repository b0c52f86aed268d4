//! The façade: every use case of the domain, and the only place that decides.
//!
//! Each mutating operation has the same beats: take the time once from `ctx`; do everything slow; commit a
//! function that reads, applies a rule and writes; announce; return a value.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    audit::{Audit, AuditEvent},
    context::Ctx,
    entropy::SharedEntropy,
    error::AuthError,
    event::{SecurityEvent, SharedBus, Signal},
    federation::Providers,
    ids::AuditId,
    issuer::AssertionProfile,
    mail::Outbox,
    outbox::{EventKind, EventSubject, Told},
    password::PasswordHasher,
    seal::Sealer,
    store::{Again, Store, Tx},
    tally::Tally,
    time::SharedClock,
    webhook::Courier,
};

mod account;
mod administrators;
mod applications;
mod assertions;
mod audit_chain;
mod audits;
mod authenticate;
mod credentials;
mod cursors;
mod deliveries;
mod endpoint_groups;
mod endpoints;
mod federated;
mod hint;
mod homes;
mod identities;
mod introspection;
mod issuers;
mod keys;
mod live_tokens;
mod liveness;
mod maintenance;
mod memberships;
mod memory;
mod notices;
mod once;
mod outbox;
mod own_keys;
mod passwords;
mod people;
mod places;
mod presence;
mod projects;
mod provider_sign_in;
mod refresh;
mod roles;
mod sessions;
mod shared;
mod sip;
mod socket_tickets;
mod throttles;
mod tokens;
mod turn;
mod upgrade;
mod verdicts;
mod verifications;
mod verified;
mod visitors;
mod vouching;
mod webhooks;

pub use account::{AccountChange, NewEmail};
pub use administrators::{Confirmed, Console, Enrolled, HalfConsole, MintedAdministrator, SecondFactor};
pub use applications::ApplicationRequest;
pub use audit_chain::AuditVerdict;
pub use authenticate::{Authenticated, GuestTicket, PresentedCredential};
pub use credentials::{ApiKeyRequest, MintedApiKey};
pub use deliveries::Taken;
pub use endpoint_groups::{GroupChange, GroupRequest};
pub use endpoints::{EndpointChange, EndpointRequest};
pub use hint::HintBus;
pub use homes::{HomeKind, HomeRequest};
pub use identities::{ProfileChange, Registration};
pub use introspection::Introspected;
pub use live_tokens::{OnConnection, Presence, ResumeTicket, Resumed};
pub use maintenance::{Rewrapped, SWEEP_STEP, Swept};
pub use memberships::{InvitationRequest, Invited, RoleNeeded};
pub use once::Once;
pub use own_keys::OwnKey;
pub use people::{People, Person};
pub use presence::{Connected, Reachable};
pub use projects::ProjectRequest;
pub use provider_sign_in::{Departure, Return};
pub use refresh::{IdTokenRequest, TokenRequest, TokenSet};
pub use sip::{
    MintedSipInvitation, SipDomainChange, SipDomainRef, SipDomainRequest, SipEntry, SipInvitationChange,
    SipInvitationRequest, SipName, SipUserChange, SipUserRequest,
};
pub use tokens::{AudienceClaim, IssuedToken, IssuerClaim, SessionClaim, SubjectClaim, TokenShape};
pub use upgrade::{Upgrade, Upgraded};
pub use verifications::{LinkTemplate, ResetOutcome};
pub use vouching::AssertionRequest;
pub use webhooks::{WebhookChange, WebhookRequest};

/// What an [`Authority`] is made of.
pub struct Parts {
    /// Where the facts are.
    pub store: Store,
    /// What time it is.
    pub clock: SharedClock,
    /// Where randomness comes from.
    pub entropy: SharedEntropy,
    /// Who hears of changes.
    pub bus: SharedBus,
    /// Where mail goes.
    pub outbox: Outbox,
    /// Who hashes passwords.
    pub hasher: PasswordHasher,
    /// Who seals secrets.
    pub sealer: Sealer,
    /// The `iss` of tokens, and where links of our own lead: scheme and authority, no slash at the end.
    pub public_url: String,
    /// The shapes of tokens, one for each face that issues any.
    pub shapes: Vec<&'static TokenShape>,
    /// The profiles of assertions that faces accept.
    pub profiles: Vec<&'static AssertionProfile>,
}

/// The use cases.
pub struct Authority {
    store: Store,
    clock: SharedClock,
    entropy: SharedEntropy,
    bus: SharedBus,
    outbox: Outbox,
    hasher: PasswordHasher,
    sealer: Arc<Sealer>,
    public_url: String,
    shapes: HashMap<&'static str, &'static TokenShape>,
    profiles: Vec<&'static AssertionProfile>,
    providers: Providers,
    courier: Option<Arc<dyn Courier>>,
    verdicts: verdicts::Verdicts,
    keys: keys::KeyCache,
    live: liveness::LiveCache,
    known_keys: credentials::KnownKeys,
    places: roles::Places,
    verified: verified::Verified,
    turn: turn::Handed,
    tally: Tally,
    confirm_within: Duration,
    /// Nothing was confirmed for so long.
    cut_off: AtomicBool,
}

/// How long what is known of a session counts without the store having confirmed it, where nothing else is configured.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(30);

impl Authority {
    /// An authority of these parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            store: parts.store,
            clock: parts.clock,
            entropy: parts.entropy,
            bus: parts.bus,
            outbox: parts.outbox,
            hasher: parts.hasher,
            sealer: Arc::new(parts.sealer),
            public_url: parts.public_url,
            shapes: parts.shapes.into_iter().map(|shape| (shape.dialect, shape)).collect(),
            profiles: parts.profiles,
            providers: Providers::default(),
            courier: None,
            verdicts: verdicts::Verdicts::default(),
            keys: keys::KeyCache::default(),
            live: liveness::LiveCache::default(),
            known_keys: credentials::KnownKeys::default(),
            places: roles::Places::default(),
            verified: verified::Verified::default(),
            turn: turn::Handed::default(),
            tally: Tally::default(),
            confirm_within: CONFIRM_WITHIN,
            cut_off: AtomicBool::new(false),
        }
    }

    /// The same, with another span for which what is known of a session counts without the store having confirmed it.
    #[must_use]
    pub const fn confirming_within(mut self, span: Duration) -> Self {
        self.confirm_within = span;
        self
    }

    /// How long what is known of a session, or of who is connected where, counts without the store having confirmed it.
    pub const fn confirm_within(&self) -> Duration {
        self.confirm_within
    }

    /// Says whether this node is cut off from the store, and returns whether it was before. Whoever keeps an eye on that says so
    /// when nothing could be confirmed for [`Authority::confirm_within`].
    pub fn set_cut_off(&self, cut_off: bool) -> bool {
        self.cut_off.swap(cut_off, Ordering::SeqCst)
    }

    /// Refuses while this node is cut off, at once and for whatever is remembered: it cannot know who counts (ATTACKS N59).
    pub fn require_contact(&self) -> Result<(), AuthError> {
        if !self.is_cut_off() {
            return Ok(());
        }
        Err(AuthError::Unavailable { what: "the store", source: "nothing could be confirmed for too long".into() })
    }

    /// Whether this node is cut off from the store.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::SeqCst)
    }

    /// The clock that this authority lives by.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// The source of randomness that this authority uses.
    pub fn entropy(&self) -> &SharedEntropy {
        &self.entropy
    }

    /// What happened on this node of late.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Where links of our own lead.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Asks the store for a sign of life.
    pub async fn ping(&self) -> Result<(), AuthError> {
        self.store.read(|_| Ok(())).await
    }

    /// The circumstances of something the server does by itself.
    pub fn own_context(&self, name: &'static str) -> Ctx {
        let request_id = crate::context::RequestId(u64::from_be_bytes(crate::entropy::random(self.entropy.as_ref())));
        Ctx { request_id, address: None, dialect: name, language: None, now: self.clock.now() }
    }

    /// Takes in what another node, or this one, announced.
    pub fn hear(&self, signal: Signal) {
        match signal {
            Signal::Event(event) => {
                self.live.forget(event);
                self.known_keys.forget(event);
                self.places.forget(event);
                if let SecurityEvent::KeysChanged(project) = event {
                    self.keys.forget(project);
                }
            }
            Signal::Gap => {
                self.live.clear();
                self.known_keys.clear();
                self.places.clear();
                self.keys.clear();
            }
        }
    }

    /// Runs `work` in a transaction with its audit entries and what others are to be told, waits until all is durable, then announces its events.
    ///
    /// Nothing else in the domain commits. An error leaves nothing behind; a refusal that must leave a trace is an `Ok` of
    /// `work` that its operation turns into an error afterwards.
    async fn commit<T, F>(&self, ctx: &Ctx, work: F) -> Result<T, AuthError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Tx, &mut Log) -> Result<T, AuthError> + Send + 'static,
    {
        let ending = self.ending(ctx);
        let work = move |tx: &mut dyn Tx| {
            let mut log = Log::default();
            let outcome = work(tx, &mut log)?;
            Ok((outcome, ending.write(tx, log)?))
        };
        let (outcome, events) = self.store.write(work).await?;
        self.announce(&events).await;
        Ok(outcome)
    }

    /// The same for work that can be done more than once, of which only the last time counts: the store may do it beside others
    /// unprotected, which costs less.
    async fn commit_again<T, F>(&self, ctx: &Ctx, again: Again, work: F) -> Result<T, AuthError>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Tx, &mut Log) -> Result<T, AuthError> + Send + 'static,
    {
        let ending = self.ending(ctx);
        let work = move |tx: &mut dyn Tx| {
            let mut log = Log::default();
            let outcome = work(tx, &mut log)?;
            Ok((outcome, ending.write(tx, log)?))
        };
        let (outcome, events) = self.store.write_again(again, work).await?;
        self.announce(&events).await;
        Ok(outcome)
    }

    fn ending(&self, ctx: &Ctx) -> Ending {
        Ending { ctx: ctx.clone(), entropy: Arc::clone(&self.entropy), clock: Arc::clone(&self.clock) }
    }

    async fn announce(&self, events: &[SecurityEvent]) {
        if events.is_empty() {
            return;
        }
        // This node first and at once: its own next request must not meet a stale cache.
        for event in events {
            self.hear(Signal::Event(*event));
        }
        self.bus.publish(events).await;
    }
}

/// What each unit of work ends with.
struct Ending {
    ctx: Ctx,
    entropy: SharedEntropy,
    clock: SharedClock,
}

impl Ending {
    /// Writes what the work has to say, and returns what is to be announced once all is durable.
    fn write(&self, tx: &mut dyn Tx, log: Log) -> Result<Vec<SecurityEvent>, AuthError> {
        let (ctx, entropy) = (&self.ctx, self.entropy.as_ref());
        Authority::store_told(tx, log.told, ctx.now, (self.clock.now(), entropy))?;
        for audit in log.audits {
            tx.append_audit(&entry(audit, ctx, AuditId::mint(ctx.now, entropy)))?;
        }
        Ok(log.events)
    }
}

/// What a unit of work has to say besides its outcome.
#[derive(Default)]
struct Log {
    audits: Vec<Audit>,
    events: Vec<SecurityEvent>,
    told: Vec<Told>,
}

impl Log {
    fn record(&mut self, audit: Audit) {
        self.audits.push(audit);
    }

    fn announce(&mut self, event: SecurityEvent) {
        self.events.push(event);
    }

    fn announce_revoked(&mut self, sessions: impl IntoIterator<Item = crate::ids::SessionId>) {
        for session in sessions {
            self.events.push(SecurityEvent::SessionRevoked(session));
            let (kind, subject) = (EventKind::SessionRevoked, EventSubject::Session(session));
            self.told.push(Told { kind, subject, detail: serde_json::Map::new() });
        }
    }
}

fn entry(audit: Audit, ctx: &Ctx, id: AuditId) -> AuditEvent {
    let mut detail = audit.detail;
    detail.insert("request".to_owned(), ctx.request_id.to_string().into());
    detail.insert("dialect".to_owned(), ctx.dialect.into());
    if let Some(address) = ctx.address {
        detail.insert("address".to_owned(), address.to_string().into());
    }
    AuditEvent {
        id,
        project: audit.project,
        at: ctx.now,
        actor: audit.actor.to_string(),
        action: audit.action.to_owned(),
        subject: audit.subject,
        detail,
    }
}
