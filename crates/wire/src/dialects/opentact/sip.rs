//! SIP domains, users and invitations as they are shown and as bodies say them.

use ringfence_core::{
    authority::{SipUserChange, SipUserRequest},
    digest::{DigestAlgorithm, Digests},
    error::Rule,
    identity::is_email,
    sip::{SipDomain, SipInvitation, SipUser},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{NAME, answer::instant, body::Members, user::Said};

/// What a domain is connected with elsewhere. Names, that we keep and give back.
const LINKS: [&str; 3] = ["sip_connection", "sip_control_app", "outbound_voice_profile"];

/// A domain.
pub(super) fn domain(domain: &SipDomain) -> Value {
    let group = &domain.group;
    let own = group.attributes.get(NAME);
    let mut shown = json!({
        "uuid": group.id,
        "domain": domain.name,
        "created_on": instant(group.created_at),
        "modified_on": instant(group.updated_at),
        "deleted_on": null,
        "disabled_on": instant(group.disabled_at),
        "account": domain.application,
        "created_by": domain.created_by,
    });
    for link in LINKS {
        shown[link] = own.and_then(|own| own.get(link)).cloned().unwrap_or(Value::Null);
    }
    shown
}

/// What a body says a domain is connected with, as a patch of its attributes.
pub(super) fn links(members: &mut Members) -> Map<String, Value> {
    let mut own = Map::new();
    for link in LINKS {
        if members.has(link) {
            own.insert(link.to_owned(), members.text_within(link, 1, 64).into());
        }
    }
    Map::from_iter([(NAME.to_owned(), Value::Object(own))])
}

/// A user. Its hashes are as good as its password and not shown, unless the project keeps them readable anyway.
pub(super) fn user(user: &SipUser) -> Value {
    let profile = &user.identity.profile;
    let own = user.identity.attributes.get(NAME);
    let said = |name: &str| own.and_then(|own| own.get(name)).cloned().unwrap_or(Value::Null);
    json!({
        "uuid": user.identity.id,
        "login": user.login,
        "sip_domain": { "uuid": user.endpoint.group.id, "domain": user.domain },
        "account": user.application,
        "groups": [],
        "same_domain_calls_only": user.same_domain_calls_only,
        "first_name": profile.given_name,
        "last_name": profile.family_name,
        "phone_number": profile.phone_number,
        "email": said("email"),
        "avatar": said("avatar"),
        "dob": said("dob"),
        "gender": said("gender"),
        "created_on": instant(user.endpoint.created_at),
        "modified_on": instant(user.endpoint.updated_at),
        "deleted_on": instant(user.identity.standing.erased_at),
        "created_by": null,
        "modified_by": null,
    })
}

/// The same with its hashes.
pub(super) fn with_digests(shown: &mut Value, digests: &Digests) {
    shown["ha1"] = digests.ha1(DigestAlgorithm::Md5).expose().into();
    shown["ha1b"] = digests.ha1b(DigestAlgorithm::Md5).expose().into();
}

/// What a body says a new user is to be.
pub(super) fn wanted(members: &mut Members) -> SipUserRequest {
    let login = members.required("login", 1, 64);
    let password = members.password("password");
    let (email, same_domain_calls_only) = (email(members), members.flag("same_domain_calls_only"));
    let (profile, mut attributes) = Said::of(members).into_new();
    if let Some(Value::Object(own)) = attributes.get_mut(NAME) {
        own.extend(email.into_iter().filter(|(_, address)| !address.is_null()));
    }
    SipUserRequest {
        login,
        password,
        profile,
        attributes,
        same_domain_calls_only: same_domain_calls_only.unwrap_or(false),
    }
}

/// What a body says is to change of a user.
pub(super) fn change(members: &mut Members) -> SipUserChange {
    let login = members.text_within("login", 1, 64);
    let password = members.password("password");
    let (email, same_domain_calls_only) = (email(members), members.flag("same_domain_calls_only"));
    let mut said = Said::of(members).profile;
    if !email.is_empty() {
        said.attributes.get_or_insert_with(|| (NAME, Map::new())).1.extend(email);
    }
    SipUserChange { login, password, profile: said, same_domain_calls_only }
}

/// The address of a SIP user, as a patch of its attributes: it is one to write to, not one to log in with.
fn email(members: &mut Members) -> Map<String, Value> {
    if !members.has("email") {
        return Map::new();
    }
    let email = members.text_within("email", 5, 80);
    if email.as_deref().is_some_and(|email| !is_email(email)) {
        members.fault("email", Rule::Malformed);
    }
    Map::from_iter([("email".to_owned(), email.into())])
}

/// An invitation; its token is not known any more.
pub(super) fn invitation(invitation: &SipInvitation) -> Value {
    json!({
        "uuid": invitation.id,
        "name": invitation.name,
        "expired_on": instant(invitation.expires_at),
        "created_on": instant(invitation.created_at),
        "modified_on": instant(invitation.updated_at),
    })
}

/// A moment in a body.
pub(super) fn moment(members: &mut Members, name: &str) -> Option<Timestamp> {
    let read = Timestamp::parse_rfc3339(&members.text_within(name, 1, 40)?);
    if read.is_none() {
        members.fault(name, Rule::Malformed);
    }
    read
}
