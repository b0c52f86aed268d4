//! Endpoints and their groups: the tree group, endpoint, token, and what each change of it ends.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::time::Duration;

use ringfence_core::{
    authority::{
        Authenticated, EndpointChange, EndpointRequest, GroupChange, GroupRequest, GuestTicket, PresentedCredential,
    },
    endpoint::{Endpoint, EndpointFilter, GroupFilter, GroupKey, GroupOrder, Window},
    error::AuthError,
    event::SecurityEvent,
    identity::{Identifier, Profile},
    project::ProjectRef,
    secret::{Password, RawToken, TokenKind},
    session::SessionsOf,
    testing::{Place, World, outcome},
    time::{Clock as _, Timestamp},
};
use serde_json::{Map, json};

const DAY: Duration = Duration::from_hours(24);
const ALL: Window = Window { offset: 0, limit: 100 };

/// A group of the home project, an endpoint of it, and tokens of both kinds.
struct Tree {
    w: World,
    account: Endpoint,
    endpoint: Endpoint,
}

impl Tree {
    async fn new() -> Self {
        let w = support::world().await;
        let account = group(&w, &w.home, "phones").await;
        let endpoint = endpoint(&w, &account, "desk").await;
        w.bus.take();
        w.trail().await;
        Self { w, account, endpoint }
    }

    async fn token(&self) -> RawToken {
        issue(&self.w, &self.endpoint).await.unwrap()
    }

    async fn knock(&self, of: &Endpoint) -> Result<Authenticated, AuthError> {
        sign_in(&self.w, &self.w.home, &of.user_name, self.secret(of).expose()).await
    }

    fn secret(&self, of: &Endpoint) -> Password {
        self.w.authority.endpoint_secret(&self.w.permit(of.group.project), of).unwrap()
    }

    /// What the ways of the endpoint are answered: password, token, a new token; then the account's password.
    async fn ways(&self, token: &RawToken) -> [&'static str; 4] {
        [
            outcome(&self.knock(&self.endpoint).await),
            outcome(&self.w.bearer(token).await),
            outcome(&issue(&self.w, &self.endpoint).await),
            outcome(&self.knock(&self.account).await),
        ]
    }

    async fn change(&self, change: GroupChange) -> Endpoint {
        let (w, permit) = (&self.w, self.w.home_permit());
        let number = self.account.group.number;
        w.authority.change_endpoint_group(&w.ctx(), &permit, number, change).await.unwrap()
    }

    async fn change_endpoint(&self, change: EndpointChange) -> Result<Endpoint, AuthError> {
        let (w, permit) = (&self.w, self.w.home_permit());
        w.authority.change_endpoint(&w.ctx(), &permit, self.endpoint.id, change).await
    }
}

async fn try_group(w: &World, place: &Place, user_name: &str) -> Result<Endpoint, AuthError> {
    let wanted = GroupRequest {
        name: format!("group of {user_name}"),
        user_name: user_name.to_owned(),
        password: Some(Password::new("otter glass violet")),
        attributes: Map::new(),
        outbound_profile: None,
        disabled: false,
    };
    w.authority.create_endpoint_group(&w.ctx(), &w.permit(place.project.id), wanted).await
}

async fn group(w: &World, place: &Place, user_name: &str) -> Endpoint {
    try_group(w, place, user_name).await.unwrap()
}

fn wanted(account: &Endpoint, user_name: &str) -> EndpointRequest {
    let name = user_name.to_owned();
    EndpointRequest { group: account.group.number, user_name: name.clone(), name, tag: None, expires_at: None }
}

async fn try_endpoint(w: &World, wanted: EndpointRequest) -> Result<Endpoint, AuthError> {
    w.authority.create_endpoint(&w.ctx(), &w.home_permit(), wanted).await
}

async fn endpoint(w: &World, account: &Endpoint, user_name: &str) -> Endpoint {
    try_endpoint(w, wanted(account, user_name)).await.unwrap()
}

async fn issue(w: &World, endpoint: &Endpoint) -> Result<RawToken, AuthError> {
    let (ctx, permit) = (w.ctx_on("device"), w.home_permit());
    let issued = w.authority.issue_endpoint_token(&ctx, &permit, endpoint.id, json!({ "typ": "access" }));
    Ok(issued.await?.token)
}

async fn sign_in(w: &World, place: &Place, user_name: &str, password: &str) -> Result<Authenticated, AuthError> {
    let presented = PresentedCredential::Password {
        project: ProjectRef::Id(place.project.id),
        identifier: Identifier::of(Identifier::SIP, user_name),
        password: Password::new(password),
    };
    w.authority.sign_in(&w.ctx_on("device"), presented).await
}

