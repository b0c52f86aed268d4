//! N88–N90: what belongs to another project is as good as nothing, and nobody gets more than they have.

use ringfence_core::{
    application::{Alias, ApplicationSettings},
    authority::{ApiKeyRequest, InvitationRequest, LinkTemplate, PresentedCredential, ProfileChange},
    caller::{Caller, Permit, Scope, ScopeSet},
    error::AuthError,
    identity::{Identifier, IdentityFilter, Profile},
    ids::{ApplicationId, CredentialId, GuestTargetId, IdentityId, IssuerId, SessionId},
    project::ProjectRef,
    secret::{Password, RawToken},
    session::SessionsOf,
    testing::{ASSERTIONS, LADDER, Member, PASSWORD, Place, World, outcome},
};
use serde_json::{Map, json};

use crate::support::world;

fn key_request(scopes: &[Scope], application: Option<ApplicationId>) -> ApiKeyRequest {
    ApiKeyRequest {
        label: "backend".to_owned(),
        scopes: scopes.iter().copied().collect(),
        application,
        expires_at: None,
        value: None,
    }
}

/// Another project with one of everything.
struct Far {
    place: Place,
    bob: Member,
    identity: IdentityId,
    session: SessionId,
    key: CredentialId,
    issuer: IssuerId,
    target: GuestTargetId,
    permit: Permit,
}

impl Far {
    async fn make(w: &World) -> Self {
        let place = w.place("far").await;
        let bob = w.member_of(&place, "bob").await;
        let session = w.sign_in(&bob).await.session.unwrap().id;
        let permit = w.permit(place.project.id);
        let key = w.authority.create_api_key(&w.ctx(), &permit, key_request(&[], None)).await.unwrap();
        let issuer = w.authority.issuers(&permit, place.application.id).await.unwrap()[0].id;
        let (kind, name) = ("assistant".to_owned(), "a-1".to_owned());
        let target = w.authority.add_guest_target(&w.ctx(), &permit, kind, name).await.unwrap();
        let (target, key) = (target.id, key.credential.id);
        Self { identity: bob.identity.id, place, bob, session, key, issuer, target, permit }
    }

    /// A name of the application.
    fn alias(&self) -> Alias {
        Alias { scheme: "test:application".to_owned(), value: self.place.application.id.short() }
    }

    fn sessions(&self) -> [SessionsOf; 6] {
        [
            SessionsOf::Session(self.session),
            SessionsOf::Identity(self.identity),
            SessionsOf::IdentityExcept(self.identity, self.session),
            SessionsOf::Application(self.place.application.id),
            SessionsOf::Issuer(self.issuer),
            SessionsOf::Project(self.place.project.id),
        ]
    }
}

