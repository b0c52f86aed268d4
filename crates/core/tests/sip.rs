//! SIP domains and users: what a SIP server is told of them, what a digest opens, and what ends it.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::time::Duration;

use ringfence_core::{
    authority::{
        Authenticated, EndpointRequest, PresentedCredential, SipDomainChange, SipDomainRef, SipDomainRequest,
        SipInvitationRequest, SipName, SipUserChange, SipUserRequest,
    },
    caller::{Permit, Scope},
    digest::DigestAlgorithm,
    endpoint::{GroupFilter, GroupKey, GroupOrder, Window},
    entropy::OsEntropy,
    error::AuthError,
    identity::{Identifier, Profile},
    project::{Compat, ProjectPolicy, ProjectRef, SipPolicy},
    seal::{KeyRing, Sealer},
    secret::{Password, RawToken},
    sip::{SipDomain, SipUser},
    testing::{World, outcome},
    time::Clock as _,
};
use serde_json::Map;

const HA1: &str = "98e50217aedab69cde4c6166077cdc9b";
const HA1B: &str = "62789166d17cfe0f78850da0ca3d06ba";

/// A project that takes digests over HTTP, its domain `rtc.test` and alice there.
struct Phones {
    w: World,
    alice: SipUser,
}

fn rtc() -> SipDomainRef {
    SipDomainRef::named("rtc.test")
}

fn request(login: &str, password: Option<&str>) -> SipUserRequest {
    SipUserRequest {
        login: login.to_owned(),
        password: password.map(Password::new),
        profile: Profile::default(),
        attributes: Map::new(),
        same_domain_calls_only: false,
    }
}

async fn domain(w: &World, permit: &Permit, name: &str) -> Result<SipDomain, AuthError> {
    let wanted = SipDomainRequest { name: name.to_owned(), application: None, attributes: Map::new() };
    w.authority.create_sip_domain(&w.ctx(), permit, wanted).await
}

impl Phones {
    async fn new() -> Self {
        let w = support::world().await;
        let compat = Compat { digest_over_http: true, ..Compat::default() };
        let policy = ProjectPolicy { compat, ..ProjectPolicy::default() };
        let permit = w.home_permit();
        w.authority.configure_project(&w.ctx(), &permit, policy).await.unwrap();
        domain(&w, &permit, "rtc.test").await.unwrap();
        let wanted = request("alice", Some("s3cret-A"));
        let alice = w.authority.create_sip_user(&w.ctx(), &permit, rtc(), wanted).await.unwrap();
        Self { w, alice }
    }

    async fn ask(&self, username: &str, realm: &str, algorithm: DigestAlgorithm) -> Result<String, AuthError> {
        let name = SipName { username: username.to_owned(), realm: realm.to_owned() };
        let found = self.w.authority.sip_lookup(&self.w.ctx(), &self.w.home_permit(), name, algorithm).await?;
        Ok(found.hash.expose().to_owned())
    }

    async fn md5(&self, username: &str) -> Result<String, AuthError> {
        self.ask(username, "rtc.test", DigestAlgorithm::Md5).await
    }

    async fn shows(&self, ha1b: &str) -> Result<Authenticated, AuthError> {
        let project = ProjectRef::Id(self.w.home.project.id);
        let shown = PresentedCredential::Digest { project, ha1b: RawToken::new(ha1b) };
        self.w.authority.authenticate(&self.w.ctx(), shown).await
    }

    async fn signs_in(&self, name: &str, password: &str) -> Result<Authenticated, AuthError> {
        let shown = PresentedCredential::Password {
            project: ProjectRef::Id(self.w.home.project.id),
            identifier: Identifier::of(Identifier::SIP, name),
            password: Password::new(password),
        };
        self.w.authority.sign_in(&self.w.ctx(), shown).await
    }

    async fn change(&self, change: SipUserChange) -> Result<SipUser, AuthError> {
        let (ctx, permit) = (self.w.ctx(), self.w.home_permit());
        self.w.authority.change_sip_user(&ctx, &permit, rtc(), self.alice.identity.id, change).await
    }
}

fn login(new: &str) -> SipUserChange {
    SipUserChange { login: Some(new.to_owned()), ..SipUserChange::default() }
}