#[tokio::test]
async fn an_endpoint_signs_in_by_its_secret_and_its_group_by_its_password() {
    let t = Tree::new().await;
    let secret = t.secret(&t.endpoint);
    assert!(secret.expose().len() == 32 && secret.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let who = t.knock(&t.endpoint).await.unwrap();
    assert_eq!((who.identity.id, who.endpoint.unwrap().group.id), (t.endpoint.id, t.account.group.id));
    assert_eq!(t.knock(&t.account).await.unwrap().identity.id, t.account.id);
    assert_eq!(t.secret(&t.account).expose(), "otter glass violet");
    for (name, password) in [("desk", "otter glass violet"), ("nobody", secret.expose()), ("DESK", secret.expose())] {
        assert_eq!(outcome(&sign_in(&t.w, &t.w.home, name, password).await), "invalid_credentials", "{name}");
    }
    // A user name is unique in its project, and says nothing in another one.
    let elsewhere = t.w.place("elsewhere").await;
    assert_eq!(outcome(&sign_in(&t.w, &elsewhere, "desk", secret.expose()).await), "invalid_credentials");
    group(&t.w, &elsewhere, "desk").await;
    assert_eq!(outcome(&try_group(&t.w, &t.w.home, "desk").await), "conflict");
    assert_eq!(outcome(&try_endpoint(&t.w, wanted(&t.account, "phones")).await), "conflict");
}

#[tokio::test]
async fn a_token_of_an_endpoint_ends_after_a_day_or_with_the_endpoint() {
    let t = Tree::new().await;
    let token = t.token().await;
    t.w.trail().await;
    t.w.bus.take();
    t.token().await;
    assert_eq!(t.w.trail().await, ["identity session.started session", "operator token.issued session"]);
    let who = t.w.bearer(&token).await.unwrap();
    assert_eq!(who.session.as_ref().unwrap().expires_at, t.w.clock.now() + DAY);

    let soon = t.w.clock.now() + DAY / 2;
    t.change_endpoint(EndpointChange { expires_at: Some(soon), ..EndpointChange::default() }).await.unwrap();
    assert_eq!(t.w.bus.take(), [SecurityEvent::IdentityChanged(t.endpoint.id)]);
    assert_eq!(t.w.bearer(&token).await.unwrap().session.unwrap().expires_at, soon);
    assert_eq!(t.knock(&t.endpoint).await.unwrap().session.unwrap().expires_at, soon);
    t.w.clock.set(soon);
    assert_eq!(t.ways(&token).await, ["identity_suspended", "identity_suspended", "identity_suspended", "accepted"]);
    let later = EndpointChange { expires_at: Some(soon + DAY), ..EndpointChange::default() };
    assert_eq!(outcome(&t.change_endpoint(later).await), "identity_suspended");
}

#[tokio::test]
async fn n67_switching_a_group_off_refuses_every_way_and_ends_every_session_below() {
    let t = Tree::new().await;
    let token = t.token().await;
    t.w.bearer(&token).await.unwrap();
    let sockets = [t.knock(&t.endpoint).await.unwrap(), t.knock(&t.account).await.unwrap()];
    t.w.bus.take();
    t.change(GroupChange { disabled: Some(true), ..GroupChange::default() }).await;
    let announced = t.w.bus.take();
    for socket in &sockets {
        assert!(announced.contains(&SecurityEvent::SessionRevoked(socket.session.as_ref().unwrap().id)));
    }
    assert_eq!(announced.len(), 4);
    assert_eq!(announced[3], SecurityEvent::EndpointGroupChanged(t.account.group.id));
    assert_eq!(t.ways(&token).await, ["disabled"; 4]);
    // On again: everybody may come anew, and what had been opened stays ended.
    t.change(GroupChange { disabled: Some(false), ..GroupChange::default() }).await;
    assert_eq!(t.ways(&token).await, ["accepted", "session_revoked", "accepted", "accepted"]);
}

#[tokio::test]
async fn n67_a_suspended_endpoint_is_refused_every_way() {
    let t = Tree::new().await;
    let (token, id) = (t.token().await, t.endpoint.id);
    t.w.authority.suspend_identity(&t.w.ctx(), &t.w.home_permit(), id, true).await.unwrap();
    assert_eq!(t.ways(&token).await, ["identity_suspended", "identity_suspended", "identity_suspended", "accepted"]);
}

#[tokio::test]
async fn n67_a_disabled_project_refuses_every_way() {
    let t = Tree::new().await;
    let token = t.token().await;
    t.w.authority.disable_project(&t.w.ctx(), &t.w.home_permit(), true).await.unwrap();
    assert_eq!(t.ways(&token).await, ["disabled"; 4]);
}

#[tokio::test]
async fn n90_what_was_deleted_stays_dead_when_its_name_is_used_again() {
    let t = Tree::new().await;
    let (token, secret) = (t.token().await, t.secret(&t.endpoint));
    let (ctx, permit) = (t.w.ctx(), t.w.home_permit());
    t.w.authority.delete_endpoint(&ctx, &permit, t.endpoint.id).await.unwrap();
    assert_eq!(t.ways(&token).await, ["invalid_credentials", "identity_suspended", "not_found", "accepted"]);
    let again = endpoint(&t.w, &t.account, "desk").await;
    assert_ne!(again.id, t.endpoint.id);
    assert_eq!(outcome(&sign_in(&t.w, &t.w.home, "desk", secret.expose()).await), "invalid_credentials");
    assert_eq!(outcome(&t.w.bearer(&token).await), "identity_suspended");
}

#[tokio::test]
async fn deleting_a_group_deletes_everything_below() {
    let t = Tree::new().await;
    let token = t.token().await;
    let socket = t.knock(&t.account).await.unwrap();
    let (ctx, permit, number) = (t.w.ctx(), t.w.home_permit(), t.account.group.number);
    t.w.bus.take();
    t.w.authority.delete_endpoint_group(&ctx, &permit, number).await.unwrap();
    let announced = t.w.bus.take();
    assert!(announced.contains(&SecurityEvent::SessionRevoked(socket.session.unwrap().id)));
    assert!(announced.contains(&SecurityEvent::EndpointGroupChanged(t.account.group.id)));
    assert_eq!(t.ways(&token).await, ["invalid_credentials", "identity_suspended", "not_found", "invalid_credentials"]);
    assert_eq!(outcome(&t.w.authority.endpoint_group(&permit, number).await), "not_found");
    assert_eq!(outcome(&t.w.authority.endpoint(&permit, t.endpoint.id).await), "not_found");
    let left = t.w.authority.endpoints(&ctx, &permit, EndpointFilter::default(), ALL).await.unwrap();
    assert_eq!(left.total, 0);
    // The names are free again.
    endpoint(&t.w, &group(&t.w, &t.w.home, "phones").await, "desk").await;
}

#[tokio::test]
async fn a_new_password_of_a_group_ends_what_the_old_one_opened() {
    let t = Tree::new().await;
    let token = t.token().await;
    let socket = t.knock(&t.account).await.unwrap();
    let change = GroupChange {
        user_name: Some("deskphones".to_owned()),
        password: Some(Password::new("another violet otter")),
        ..GroupChange::default()
    };
    t.w.bus.take();
    let changed = t.change(change).await;
    let announced = t.w.bus.take();
    assert!(announced.contains(&SecurityEvent::SessionRevoked(socket.session.unwrap().id)));
    assert!(announced.contains(&SecurityEvent::CredentialChanged(t.account.id)));
    assert_eq!(outcome(&t.knock(&t.account).await), "invalid_credentials");
    assert_eq!(outcome(&t.knock(&changed).await), "accepted");
    assert_eq!(outcome(&t.w.bearer(&token).await), "accepted", "the endpoints below are others");
    assert_eq!(t.secret(&changed).expose(), "another violet otter");
    let weak = GroupChange { password: Some(Password::new("password")), ..GroupChange::default() };
    let number = t.account.group.number;
    let refused = t.w.authority.change_endpoint_group(&t.w.ctx(), &t.w.home_permit(), number, weak).await;
    assert_eq!(outcome(&refused), "invalid");
}

#[tokio::test]
async fn an_endpoint_that_moves_to_a_group_that_is_off_is_off() {
    let t = Tree::new().await;
    let token = t.token().await;
    let off = group(&t.w, &t.w.home, "faxes").await;
    let (ctx, permit) = (t.w.ctx(), t.w.home_permit());
    let change = GroupChange { disabled: Some(true), ..GroupChange::default() };
    t.w.authority.change_endpoint_group(&ctx, &permit, off.group.number, change).await.unwrap();
    t.change_endpoint(EndpointChange { group: Some(off.group.number), ..EndpointChange::default() }).await.unwrap();
    assert_eq!(t.ways(&token).await, ["disabled", "disabled", "disabled", "accepted"]);
}

#[tokio::test]
async fn guesses_make_wait_and_lock_only_what_a_person_chose() {
    let t = Tree::new().await;
    for (of, locks) in [(&t.endpoint, false), (&t.account, true)] {
        let mut waits = Vec::new();
        for _ in 0..220 {
            match sign_in(&t.w, &t.w.home, &of.user_name, "a wrong guess").await {
                Err(AuthError::Throttled { retry_at }) if retry_at.since(t.w.clock.now()) > DAY * 365 => break,
                Err(AuthError::Throttled { retry_at }) => {
                    waits.push(retry_at.since(t.w.clock.now()));
                    t.w.clock.set(retry_at);
                }
                answer => assert_eq!(outcome(&answer), "invalid_credentials"),
            }
        }
        assert!(waits.iter().max().unwrap() <= &Duration::from_hours(1));
        let expected = if locks { "throttled" } else { "accepted" };
        t.w.clock.advance(Duration::from_hours(2));
        assert_eq!(outcome(&t.knock(of).await), expected);
    }
    // A new password binds it anew.
    let change = GroupChange { password: Some(Password::new("another violet otter")), ..GroupChange::default() };
    let changed = t.change(change).await;
    assert_eq!(outcome(&t.knock(&changed).await), "accepted");
}

#[tokio::test]
async fn n89_endpoints_of_another_project_are_as_good_as_none() {
    let t = Tree::new().await;
    let other = t.w.place("other").await;
    let (a, ctx, permit) = (&t.w.authority, t.w.ctx(), t.w.permit(other.project.id));
    let (id, number) = (t.endpoint.id, t.account.group.number);
    let answers = [
        outcome(&a.endpoint(&permit, id).await),
        outcome(&a.change_endpoint(&ctx, &permit, id, EndpointChange::default()).await),
        outcome(&a.delete_endpoint(&ctx, &permit, id).await),
        outcome(&a.issue_endpoint_token(&t.w.ctx_on("device"), &permit, id, json!({})).await),
        outcome(&a.endpoint_group(&permit, number).await),
        outcome(&a.change_endpoint_group(&ctx, &permit, number, GroupChange::default()).await),
        outcome(&a.delete_endpoint_group(&ctx, &permit, number).await),
        outcome(&a.group_presence(&ctx, &permit, number).await),
        outcome(&a.create_endpoint(&ctx, &permit, wanted(&t.account, "intruder")).await),
        outcome(&a.revoke_sessions(&ctx, &permit, SessionsOf::EndpointGroup(t.account.group.id)).await),
        a.endpoint_secret(&permit, &t.endpoint).err().unwrap().code(),
    ];
    assert_eq!(answers, ["not_found"; 11]);
    let order = GroupOrder { by: GroupKey::Age, descending: false };
    assert_eq!(a.endpoint_groups(&permit, GroupFilter::default(), order, ALL).await.unwrap().total, 0);
    let everything = EndpointFilter { user_name: Some("desk".to_owned()), ..EndpointFilter::default() };
    assert_eq!(a.endpoints(&ctx, &permit, everything, ALL).await.unwrap().total, 0);
    assert_eq!(t.ways(&t.token().await).await, ["accepted"; 4]);
}

#[tokio::test]
async fn the_account_of_a_group_is_reached_through_its_group_only() {
    let t = Tree::new().await;
    let (a, ctx, permit) = (&t.w.authority, t.w.ctx(), t.w.home_permit());
    assert_eq!(outcome(&a.endpoint(&permit, t.account.id).await), "not_found");
    assert_eq!(outcome(&a.delete_endpoint(&ctx, &permit, t.account.id).await), "not_found");
    assert_eq!(outcome(&issue(&t.w, &t.account).await), "not_found");
    // Erased, it is gone; the group and the endpoints below stay.
    a.erase_identity(&ctx, &permit, t.account.id).await.unwrap();
    assert_eq!(a.endpoint_group(&permit, t.account.group.number).await.unwrap().group.id, t.account.group.id);
    assert_eq!(t.ways(&t.token().await).await, ["accepted", "accepted", "accepted", "invalid_credentials"]);
}

#[tokio::test]
async fn so_many_endpoints_may_share_a_tag_and_no_more() {
    let t = Tree::new().await;
    let tagged = |n: usize| EndpointRequest { tag: Some("t".to_owned()), ..wanted(&t.account, &format!("e{n}")) };
    for n in 0..1000 {
        try_endpoint(&t.w, tagged(n)).await.unwrap();
    }
    assert_eq!(outcome(&try_endpoint(&t.w, tagged(1000)).await), "invalid");
    let change = EndpointChange { tag: Some(Some("t".to_owned())), ..EndpointChange::default() };
    assert_eq!(outcome(&t.change_endpoint(change).await), "invalid");
}

#[tokio::test]
async fn a_rewrapped_secret_opens_with_the_new_master_key() {
    use ringfence_core::{
        seal::{KeyRing, Sealer},
        testing::SeededEntropy,
    };
    let t = Tree::new().await;
    let rotated = KeyRing::generate(SeededEntropy::new(2).as_ref()).rotated(SeededEntropy::new(3).as_ref());
    let node = t.w.node_with(|parts| parts.sealer = Sealer::new(&rotated));
    let done = node.rewrap(&t.w.ctx(), &t.w.installation()).await.unwrap();
    assert_eq!(done.endpoints, 2);
    let again = node.endpoint(&t.w.home_permit(), t.endpoint.id).await.unwrap();
    assert_ne!(again.secret, t.endpoint.secret);
    let same = node.endpoint_secret(&t.w.home_permit(), &again).unwrap();
    assert_eq!(same.expose(), t.secret(&t.endpoint).expose());
}

/// A guest who wants to reach an assistant.
fn visit(w: &World, target: &str, ticket: Option<GuestTicket>) -> PresentedCredential {
    PresentedCredential::Guest {
        project: ProjectRef::Id(w.home.project.id),
        profile: Profile::default(),
        attributes: Map::new(),
        target: Some(("assistant".to_owned(), target.to_owned())),
        ticket,
    }
}

#[tokio::test]
async fn n85_a_ticket_brings_back_the_same_guest_for_the_same_target_and_nobody_else() {
    let w = support::world().await;
    for name in ["helper", "other"] {
        let (kind, name) = ("assistant".to_owned(), name.to_owned());
        w.authority.add_guest_target(&w.ctx(), &w.home_permit(), kind, name).await.unwrap();
    }
    let [ticket, stranger] = [0; 2].map(|_| TokenKind::GuestTicket.mint(w.entropy.as_ref()));
    let first = w.authority.sign_in(&w.ctx(), visit(&w, "helper", Some(GuestTicket::New(ticket.clone())))).await;
    let first = first.unwrap();
    let back = async |target: &'static str, ticket: &RawToken| {
        w.authority.sign_in(&w.ctx(), visit(&w, target, Some(GuestTicket::Known(ticket.clone())))).await
    };
    let again = back("helper", &ticket).await.unwrap();
    assert_eq!((again.identity.id, again.session), (first.identity.id, first.session.clone()));
    assert_eq!(outcome(&back("other", &ticket).await), "not_found");
    assert_eq!(outcome(&back("unknown", &ticket).await), "not_found");
    assert_eq!(outcome(&back("helper", &stranger).await), "not_found");
    assert_eq!(outcome(&back("helper", &RawToken::new("chosen by the visitor")).await), "not_found");
    // Nobody can choose what is going to be a ticket, and a ticket is no token of another kind.
    let chosen = Some(GuestTicket::New(RawToken::new("chosen by the visitor")));
    assert_eq!(outcome(&w.authority.sign_in(&w.ctx(), visit(&w, "helper", chosen)).await), "token_type");
    assert_eq!(outcome(&w.bearer(&ticket).await), "token_type");
    assert_eq!(outcome(&w.assert(&ticket).await), "token_type");
    assert_eq!(
        outcome(&w.authority.authenticate(&w.ctx(), PresentedCredential::ApiKey(ticket.clone())).await),
        "token_type"
    );
    let session = SessionsOf::Session(first.session.unwrap().id);
    w.authority.revoke_sessions(&w.ctx(), &w.home_permit(), session).await.unwrap();
    assert_eq!(outcome(&back("helper", &ticket).await), "session_revoked");
}

#[tokio::test]
async fn an_end_in_the_past_ends_an_endpoint_at_once() {
    let t = Tree::new().await;
    let token = t.token().await;
    t.w.bus.take();
    let past = Timestamp::from_seconds(1_517_610_327);
    let ended = t.change_endpoint(EndpointChange { expires_at: Some(past), ..EndpointChange::default() }).await;
    assert!(ended.unwrap().has_expired(t.w.clock.now()));
    assert!(matches!(t.w.bus.take()[..], [SecurityEvent::SessionRevoked(_), SecurityEvent::IdentityChanged(_)]));
    assert_eq!(t.ways(&token).await, ["identity_suspended", "identity_suspended", "identity_suspended", "accepted"]);
}