#[tokio::test]
async fn n89_a_permit_reaches_nothing_of_another_project() {
    let w = world().await;
    let (far, own) = (Far::make(&w).await, w.home_permit());
    w.audited(far.place.project.id).await;
    w.trail().await;
    w.bus.take();
    let (at, ctx) = (&w.authority, w.ctx());
    let (id, application) = (far.identity, far.place.application.id);
    let settings = ApplicationSettings::default;
    let mut answers = vec![
        ("identity", outcome(&at.identity(&own, id).await)),
        ("identity_by", outcome(&at.identity_by(&own, Identifier::email(&far.bob.email)).await)),
        ("suspend_identity", outcome(&at.suspend_identity(&ctx, &own, id, true).await)),
        ("restore_identity", outcome(&at.suspend_identity(&ctx, &own, id, false).await)),
        ("erase_identity", outcome(&at.erase_identity(&ctx, &own, id).await)),
        ("change_identity", outcome(&at.change_identity(&ctx, &own, id, ProfileChange::default()).await)),
        ("unlock_identity", outcome(&at.unlock_identity(&ctx, &own, id).await)),
        ("set_password", outcome(&at.set_password(&ctx, &own, id, Password::new("an entirely new one")).await)),
        ("import_password", outcome(&at.import_password(&ctx, &own, id, "$2b$10$x").await)),
        ("public_identity", outcome(&at.public_identity(w.home.reference(), id).await)),
        ("session", outcome(&at.session(&own, far.session).await)),
        ("revoke_api_key", outcome(&at.revoke_api_key(&ctx, &own, far.key).await)),
        ("create_api_key", outcome(&at.create_api_key(&ctx, &own, key_request(&[], Some(application))).await)),
        ("configure", outcome(&at.configure_application(&ctx, &own, application, settings(), vec![]).await)),
        ("disable_application", outcome(&at.disable_application(&ctx, &own, application, true).await)),
        ("enable_application", outcome(&at.disable_application(&ctx, &own, application, false).await)),
        ("remove_alias", outcome(&at.remove_alias(&ctx, &own, application, far.alias()).await)),
        ("remove_guest_target", outcome(&at.remove_guest_target(&ctx, &own, far.target).await)),
        ("revoke_issuer", outcome(&at.revoke_issuer(&ctx, &own, application, far.issuer).await)),
        ("revoke_issuer here", outcome(&at.revoke_issuer(&ctx, &own, w.home.application.id, far.issuer).await)),
        ("issuer_with", outcome(&at.issuer_with(&own, application, ASSERTIONS.name, &far.place.secret).await)),
        ("trust_issuer", outcome(&at.trust_issuer(&ctx, &own, application, ASSERTIONS.name, None).await)),
        ("issuers", outcome(&at.issuers(&own, application).await)),
        ("trusts", outcome(&at.trusts(&own, application, ASSERTIONS.name, &far.place.secret).await)),
    ];
    for of in far.sessions() {
        answers.push(("revoke_sessions", outcome(&at.revoke_sessions(&ctx, &own, of).await)));
        answers.push(("sessions", outcome(&at.sessions(&ctx, &own, of, None, 10).await)));
    }
    for (operation, code) in answers {
        assert_eq!(code, "not_found", "{operation}");
    }
    assert_eq!(w.audited(far.place.project.id).await, []);
    assert_eq!((w.trail().await, w.bus.take()), (vec![], vec![]));
    assert_eq!(at.session(&far.permit, far.session).await.unwrap().revoked_at, None);
}

#[tokio::test]
async fn n89_lists_hold_nothing_of_another_project() {
    let w = world().await;
    let (far, own) = (Far::make(&w).await, w.home_permit());
    let at = &w.authority;
    assert!(at.identities(&own, IdentityFilter::default(), None, 100).await.unwrap().is_empty());
    assert!(at.api_keys(&own, None, 100).await.unwrap().is_empty());
    assert!(at.guest_targets(&own).await.unwrap().is_empty());
    let applications = at.applications(&own, None, 100).await.unwrap();
    assert_eq!(applications.iter().map(|found| found.id).collect::<Vec<_>>(), [w.home.application.id]);
    // Another project's id as a place to go on from changes nothing.
    let after = at.applications(&own, Some(far.place.application.id), 100).await.unwrap();
    assert!(after.iter().all(|found| found.project == w.home.project.id));
    // Both have a `widget`.
    assert_eq!(at.application_by_name(&own, "widget").await.unwrap().id, w.home.application.id);
    assert_eq!(at.identities(&far.permit, IdentityFilter::default(), None, 100).await.unwrap().len(), 2);
}

#[tokio::test]
async fn n89_a_member_reaches_no_application_of_another_project() {
    let w = world().await;
    let far = Far::make(&w).await;
    let ann = w.member("ann").await;
    w.give_role(&ann, "owner").await;
    let ann = w.sign_in(&ann).await;
    let (at, ctx, there) = (&w.authority, w.ctx(), far.place.reference());
    let wanted = InvitationRequest {
        email: "new@example.org".to_owned(),
        role: "user".to_owned(),
        attributes: Map::new(),
        link: LinkTemplate(String::new()),
    };
    let needs = World::needs("guest");
    for (operation, code) in [
        ("membership", outcome(&at.membership(&ann, there.clone(), &LADDER).await)),
        ("permit_in", outcome(&at.permit_in(&ann, there.clone(), needs).await)),
        ("invitations", outcome(&at.invitations(&ann, there.clone(), needs).await)),
        ("invite", outcome(&at.invite(&ctx, &ann, there.clone(), needs, wanted).await)),
        ("join_application", outcome(&at.join_application(&ctx, &ann, there.clone(), "user").await)),
        ("replace_issuers", outcome(&at.replace_issuers(&ctx, &ann, there, needs, &ASSERTIONS).await)),
    ] {
        assert_eq!(code, "not_found", "{operation}");
    }
    assert!(at.trusts(&far.permit, far.place.application.id, ASSERTIONS.name, &far.place.secret).await.unwrap());
}

