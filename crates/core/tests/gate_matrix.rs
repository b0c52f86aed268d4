//! The gate: every way in meets every state, and no cache keeps a refused one alive.
//!
//! The matrix is generated from [`TABLE`]; a way or a state without a cell does not compile or fails. Each cell starts its own
//! world, passes the gate once so that every cache is warm (except where the credential is to be new), changes the state by an
//! operation of the façade, and shows the credential again at the same moment. A later face adds rows, not code.
//! Covers the lesson of the attack list (second paths), N74 and, on this level, N38, N67 and N81.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]
#![expect(clippy::print_stdout, reason = "the matrix is for reading")]

mod support;

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use ringfence_core::{
    application::{ApplicationSettings, WayIn},
    authority::{
        ApiKeyRequest, Authenticated, Authority, EndpointRequest, GroupChange, GroupRequest, GuestTicket,
        PresentedCredential, SipDomainChange, SipDomainRef, SipDomainRequest, SipUserChange, SipUserRequest,
    },
    digest::{DigestAlgorithm, Digests},
    endpoint::Endpoint,
    error::AuthError,
    event::Signal,
    identity::{Identifier, Profile},
    ids::{CredentialId, IdentityId, SessionId},
    project::{Compat, ProjectPolicy, Span, TokenPolicy},
    secret::{Password, RawToken, TokenKind},
    session::SessionsOf,
    sip::SipUser,
    testing::{ASSERTIONS, Member, PASSWORD, World, outcome},
    time::Clock as _,
};
use serde_json::{Map, json};

/// Ways in. Those of one [`Kind`] are answered alike.
const WAYS: [(&str, Kind, How); 20] = [
    ("password, signing in", Kind::Password, How::SignIn),
    ("password, with each request", Kind::Password, How::EachRequest),
    ("access token, HS256", Kind::Token, How::Face("test")),
    ("access token, EdDSA", Kind::Token, How::Face("native")),
    ("access token, RS256", Kind::Token, How::Face("rsa")),
    ("access token, ES256", Kind::Token, How::Face("ec")),
    ("access token of a guest", Kind::GuestToken, How::Face("test")),
    ("api key", Kind::ApiKey, How::EachRequest),
    ("assertion, new", Kind::NewAssertion, How::EachRequest),
    ("assertion, shown again", Kind::SeenAssertion, How::EachRequest),
    ("assertion of a member, new", Kind::NewMemberAssertion, How::EachRequest),
    ("assertion of a member, shown again", Kind::SeenMemberAssertion, How::EachRequest),
    ("secret of an endpoint, signing in", Kind::Secret, How::SignIn),
    ("secret of an endpoint, with each request", Kind::Secret, How::EachRequest),
    ("access token of an endpoint, HS512", Kind::EndpointToken, How::Face("device")),
    ("ticket of a guest", Kind::Ticket, How::SignIn),
    ("ticket for a socket", Kind::SocketTicket, How::Face("test")),
    ("digest of a SIP user, with each request", Kind::Digest, How::EachRequest),
    ("digest of a SIP user, signing in", Kind::Digest, How::SignIn),
    ("guest, signing in", Kind::Visit, How::SignIn),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Password,
    Token,
    GuestToken,
    ApiKey,
    NewAssertion,
    SeenAssertion,
    NewMemberAssertion,
    SeenMemberAssertion,
    Secret,
    EndpointToken,
    Ticket,
    SocketTicket,
    Digest,
    Visit,
}

/// The kinds that show such a credential. Without a wildcard, so that a new way in does not compile before it has its rows.
const fn kinds_that_show(presented: &PresentedCredential) -> &'static [Kind] {
    match presented {
        PresentedCredential::Password { .. } => &[Kind::Password, Kind::Secret],
        PresentedCredential::AccessToken(_) => &[Kind::Token, Kind::GuestToken, Kind::EndpointToken],
        PresentedCredential::ApiKey(_) => &[Kind::ApiKey],
        PresentedCredential::SocketTicket(_) => &[Kind::SocketTicket],
        PresentedCredential::Assertion { .. } => {
            &[Kind::NewAssertion, Kind::SeenAssertion, Kind::NewMemberAssertion, Kind::SeenMemberAssertion]
        }
        PresentedCredential::Digest { .. } => &[Kind::Digest],
        PresentedCredential::Guest { ticket: Some(GuestTicket::Known(_)), .. } => &[Kind::Ticket],
        // A table of its own, in federation.rs.
        PresentedCredential::Federated { .. } => &[],
        PresentedCredential::Guest { .. } => &[Kind::Visit],
    }
}

