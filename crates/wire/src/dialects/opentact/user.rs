//! Users as they are shown, and what they say of themselves.

use ringfence_core::{
    authority::{Person, ProfileChange},
    error::{AuthError, Rule},
    identity::{Identifier, Identity, Profile},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{NAME, answer::instant, body::Members, caller::ADMINISTRATOR};
use crate::app::App;

/// What a user says of themselves, in sign-up and in changes alike.
pub(super) struct Said {
    pub(super) profile: ProfileChange,
}

impl Said {
    /// Reads it. Null clears, and what is not there stays.
    pub(super) fn of(members: &mut Members) -> Self {
        let mut text = |name, least, most| members.has(name).then(|| members.text_within(name, least, most));
        let (given_name, family_name) = (text("first_name", 1, 24), text("last_name", 1, 24));
        let phone_number = text("phone_number", 3, 16);
        let mut own = Map::new();
        if let Some(gender) = text("gender", 1, 24) {
            if gender.as_deref().is_some_and(|gender| !["Male", "Female", "Other"].contains(&gender)) {
                members.fault("gender", Rule::Malformed);
            }
            own.insert("gender".to_owned(), gender.into());
        }
        let mut text = |name, least, most| members.has(name).then(|| members.text_within(name, least, most));
        let (avatar, born) = (text("avatar", 1, 2048), text("dob", 1, 40));
        if let Some(avatar) = avatar {
            if avatar.as_deref().is_some_and(|url| !url.starts_with("https://")) {
                members.fault("avatar", Rule::Malformed);
            }
            own.insert("avatar".to_owned(), avatar.into());
        }
        if let Some(born) = born {
            let read = born.as_deref().map(day_or_instant);
            if read == Some(None) {
                members.fault("dob", Rule::Malformed);
            }
            own.insert("dob".to_owned(), instant(read.flatten()));
        }
        let attributes = (!own.is_empty()).then_some((NAME, own));
        Self {
            profile: ProfileChange { given_name, family_name, phone_number, attributes, ..ProfileChange::default() },
        }
    }

    /// The same for somebody new.
    pub(super) fn into_new(self) -> (Profile, Map<String, Value>) {
        let said = self.profile;
        let profile = Profile {
            given_name: said.given_name.flatten(),
            family_name: said.family_name.flatten(),
            phone_number: said.phone_number.flatten(),
            ..Profile::default()
        };
        let own = said.attributes.map(|(_, own)| own).unwrap_or_default();
        let kept: Map<_, _> = own.into_iter().filter(|(_, value)| !value.is_null()).collect();
        (profile, Map::from_iter([(NAME.to_owned(), Value::Object(kept))]))
    }
}

/// A date of birth comes as a day or as an instant.
fn day_or_instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
}

/// Somebody's e-mail address.
pub(super) fn email(person: &Person) -> Option<&str> {
    let held = person.identifiers.iter().find(|held| held.identifier.scheme() == Identifier::EMAIL)?;
    Some(held.identifier.value())
}

/// The role that is shown: what an operator gave in the project as a whole.
pub(super) fn role(identity: &Identity) -> &'static str {
    let known = [ADMINISTRATOR, "Provider"];
    known.into_iter().find(|known| identity.project_roles().any(|role| role == *known)).unwrap_or("User")
}

/// Somebody without their account; `online` says whether they have a socket.
pub(super) fn render(person: &Person, online: bool) -> Value {
    let identity = &person.identity;
    let own = identity.attributes.get(NAME);
    let said = |name: &str| own.and_then(|own| own.get(name)).cloned().unwrap_or(Value::Null);
    let known_to = |provider: &str| {
        let mut names = person.identifiers.iter().map(|held| &held.identifier);
        names.find_map(|name| name.value().strip_prefix(provider).filter(|_| name.scheme() == "federated"))
    };
    json!({
        "created_on": instant(identity.created_at),
        "modified_on": instant(identity.updated_at),
        "uuid": identity.id,
        "email": email(person),
        "phone_number": identity.profile.phone_number,
        "first_name": identity.profile.given_name,
        "last_name": identity.profile.family_name,
        "wss_online": online,
        "avatar": said("avatar"),
        "dob": said("dob"),
        "gender": said("gender"),
        "role": role(identity),
        "deleted_on": instant(identity.standing.erased_at),
        "gmail_user_id": known_to("google:"),
        "facebook_user_id": known_to("facebook:"),
        "apple_user_id": null,
        "wechat_user_id": null,
    })
}

/// Somebody with what they are found by.
pub(super) async fn person(app: &App, identity: Identity) -> Result<Person, AuthError> {
    let identifiers = app.authority.identifiers(identity.id).await?;
    Ok(Person { identity, identifiers })
}

/// People as they are shown, with who of them is online.
pub(super) async fn render_all(
    app: &App,
    ctx: &ringfence_core::context::Ctx,
    people: &[Person],
) -> Result<Vec<Value>, AuthError> {
    let recorded = app.authority.present(ctx, people, NAME).await?;
    // What has just happened on this node is recorded in a moment.
    let online = |person: &Person| {
        let id = person.identity.id;
        recorded.contains(&id) || !app.live.reached(id, NAME).is_empty()
    };
    Ok(people.iter().map(|person| render(person, online(person))).collect())
}

/// One of them.
pub(super) async fn render_one(
    app: &App,
    ctx: &ringfence_core::context::Ctx,
    person: Person,
) -> Result<Value, AuthError> {
    Ok(render_all(app, ctx, &[person]).await?.pop().unwrap_or(Value::Null))
}
