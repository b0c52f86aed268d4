//! Somebody with a credential in a world of their own, and what can happen to them.

use std::{collections::BTreeSet, time::Duration};

use ringfence_core::{
    application::{ApplicationSettings, WayIn},
    authority::{
        ApiKeyRequest, Authenticated, Authority, EndpointRequest, GroupChange, GroupRequest, GuestTicket,
        PresentedCredential, SipDomainChange, SipDomainRef, SipDomainRequest, SipUserChange, SipUserRequest,
    },
    digest::{DigestAlgorithm, Digests},
    endpoint::Endpoint,
    error::AuthError,
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

use super::{support, table::*};

pub const MONTH: Duration = Duration::from_hours(24 * 30);

/// Somebody with a credential in a world of their own.
pub struct Case {
    pub w: World,
    pub kind: Kind,
    pub how: How,
    pub member: Member,
    pub subject: IdentityId,
    pub session: Option<SessionId>,
    pub key: Option<CredentialId>,
    pub token: RawToken,
    pub endpoint: Endpoint,
    pub phone: SipUser,
}

impl Case {
    pub async fn of(kind: Kind, how: How) -> Self {
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
    pub async fn first_visit(w: &World, kind: Kind, how: How, member: &Member) -> Option<Authenticated> {
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

    pub fn shows(&self) -> PresentedCredential {
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

    pub async fn knock(&self, at: &Authority) -> Result<Authenticated, AuthError> {
        let presented = self.shows();
        assert!(kinds_that_show(&presented).contains(&self.kind));
        match self.how {
            How::SignIn => at.sign_in(&self.w.ctx(), presented).await,
            How::EachRequest | How::Face(_) => at.authenticate(&self.w.ctx(), presented).await,
        }
    }

    pub async fn bring_about(&self, state: State) {
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

    pub fn guesses(&self) -> PresentedCredential {
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
    pub async fn guess_until_locked(&self) {
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
pub async fn endpoint(w: &World) -> Endpoint {
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
pub async fn world() -> World {
    // Locking takes days of waiting, and tokens are to outlive it.
    let tokens = TokenPolicy { access: Span::days(30), refresh: Span::days(30), ..TokenPolicy::default() };
    let w = support::world().await;
    let compat = Compat { digest_over_http: true, ..Compat::default() };
    let policy = ProjectPolicy { tokens, compat, ..ProjectPolicy::default() };
    w.authority.configure_project(&w.ctx(), &w.home_permit(), policy).await.unwrap();
    w
}

/// A SIP user of a domain that the home application manages.
pub async fn phone(w: &World) -> SipUser {
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
pub fn visit(w: &World, ticket: GuestTicket) -> PresentedCredential {
    let (profile, attributes) = (Profile::default(), Map::new());
    PresentedCredential::Guest { project: w.home.reference(), profile, attributes, target: None, ticket: Some(ticket) }
}

pub fn assertion(w: &World, subject: &str, sub: &str, jti: &str) -> RawToken {
    let exp = (w.clock.now() + MONTH).seconds();
    w.assertion(&w.home, json!({ "_id": subject, "sub": sub, "jti": jti, "exp": exp }))
}