fn password(new: &str) -> SipUserChange {
    SipUserChange { password: Some(Password::new(new)), ..SipUserChange::default() }
}

#[tokio::test]
async fn a_sip_server_gets_ha1_or_ha1b_by_the_name_it_asks_with() {
    let p = Phones::new().await;
    assert_eq!(p.md5("alice").await.unwrap(), HA1);
    assert_eq!(p.md5("alice@rtc.test").await.unwrap(), HA1B);
    assert_eq!(p.ask("alice", "rtc.test", DigestAlgorithm::Sha256).await.unwrap().len(), 64);
    for (username, realm) in [
        ("bob", "rtc.test"),
        ("alice@other.test", "rtc.test"),
        ("alice@rtc.test@rtc.test", "rtc.test"),
        ("Alice", "rtc.test"),
        ("", "rtc.test"),
        ("alice", "RTC.test"),
        ("alice", "other.test"),
        ("alice\r\nX: y", "rtc.test"),
        ("al\0ice", "rtc.test"),
        ("\"alice\"", "rtc.test"),
    ] {
        assert_eq!(
            outcome(&p.ask(username, realm, DigestAlgorithm::Md5).await),
            "not_found",
            "n63 {username:?} {realm}"
        );
    }
}

#[tokio::test]
async fn another_projects_server_is_told_nothing() {
    let p = Phones::new().await;
    let other = p.w.place("other").await;
    let name = SipName { username: "alice".to_owned(), realm: "rtc.test".to_owned() };
    let permit = p.w.permit(other.project.id);
    let asked = p.w.authority.sip_lookup(&p.w.ctx(), &permit, name, DigestAlgorithm::Md5).await;
    assert_eq!(outcome(&asked), "not_found");
    assert_eq!(outcome(&p.w.authority.sip_domain(&permit, rtc()).await), "not_found");
    assert_eq!(outcome(&domain(&p.w, &permit, "rtc.test").await), "conflict", "the name is one in the installation");
    let elsewhere =
        PresentedCredential::Digest { project: ProjectRef::Id(other.project.id), ha1b: RawToken::new(HA1B) };
    assert_eq!(outcome(&p.w.authority.authenticate(&p.w.ctx(), elsewhere).await), "not_supported");
}

#[tokio::test]
async fn an_application_reaches_its_own_domains_only() {
    let p = Phones::new().await;
    let theirs = SipDomainRef { name: "rtc.test".to_owned(), of: Some(p.w.home.application.id) };
    assert_eq!(outcome(&p.w.authority.sip_domain(&p.w.home_permit(), theirs.clone()).await), "not_found");
    let deleted = p.w.authority.delete_sip_domain(&p.w.ctx(), &p.w.home_permit(), theirs).await;
    assert_eq!(outcome(&deleted), "not_found");
    assert!(p.md5("alice").await.is_ok());
}

#[tokio::test]
async fn names_that_would_share_a_hash_are_refused() {
    let p = Phones::new().await;
    for name in ["al:ice", "al@ice", "", "al ice", "alice@rtc.test"] {
        let wanted = request(name, None);
        let made = p.w.authority.create_sip_user(&p.w.ctx(), &p.w.home_permit(), rtc(), wanted).await;
        assert_eq!(outcome(&made), "invalid", "{name}");
        assert_eq!(outcome(&p.change(login(name)).await), "invalid", "{name}");
    }
    for name in ["a:b.test", "a@b.test", "A.test", "a b.test", ""] {
        assert_eq!(outcome(&domain(&p.w, &p.w.home_permit(), name).await), "invalid", "{name}");
    }
    let twin = p.w.authority.create_sip_user(&p.w.ctx(), &p.w.home_permit(), rtc(), request("alice", None)).await;
    assert_eq!(outcome(&twin), "conflict");
}