const KINDS: usize = Kind::Visit as usize + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    SignIn,
    EachRequest,
    Face(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Suspended,
    Locked,
    Erased,
    ProjectDisabled,
    ApplicationDisabled,
    GroupDisabled,
    SessionRevoked,
    CredentialRevoked,
    IssuerRevoked,
    WayOff,
    Expired,
}

/// What a way in a state is answered: `accepted`, a code, or a reason why there is no such case after a dash.
type Cells = [&'static str; KINDS];

const STRANGER: &str = "- a new guest is nobody yet";
const NO_PASSWORD: &str = "- it has no password to guess, so it is never locked";
const NO_SESSION: &str = "- there is no session yet";
const NO_CREDENTIAL: &str = "- nothing is stored of it that could be revoked";
const NO_ISSUER: &str = "- no issuer vouches for it";
const NO_SWITCH: &str = "- the switches are for people who sign in";
const NO_END: &str = "- it has no end";
const NO_GROUP: &str = "- it is in no group";
const NO_APPLICATION: &str = "- its session is through no application";
const NO_GUESS: &str = "- nobody guesses 128 random bits, so it is never locked";

/// In the order of [`Kind`].
#[rustfmt::skip]
const TABLE: [(State, Cells); 12] = [
    (State::Active, ["accepted"; KINDS]),
    (State::Suspended, [
        "identity_suspended", "identity_suspended", "identity_suspended", "identity_suspended",
        "identity_suspended", "identity_suspended", "identity_suspended", "identity_suspended",
        "identity_suspended", "identity_suspended", "identity_suspended", "identity_suspended",
        "identity_suspended", STRANGER,
    ]),
    (State::Locked, [
        "throttled", "identity_suspended", NO_PASSWORD, NO_PASSWORD,
        NO_PASSWORD, NO_PASSWORD, "identity_suspended", "identity_suspended",
        NO_GUESS, NO_GUESS, NO_PASSWORD, "identity_suspended",
        "identity_suspended", STRANGER,
    ]),
    // The address is free again, so nobody has it. The issuer may speak of the same subject again, who is somebody new then.
    (State::Erased, [
        "invalid_credentials", "identity_suspended", "identity_suspended", "identity_suspended",
        "accepted", "identity_suspended", "token_claims", "identity_suspended",
        "invalid_credentials", "identity_suspended", "identity_suspended", "identity_suspended",
        "invalid_credentials", STRANGER,
    ]),
    (State::ProjectDisabled, ["disabled"; KINDS]),
    (State::ApplicationDisabled, [
        "disabled", "disabled", "disabled", "disabled",
        "disabled", "disabled", "disabled", "disabled",
        "disabled", NO_APPLICATION, "disabled", "disabled",
        "disabled", "disabled",
    ]),
    (State::GroupDisabled, [
        NO_GROUP, NO_GROUP, NO_GROUP, NO_GROUP,
        NO_GROUP, NO_GROUP, NO_GROUP, NO_GROUP,
        "disabled", "disabled", NO_GROUP, NO_GROUP,
        "disabled", NO_GROUP,
    ]),
    (State::SessionRevoked, [
        NO_SESSION, "session_revoked", "session_revoked", NO_SESSION,
        NO_SESSION, "session_revoked", NO_SESSION, "session_revoked",
        NO_SESSION, "session_revoked", "session_revoked", "session_revoked",
        NO_SESSION, NO_SESSION,
    ]),
    // A new password ends all that the old one, and anything else, had opened; whom the issuer vouches for may come anew.
    (State::CredentialRevoked, [
        "invalid_credentials", "session_revoked", NO_CREDENTIAL, "token_unknown",
        NO_CREDENTIAL, NO_CREDENTIAL, "accepted", "session_revoked",
        NO_CREDENTIAL, NO_CREDENTIAL, NO_CREDENTIAL, "session_revoked",
        "invalid_credentials", NO_CREDENTIAL,
    ]),
    (State::IssuerRevoked, [
        NO_ISSUER, NO_ISSUER, NO_ISSUER, NO_ISSUER,
        "token_signature", "session_revoked", "token_signature", "session_revoked",
        NO_ISSUER, NO_ISSUER, NO_ISSUER, NO_ISSUER,
        NO_ISSUER, NO_ISSUER,
    ]),
    // Sessions that were started while the way was on go on.
    (State::WayOff, [
        "not_supported", "accepted", "accepted", NO_SWITCH,
        "not_supported", "accepted", "not_supported", "accepted",
        "not_supported", NO_APPLICATION, "accepted", "accepted",
        "not_supported", "not_supported",
    ]),
    (State::Expired, [
        NO_END, "token_expired", "token_expired", "token_unknown",
        "token_expired", "token_expired", "token_expired", "token_expired",
        "identity_suspended", "token_expired", "token_expired", "token_expired",
        NO_END, NO_END,
    ]),
];

fn cell(kind: Kind, state: State) -> &'static str {
    let row = TABLE.iter().find(|(listed, _)| *listed == state);
    row.unwrap_or_else(|| panic!("no row for {state:?}")).1[kind as usize]
}

