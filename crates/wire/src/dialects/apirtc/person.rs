//! What a user is called here.

use ringfence_core::{
    authority::Authenticated,
    error::{AuthError, Noun},
    identity::{Identity, IdentityKind},
};
use serde_json::{Map, Value};

use super::NAME;
use crate::app::App;

/// The member of a guest's attributes that keeps the name it chose.
const ID: &str = "id";

/// The id on the channel: an account's own, the subject that a back end vouches for, or what a guest calls itself.
pub(super) async fn user_id(app: &App, who: &Authenticated) -> Result<String, AuthError> {
    let unnamed = AuthError::NotFound(Noun::Identifier);
    match who.identity.kind {
        IdentityKind::Guest => chosen_name(&who.identity).map(str::to_owned).ok_or(unnamed),
        IdentityKind::External => {
            let held = app.authority.identifiers(who.identity.id).await?;
            let subject = held.iter().find_map(|held| held.identifier.asserted_subject());
            subject.map(str::to_owned).ok_or(unnamed)
        }
        IdentityKind::Member | IdentityKind::Endpoint | IdentityKind::Service => Ok(who.identity.id.to_string()),
    }
}

/// What others see of somebody with an account; never an address.
pub(super) fn username(identity: &Identity) -> Option<String> {
    let profile = &identity.profile;
    let full = [&profile.given_name, &profile.family_name].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    profile.nickname.clone().or_else(|| (!full.is_empty()).then_some(full))
}

/// What is kept of a guest's name.
pub(super) fn attributes(name: &str) -> Map<String, Value> {
    let own = Map::from_iter([(ID.to_owned(), name.into())]);
    Map::from_iter([(NAME.to_owned(), own.into())])
}

fn chosen_name(guest: &Identity) -> Option<&str> {
    guest.attributes.get(NAME)?.get(ID)?.as_str()
}