#[tokio::test]
async fn the_same_login_in_two_domains_is_two_users() {
    let p = Phones::new().await;
    let permit = p.w.home_permit();
    domain(&p.w, &permit, "other.test").await.unwrap();
    let wanted = request("alice", Some("s3cret-O"));
    let other = SipDomainRef::named("other.test");
    let twin = p.w.authority.create_sip_user(&p.w.ctx(), &permit, other, wanted).await.unwrap();
    assert_ne!(twin.identity.id, p.alice.identity.id);
    let told = p.ask("alice", "other.test", DigestAlgorithm::Md5).await;
    assert_eq!(told.unwrap(), "60f14ba745c99df4825f41de566b0c90");
    // N64: the HA1B of a user is that of its own domain and no other's.
    assert_eq!(p.shows("192bd4b5126be5faeb61669bb8b74880").await.unwrap().identity.id, twin.identity.id);
    assert_eq!(p.shows(HA1B).await.unwrap().identity.id, p.alice.identity.id);
}

#[tokio::test]
async fn a_new_login_is_hashed_without_the_password_and_frees_the_old_one() {
    let p = Phones::new().await;
    let who = p.signs_in("alice@rtc.test", "s3cret-A").await.unwrap();
    let token = p.w.token(&who).await;
    let changed = p.change(login("ally")).await.unwrap();
    assert_eq!(changed.endpoint.sip_address(), Some(("ally", "rtc.test")));
    assert_eq!(outcome(&p.md5("alice").await), "not_found");
    assert_ne!(p.md5("ally").await.unwrap(), HA1);
    assert_eq!(outcome(&p.w.bearer(&token).await), "session_revoked");
    assert_eq!(outcome(&p.shows(HA1B).await), "invalid_credentials");
    assert_eq!(outcome(&p.signs_in("ally@rtc.test", "s3cret-A").await), "accepted");
    p.change(login("alice")).await.unwrap();
    assert_eq!(p.md5("alice").await.unwrap(), HA1);
}