const MONTH: Duration = Duration::from_hours(24 * 30);

/// Somebody with a credential in a world of their own.
struct Case {
    w: World,
    kind: Kind,
    how: How,
    member: Member,
    subject: IdentityId,
    session: Option<SessionId>,
    key: Option<CredentialId>,
    token: RawToken,
    endpoint: Endpoint,
    phone: SipUser,
}

impl Case {
    async fn of(kind: Kind, how: How) -> Self {
        let w = world().await;
        let member = w.member("ann").await;
        let endpoint = endpoint(&w).await;
        let phone = phone(&w).await;
        let who = Self::first_visit(&w, kind, how, &member).await;
        let (key, token) = match kind {
            Kind::Password | Kind::Secret | Kind::Digest | Kind::Visit => (None, RawToken::new("")),
            Kind::Ticket => {
                let ticket = TokenKind::GuestTicket.mint(w.entropy.as_ref());
                w.authority.sign_in(&w.ctx(), visit(&w, GuestTicket::New(ticket.clone()))).await.unwrap();
                (None, ticket)
            }
            Kind::EndpointToken => {
                let (ctx, permit) = (w.ctx_on("device"), w.home_permit());
                let issued = w.authority.issue_endpoint_token(&ctx, &permit, endpoint.id, json!({})).await;
                (None, issued.unwrap().token)
            }
            Kind::SocketTicket => (None, w.authority.socket_ticket(who.as_ref().unwrap()).unwrap()),
            Kind::Token | Kind::GuestToken => {
                let How::Face(face) = how else { unreachable!("tokens have a face") };
                (None, w.token_on(face, who.as_ref().unwrap()).await)
            }
            Kind::ApiKey => {
                let wanted = ApiKeyRequest {
                    label: "backend".to_owned(),
                    scopes: std::iter::empty().collect(),
                    application: Some(w.home.application.id),
                    expires_at: Some(w.clock.now() + MONTH),
                    value: None,
                };
                let minted = w.authority.create_api_key(&w.ctx(), &w.home_permit(), wanted).await.unwrap();
                (Some(minted.credential.id), minted.value)
            }
            Kind::NewAssertion => (None, assertion(&w, "ext-1", "userexternal", "new")),
            Kind::SeenAssertion => (None, assertion(&w, "ext-1", "userexternal", "seen")),
            Kind::NewMemberAssertion => (None, assertion(&w, &member.identity.id.short(), "user", "new")),
            Kind::SeenMemberAssertion => (None, assertion(&w, &member.identity.id.short(), "user", "seen")),
        };
        let mut case = Self {
            subject: who.as_ref().map_or(member.identity.id, |who| who.identity.id),
            session: who.and_then(|who| who.session).map(|session| session.id),
            w,
            kind,
            how,
            member,
            key,
            token,
            endpoint,
            phone,
        };
        if !matches!(kind, Kind::NewAssertion | Kind::NewMemberAssertion) {
            let warm = case.knock(&case.w.authority).await.expect("it is good at first");
            case.subject = warm.identity.id;
            case.session = warm.session.as_ref().map(|session| session.id);
        }
        case
    }

    /// What was there before the credential: a session for its token, an earlier assertion of the same subject.
    async fn first_visit(w: &World, kind: Kind, how: How, member: &Member) -> Option<Authenticated> {
        match (kind, how) {
            (Kind::Token | Kind::SocketTicket, How::Face(face)) => Some(w.sign_in_on(face, member).await),
            (Kind::GuestToken, _) => Some(w.guest().await),
            (Kind::NewAssertion | Kind::SeenAssertion, _) => {
                Some(w.assert(&assertion(w, "ext-1", "userexternal", "earlier")).await.unwrap())
            }
            (Kind::NewMemberAssertion | Kind::SeenMemberAssertion, _) => {
                w.give_role(member, "agent").await;
                let jwt = assertion(w, &member.identity.id.short(), "user", "earlier");
                Some(w.assert(&jwt).await.unwrap())
            }
            _ => None,
        }
    }