#[tokio::test]
async fn n89_nobody_signs_in_across_projects() {
    let w = world().await;
    let far = Far::make(&w).await;
    // Bob's address and password are good there and nothing here.
    let here = Member { application: w.home.application.id, ..far.bob.clone() };
    let (at, ctx) = (&w.authority, w.ctx());
    assert_eq!(outcome(&at.sign_in(&ctx, here.shows(PASSWORD)).await), "invalid_credentials");
    assert_eq!(outcome(&at.sign_in(&ctx, far.bob.shows(PASSWORD)).await), "accepted");
    // What guests may reach there is nothing here.
    let visit = |place: &Place| PresentedCredential::Guest {
        project: place.reference(),
        profile: Profile::default(),
        attributes: Map::new(),
        target: Some(("assistant".to_owned(), "a-1".to_owned())),
        ticket: None,
    };
    assert_eq!(outcome(&at.sign_in(&ctx, visit(&w.home)).await), "not_found");
    assert_eq!(outcome(&at.sign_in(&ctx, visit(&far.place)).await), "accepted");
    // Their issuer's user with the same name is another one.
    let (own, _) = w.external("ext-1").await;
    let jwt = w.assertion(&far.place, json!({ "_id": "ext-1" }));
    let other = at.authenticate(&ctx, World::asserts(&far.place, &jwt)).await.unwrap();
    assert_ne!(own.identity.id, other.identity.id);
    // A reset asked for here does not reach them.
    let link = LinkTemplate("https://example.org/{token}".to_owned());
    at.request_password_reset(&ctx, w.home.reference(), &far.bob.email, link).await.unwrap();
    assert!(w.mailer.delivered().is_empty());
}

#[tokio::test]
async fn n89_a_session_counts_in_the_project_of_its_key_only() {
    let w = world().await;
    let far = Far::make(&w).await;
    let ann = w.member("ann").await;
    let token = w.token(&w.sign_in(&ann).await).await;
    let own = super::forge::Parts::of(&token);
    let key = super::forge::own_key(&w, own.kid()).await;
    // Signed by our key, naming a session of theirs.
    let forged = own.claim("sid", json!(far.session.to_string())).signed_by(&key);
    assert_eq!(outcome(&w.bearer(&forged).await), "token_key");
}

#[tokio::test]
async fn n89_an_alias_belongs_to_one_application() {
    let w = world().await;
    let far = Far::make(&w).await;
    let taken = far.alias();
    let (permit, id) = (w.home_permit(), w.home.application.id);
    let settings = ApplicationSettings::default();
    let answer = w.authority.configure_application(&w.ctx(), &permit, id, settings, vec![taken.clone()]).await;
    assert_eq!(outcome(&answer), "conflict");
    let alias = ProjectRef::Alias { scheme: "test:application", value: taken.value };
    assert_eq!(w.authority.find_application(alias).await.unwrap().1.id, far.place.application.id);
}

#[tokio::test]
async fn n88_making_an_api_key_needs_the_right_to() {
    let w = world().await;
    let far = Far::make(&w).await;
    let ann = w.member("ann").await;
    let (guest, external, member) = (w.guest().await, w.external("ext-1").await.0, w.sign_in(&ann).await);
    let reader = key_holder(&w, &[Scope::IdentitiesRead, Scope::ProjectsWrite]).await;
    for caller in [guest.caller(), external.caller(), member.caller(), reader] {
        let asked = caller.permit(Scope::CredentialsWrite, w.home.project.id);
        assert!(matches!(asked, Err(AuthError::Forbidden { needs: Scope::CredentialsWrite })), "{caller:?}");
    }
    let maker = key_holder(&w, &[Scope::All]).await;
    assert!(maker.permit(Scope::CredentialsWrite, w.home.project.id).is_ok());
    assert!(maker.permit(Scope::CredentialsWrite, far.place.project.id).is_err());
}