#[tokio::test]
async fn a_password_is_128_random_bits_unless_somebody_chose_one() {
    let p = Phones::new().await;
    let permit = p.w.home_permit();
    let made = p.w.authority.create_sip_user(&p.w.ctx(), &permit, rtc(), request("bob", None)).await.unwrap();
    let secret = p.w.authority.sip_password(&permit, &made).unwrap();
    assert!(secret.expose().len() == 32 && secret.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let chosen = p.w.authority.create_sip_user(&p.w.ctx(), &permit, rtc(), request("eve", Some("password"))).await;
    assert_eq!(outcome(&chosen), "invalid", "the project's rules count");
    let shown = format!("{made:?}");
    assert!(!shown.contains(secret.expose()), "{shown}");
}

#[tokio::test]
async fn n64_n65_only_the_ha1b_itself_opens_and_only_over_http() {
    let p = Phones::new().await;
    let who = p.shows(HA1B).await.unwrap();
    assert_eq!(who.identity.id, p.alice.identity.id);
    assert!(who.session.is_none() && who.scopes.is_empty());
    assert_eq!(outcome(&who.require_account()), "forbidden", "it speaks for the SIP user alone");
    for wrong in [&HA1B.to_uppercase(), &HA1B[1..], &format!("{HA1B}0"), HA1, "s3cret-A", "", &"0".repeat(32)] {
        assert_eq!(outcome(&p.shows(wrong).await), "invalid_credentials", "{wrong}");
    }
    for hash in [HA1, HA1B] {
        assert_eq!(outcome(&p.signs_in("alice@rtc.test", hash).await), "invalid_credentials");
    }
}

#[tokio::test]
async fn a_digest_is_no_credential_where_nobody_asked_for_it() {
    let p = Phones::new().await;
    let permit = p.w.home_permit();
    p.w.authority.configure_project(&p.w.ctx(), &permit, ProjectPolicy::default()).await.unwrap();
    assert_eq!(outcome(&p.shows(HA1B).await), "not_supported");
    assert_eq!(p.md5("alice").await.unwrap(), HA1, "SIP servers are told all the same");
}

#[tokio::test]
async fn each_use_of_a_digest_is_audited() {
    let p = Phones::new().await;
    p.w.trail().await;
    p.shows(HA1B).await.unwrap();
    p.shows(HA1).await.unwrap_err();
    let trail = p.w.trail().await.join("\n");
    assert!(trail.contains("digest.used") && trail.contains("digest.refused"), "{trail}");
}

#[tokio::test]
async fn wrong_digests_are_counted_by_address_and_by_project() {
    let p = Phones::new().await;
    let shown = |address: [u8; 4]| {
        let project = ProjectRef::Id(p.w.home.project.id);
        let shown = PresentedCredential::Digest { project, ha1b: RawToken::new("0".repeat(32)) };
        let ctx = p.w.ctx_from(address);
        let authority = &p.w.authority;
        async move { outcome(&authority.authenticate(&ctx, shown).await) }
    };
    for _ in 0..60 {
        assert_eq!(shown([192, 0, 2, 7]).await, "invalid_credentials");
    }
    assert_eq!(shown([192, 0, 2, 7]).await, "throttled");
    for host in 1..=9 {
        for _ in 0..60 {
            assert_eq!(shown([203, 0, 113, host]).await, "invalid_credentials");
        }
    }
    assert_eq!(shown([203, 0, 113, 200]).await, "throttled", "600 wrong ones in the project");
    assert_eq!(outcome(&p.shows(HA1B).await), "throttled");
    p.w.clock.advance(Duration::from_secs(61));
    assert_eq!(outcome(&p.shows(HA1B).await), "accepted");
}

#[tokio::test]
async fn n67_who_may_not_come_in_is_unknown_to_sip_servers_and_tokens_below_are_dead() {
    for what in ["user", "domain", "project"] {
        let p = Phones::new().await;
        let (w, permit) = (&p.w, p.w.home_permit());
        let token = w.token(&p.signs_in("alice@rtc.test", "s3cret-A").await.unwrap()).await;
        match what {
            "user" => drop(w.authority.suspend_identity(&w.ctx(), &permit, p.alice.identity.id, true).await.unwrap()),
            "domain" => {
                let change = SipDomainChange { disabled: Some(true), ..SipDomainChange::default() };
                w.authority.change_sip_domain(&w.ctx(), &permit, rtc(), change).await.unwrap();
            }
            _ => drop(w.authority.disable_project(&w.ctx(), &permit, true).await.unwrap()),
        }
        let answers = [
            outcome(&p.md5("alice").await),
            outcome(&p.shows(HA1B).await),
            outcome(&p.signs_in("alice@rtc.test", "s3cret-A").await),
            outcome(&w.bearer(&token).await),
        ];
        assert!(answers.iter().all(|answer| *answer != "accepted"), "{what}: {answers:?}");
    }
}

#[tokio::test]
async fn a_deleted_domain_takes_its_users_along_and_frees_its_name() {
    let p = Phones::new().await;
    p.w.authority.delete_sip_domain(&p.w.ctx(), &p.w.home_permit(), rtc()).await.unwrap();
    assert_eq!(outcome(&p.md5("alice").await), "not_found");
    assert_eq!(outcome(&p.shows(HA1B).await), "invalid_credentials");
    domain(&p.w, &p.w.home_permit(), "rtc.test").await.unwrap();
    assert_eq!(outcome(&p.md5("alice").await), "not_found");
}

#[tokio::test]
async fn a_digest_is_found_during_and_after_a_change_of_the_master_key() {
    let p = Phones::new().await;
    let ring = KeyRing::generate(ringfence_core::testing::SeededEntropy::new(2).as_ref());
    let rotated = ring.rotated(&OsEntropy);
    let between = p.w.node_with(|parts| parts.sealer = Sealer::new(&rotated));
    let shown =
        || PresentedCredential::Digest { project: ProjectRef::Id(p.w.home.project.id), ha1b: RawToken::new(HA1B) };
    assert_eq!(outcome(&between.authenticate(&p.w.ctx(), shown()).await), "accepted");
    assert_eq!(between.rewrap(&p.w.ctx(), &p.w.installation()).await.unwrap().sip_users, 1);
    let newest = KeyRing::parse(rotated.to_text().lines().nth(2).unwrap()).unwrap();
    let after = p.w.node_with(|parts| parts.sealer = Sealer::new(&newest));
    assert_eq!(outcome(&after.authenticate(&p.w.ctx(), shown()).await), "accepted");
}

#[tokio::test]
async fn digests_are_shown_only_where_they_are_readable_anyway() {
    let p = Phones::new().await;
    let (w, permit) = (&p.w, p.w.home_permit());
    assert_eq!(outcome(&w.authority.sip_digests(&permit, &p.alice).await), "not_supported");
    let sip = Some(SipPolicy { domain: "rtc.test".to_owned(), unsealed: true });
    let policy = ProjectPolicy { sip, ..ProjectPolicy::default() };
    w.authority.configure_project(&w.ctx(), &permit, policy).await.unwrap();
    let shown = w.authority.sip_digests(&permit, &p.alice).await.unwrap();
    assert_eq!(shown.ha1(DigestAlgorithm::Md5).expose(), HA1);
}

#[tokio::test]
async fn a_user_changes_its_own_password_only_after_showing_the_old_one() {
    let p = Phones::new().await;
    let at = &p.w.authority;
    let by_digest = p.shows(HA1B).await.unwrap();
    let refused = at.change_own_sip_user(&p.w.ctx(), &by_digest, password("otter glass violet")).await;
    assert_eq!(outcome(&refused), "step_up_required");
    let nickname =
        ringfence_core::authority::ProfileChange { nickname: Some(Some("Al".to_owned())), ..Default::default() };
    let harmless = SipUserChange { profile: nickname, same_domain_calls_only: Some(true), ..SipUserChange::default() };
    let changed = at.change_own_sip_user(&p.w.ctx(), &by_digest, harmless).await.unwrap();
    assert_eq!((changed.identity.profile.nickname.as_deref(), changed.same_domain_calls_only), (Some("Al"), false));
    let who = p.signs_in("alice@rtc.test", "s3cret-A").await.unwrap();
    at.change_own_sip_user(&p.w.ctx(), &who, password("otter glass violet")).await.unwrap();
    assert_eq!(outcome(&p.shows(HA1B).await), "invalid_credentials");
    assert_eq!(outcome(&p.signs_in("alice@rtc.test", "otter glass violet").await), "accepted");
}

#[tokio::test]
async fn an_invitation_makes_one_user() {
    let p = Phones::new().await;
    let (w, permit) = (&p.w, p.w.home_permit());
    let invite = async |seconds| {
        let expires_at = w.clock.now() + Duration::from_secs(seconds);
        let wanted = SipInvitationRequest { name: "for Bob".to_owned(), expires_at };
        w.authority.create_sip_invitation(&w.ctx(), &permit, rtc(), wanted).await
    };
    let token = invite(60).await.unwrap().token;
    assert_eq!(w.authority.sip_invitation_domain(&w.ctx(), &token).await.unwrap().name, "rtc.test");
    let (ctx, wanted) = ([w.ctx(), w.ctx()], [request("bob", None), request("ben", None)]);
    let [one, two] = wanted;
    let (first, second) = tokio::join!(
        w.authority.accept_sip_invitation(&ctx[0], &token, one),
        w.authority.accept_sip_invitation(&ctx[1], &token, two)
    );
    let answers = [outcome(&first), outcome(&second)];
    assert!(answers.contains(&"accepted") && answers.contains(&"verification_invalid"), "{answers:?}");
    let made = first.or(second).unwrap();
    assert!(made.same_domain_calls_only, "the invited do not say what they may call");
    let late = invite(60).await.unwrap().token;
    w.clock.advance(Duration::from_mins(1));
    let late = w.authority.accept_sip_invitation(&w.ctx(), &late, request("late", None)).await;
    assert_eq!(outcome(&late), "verification_invalid");
}

#[tokio::test]
async fn plain_operations_on_endpoints_do_not_reach_sip_users() {
    let p = Phones::new().await;
    let (w, permit) = (&p.w, p.w.home_permit());
    let order = GroupOrder { by: GroupKey::Age, descending: false };
    let window = Window { offset: 0, limit: 9 };
    let groups = w.authority.endpoint_groups(&permit, GroupFilter::default(), order, window).await.unwrap();
    assert!(groups.items.is_empty());
    let number = p.alice.endpoint.group.number;
    assert_eq!(outcome(&w.authority.endpoint_group(&permit, number).await), "not_found");
    let wanted =
        EndpointRequest { group: number, user_name: "x".to_owned(), name: "x".to_owned(), tag: None, expires_at: None };
    assert_eq!(outcome(&w.authority.create_endpoint(&w.ctx(), &permit, wanted).await), "not_found");
    assert_eq!(outcome(&w.authority.endpoint(&permit, p.alice.identity.id).await), "not_found");
    assert_eq!(outcome(&w.authority.delete_endpoint_group(&w.ctx(), &permit, number).await), "not_found");
}

#[tokio::test]
async fn n69_relay_credentials_go_to_who_may_and_not_without_end() {
    let p = Phones::new().await;
    let (w, day) = (&p.w, Duration::from_hours(24));
    let at = &w.authority;
    let ann = w.sign_in(&w.member("ann").await).await;
    assert_eq!(outcome(&at.turn_credential(&w.ctx(), &ann, day).await), "not_supported", "no secret yet");
    let first = at.adopt_turn_secret(&w.ctx(), &w.installation(), at.fresh_turn_secret()).await.unwrap();
    assert!(first.previous.is_none());
    let given = at.turn_credential(&w.ctx(), &ann, day * 365).await.unwrap();
    assert_eq!(given.expires_at, ann.session.as_ref().unwrap().expires_at, "not beyond the session");
    assert_eq!(given.username, format!("{}:{}", given.expires_at.seconds(), ann.identity.id.short()));
    assert_eq!(outcome(&at.turn_credential(&w.ctx(), &w.guest().await, day).await), "forbidden");
    let plain = w.api_key(&[Scope::IdentitiesRead]).await.value;
    let plain = at.authenticate(&w.ctx(), PresentedCredential::ApiKey(plain)).await.unwrap();
    assert_eq!(outcome(&at.turn_credential(&w.ctx(), &plain, day).await), "forbidden");
    let mut answers = Vec::new();
    for _ in 0..1000 {
        answers.push(outcome(&at.turn_credential(&w.ctx(), &ann, day).await));
    }
    assert_eq!(answers.iter().filter(|answer| **answer == "accepted").count(), 58);
    assert_eq!(answers.last(), Some(&"throttled"));
    w.clock.advance(Duration::from_mins(1));
    assert_eq!(outcome(&at.turn_credential(&w.ctx(), &ann, day).await), "accepted");
    let second = at.adopt_turn_secret(&w.ctx(), &w.installation(), at.fresh_turn_secret()).await.unwrap();
    assert_eq!(second.previous.as_ref().unwrap().expose(), first.current.expose());
    let made = at.turn_credential(&w.ctx(), &ann, day).await.unwrap();
    let again = second.current.credential(&ann.identity.id.short(), made.expires_at);
    assert_eq!(made.password.expose(), again.password.expose());
    let rotated = KeyRing::generate(ringfence_core::testing::SeededEntropy::new(2).as_ref()).rotated(&OsEntropy);
    let node = w.node_with(|parts| parts.sealer = Sealer::new(&rotated));
    node.rewrap(&w.ctx(), &w.installation()).await.unwrap();
    let kept = node.turn_secrets(&w.installation()).await.unwrap().unwrap();
    assert_eq!(kept.current.expose(), second.current.expose());
}

#[tokio::test]
async fn a_disabled_application_closes_its_domains() {
    let p = Phones::new().await;
    let (w, permit) = (&p.w, p.w.home_permit());
    let application = w.home.application.id;
    let (name, attributes) = ("app.test".to_owned(), Map::new());
    let wanted = SipDomainRequest { name, application: Some(application), attributes };
    w.authority.create_sip_domain(&w.ctx(), &permit, wanted).await.unwrap();
    let app = SipDomainRef { name: "app.test".to_owned(), of: Some(application) };
    w.authority.create_sip_user(&w.ctx(), &permit, app, request("alice", Some("s3cret-A"))).await.unwrap();
    assert!(p.ask("alice", "app.test", DigestAlgorithm::Md5).await.is_ok());
    w.authority.disable_application(&w.ctx(), &permit, application, true).await.unwrap();
    assert_eq!(outcome(&p.ask("alice", "app.test", DigestAlgorithm::Md5).await), "disabled");
}