    fn shows(&self) -> PresentedCredential {
        match self.kind {
            Kind::Password => self.member.shows(PASSWORD),
            Kind::Secret => PresentedCredential::Password {
                project: self.w.home.reference(),
                identifier: Identifier::of(Identifier::SIP, &self.endpoint.user_name),
                password: self.w.authority.endpoint_secret(&self.w.home_permit(), &self.endpoint).unwrap(),
            },
            Kind::Token | Kind::GuestToken | Kind::EndpointToken => {
                PresentedCredential::AccessToken(self.token.clone())
            }
            Kind::Digest => {
                let password = self.w.authority.sip_password(&self.w.home_permit(), &self.phone).unwrap();
                let ha1b = Digests::of("alice", "rtc.test", &password).ha1b(DigestAlgorithm::Md5).expose().to_owned();
                PresentedCredential::Digest { project: self.w.home.reference(), ha1b: RawToken::new(ha1b) }
            }
            Kind::Ticket => visit(&self.w, GuestTicket::Known(self.token.clone())),
            Kind::SocketTicket => PresentedCredential::SocketTicket(self.token.clone()),
            Kind::ApiKey => PresentedCredential::ApiKey(self.token.clone()),
            Kind::NewAssertion | Kind::SeenAssertion | Kind::NewMemberAssertion | Kind::SeenMemberAssertion => {
                World::asserts(&self.w.home, &self.token)
            }
            Kind::Visit => World::visit(&self.w.home),
        }
    }

    async fn knock(&self, at: &Authority) -> Result<Authenticated, AuthError> {
        let presented = self.shows();
        assert!(kinds_that_show(&presented).contains(&self.kind));
        match self.how {
            How::SignIn => at.sign_in(&self.w.ctx(), presented).await,
            How::EachRequest | How::Face(_) => at.authenticate(&self.w.ctx(), presented).await,
        }
    }

    async fn bring_about(&self, state: State) {
        let (w, permit) = (&self.w, self.w.home_permit());
        let (at, ctx, application) = (&w.authority, w.ctx(), w.home.application.id);
        match state {
            State::Active => {}
            State::Suspended => drop(at.suspend_identity(&ctx, &permit, self.subject, true).await.unwrap()),
            State::Locked => self.guess_until_locked().await,
            State::Erased => drop(at.erase_identity(&ctx, &permit, self.subject).await.unwrap()),
            State::ProjectDisabled => drop(at.disable_project(&ctx, &permit, true).await.unwrap()),
            State::ApplicationDisabled => {
                at.disable_application(&ctx, &permit, application, true).await.unwrap();
            }
            State::GroupDisabled if self.kind == Kind::Digest => {
                let change = SipDomainChange { disabled: Some(true), ..SipDomainChange::default() };
                at.change_sip_domain(&ctx, &permit, SipDomainRef::named("rtc.test"), change).await.unwrap();
            }
            State::GroupDisabled => {
                let change = GroupChange { disabled: Some(true), ..GroupChange::default() };
                at.change_endpoint_group(&ctx, &permit, self.endpoint.group.number, change).await.unwrap();
            }
            State::SessionRevoked => {
                let session = SessionsOf::Session(self.session.unwrap());
                assert_eq!(at.revoke_sessions(&ctx, &permit, session).await.unwrap().len(), 1);
            }
            State::CredentialRevoked if self.kind == Kind::Digest => {
                let change =
                    SipUserChange { password: Some(Password::new("an entirely new one")), ..Default::default() };
                let (domain, id) = (SipDomainRef::named("rtc.test"), self.phone.identity.id);
                at.change_sip_user(&ctx, &permit, domain, id, change).await.unwrap();
            }
            State::CredentialRevoked => {
                if let Some(key) = self.key {
                    return at.revoke_api_key(&ctx, &permit, key).await.unwrap();
                }
                let new = Password::new("an entirely new one");
                at.set_password(&ctx, &permit, self.member.identity.id, new).await.unwrap();
            }
            State::IssuerRevoked => {
                let admin = w.member("admin").await;
                w.give_role(&admin, "owner").await;
                let admin = w.sign_in(&admin).await;
                let (home, needs) = (w.home.reference(), World::needs("owner"));
                at.replace_issuers(&w.ctx(), &admin, home, needs, &ASSERTIONS).await.unwrap();
            }
            State::WayOff => {
                let way = match self.kind {
                    Kind::Password | Kind::Token | Kind::SocketTicket | Kind::Secret | Kind::Digest => WayIn::Password,
                    Kind::GuestToken | Kind::Visit | Kind::Ticket => WayIn::Guest,
                    _ => WayIn::Assertion,
                };
                let sign_in: BTreeSet<_> = WayIn::ALL.into_iter().filter(|other| *other != way).collect();
                let settings = ApplicationSettings { sign_in, ..w.home.application.settings.clone() };
                at.configure_application(&ctx, &permit, application, settings, vec![]).await.unwrap();
            }
            State::Expired => w.clock.advance(MONTH),
        }
    }