/// Whoever holds a key of the home project with these scopes.
async fn key_holder(w: &World, scopes: &[Scope]) -> Caller {
    let key = w.api_key(scopes).await.value;
    let who = w.authority.authenticate(&w.ctx(), PresentedCredential::ApiKey(key)).await;
    who.unwrap().caller()
}

#[tokio::test]
async fn n88_an_api_key_makes_no_key_with_more_than_it_has() {
    let w = world().await;
    let own = [Scope::CredentialsWrite, Scope::IdentitiesRead];
    let maker = key_holder(&w, &own).await;
    let permit = maker.permit(Scope::CredentialsWrite, w.home.project.id).unwrap();
    let make = async |scopes: &[Scope]| w.authority.create_api_key(&w.ctx(), &permit, key_request(scopes, None)).await;
    for scopes in [&[Scope::All][..], &[Scope::KeysWrite], &[Scope::IdentitiesRead, Scope::IdentitiesWrite]] {
        assert_eq!(outcome(&make(scopes).await), "forbidden", "{scopes:?}");
    }
    let minted = make(&own).await.unwrap();
    assert_eq!(minted.credential.scopes, own.into_iter().collect::<ScopeSet>());
    assert_eq!(outcome(&make(&[]).await), "accepted");
}

#[tokio::test]
async fn n88_a_role_in_an_application_hands_on_no_scope() {
    let w = world().await;
    let ann = w.member("ann").await;
    w.give_role(&ann, "owner").await;
    let ann = w.sign_in(&ann).await;
    let (permit, ..) = w.authority.permit_in(&ann, w.home.reference(), World::needs("owner")).await.unwrap();
    let minted = w.authority.create_api_key(&w.ctx(), &permit, key_request(&[Scope::IdentitiesRead], None)).await;
    assert_eq!(outcome(&minted), "forbidden");
}

#[tokio::test]
async fn n88_a_weak_value_from_elsewhere_is_refused_and_one_value_is_one_key() {
    let w = world().await;
    let permit = w.home_permit();
    let make = async |value: &str| {
        let wanted = ApiKeyRequest { value: Some(RawToken::new(value)), ..key_request(&[], None) };
        outcome(&w.authority.create_api_key(&w.ctx(), &permit, wanted).await)
    };
    assert_eq!(make("KEY0190").await, "invalid");
    assert_eq!(make("KEY0190-0123456789abcdef").await, "accepted");
    assert_eq!(make("KEY0190-0123456789abcdef").await, "conflict");
    let keys = w.authority.api_keys(&permit, None, 10).await.unwrap();
    assert_eq!(keys.len(), 1);
    let services = w.authority.identities(&permit, IdentityFilter::default(), None, 10).await.unwrap();
    assert_eq!(services.len(), 1, "a refused key leaves no service behind");
}

#[tokio::test]
async fn n90_whoever_comes_after_an_erased_one_is_somebody_else() {
    let w = world().await;
    let ann = w.member("ann").await;
    let before = w.sign_in(&ann).await;
    let token = w.token(&before).await;
    let (external, jwt) = w.external("ext-1").await;
    let permit = w.home_permit();
    w.authority.erase_self(&w.ctx(), &before).await.unwrap();
    w.authority.erase_identity(&w.ctx(), &permit, external.identity.id).await.unwrap();
    let again = w.member("ann").await;
    let fresh = w.assertion(&w.home, json!({ "_id": "ext-1", "jti": "fresh" }));
    let returned = w.assert(&fresh).await.unwrap();
    assert_ne!(again.identity.id, ann.identity.id);
    assert_ne!(returned.identity.id, external.identity.id);
    assert_eq!(outcome(&w.bearer(&token).await), "identity_suspended");
    assert_eq!(outcome(&w.assert(&jwt).await), "identity_suspended");
    assert_eq!(
        outcome(&w.authority.membership(&w.sign_in(&again).await, w.home.reference(), &LADDER).await),
        "not_found"
    );
    // The id itself cannot be had again.
    let mut recycled = again.identity.clone();
    recycled.id = ann.identity.id;
    let inserted = w.store.write(move |tx| Ok(tx.insert_identity(&recycled)?)).await;
    assert_eq!(outcome(&inserted), "internal");
}
