//! People as they are shown and as they change themselves.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ringfence_core::{
    authority::{AccountChange, LinkTemplate, NewEmail, Person, ProfileChange},
    error::{AuthError, Rule},
    picture::Picture,
};
use serde_json::{Map, Value, json};

use super::{
    NAME,
    body::Members,
    hal::{date, link},
    tokens::username,
};

/// What people agree to: the member on the wire, our attribute, and what faults call it.
const AGREEMENT: [(&str, &str, &str); 3] = [
    ("olderThan", "agreedOlderThan", "agreement.olderThan"),
    ("privacyPolicy", "agreedPrivacyPolicy", "agreement.privacyPolicy"),
    ("termsOfService", "agreedTermsOfService", "agreement.termsOfService"),
];
/// How people are told of things, likewise.
const NOTIFICATION: [(&str, &str, &str); 3] = [
    ("inApp", "notifyInApp", "preferences.notification.inApp"),
    ("mail", "notifyMail", "preferences.notification.mail"),
    ("push", "notifyPush", "preferences.notification.push"),
];
/// The same as clients of 2018 say it: flat, and as text.
const FLAT: [(&str, &str); 2] =
    [("preferences.messageEmailEnabled", "notifyMail"), ("preferences.messagePushEnabled", "notifyPush")];

/// What this dialect keeps of somebody new.
pub(super) fn attributes_of(members: &mut Members) -> Map<String, Value> {
    let mut own = Map::new();
    for (name, attribute, fault) in AGREEMENT {
        if let Some(flag) = members.flag(&["agreement", name], fault) {
            own.insert(attribute.to_owned(), flag.into());
        }
    }
    Map::from_iter([(NAME.to_owned(), Value::Object(own))])
}

/// A change from a plain object. Null takes names, job, telephone and image away and says nothing of anything else, for one
/// library writes every member it knows, null when unset.
pub(super) fn change_of(mut members: Members, link: &str) -> Result<AccountChange, AuthError> {
    let mut clearable = |name, least| members.has(name).then(|| members.text_within(name, least, 255));
    let profile = ProfileChange {
        given_name: clearable("givenName", 1),
        family_name: clearable("familyName", 1),
        phone_number: clearable("telephone", 0),
        attributes: Some((NAME, attributes(&mut members))),
        ..ProfileChange::default()
    };
    let picture = if members.has("image") { Some(image(&mut members)) } else { None };
    let email = members.text_within("email", 1, 180);
    let email = email.map(|address| NewEmail { address, link: LinkTemplate(link.to_owned()) });
    members.check()?;
    Ok(AccountChange { profile, picture, email })
}

/// The members that only this dialect knows, in our words.
fn attributes(members: &mut Members) -> Map<String, Value> {
    let mut own = Map::new();
    // Documentation and libraries disagree about the name.
    if let Some(name) = ["jobTitle", "job"].into_iter().find(|name| members.has(name)) {
        own.insert("jobTitle".to_owned(), members.text_within(name, 1, 255).into());
    }
    for (name, attribute) in FLAT {
        match members.get(name) {
            None => {}
            Some(Value::Bool(flag)) => drop(own.insert(attribute.to_owned(), (*flag).into())),
            Some(Value::String(text)) if ["true", "1"].contains(&text.as_str()) => {
                own.insert(attribute.to_owned(), true.into());
            }
            Some(Value::String(text)) if ["false", "0"].contains(&text.as_str()) => {
                own.insert(attribute.to_owned(), false.into());
            }
            Some(_) => members.fault("preferences", Rule::Malformed),
        }
    }
    let mut flag = |path: &[&str], attribute: &str, fault| {
        if let Some(flag) = members.flag(path, fault) {
            own.insert(attribute.to_owned(), flag.into());
        }
    };
    flag(&["optIn"], "optIn", "optIn");
    for (name, attribute, fault) in AGREEMENT {
        flag(&["agreement", name], attribute, fault);
    }
    for (name, attribute, fault) in NOTIFICATION {
        flag(&["preferences", "notification", name], attribute, fault);
    }
    own
}

/// A picture in a data URI.
fn image(members: &mut Members) -> Option<Picture> {
    let text = members.text("image")?;
    let encoded = text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).map(|(_, encoded)| encoded);
    let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    match bytes.ok_or(Rule::Malformed).map(Picture::check) {
        Ok(Ok(picture)) => Some(picture),
        Ok(Err(AuthError::Invalid(violations))) => {
            for found in violations {
                members.fault("image", found.rule);
            }
            None
        }
        Ok(Err(_)) | Err(_) => {
            members.fault("image", Rule::Malformed);
            None
        }
    }
}

/// Somebody as clients read them.
pub(super) fn render(person: &Person) -> Value {
    let (identity, login) = (&person.identity, username(&person.identifiers));
    let id = identity.id;
    let own = identity.attributes.get(NAME);
    let flag = |name: &str, default: bool| own.and_then(|own| own.get(name)?.as_bool()).unwrap_or(default);
    let flags = |names: &[(&str, &str, &str)], default: bool| -> Map<String, Value> {
        names.iter().map(|(name, attribute, _)| ((*name).to_owned(), flag(attribute, default).into())).collect()
    };
    let mut links = Map::new();
    links.insert("self".to_owned(), link(&format!("/people/{id}"), "person", &id));
    if identity.profile.picture.is_some() {
        links.insert("image".to_owned(), link(&format!("/people/{id}/image"), "person", &id));
    }
    json!({
        "type": "Person",
        "id": id,
        "username": login,
        "email": (!login.is_empty()).then_some(&login),
        "enabled": identity.standing.is_active(),
        "givenName": identity.profile.given_name,
        "familyName": identity.profile.family_name,
        "jobTitle": own.and_then(|own| own.get("jobTitle")?.as_str()),
        "telephone": identity.profile.phone_number,
        "optIn": flag("optIn", false),
        "agreement": flags(&AGREEMENT, false),
        "preferences": { "notification": flags(&NOTIFICATION, true) },
        "createdAt": date(identity.created_at),
        "updatedAt": date(identity.updated_at),
        "_links": links,
    })
}