    fn guesses(&self) -> PresentedCredential {
        match self.kind {
            Kind::Digest => PresentedCredential::Password {
                project: self.w.home.reference(),
                identifier: Identifier::of(Identifier::SIP, "alice@rtc.test"),
                password: Password::new("a wrong guess"),
            },
            _ => self.member.shows("a wrong guess"),
        }
    }

    /// Guesses and waits as told, until the waiting has no end.
    async fn guess_until_locked(&self) {
        for _ in 0..300 {
            match self.w.authority.authenticate(&self.w.ctx(), self.guesses()).await {
                Err(AuthError::Throttled { retry_at }) if retry_at.since(self.w.clock.now()) > MONTH * 12 => return,
                Err(AuthError::Throttled { retry_at }) => self.w.clock.set(retry_at),
                answer => assert_eq!(outcome(&answer), "invalid_credentials"),
            }
        }
        panic!("300 guesses did not lock");
    }
}

/// An endpoint of the home project that ends after a month.
async fn endpoint(w: &World) -> Endpoint {
    let (ctx, permit) = (w.ctx(), w.home_permit());
    let wanted = GroupRequest {
        name: "phones".to_owned(),
        user_name: "phones".to_owned(),
        password: None,
        attributes: Map::new(),
        outbound_profile: None,
        disabled: false,
    };
    let group = w.authority.create_endpoint_group(&ctx, &permit, wanted).await.unwrap().group.number;
    let (user_name, expires_at) = ("desk".to_owned(), Some(w.clock.now() + MONTH));
    let wanted = EndpointRequest { group, name: user_name.clone(), user_name, tag: None, expires_at };
    w.authority.create_endpoint(&ctx, &permit, wanted).await.unwrap()
}

/// A world with every way in open.
async fn world() -> World {
    // Locking takes days of waiting, and tokens are to outlive it.
    let tokens = TokenPolicy { access: Span::days(30), refresh: Span::days(30), ..TokenPolicy::default() };
    let w = support::world().await;
    let compat = Compat { digest_over_http: true, ..Compat::default() };
    let policy = ProjectPolicy { tokens, compat, ..ProjectPolicy::default() };
    w.authority.configure_project(&w.ctx(), &w.home_permit(), policy).await.unwrap();
    w
}

/// A SIP user of a domain that the home application manages.
async fn phone(w: &World) -> SipUser {
    let (ctx, permit) = (w.ctx(), w.home_permit());
    let (name, application) = ("rtc.test".to_owned(), Some(w.home.application.id));
    let wanted = SipDomainRequest { name, application, attributes: Map::new() };
    w.authority.create_sip_domain(&ctx, &permit, wanted).await.unwrap();
    let wanted = SipUserRequest {
        login: "alice".to_owned(),
        password: None,
        profile: Profile::default(),
        attributes: Map::new(),
        same_domain_calls_only: false,
    };
    w.authority.create_sip_user(&ctx, &permit, SipDomainRef::named("rtc.test"), wanted).await.unwrap()
}

/// A visit to the home application with a ticket.
fn visit(w: &World, ticket: GuestTicket) -> PresentedCredential {
    let (profile, attributes) = (Profile::default(), Map::new());
    PresentedCredential::Guest { project: w.home.reference(), profile, attributes, target: None, ticket: Some(ticket) }
}

fn assertion(w: &World, subject: &str, sub: &str, jti: &str) -> RawToken {
    let exp = (w.clock.now() + MONTH).seconds();
    w.assertion(&w.home, json!({ "_id": subject, "sub": sub, "jti": jti, "exp": exp }))
}

#[tokio::test]
async fn every_way_in_meets_every_state() {
    let (mut matrix, mut wrong) = (String::new(), Vec::new());
    for (state, _) in TABLE {
        writeln!(matrix, "\n{state:?}").unwrap();
        for (name, kind, how) in WAYS {
            let expected = cell(kind, state);
            writeln!(matrix, "  {name:42}{expected}").unwrap();
            if expected.starts_with('-') {
                continue;
            }
            let case = Case::of(kind, how).await;
            case.bring_about(state).await;
            let answer = case.knock(&case.w.authority).await;
            if outcome(&answer) != expected {
                wrong.push(format!("{name}, {state:?}: expected {expected}, got {}", outcome(&answer)));
            }
            if state == State::Erased && answer.is_ok_and(|who| who.identity.id == case.subject) {
                wrong.push(format!("{name}: the erased identity came back"));
            }
        }
    }
    println!("{matrix}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ways whose sessions a node remembers.
const REMEMBERED: [(Kind, How); 7] = [
    (Kind::Token, How::Face("test")),
    (Kind::GuestToken, How::Face("test")),
    (Kind::SeenAssertion, How::EachRequest),
    (Kind::SeenMemberAssertion, How::EachRequest),
    (Kind::EndpointToken, How::Face("device")),
    (Kind::Ticket, How::SignIn),
    (Kind::SocketTicket, How::Face("test")),
];

/// States that the first node brings about, and that another one must learn of.
const ANNOUNCED: [State; 8] = [
    State::Suspended,
    State::Erased,
    State::ProjectDisabled,
    State::ApplicationDisabled,
    State::GroupDisabled,
    State::SessionRevoked,
    State::CredentialRevoked,
    State::IssuerRevoked,
];

fn announced_cells() -> impl Iterator<Item = (Kind, How, State, &'static str)> {
    let cells = ANNOUNCED.into_iter().flat_map(|state| REMEMBERED.map(|(kind, how)| (kind, how, state)));
    cells
        .map(|(kind, how, state)| (kind, how, state, cell(kind, state)))
        .filter(|(.., expected)| !expected.starts_with('-'))
}

#[tokio::test]
async fn a_node_that_hears_of_it_refuses_at_once() {
    for (kind, how, state, expected) in announced_cells() {
        let case = Case::of(kind, how).await;
        let (other, mut announced) = (case.w.node(), ringfence_core::event::Bus::subscribe(case.w.bus.as_ref()));
        case.knock(&other).await.expect("good at first");
        case.bring_about(state).await;
        while let Some(signal) = announced.try_next() {
            other.hear(signal);
        }
        assert_eq!(outcome(&case.knock(&other).await), expected, "{kind:?}, {state:?}");
    }
}

#[tokio::test]
async fn a_node_that_may_have_missed_something_asks_at_once() {
    for (kind, how, state, expected) in announced_cells() {
        let case = Case::of(kind, how).await;
        let other = case.w.node();
        case.knock(&other).await.expect("good at first");
        case.bring_about(state).await;
        other.hear(Signal::Gap);
        assert_eq!(outcome(&case.knock(&other).await), expected, "{kind:?}, {state:?}");
    }
}

#[tokio::test]
async fn a_node_that_hears_nothing_refuses_after_30_seconds_at_the_latest() {
    for (kind, how, state, expected) in announced_cells() {
        let case = Case::of(kind, how).await;
        let other = case.w.node();
        case.knock(&other).await.expect("good at first");
        case.bring_about(state).await;
        case.w.clock.advance(Duration::from_secs(29));
        let answer = case.knock(&other).await;
        assert!(["accepted", expected].contains(&outcome(&answer)), "{kind:?}, {state:?}: {}", outcome(&answer));
        case.w.clock.advance(Duration::from_secs(1));
        assert_eq!(outcome(&case.knock(&other).await), expected, "{kind:?}, {state:?}");
    }
}

#[tokio::test]
async fn a_row_changed_behind_the_cache_counts_after_30_seconds_at_the_latest() {
    for (kind, how) in REMEMBERED {
        let case = Case::of(kind, how).await;
        let (subject, now) = (case.subject, case.w.clock.now());
        case.w.store.write(move |tx| Ok(tx.lock_identity(subject, now)?)).await.unwrap();
        case.w.clock.advance(Duration::from_secs(29));
        let answer = case.knock(&case.w.authority).await;
        assert!(["accepted", "identity_suspended"].contains(&outcome(&answer)), "{kind:?}");
        case.w.clock.advance(Duration::from_secs(1));
        assert_eq!(outcome(&case.knock(&case.w.authority).await), "identity_suspended", "{kind:?}");
    }
}
